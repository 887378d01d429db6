/** The uploads of this page. They go on whatever screen is shown. */
import { address, filesPath, Problem, request } from "../api.js";
import { server } from "../server.js";
import { store } from "../store.js";
import { follow } from "./jobs.js";

/**
 * A file on its way into a collection, or out of it.
 * @typedef {object} Upload
 * @property {number} id
 * @property {string} collection
 * @property {string} name
 * @property {string} kind of its job: `ingest` or `delete`
 * @property {string} state `waiting`, `sending`, `queued`, `reading`, `done`, `failed` or `cancelled`
 * @property {File} [file] to be sent
 * @property {number} sent share of it
 * @property {number} tries
 * @property {string} [job]
 * @property {string} [fileId]
 * @property {number} pages
 * @property {number} read of them
 * @property {number} nodes
 * @property {string} [status] what became of it in the collection
 * @property {string} [reason] why it was not read
 * @property {string} [message]
 * @property {Problem} [problem] why it was not taken
 * @property {() => void} [abort]
 */

export const uploads = store(/** @type {Upload[]} */ ([]));
/** Until when nothing is sent, since the server has no room; 0 if there is. */
export const pausedUntil = store(0);

const AT_ONCE = 2;
const TRIES = 3;
const DRAW_MILLISECONDS = 80;
/** @type {Upload[]} */
let items = [];
let lastId = 0;
let drawing = false;

/** All of the page, also those to come. */
export const all = () => items;
export const isActive = (/** @type {Upload} */ { state }) => /^(waiting|sending|queued|reading)$/.test(state);
export const isUnsent = (/** @type {Upload} */ { state }) => /^(waiting|sending)$/.test(state);

addEventListener("beforeunload", (event) => {
  if (items.some(isUnsent)) event.preventDefault();
});

/**
 * Changes an upload. Those who show it are told a little later, of many changes at once.
 * @param {Upload} upload
 * @param {Partial<Upload>} values
 */
export function change(upload, values) {
  Object.assign(upload, values);
  tell();
}

function tell() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    uploads.set([...items]);
  }, DRAW_MILLISECONDS);
}

/** @param {Partial<Upload> & { collection: string, name: string }} values */
function added(values) {
  const base = { id: ++lastId, kind: "ingest", state: "waiting", sent: 0, tries: 0, pages: 0, read: 0, nodes: 0 };
  items.push({ ...base, ...values });
  tell();
}

/**
 * Sends files to a collection.
 * @param {string} collection
 * @param {{ file: File, name: string }[]} files
 */
export function upload(collection, files) {
  for (const { file, name } of files) added({ collection, file, name });
  sendNext();
}

/** @param {Upload} one */
export function retry(one) {
  change(one, { state: "waiting", sent: 0, tries: 0, job: undefined, problem: undefined, reason: undefined });
  sendNext();
}

/** @param {Upload} one */
export async function cancel(one) {
  if (one.state === "waiting") change(one, { state: "cancelled" });
  else if (one.state === "sending") one.abort?.();
  else if (one.job) await request(`api/v1/jobs/${one.job}`, { method: "DELETE" }).catch(ignoreOver);
}

/** @param {unknown} problem */
function ignoreOver(problem) {
  if (!(problem instanceof Problem && problem.code === "job_finished")) throw problem;
}

/** Takes what is over out of the list. @param {string} collection */
export function clearFinished(collection) {
  items = items.filter((one) => one.collection !== collection || isActive(one));
  tell();
}

/** The jobs of a collection that are not over, also those that another page has begun. @param {string} collection */
export async function findJobs(collection) {
  for (let cursor = ""; ; ) {
    const { data, next_cursor } = await request("api/v1/jobs", { query: { limit: 200, cursor } });
    const open = data.filter((/** @type {any} */ job) => !job.finished_at);
    for (const job of open) if (job.collection === collection) noteJob(job);
    if (!open.length || !next_cursor) break;
    cursor = next_cursor;
  }
  follow();
}

/** Shows a job that is not over, and follows it. @param {any} job */
export function noteJob(job) {
  if (items.some((one) => one.job === job.id)) return;
  for (const { name, file_id: fileId, state, pages, pages_read: read } of job.files)
    added({ collection: job.collection, kind: job.kind, job: job.id, name, fileId, state, pages, read, sent: 1 });
  follow();
}

function sendNext() {
  const wait = pausedUntil.get() - Date.now();
  if (wait > 0) return;
  if (pausedUntil.get()) pausedUntil.set(0);
  for (let free = AT_ONCE - items.filter((one) => one.state === "sending").length; free > 0; free--) {
    const next = items.find((one) => one.state === "waiting");
    if (!next) return;
    put(next);
  }
}

/** @param {number} seconds */
function pause(seconds) {
  pausedUntil.set(Date.now() + seconds * 1000);
  setTimeout(sendNext, seconds * 1000 + 50);
}

/** `fetch` does not tell how much was sent. @param {Upload} one */
function put(one) {
  const file = /** @type {File} */ (one.file);
  const most = server.get()?.limits.max_upload_bytes ?? Infinity;
  if (file.size > most) {
    change(one, { state: "failed", problem: new Problem({ code: "payload_too_large" }) });
    return;
  }
  const http = new XMLHttpRequest();
  const name = encodeURIComponent(one.name.replace(/\p{Surrogate}/gu, "_"));
  http.open("PUT", address(`${filesPath(one.collection)}/${name}`));
  http.setRequestHeader("Accept", "application/json");
  http.setRequestHeader("Content-Type", "application/octet-stream");
  http.upload.onprogress = ({ loaded, total }) => change(one, { sent: total ? loaded / total : 1 });
  http.onload = () => answered(one, http);
  http.onerror = () => {
    if (one.tries >= TRIES) return change(one, { state: "failed", problem: new Problem({ code: "unreachable" }) });
    change(one, { state: "waiting", tries: one.tries + 1, sent: 0 });
    pause(one.tries);
  };
  http.onabort = () => {
    change(one, { state: "cancelled" });
    if (one.sent >= 1) findJobs(one.collection).catch(() => {}); // it may have been taken at the last moment
  };
  http.onloadend = sendNext;
  change(one, { state: "sending", sent: 0, abort: () => http.abort() });
  http.send(file);
}

/**
 * @param {Upload} one
 * @param {XMLHttpRequest} http
 */
function answered(one, http) {
  /** @type {any} */
  let body = {};
  try {
    body = JSON.parse(http.responseText);
  } catch {
    /* of a proxy, perhaps */
  }
  if (http.status === 202) {
    items = items.filter((other) => other.job !== body.id); // it may have been found in the list of jobs meanwhile
    change(one, { state: "queued", job: body.id, fileId: body.files[0].file_id });
    follow();
  } else if (http.status === 200) {
    change(one, { state: "done", status: "unchanged", fileId: body.files?.[0].file_id });
  } else if (http.status === 429 || (http.status === 503 && one.tries < TRIES)) {
    change(one, { state: "waiting", sent: 0, tries: http.status === 503 ? one.tries + 1 : 0 });
    pause(Number(http.getResponseHeader("Retry-After")) || 5);
  } else {
    const problem = new Problem(body.code ? body : { code: "unexpected", status: http.status });
    change(one, { state: "failed", problem });
    if (problem.code === "unauthorized") request("api/v1/session").catch(() => {}); // leads to the form for the key
  }
}
