/** The uploads of a collection, each with how far it is, or what is wrong with it and what mends it. */
import { html, useEffect, useRef, useState } from "../html.js";
import { useTexts } from "../language.js";
import { linkTo } from "../router.js";
import { announce } from "../ui/announcer.js";
import { problems } from "../ui/problem_texts.js";
import { count, printable } from "../ui/format.js";
import { texts } from "./texts.js";
import { cancel, clearFinished, findJobs, isActive, pausedUntil, retry, uploads } from "./uploads.js";

/** @typedef {import("./uploads.js").Upload} Upload */

const SHOWN = 100;
/** What readers want to see first. */
const ORDER = ["reading", "sending", "failed", "queued", "waiting", "cancelled", "done"];

/** @param {{ collection: string }} properties */
export function UploadQueue({ collection }) {
  const t = useTexts(texts);
  const all = uploads.use();
  const pause = pausedUntil.use();
  const [limit, setLimit] = useState(SHOWN);
  const wasActive = useRef(false);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    findJobs(collection).catch(setProblem);
  }, [collection]);
  const its = all.filter((one) => one.collection === collection);
  const numbers = Object.fromEntries(ORDER.map((state) => [state, its.filter((one) => one.state === state).length]));
  const active = its.filter(isActive).length;
  const elsewhere = [...new Set(all.filter((one) => isActive(one) && one.collection !== collection).map((one) => one.collection))];
  const summary = t("summary", { done: count(numbers.done), failed: count(numbers.failed), all: count(its.length) });
  useEffect(() => {
    if (wasActive.current && !active) announce(t("all_done", { done: numbers.done, failed: numbers.failed }));
    wasActive.current = active > 0;
  }, [active]);
  if (problem) return html`<p class="notice warn">${t("jobs_unknown")}</p>`;
  const sorted = its.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.id - b.id);
  return html`
    ${elsewhere.map(
      (name) => html`<p class="notice">${t("elsewhere")} <a href=${linkTo("documents", [name])}><bdi>${printable(name)}</bdi></a></p>`,
    )}
    ${its.length > 0 &&
    html`
      <section class="card documents-queue" aria-labelledby="queue-heading">
        <div class="documents-head">
          <h2 id="queue-heading">${t("queue")}</h2>
          <span class="faint">${summary}</span>
          ${numbers.failed > 0 && html`<button onClick=${retryAll}>${t("retry_failed")}</button>`}
          ${active < its.length && html`<button onClick=${() => clearFinished(collection)}>${t("clear_finished")}</button>`}
        </div>
        ${its.length > 1 && html`<progress max=${its.length} value=${its.length - active} aria-label=${summary} />`}
        ${pause > 0 && numbers.waiting > 0 && html`<p class="notice warn" role="status">${t("paused", { seconds: Math.ceil(Math.max(pause - Date.now(), 0) / 1000) })}</p>`}
        <ul>${sorted.slice(0, limit).map((one) => html`<${Row} key=${one.id} upload=${one} />`)}</ul>
        ${its.length > limit && html`<button onClick=${() => setLimit(limit + SHOWN)}>${t("show_more", { count: its.length - limit })}</button>`}
      </section>
    `}
  `;

  function retryAll() {
    for (const one of its) if (one.state === "failed" && one.file) retry(one);
  }
}

/** @param {{ upload: Upload }} properties */
function Row({ upload: one }) {
  const t = useTexts(texts);
  const said = useTexts(problems);
  const name = printable(one.name);
  const kind = { done: "good", failed: "bad" }[one.state] ?? "";
  const values = { percent: Math.floor(one.sent * 100), read: count(one.read), pages: count(one.pages), nodes: count(one.nodes) };
  const link = one.state === "done" && one.fileId && one.kind === "ingest" && linkTo("documents", [one.collection, one.fileId]);
  const share = one.state === "sending" ? one.sent : one.state === "reading" && one.pages ? one.read / one.pages : null;
  return html`
    <li>
      <span class="documents-name">${link ? html`<a href=${link}><bdi>${name}</bdi></a>` : html`<bdi>${name}</bdi>`}</span>
      <span class=${`badge ${kind}`}>${t(step(one), values)}</span>
      ${share !== null && html`<progress max="1" value=${share} aria-label=${name} />`}
      ${one.state === "failed" && html`<p>${why()}</p>`}
      ${one.message && isActive(one) && html`<p class="faint" lang="en">${one.message}</p>`}
      <span class="documents-act">
        ${one.state === "failed" && one.file && html`<button class="quiet" aria-label=${t("retry_name", { name })} onClick=${() => retry(one)}>${t("retry")}</button>`}
        ${isActive(one) && html`<button class="quiet" aria-label=${t("cancel_name", { name })} onClick=${() => cancel(one).catch((error) => announce(String(error.message)))}>${t("cancel")}</button>`}
      </span>
    </li>
  `;

  function why() {
    if (one.problem) {
      const { code, detail, fix } = one.problem.body;
      const own = t(`problem_${code}`);
      return html`${own.startsWith("problem_") ? said(code) : own}${detail && html` <span class="faint" lang="en">${printable(detail)} ${fix}</span>`}`;
    }
    const known = `reason_${one.reason}`;
    const text = t(known);
    return html`${text === known ? t("reason_other") : text} ${one.message && html`<span class="faint" lang="en">${printable(one.message)}</span>`}`;
  }
}

/** The name of the text for how far an upload is. @param {Upload} one */
function step(one) {
  if (one.kind === "delete") return one.state === "done" ? "step_deleted" : one.state === "failed" ? "step_failed" : "step_deleting";
  if (one.state === "reading" && one.pages && one.read >= one.pages) return "step_sentences";
  if (one.state === "reading" && !one.pages) return "step_opening";
  if (one.state === "done" && ["unchanged", "duplicate", "updated"].includes(one.status ?? "")) return `step_${one.status}`;
  return `step_${one.state}`;
}
