/** Requests to the server, and its problems. */

/** Where the server is: this module lies at `assets/{digest}/js/` below it. */
export const ROOT = new URL("../../../", import.meta.url);
const PLACE = "qa_engine.place";

/** A problem object of the server (RFC 9457), or that it could not be reached. */
export class Problem extends Error {
  /** @param {{ code: string, detail?: string, fix?: string, status?: number, [member: string]: any }} body */
  constructor(body) {
    super(body.detail || body.code);
    this.name = "Problem";
    this.code = body.code;
    this.body = body;
  }
}

/**
 * The address of a path of the server, such as `api/v1/info`.
 * @param {string} path
 * @param {Record<string, string | number | boolean | null | undefined>} [query]
 */
export function address(path, query = {}) {
  const url = new URL(path.replace(/^\//, ""), ROOT);
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  return url.href;
}

/**
 * The path of a file, with its names encoded.
 * @param {string} collection
 * @param {string} [fileId]
 */
export function filesPath(collection, fileId) {
  const files = `api/v1/collections/${encodeURIComponent(collection)}/files`;
  return fileId === undefined ? files : `${files}/${fileId}`;
}

/**
 * @typedef {object} Options
 * @property {string} [method]
 * @property {Record<string, any>} [query]
 * @property {any} [body] sent as JSON
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/**
 * Sends a request; the response has a status below 400.
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Response>}
 * @throws {Problem}
 */
export async function send(path, { method = "GET", query, body, headers = {}, signal } = {}) {
  /** @type {RequestInit} */
  const request = { method, headers: { Accept: "application/json", ...headers }, signal };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { "Content-Type": "application/json", ...request.headers };
  }
  let response;
  try {
    response = await fetch(address(path, query), request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({ code: "unreachable" });
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.code === "unauthorized") askForKey();
  throw problem;
}

/**
 * The JSON that the server answers; null for an empty answer.
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 * @throws {Problem}
 */
export async function request(path, options) {
  const response = await send(path, options);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new Problem({ code: "unreachable" });
  }
}

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  try {
    const body = await response.json();
    if (typeof body.code === "string") return new Problem(body);
  } catch {
    /* what stands between is no problem object, such as the page of a proxy */
  }
  return new Problem({ code: "unexpected", status: response.status });
}

/** The form that asks for a key comes back to the page; the place in it, which no server sees, waits here. */
function askForKey() {
  try {
    sessionStorage.setItem(PLACE, location.hash);
  } catch {
    /* without storage the page begins anew */
  }
  location.assign(address("login", { next: location.pathname + location.search }));
}

/** The place where the reader was when a key was asked for, once. */
export function placeBefore() {
  try {
    const place = sessionStorage.getItem(PLACE);
    sessionStorage.removeItem(PLACE);
    return place;
  } catch {
    return null;
  }
}
