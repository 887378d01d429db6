/** Status: whether all works, what is being done, and what the server is and allows. */
import { html } from "../html.js";
import { useTexts } from "../language.js";
import { may } from "../server.js";
import { Doctor } from "./doctor.js";
import { Facts } from "./facts.js";
import { JobList } from "./jobs.js";
import { Keys } from "./keys.js";
import { Settings } from "./settings.js";
import { texts } from "./texts.js";

export default function Screen() {
  const t = useTexts(texts);
  const admin = may("admin");
  return html`
    <h1>${t("title")}</h1>
    ${admin && html`<${Doctor} />`}
    <${JobList} />
    ${admin && html`<${Keys} />`}
    <${Facts} />
    ${admin && html`<${Settings} />`}
  `;
}
