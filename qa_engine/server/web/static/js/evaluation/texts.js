/** Texts of the screen. */
export const texts = {
  zh: { title: "评测" },
  en: { title: "Evaluation" },
};
