/** Which collection is shown, what it holds, and the making and deleting of collections. */
import { html, useRef, useState } from "../html.js";
import { request } from "../api.js";
import { useTexts } from "../language.js";
import { goTo, linkTo } from "../router.js";
import { collections, loadCollections } from "../server.js";
import { Dialog } from "../ui/dialog.js";
import { ProblemNotice } from "../ui/problem.js";
import { mayDeleteCollections, mayWrite } from "./access.js";
import { count, printable } from "../ui/format.js";
import { texts } from "./texts.js";

/** @param {{ chosen: string | undefined }} properties */
export function CollectionBar({ chosen }) {
  const t = useTexts(texts);
  const known = collections.use() ?? [];
  const [dialog, setDialog] = useState("");
  const one = known.find(({ collection }) => collection === chosen);
  return html`
    <div class="documents-head">
      <h1>${t("title")}</h1>
      ${known.length > 0 &&
      html`
        <label class="row">
          <span>${t("collection")}</span>
          <select value=${chosen} onChange=${(/** @type {any} */ event) => goTo(linkTo("documents", [event.target.value]))}>
            ${chosen && !one && html`<option value=${chosen}>${printable(chosen)}</option>`}
            ${known.map(({ collection }) => html`<option value=${collection} selected=${collection === chosen}>${printable(collection)}</option>`)}
          </select>
        </label>
      `}
      ${one && html`<span class="faint">${t("holds", { files: count(one.files), pages: count(one.pages), nodes: count(one.nodes) })}</span>`}
      <span class="row documents-act">
        ${mayWrite() && html`<button onClick=${() => setDialog("make")}>${t("new_collection")}</button>`}
        ${one && mayDeleteCollections() && html`<button class="danger" onClick=${() => setDialog("delete")}>${t("delete_collection")}</button>`}
      </span>
    </div>
    ${dialog && html`<${NameDialog} deleted=${dialog === "delete" ? one : null} onClose=${() => setDialog("")} />`}
  `;
}

/** Asks for the name of a new collection, or for that of one to be deleted. @param {{ deleted: any, onClose: () => void }} properties */
function NameDialog({ deleted, onClose }) {
  const t = useTexts(texts);
  const [name, setName] = useState("");
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [busy, setBusy] = useState(false);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const ready = deleted ? name === deleted.collection : name.trim() !== "";
  return html`
    <${Dialog} title=${t(deleted ? "delete_collection" : "new_collection")} onClose=${onClose}>
      <form onSubmit=${submit}>
        ${deleted && html`<p>${t("delete_collection_note", { files: count(deleted.files), nodes: count(deleted.nodes) })}</p>`}
        <label for="collection-name">
          ${deleted ? html`${t("type_name")} <bdi class="documents-quote">${printable(deleted.collection)}</bdi>` : t("collection_name")}
        </label>
        <p>
          <input id="collection-name" ref=${field} autofocus autocomplete="off" maxlength="200" pattern="[^\\/]*" value=${name} onInput=${(/** @type {any} */ event) => setName(event.target.value)} />
        </p>
        ${problem && html`<${ProblemNotice} problem=${problem} />`}
        <div class="row">
          <button type="submit" class=${deleted ? "danger" : "primary"} disabled=${!ready || busy}>${t(deleted ? "delete" : "make")}</button>
          <button type="button" onClick=${onClose}>${t("keep")}</button>
        </div>
      </form>
    <//>
  `;

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    try {
      if (deleted) await request(`api/v1/collections/${encodeURIComponent(name)}`, { method: "DELETE" });
      else await request("api/v1/collections", { method: "POST", body: { name: name.trim() } });
      await loadCollections();
      onClose();
      const next = deleted ? collections.get()?.[0]?.collection : name.trim();
      goTo(linkTo("documents", next ? [next] : []));
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  }
}
