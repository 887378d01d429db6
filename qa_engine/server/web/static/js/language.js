/** The language of the page: Chinese, or English by a switch. Each area brings its own texts in both. */
import { remember, remembered, store } from "./store.js";

/** @typedef {"zh" | "en"} Language */

export const language = store(/** @type {Language} */ (remembered("language") === "en" ? "en" : "zh"));

/** Tells the document its language. */
export function applyLanguage() {
  document.documentElement.lang = language.get() === "zh" ? "zh-CN" : "en";
}

/** @param {Language} next */
export function setLanguage(next) {
  remember("language", next);
  language.set(next);
  applyLanguage();
}

/**
 * A function from names of texts to texts in the language of the page; `{name}` in a text stands for a value.
 * It is a hook: the component is drawn again when the language changes.
 * @param {{ zh: Record<string, string>, en: Record<string, string> }} texts
 * @returns {(name: string, values?: Record<string, unknown>) => string}
 */
export function useTexts(texts) {
  const current = language.use();
  return (name, values = {}) => filled(texts[current][name] ?? name, values);
}

/**
 * @param {string} text
 * @param {Record<string, unknown>} values
 */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * The language of a text of a document, for screen readers and the choice of a font.
 * @param {string} text
 */
export function languageOf(text) {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  return han * 4 > letters ? "zh-CN" : "en";
}
