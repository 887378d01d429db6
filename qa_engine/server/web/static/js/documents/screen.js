/** The documents: collections, their files, and what is known of each. */
import { html, useEffect } from "../html.js";
import { useTexts } from "../language.js";
import { goTo, linkTo } from "../router.js";
import { collections, loadCollections, server } from "../server.js";
import { remember, remembered } from "../store.js";
import { mayWrite } from "./access.js";
import { CollectionBar } from "./collections.js";
import { FileList } from "./files.js";
import { FileView } from "./file.js";
import { changes } from "./jobs.js";
import { UploadQueue } from "./queue.js";
import { texts } from "./texts.js";
import { Uploader } from "./uploader.js";

/** @param {{ route: import("../router.js").Route }} properties */
export default function Screen({ route }) {
  const t = useTexts(texts);
  const known = collections.use();
  const changed = changes.use();
  const [chosen, file] = route.parts;
  const exists = (/** @type {string | null | undefined} */ name) => known?.some((one) => one.collection === name);
  const first = server.get()?.collections[0]; // an upload makes it
  const usual = known && ([remembered("collection"), first, known[0]?.collection].find(exists) ?? first);
  useEffect(() => {
    if (!chosen && usual) goTo(linkTo("documents", [usual], route.query), { replace: true });
    if (chosen) remember("collection", chosen);
  }, [chosen, usual]);
  useEffect(() => {
    if (changed) loadCollections().catch(() => {});
  }, [changed]);
  if (!known) return html`<h1>${t("title")}</h1>`;
  if (chosen && file) return html`<${FileView} key=${file} collection=${chosen} id=${file} query=${route.query} />`;
  return html`
    <${CollectionBar} chosen=${chosen} />
    ${chosen && mayWrite() && html`<${Uploader} collection=${chosen} />`}
    ${chosen && html`<${UploadQueue} collection=${chosen} />`}
    ${chosen && !exists(chosen) && html`<p class="notice">${t(mayWrite() ? "empty" : "empty_read")}</p>`}
    ${chosen && exists(chosen) && html`<${FileList} key=${chosen} collection=${chosen} query=${route.query} />`}
    ${!chosen && !known.length && html`<p class="notice">${t(mayWrite() ? "no_collection" : "no_collection_read")}</p>`}
  `;
}
