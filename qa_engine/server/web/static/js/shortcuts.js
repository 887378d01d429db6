/** Keys that work anywhere on the page, unless the reader is typing. */
import { useEffect, useRef } from "./html.js";

/**
 * Has functions called for keys, by the name that `KeyboardEvent.key` gives them.
 * @param {Record<string, (event: KeyboardEvent) => void>} shortcuts
 */
export function useShortcuts(shortcuts) {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    const heard = (/** @type {KeyboardEvent} */ event) => {
      if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key !== "Escape" && isTyping(event.target)) return;
      if (document.querySelector("dialog[open]")) return; // it has keys of its own
      const wanted = latest.current[event.key];
      if (!wanted) return;
      event.preventDefault();
      wanted(event);
    };
    addEventListener("keydown", heard);
    return () => removeEventListener("keydown", heard);
  }, []);
}

/** @param {EventTarget | null} element */
function isTyping(element) {
  return element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
}
