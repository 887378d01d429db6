/** A table that the server gives as Markdown. */
import { html } from "../html.js";
import { languageOf } from "../language.js";
import { printable } from "./format.js";

/** @param {{ text: string, title: string }} properties */
export function MarkdownTable({ text, title }) {
  const [head, , ...rows] = text.split("\n").filter(Boolean).map(cellsOf);
  if (!head) return null;
  return html`
    <details>
      <summary>${title} <span class="faint"><bdi>${printable(head.filter(Boolean).join(" · "))}</bdi></span></summary>
      <div class="scroll" tabindex="0" role="region" aria-label=${title}>
        <table lang=${languageOf(text)}>
          <thead><tr>${head.map((cell) => html`<th scope="col">${printable(cell)}</th>`)}</tr></thead>
          <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${printable(cell)}</td>`)}</tr>`)}</tbody>
        </table>
      </div>
    </details>
  `;
}

/** @param {string} line */
function cellsOf(line) {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}
