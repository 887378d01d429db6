/** What one query finds: how it was searched for, and the table of its passages. */
import { html, useEffect, useState } from "../html.js";
import { request } from "../api.js";
import { useTexts } from "../language.js";
import { announce } from "../ui/announcer.js";
import { ProblemNotice } from "../ui/problem.js";
import { bodyOf } from "./address.js";
import { rowsOf } from "./passages.js";
import { PassageTable } from "./table.js";
import { texts } from "./texts.js";

/** @typedef {{ found: any, rows: import("./passages.js").Row[] | null, problem: unknown, again: () => void }} Result */

/**
 * Searches whenever the question or the conditions change.
 * @param {import("./address.js").Search} search
 * @param {string} question empty for no search
 * @param {number} turn searches again when it changes
 * @returns {Result}
 */
export function useResult(search, question, turn) {
  const t = useTexts(texts);
  const [result, setResult] = useState({ found: /** @type {any} */ (null), problem: /** @type {unknown} */ (null) });
  const [tries, setTries] = useState(0);
  const body = { ...bodyOf(search, question), explain: true };
  useEffect(() => {
    setResult({ found: null, problem: null });
    if (!question.trim()) return;
    const leaving = new AbortController();
    request("api/v1/search", { method: "POST", body, signal: leaving.signal }).then(
      (found) => {
        setResult({ found, problem: null });
        announce(t("found", { count: found.passages.length }));
      },
      (problem) => leaving.signal.aborted || setResult({ found: null, problem }),
    );
    return () => leaving.abort();
  }, [JSON.stringify(body), turn, tries]);
  const { found, problem } = result;
  return { found, problem, rows: found && rowsOf(found), again: () => setTries(tries + 1) };
}

/**
 * @param {{ name: string, question: string, result: Result, other: Result | null, otherName: string, whole: boolean, onSave?: (row: any) => void }} properties
 * `onSave` gets null for a question that nothing answers
 */
export function Results({ name, question, result, other, otherName, whole, onSave }) {
  const t = useTexts(texts);
  const { found, rows, problem, again } = result;
  return html`
    <section class="search-results" aria-busy=${!found && !problem} aria-labelledby=${`${name}-heading`}>
      <div class="row search-head">
        <h2 id=${`${name}-heading`}><bdi>${question}</bdi></h2>
        ${found && onSave && html`<button class="quiet" onClick=${() => onSave(null)}>${t("save_none")}</button>`}
      </div>
      ${problem && html`<${ProblemNotice} problem=${problem} onRetry=${again} />`}
      ${!found && !problem && html`<p class="faint">${t("searching")}</p>`}
      ${found && html`<${HowSearched} explanation=${found.explanation} />`}
      ${rows?.length === 0 && html`<p class="notice warn">${t("nothing")}</p>`}
      ${rows && rows.length > 0 && html`<${PassageTable} name=${name} rows=${rows} others=${other?.rows ?? null} otherName=${otherName} whole=${whole} onSave=${onSave} />`}
    </section>
  `;
}

/** The queries that ran, their words, and the time that each stage took. @param {{ explanation: any }} properties */
function HowSearched({ explanation }) {
  const t = useTexts(texts);
  const { queries, judged_as, translated, glossary, parts, missing, expansion, timings } = explanation;
  const stages = Object.entries(timings).filter(([stage]) => stage !== "total");
  const total = stages.reduce((sum, [, seconds]) => sum + seconds, 0) || 1;
  const text = (/** @type {any} */ value) => html`<bdi>${value}</bdi>`;
  /** @type {[string, any][]} */
  const facts = [
    ["parts", parts.map((/** @type {string} */ one) => html`<div>${text(one)}</div>`)],
    [
      "queries",
      queries.map(
        (/** @type {any} */ one) =>
          html`<div>${text(one.query)} <small class="faint">${t("coverage", { share: share(one.coverage) })}${Object.entries(one.weights).map(
            ([stage, weight]) => html` · ${t(stage)} ${share(weight)}`,
          )}</small></div>`,
      ),
    ],
    ["judged_as", judged_as !== queries[0]?.query && text(judged_as)],
    [
      "translated",
      translated.map((/** @type {any} */ one) => html`<div>${text(one.word)} → ${one.translations.length ? text(one.translations.join(", ")) : t("untranslated")}</div>`),
    ],
    ["glossary", glossary.map((/** @type {any} */ one) => html`<div>${text(one.term)} → ${text([...one.titles, ...one.words].join(", "))}</div>`)],
    ["expansion", expansion && text(expansion.error ?? expansion.skipped ?? [expansion.translation, ...expansion.keywords].filter(Boolean).join(", "))],
    ["missing", missing.map(text)],
    [
      "timings",
      html`
        <div class="search-time" aria-hidden="true">
          ${stages.map(([, seconds]) => html`<i style=${{ flexGrow: seconds / total }}></i>`)}
        </div>
        <small>${stages.map(([stage, seconds]) => `${t(`time_${stage}`)} ${milliseconds(seconds)}`).join(" · ")} · ${t("total")} ${milliseconds(timings.total ?? total)}</small>
      `,
    ],
  ];
  return html`
    <dl class="search-facts">
      ${facts.map(([name, value]) => value && value.length !== 0 && html`<dt>${t(name)}</dt><dd>${value}</dd>`)}
    </dl>
  `;
}

/** @param {any} value */
function share(value) {
  return `${Math.round(value * 100)}%`;
}

/** @param {number} seconds */
function milliseconds(seconds) {
  return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
}
