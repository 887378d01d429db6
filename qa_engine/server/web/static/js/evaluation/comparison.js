/** Two runs over the same questions: what has changed, and which questions have become worse. */
import { html } from "../html.js";
import { request } from "../api.js";
import { printable } from "../ui/format.js";
import { languageOf, useTexts } from "../language.js";
import { linkTo } from "../router.js";
import { useLoaded } from "../ui/loaded.js";
import { ProblemNotice } from "../ui/problem.js";
import { measures as names } from "./measure_texts.js";
import { amount } from "./measures.js";
import { texts } from "./texts.js";

/** @param {{ before: string, after: string }} properties */
export function Comparison({ before, after }) {
  const t = useTexts(texts);
  const { data, problem, reload } = useLoaded(
    (signal) => request("api/v1/evaluation/comparison", { query: { before, after }, signal }),
    [before, after],
  );
  return html`
    <p><a href=${linkTo("evaluation")}>${t("back")}</a></p>
    <h1>${t("comparison")}</h1>
    <p><bdi>${before}</bdi> → <bdi>${after}</bdi></p>
    ${problem && html`<${ProblemNotice} problem=${problem} onRetry=${reload} />`}
    ${data &&
    html`
      <p>${t("compared", { paired: data.paired, worse: data.regressions.length, better: data.improvements.length })}</p>
      <${Changes} changes=${{ ...Object.values(data.retrieval).pop(), ...data.answers, ...data.judgements }} />
      <p class="faint">${t("chance")}</p>
      <h2>${t("settings_changed")}</h2>
      ${data.configuration.length === 0 && html`<p>${t("no_settings_changed")}</p>`}
      <ul>${data.configuration.map((/** @type {string} */ line) => html`<li lang="en"><code>${line}</code></li>`)}</ul>
      <h2>${t("became_worse")}</h2>
      <${Cases} cases=${data.regressions} />
      <h2>${t("became_better")}</h2>
      <${Cases} cases=${data.improvements} />
    `}
  `;
}

/** @param {{ changes: Record<string, any> }} properties */
function Changes({ changes }) {
  const t = useTexts(texts);
  const said = useTexts(names);
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t("comparison")}>
    <table class="evaluation-changes">
      <thead><tr><th>${t("measure")}</th><th>${t("before")}</th><th>${t("after")}</th><th>${t("difference")}</th><th>${t("p_value")}</th></tr></thead>
      <tbody>
        ${Object.entries(changes).map(
          ([name, { before, after, difference, low, high, mcnemar }]) => html`<tr>
            <td>${said(name)}</td>
            <td>${amount(name, before)}</td>
            <td>${amount(name, after)}</td>
            <td><strong>${signed(difference)}</strong> <span class="faint">${signed(low)} … ${signed(high)}</span>
              ${(low > 0 || high < 0) && html` <span class=${`badge ${low > 0 ? "good" : "bad"}`}>${t(low > 0 ? "better" : "worse")}</span>`}</td>
            <td>${mcnemar ? mcnemar.p_value.toFixed(3) : "–"}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** @param {{ cases: any[] }} properties */
function Cases({ cases }) {
  const t = useTexts(texts);
  if (!cases.length) return html`<p>${t("none")}</p>`;
  return html`<ol class="evaluation-list">
    ${cases.slice(0, 30).map(
      (/** @type {any} */ one) => html`<li class="card">
        <p lang=${languageOf(one.question)}><strong><bdi>${printable(one.question)}</bdi></strong> <span class="badge">${signed(one.change)}</span></p>
        ${one.before && html`<p lang=${languageOf(one.before)}>${t("before")}: <q><bdi>${printable(one.before)}</bdi></q></p>`}
        ${one.after && one.after !== one.before && html`<p lang=${languageOf(one.after)}>${t("after")}: <q><bdi>${printable(one.after)}</bdi></q></p>`}
      </li>`,
    )}
  </ol>`;
}

/** @param {number} value */
function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}
