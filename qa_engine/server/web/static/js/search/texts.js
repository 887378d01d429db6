/** Texts of the screen. */
export const texts = {
  zh: { title: "检索测试" },
  en: { title: "Search test" },
};
