/** The box for a question, and what is asked: collections and conditions. */
import { html, useRef, useState } from "../html.js";
import { useTexts } from "../language.js";
import { collections, server } from "../server.js";
import { useShortcuts } from "../shortcuts.js";
import { texts } from "./texts.js";
import { Scope } from "./scope.js";

/**
 * @param {{ running: boolean, draft: string, onDraft: (text: string) => void, scope: import("./conversation.js").Turn["scope"],
 *   onScope: (scope: import("./conversation.js").Turn["scope"]) => void, onAsk: (question: string) => void, onStop: () => void, onFocus: () => void }} properties
 */
export function QuestionBox({ running, draft, onDraft, scope, onScope, onAsk, onStop, onFocus }) {
  const t = useTexts(texts);
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const composing = useRef(false);
  const [empty, setEmpty] = useState(false);
  useShortcuts({ "/": () => box.current?.focus() });
  const most = server.get()?.limits.max_question_chars ?? Infinity;
  const length = [...draft].length;
  const tooLong = length > most;
  return html`
    <form class="ask-box card" onSubmit=${submit}>
      <label for="ask-question" class="visually-hidden">${t("question")}</label>
      <textarea
        id="ask-question"
        ref=${box}
        rows="1"
        value=${draft}
        placeholder=${t("placeholder")}
        aria-invalid=${tooLong || empty}
        aria-describedby="ask-note"
        onInput=${typed}
        onFocus=${onFocus}
        onKeyDown=${pressed}
        onCompositionStart=${() => (composing.current = true)}
        onCompositionEnd=${() => (composing.current = false)}
      ></textarea>
      <div class="row">
        <${Scope} scope=${scope} onScope=${onScope} />
        <span id="ask-note" class=${tooLong || empty ? "ask-fault" : "faint"}>
          ${empty ? t("empty") : length > most * 0.8 ? t("length", { length, most }) : ""}
        </span>
        ${running
          ? html`<button key="stop" type="button" class="ask-send" onClick=${onStop}>${t("stop")}</button>`
          : html`<button key="send" class="primary ask-send" disabled=${tooLong} title="Ctrl+Enter">${t("send")}</button>`}
      </div>
      ${collections.use()?.every((one) => !one.files) && html`<p class="notice warn">${t("no_documents")} <a href="#/documents">${t("to_documents")}</a></p>`}
    </form>
  `;

  /** @param {any} event */
  function typed(event) {
    setEmpty(false);
    onDraft(event.target.value);
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    // Enter also ends the composition of Chinese characters; 229 is what browsers say while it goes on.
    if (event.key !== "Enter" || event.isComposing || composing.current || event.keyCode === 229) return;
    if (event.ctrlKey || event.metaKey) submit(event);
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    if (running || tooLong) return;
    box.current?.focus();
    if (draft.trim()) onAsk(draft.trim());
    else setEmpty(true);
  }
}
