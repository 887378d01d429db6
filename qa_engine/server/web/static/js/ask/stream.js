/** The events of an answer. A stream that is cut is taken up again behind its last event. */
import { Problem, send } from "../api.js";
import { eventsOf } from "../events.js";

/** Milliseconds before each try to take a stream up again; the server keeps the answer going for some ten seconds. */
const WAITS = [300, 1000, 2000, 4000];
const LOST = ["cut", "unreachable", "unexpected", "too_many_connections", "not_ready"];

/**
 * @param {object} asked
 * @param {string} asked.answerId
 * @param {{ path: string, body: any } | null} asked.question null to take up an answer that was asked for before
 * @param {AbortSignal} asked.signal
 * @param {(lost: boolean) => void} asked.onLost is told when the stream is lost, and when it goes on
 * @returns {AsyncGenerator<import("../events.js").ServerEvent, void, void>}
 * @throws {Problem}
 */
export async function* answerEvents({ answerId, question, signal, onLost }) {
  /** @type {Problem | null} */
  let lost = null;
  let last = 0;
  let tries = 0;
  for (;;) {
    try {
      /** @type {Record<string, string>} */
      const headers = { Accept: "text/event-stream" };
      if (last) headers["Last-Event-ID"] = String(last);
      const response = question
        ? await send(question.path, { method: "POST", body: question.body, headers, signal })
        : await send(`api/v1/answers/${encodeURIComponent(answerId)}`, { headers, signal });
      question = null;
      if (lost) onLost(false);
      for await (const event of eventsOf(response)) {
        tries = 0;
        if (Number(event.id) <= last) continue;
        last = Number(event.id);
        yield event;
        if (event.event === "done" || event.event === "error") return;
      }
      lost = new Problem({ code: "cut" });
    } catch (error) {
      if (signal.aborted || !(error instanceof Problem)) throw error;
      if (lost && error.code === "not_found") throw lost;
      if (!LOST.includes(error.code)) throw error;
      lost = error;
      question = null; // it may have arrived: to ask again would answer it twice
    }
    if (tries >= WAITS.length) throw lost;
    onLost(true);
    await pause(WAITS[tries++], signal);
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
