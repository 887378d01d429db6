/** What the server is, and what the key of the reader allows: asked once. */
import { request } from "./api.js";
import { store } from "./store.js";

/**
 * @typedef {object} Server
 * @property {string} version
 * @property {string} source_url
 * @property {Record<string, boolean>} features `llm`, `ocr`, `auth`, `write`
 * @property {Record<string, number | null>} limits
 * @property {string[]} suffixes of files that can be uploaded, such as `.pdf`
 * @property {Record<string, string>} models by role: `embedding`, `reranker`, `llm`
 * @property {string[]} collections those that are asked if a question names none
 * @property {string} name of the key; empty on an open server
 * @property {string[]} scopes `read`, `write`, `admin`
 */

export const server = store(/** @type {Server | null} */ (null));
/** The collections of the storage that the key may see; null before they are known. */
export const collections = store(
  /** @type {{ collection: string, files: number, pages: number, nodes: number }[] | null} */ (null),
);

/** Asks the server what it is. */
export async function loadServer() {
  const [info, session] = await Promise.all([request("api/v1/info"), request("api/v1/session")]);
  server.set({ ...info, name: session.name, scopes: session.scopes });
}

/** Asks for the collections, at the start and after they have changed. */
export async function loadCollections() {
  const { data } = await request("api/v1/collections");
  collections.set(data);
}

/** @param {string} scope */
export function may(scope) {
  return server.get()?.scopes.includes(scope) ?? false;
}
