/** One page in the reader: its image with marks and text, or why there is none. */
import { html, useEffect, useState } from "../html.js";
import { Problem } from "../api.js";
import { languageOf, useTexts } from "../language.js";
import { ProblemNotice } from "../ui/problem.js";
import { visible } from "../ui/visible.js";
import { TextLines } from "./lines.js";
import { load, pagePath } from "./loading.js";
import { Sheet } from "./sheet.js";
import { texts } from "./texts.js";

/**
 * @param {{ view: import("./loading.js").View, number: number, marks: import("./sheet.js").Mark[], onPlaced: () => void }} properties
 */
export function ReaderPage({ view, number, marks, onPlaced }) {
  const t = useTexts(texts);
  const known = view.pages.find((page) => page.page === number);
  const [asked, setAsked] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
  const [drawn, setDrawn] = useState("");
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let current = true;
    setProblem(null);
    if (!known)
      load(pagePath(view.collection, view.fileId, number)).then(
        (found) => current && setAsked(found),
        (error) => current && setProblem(error),
      );
    return () => void (current = false);
  }, [view, number, tries]);
  const page = known ?? (asked?.page === number ? asked : null);
  const isCited = marks.some((mark) => mark.kind === "cited" && mark.boxes.length > 0);
  useEffect(() => {
    if (page) onPlaced();
  }, [page]);
  if (problem) return html`<${ProblemNotice} problem=${problem} onRetry=${() => setTries(tries + 1)} />`;
  if (!page) return html`<div class="sheet reader-waits" role="status">${t("loading")}</div>`;
  const isShown = page.image && drawn !== `failed ${page.image}`;
  return html`
    <section class="reader-page" aria-label=${t("page", { page: number })}>
      ${
        isShown
          ? html`<${Sheet}
              key=${page.image}
              image=${page.image}
              width=${page.width}
              height=${page.height}
              alt=${t(isCited ? "page_marked" : "page_image", { file: view.file, page: number })}
              marks=${marks}
              onLoad=${loaded}
              onError=${() => setDrawn(`failed ${page.image}`)}
            >
              ${drawn === page.image && page.lines && html`<${TextLines} address=${page.lines} width=${page.width} height=${page.height} />`}
            <//>`
          : html`<p class="notice warn">${t("not_drawn")}</p>`
      }
      <${PageText} view=${view} number=${number} open=${!isShown} />
    </section>
  `;

  function loaded() {
    setDrawn(page.image);
    // When the frame with the marks has been painted.
    if (isCited) requestAnimationFrame(() => setTimeout(() => performance.mark("reader:shown")));
  }
}

/**
 * The sentences of a page as text, for those who read it otherwise than by its image.
 * @param {{ view: import("./loading.js").View, number: number, open: boolean }} properties
 */
function PageText({ view, number, open }) {
  const t = useTexts(texts);
  const [isOpen, setOpen] = useState(open);
  const [sentences, setSentences] = useState(/** @type {any[] | null} */ (null));
  const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
  useEffect(() => {
    let current = true;
    setSentences(null);
    setProblem(null);
    if (isOpen || open)
      load(pagePath(view.collection, view.fileId, number)).then(
        (found) => current && setSentences(found.sentences),
        (error) => current && setProblem(error),
      );
    return () => void (current = false);
  }, [view, number, isOpen, open]);
  return html`
    <details class="reader-text" open=${open} onToggle=${(/** @type {any} */ event) => setOpen(event.currentTarget.open)}>
      <summary>${t("page_text")} · ${t("page", { page: number })}</summary>
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
      ${sentences?.map(({ text }) => html`<p lang=${languageOf(text)}><bdi>${visible(text)}</bdi></p>`)}
      ${sentences?.length === 0 && html`<p class="faint">${t("page_empty")}</p>`}
    </details>
  `;
}
