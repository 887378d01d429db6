/** A page of a document: its image, and marks over it. Boxes become percentages of the page, so no zoom moves a mark. */
import { html } from "../html.js";

/** @typedef {{ page: number, x0: number, y0: number, x1: number, y1: number }} Box in points from the top left corner */
/** @typedef {{ boxes: Box[], kind: string, title?: string }} Mark `kind` is its class: `cited`, `passage`, `role-…` */

/** Points that a mark reaches beyond the box of its line. */
const PADDING = 1;

/**
 * @param {{ image: string, width: number, height: number, alt: string, marks?: Mark[], onLoad?: () => void, onError?: () => void, children?: any }} properties
 */
export function Sheet({ image, width, height, alt, marks = [], onLoad, onError, children }) {
  return html`
    <div class="sheet" style=${{ aspectRatio: `${width} / ${height}` }}>
      <img src=${image} alt=${alt} width=${Math.round(width)} height=${Math.round(height)} onLoad=${onLoad} onError=${onError} draggable=${false} />
      <svg class="marks" aria-hidden="true" focusable="false">
        ${marks.map(({ boxes, kind }) => boxes.map((box) => html`<${Rectangle} box=${box} kind=${kind} width=${width} height=${height} />`))}
      </svg>
      ${children}
    </div>
  `;
}

/** @param {{ box: Box, kind: string, width: number, height: number }} properties */
function Rectangle({ box, kind, width, height }) {
  const left = Math.max(box.x0 - PADDING, 0);
  const right = Math.min(box.x1 + PADDING, width);
  const top = Math.max(box.y0 - PADDING, 0);
  const bottom = Math.min(box.y1 + PADDING, height);
  if (left >= right || top >= bottom) return null;
  return html`<rect
    class=${kind}
    x=${percent(left / width)}
    y=${percent(top / height)}
    width=${percent((right - left) / width)}
    height=${percent((bottom - top) / height)}
  />`;
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(4)}%`;
}
