/** Lists that the server gives in parts. */
import { useState } from "../html.js";
import { request } from "../api.js";
import { useLoaded } from "../ui/loaded.js";

const PART = 50;

/**
 * The first parts of a list; `more` gets the next one, and is null behind the last.
 * @param {string} path
 * @param {Record<string, any>} [query]
 */
export function usePages(path, query = {}) {
  const [parts, setParts] = useState(1);
  const { data, problem, loading, reload } = useLoaded(
    async (signal) => {
      let cursor;
      let last;
      /** @type {any[]} */
      const items = [];
      for (let part = 0; part < parts && cursor !== null; part++) {
        last = await request(path, { query: { ...query, limit: PART, cursor }, signal });
        items.push(...last.data);
        cursor = last.next_cursor;
      }
      return { ...last, items, cursor };
    },
    [path, parts],
  );
  const more = data?.cursor ? () => setParts(parts + 1) : null;
  return { items: /** @type {any[]} */ (data?.items ?? []), sets: data?.sets ?? [], problem, loading, reload, more };
}
