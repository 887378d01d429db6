/** A field for the name of a file, with suggestions from the collections. */
import { html, useEffect, useState } from "../html.js";
import { filesPath, request } from "../api.js";

const MOST = 20;

/**
 * @param {{ id: string, value: string, collections: string[], placeholder?: string, onInput: (value: string) => void,
 *   onKeyDown?: (event: KeyboardEvent) => void }} properties
 */
export function FileField({ id, value, collections, placeholder, onInput, onKeyDown }) {
  const [names, setNames] = useState(/** @type {string[]} */ ([]));
  const [focused, setFocused] = useState(false);
  const where = collections.join("\n");
  useEffect(() => {
    if (!focused) return;
    const left = new AbortController();
    const query = { q: value.replaceAll("*", ""), limit: MOST };
    const wanted = where.split("\n").filter(Boolean);
    Promise.all(wanted.map((one) => request(filesPath(one), { query, signal: left.signal }))).then(
      (lists) => setNames([...new Set(lists.flatMap(({ data }) => data.map((/** @type {any} */ file) => file.file)))]),
      () => {}, // suggestions are a help: without them, the name can be typed all the same
    );
    return () => left.abort();
  }, [value, where, focused]);
  return html`
    <input
      id=${id}
      list=${`${id}-names`}
      value=${value}
      placeholder=${placeholder}
      autocomplete="off"
      onFocus=${() => setFocused(true)}
      onInput=${(/** @type {any} */ event) => onInput(event.target.value)}
      onKeyDown=${onKeyDown}
    />
    <datalist id=${`${id}-names`}>${names.map((name) => html`<option value=${name}></option>`)}</datalist>
  `;
}
