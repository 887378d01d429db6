/** Values that several components show: whoever uses one is drawn again when it changes. */
import { useEffect, useState } from "./html.js";

/**
 * @template T
 * @typedef {{ get: () => T, set: (value: T) => void, use: () => T, listen: (heard: (value: T) => void) => () => void }} Store
 */

/**
 * @template T
 * @param {T} first
 * @returns {Store<T>}
 */
export function store(first) {
  let value = first;
  /** @type {Set<(value: T) => void>} */
  const listeners = new Set();
  const listen = (/** @type {(value: T) => void} */ heard) => {
    listeners.add(heard);
    return () => void listeners.delete(heard);
  };
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const heard of [...listeners]) heard(value);
    },
    use() {
      const [, draw] = useState(0);
      useEffect(() => {
        const seen = value;
        const stop = listen(() => draw((count) => count + 1));
        if (!Object.is(seen, value)) draw((count) => count + 1);
        return stop;
      }, []);
      return value;
    },
    listen,
  };
}

/**
 * What this browser remembers. Without storage, as in some private windows, it remembers nothing.
 * @param {string} name
 * @returns {string | null}
 */
export function remembered(name) {
  try {
    return localStorage.getItem(`qa_engine.${name}`);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(`qa_engine.${name}`, value);
  } catch {
    /* see `remembered` */
  }
}
