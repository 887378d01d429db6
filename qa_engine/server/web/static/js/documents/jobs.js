/** Follows jobs. One at a time: they run one after the other, and a browser has six connections to a server. */
import { Problem, request, send } from "../api.js";
import { eventsOf } from "../events.js";
import { store } from "../store.js";
import { all, change } from "./uploads.js";

/** @typedef {import("./uploads.js").Upload} Upload */

/** Grows when a collection may have changed. */
export const changes = store(0);

/** Milliseconds for which a job is followed that waits: another one may run. */
const PATIENCE = 8000;
/** Milliseconds between two tries to follow jobs. */
const PAUSE = 1500;
/** Milliseconds between two reports of changes: lists are loaded again for each. */
const QUIET = 2000;
/** @type {Map<string, string>} by job, the id of the last event that was read */
const lastEvents = new Map();
let following = false;
let telling = false;
let lastTold = 0;

/** Follows the jobs of uploads until all are over. */
export async function follow() {
  if (following) return;
  following = true;
  for (let turn = 0; ; ) {
    const open = [...new Set(all().filter(isOpen).map((one) => one.job))];
    if (!open.length) break;
    const job = /** @type {string} */ (open[turn % open.length]);
    if (await isFollowed(job)) turn = 0;
    else turn++;
  }
  following = false;
}

/** @param {Upload} one */
function isOpen({ job, state }) {
  return job && (state === "queued" || state === "reading");
}

/** The uploads of a job. @param {string} job */
const uploadsOf = (job) => all().filter((one) => one.job === job);

/** Follows a job; false if it may not be over. @param {string} job */
async function isFollowed(job) {
  const leaving = new AbortController();
  const timer = setTimeout(() => leaving.abort(), PATIENCE);
  try {
    const last = lastEvents.get(job);
    const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
    const response = await send(`api/v1/jobs/${job}/events`, { headers, signal: leaving.signal });
    for await (const { event, data, id } of eventsOf(response)) {
      if (id) lastEvents.set(job, id);
      if (event !== "job" || data.state === "running") clearTimeout(timer);
      told(event, data, uploadsOf(job));
      if (event === "done") break;
    }
    if (uploadsOf(job).some(isOpen)) await settle(job);
  } catch (problem) {
    if (problem instanceof Problem && problem.code === "not_found")
      for (const one of uploadsOf(job)) change(one, { state: "failed", problem });
  } finally {
    clearTimeout(timer);
  }
  if (!uploadsOf(job).some(isOpen)) {
    lastEvents.delete(job);
    tellChange();
    return true;
  }
  if (!leaving.signal.aborted) await new Promise((done) => setTimeout(done, PAUSE));
  return false;
}

/**
 * @param {string} event
 * @param {any} data
 * @param {Upload[]} uploads
 */
function told(event, data, uploads) {
  for (const one of uploads) {
    if (event === "job") change(one, { message: data.message });
    else if (data.file !== one.name && uploads.length > 1) continue;
    else if (event === "pages") change(one, { state: "reading", read: data.read, pages: data.of });
    else if (event === "file") {
      const { file, ...values } = data;
      change(one, values);
    }
  }
}

/** What has become of a job whose events have ended. @param {string} job */
async function settle(job) {
  const { files } = await request(`api/v1/jobs/${job}`);
  for (const one of uploadsOf(job)) {
    const its = files.find((/** @type {any} */ file) => file.file_id === one.fileId);
    if (!its) continue;
    const { state, status, pages, pages_read: read, nodes, reason, message } = its;
    change(one, { state, status, pages, read, nodes, reason, message });
  }
}

/** Says that a collection has changed: soon, and not for each of many changes. */
export function tellChange() {
  if (telling) return;
  telling = true;
  const wait = Math.max(QUIET - (Date.now() - lastTold), PAUSE / 10);
  setTimeout(() => {
    telling = false;
    lastTold = Date.now();
    changes.set(changes.get() + 1);
  }, wait);
}
