/** Copies an answer with its sources. */
import { visible } from "../ui/visible.js";
import { pagesOf } from "./sources.js";

/**
 * The text of an answer, and its sources below it with file, page, quote and address.
 * @param {(name: string, values?: Record<string, unknown>) => string} t
 * @param {import("./conversation.js").Turn} turn
 */
export function withSources(t, { text, citations }) {
  const sources = [...citations]
    .sort((one, other) => one.number - other.number)
    .map((one) => `[${one.number}] ${one.file}${t("comma")}${pagesOf(t, one)}${t("colon")}“${one.text.trim()}”${one.url ? `\n    ${one.url}` : ""}`);
  return visible(sources.length ? `${text}\n\n${t("sources")}\n${sources.join("\n")}\n` : text);
}

/**
 * Puts a text on the clipboard; false if the browser does not let it.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without HTTPS there is no clipboard: a selected field can still be copied.
    const field = document.createElement("textarea");
    const before = document.activeElement;
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (before instanceof HTMLElement) before.focus();
    return done;
  }
}
