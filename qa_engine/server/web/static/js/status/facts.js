/** What the server is: its version, its models and its limits. */
import { html } from "../html.js";
import { count, size } from "../ui/format.js";
import { useTexts } from "../language.js";
import { collections, server } from "../server.js";
import { texts } from "./texts.js";

export function Facts() {
  const t = useTexts(texts);
  const known = server.use();
  const held = collections.use() ?? [];
  if (!known) return null;
  const models = Object.entries(known.models).filter(([role]) => role !== "llm" || known.features.llm);
  return html`
    <section class="status-part">
      <h2>${t("server")}</h2>
      <dl class="status-facts">
        <div><dt>${t("version")}</dt><dd>${known.version}</dd></div>
        ${models.map(([role, name]) => html`<div><dt>${t(`model_${role}`)}</dt><dd><code>${name}</code></dd></div>`)}
        ${!known.features.llm && html`<div><dt>${t("model_llm")}</dt><dd>${t("no_llm")}</dd></div>`}
        <div><dt>${t("ocr")}</dt><dd>${t(known.features.ocr ? "yes" : "no")}</dd></div>
        <div><dt>${t("collections")}</dt><dd>${held.map((one) => html`<div><bdi>${one.collection}</bdi> <span class="faint">${t("holds", { files: count(one.files), pages: count(one.pages) })}</span></div>`)}</dd></div>
        ${Object.entries(known.limits).map(
          ([name, value]) =>
            value !== null && html`<div><dt>${t(`limit_${name}`)}</dt><dd>${name.endsWith("bytes") ? size(value) : name.endsWith("seconds") ? t("seconds", { value }) : count(value)}</dd></div>`,
        )}
      </dl>
    </section>
  `;
}
