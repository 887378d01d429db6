/** The list of keys. */
import { html } from "../html.js";
import { useTexts } from "../language.js";
import { texts } from "../texts.js";
import { Dialog } from "./dialog.js";

const KEYS = [
  [["/"], "key_ask"],
  [["Ctrl", "Enter"], "key_send"],
  [["[", "]"], "key_previous"],
  [["Esc"], "key_close"],
  [["?"], "key_help"],
];

/** @param {{ onClose: () => void }} properties */
export function ShortcutList({ onClose }) {
  const t = useTexts(texts);
  return html`
    <${Dialog} title=${t("shortcuts")} onClose=${onClose}>
      <dl class="keys">
        ${KEYS.map(
          ([keys, name]) => html`
            <div>
              <dt>${/** @type {string[]} */ (keys).map((key) => html`<kbd>${key}</kbd> `)}</dt>
              <dd>${t(/** @type {string} */ (name))}</dd>
            </div>
          `,
        )}
      </dl>
    <//>
  `;
}
