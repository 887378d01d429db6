/** Control characters of outside texts made visible, as the server does it: none of them turns a line round or hides text. */

// C0 without tab and line feed, DEL and C1; line and paragraph separators; bidirectional marks and overrides; tags; lone surrogates.
const CONTROLS =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\u{e0000}-\u{e007f}\p{Surrogate}]/gu;

/**
 * A text with escapes such as `\u202e` for its control characters.
 * @param {string} text
 */
export function visible(text) {
  return text.replaceAll("\r\n", "\n").replace(CONTROLS, (one) => {
    const code = /** @type {number} */ (one.codePointAt(0)).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}
