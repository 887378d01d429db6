/** What is known of a file. */
import { html, useEffect, useState } from "../html.js";
import { address, filesPath, request } from "../api.js";
import { languageOf, useTexts } from "../language.js";
import { openReader } from "../reader/target.js";
import { linkTo, setQuery } from "../router.js";
import { ProblemNotice } from "../ui/problem.js";
import { mayWrite } from "./access.js";
import { texts } from "./file_texts.js";
import { count, moment, printable, size } from "../ui/format.js";
import { changes } from "./jobs.js";
import { MetadataDialog } from "./metadata.js";
import { PageReading } from "./reading.js";
import { MarkdownTable } from "./table.js";

/** @param {{ collection: string, id: string, query: Record<string, string> }} properties */
export function FileView({ collection, id, query }) {
  const t = useTexts(texts);
  const changed = changes.use();
  const [file, setFile] = useState(/** @type {any} */ (null));
  const [sections, setSections] = useState(/** @type {any[]} */ ([]));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [editing, setEditing] = useState(false);
  const path = filesPath(collection, id);
  useEffect(() => {
    request(path).then(setFile, setProblem);
    request(`${path}/outline`).then(({ data }) => setSections(data), setProblem);
  }, [path, changed]);
  const back = html`<p><a href=${linkTo("documents", [collection])}>← <bdi>${printable(collection)}</bdi></a></p>`;
  if (problem) return html`${back}<h1>${t("file")}</h1><${ProblemNotice} problem=${problem} />`;
  if (!file) return html`${back}<h1>${t("file")}</h1>`;
  const name = printable(file.file);
  const number = Math.floor(Number(query.page));
  if (number >= 1 && number <= file.pages)
    return html`
      <p><a href=${linkTo("documents", [collection, id])}>← ${t("back")}</a></p>
      <h1><bdi>${name}</bdi></h1>
      <${PageReading} collection=${collection} file=${file} number=${number} />
    `;
  const open = (/** @type {number} */ page) => openReader({ collection, file: id, page });
  return html`
    ${back}
    <h1><bdi>${name}</bdi></h1>
    ${file.state !== "unchanged" && html`<p class="notice warn">${t(`state_${file.state}`)}</p>`}
    ${file.awaits_ocr > 0 && html`<p class="notice warn">${t("awaits_ocr", { count: file.awaits_ocr })}</p>`}
    <div class="row documents-find">
      <button class="primary" onClick=${() => open(1)}>${t("open")}</button>
      <a class="button" href=${linkTo("documents", [collection, id], { page: "1" })}>${t("how_read")}</a>
      <a class="button" href=${address(`${path}/content`, { inline: true })} target="_blank" rel="noopener">${t("original")}</a>
      <a class="button" href=${address(`${path}/content`)} download>${t("download")}</a>
    </div>
    <dl class="card documents-facts">
      ${facts(file).map(([key, value]) => html`<div><dt>${t(key)}</dt><dd lang=${languageOf(value)}><bdi>${printable(value)}</bdi></dd></div>`)}
      ${file.copies.length > 0 && html`<div><dt>${t("copies")}</dt><dd>${file.copies.map((/** @type {string} */ copy) => html`<a href=${linkTo("documents", [collection, copy])}>${copy}</a> `)}</dd></div>`}
      <div>
        <dt>${t("metadata")}</dt>
        <dd>
          ${Object.entries(file.metadata).map(([key, value]) => html`<span class="badge"><bdi>${printable(key)}</bdi>: <bdi>${printable(String(value))}</bdi></span> `)}
          ${mayWrite() && html`<button class="quiet" onClick=${() => setEditing(true)}>${t("edit")}</button>`}
        </dd>
      </div>
    </dl>
    ${sections.length > 0 && html`
      <section class="card" aria-labelledby="sections-heading">
        <h2 id="sections-heading">${t("sections")}</h2>
        <ul class="documents-sections">
          ${sections.map((one) => html`<li style=${{ paddingInlineStart: `${one.level - 1}rem` }}>
            <bdi lang=${languageOf(one.title)}>${printable(one.title)}</bdi>
            <button class="quiet" aria-label=${t("open_page", { page: one.page, title: one.title })} onClick=${() => open(one.page)}>${t("page", { page: one.page })}</button>
          </li>`)}
        </ul>
      </section>`}
    ${file.tables.length > 0 && html`
      <section class="card" aria-labelledby="tables-heading">
        <h2 id="tables-heading">${t("tables")}</h2>
        ${file.tables.map((/** @type {string} */ text, /** @type {number} */ index) => html`<${MarkdownTable} text=${text} title=${t("table", { number: index + 1 })} />`)}
      </section>`}
    ${editing && html`<${MetadataDialog} collection=${collection} file=${file} onClose=${() => setEditing(false)} />`}
  `;

  /** @param {any} known @returns {[string, string][]} */
  function facts(known) {
    const { title, organisation, kind, period, product, author, created } = known.identity;
    /** @type {[string, string][]} */
    const all = [
      ["title", title],
      ["organisation", organisation],
      ["kind", kind && t(`kind_${kind}`).replace(/^kind_/, "")],
      ["period", period],
      ["product", product],
      ["author", author],
      ["created", created],
      ["pages", count(known.pages)],
      ["sentences", count(known.nodes)],
      ["chinese", `${Math.round(known.chinese_share * 100)}%`],
      ["size", size(known.size)],
      ["when", moment(known.ingested_at)],
    ];
    return all.filter(([, value]) => value);
  }
}
