/** Questions and answers: a conversation, its history, and the box for the next question. */
import { html, useEffect, useRef, useState } from "../html.js";
import { useTexts } from "../language.js";
import { collections, server } from "../server.js";
import { announce } from "../ui/announcer.js";
import { Dialog } from "../ui/dialog.js";
import { ProblemNotice } from "../ui/problem.js";
import { ask, openConversation, setScope, stop, talk } from "./conversation.js";
import { History } from "./history.js";
import { QuestionBox } from "./question_box.js";
import { texts } from "./texts.js";

const ALL = 1000;

/** @param {{ route: import("../router.js").Route }} properties */
export default function Screen({ route }) {
  const t = useTexts(texts);
  const { turns, earlier, collections: before, scope, problem } = talk.use();
  const known = collections.use();
  const id = route.parts[0] || null;
  const [draft, setDraft] = useState("");
  const [drawer, setDrawer] = useState(false);
  const [Answer, setAnswer] = useState(/** @type {any} */ (null));
  const [failed, setFailed] = useState(/** @type {unknown} */ (null));
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const said = useRef(/** @type {import("./conversation.js").Turn | null} */ (null));
  const hasTurns = turns.length > 0;
  useEffect(() => void openConversation(id), [id]);
  useEffect(() => void (hasTurns && loadAnswers()), [hasTurns]);
  const asked = scope ?? { collections: before.length ? before : usual(known), filters: [] };
  const last = turns[turns.length - 1];
  const running = last?.state === "waiting" || last?.state === "lost";
  if (running) said.current = last;
  useEffect(() => {
    if (last?.state !== "done" || said.current !== last) return;
    said.current = null;
    announce(last.refused ? t("said_refused") : t("said_done", { count: last.citations.length }));
  });
  useEffect(() => list.current?.lastElementChild?.scrollIntoView({ block: "start" }), [last?.answerId, Answer]);
  return html`
    <div class="ask">
      <nav class="ask-history" aria-label=${t("history")}><${History} /></nav>
      <div class=${hasTurns ? "ask-talk ask-begun" : "ask-talk"}>
        <div class="ask-head">
          <h1 class=${hasTurns ? "visually-hidden" : ""}>${t("title")}</h1>
          <button class="quiet ask-drawer-button" onClick=${() => setDrawer(true)}>☰ ${t("history")}</button>
        </div>
        ${(problem || failed) && html`<${ProblemNotice} problem=${problem || failed} />`}
        ${earlier > 0 && html`<button onClick=${() => openConversation(id, ALL)}>${t("earlier", { count: earlier })}</button>`}
        <div ref=${list}>${Answer && turns.map((turn) => html`<${Answer} key=${turn.answerId} turn=${turn} />`)}</div>
        ${!turns.length && !id && html`<${Welcome} hasFiles=${known?.some((one) => one.files)} onAsk=${send} />`}
        <${QuestionBox}
          running=${running}
          draft=${draft}
          onDraft=${setDraft}
          scope=${asked}
          onScope=${setScope}
          onAsk=${send}
          onStop=${() => stop(last)}
          onFocus=${loadAnswers}
        />
      </div>
      ${drawer &&
      html`<${Dialog} title=${t("history")} class="ask-drawer" onClose=${() => setDrawer(false)}>
        <${History} onChosen=${() => setDrawer(false)} />
      <//>`}
    </div>
  `;

  /** What shows answers is loaded while the first question is typed. */
  function loadAnswers() {
    import("./answer.js").then((module) => setAnswer(() => module.Answer), setFailed);
  }

  /** @param {string} question */
  function send(question) {
    setDraft("");
    ask(question, asked);
  }
}

/**
 * The collections that are asked if the reader chooses none: those of the server that hold something, or else all that do.
 * @param {{ collection: string, files: number }[] | null} known
 */
function usual(known) {
  const full = (known ?? []).filter((one) => one.files).map((one) => one.collection);
  const named = (server.get()?.collections ?? []).filter((name) => full.includes(name));
  return named.length ? named : full;
}

/** @param {{ hasFiles: boolean | undefined, onAsk: (question: string) => void }} properties */
function Welcome({ hasFiles, onAsk }) {
  const t = useTexts(texts);
  return html`
    <div class="ask-welcome">
      <p>${t("welcome")}</p>
      ${hasFiles &&
      html`
        <p class="faint">${t("examples")}</p>
        <div class="row">
          ${["example_1", "example_2", "example_3"].map(
            (name) => html`<button key=${name} onClick=${() => onAsk(t(name))}>${t(name)}</button>`,
          )}
        </div>
      `}
    </div>
  `;
}
