/** Why an answer is what it is: how sure the server was, what it checked, what was nearest, and how long it took. */
import { html } from "../html.js";
import { useTexts } from "../language.js";
import { visible } from "../ui/visible.js";
import { texts } from "./answer_texts.js";

/** @param {{ turn: import("./conversation.js").Turn }} properties */
export function Why({ turn }) {
  const t = useTexts(texts);
  const { body, refused } = turn;
  const { probability, unsupported, nearest, models, timings, usage, explanation } = body;
  const missing = explanation?.missing ?? [];
  return html`
    <details class="ask-why" open=${refused}>
      <summary>
        ${t("why")}
        ${unsupported.length > 0 && html` <span class="badge warn">${t("doubts_count", { count: unsupported.length })}</span>`}
      </summary>
      ${refused && missing.length > 0 && html`<p>${t("missing")}${named(missing)}</p>`}
      ${nearest.length > 0 &&
      html`
        <p>${t(refused ? "nearest" : "nearest_answered")}</p>
        <ul>
          ${nearest.map(
            (/** @type {any} */ one) => html`<li><bdi>${visible(one.text)}</bdi>${one.file && html` — <bdi>${visible(one.file)}</bdi>`}</li>`,
          )}
        </ul>
      `}
      ${probability !== null &&
      !(refused && missing.length) &&
      html`<p>${t(refused ? "chance_refused" : "chance", { words: t(sureness(probability)), percent: Math.round(probability * 100) })}</p>`}
      ${unsupported.length > 0 && html`<p><span class="badge warn">${t("doubts")}</span> ${named(unsupported)} ${t("doubts_why")}</p>`}
      ${["unverified", "foreign", "repaired"].map((name) => body[name] && html`<p>${t(`${name}_why`)}</p>`)}
      <dl class="ask-facts faint">
        <dt>${t("took")}</dt>
        <dd>
          ${Object.entries(timings)
            .sort(([one], [other]) => Number(other === "total") - Number(one === "total"))
            .map(([stage, seconds]) => `${t(`stage_${stage}`).replace("stage_", "")} ${milliseconds(Number(seconds))}`)
            .join(t("separator"))}
        </dd>
        <dt>${t("models")}</dt>
        <dd>${Object.values(models).filter(Boolean).join(t("separator"))}</dd>
        ${usage && html`<dt>${t("tokens")}</dt><dd>${usage.prompt_tokens} + ${usage.completion_tokens}</dd>`}
      </dl>
    </details>
  `;
}

/** @param {string[]} words */
function named(words) {
  return words.map((one, at) => html`${at > 0 && "、"}<bdi>${visible(one)}</bdi>`);
}

/** @param {number} probability */
function sureness(probability) {
  return probability >= 0.85 ? "sure" : probability >= 0.5 ? "likely" : probability >= 0.15 ? "unsure" : "unlikely";
}

/** @param {number} seconds */
function milliseconds(seconds) {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}
