/** What readers have said of answers: each becomes a test question, or goes. */
import { html, useState } from "../html.js";
import { request } from "../api.js";
import { moment, printable } from "../ui/format.js";
import { languageOf, useTexts } from "../language.js";
import { announce } from "../ui/announcer.js";
import { ProblemNotice } from "../ui/problem.js";
import { Answered, LabelDialog } from "./label.js";
import { usePages } from "./pages.js";
import { texts } from "./texts.js";

export function FeedbackList() {
  const t = useTexts(texts);
  const { items, problem, more, reload, loading } = usePages("api/v1/feedback", { state: "waiting" });
  const [accepting, setAccepting] = useState(/** @type {any} */ (null));
  const [failure, setFailure] = useState(/** @type {unknown} */ (null));
  return html`
    <section>
      <h2>${t("feedback")}</h2>
      <p>${t("feedback_help")}</p>
      ${(problem || failure) && html`<${ProblemNotice} problem=${problem || failure} onRetry=${reload} />`}
      ${!loading && !problem && !items.length && html`<p class="notice">${t("no_feedback")}</p>`}
      <ul class="evaluation-list">
        ${items.map(
          (one) => html`<li key=${one.id} class="card">
            <p lang=${languageOf(one.question)}><strong><bdi>${printable(one.question)}</bdi></strong></p>
            <p class="row">
              <span class=${`badge ${one.rating === "up" ? "good" : "bad"}`}>${t(one.rating)}</span>
              ${one.reason && html`<bdi class="badge">${t(one.reason)}</bdi>`}
              <span class="faint">${moment(one.given_at)}</span>
            </p>
            ${one.comment && html`<p lang=${languageOf(one.comment)}>${t("comment")} <q><bdi>${printable(one.comment)}</bdi></q></p>`}
            <p>${t("right_answer")} <${Answered} expected=${one.expected} /></p>
            <p class="row">
              <button class="primary" onClick=${() => setAccepting(one)}>${t("accept")}</button>
              <button onClick=${() => dismiss(one.id)}>${t("dismiss")}</button>
            </p>
          </li>`,
        )}
      </ul>
      ${more && html`<button onClick=${more}>${t("more")}</button>`}
      ${accepting &&
      html`<${LabelDialog}
        title=${t("accept")}
        start=${accepting}
        path=${`api/v1/feedback/${accepting.id}/accept`}
        onDone=${() => decided("accepted")}
        onClose=${() => setAccepting(null)}
      />`}
    </section>
  `;

  /** @param {string} how */
  function decided(how) {
    announce(t(how));
    reload();
  }

  /** @param {string} id */
  async function dismiss(id) {
    try {
      await request(`api/v1/feedback/${id}/dismiss`, { method: "POST" });
      setFailure(null);
      decided("dismissed");
    } catch (problem) {
      setFailure(problem);
    }
  }
}
