/** What the reader says of an answer: good, or what is wrong with it and where the right place is. */
import { html, useState } from "../html.js";
import { request } from "../api.js";
import { useTexts } from "../language.js";
import { server } from "../server.js";
import { announce } from "../ui/announcer.js";
import { Dialog } from "../ui/dialog.js";
import { ProblemNotice } from "../ui/problem.js";
import { FileField } from "./file_field.js";
import { texts } from "./answer_texts.js";

const REASONS = ["wrong_page", "wrong_answer", "incomplete", "should_answer", "should_refuse", "other"];

/** @param {{ turn: import("./conversation.js").Turn }} properties */
export function Feedback({ turn }) {
  const t = useTexts(texts);
  const [given, setGiven] = useState("");
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  return html`
    <button class="quiet" aria-pressed=${given === "up"} onClick=${() => give({ rating: "up" })}>${t("good")}</button>
    <button class="quiet" aria-pressed=${given === "down"} onClick=${() => setAsking(true)}>${t("bad")}</button>
    ${given && html`<span class="faint">${t("thanks")}</span>`}
    ${asking && html`<${Form} turn=${turn} problem=${problem} onGive=${give} onClose=${() => setAsking(false)} />`}
    ${problem && !asking && html`<${ProblemNotice} problem=${problem} />`}
  `;

  /** @param {any} feedback */
  async function give(feedback) {
    try {
      await request(`api/v1/answers/${turn.answerId}/feedback`, { method: "POST", body: feedback });
      setProblem(null);
      setGiven(feedback.rating);
      setAsking(false);
      announce(t("thanks"));
    } catch (error) {
      setProblem(error);
    }
  }
}

/**
 * @param {{ turn: import("./conversation.js").Turn, problem: unknown, onGive: (feedback: any) => void, onClose: () => void }} properties
 */
function Form({ turn, problem, onGive, onClose }) {
  const t = useTexts(texts);
  const [reason, setReason] = useState("");
  const [file, setFile] = useState("");
  const [page, setPage] = useState("");
  const [comment, setComment] = useState("");
  const [nowhere, setNowhere] = useState(false);
  const { collections } = turn.scope;
  return html`
    <${Dialog} title=${t("what_is_wrong")} class="ask-feedback" onClose=${onClose}>
      <form onSubmit=${send}>
        <fieldset>
          <legend>${t("reason")}</legend>
          ${REASONS.filter((one) => one !== (turn.refused ? "should_refuse" : "should_answer")).map(
            (one) => html`
              <label class="ask-option">
                <input type="radio" name="reason" checked=${reason === one} onChange=${() => setReason(one)} /> ${t(one)}
              </label>
            `,
          )}
        </fieldset>
        <fieldset>
          <legend>${t("right_place")}</legend>
          <div class="row">
            <label for="ask-right-file">${t("file")}</label>
            <${FileField}
              id="ask-right-file"
              value=${file}
              collections=${collections.length ? collections : (server.get()?.collections ?? [])}
              onInput=${setFile}
            />
            <label for="ask-right-page">${t("page_number")}</label>
            <input
              id="ask-right-page"
              type="number"
              min="1"
              value=${page}
              disabled=${!file}
              onInput=${(/** @type {any} */ event) => setPage(event.target.value)}
            />
          </div>
          <label class="ask-option">
            <input type="checkbox" checked=${nowhere} onChange=${() => setNowhere(!nowhere)} /> ${t("unanswerable")}
          </label>
        </fieldset>
        <label for="ask-comment">${t("comment")}</label>
        <textarea
          id="ask-comment"
          rows="3"
          maxlength="5000"
          value=${comment}
          onInput=${(/** @type {any} */ event) => setComment(event.target.value)}
        ></textarea>
        ${problem && html`<${ProblemNotice} problem=${problem} />`}
        <div class="row"><button class="primary">${t("send_feedback")}</button></div>
      </form>
    <//>
  `;

  /** @param {Event} event */
  function send(event) {
    event.preventDefault();
    const place = { ...(file && { file: file.trim() }), ...(file && page && { page: Number(page) }) };
    const expected = nowhere ? { unanswerable: true } : place.file ? place : undefined;
    onGive({ rating: "down", reason: reason || undefined, comment: comment.trim() || undefined, expected });
  }
}
