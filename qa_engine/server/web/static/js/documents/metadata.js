/** Changes the metadata of a file: keys with values that are texts, numbers, or true or false. */
import { html, useState } from "../html.js";
import { filesPath, Problem, request } from "../api.js";
import { useTexts } from "../language.js";
import { Dialog } from "../ui/dialog.js";
import { ProblemNotice } from "../ui/problem.js";
import { printable } from "../ui/format.js";
import { tellChange } from "./jobs.js";
import { texts } from "./texts.js";

/** @typedef {{ id: number, key: string, type: string, value: string }} Entry */

const TYPES = ["string", "number", "boolean"];
let lastId = 0;

/** @param {{ collection: string, file: any, onClose: () => void }} properties */
export function MetadataDialog({ collection, file, onClose }) {
  const t = useTexts(texts);
  const [entries, setEntries] = useState(() =>
    /** @type {Entry[]} */ (Object.entries(file.metadata).map(([key, value]) => ({ id: ++lastId, key, type: typeof value, value: String(value) }))),
  );
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [busy, setBusy] = useState(false);
  const set = (/** @type {number} */ id, /** @type {Partial<Entry>} */ values) =>
    setEntries(entries.map((one) => (one.id === id ? { ...one, ...values } : one)));
  return html`
    <${Dialog} title=${t("metadata")} onClose=${onClose}>
      <form class="documents-edit" onSubmit=${save}>
        <p><bdi>${printable(file.file)}</bdi></p>
        <p class="faint">${t("metadata_note")}</p>
        ${entries.map(
          (one) => html`
            <div class="row" key=${one.id}>
              <input aria-label=${t("key")} placeholder=${t("key")} required value=${one.key} onInput=${(/** @type {any} */ event) => set(one.id, { key: event.target.value })} />
              <select aria-label=${t("type")} value=${one.type} onChange=${(/** @type {any} */ event) => set(one.id, { type: event.target.value, value: event.target.value === "boolean" ? "true" : one.value })}>
                ${TYPES.map((type) => html`<option value=${type} selected=${type === one.type}>${t(`type_${type}`)}</option>`)}
              </select>
              ${one.type === "boolean"
                ? html`<select aria-label=${t("value")} value=${one.value} onChange=${(/** @type {any} */ event) => set(one.id, { value: event.target.value })}>
                    ${["true", "false"].map((value) => html`<option value=${value} selected=${value === one.value}>${t(value)}</option>`)}
                  </select>`
                : html`<input aria-label=${t("value")} placeholder=${t("value")} type=${one.type === "number" ? "number" : "text"} step="any" required value=${one.value} onInput=${(/** @type {any} */ event) => set(one.id, { value: event.target.value })} />`}
              <button type="button" class="quiet" aria-label=${t("remove_key", { key: one.key })} onClick=${() => setEntries(entries.filter((other) => other !== one))}>✕</button>
            </div>
          `,
        )}
        <p><button type="button" onClick=${() => setEntries([...entries, { id: ++lastId, key: "", type: "string", value: "" }])}>${t("add_key")}</button></p>
        ${problem && html`<${ProblemNotice} problem=${problem} />`}
        <div class="row">
          <button type="submit" class="primary" disabled=${busy}>${t("save")}</button>
          <button type="button" onClick=${onClose}>${t("keep")}</button>
        </div>
      </form>
    <//>
  `;

  /** @param {Event} event */
  async function save(event) {
    event.preventDefault();
    const keys = entries.map(({ key }) => key.trim());
    if (new Set(keys).size < keys.length) {
      setProblem(new Problem({ code: "invalid_request", detail: t("key_twice") }));
      return;
    }
    const now = Object.fromEntries(entries.map(({ key, type, value }) => [key.trim(), valueOf(type, value)]));
    const gone = Object.keys(file.metadata).filter((key) => !(key in now));
    const changed = Object.entries(now).filter(([key, value]) => file.metadata[key] !== value);
    const metadata = Object.fromEntries([...gone.map((key) => [key, null]), ...changed]);
    setBusy(true);
    try {
      if (Object.keys(metadata).length) {
        await request(filesPath(collection, file.file_id), { method: "PATCH", body: { metadata } });
        tellChange();
      }
      onClose();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  }
}

/**
 * @param {string} type
 * @param {string} value
 */
function valueOf(type, value) {
  return type === "number" ? Number(value) : type === "boolean" ? value === "true" : value;
}
