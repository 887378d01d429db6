/** The jobs that bring files in and take them out, of the collections that the reader may see. */
import { html, useEffect, useState } from "../html.js";
import { request } from "../api.js";
import { moment } from "../ui/format.js";
import { useTexts } from "../language.js";
import { may, server } from "../server.js";
import { useLoaded } from "../ui/loaded.js";
import { ProblemNotice } from "../ui/problem.js";
import { texts } from "./texts.js";

const PAUSE = 2500;
const PART = 20;
const OPEN = ["queued", "running", "interrupted"];
const KINDS = /** @type {Record<string, string>} */ ({ succeeded: "good", partly_failed: "warn", failed: "bad" });

export function JobList() {
  const t = useTexts(texts);
  const [limit, setLimit] = useState(PART);
  const [failure, setFailure] = useState(/** @type {unknown} */ (null));
  const { data, problem, reload } = useLoaded((signal) => request("api/v1/jobs", { query: { limit }, signal }), [limit]);
  const jobs = data?.data ?? [];
  useEffect(() => {
    if (!jobs.some((/** @type {any} */ one) => OPEN.includes(one.state))) return;
    const timer = setTimeout(reload, PAUSE);
    return () => clearTimeout(timer);
  }, [data]);
  const mayCancel = may("write") && server.get()?.features.write;
  return html`
    <section class="status-part">
      <h2>${t("jobs")}</h2>
      ${(problem || failure) && html`<${ProblemNotice} problem=${problem || failure} onRetry=${reload} />`}
      ${data && !jobs.length && html`<p>${t("no_jobs")}</p>`}
      <ul class="status-list">
        ${jobs.map(
          (/** @type {any} */ job) => html`<li key=${job.id}>
            <div class="row">
              <span class=${`badge ${KINDS[job.state] ?? ""}`}>${t(`job_${job.state}`)}</span>
              <span>${t(`kind_${job.kind}`)}</span>
              <strong>${job.files.length === 1 ? html`<bdi>${job.files[0].name}</bdi>` : t("of_files", { count: job.files.length })}</strong>
              <bdi class="badge">${job.collection}</bdi>
              <span class="faint">${moment(job.created_at)}</span>
              ${job.cancellable && mayCancel && html`<button aria-label=${t("cancel_job", { name: job.files[0]?.name ?? job.id })} onClick=${() => cancel(job.id)}>${t("cancel")}</button>`}
            </div>
            ${job.files.length > 1 && html`<p class="faint">${t("counts", job.counts)}</p>`}
            ${job.message && html`<p lang="en">${job.message}</p>`}
            ${job.files
              .filter((/** @type {any} */ file) => file.state === "failed")
              .slice(0, 5)
              .map((/** @type {any} */ file) => html`<p>${job.files.length > 1 && html`<bdi>${file.name}</bdi> `}<span lang="en">${file.message}</span></p>`)}
          </li>`,
        )}
      </ul>
      ${data?.next_cursor && limit < 200 && html`<button onClick=${() => setLimit(Math.min(limit * 3, 200))}>${t("more")}</button>`}
    </section>
  `;

  /** @param {string} id */
  async function cancel(id) {
    try {
      await request(`api/v1/jobs/${id}`, { method: "DELETE" });
      setFailure(null);
    } catch (problem) {
      setFailure(problem);
    }
    reload();
  }
}
