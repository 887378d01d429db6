/** What the reader shows. It is in the address of the page, so that back, reload and a copied link keep it. */
import { route, setQuery } from "../router.js";
import { store } from "../store.js";
import { prefetch } from "./loading.js";

export { prefetch };

/**
 * A citation, a passage or a sentence by its id; or a page of a file.
 * @typedef {{ citation: string, passage?: string } | { collection: string, file: string, page: number }} Target
 */

/** What the reader shows; null if it is closed. */
export const target = store(/** @type {Target | null} */ (parsed(route.get().query.read)));
/** The citations beside each other, for the steps to the previous and the next one. */
export const neighbours = store(/** @type {Target[]} */ ([]));

/** What had the focus when the reader was opened: it gets it back. @type {Element | null} */
let opener = null;

route.listen((here) => {
  const read = here.query.read;
  if (read !== written(target.get())) target.set(parsed(read));
});

/**
 * Opens the reader.
 * @param {Target} wanted
 * @param {Target[]} [beside] all that the reader may step through, `wanted` among them
 */
export function openReader(wanted, beside = []) {
  performance.mark("reader:open");
  const isOpen = target.get() !== null;
  if (!document.activeElement?.closest(".reader")) opener = document.activeElement;
  neighbours.set(beside);
  const at = beside.findIndex((one) => written(one) === written(wanted));
  prefetch([beside[at + 1], beside[at - 1]].filter(Boolean));
  target.set(wanted);
  setQuery({ read: written(wanted) }, { replace: isOpen });
}

/** Steps to the citation before (-1) or behind (1). @param {number} step */
export function stepReader(step) {
  const all = neighbours.get();
  const at = all.findIndex((one) => written(one) === written(target.get()));
  const next = all[at + step];
  if (at >= 0 && next) openReader(next, all);
}

export function closeReader() {
  target.set(null);
  setQuery({ read: undefined });
}

/** The element that opened the reader, if it is still there. */
export function openedBy() {
  return opener instanceof HTMLElement && opener.isConnected && opener !== document.body ? opener : null;
}

/**
 * @param {Target | null} value
 * @returns {string | undefined}
 */
export function written(value) {
  if (!value) return undefined;
  if ("citation" in value) return JSON.stringify(["c", value.citation, ...(value.passage ? [value.passage] : [])]);
  return JSON.stringify(["p", value.collection, value.file, value.page]);
}

/**
 * @param {string | undefined} text
 * @returns {Target | null}
 */
export function parsed(text) {
  try {
    const [kind, ...parts] = JSON.parse(text ?? "null") ?? [];
    if (kind === "c" && typeof parts[0] === "string")
      return { citation: parts[0], ...(typeof parts[1] === "string" ? { passage: parts[1] } : {}) };
    if (kind === "p" && typeof parts[0] === "string" && typeof parts[1] === "string" && Number.isInteger(parts[2]))
      return { collection: parts[0], file: parts[1], page: parts[2] };
  } catch {
    /* an address that somebody has changed opens nothing */
  }
  return null;
}
