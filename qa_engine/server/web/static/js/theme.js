/** Light or dark: as the system has it, unless the reader has chosen. */
import { remember, remembered, store } from "./store.js";

/** @typedef {"auto" | "light" | "dark"} Theme */

const kept = remembered("theme");
export const theme = store(/** @type {Theme} */ (kept === "light" || kept === "dark" ? kept : "auto"));

export function applyTheme() {
  document.documentElement.dataset.theme = theme.get();
}

/** @param {Theme} next */
export function setTheme(next) {
  remember("theme", next);
  theme.set(next);
  applyTheme();
}
