/** A question with its answer, its sources, and what may be done with them. */
import { html, useState } from "../html.js";
import { languageOf, useTexts } from "../language.js";
import { announce } from "../ui/announcer.js";
import { ProblemNotice } from "../ui/problem.js";
import { visible } from "../ui/visible.js";
import { blocksOf } from "./answer_text.js";
import { retry } from "./conversation.js";
import { copyText, withSources } from "./copying.js";
import { Feedback } from "./feedback.js";
import { CitationLink, Sources } from "./sources.js";
import { texts } from "./answer_texts.js";
import { Why } from "./why.js";

/** @param {{ turn: import("./conversation.js").Turn }} properties */
export function Answer({ turn }) {
  const t = useTexts(texts);
  const [copied, setCopied] = useState(/** @type {boolean | null} */ (null));
  const { question, standalone, state, text, refused, body, problem } = turn;
  const busy = state === "waiting" || state === "lost";
  return html`
    <article class="ask-turn">
      <h2 lang=${languageOf(question)}><bdi>${visible(question)}</bdi></h2>
      ${standalone && standalone !== question && html`<p class="faint">${t("understood", { question: visible(standalone) })}</p>`}
      <div class="ask-pair">
        <div class="ask-answer" aria-busy=${busy}>
          ${refused
            ? html`<div class="notice"><p><strong>${visible(text)}</strong></p><p>${t("refused")}</p></div>`
            : html`<${AnswerText} text=${text} citations=${turn.citations} doubts=${body?.unsupported ?? []} />`}
          ${busy && html`<p class="faint ask-busy">${t(state === "lost" ? "lost" : text ? "writing" : "searching")}</p>`}
          ${state === "stopped" && html`<p class="faint">${t("stopped")}</p>`}
          ${state === "failed" || problem
            ? html`<${ProblemNotice} problem=${problem} onRetry=${() => retry(turn)} />`
            : state === "stopped" && html`<button onClick=${() => retry(turn)}>${t("ask_again")}</button>`}
          ${/** @type {any} */ (problem)?.code === "conversation_busy" && html`<p class="notice warn">${t("busy_elsewhere")}</p>`}
          ${state === "done" &&
          html`
            ${body?.unverified && html`<p class="notice warn">${t("unverified")}</p>`}
            ${body
              ? html`<${Why} turn=${turn} />`
              : html`<p class="faint">${t("details_gone")}</p>`}
            <div class="row ask-tools">
              <button class="quiet" onClick=${copy}>${t(copied === null ? "copy" : copied ? "copied" : "not_copied")}</button>
              ${body && html`<${Feedback} turn=${turn} />`}
            </div>
          `}
        </div>
        <${Sources} turn=${turn} />
      </div>
    </article>
  `;

  async function copy() {
    const done = await copyText(withSources(t, turn));
    setCopied(done);
    announce(t(done ? "copied" : "not_copied"));
  }
}

/**
 * The text of an answer: its marks `[n]` are links to its citations.
 * @param {{ text: string, citations: any[], doubts: string[] }} properties
 */
export function AnswerText({ text, citations, doubts }) {
  const t = useTexts(texts);
  const cited = citations.map((one) => one.number);
  return html`${blocksOf(text, { cited, doubts }).map(shown)}`;

  /** @param {import("./answer_text.js").Block} block */
  function shown({ kind, lines, numbers, rows }) {
    const lang = languageOf([...lines, ...rows.flat()].flat().map((span) => span.text).join(""));
    if (kind === "table")
      return html`
        <div class="scroll" tabindex="0" role="region" aria-label=${t("table")}>
          <table lang=${lang}>
            <thead><tr>${rows[0].map((cell) => html`<th scope="col">${cell.map(inline)}</th>`)}</tr></thead>
            <tbody>${rows.slice(1).map((row) => html`<tr>${row.map((cell) => html`<td>${cell.map(inline)}</td>`)}</tr>`)}</tbody>
          </table>
        </div>
      `;
    if (kind === "ul") return html`<ul lang=${lang}>${lines.map((line) => html`<li>${line.map(inline)}</li>`)}</ul>`;
    if (kind === "ol")
      return html`<ol lang=${lang}>${lines.map((line, at) => html`<li value=${numbers[at]}>${line.map(inline)}</li>`)}</ol>`;
    const spans = lines.map((line, at) => html`${at > 0 && "\n"}${line.map(inline)}`);
    if (kind === "h") return html`<p lang=${lang}><strong>${spans}</strong></p>`;
    return html`<p lang=${lang} class=${kind === "gloss" ? "faint" : undefined}>${spans}</p>`;
  }

  /** @param {import("./answer_text.js").Span} span */
  function inline({ text: words, bold, doubt, citation: number }) {
    const citation = number !== undefined && citations.find((one) => one.number === number);
    if (citation) return html`<${CitationLink} class="ask-chip" citation=${citation} all=${citations}>${number}<//>`;
    const marked = doubt
      ? html`<mark class="ask-doubt" title=${t("doubt")}>${words}<span class="visually-hidden">${t("doubt_spoken")}</span></mark>`
      : words;
    return bold ? html`<strong>${marked}</strong>` : marked;
  }
}
