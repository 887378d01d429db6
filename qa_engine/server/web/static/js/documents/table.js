/** A table that the server gives as Markdown. Its cells are made when it is opened: a report has hundreds of tables. */
import { html, useState } from "../html.js";
import { languageOf } from "../language.js";
import { printable } from "../ui/format.js";

/** @param {{ text: string, title: string }} properties */
export function MarkdownTable({ text, title }) {
  const [open, setOpen] = useState(false);
  const [head, , ...rows] = text.split("\n").filter(Boolean).map(cellsOf);
  if (!head) return null;
  const names = head.some(Boolean) ? head : (rows[0] ?? []);
  return html`
    <details onToggle=${(/** @type {any} */ event) => setOpen(event.currentTarget.open)}>
      <summary>${title} <span class="faint"><bdi>${printable(names.filter(Boolean).join(" · "))}</bdi></span></summary>
      ${open && html`<div class="scroll" tabindex="0" role="region" aria-label=${title}>
        <table lang=${languageOf(text)}>
          ${head.some(Boolean) && html`<thead><tr>${head.map((cell) => html`<th scope="col">${printable(cell)}</th>`)}</tr></thead>`}
          <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${printable(cell)}</td>`)}</tr>`)}</tbody>
        </table>
      </div>`}
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
