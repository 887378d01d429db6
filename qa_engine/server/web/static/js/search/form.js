/** What is searched for, and where. It sends nothing before Enter or the button. */
import { html, useEffect, useRef, useState } from "../html.js";
import { useTexts } from "../language.js";
import { collections, server } from "../server.js";
import { useShortcuts } from "../shortcuts.js";
import { counted, lines } from "./address.js";
import { texts } from "./texts.js";

/**
 * @param {{ search: import("./address.js").Search, onSearch: (search: import("./address.js").Search) => void }} properties
 */
export function SearchForm({ search, onSearch }) {
  const t = useTexts(texts);
  const all = collections.use();
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  const second = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [draft, setDraft] = useState(search);
  const [adding, setAdding] = useState(false);
  const change = (/** @type {Partial<import("./address.js").Search>} */ part) => setDraft({ ...draft, ...part });
  useEffect(() => setDraft(search), [JSON.stringify(search)]);
  useEffect(() => {
    if (adding) second.current?.focus();
  }, [adding]);
  useShortcuts({ "/": () => box.current?.select() });
  const chosen = draft.collections.length ? draft.collections : (server.get()?.collections ?? []);
  const narrowed = draft.filters.length + draft.collections.length > 0;
  return html`
    <form class="card search-form" role="search" onSubmit=${submit}>
      <label for="search-question">${t("question")}</label>
      <div class="search-box">
        <input id="search-question" type="search" ref=${box} value=${draft.question} maxlength="2000" autocomplete="off"
          onInput=${(/** @type {any} */ event) => change({ question: event.target.value })} />
        <button class="primary">${t("search")}</button>
      </div>
      ${draft.other === undefined
        ? html`<p><button type="button" class="quiet" onClick=${() => (change({ other: "" }), setAdding(true))}>${t("compare")}</button></p>`
        : html`
            <label for="search-other">${t("other")}</label>
            <div class="search-box">
              <input id="search-other" type="search" ref=${second} value=${draft.other} maxlength="2000" autocomplete="off"
                onInput=${(/** @type {any} */ event) => change({ other: event.target.value })} />
              <button type="button" onClick=${drop}>${t("drop")}</button>
            </div>
          `}
      <details open=${narrowed}>
        <summary>${t("where")}</summary>
        <div class="search-where">
          ${all &&
          all.length > 1 &&
          html`<fieldset>
            <legend>${t("collections")}</legend>
            ${all.map(
              ({ collection }) => html`<label class="row">
                <input type="checkbox" checked=${chosen.includes(collection)} onChange=${() => toggle(collection)} /><bdi>${collection}</bdi>
              </label>`,
            )}
          </fieldset>`}
          <div>
            <label for="search-filters">${t("filters")}</label>
            <textarea id="search-filters" rows="2" placeholder=${"file=年报*.pdf\npage=3-10"} aria-describedby="search-hint" value=${draft.filters.join("\n")}
              onChange=${(/** @type {any} */ event) => change({ filters: lines(event.target.value) })}></textarea>
            <p id="search-hint" class="faint">${t("filters_hint")}</p>
          </div>
          <div>
            <label for="search-count">${t("count")}</label>
            <input id="search-count" type="number" min="1" max="1000" value=${draft.count}
              onChange=${(/** @type {any} */ event) => change({ count: counted(event.target.value) })} />
          </div>
        </div>
      </details>
    </form>
  `;

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    if (draft.question.trim()) onSearch({ ...draft, question: draft.question.trim() });
    else box.current?.focus();
  }

  function drop() {
    change({ other: undefined });
    setAdding(false);
    if (search.other !== undefined) onSearch({ ...search, other: undefined });
    box.current?.focus();
  }

  /** @param {string} collection */
  function toggle(collection) {
    const next = chosen.includes(collection) ? chosen.filter((one) => one !== collection) : [...chosen, collection];
    change({ collections: next });
  }
}
