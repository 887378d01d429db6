/** Keeps a query as a test question, with the page that answers it, or as one that the documents do not answer. */
import { html, useEffect, useState } from "../html.js";
import { filesPath, request } from "../api.js";
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
 * @property {any} [passage] that holds the text, on one of its pages
 */

/** @param {{ wanted: Wanted, onClose: () => void }} properties */
export function SaveDialog({ wanted, onClose }) {
  const t = useTexts(texts);
  const { question, collections, expected, passage } = wanted;
  const [page, setPage] = useState(expected?.page);
  const [quoted, setQuoted] = useState(true);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [saving, setSaving] = useState(false);
  const pages = passage ? Array.from({ length: passage.page_end - passage.page + 1 }, (_, place) => passage.page + place) : [];
  useEffect(() => {
    // The reader can choose the page, too, if the sentence is not found.
    if (pages.length > 1) pageOf(passage, pages).then(setPage, () => {});
  }, []);
  const choice = html`<select aria-label=${t("page_number")} value=${page} onChange=${(/** @type {any} */ event) => setPage(Number(event.target.value))}>
    ${pages.map((one) => html`<option value=${one}>${t("page", { page: one })}</option>`)}
  </select>`;
  return html`
    <${Dialog} title=${t("save_title")} onClose=${onClose}>
      <form onSubmit=${save}>
        <p><bdi><strong>${question}</strong></bdi></p>
        <p>${expected ? html`${t("answered_by")} <bdi>${expected.file}</bdi> · ${pages.length > 1 ? choice : t("page", { page })}` : t("unanswerable")}</p>
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
    const { text, file } = expected ?? {};
    const answer = expected ? { file, page, ...(quoted && text ? { text } : {}) } : { unanswerable: true };
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

/**
 * The page of a passage that its found sentence begins on; the first if that is not known.
 * @param {any} passage
 * @param {number[]} pages
 */
async function pageOf(passage, pages) {
  for (const number of pages) {
    const { sentences } = await request(`${filesPath(passage.collection, passage.file_id)}/pages/${number}`);
    if (sentences.some((/** @type {any} */ one) => one.text === passage.sentence && one.page === number)) return number;
  }
  return pages[0];
}
