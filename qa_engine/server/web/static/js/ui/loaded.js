/** What a component asks the server for, and the button that copies a text. */
import { html, useCallback, useEffect, useRef, useState } from "../html.js";
import { useTexts } from "../language.js";
import { texts } from "../texts.js";

/**
 * The answer to a question of a component; the last one stays until the next has come.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} [when] asks again when one of these changes
 */
export function useLoaded(load, when = []) {
  const [data, setData] = useState(/** @type {T | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [loading, setLoading] = useState(true);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    setLoading(true);
    load(leaving.signal).then(
      (answer) => {
        if (leaving.signal.aborted) return;
        setData(answer);
        setProblem(null);
        setLoading(false);
      },
      (failure) => {
        if (leaving.signal.aborted) return;
        setProblem(failure);
        setLoading(false);
      },
    );
    return () => leaving.abort();
  }, [turn, ...when]);
  const reload = useCallback(() => setTurn((count) => count + 1), []);
  return { data, problem, loading, reload };
}

/** @param {{ text: string }} properties */
export function CopyButton({ text }) {
  const t = useTexts(texts);
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const [copied, setCopied] = useState(false);
  return html`<button type="button" ref=${button} onClick=${copy}>${t(copied ? "copied" : "copy")}</button>`;

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      const shown = button.current?.previousElementSibling; // without a clipboard, the text is selected
      if (shown) getSelection()?.selectAllChildren(shown);
    }
  }
}
