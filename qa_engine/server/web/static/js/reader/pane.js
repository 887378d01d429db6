/** The reader beside a screen: the pages of a citation with its sentences marked. */
import { html, useEffect, useRef, useState } from "../html.js";
import { Problem, request } from "../api.js";
import { useTexts } from "../language.js";
import { useShortcuts } from "../shortcuts.js";
import { ProblemNotice } from "../ui/problem.js";
import { Sheet } from "./sheet.js";
import { closeReader, stepReader } from "./target.js";
import { texts } from "./texts.js";

/** @param {{ target: import("./target.js").Target }} properties */
export function ReaderPane({ target }) {
  const t = useTexts(texts);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const [shown, setShown] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
  useShortcuts({ Escape: closeReader, "[": () => stepReader(-1), "]": () => stepReader(1) });
  const id = "citation" in target ? target.citation : null;
  useEffect(() => {
    setProblem(null);
    if (id) request(`api/v1/citations/${encodeURIComponent(id)}`).then(setShown, setProblem);
  }, [id]);
  useEffect(() => heading.current?.focus(), [id]);
  return html`
    <aside class="reader" aria-labelledby="reader-heading">
      <header>
        <h2 id="reader-heading" tabindex="-1" ref=${heading}>${shown?.file ?? t("reader")}</h2>
        <button class="quiet" aria-label=${t("close")} title=${t("close")} onClick=${closeReader}>✕</button>
      </header>
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
      <div class="sheets">
        ${shown?.pages.map(
          (/** @type {any} */ page) =>
            page.image &&
            html`<${Sheet}
              image=${page.image}
              width=${page.width}
              height=${page.height}
              alt=${t("page_image", { file: shown.file, page: page.page })}
              marks=${[{ boxes: page.boxes, kind: "cited" }]}
            />`,
        )}
      </div>
    </aside>
  `;
}
