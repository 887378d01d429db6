/** A dialog over the page. Esc closes it, and the focus goes back to where it was. */
import { html, useLayoutEffect, useRef } from "../html.js";
import { useTexts } from "../language.js";
import { texts } from "../texts.js";

/**
 * @param {{ title: string, onClose: () => void, children?: any, class?: string }} properties
 */
export function Dialog({ title, onClose, children, class: kind = "" }) {
  const t = useTexts(texts);
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const gone = useRef(false);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = element.current;
    dialog?.showModal();
    return () => {
      gone.current = true;
      dialog?.close(); // as long as it is open, nothing behind it takes the focus
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return html`
    <dialog class=${kind} ref=${element} aria-labelledby="dialog-title" onCancel=${closing} onClose=${() => gone.current || onClose()}>
      <header>
        <h2 id="dialog-title">${title}</h2>
        <button class="quiet" onClick=${onClose} aria-label=${t("close")} title=${t("close")}>✕</button>
      </header>
      ${children}
    </dialog>
  `;

  /** @param {Event} event */
  function closing(event) {
    event.preventDefault();
    onClose();
  }
}
