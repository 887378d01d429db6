/** Server-sent events of a response, also of one to POST, which `EventSource` cannot follow. */
import { Problem } from "./api.js";

/** @typedef {{ event: string, data: any, id: string }} ServerEvent */

/**
 * The events of a response, as they come.
 * @param {Response} response
 * @returns {AsyncGenerator<ServerEvent, void, void>}
 * @throws {Problem} `cut` if the connection was lost
 */
export async function* eventsOf(response) {
  const body = response.body;
  if (!body) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      let part;
      try {
        part = await reader.read();
      } catch {
        throw new Problem({ code: "cut" });
      }
      if (part.done) return;
      rest += part.value.replaceAll("\r\n", "\n");
      let end;
      while ((end = rest.indexOf("\n\n")) >= 0) {
        const event = parsed(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/**
 * @param {string} block
 * @returns {ServerEvent | null}
 */
function parsed(block) {
  let event = "message";
  let id = "";
  const data = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event = value;
    else if (name === "id") id = value;
    else if (name === "data") data.push(value);
  }
  return data.length ? { event, data: JSON.parse(data.join("\n")), id } : null;
}
