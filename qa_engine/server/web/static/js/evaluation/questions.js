/** The test questions. */
import { html, useState } from "../html.js";
import { address, request } from "../api.js";
import { printable } from "../ui/format.js";
import { languageOf, useTexts } from "../language.js";
import { announce } from "../ui/announcer.js";
import { ProblemNotice } from "../ui/problem.js";
import { Answered, LabelDialog } from "./label.js";
import { usePages } from "./pages.js";
import { texts } from "./texts.js";

const PATH = "api/v1/evaluation/questions";

export function QuestionList() {
  const t = useTexts(texts);
  const { items, problem, more, reload, loading } = usePages(PATH);
  const [adding, setAdding] = useState(false);
  const [failure, setFailure] = useState(/** @type {unknown} */ (null));
  return html`
    <section>
      <h2>${t("questions")}</h2>
      <p>${t("questions_help")}</p>
      <p class="row">
        <button class="primary" onClick=${() => setAdding(true)}>${t("add")}</button>
        ${items.length > 0 && html`<a class="button" href=${address(`${PATH}.jsonl`)} download="questions.jsonl">${t("download")}</a>`}
      </p>
      ${(problem || failure) && html`<${ProblemNotice} problem=${problem || failure} onRetry=${reload} />`}
      ${!loading && !problem && !items.length && html`<p class="notice">${t("no_questions")}</p>`}
      <ul class="evaluation-list">
        ${items.map(
          (one) => html`<li key=${one.id} class="card">
            <p lang=${languageOf(one.question)}><strong><bdi>${printable(one.question)}</bdi></strong></p>
            <p><${Answered} expected=${one.expected} /></p>
            <p class="row">
              <span class="faint">${one.collections.map((/** @type {string} */ name) => html`<bdi class="badge">${name}</bdi> `)}</span>
              <button class="quiet danger" aria-label=${t("delete_named", { question: one.question })} onClick=${() => remove(one.id)}>${t("delete")}</button>
            </p>
          </li>`,
        )}
      </ul>
      ${more && html`<button onClick=${more}>${t("more")}</button>`}
      ${adding && html`<${LabelDialog} title=${t("add")} path=${PATH} onDone=${added} onClose=${() => setAdding(false)} />`}
    </section>
  `;

  function added() {
    announce(t("kept"));
    reload();
  }

  /** @param {string} id */
  async function remove(id) {
    try {
      await request(`${PATH}/${id}`, { method: "DELETE" });
      setFailure(null);
      announce(t("deleted"));
      reload();
    } catch (problem) {
      setFailure(problem);
    }
  }
}
