/** Texts of the screen. */
export const texts = {
  zh: { title: "文档" },
  en: { title: "Documents" },
};
