/** The tools of the reader: steps through citations and pages, zoom, and the file itself. */
import { html, useState } from "../html.js";
import { address, filesPath } from "../api.js";
import { useTexts } from "../language.js";
import { announce } from "../ui/announcer.js";
import { texts } from "./texts.js";

export const ZOOMS = [1, 1.25, 1.5, 2, 3, 4];

/** @param {{ label: string, disabled?: boolean, pressed?: boolean, onClick: () => void, children?: any }} properties */
export function Tool({ label, disabled = false, pressed, onClick, children }) {
  const isOpen = pressed === undefined ? undefined : String(pressed);
  return html`
    <button type="button" class="quiet" aria-label=${label} title=${label} aria-disabled=${disabled} aria-expanded=${isOpen} onClick=${() => disabled || onClick()}>
      ${children}
    </button>
  `;
}

/** @param {{ at: number, all: number, onStep: (step: number) => void }} properties */
export function CitationSteps({ at, all, onStep }) {
  const t = useTexts(texts);
  if (all < 2 || at < 0) return null;
  return html`
    <span class="reader-group">
      <${Tool} label=${t("citation_previous")} disabled=${at === 0} onClick=${() => onStep(-1)}>‹<//>
      <span>${t("citation_at", { at: at + 1, all })}</span>
      <${Tool} label=${t("citation_next")} disabled=${at === all - 1} onClick=${() => onStep(1)}>›<//>
    </span>
  `;
}

/** @param {{ numbers: number[], all: number, onPage: (page: number) => void }} properties */
export function PageSteps({ numbers, all, onPage }) {
  const t = useTexts(texts);
  const first = numbers[0];
  const last = numbers[numbers.length - 1];
  return html`
    <form class="reader-group" onSubmit=${go}>
      <${Tool} label=${t("page_previous")} disabled=${first <= 1} onClick=${() => onPage(first - 1)}>‹<//>
      <input
        type="number" name="page" min="1" max=${all} required aria-label=${t("page_number", { all })}
        value=${first} key=${first} onChange=${go}
      />
      <span aria-hidden="true">/ ${all}</span>
      <${Tool} label=${t("page_next")} disabled=${last >= all} onClick=${() => onPage(last + 1)}>›<//>
    </form>
  `;

  /** @param {Event} event */
  function go(event) {
    event.preventDefault();
    const form = /** @type {Element} */ (event.currentTarget).closest("form");
    const input = form?.elements.namedItem("page");
    if (!(input instanceof HTMLInputElement) || !form?.reportValidity()) return;
    if (input.valueAsNumber !== first) onPage(input.valueAsNumber);
  }
}

/** @param {{ zoom: number, onZoom: (zoom: number) => void }} properties */
export function ZoomSteps({ zoom, onZoom }) {
  const t = useTexts(texts);
  return html`
    <span class="reader-group">
      <${Tool} label=${t("smaller")} disabled=${zoom <= 1} onClick=${() => onZoom(zoomed(zoom, -1))}>−<//>
      <${Tool} label=${t("fit")} onClick=${() => onZoom(1)}>${Math.round(zoom * 100)}%<//>
      <${Tool} label=${t("bigger")} disabled=${zoom >= 4} onClick=${() => onZoom(zoomed(zoom, 1))}>+<//>
    </span>
  `;
}

/** @param {HTMLInputElement | null} input */
function select(input) {
  input?.select();
}

/** The next zoom in a direction. @param {number} zoom @param {number} step */
export function zoomed(zoom, step) {
  const at = ZOOMS.indexOf(zoom) + step;
  return ZOOMS[Math.max(0, Math.min(at, ZOOMS.length - 1))];
}

/** @param {{ view: import("./loading.js").View, page: number }} properties */
export function FileLinks({ view, page }) {
  const t = useTexts(texts);
  const [link, setLink] = useState("");
  const content = `${filesPath(view.collection, view.fileId)}/content`;
  const url = view.citation?.url;
  return html`
    <a
      class="reader-link" target="_blank" rel="noopener" aria-label=${t("original")} title=${t("original")}
      href=${`${address(content, { inline: true })}#page=${page}`}
    >${t("original_short")}</a>
    <a class="reader-link" download=${view.file} href=${address(content)}>${t("download")}</a>
    ${url && html`<button class="quiet" onClick=${copy}>${t("copy_link")}</button>`}
    ${link && link === url && html`<input readonly aria-label=${t("link")} value=${url} ref=${select} />`}
  `;

  async function copy() {
    try {
      await navigator.clipboard.writeText(url);
      announce(t("copied"));
    } catch {
      setLink(url); // browsers let only secure origins copy: there it is, to be copied by hand
    }
  }
}
