/** The conversations of the key: to open, to begin and to delete. */
import { html, useEffect, useState } from "../html.js";
import { language, useTexts } from "../language.js";
import { linkTo } from "../router.js";
import { Dialog } from "../ui/dialog.js";
import { ProblemNotice } from "../ui/problem.js";
import { visible } from "../ui/visible.js";
import { conversations, deleteConversation, listConversations, talk } from "./conversation.js";
import { texts } from "./texts.js";

/** @param {{ onChosen?: () => void }} properties */
export function History({ onChosen }) {
  const t = useTexts(texts);
  const known = conversations.use();
  const shown = talk.use().id;
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [doomed, setDoomed] = useState(/** @type {any} */ (null));
  const load = (/** @type {string} */ cursor = "") => listConversations(cursor).then(() => setProblem(null), setProblem);
  useEffect(() => void load(), []);
  // One without a title has no answer yet.
  const listed = known?.data.filter((one) => one.title || one.id === shown) ?? [];
  return html`
    <a class="button" href=${linkTo("ask")} onClick=${onChosen}>${t("new")}</a>
    ${problem && html`<${ProblemNotice} problem=${problem} onRetry=${() => load()} />`}
    ${known && !listed.length && html`<p class="faint">${t("no_history")}</p>`}
    <ul>
      ${listed.map(
        (one) => html`
          <li key=${one.id}>
            <a href=${linkTo("ask", [one.id])} aria-current=${one.id === shown ? "page" : undefined} onClick=${onChosen}>
              <bdi>${visible(one.title || t("untitled"))}</bdi>
              <span class="faint">${timeOf(one.used_at)}</span>
            </a>
            <button
              class="quiet"
              aria-label=${t("delete_named", { title: visible(one.title || t("untitled")) })}
              title=${t("delete")}
              onClick=${() => setDoomed(one)}
            >
              ✕
            </button>
          </li>
        `,
      )}
    </ul>
    ${known?.next_cursor && html`<button class="quiet" onClick=${() => load(known.next_cursor ?? "")}>${t("more")}</button>`}
    ${doomed &&
    html`
      <${Dialog} title=${t("delete_title")} onClose=${() => setDoomed(null)}>
        <p><bdi>${visible(doomed.title || t("untitled"))}</bdi></p>
        <p>${t("delete_warning")}</p>
        <div class="row">
          <button class="danger" onClick=${remove}>${t("delete")}</button>
          <button onClick=${() => setDoomed(null)}>${t("cancel")}</button>
        </div>
      <//>
    `}
  `;

  function remove() {
    setDoomed(null);
    deleteConversation(doomed.id).then(() => setProblem(null), setProblem);
  }
}

/** @param {string} moment in UTC */
function timeOf(moment) {
  const when = new Date(moment);
  const isToday = when.toDateString() === new Date().toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const style = isToday ? { timeStyle: "short" } : { dateStyle: "medium" };
  return new Intl.DateTimeFormat(language.get() === "zh" ? "zh-CN" : "en", style).format(when);
}
