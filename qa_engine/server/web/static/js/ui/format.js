/** Numbers, times and names as people read them. */
import { language } from "../language.js";

const tag = () => (language.get() === "zh" ? "zh-CN" : "en-GB");

/** @param {number} value */
export function count(value) {
  return value.toLocaleString(tag());
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const [value, unit] = bytes < 1e6 ? [bytes / 1000, "KB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${value.toLocaleString(tag(), { maximumFractionDigits: value < 10 ? 1 : 0 })} ${unit}`;
}

/** @param {string} time */
export function moment(time) {
  return new Date(time).toLocaleString(tag(), { dateStyle: "medium", timeStyle: "short" });
}

/** A text of a document in which nothing is invisible or turns the direction of what follows. @param {string} text */
export function printable(text) {
  return text.replace(
    /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu,
    (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`,
  );
}
