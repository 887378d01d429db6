/** The search test: why a page is found for a query, or is not. */
import { html, useState } from "../html.js";
import { useTexts } from "../language.js";
import { goTo, linkTo } from "../router.js";
import { may, server } from "../server.js";
import { queryOf, searchOf } from "./address.js";
import { SearchForm } from "./form.js";
import { Results, useResult } from "./results.js";
import { SaveDialog } from "./save.js";
import { texts } from "./texts.js";
import { WhyNot } from "./why_not.js";

/** @param {{ route: import("../router.js").Route }} properties */
export default function Screen({ route }) {
  const t = useTexts(texts);
  const search = searchOf(route.query);
  const { question, other = "" } = search;
  const [turn, setTurn] = useState(0);
  const [whole, setWhole] = useState(false);
  const first = useResult(search, question, turn);
  const second = useResult(search, other, turn);
  const [saving, setSaving] = useState(/** @type {import("./save.js").Wanted | null} */ (null));
  const mayWrite = may("write") && server.get()?.features.write;
  return html`
    <h1>${t("title")}</h1>
    <${SearchForm} search=${search} onSearch=${go} />
    ${!question && html`<p class="faint">${t("about")}</p>`}
    ${question &&
    html`
      <div class="row search-tools">
        <label class="row"><input type="checkbox" checked=${whole} onChange=${() => setWhole(!whole)} />${t("whole")}</label>
      </div>
      <details class="search-columns">
        <summary>${t("columns")}</summary>
        <dl>
          ${["rank", "dense", "bm25", "fused", "rerank", "move"].map((name) => html`<dt>${t(name)}</dt><dd>${t(`about_${name}`)}</dd>`)}
        </dl>
      </details>
      <div class=${other ? "search-both" : ""}>
        <${Results} onSave=${saver(question)} name="first" question=${question} result=${first} other=${other ? second : null} otherName="second" whole=${whole} />
        ${other && html`<${Results} onSave=${saver(other)} name="second" question=${other} result=${second} other=${first} otherName="first" whole=${whole} />`}
      </div>
      <${WhyNot} search=${search} onCount=${(/** @type {number} */ count) => go({ ...search, count })} onSave=${mayWrite ? save : undefined} />
    `}
    ${saving && html`<${SaveDialog} wanted=${saving} onClose=${() => setSaving(null)} />`}
  `;

  /** @param {string} asked @param {import("./save.js").Wanted["expected"]} [expected] @param {any} [passage] */
  function save(asked, expected, passage) {
    setSaving({ question: asked, collections: search.collections, expected, passage });
  }

  /** @param {string} asked @returns {((row: import("./passages.js").Row | null) => void) | undefined} */
  function saver(asked) {
    if (!mayWrite) return undefined;
    return (row) => {
      if (!row) return save(asked);
      const { file, page, sentence } = row.passage;
      save(asked, { file, page, text: sentence || undefined }, row.passage);
    };
  }

  /** @param {import("./address.js").Search} wanted */
  function go(wanted) {
    goTo(linkTo("search", [], queryOf(wanted)));
    setTurn(turn + 1);
  }
}
