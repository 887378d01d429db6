/** Texts of the screen. */
export const texts = {
  zh: { title: "问答" },
  en: { title: "Ask" },
};
