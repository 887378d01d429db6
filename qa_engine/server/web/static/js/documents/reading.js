/** How a page was read: its sentences and what was left out of it, over its image and as a list. */
import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { filesPath, send, request } from "../api.js";
import { languageOf, useTexts } from "../language.js";
import { Sheet } from "../reader/sheet.js";
import { setQuery } from "../router.js";
import { ProblemNotice } from "../ui/problem.js";
import { count, printable } from "../ui/format.js";
import { doubtIn, texts } from "./reading_texts.js";

/** @typedef {{ key: string, role: string, text: string, doubt?: string, left: boolean, boxes: import("../reader/sheet.js").Box[] }} Item */

/** Roles that have a colour of their own; what is left out has one, and an outline of dashes. */
const COLOURS = new Set(["heading", "table", "body", "list"]);

/** Milliseconds between two questions for how far the file is read. */
const PAUSE = 300;

/** @param {{ collection: string, file: any, number: number }} properties */
export function PageReading({ collection, file, number }) {
  const t = useTexts(texts);
  const path = `${filesPath(collection, file.file_id)}/pages/${number}`;
  const [page, setPage] = useState(/** @type {any} */ (null));
  const [reading, setReading] = useState(/** @type {any} */ (null));
  const [progress, setProgress] = useState(/** @type {{ read: number, pages: number } | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [pointed, setPointed] = useState("");
  const [pinned, setPinned] = useState("");
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const leaving = new AbortController();
    const failed = (/** @type {unknown} */ error) => leaving.signal.aborted || setProblem(error);
    setPage(null), setReading(null), setProblem(null), setPinned(""), setPointed("");
    request(path, { signal: leaving.signal }).then(setPage, failed);
    read(`${path}/reading`, leaving.signal, setProgress).then(setReading, failed);
    return () => leaving.abort();
  }, [path]);
  const items = useMemo(() => itemsOf(page, reading), [page, reading]);
  const lit = pointed || pinned;
  const shown = items.find((one) => one.key === lit);
  const marks = items.map((one) => ({
    boxes: one.boxes,
    kind: `role-${one.left ? "left" : COLOURS.has(one.role) ? one.role : "other"}${one.key === lit ? " lit" : ""}`,
  }));
  const roles = [...new Set(items.map((one) => one.role))];
  return html`
    <section aria-labelledby="reading-heading">
      <div class="documents-head">
        <h2 id="reading-heading">${t("title")}</h2>
        <div class="row">
          <button disabled=${number <= 1} onClick=${() => step(number - 1)}>${t("previous")}</button>
          <label class="row"><span>${t("page")}</span>
            <input class="documents-page" type="number" min="1" max=${file.pages} value=${number} onChange=${(/** @type {any} */ event) => step(Number(event.target.value))} />
          </label>
          <span>${t("of", { pages: count(file.pages) })}</span>
          <button disabled=${number >= file.pages} onClick=${() => step(number + 1)}>${t("next")}</button>
        </div>
      </div>
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
      ${!reading && !problem && html`<div class="notice" role="status"><p>${t(progress?.pages ? "reading_pages" : "reading", { read: count(progress?.read ?? 0), pages: count(progress?.pages ?? 0) })}</p>
        ${progress?.pages ? html`<progress max=${progress.pages} value=${progress.read} aria-label=${t("reading")} />` : null}
      </div>`}
      ${reading && html`<${Verdict} reading=${reading} />`}
      ${roles.length > 0 && html`<ul class="documents-legend" aria-label=${t("legend")}>
        ${roles.map((role) => {
          const of = items.filter((one) => one.role === role);
          return html`<li><span class=${`documents-key role-${of[0].left ? "left" : COLOURS.has(role) ? role : "other"}`} aria-hidden="true"></span>${t(`role_${role}`)} ${count(of.length)}</li>`;
        })}
      </ul>`}
      <div class="documents-reading">
        <div class="documents-sheet" onPointerMove=${point} onPointerLeave=${() => setPointed("")} onClick=${pin}>
          ${page?.image && html`<${Sheet} image=${page.image} width=${page.width} height=${page.height} alt=${t("image", { page: number })} marks=${marks} />`}
          ${shown && html`<p class="documents-lit" aria-hidden="true"><span class="badge">${t(`role_${shown.role}`)}</span> <bdi>${printable(shown.text)}</bdi></p>`}
          ${page && !page.image && html`<p class="notice warn">${t("no_image")}</p>`}
        </div>
        <div class="documents-lines" ref=${list}>
          ${page && group("sentences", items.filter((one) => !one.left))}
          ${reading && group("left_out", items.filter((one) => one.left))}
        </div>
      </div>
    </section>
  `;

  /**
   * @param {string} title
   * @param {Item[]} its
   */
  function group(title, its) {
    return html`
      <h3>${t(title, { count: count(its.length) })}</h3>
      ${its.length === 0 && html`<p class="faint">${t(`${title}_none`)}</p>`}
      <ol>
        ${its.map(
          (one) => html`<li key=${one.key}>
            <button class=${`quiet ${one.key === lit ? "lit" : ""}`} data-key=${one.key} aria-pressed=${one.key === pinned}
              onClick=${() => setPinned(one.key === pinned ? "" : one.key)} onFocus=${() => setPointed(one.key)} onBlur=${() => setPointed("")}
              onPointerEnter=${() => setPointed(one.key)} onPointerLeave=${() => setPointed("")}>
              <span class="badge">${t(`role_${one.role}`)}</span>
              <bdi lang=${languageOf(one.text)}>${printable(one.text)}</bdi>
              ${one.doubt && html`<span class="badge warn">${doubtIn(t("language"), one.doubt)}</span>`}
            </button>
          </li>`,
        )}
      </ol>
    `;
  }

  /** @param {number} wanted */
  function step(wanted) {
    if (wanted >= 1 && wanted <= file.pages) setQuery({ page: String(Math.floor(wanted)) });
  }

  /** What is under the pointer. @param {PointerEvent | MouseEvent} event */
  function under(event) {
    const sheet = /** @type {HTMLElement} */ (event.currentTarget).querySelector(".sheet");
    if (!sheet || !page) return undefined;
    const { left, top, width, height } = sheet.getBoundingClientRect();
    const x = ((event.clientX - left) / width) * page.width;
    const y = ((event.clientY - top) / height) * page.height;
    return items.find(({ boxes }) => boxes.some((box) => box.x0 <= x && x <= box.x1 && box.y0 <= y && y <= box.y1));
  }

  /** @param {PointerEvent} event */
  function point(event) {
    const one = under(event);
    if ((one?.key ?? "") === pointed) return;
    setPointed(one?.key ?? "");
    if (one) show(one.key);
  }

  /** @param {MouseEvent} event */
  function pin(event) {
    const one = under(event);
    setPinned(one && one.key !== pinned ? one.key : "");
    if (one) show(one.key);
  }

  /** Scrolls the list alone, and not the page. @param {string} key */
  function show(key) {
    const element = list.current?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!list.current || !(element instanceof HTMLElement)) return;
    const around = list.current.getBoundingClientRect();
    const its = element.getBoundingClientRect();
    if (its.top < around.top || its.bottom > around.bottom) list.current.scrollTop += its.top - around.top - 24;
  }
}

/** @param {{ reading: any }} properties */
function Verdict({ reading }) {
  const t = useTexts(texts);
  const { parser, ocr, unread, suspect, current, label, doubts } = reading;
  return html`
    <p class="row">
      <span class="badge">${t(ocr ? "by_ocr" : "by_text")}</span>
      <span class="badge">${t(parser === "layout" ? "by_layout" : "by_fast")}</span>
      ${label && html`<span class="badge">${t("label")} <bdi>${printable(label)}</bdi></span>`}
    </p>
    ${unread && html`<p class="notice warn">${t(`unread_${unread}`)}</p>`}
    ${suspect && html`<p class="notice warn">${t("suspect")}</p>`}
    ${!current && html`<p class="notice warn">${t("not_current")}</p>`}
    ${doubts.length > 0 && html`<div class="notice warn"><strong>${t("doubts")}</strong>
      <ul>${doubts.map((/** @type {string} */ doubt) => html`<li>${printable(doubtIn(t("language"), doubt))}</li>`)}</ul></div>`}
  `;
}

/**
 * Waits until the server has read the file.
 * @param {string} path
 * @param {AbortSignal} signal
 * @param {(progress: { read: number, pages: number }) => void} tell
 */
async function read(path, signal, tell) {
  for (;;) {
    const response = await send(path, { signal });
    const body = await response.json();
    if (response.status !== 202) return body;
    tell(body);
    await new Promise((done) => setTimeout(done, PAUSE)); // the server itself waits for a while
  }
}

/**
 * @param {any} page
 * @param {any} reading
 * @returns {Item[]}
 */
function itemsOf(page, reading) {
  const sentences = (page?.sentences ?? []).map((/** @type {any} */ one) => ({ ...one, key: one.id, left: false }));
  const left = (reading?.left_out ?? []).map((/** @type {any} */ one, /** @type {number} */ index) => ({ ...one, key: `left${index}`, left: true }));
  return [...sentences, ...left];
}
