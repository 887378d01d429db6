/** The files of a collection: a part at a time, searched, sorted, chosen and deleted. */
import { html, useEffect, useRef, useState } from "../html.js";
import { filesPath, request } from "../api.js";
import { useTexts } from "../language.js";
import { linkTo, setQuery } from "../router.js";
import { ProblemNotice } from "../ui/problem.js";
import { mayWrite } from "./access.js";
import { DeleteDialog } from "./delete.js";
import { count, moment, printable, size } from "../ui/format.js";
import { changes } from "./jobs.js";
import { MetadataDialog } from "./metadata.js";
import { texts } from "./texts.js";

const PART = 50;
const MOST = 200;
const ORDERS = ["name", "-name", "-ingested_at", "ingested_at", "-pages", "pages", "-size", "size"];

/** @param {{ collection: string, query: Record<string, string> }} properties */
export function FileList({ collection, query }) {
  const t = useTexts(texts);
  const changed = changes.use();
  const { q = "", sort = "name" } = query;
  const [files, setFiles] = useState(/** @type {any[] | null} */ (null));
  const [cursor, setCursor] = useState(/** @type {string | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [chosen, setChosen] = useState(/** @type {Set<string>} */ (new Set()));
  const [dialog, setDialog] = useState(/** @type {any} */ (null));
  const [typed, setTyped] = useState(q);
  const last = useRef(0);
  const path = filesPath(collection);
  const load = (/** @type {string | null} */ behind, /** @type {number} */ limit) => {
    const turn = ++last.current; // an answer that comes late does not replace that of the last question
    setProblem(null);
    request(path, { query: { q, sort, limit, cursor: behind } }).then(
      ({ data, next_cursor }) => {
        if (turn !== last.current) return;
        setFiles((before) => (behind ? [...(before ?? []), ...data] : data));
        setCursor(next_cursor);
        // Files that were touched are compared by their content, which takes time: the list does not wait for it.
        request(path, { query: { q, sort, limit, cursor: behind, states: true } }).then((found) => {
          const states = new Map(found.data.map((/** @type {any} */ file) => [file.file_id, file.state]));
          setFiles((before) => before && before.map((file) => ({ ...file, state: states.get(file.file_id) ?? file.state })));
        }, () => {});
      },
      (error) => turn === last.current && setProblem(error),
    );
  };
  useEffect(() => load(null, PART), [q, sort]);
  useEffect(() => {
    if (changed) load(null, Math.min(Math.max(files?.length ?? 0, PART), MOST));
  }, [changed]);
  useEffect(() => {
    if (typed === q) return;
    const timer = setTimeout(() => setQuery({ q: typed }, { replace: true }), 250);
    return () => clearTimeout(timer);
  }, [typed]);
  const picked = (files ?? []).filter((file) => chosen.has(file.file_id));
  const empty = files && !files.length;
  const write = mayWrite();
  return html`
    <section aria-label=${t("files")}>
      ${!(empty && !q) &&
      html`<form class="row documents-find" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <input type="search" aria-label=${t("find")} placeholder=${t("find")} value=${typed} onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} />
        <select aria-label=${t("sort")} value=${sort} onChange=${(/** @type {any} */ event) => setQuery({ sort: event.target.value }, { replace: true })}>
          ${ORDERS.map((order) => html`<option value=${order} selected=${order === sort}>${t(`sort_${order}`)}</option>`)}
        </select>
        ${write && html`<button type="button" class="danger" disabled=${!picked.length} onClick=${() => setDialog({ deleted: picked })}>${t("delete_chosen", { count: picked.length })}</button>`}
      </form>`}
      ${problem && html`<${ProblemNotice} problem=${problem} onRetry=${() => load(null, PART)} />`}
      ${empty && html`<p class="notice">${t(q ? "none_found" : write ? "empty" : "empty_read")}</p>`}
      ${files && files.length > 0 && html`<div class="card documents-table">${table(files)}</div>`}
      ${cursor && html`<p><button onClick=${() => load(cursor, PART)}>${t("more")}</button></p>`}
      ${dialog?.deleted && html`<${DeleteDialog} collection=${collection} files=${dialog.deleted} onClose=${close} />`}
      ${dialog?.edited && html`<${MetadataDialog} collection=${collection} file=${dialog.edited} onClose=${close} />`}
    </section>
  `;

  /** @param {any[]} shown */
  function table(shown) {
    const all = picked.length === shown.length;
    return html`
      <table>
        <thead>
          <tr>
            ${write && html`<td><input type="checkbox" aria-label=${t("choose_all")} checked=${all} onChange=${() => setChosen(new Set(all ? [] : shown.map((file) => file.file_id)))} /></td>`}
            <th scope="col">${t("name")}</th>
            ${["pages", "sentences", "size", "when"].map((name) => html`<th scope="col" class="documents-number">${t(name)}</th>`)}
            <th scope="col">${t("metadata")}</th>
          </tr>
        </thead>
        <tbody>${shown.map((file) => html`<${FileRow} key=${file.file_id} ...${{ file, collection, write }} chosen=${chosen.has(file.file_id)} onChoose=${() => choose(file.file_id)} onEdit=${() => setDialog({ edited: file })} />`)}</tbody>
      </table>
    `;
  }

  /** @param {string} id */
  function choose(id) {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  }

  function close() {
    setDialog(null);
  }
}

/** @param {{ file: any, collection: string, write: boolean, chosen: boolean, onChoose: () => void, onEdit: () => void }} properties */
function FileRow({ file, collection, write, chosen, onChoose, onEdit }) {
  const t = useTexts(texts);
  const name = printable(file.file);
  const metadata = Object.entries(file.metadata);
  const numbers = [["pages", count(file.pages)], ["sentences", count(file.nodes)], ["size", size(file.size)], ["when", moment(file.ingested_at)]];
  return html`
    <tr>
      ${write && html`<td><input type="checkbox" aria-label=${t("choose_name", { name })} checked=${chosen} onChange=${onChoose} /></td>`}
      <th scope="row">
        <a href=${linkTo("documents", [collection, file.file_id])}><bdi>${name}</bdi></a>
        ${file.state && file.state !== "unchanged" && html` <span class="badge warn">${t(`state_${file.state}`)}</span>`}
        ${file.awaits_ocr > 0 && html` <span class="badge warn">${t("awaits_ocr", { count: file.awaits_ocr })}</span>`}
      </th>
      ${numbers.map(([kind, value]) => html`<td class="documents-number" data-label=${t(kind)}>${value}</td>`)}
      <td class="documents-metadata">
        ${metadata.map(([key, value]) => html`<span class="badge"><bdi>${printable(key)}</bdi>: <bdi>${printable(String(value))}</bdi></span> `)}
        ${write && html`<button class="quiet" aria-label=${t("edit_name", { name })} onClick=${onEdit}>${t("edit")}</button>`}
      </td>
    </tr>
  `;
}
