/** Texts of the reader. */
export const texts = {
  zh: { reader: "原文", close: "关闭", page_image: "{file} 第 {page} 页" },
  en: { reader: "Document", close: "Close", page_image: "{file}, page {page}" },
};
