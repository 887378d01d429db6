/** Finds a text in the file that is read: a list of the places, and the steps through them. */
import { html, useEffect, useRef, useState } from "../html.js";
import { filesPath, request } from "../api.js";
import { languageOf, useTexts } from "../language.js";
import { announce } from "../ui/announcer.js";
import { ProblemNotice } from "../ui/problem.js";
import { visible } from "../ui/visible.js";
import { texts } from "./texts.js";
import { Tool } from "./tools.js";

/** @typedef {{ id: string, text: string, start: number, end: number, page: number, boxes: import("./sheet.js").Box[] }} Hit */
/** @typedef {{ q: string, data: Hit[], more: boolean, at: number }} Found `at` is the place that is shown */

/** Milliseconds after the last key before the server is asked. */
const PAUSE = 200;
/** Characters before and behind what was found that the list shows. */
const BEFORE = 12;
const BEHIND = 60;

/**
 * @param {{ view: import("./loading.js").View, found: Found | null, onFound: (found: Found | null) => void, onClose: () => void }} properties
 */
export default function Find({ view, found, onFound, onClose }) {
  const t = useTexts(texts);
  const [q, setQ] = useState(found?.q ?? "");
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => input.current?.focus(), []);
  useEffect(() => {
    if (q === found?.q) return undefined;
    const leaving = new AbortController();
    const waiting = setTimeout(() => find(leaving.signal), PAUSE);
    return () => {
      clearTimeout(waiting);
      leaving.abort();
    };
  }, [q, view.fileId]);
  const all = found?.data.length ?? 0;
  return html`
    <search class="reader-panel" aria-label=${t("find_label")}>
      <form class="row" onSubmit=${submitted}>
        <input
          type="search" ref=${input} value=${q} maxlength="200" autocomplete="off" aria-label=${t("find_label")}
          onInput=${() => setQ(input.current?.value ?? "")} onKeyDown=${keyed}
        />
        ${
          all > 0 &&
          html`<span class="reader-group">
            <${Tool} label=${t("hit_previous")} onClick=${() => step(-1)}>‹<//>
            <span>${t("find_at", { at: (found?.at ?? 0) + 1, all })}</span>
            <${Tool} label=${t("hit_next")} onClick=${() => step(1)}>›<//>
          </span>`
        }
        <${Tool} label=${t("find_close")} onClick=${onClose}>✕<//>
      </form>
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
      ${found && all === 0 && html`<p class="faint">${t("find_none", { q: found.q })}</p>`}
      ${found?.more && html`<p class="faint">${t("find_more", { all })}</p>`}
      ${
        all > 0 &&
        html`<ol class="reader-list">
          ${found?.data.map(
            (hit, at) => html`<li key=${hit.id}>
              <button class="quiet" aria-current=${at === found.at ? "true" : undefined} onClick=${() => onFound({ ...found, at })}>
                <span class="faint">${t("page", { page: hit.page })}</span> <${Excerpt} hit=${hit} />
              </button>
            </li>`,
          )}
        </ol>`
      }
    </search>
  `;

  /** @param {AbortSignal} signal */
  async function find(signal) {
    setProblem(null);
    if (!q.trim()) return onFound(null);
    try {
      const answer = await request(`${filesPath(view.collection, view.fileId)}/find`, { query: { q }, signal });
      onFound({ q, ...answer, at: 0 });
      announce(answer.data.length ? t("find_count", { all: answer.data.length }) : t("find_none", { q }));
    } catch (error) {
      if (!signal.aborted) setProblem(error);
    }
  }

  /** @param {Event} event */
  function submitted(event) {
    event.preventDefault();
    step(1);
  }

  /** @param {number} by */
  function step(by) {
    if (found && all > 0) onFound({ ...found, at: (found.at + by + all) % all });
  }

  /** @param {KeyboardEvent} event */
  function keyed(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") onClose();
    else if (event.key === "Enter" && event.shiftKey) step(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** A part of a sentence with what was found in it. The server counts characters, not UTF-16 units. @param {{ hit: Hit }} properties */
function Excerpt({ hit }) {
  const all = Array.from(hit.text);
  const from = Math.max(0, hit.start - BEFORE);
  const to = Math.min(all.length, hit.end + BEHIND);
  const part = (/** @type {number} */ start, /** @type {number} */ end) => visible(all.slice(start, end).join(""));
  return html`<bdi lang=${languageOf(hit.text)}
    >${from > 0 && "…"}${part(from, hit.start)}<mark>${part(hit.start, hit.end)}</mark>${part(hit.end, to)}${to < all.length && "…"}</bdi
  >`;
}
