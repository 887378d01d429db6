/** TODO */
import { html } from "../html.js";
import { useTexts } from "../language.js";
import { texts } from "./texts.js";

/** @param {{ route: import("../router.js").Route }} properties */
export default function Screen({ route }) {
  const t = useTexts(texts);
  return html`<h1>${t("title")}</h1>`;
}
