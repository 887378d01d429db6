/** A problem of the server, in the language of the page: what happened, and what mends it. */
import { html } from "../html.js";
import { Problem } from "../api.js";
import { useTexts } from "../language.js";
import { texts as frame } from "../texts.js";
import { problems } from "./problem_texts.js";

/**
 * @param {{ problem: unknown, onRetry?: () => void }} properties
 */
export function ProblemNotice({ problem, onRetry }) {
  const t = useTexts(frame);
  const said = useTexts(problems);
  const known = problem instanceof Problem ? problem : new Problem({ code: "unexpected", detail: String(problem) });
  const { detail, fix, request_id } = known.body;
  const title = said(known.code);
  return html`
    <div class="notice bad" role="alert">
      <p><strong>${title === known.code ? said("unexpected") : title}</strong></p>
      ${detail && html`<p lang="en">${detail} ${fix}</p>`}
      ${request_id && html`<p class="faint">${t("request_id", { id: request_id })}</p>`}
      ${onRetry && html`<button onClick=${onRetry}>${t("try_again")}</button>`}
    </div>
  `;
}
