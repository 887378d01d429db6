/** Why a page is not found, in words: only what the server has computed. */
import { html } from "../html.js";
import { languageOf, useTexts } from "../language.js";
import { openReader } from "../reader/target.js";
import { score } from "./table.js";
import { texts } from "./texts.js";

/** @typedef {(name: string, values?: Record<string, unknown>) => string} Say */

/**
 * What became of the page, in a sentence.
 * @param {Say} t
 * @param {any} trace
 */
export function headline(t, trace) {
  if (trace.outcome === "no_sentences") return t(`unread_${trace.unread.reason}`, trace);
  const passage = Math.min(...trace.parts.map((/** @type {any} */ part) => part.passage ?? Infinity));
  return t(`outcome_${trace.outcome}`, { ...trace, passage, limit: Math.max(trace.candidates, trace.top_k) });
}

/**
 * @param {{ file: any, trace: any, onCount: (count: number) => void, onSave?: (expected: any) => void }} properties
 */
export function Verdict({ file, trace, onCount, onSave }) {
  const t = useTexts(texts);
  const { outcome, needed_top_k: needed, page, unread } = trace;
  return html`
    <div class=${`notice ${outcome === "shown" ? "good" : "warn"}`}>
      <p><strong><bdi>${trace.file}</bdi> · ${t("page", { page })}</strong></p>
      <p>${headline(t, trace)}</p>
      ${unread?.lines.length > 0 && html`<ul>${unread.lines.map((/** @type {string} */ line) => html`<li lang=${languageOf(line)}><bdi>${line}</bdi></li>`)}</ul>`}
      ${needed && html`<p>${t("needed", { count: needed })}</p>`}
      ${outcome === "not_reranked" && !needed && html`<p>${t("not_needed")}</p>`}
      <p class="row">
        ${needed && html`<button onClick=${() => onCount(needed)}>${t("use_count", { count: needed })}</button>`}
        ${page <= trace.pages && html`<button onClick=${() => openReader({ collection: file.collection, file: file.file_id, page })}>${t("open_page")}</button>`}
        ${onSave && page <= trace.pages && html`<button onClick=${() => onSave({ file: trace.file, page })}>${t("save_row")}</button>`}
      </p>
    </div>
    ${trace.parts.map((/** @type {any} */ part) => html`<${Part} part=${part} />`)}
  `;
}

/** How far the page came for one part of the question. @param {{ part: any }} properties */
function Part({ part }) {
  const t = useTexts(texts);
  const said = (/** @type {string[]} */ words) => words.map((word) => html`<span class="badge"><bdi>${word}</bdi></span> `);
  /** @type {[string, number | null][]} */
  const steps = [
    ["step_fused", part.fused],
    ["step_passage", part.passage],
    ["step_rerank", part.rerank],
    ["step_rank", part.rank],
  ];
  return html`
    <div class="search-part">
      ${part.part && html`<h4>${t("part")} <bdi>${part.part}</bdi></h4>`}
      <dl class="search-facts">
        ${part.matched.length > 0 && html`<dt>${t("has")}</dt><dd>${said(part.matched)}</dd>`}
        ${part.lacking.length > 0 && html`<dt>${t("lacks")}</dt><dd>${said(part.lacking)}</dd>`}
        ${part.lists.map(
          (/** @type {any} */ list) => html`
            <dt>${t(list.stage)}</dt>
            <dd>
              <small class="faint"><bdi>${list.query}</bdi></small><br />
              ${sentence(list)}
              ${list.sentence && html`<blockquote lang=${languageOf(list.sentence)}><bdi>${list.sentence}</bdi></blockquote>`}
            </dd>
          `,
        )}
        ${!part.lists.some((/** @type {any} */ list) => list.stage === "dense") && html`<dt>${t("dense")}</dt><dd>${t("named_others")}</dd>`}
        ${steps.map(([name, rank]) => rank !== null && html`<dt>${t(name)}</dt><dd>${t("place", { rank })}</dd>`)}
      </dl>
    </div>
  `;

  /** @param {any} list */
  function sentence(list) {
    const values = { ...list, score: score(list.score), last: score(list.last) };
    if (list.rank !== null) return t("list_in", values);
    if (!list.size) return t("list_empty");
    if (list.score === null) return t(list.stage === "bm25" ? "list_no_word" : "list_unknown", values);
    return t("list_out", values);
  }
}
