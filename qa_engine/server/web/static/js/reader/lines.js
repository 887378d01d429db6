/** The text of a page, laid over its image so that it can be selected and copied, line by line. Nobody sees it. */
import { html, useEffect, useState } from "../html.js";
import { load } from "./loading.js";

/** @typedef {{ text: string, x0: number, y0: number, x1: number, y1: number, turn: number }} Line */

const SIZE = 100;
const context = document.createElement("canvas").getContext("2d");
if (context) context.font = `${SIZE}px sans-serif`; // as `.reader-lines` has it

/**
 * Screen readers have the sentences of the page as text instead.
 * @param {{ address: string, width: number, height: number }} properties
 */
export function TextLines({ address, width, height }) {
  const [lines, setLines] = useState(/** @type {Line[]} */ ([]));
  useEffect(() => {
    let current = true;
    setLines([]);
    // Without it, the page can be read all the same: its text is below.
    load(new URL(address, location.href).href).then((found) => current && setLines(found.lines), () => {});
    return () => void (current = false);
  }, [address]);
  return html`
    <div class="reader-lines" aria-hidden="true">
      ${lines.map((line) => html`<span style=${place(line, width, height)}>${`${line.text}\n`}</span>`)}
    </div>
  `;
}

/**
 * Where a line lies: from its first corner, turned, and as wide as on the page whatever font the browser takes.
 * @param {Line} line
 * @param {number} width of the page
 * @param {number} height
 */
function place({ text, x0, y0, x1, y1, turn }, width, height) {
  const across = turn % 180 === 0;
  const [length, size] = across ? [x1 - x0, y1 - y0] : [y1 - y0, x1 - x0];
  const left = turn === 90 || turn === 180 ? x1 : x0;
  const top = turn === 180 || turn === 270 ? y1 : y0;
  const natural = ((context?.measureText(text).width ?? 0) / SIZE) * size;
  return {
    left: `${(left / width) * 100}%`,
    top: `${(top / height) * 100}%`,
    fontSize: `${(size / width) * 100}cqw`,
    transform: `rotate(${turn}deg) scaleX(${natural > 0 ? length / natural : 1})`,
  };
}
