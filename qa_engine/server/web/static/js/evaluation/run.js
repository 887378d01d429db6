/** One run: all that it measured, and its worst cases. */
import { html, useEffect } from "../html.js";
import { request } from "../api.js";
import { printable } from "../ui/format.js";
import { languageOf, useTexts } from "../language.js";
import { openReader } from "../reader/target.js";
import { linkTo } from "../router.js";
import { useLoaded } from "../ui/loaded.js";
import { ProblemNotice } from "../ui/problem.js";
import { outcomes } from "./measure_texts.js";
import { Measures } from "./measures.js";
import { PAUSE, ReportLink, RunFacts, RunState } from "./runs.js";
import { texts } from "./texts.js";

/** @param {{ name: string }} properties */
export function RunView({ name }) {
  const t = useTexts(texts);
  const said = useTexts(outcomes);
  const { data: run, problem, reload } = useLoaded(
    (signal) => request(`api/v1/evaluation/runs/${encodeURIComponent(name)}`, { signal }),
    [name],
  );
  useEffect(() => {
    if (run?.state !== "running") return;
    const timer = setTimeout(reload, PAUSE);
    return () => clearTimeout(timer);
  }, [run]);
  const stages = run?.results?.retrieval ?? {};
  const counted = Object.entries(run?.outcomes ?? {});
  return html`
    <p><a href=${linkTo("evaluation")}>${t("back")}</a></p>
    <h1><bdi>${name}</bdi> ${run && html`<${RunState} run=${run} />`}</h1>
    ${problem && html`<${ProblemNotice} problem=${problem} onRetry=${reload} />`}
    ${run &&
    html`
      <${RunFacts} run=${run} />
      ${run.fault && html`<p class="notice bad" lang="en">${run.fault}</p>`}
      ${run.has_report && html`<p><${ReportLink} name=${name} /></p>`}
      <h2>${t("measured")}</h2>
      <${Measures} measures=${run.measures} />
      ${counted.length > 0 &&
      html`<ul class="row evaluation-outcomes">
        ${counted.map(([outcome, count]) => html`<li class="badge">${said(outcome)} ${count}</li>`)}
      </ul>`}
      <details class="evaluation-more">
        <summary>${t("all_measures")}</summary>
        ${Object.entries(stages).map(([stage, measures]) => html`<h3>${t(`stage_${stage}`)}</h3><${Measures} measures=${measures} />`)}
        ${run.results && html`<h3>${t("stage_answers")}</h3><${Measures} measures=${run.results.answers} />`}
        <h3>${t("engine")}</h3>
        <dl class="evaluation-measures">
          ${[...Object.entries(run.models), ["fingerprint", run.fingerprint]].map(
            ([key, value]) => html`<div><dt>${t(key)}</dt><dd><code>${value}</code></dd></div>`,
          )}
        </dl>
      </details>
      <h2>${t("worst")}</h2>
      ${!run.worst.length && html`<p>${t("no_worst")}</p>`}
      <ol class="evaluation-list">
        ${run.worst.map((/** @type {any} */ one) => html`<${Worst} case=${one} collections=${run.collections} />`)}
      </ol>
    `}
  `;
}

/** @param {{ case: any, collections: string[] }} properties */
function Worst({ case: one, collections }) {
  const t = useTexts(texts);
  const said = useTexts(outcomes);
  return html`<li class="card">
    <p lang=${languageOf(one.question)}><strong><bdi>${printable(one.question)}</bdi></strong></p>
    <p><span class="badge bad">${said(one.outcome)}</span></p>
    ${one.fault && html`<p lang="en">${one.fault}</p>`}
    ${one.expected && html`<p>${t("right_answer")} <${PlaceLink} place=${one.expected} /></p>`}
    ${one.found.length > 0 &&
    html`<p>${t("found")} ${one.found.map((/** @type {any} */ place, /** @type {number} */ at) => html`${at > 0 && t("comma")}<${PlaceLink} place=${place} />`)}</p>`}
    ${one.answer && html`<p lang=${languageOf(one.answer)}>${t("answer")} <q><bdi>${printable(one.answer)}</bdi></q></p>`}
    <p><a href=${linkTo("search", [], { q: one.question, c: collections.join("\n") })}>${t("try_search")}</a></p>
  </li>`;
}

/** @param {{ place: { file: string, page: number | null, file_id: string | null, collection: string | null } }} properties */
function PlaceLink({ place }) {
  const t = useTexts(texts);
  const { file, page, file_id: id, collection } = place;
  const name = html`<bdi>${printable(file)}</bdi>${page && html` · ${t("page", { page })}`}`;
  if (!id || !collection) return html`<span>${name}</span>`;
  return html`<button class="quiet evaluation-place" onClick=${() => openReader({ collection, file: id, page: page ?? 1 })}>${name}</button>`;
}
