/** Keeps a query as a test question, with the page that answers it, or as one that the documents do not answer. */
import { html, useState } from "../html.js";
import { request } from "../api.js";
import { languageOf, useTexts } from "../language.js";
import { announce } from "../ui/announcer.js";
import { Dialog } from "../ui/dialog.js";
import { ProblemNotice } from "../ui/problem.js";
import { texts } from "./texts.js";

/**
 * @typedef {object} Wanted
 * @property {string} question
 * @property {string[]} collections
 * @property {{ file: string, page: number, text?: string }} [expected] none for a question without an answer
 */

/** @param {{ wanted: Wanted, onClose: () => void }} properties */
export function SaveDialog({ wanted, onClose }) {
  const t = useTexts(texts);
  const { question, collections, expected } = wanted;
  const [quoted, setQuoted] = useState(true);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [saving, setSaving] = useState(false);
  return html`
    <${Dialog} title=${t("save_title")} onClose=${onClose}>
      <form onSubmit=${save}>
        <p><bdi><strong>${question}</strong></bdi></p>
        <p>${expected ? html`${t("answered_by")} <bdi>${expected.file}</bdi> · ${t("page", { page: expected.page })}` : t("unanswerable")}</p>
        ${expected?.text &&
        html`<label class="row search-quote">
          <input type="checkbox" checked=${quoted} onChange=${() => setQuoted(!quoted)} /><span lang=${languageOf(expected.text)}>“<bdi>${expected.text}</bdi>”</span>
        </label>`}
        ${problem && html`<${ProblemNotice} problem=${problem} />`}
        <p class="row"><button class="primary" disabled=${saving}>${t("save")}</button></p>
      </form>
    <//>
  `;

  /** @param {Event} event */
  async function save(event) {
    event.preventDefault();
    setSaving(true);
    const { text, ...place } = expected ?? {};
    const answer = expected ? { ...place, ...(quoted && text ? { text } : {}) } : { unanswerable: true };
    try {
      await request("api/v1/evaluation/questions", { method: "POST", body: { question, collections, expected: answer } });
      announce(t("saved"));
      onClose();
    } catch (failure) {
      setProblem(failure);
      setSaving(false);
    }
  }
}
