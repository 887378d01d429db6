/** The search that the address of the page holds, so that a link and a reload keep it. */

/**
 * @typedef {object} Search
 * @property {string} question
 * @property {string | undefined} other the second query; undefined without one, empty before it is typed
 * @property {string[]} collections none for those of the server
 * @property {string[]} filters
 * @property {number} count
 */

/** @param {Record<string, string>} query @returns {Search} */
export function searchOf({ q = "", q2, c = "", f = "", k }) {
  return { question: q, other: q2, collections: lines(c), filters: lines(f), count: counted(k) };
}

/** @param {Search} search @returns {Record<string, string | undefined>} */
export function queryOf({ question, other, collections, filters, count }) {
  return {
    q: question,
    q2: other?.trim(),
    c: collections.join("\n"),
    f: filters.join("\n"),
    k: count === 10 ? undefined : String(count),
  };
}

/**
 * The body of a request.
 * @param {Search} search
 * @param {string} question
 */
export function bodyOf({ collections, filters, count }, question) {
  return { question, filters, top_k: count, ...(collections.length ? { collections } : {}) };
}

/** @param {string} text */
export function lines(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** @param {string | undefined} text */
export function counted(text) {
  return Math.min(Math.max(Math.round(Number(text ?? 10)) || 10, 1), 1000);
}
