/** The reader beside a screen, or alone: the pages of a file, with the sentences of a citation marked. */
import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { ROOT } from "../api.js";
import { languageOf, useTexts } from "../language.js";
import { useShortcuts } from "../shortcuts.js";
import { announce } from "../ui/announcer.js";
import { ProblemNotice } from "../ui/problem.js";
import { visible } from "../ui/visible.js";
import { placesAround, viewOf } from "./loading.js";
import { ReaderPage } from "./page.js";
import { closeReader, neighbours, openedBy, openReader, stepReader, written } from "./target.js";
import { texts } from "./texts.js";
import { CitationSteps, FileLinks, PageSteps, Tool, zoomed, ZoomSteps } from "./tools.js";

/** @typedef {import("./loading.js").View} View */

/** Parts that not every reader needs, loaded when they are. */
const PARTS = {
  find: () => import("./find.js"),
  outline: () => import("./outline.js"),
  gone: () => import("./gone.js"),
};

/** @param {{ target: import("./target.js").Target, alone?: boolean, start?: number }} properties */
export function ReaderPane({ target, alone = false, start }) {
  const t = useTexts(texts);
  const beside = neighbours.use();
  const [view, setView] = useState(/** @type {View | null} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [around, setAround] = useState({ of: "", boxes: /** @type {any[]} */ ([]) });
  const [turned, setTurned] = useState(start);
  const [zoom, setZoom] = useState(1);
  const [panel, setPanel] = useState("");
  const [found, setFound] = useState(/** @type {import("./find.js").Found | null} */ (null));
  const [isLarge, setLarge] = useState(false);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const pages = useRef(/** @type {HTMLElement | null} */ (null));
  const isFirst = useRef(true);
  const name = written(target);
  const passage = "citation" in target ? target.passage : undefined;
  const at = beside.findIndex((one) => written(one) === name);
  const go = (/** @type {number | undefined} */ page) => {
    if (page && "page" in target && !alone) openReader({ ...target, page }, beside);
    else setTurned(page);
  };

  useShortcuts({
    ...(alone ? {} : { Escape: closeReader, "[": () => stepReader(-1), "]": () => stepReader(1) }),
    "+": () => setZoom(zoomed(zoom, 1)),
    "-": () => setZoom(zoomed(zoom, -1)),
    0: () => setZoom(1),
  });
  useEffect(() => {
    let current = true;
    setProblem(null);
    viewOf(target).then(
      (next) => {
        if (!current) return;
        if (view && (view.fileId !== next.fileId || view.collection !== next.collection)) setFound(null);
        setView(next);
        if (isFirst.current) setTurned(start);
        else setTurned(undefined);
        if (!isFirst.current && at >= 0)
          announce(t("citation_said", { at: at + 1, all: beside.length, file: next.file, page: next.citation?.page }));
        isFirst.current = false;
        if (passage)
          placesAround(passage, next.citation.boxes).then(
            (boxes) => current && setAround({ of: passage, boxes }),
            () => {}, // without the passage, the citation is marked all the same
          );
      },
      (error) => {
        if (!current) return;
        setProblem(error);
        setView(null);
      },
    );
    return () => void (current = false);
  }, [name]);
  useEffect(() => {
    if (alone) return undefined;
    const chip = openedBy();
    if (chip) showAbove(chip);
    return () => openedBy()?.focus();
  }, []);
  useEffect(() => {
    if (!document.activeElement?.closest(".reader")) heading.current?.focus();
  }, [name, view === null]);

  const cited = view?.citation;
  const numbers = turned ? [turned] : (view?.pages.map((page) => page.page) ?? []);
  const hit = found?.data[found.at];
  useEffect(() => {
    if (hit && !numbers.includes(hit.page)) go(hit.page);
    else place();
  }, [found]);
  useLayoutEffect(place, [view, turned]);
  const center = useRef({ x: 0.5, y: 0 });
  useLayoutEffect(() => {
    const area = pages.current;
    if (!area) return;
    area.scrollTop = center.current.y * area.scrollHeight - area.clientHeight / 2;
    area.scrollLeft = center.current.x * area.scrollWidth - area.clientWidth / 2;
  }, [zoom]);

  const [Frame, Heading] = alone ? ["main", "h1"] : ["aside", "h2"];
  return html`
    <${Frame} class=${`reader ${isLarge ? "large" : ""} ${alone ? "alone" : ""}`} aria-labelledby="reader-heading">
      ${
        !alone &&
        html`<button class="quiet reader-handle" aria-label=${t("larger")} aria-expanded=${String(isLarge)} onClick=${() => setLarge(!isLarge)}>
          <span></span>
        </button>`
      }
      <header>
        <${Heading} id="reader-heading" tabindex="-1" ref=${heading}>
          <bdi>${visible(view?.file ?? problem?.body?.citation?.file ?? t("reader"))}</bdi>
          ${view && html`<${Place} view=${view} numbers=${numbers} />`}
        <//>
        ${alone && html`<a href=${ROOT.href}>${t("ask")}</a>`}
        ${!alone && html`<button class="quiet" aria-label=${t("close")} title=${t("close")} onClick=${closeReader}>✕</button>`}
      </header>
      ${problem?.code === "gone" ? html`<${Part} name="gone" problem=${problem} />` : problem && html`<${ProblemNotice} problem=${problem} />`}
      ${
        cited &&
        html`<blockquote class="reader-quote" tabindex="0" aria-label=${t("quote")} lang=${languageOf(cited.text)}><bdi>${visible(cited.text)}</bdi></blockquote>`
      }
      ${view && numbers.length === 0 && html`<p class="notice">${t("no_page")}</p>`}
      ${
        view &&
        numbers.length > 0 &&
        html`<div class="reader-tools" role="group" aria-label=${t("tools")}>
            <${CitationSteps} at=${at} all=${beside.length} onStep=${stepReader} />
            <${PageSteps} numbers=${numbers} all=${view.filePages} onPage=${go} />
            <${ZoomSteps} zoom=${zoom} onZoom=${setZoom} />
            <${Tool} label=${t("outline")} pressed=${panel === "outline"} onClick=${() => toggle("outline")}>${t("outline")}<//>
            <${Tool} label=${t("find")} pressed=${panel === "find"} onClick=${() => toggle("find")}>${t("find")}<//>
            <${FileLinks} view=${view} page=${numbers[0]} />
            ${cited && turned && html`<button onClick=${() => setTurned(undefined)}>${t("back")}</button>`}
          </div>
          ${panel === "outline" && html`<${Part} name="outline" view=${view} page=${numbers[0]} onPage=${go} />`}
          ${panel === "find" && html`<${Part} name="find" view=${view} found=${found} onFound=${setFound} onClose=${closeFind} />`}
          <div class="reader-pages" ref=${pages} tabindex="0" role="group" aria-label=${t("page_area")} onScroll=${scrolled}>
            <div style=${{ inlineSize: `calc(min(100%, 60rem) * ${zoom})` }}>
              ${numbers.map((number) => html`<${ReaderPage} key=${number} view=${view} number=${number} marks=${marksOf(number)} onPlaced=${place} />`)}
            </div>
          </div>`
      }
    <//>
  `;

  /** @param {string} next */
  function toggle(next) {
    setPanel(panel === next ? "" : next);
    if (panel === "find") setFound(null);
  }

  function closeFind() {
    setPanel("");
    setFound(null);
    heading.current?.focus();
  }

  /** @param {number} number */
  function marksOf(number) {
    const here = (/** @type {any[] | undefined} */ boxes) => boxes?.filter((box) => box.page === number) ?? [];
    return [
      { kind: "passage", boxes: around.of === passage ? here(around.boxes) : [] },
      { kind: "cited", boxes: here(cited?.boxes) },
      ...(found?.data ?? []).map((one, index) => ({ kind: index === found?.at ? "found current" : "found", boxes: here(one.boxes) })),
    ];
  }

  /** Scrolls to the first mark, or to the top of the page. */
  function place() {
    const area = pages.current;
    if (!area) return;
    const mark = area.querySelector(hit ? ".current" : ".cited");
    const from = area.getBoundingClientRect();
    const to = mark?.getBoundingClientRect();
    area.scrollTop = to ? area.scrollTop + to.top - from.top - from.height / 4 : 0;
    if (to && zoom > 1) area.scrollLeft += to.left - from.left - from.width / 4;
  }

  function scrolled() {
    const area = pages.current;
    if (!area) return;
    center.current = {
      x: (area.scrollLeft + area.clientWidth / 2) / area.scrollWidth,
      y: (area.scrollTop + area.clientHeight / 2) / area.scrollHeight,
    };
  }
}

/** A part that is loaded when it is first shown. @param {{ name: keyof typeof PARTS, [property: string]: any }} properties */
function Part({ name, ...properties }) {
  const [part, setPart] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  useEffect(() => {
    PARTS[name]().then((module) => setPart(() => module.default), setProblem);
  }, [name]);
  if (problem) return html`<${ProblemNotice} problem=${problem} />`;
  return part && html`<${part} ...${properties} />`;
}

/** Which pages are shown, their printed number, and their section. @param {{ view: View, numbers: number[] }} properties */
function Place({ view, numbers }) {
  const t = useTexts(texts);
  const [first, last] = [numbers[0], numbers[numbers.length - 1]];
  if (!first) return null;
  const cited = view.citation?.page === first ? view.citation : null;
  const label = cited ? cited.page_label : view.pages.find((one) => one.page === first)?.label;
  return html`<span class="reader-place">
    ${last > first ? t("pages", { page: first, end: last }) : t("page", { page: first })}
    ${!/\.pdf$/i.test(view.file) && html` · ${t("converted")}`}
    ${label && html` · ${/[A-Z]\d/.test(label) ? visible(label) : t("printed", { label: visible(label) })}`}
    ${cited?.section && html` · <bdi lang=${languageOf(cited.section)}>${visible(cited.section)}</bdi>`}
  </span>`;
}

/** On a phone, keeps what opened the reader in sight above it. @param {HTMLElement} chip */
function showAbove(chip) {
  const reader = document.querySelector(".reader");
  if (!reader || getComputedStyle(reader).position !== "fixed") return;
  const over = chip.getBoundingClientRect().bottom + 16 - reader.getBoundingClientRect().top;
  if (over > 0) scrollBy(0, over);
}
