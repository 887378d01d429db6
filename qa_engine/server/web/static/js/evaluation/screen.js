/** Evaluation: test questions, feedback that may become such, and what runs have measured. */
import { html } from "../html.js";
import { useTexts } from "../language.js";
import { linkTo } from "../router.js";
import { may } from "../server.js";
import { Comparison } from "./comparison.js";
import { FeedbackList } from "./feedback.js";
import { QuestionList } from "./questions.js";
import { RunView } from "./run.js";
import { RunList } from "./runs.js";
import { texts } from "./texts.js";

const PARTS = ["runs", "questions", "feedback"];

/** @param {{ route: import("../router.js").Route }} properties */
export default function Screen({ route }) {
  const t = useTexts(texts);
  const [part = "runs", first, second] = route.parts;
  if (!may("admin")) return html`<h1>${t("title")}</h1><p class="notice">${t("admin_only")}</p>`;
  if (part === "runs" && first) return html`<${RunView} key=${first} name=${first} />`;
  if (part === "compare" && first && second)
    return html`<${Comparison} key=${`${first}/${second}`} before=${first} after=${second} />`;
  const shown = { questions: QuestionList, feedback: FeedbackList }[part] ?? RunList;
  return html`
    <h1>${t("title")}</h1>
    <nav class="row evaluation-parts" aria-label=${t("title")}>
      ${PARTS.map(
        (one) =>
          html`<a class="button" href=${linkTo("evaluation", [one])} aria-current=${one === part ? "page" : undefined}>
            ${t(one)}
          </a>`,
      )}
    </nav>
    <${shown} />
  `;
}
