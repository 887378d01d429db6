/** The form of a test question: its words, its collections, and where the answer is. */
import { html, useState } from "../html.js";
import { filesPath, request } from "../api.js";
import { printable } from "../ui/format.js";
import { useTexts } from "../language.js";
import { collections as known, server } from "../server.js";
import { Dialog } from "../ui/dialog.js";
import { useLoaded } from "../ui/loaded.js";
import { ProblemNotice } from "../ui/problem.js";
import { texts } from "./texts.js";

/**
 * @typedef {{ file?: string | null, page?: number | null, text?: string | null, unanswerable?: boolean }} Expected
 * @typedef {{ question: string, collections: string[], expected: Expected | null }} Labelled
 */

/**
 * @param {{ title: string, start?: Labelled, path: string, onDone: () => void, onClose: () => void }} properties
 */
export function LabelDialog({ title, start, path, onDone, onClose }) {
  const t = useTexts(texts);
  const all = known.use()?.map((one) => one.collection) ?? [];
  const usual = server.get()?.collections ?? [];
  const [question, setQuestion] = useState(start?.question ?? "");
  const [chosen, setChosen] = useState(start?.collections ?? (usual.length ? usual : all.slice(0, 1)));
  const [label, setLabel] = useState(/** @type {Expected} */ (start?.expected ?? {}));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [saving, setSaving] = useState(false);
  const { data: files } = useLoaded(
    (signal) => (chosen[0] ? request(filesPath(chosen[0]), { query: { limit: 200 }, signal }) : Promise.resolve(null)),
    [chosen[0]],
  );
  const names = [...new Set([...all, ...chosen])];
  return html`
    <${Dialog} title=${title} onClose=${onClose} class="evaluation-form">
      <form onSubmit=${save}>
        <label>${t("question")}<textarea required rows="2" value=${question} onInput=${read(setQuestion)}></textarea></label>
        <fieldset>
          <legend>${t("collections")}</legend>
          ${names.map(
            (name) => html`<label class="row">
              <input type="checkbox" checked=${chosen.includes(name)} onChange=${() => toggle(name)} /><bdi>${name}</bdi>
            </label>`,
          )}
        </fieldset>
        <label class="row">
          <input type="checkbox" checked=${!!label.unanswerable} onChange=${() => change({ unanswerable: !label.unanswerable })} />
          ${t("unanswerable")}
        </label>
        ${!label.unanswerable &&
        html`
          <label>${t("file")}<input list="evaluation-files" value=${label.file ?? ""} onInput=${read((file) => change({ file }))} /></label>
          <datalist id="evaluation-files">
            ${files?.data.map((/** @type {any} */ one) => html`<option key=${one.file_id} value=${one.file}></option>`)}
          </datalist>
          <label>${t("page_number")}<input type="number" min="1" value=${label.page ?? ""} onInput=${read((page) => change({ page: Number(page) || null }))} /></label>
          <label>${t("words")}<textarea rows="3" value=${label.text ?? ""} onInput=${read((text) => change({ text }))}></textarea></label>
          <p class="faint">${t("label_help")}</p>
        `}
        ${problem && html`<${ProblemNotice} problem=${problem} />`}
        <p class="row">
          <button class="primary" disabled=${saving || !chosen.length}>${t("keep")}</button>
          <button type="button" onClick=${onClose}>${t("cancel")}</button>
        </p>
      </form>
    <//>
  `;

  /** @param {Expected} part */
  function change(part) {
    setLabel({ ...label, ...part });
  }

  /** @param {string} name */
  function toggle(name) {
    setChosen(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  }

  /** @param {Event} event */
  async function save(event) {
    event.preventDefault();
    setSaving(true);
    const { file, page, text, unanswerable } = label;
    const expected = unanswerable
      ? { unanswerable }
      : { ...(file && { file }), ...(page && { page }), ...(text && { text }) };
    try {
      await request(path, { method: "POST", body: { question, collections: chosen, expected } });
      onDone();
      onClose();
    } catch (failure) {
      setProblem(failure);
      setSaving(false);
    }
  }
}

/** @param {(value: string) => void} set */
function read(set) {
  return (/** @type {any} */ event) => set(event.target.value);
}

/** Where the answer of a question is. @param {{ expected: Expected | null }} properties */
export function Answered({ expected }) {
  const t = useTexts(texts);
  if (!expected) return html`<span class="faint">${t("not_labelled")}</span>`;
  if (expected.unanswerable) return html`<span>${t("unanswerable")}</span>`;
  const { file, page, text } = expected;
  return html`<span>
    ${file && html`<bdi>${printable(file)}</bdi>`} ${page && html` · ${t("page", { page })}`}
    ${text && html`<q><bdi>${printable(text)}</bdi></q>`}
  </span>`;
}
