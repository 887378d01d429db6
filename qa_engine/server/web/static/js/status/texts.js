/** Texts of the screen. */
export const texts = {
  zh: { title: "状态" },
  en: { title: "Status" },
};
