/** The passages of a search as a table: their ranks and scores in each stage. Where it is narrow, each row is a card. */
import { html } from "../html.js";
import { languageOf, useTexts } from "../language.js";
import { openReader } from "../reader/target.js";
import { STAGES, marked, sameIn } from "./passages.js";
import { texts } from "./texts.js";

/** @typedef {import("./passages.js").Row} Row */

/**
 * @param {{ name: string, rows: Row[], others: Row[] | null, otherName: string, whole: boolean, onSave?: (row: Row) => void }} properties
 * `others` are the rows of the other query, null without one
 */
export function PassageTable({ name, rows, others, otherName, whole, onSave }) {
  const t = useTexts(texts);
  const all = rows.map((row) => ({ citation: row.passage.node_id }));
  return html`
    <table class=${whole ? "search-table whole" : "search-table"} role="table" aria-labelledby=${`${name}-heading`}>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader">${t("rank")}</th>
          ${STAGES.map((stage) => html`<th role="columnheader">${t(stage)}</th>`)}
          <th role="columnheader">${t("passage")}</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map((row, index) => {
          const twin = others && sameIn(row, others);
          return html`
            <tr role="row" id=${`${name}-${row.rank}`} tabindex="-1" class=${others && !twin ? "only" : ""}>
              <td role="cell" class="rank">
                <strong>${row.rank}</strong>
                <${Move} from=${row.places.rerank} to=${row.rank} />
                <small>${score(row.passage.score)}</small>
              </td>
              ${STAGES.map(
                (stage) => html`
                  <td role="cell" class="stage">
                    <span class="search-label" aria-hidden="true">${t(stage)}</span>
                    ${row.ranks[stage]
                      ? html`<span class=${`search-rank ${heat(row.ranks[stage])}`}>${row.ranks[stage]}</span>
                          ${stage === "rerank" && html`<${Move} from=${row.places.fused} to=${row.places.rerank} />`}
                          <small>${score(row.scores[stage])}</small>`
                      : html`<span class="faint" title=${t("not_found")}>–<span class="visually-hidden">${t("not_found")}</span></span>`}
                  </td>
                `,
              )}
              <td role="cell" class="about">
                <button class="search-open" onClick=${() => openReader(all[index], all)}>
                  <bdi>${row.passage.file}</bdi> · ${pages(row.passage)}
                </button>
                ${row.passage.section && html`<p class="faint" lang=${languageOf(row.passage.section)}><bdi>${row.passage.section}</bdi></p>`}
                <p class="search-text" lang=${languageOf(row.passage.text)} dir="auto">
                  ${marked(row.passage.text, row.terms).map((part, place) => (place % 2 ? html`<mark>${part}</mark>` : part))}
                </p>
                <p class="faint">
                  ${row.terms.length ? t("words") : t("no_words")}${" "}
                  ${row.terms.map((term) => html`<span class="badge"><bdi>${term}</bdi></span> `)}
                </p>
                <p class="row">
                  ${twin && html`<button class="quiet" onClick=${() => show(`${otherName}-${twin.rank}`)}>${t("twin", { rank: twin.rank })}</button>`}
                  ${others && !twin && html`<span class="badge warn">${t("only_here")}</span>`}
                  ${onSave && row.passage.file_id && html`<button class="quiet" onClick=${() => onSave(row)}>${t("save_row")}</button>`}
                </p>
              </td>
            </tr>
          `;
        })}
      </tbody>
    </table>
  `;

  /** @param {any} passage */
  function pages({ page, page_end, file, place }) {
    if (place && !/\.pdf$/i.test(file)) return place;
    return page === page_end ? t("page", { page }) : t("pages", { page, end: page_end });
  }
}

/**
 * How many places a passage moves, among those that are shown.
 * @param {{ from?: number, to?: number }} properties
 */
function Move({ from, to }) {
  const t = useTexts(texts);
  if (!from || !to || from === to) return null;
  const by = Math.abs(from - to);
  return html`<span class=${from > to ? "search-up" : "search-down"}>
    <span aria-hidden="true">${from > to ? "↑" : "↓"}${by}</span>
    <span class="visually-hidden">${t(from > to ? "up" : "down", { by })}</span>
  </span>`;
}

/** @param {number | null | undefined} value */
export function score(value) {
  return value == null ? "" : value.toFixed(Math.abs(value) < 1 ? 3 : 2);
}

/** @param {number | undefined} rank */
function heat(rank = 99) {
  return rank <= 3 ? "top" : rank <= 10 ? "near" : "";
}

/** @param {string} id */
function show(id) {
  const row = document.getElementById(id);
  row?.scrollIntoView({ block: "center" });
  row?.focus();
}
