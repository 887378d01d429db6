/** The passages of a search with what is known of each, and how they compare with each other and with those of another search. */

/** @typedef {"dense" | "bm25" | "fused" | "rerank"} Stage */
/** @type {Stage[]} */
export const STAGES = ["dense", "bm25", "fused", "rerank"];

/**
 * A passage of the response with its explanation.
 * @typedef {object} Row
 * @property {any} passage
 * @property {number} rank
 * @property {Partial<Record<Stage, number>>} ranks
 * @property {Record<string, number>} scores
 * @property {string[]} terms words of the query that it has, and of the dictionary in the other language
 * @property {Partial<Record<Stage, number>>} places among the passages that are shown, by each stage
 */

/** @param {any} found the response @returns {Row[]} */
export function rowsOf(found) {
  /** @type {any[]} */
  const explained = found.explanation.passages;
  const translations = found.explanation.translated.flatMap((/** @type {any} */ word) => word.translations);
  return explained.map((one, index) => ({
    ...one,
    passage: found.passages[index],
    terms: [...new Set([...one.terms, ...translations.filter((/** @type {string} */ word) => marked(found.passages[index].text, [word]).length > 1)])],
    places: Object.fromEntries(
      STAGES.filter((stage) => one.ranks[stage]).map((stage) => [
        stage,
        explained.filter((other) => other.ranks[stage] < one.ranks[stage]).length + 1,
      ]),
    ),
  }));
}

/**
 * The row of the same place: passages of two queries seldom begin and end with the same sentence.
 * @param {Row} row
 * @param {Row[]} rows
 */
export function sameIn(row, rows) {
  const [id, first, last] = range(row.passage.node_id);
  return rows.find((other) => {
    const [otherId, from, to] = range(other.passage.node_id);
    return id === otherId && row.passage.collection === other.passage.collection && first <= to && from <= last;
  });
}

/** @param {string} id @returns {[string, number, number]} */
function range(id) {
  const [, document, first, last] = /^(.*)-(\d+)(?:\.\.(\d+))?$/.exec(id) ?? ["", id, "0", "0"];
  return [document, Number(first), Number(last ?? first)];
}

/**
 * The parts of a text, in turns what matches none of the words and what does. Endings of English words do not count.
 * @param {string} text
 * @param {string[]} words
 */
export function marked(text, words) {
  const patterns = words.map((word) => {
    const stem = /^[a-z]{4,}$/i.test(word) ? word.replace(/(ies|es|s|ing|ed|e|y)$/i, "") : word;
    const exact = stem.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return /^[a-z]/i.test(word) ? `(?<![a-z])${exact}${stem === word && word.length < 4 ? "(?![a-z])" : "[a-z]*"}` : exact;
  });
  return patterns.length ? text.split(new RegExp(`(${patterns.join("|")})`, "iu")) : [text];
}
