/** Measures in plain words, each as a number and as a point with its interval. */
import { html } from "../html.js";
import { useTexts } from "../language.js";
import { measures as texts } from "./measure_texts.js";

/** @typedef {{ mean: number, low: number | null, high: number | null, count: number }} Measure */

/** @param {string} name @param {number} value */
export function amount(name, value) {
  return name.startsWith("mrr") ? value.toFixed(3) : `${(value * 100).toFixed(1)}%`;
}

/** @param {{ measures: Record<string, Measure> }} properties */
export function Measures({ measures }) {
  const t = useTexts(texts);
  return html`<dl class="evaluation-measures">
    ${Object.entries(measures).map(
      ([name, { mean, low, high, count }]) => html`<div key=${name}>
        <dt>${t(name)}</dt>
        <dd>
          <strong>${amount(name, mean)}</strong>
          <${Interval} mean=${mean} low=${low} high=${high} />
          <span class="faint">
            ${low !== null && high !== null ? t("interval", { low: amount(name, low), high: amount(name, high), count }) : t("count", { count })}
          </span>
        </dd>
      </div>`,
    )}
  </dl>`;
}

/** @param {{ mean: number, low: number | null, high: number | null }} properties */
function Interval({ mean, low, high }) {
  return html`<svg class="evaluation-interval" viewBox="-2 0 108 10" aria-hidden="true">
    <rect class="scale" x="2" y="4" width="100" height="2" rx="1" />
    <rect class="share" x="2" y="4" width=${mean * 100} height="2" rx="1" />
    ${low !== null && high !== null && html`<rect class="range" x=${2 + low * 100} y="2" width=${(high - low) * 100} height="6" rx="2" />`}
    <circle cx=${2 + mean * 100} cy="5" r="3" />
  </svg>`;
}
