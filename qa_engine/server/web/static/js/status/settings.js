/** The settings in force, which can be searched. */
import { html, useState } from "../html.js";
import { request } from "../api.js";
import { useTexts } from "../language.js";
import { useLoaded } from "../ui/loaded.js";
import { ProblemNotice } from "../ui/problem.js";
import { texts } from "./texts.js";

export function Settings() {
  const t = useTexts(texts);
  const [wanted, setWanted] = useState("");
  const { data, problem, reload } = useLoaded((signal) => request("api/v1/config", { signal }));
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = flat(data ?? {}).filter(([name, value]) => words.every((word) => `${name} ${value}`.toLowerCase().includes(word)));
  return html`
    <section class="status-part">
      <h2>${t("settings")}</h2>
      ${problem && html`<${ProblemNotice} problem=${problem} onRetry=${reload} />`}
      <details>
        <summary>${t("show_settings")}</summary>
        <p><label>${t("search_settings")}<input class="status-search" type="search" value=${wanted} onInput=${(/** @type {any} */ event) => setWanted(event.target.value)} /></label></p>
        <p class="faint" role="status">${t("found_settings", { count: shown.length })}</p>
        <dl class="status-facts status-settings">
          ${shown.map(([name, value]) => html`<div key=${name}><dt><code>${name}</code></dt><dd><code>${value}</code></dd></div>`)}
        </dl>
      </details>
    </section>
  `;
}

/**
 * Settings by their whole names.
 * @param {Record<string, any>} section
 * @param {string} [above]
 * @returns {[string, string][]}
 */
function flat(section, above = "") {
  return Object.entries(section).flatMap(([name, value]) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? flat(value, `${above}${name}.`)
      : [/** @type {[string, string]} */ ([above + name, JSON.stringify(value)])],
  );
}
