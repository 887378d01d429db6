/** A citation whose document has changed or gone: what was cited then, and the file as it is now. */
import { html, useEffect, useState } from "../html.js";
import { filesPath, request } from "../api.js";
import { languageOf, useTexts } from "../language.js";
import { visible } from "../ui/visible.js";
import { openReader } from "./target.js";
import { texts } from "./texts.js";

/** @param {{ problem: import("../api.js").Problem }} properties */
export default function Gone({ problem }) {
  const t = useTexts(texts);
  const cited = problem.body.citation;
  const [present, setPresent] = useState(/** @type {any} */ (null));
  useEffect(() => {
    let current = true;
    setPresent(null);
    // A file that cannot be found again has no link; the notice says all there is to say.
    if (cited) presentVersion(cited).then((file) => current && setPresent(file), () => {});
    return () => void (current = false);
  }, [problem]);
  return html`
    <div class="notice warn" role="status">
      <p><strong>${t("gone")}</strong></p>
      ${cited && html`<p>${t("gone_detail", { file: visible(cited.file) })}</p>`}
      ${present && html`<button onClick=${show}>${t("present")}</button>`}
    </div>
    ${
      cited &&
      html`<p class="faint">${t("quote_then")} · ${t("page", { page: cited.page })}</p>
        <blockquote class="reader-quote" lang=${languageOf(cited.text)}><bdi>${visible(cited.text)}</bdi></blockquote>`
    }
  `;

  function show() {
    openReader({ collection: cited.collection, file: present.file_id, page: Math.min(cited.page || 1, present.pages) });
  }
}

/**
 * The file of the same name, if the collection has one that is as it was read.
 * @param {{ collection: string, file: string }} cited
 */
async function presentVersion({ collection, file }) {
  const { data } = await request(filesPath(collection), { query: { q: file, limit: 200 } });
  const same = data.find((/** @type {any} */ one) => one.file === file && one.pages > 0);
  if (!same) return null;
  const { state } = await request(filesPath(collection, same.file_id));
  return state === "unchanged" ? same : null;
}
