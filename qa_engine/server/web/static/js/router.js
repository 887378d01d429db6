/** Where the reader is: `#/screen/part/part?name=value`. */
import { store } from "./store.js";

/** @typedef {{ screen: string, parts: string[], query: Record<string, string> }} Route */

export const route = store(current());
addEventListener("hashchange", () => route.set(current()));

/** @returns {Route} */
function current() {
  const [path, ...rest] = location.hash.replace(/^#\/?/, "").split("?");
  const query = rest.join("?");
  const [screen, ...parts] = path.split("/").map(decoded);
  return { screen: screen || "ask", parts, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * The link to a place of the page.
 * @param {string} screen
 * @param {string[]} [parts]
 * @param {Record<string, string | undefined>} [query]
 */
export function linkTo(screen, parts = [], query = {}) {
  const known = Object.entries(query).filter((entry) => entry[1] !== undefined && entry[1] !== "");
  const search = known.length ? `?${new URLSearchParams(/** @type {any} */ (known))}` : "";
  return `#/${[screen, ...parts].map(encodeURIComponent).join("/")}${search}`;
}

/**
 * Goes to a place. Back returns from it, unless it replaces the one before.
 * @param {string} link
 * @param {{ replace?: boolean }} [how]
 */
export function goTo(link, { replace = false } = {}) {
  if (link === location.hash) return;
  if (replace) history.replaceState(null, "", link);
  else history.pushState(null, "", link);
  route.set(current());
}

/**
 * Changes some values of the query, and stays at the place; undefined takes a value out.
 * @param {Record<string, string | undefined>} query
 * @param {{ replace?: boolean }} [how]
 */
export function setQuery(query, how) {
  const { screen, parts, query: before } = route.get();
  goTo(linkTo(screen, parts, { ...before, ...query }), how);
}
