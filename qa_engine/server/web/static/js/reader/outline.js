/** The sections of the file that is read, to jump to. */
import { html, useEffect, useState } from "../html.js";
import { filesPath } from "../api.js";
import { languageOf, useTexts } from "../language.js";
import { ProblemNotice } from "../ui/problem.js";
import { visible } from "../ui/visible.js";
import { load } from "./loading.js";
import { texts } from "./texts.js";

/** @param {{ view: import("./loading.js").View, page: number, onPage: (page: number) => void }} properties */
export default function SectionList({ view, page, onPage }) {
  const t = useTexts(texts);
  const [sections, setSections] = useState(/** @type {any[] | null} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  useEffect(() => {
    let current = true;
    load(`${filesPath(view.collection, view.fileId)}/outline`).then(
      ({ data }) => current && setSections(data),
      (error) => current && setProblem(error),
    );
    return () => void (current = false);
  }, [view.collection, view.fileId]);
  const here = sections?.findLastIndex((section) => section.page <= page);
  return html`
    <nav class="reader-panel" aria-label=${t("outline")}>
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
      ${sections?.length === 0 && html`<p class="faint">${t("outline_none")}</p>`}
      <ol class="reader-list">
        ${sections?.map(
          ({ title, level, page: number }, at) => html`
            <li>
              <button
                class="quiet" style=${{ paddingInlineStart: `${level * 0.9}rem` }}
                aria-current=${at === here ? "true" : undefined} onClick=${() => onPage(number)}
              >
                <bdi lang=${languageOf(title)}>${visible(title)}</bdi> <span class="faint">${number}</span>
              </button>
            </li>
          `,
        )}
      </ol>
    </nav>
  `;
}
