/** Which collections are asked, and on which conditions. */
import { html, useState } from "../html.js";
import { useTexts } from "../language.js";
import { collections } from "../server.js";
import { visible } from "../ui/visible.js";
import { FileField } from "./file_field.js";
import { texts } from "./texts.js";

const KINDS = { file: "file=", page: "page=", section: "section=", other: "" };

/**
 * @param {{ scope: import("./conversation.js").Turn["scope"], onScope: (scope: import("./conversation.js").Turn["scope"]) => void }} properties
 */
export function Scope({ scope, onScope }) {
  const t = useTexts(texts);
  const known = collections.use() ?? [];
  const [kind, setKind] = useState(/** @type {keyof typeof KINDS} */ ("file"));
  const [value, setValue] = useState("");
  const { collections: chosen, filters } = scope;
  return html`
    ${filters.map(
      (one) => html`
        <button
          key=${one}
          type="button"
          class="ask-filter"
          aria-label=${t("remove_filter", { filter: visible(one) })}
          onClick=${() => onScope({ ...scope, filters: filters.filter((other) => other !== one) })}
        >
          <bdi>${visible(one)}</bdi> ✕
        </button>
      `,
    )}
    <details class="ask-scope">
      <summary>${t("scope")}${known.length > 1 && html`<span class="faint">${t("colon")}<bdi>${visible(chosen.join(t("separator")))}</bdi></span>`}</summary>
      ${known.length > 1 &&
      html`
        <fieldset>
          <legend>${t("collections")}</legend>
          ${known.map(
            ({ collection: name, files }) => html`
              <label class="ask-option" key=${name}>
                <input type="checkbox" checked=${chosen.includes(name)} onChange=${() => toggle(name)} />
                <bdi>${visible(name)}</bdi> <span class="faint">${t("files", { count: files })}</span>
              </label>
            `,
          )}
        </fieldset>
      `}
      <div class="row">
        <label for="ask-kind">${t("only")}</label>
        <select id="ask-kind" value=${kind} onChange=${(/** @type {any} */ event) => setKind(event.target.value)}>
          ${Object.keys(KINDS).map((one) => html`<option value=${one}>${t(`by_${one}`)}</option>`)}
        </select>
        <label for="ask-value" class="visually-hidden">${t("value")}</label>
        <${FileField}
          id="ask-value"
          value=${value}
          collections=${kind === "file" ? chosen : []}
          placeholder=${t(`example_${kind}`)}
          onInput=${setValue}
          onKeyDown=${pressed}
        />
        <button type="button" onClick=${add}>${t("add")}</button>
      </div>
    </details>
  `;

  /** @param {string} name */
  function toggle(name) {
    const next = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name];
    if (next.length) onScope({ ...scope, collections: next });
    else onScope({ ...scope }); // one has to stay
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    add();
  }

  function add() {
    let wanted = value.trim();
    if (!wanted) return;
    // A part of a name is enough.
    if (kind === "file" && !/[*?[]|\.[a-z]{2,5}$/i.test(wanted)) wanted = `*${wanted}*`;
    const condition = KINDS[kind] + wanted;
    if (!filters.includes(condition)) onScope({ ...scope, filters: [...filters, condition] });
    setValue("");
  }
}
