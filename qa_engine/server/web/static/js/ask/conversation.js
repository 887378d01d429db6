/** The conversation that is shown: its questions, and the answers as they come. It goes on while another screen is shown. */
import { Problem, request } from "../api.js";
import { prefetch } from "../reader/target.js";
import { goTo, linkTo, route } from "../router.js";
import { remember, remembered, store } from "../store.js";
import { answerEvents } from "./stream.js";

/**
 * A question with its answer.
 * @typedef {object} Turn
 * @property {string} question
 * @property {string} answerId
 * @property {{ collections: string[], filters: string[] }} scope
 * @property {"waiting" | "lost" | "done" | "stopped" | "failed"} state
 * @property {string} text
 * @property {string | null} standalone
 * @property {boolean} refused
 * @property {any[]} citations
 * @property {any[] | null} passages null before they are found
 * @property {any} body the answer as the server sends it; null before, and once the server has dropped it
 * @property {unknown} problem
 * @property {AbortController | null} stopper
 */

/**
 * @typedef {object} Talk
 * @property {string | null} id
 * @property {Turn[]} turns
 * @property {number} earlier number of turns before those
 * @property {string[]} collections that the conversation was begun with
 * @property {Turn["scope"] | null} scope what the reader has chosen for the next question
 * @property {unknown} problem
 */

/** @type {Talk} */
const NOTHING = { id: null, turns: [], earlier: 0, collections: [], scope: null, problem: null };
const TURNS = 30;
export const talk = store(NOTHING);
/** The conversations of the key, the newest first; null before they are known. */
export const conversations = store(/** @type {{ data: any[], next_cursor: string | null } | null} */ (null));
/** Conversations with an answer in the making. @type {Map<string, Talk>} */
const running = new Map();

/**
 * Shows a conversation, or none for a new one.
 * @param {string | null} id
 * @param {number} [turns] how many of its last ones
 */
export async function openConversation(id, turns = TURNS) {
  if (id === talk.get().id && turns === TURNS) return;
  if (!id) return talk.set(NOTHING);
  const live = running.get(id);
  if (live) return talk.set(live);
  talk.set({ ...NOTHING, id });
  try {
    const whole = await request(`api/v1/conversations/${encodeURIComponent(id)}`, { query: { turns } });
    if (talk.get().id !== id) return;
    const { collections, earlier } = whole;
    const scope = { collections, filters: [] };
    const known = whole.turns.map((/** @type {any} */ one) =>
      turnOf(one.question, one.answer_id, scope, {
        state: "done",
        text: one.answer,
        standalone: one.standalone,
        refused: one.refused,
      }),
    );
    talk.set({ ...NOTHING, id, earlier, collections, turns: known });
    const pending = JSON.parse(remembered("pending") || "{}");
    if (pending.conversation === id && !known.some((/** @type {Turn} */ one) => one.answerId === pending.answerId))
      follow(add(turnOf(pending.question, pending.answerId, pending.scope)), false);
    for (const turn of known.toReversed()) {
      if (talk.get().id !== id) return;
      finish(turn, await request(`api/v1/answers/${turn.answerId}`).catch(unlessKept));
    }
  } catch (problem) {
    if (talk.get().id === id) talk.set({ ...talk.get(), problem });
  }
}

/** @param {unknown} error */
function unlessKept(error) {
  if (error instanceof Problem && error.code === "not_found") return null;
  throw error;
}

/**
 * @param {string} question
 * @param {string} answerId
 * @param {Turn["scope"]} scope
 * @param {Partial<Turn>} [rest]
 * @returns {Turn}
 */
function turnOf(question, answerId, scope, rest) {
  const nothing = { text: "", standalone: null, refused: false, citations: [], passages: null, body: null };
  return { question, answerId, scope, state: "waiting", ...nothing, problem: null, stopper: null, ...rest };
}

/**
 * Asks a question in the conversation that is shown, and begins one if none is.
 * @param {string} question
 * @param {Turn["scope"]} scope
 */
export function ask(question, scope) {
  return follow(add(turnOf(question, crypto.getRandomValues(new Uint32Array(4)).join("-"), scope)), true);
}

/** Asks again, or takes an answer up whose stream was lost. @param {Turn} turn */
export async function retry(turn) {
  const { code } = turn.problem instanceof Problem ? turn.problem : { code: "" };
  if (code === "cut" || code === "unreachable") {
    turn.state = "waiting";
    await follow(turn, false);
    if (!(turn.problem instanceof Problem && turn.problem.code === "not_found")) return;
  }
  talk.set({ ...talk.get(), turns: talk.get().turns.filter((one) => one !== turn) });
  await ask(turn.question, talk.get().scope ?? turn.scope);
}

/** Stops an answer here and on the server. @param {Turn} turn */
export async function stop(turn) {
  turn.state = "stopped";
  turn.stopper?.abort();
  try {
    await request(`api/v1/answers/${turn.answerId}`, { method: "DELETE" }).catch(unlessKept);
  } catch (problem) {
    turn.problem = problem;
  }
  draw();
}

/**
 * Begins to answer a turn, and follows its events to their end.
 * @param {Turn} turn
 * @param {boolean} isNew whether it has to be asked
 */
async function follow(turn, isNew) {
  const stopper = new AbortController();
  Object.assign(turn, { stopper, problem: null, text: "", citations: [] });
  draw();
  let id = talk.get().id ?? "";
  try {
    if (!id) id = await begin(turn);
    running.set(id, talk.get());
    const { question: asked, answerId, scope } = turn;
    remember("pending", JSON.stringify({ conversation: id, question: asked, answerId, scope }));
    const body = { question: asked, stream: true, answer_id: answerId, explain: true, ...scope };
    const question = isNew ? { path: `api/v1/conversations/${encodeURIComponent(id)}/messages`, body } : null;
    const onLost = (/** @type {boolean} */ lost) => {
      turn.state = lost ? "lost" : "waiting";
      draw();
    };
    for await (const { event, data } of answerEvents({ answerId, question, signal: stopper.signal, onLost })) {
      heard(turn, event, data);
      draw();
    }
  } catch (problem) {
    if (!stopper.signal.aborted) Object.assign(turn, { state: "failed", problem });
  } finally {
    turn.stopper = null;
    running.delete(id);
    if (JSON.parse(remembered("pending") || "{}").answerId === turn.answerId) remember("pending", "");
    draw();
    // The turn shows what is wrong; the list comes with the next answer.
    if (turn.state === "done") listConversations().catch(() => {});
  }
}

/**
 * @param {Turn} turn
 * @returns {Promise<string>}
 */
async function begin(turn) {
  const { id } = await request("api/v1/conversations", {
    method: "POST",
    body: { collections: turn.scope.collections },
    signal: turn.stopper?.signal,
  });
  if (talk.get().turns.includes(turn)) {
    talk.set({ ...talk.get(), id, collections: turn.scope.collections });
    if (route.get().screen === "ask") goTo(linkTo("ask", [id], route.get().query), { replace: true });
  }
  return id;
}

/**
 * @param {Turn} turn
 * @param {string} event
 * @param {any} data
 */
function heard(turn, event, data) {
  if (event === "start") turn.standalone = data.standalone;
  else if (event === "passages") turn.passages = data.passages;
  else if (event === "delta") turn.text += data.text;
  else if (event === "citation") turn.citations.push(data);
  else if (event === "replace") Object.assign(turn, { text: data.text, citations: [] });
  else if (event === "done") finish(turn, data);
  else if (event === "error") {
    turn.passages = data.passages ?? turn.passages;
    throw new Problem(data);
  }
}

/**
 * @param {Turn} turn
 * @param {any} body the answer as the server sends it; null if it has dropped it
 */
function finish(turn, body) {
  if (!body) return;
  const { answer: text, refused, citations, passages } = body;
  Object.assign(turn, { state: "done", body, text, refused, citations, passages });
  prefetch(citations.map((/** @type {any} */ one) => ({ citation: one.id, passage: one.node_id })));
  draw();
}

/** @param {Turn} turn */
function add(turn) {
  talk.set({ ...talk.get(), turns: [...talk.get().turns, turn] });
  return turn;
}

/** @param {Turn["scope"]} scope for the next question */
export function setScope(scope) {
  talk.set({ ...talk.get(), scope });
}

/** Shows what has changed in a turn. */
function draw() {
  talk.set({ ...talk.get() });
}

/** Asks for the list of conversations, or for its next part. @param {string} [cursor] */
export async function listConversations(cursor) {
  const found = await request("api/v1/conversations", { query: { cursor } });
  const before = cursor ? (conversations.get()?.data ?? []) : [];
  conversations.set({ ...found, data: [...before, ...found.data] });
}

/** @param {string} id */
export async function deleteConversation(id) {
  await request(`api/v1/conversations/${encodeURIComponent(id)}`, { method: "DELETE" });
  const known = conversations.get();
  if (known) conversations.set({ ...known, data: known.data.filter((one) => one.id !== id) });
  if (talk.get().id === id) goTo(linkTo("ask"));
}
