/** What the reader shows, asked for once, and the images of pages before they are looked at. */
import { filesPath, request } from "../api.js";

/** Milliseconds after which the server is asked again: a file may have changed. */
const KEPT = 60_000;
const MOST = 60;
/** So many citations of an answer are loaded before they are opened. */
const AHEAD = 3;

/** @type {Map<string, { at: number, answer: Promise<any> }>} */
const answers = new Map();
/** @type {Map<string, HTMLImageElement>} */
const images = new Map();

/**
 * @typedef {object} PageFacts a page of a citation or of a file
 * @property {number} page
 * @property {string | null} image
 * @property {number | null} width
 * @property {number | null} height
 * @property {string | null} lines
 * @property {string | null} [label]
 * @property {import("./sheet.js").Box[]} [boxes]
 */

/**
 * @typedef {object} View what the reader shows
 * @property {string} collection
 * @property {string} file
 * @property {string} fileId
 * @property {number} filePages
 * @property {PageFacts[]} pages those that are known
 * @property {any} [citation]
 * @property {import("./sheet.js").Box[]} [around] the places of the passage around the citation
 */

/**
 * The JSON of a path, from the last minute if it was asked for then.
 * @param {string} path
 * @returns {Promise<any>}
 */
export function load(path) {
  const known = answers.get(path);
  if (known && performance.now() - known.at < KEPT) return known.answer;
  const answer = request(path);
  answer.catch(() => answers.delete(path)); // a problem may pass
  keep(answers, path, { at: performance.now(), answer });
  return answer;
}

/** @param {string} id */
function citation(id) {
  return load(`api/v1/citations/${encodeURIComponent(id)}`);
}

/** @param {string} collection @param {string} file @param {number} number */
export function pagePath(collection, file, number) {
  return `${filesPath(collection, file)}/pages/${number}`;
}

/**
 * @param {import("./target.js").Target} target
 * @returns {Promise<View>}
 */
export async function viewOf(target) {
  if ("citation" in target) {
    const found = await citation(target.citation);
    const { collection, file, file_id: fileId, file_pages: filePages, pages } = found;
    return { collection, file, fileId, filePages, pages, citation: found };
  }
  const { collection, file: fileId, page } = target;
  const found = await load(pagePath(collection, fileId, page));
  return { collection, file: found.file, fileId, filePages: found.file_pages, pages: [found] };
}

/**
 * The places of a passage without those of the citation in it.
 * @param {string} passage
 * @param {import("./sheet.js").Box[]} cited
 */
export async function placesAround(passage, cited) {
  const known = new Set(cited.map((box) => JSON.stringify(box)));
  const { boxes } = await citation(passage);
  return boxes.filter((/** @type {any} */ box) => !known.has(JSON.stringify(box)));
}

/**
 * Loads what will probably be opened: call it as soon as an answer has citations.
 * @param {import("./target.js").Target[]} targets
 */
export function prefetch(targets) {
  for (const one of targets.slice(0, AHEAD)) {
    if (!("citation" in one)) continue;
    const found = citation(one.citation);
    found.then(({ pages }) => pages.forEach((/** @type {PageFacts} */ page) => page.image && prepare(page.image)), () => {});
    if (one.passage) citation(one.passage).catch(() => {});
  }
}

/** Has an image loaded and kept. @param {string} address */
function prepare(address) {
  if (images.has(address)) return;
  const image = new Image();
  image.src = address;
  keep(images, address, image);
}

/**
 * @template T
 * @param {Map<string, T>} map
 * @param {string} name
 * @param {T} value
 */
function keep(map, name, value) {
  map.delete(name);
  map.set(name, value);
  if (map.size > MOST) map.delete(/** @type {string} */ (map.keys().next().value));
}
