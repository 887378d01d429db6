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
  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return html`
    <dialog class=${kind} ref=${element} aria-labelledby="dialog-title" onCancel=${closing} onClose=${onClose}>
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
