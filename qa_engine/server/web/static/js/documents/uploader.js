/** Where files are dropped, anywhere on the screen, or chosen. */
import { html, useEffect, useRef, useState } from "../html.js";
import { useTexts } from "../language.js";
import { server } from "../server.js";
import { chosenFiles, documentsOf, droppedFiles } from "./dropping.js";
import { size } from "../ui/format.js";
import { texts } from "./texts.js";
import { upload } from "./uploads.js";

/** @param {{ collection: string }} properties */
export function Uploader({ collection }) {
  const t = useTexts(texts);
  const [over, setOver] = useState(false);
  const [others, setOthers] = useState(/** @type {number | null} */ (null));
  const files = useRef(/** @type {HTMLInputElement | null} */ (null));
  const folder = useRef(/** @type {HTMLInputElement | null} */ (null));
  const most = server.get()?.limits.max_upload_bytes;
  const suffixes = server.get()?.suffixes ?? [".pdf"];
  useEffect(() => {
    const ofFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    const dragged = (/** @type {DragEvent} */ event) => {
      if (!ofFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const left = (/** @type {DragEvent} */ event) => {
      if (!event.relatedTarget) setOver(false);
    };
    const dropped = (/** @type {DragEvent} */ event) => {
      setOver(false);
      if (!event.dataTransfer || !ofFiles(event)) return;
      event.preventDefault();
      droppedFiles(event.dataTransfer).then(take);
    };
    const heard = /** @type {[string, any][]} */ ([["dragover", dragged], ["dragleave", left], ["drop", dropped]]);
    for (const [name, handler] of heard) addEventListener(name, handler);
    return () => {
      for (const [name, handler] of heard) removeEventListener(name, handler);
    };
  }, [collection]);
  const chosen = (/** @type {Event} */ event) => {
    const input = /** @type {HTMLInputElement} */ (event.currentTarget);
    take(chosenFiles(input.files));
    input.value = ""; // so that the same files can be chosen again
  };
  return html`
    <section class="card documents-drop" aria-label=${t("upload")}>
      <p>${t("drop_here")} <span class="faint">${t("drop_note", { size: most ? size(most) : "–" })}</span></p>
      <div class="row">
        <button class="primary" onClick=${() => files.current?.click()}>${t("choose_files")}</button>
        <button onClick=${() => folder.current?.click()}>${t("choose_folder")}</button>
      </div>
      <input hidden type="file" multiple accept=${[...suffixes, "application/pdf"].join()} aria-label=${t("choose_files")} ref=${files} onChange=${chosen} />
      <input hidden type="file" webkitdirectory aria-label=${t("choose_folder")} ref=${folder} onChange=${chosen} />
      ${others !== null && html`<p role="status">${others ? t("others_left", { count: others }) : t("nothing_found")}</p>`}
      ${over && html`<div class="documents-over" aria-hidden="true"><span>${t("drop_now", { collection })}</span></div>`}
    </section>
  `;

  /** @param {import("./dropping.js").Found[]} found */
  function take(found) {
    const { documents, others: left } = documentsOf(found, suffixes);
    setOthers(left || !documents.length ? left : null);
    upload(collection, documents);
  }
}
