/** The doctor: its checks by collection, what failed first, with the command that mends it. */
import { html } from "../html.js";
import { request } from "../api.js";
import { useTexts } from "../language.js";
import { CopyButton, useLoaded } from "../ui/loaded.js";
import { ProblemNotice } from "../ui/problem.js";
import { checks as names } from "./check_texts.js";
import { texts } from "./texts.js";

/** @typedef {{ collection: string | null, check: string, status: "ok" | "warning" | "failed", message: string, command: string | null }} Check */

const KINDS = { failed: "bad", warning: "warn", ok: "good" };

export function Doctor() {
  const t = useTexts(texts);
  const { data, problem, loading, reload } = useLoaded((signal) => request("api/v1/doctor", { signal }));
  const checks = /** @type {Check[]} */ (data?.checks ?? []);
  const found = checks.filter((one) => one.status !== "ok").sort((a, b) => rank(a) - rank(b));
  const groups = [...new Set(checks.map((one) => one.collection))];
  return html`
    <section class="status-part" aria-busy=${loading}>
      <h2>${t("doctor")}</h2>
      <p class="row">
        <button disabled=${loading} onClick=${reload}>${t(loading ? "checking" : "check_again")}</button>
        <span role="status">
          ${!loading && data && html`<span class=${`badge ${found.length ? KINDS[found[0].status] : "good"}`}>${said(data, found)}</span>`}
        </span>
      </p>
      ${problem && html`<${ProblemNotice} problem=${problem} onRetry=${reload} />`}
      ${found.length > 0 && html`<ul class="status-list">${found.map((one) => html`<${Finding} check=${one} />`)}</ul>`}
      ${checks.length > 0 &&
      html`<details>
        <summary>${t("all_checks", { count: checks.length })}</summary>
        ${groups.map(
          (collection) => html`
            <h3>${collection ? html`${t("collection")} <bdi>${collection}</bdi>` : t("whole")}</h3>
            <ul class="status-list">${checks.filter((one) => one.collection === collection).map((one) => html`<${Finding} check=${one} />`)}</ul>
          `,
        )}
      </details>`}
    </section>
  `;

  /** @param {any} diagnosis @param {Check[]} findings */
  function said(diagnosis, findings) {
    if (diagnosis.failed) return t("checks_failed", { count: diagnosis.failed });
    return findings.length ? t("checks_warn", { count: findings.length }) : t("checks_good");
  }
}

/** @param {Check} check */
function rank(check) {
  return check.status === "failed" ? 0 : 1;
}

/** @param {{ check: Check }} properties */
function Finding({ check }) {
  const t = useTexts(texts);
  const named = useTexts(names);
  return html`<li>
    <p>
      <span class=${`badge ${KINDS[check.status]}`}>${t(`status_${check.status}`)}</span>
      <strong>${named(check.check)}</strong> ${check.collection && html`<bdi class="faint">${check.collection}</bdi>`}
      <span class="status-message" lang="en">${check.message}</span>
    </p>
    ${check.command &&
    html`<p class="row status-command"><code>${check.command}</code><${CopyButton} text=${check.command} /></p>`}
  </li>`;
}
