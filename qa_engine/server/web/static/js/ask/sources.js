/** Where an answer is from: links to its citations, and the passages that were found. */
import { html } from "../html.js";
import { languageOf, useTexts } from "../language.js";
import { openReader, prefetch } from "../reader/target.js";
import { visible } from "../ui/visible.js";
import { texts } from "./answer_texts.js";

const BEFORE = 40;
const BEHIND = 60;

/**
 * The words for the pages of a citation or passage.
 * @param {(name: string, values?: Record<string, unknown>) => string} t
 * @param {{ page: number | null, page_end: number | null, file?: string, place?: string }} source
 */
export function pagesOf(t, { page, page_end: end, file, place }) {
  if (place && file && !/\.pdf$/i.test(file)) return place;
  if (!page) return "";
  return end && end !== page ? t("pages", { page, end }) : t("page", { page });
}

/**
 * @param {(name: string, values?: Record<string, unknown>) => string} t
 * @param {any} citation
 */
export function nameOf(t, citation) {
  const { number, file } = citation;
  return t("source", { number, file: visible(file), pages: pagesOf(t, citation) });
}

/**
 * A link that opens the reader; with Ctrl or the middle button the page of the citation.
 * @param {{ url: string | null, target: import("../reader/target.js").Target, beside?: import("../reader/target.js").Target[],
 *   class?: string, label?: string, children?: any }} properties
 */
export function ReaderLink({ url, target, beside = [], class: kind, label, children }) {
  return html`<a class=${kind} href=${url ?? "#"} aria-label=${label} onClick=${opened} onPointerEnter=${() => prefetch([target])}
    >${children}</a>`;

  /** @param {MouseEvent} event */
  function opened(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openReader(target, beside);
  }
}

/**
 * A link to a citation, which can step to the others.
 * @param {{ citation: any, all: any[], class?: string, children?: any }} properties
 */
export function CitationLink({ citation, all, class: kind, children }) {
  const t = useTexts(texts);
  const targets = all.map((one) => ({ citation: one.id, passage: one.node_id }));
  return html`<${ReaderLink}
    class=${kind}
    url=${citation.url}
    label=${nameOf(t, citation)}
    target=${targets[all.indexOf(citation)]}
    beside=${targets}
    >${children}<//
  >`;
}

/** @param {{ turn: import("./conversation.js").Turn }} properties */
export function Sources({ turn }) {
  const t = useTexts(texts);
  const { citations, passages, state, refused } = turn;
  return html`
    <section class="ask-sources" aria-label=${t("sources")}>
      ${citations.length > 0 &&
      html`
        <h3>${t("sources")}</h3>
        <ol>
          ${[...citations]
            .sort((one, other) => one.number - other.number)
            .map(
              (one) => html`
                <li key=${one.number}>
                  <${CitationLink} citation=${one} all=${citations}>
                    <span class="ask-number">${one.number}</span> <bdi>${visible(one.file)}</bdi> ${pagesOf(t, one)}
                  <//>
                  ${one.section && html`<div class="faint" lang=${languageOf(one.section)}><bdi>${visible(one.section)}</bdi></div>`}
                </li>
              `,
            )}
        </ol>
      `}
      ${passages &&
      passages.length > 0 &&
      html`
        <details open=${state !== "done" || refused}>
          <summary>${t(refused ? "nearest_passages" : "passages", { count: passages.length })}</summary>
          <ol>
            ${passages.map((one) => html`<${Passage} key=${one.node_id} passage=${one} all=${passages} />`)}
          </ol>
        </details>
      `}
    </section>
  `;
}

/** @param {{ passage: any, all: any[] }} properties */
function Passage({ passage, all }) {
  const t = useTexts(texts);
  const { text, sentence, section, file } = passage;
  const at = sentence ? text.indexOf(sentence) : -1;
  const found = at < 0 ? "" : sentence;
  const start = Math.max(at - BEFORE, 0);
  const end = Math.max(at, 0) + found.length;
  return html`
    <li>
      <${ReaderLink}
        url=${passage.url}
        target=${{ citation: passage.node_id }}
        beside=${all.map((one) => ({ citation: one.node_id }))}
      >
        <bdi>${visible(file)}</bdi> ${pagesOf(t, passage)}
      <//>
      ${section && html`<div class="faint" lang=${languageOf(section)}><bdi>${visible(section)}</bdi></div>`}
      <p lang=${languageOf(text)}>
        <bdi
          >${start > 0 && "…"}${visible(text.slice(start, Math.max(at, 0)))}${found && html`<strong>${visible(found)}</strong>`}${visible(
            text.slice(end, end + BEHIND),
          )}${text.length > end + BEHIND && "…"}</bdi
        >
      </p>
    </li>
  `;
}
