/**
 * Answers as blocks of spans: paragraphs, headings, lists, simple tables, bold and `[n]`. Everything else is text, whatever
 * it looks like, since documents and models are not trusted.
 */
import { visible } from "../ui/visible.js";

/** @typedef {{ text: string, bold?: boolean, doubt?: boolean, citation?: number }} Span */
/**
 * @typedef {object} Block
 * @property {"p" | "h" | "gloss" | "ul" | "ol" | "table"} kind
 * @property {Span[][]} lines lines of a paragraph, items of a list; empty for a table
 * @property {number[]} numbers of the items of an `ol`
 * @property {Span[][][]} rows cells of a table, its head first
 */

const BULLET = /^\s*[-*•]\s+(.+)$/;
const NUMBERED = /^\s*(\d{1,3})[.)]\s+(.+)$/;
const HEADING = /^#{1,6}\s+(.+)$/;
const ROW = /^\s*\|(.+)\|\s*$/;
const RULE = /^\s*\|(\s*:?-+:?\s*\|)+\s*$/;
const INLINE = /\*\*(?=\S)(.+?)(?<=\S)\*\*|\[(\d{1,4})\]/gu;

/**
 * The blocks of an answer.
 * @param {string} text
 * @param {{ cited?: number[], doubts?: string[] }} [known] numbers of citations; what occurs in no passage
 * @returns {Block[]}
 */
export function blocksOf(text, { cited = [], doubts = [] } = {}) {
  const spans = (/** @type {string} */ line) => spansOf(line, cited, doubts);
  const lines = visible(text).split("\n");
  /** @type {Block[]} */
  const blocks = [];
  /** @type {Block | null} the block that the next line may go on with */
  let open = null;
  const begin = (/** @type {Block["kind"]} */ kind) => {
    open = { kind, lines: [], numbers: [], rows: [] };
    blocks.push(open);
    return open;
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const before = /** @type {Block | null} */ (open);
    const numbered = NUMBERED.exec(line);
    const item = BULLET.exec(line) ?? numbered;
    const kind = numbered ? "ol" : "ul";
    const heading = HEADING.exec(line);
    if (!line.trim()) open = null;
    else if (ROW.test(line) && RULE.test(lines[at + 1] ?? "")) {
      const table = begin("table");
      table.rows.push(cellsOf(line).map(spans));
      for (at += 2; at < lines.length && ROW.test(lines[at]); at++) table.rows.push(cellsOf(lines[at]).map(spans));
      at--;
      open = null;
    } else if (heading) {
      begin("h").lines.push(spans(heading[1]));
      open = null;
    } else if (item && (before === null || before.kind === kind || (before.kind === "p" && /[:：]\s*$/.test(lines[at - 1])))) {
      // An item within running text belongs to a quote, and keeps its number as text.
      const list = before?.kind === kind ? before : begin(kind);
      list.lines.push(spans(item[item.length - 1]));
      if (numbered) list.numbers.push(Number(numbered[1]));
    } else if (line.startsWith("〔词典释义")) begin("gloss").lines.push(spans(line));
    else if (before?.kind === "ul" || before?.kind === "ol") {
      if (/^\s/.test(line)) before.lines[before.lines.length - 1].push({ text: "\n" }, ...spans(line.trim()));
      else begin("p").lines.push(spans(line));
    } else (before?.kind === "p" ? before : begin("p")).lines.push(spans(line));
  }
  return blocks;
}

/** @param {string} row */
function cellsOf(row) {
  return (/** @type {RegExpExecArray} */ (ROW.exec(row))[1]).split("|").map((cell) => cell.trim());
}

/**
 * @param {string} text of a line
 * @param {number[]} cited
 * @param {string[]} doubts
 * @param {boolean} [bold]
 * @returns {Span[]}
 */
function spansOf(text, cited, doubts, bold = false) {
  /** @type {Span[]} */
  const spans = [];
  let rest = 0;
  const plain = (/** @type {number} */ end) => spans.push(...doubted(text.slice(rest, end), doubts, bold));
  for (const match of text.matchAll(INLINE)) {
    const number = match[2] === undefined ? null : Number(match[2]);
    if (number !== null && !cited.includes(number)) continue;
    plain(match.index);
    if (number === null) spans.push(...spansOf(match[1], cited, doubts, true));
    else spans.push({ text: match[0], citation: number });
    rest = match.index + match[0].length;
  }
  plain(text.length);
  return spans;
}

/**
 * Text with what occurs in no passage on its own. A number is not looked for within another one.
 * @param {string} text
 * @param {string[]} doubts
 * @param {boolean} bold
 * @returns {Span[]}
 */
function doubted(text, doubts, bold) {
  const style = bold ? { bold } : {};
  const wanted = doubts.filter(Boolean).sort((one, other) => other.length - one.length);
  if (!text || !wanted.length) return text ? [{ text, ...style }] : [];
  const written = wanted.map((one) => {
    const escaped = one.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
    return `${/^\d/.test(one) ? "(?<![\\d.,])" : ""}${escaped}${/\d$/.test(one) ? "(?!\\d)" : ""}`;
  });
  return text
    .split(new RegExp(`(${written.join("|")})`, "u"))
    .map((part, at) => ({ text: part, ...style, ...(at % 2 ? { doubt: true } : {}) }))
    .filter((span) => span.text);
}
