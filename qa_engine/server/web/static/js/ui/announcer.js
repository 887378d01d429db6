/** What screen readers are told when something happens away from where the reader is. */
import { html } from "../html.js";
import { store } from "../store.js";

const said = store("");

/**
 * Says a sentence. Say that an answer is ready, not each of its words.
 * @param {string} sentence
 */
export function announce(sentence) {
  said.set(said.get() === sentence ? `${sentence}\u200b` : sentence);
}

export function Announcer() {
  return html`<div class="visually-hidden" role="status" aria-live="polite">${said.use()}</div>`;
}
