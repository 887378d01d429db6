/** The runs: what they measured, and to start one. */
import { html, useEffect, useRef, useState } from "../html.js";
import { address, request } from "../api.js";
import { moment } from "../ui/format.js";
import { useTexts } from "../language.js";
import { goTo, linkTo } from "../router.js";
import { announce } from "../ui/announcer.js";
import { useLoaded } from "../ui/loaded.js";
import { ProblemNotice } from "../ui/problem.js";
import { Measures } from "./measures.js";
import { usePages } from "./pages.js";
import { texts } from "./texts.js";

const PATH = "api/v1/evaluation/runs";
/** Milliseconds between two looks at a run that is going on. */
export const PAUSE = 1500;

export function RunList() {
  const t = useTexts(texts);
  const { items, problem, more, reload, loading } = usePages(PATH);
  const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
  const [failure, setFailure] = useState(/** @type {unknown} */ (null));
  const running = items.some((one) => one.state === "running");
  const ran = useRef(false);
  useEffect(() => {
    if (ran.current && !running) announce(t("run_over"));
    ran.current = running;
    if (!running) return;
    const timer = setTimeout(reload, PAUSE);
    return () => clearTimeout(timer);
  }, [items]);
  return html`
    <section>
      <h2>${t("runs")}</h2>
      <p>${t("runs_help")}</p>
      <${Start} running=${running} onStarted=${reload} />
      ${(problem || failure) && html`<${ProblemNotice} problem=${problem || failure} onRetry=${reload} />`}
      ${!loading && !problem && !items.length && html`<p class="notice">${t("no_runs")}</p>`}
      ${items.length > 1 &&
      html`<p class="row">
        <button disabled=${chosen.length !== 2} onClick=${compare}>${t("compare")}</button>
        <span class="faint">${t("compare_help")}</span>
      </p>`}
      <ul class="evaluation-list">
        ${items.map(
          (run) => html`<li key=${run.name} class="card">
            <h3 class="row">
              <a href=${linkTo("evaluation", ["runs", run.name])}><bdi>${run.name}</bdi></a>
              <${RunState} run=${run} />
            </h3>
            <${RunFacts} run=${run} />
            ${run.state === "running" &&
            html`<p class="row">
              <progress class="evaluation-progress" max=${run.questions} value=${run.done ?? 0} aria-label=${t("progress")}></progress>
              <span>${t("asked", { done: run.done ?? 0, of: run.questions })}</span>
              <button onClick=${() => cancel(run.name)}>${t("cancel")}</button>
            </p>`}
            ${run.fault && html`<p lang="en">${run.fault}</p>`}
            <${Measures} measures=${run.measures} />
            <p class="row">
              ${run.has_report && html`<${ReportLink} name=${run.name} />`}
              ${run.state === "finished" &&
              items.length > 1 &&
              html`<label class="row evaluation-choice">
                <input type="checkbox" checked=${chosen.includes(run.name)} onChange=${() => choose(run.name)} />
                ${t("choose")}<span class="visually-hidden"> ${run.name}</span>
              </label>`}
            </p>
          </li>`,
        )}
      </ul>
      ${more && html`<button onClick=${more}>${t("more")}</button>`}
    </section>
  `;

  /** Of three chosen ones, the first is let go. @param {string} name */
  function choose(name) {
    setChosen(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name].slice(-2));
  }

  function compare() {
    const order = items.map((run) => run.name).reverse(); // the older one first
    const [before, after] = [...chosen].sort((a, b) => order.indexOf(a) - order.indexOf(b));
    goTo(linkTo("evaluation", ["compare", before, after]));
  }

  /** @param {string} name */
  async function cancel(name) {
    try {
      await request(`${PATH}/${encodeURIComponent(name)}`, { method: "DELETE" });
      setFailure(null);
    } catch (problem) {
      setFailure(problem);
    }
    reload();
  }
}

/** @param {{ running: boolean, onStarted: () => void }} properties */
function Start({ running, onStarted }) {
  const t = useTexts(texts);
  const { data } = useLoaded((signal) => request("api/v1/evaluation/questions", { query: { limit: 1 }, signal }));
  const [chosen, setChosen] = useState(0);
  const [answers, setAnswers] = useState(false);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [starting, setStarting] = useState(false);
  if (!data) return null;
  if (!data.sets.length)
    return html`<p class="notice">${t("no_sets")} <a href=${linkTo("evaluation", ["questions"])}>${t("questions")}</a></p>`;
  return html`
    <form class="card evaluation-start" onSubmit=${start}>
      <h3>${t("start_title")}</h3>
      <div class="row">
        <label>${t("which")}
          <select value=${chosen} onChange=${(/** @type {any} */ event) => setChosen(Number(event.target.value))}>
            ${data.sets.map(
              (/** @type {any} */ one, /** @type {number} */ at) =>
                html`<option key=${at} value=${at}>${t("set", { collections: one.collections.join(t("comma")), count: one.questions })}</option>`,
            )}
          </select>
        </label>
        <label>${t("what")}
          <select value=${answers ? "1" : ""} onChange=${(/** @type {any} */ event) => setAnswers(!!event.target.value)}>
            <option value="">${t("retrieval_only")}</option>
            <option value="1">${t("with_answers")}</option>
          </select>
        </label>
        <button class="primary" disabled=${running || starting}>${t("start")}</button>
      </div>
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
    </form>
  `;

  /** @param {Event} event */
  async function start(event) {
    event.preventDefault();
    setStarting(true);
    try {
      const { collections } = data.sets[chosen];
      await request(PATH, { method: "POST", body: { collections, retrieval_only: !answers } });
      setProblem(null);
      announce(t("started"));
      onStarted();
    } catch (failure) {
      setProblem(failure);
    }
    setStarting(false);
  }
}

/** @param {{ run: any }} properties */
export function RunState({ run }) {
  const t = useTexts(texts);
  const kinds = /** @type {Record<string, string>} */ ({ finished: "good", failed: "bad", running: "warn" });
  return html`<span class=${`badge ${kinds[run.state] ?? ""}`}>${t(`state_${run.state}`)}</span>`;
}

/** @param {{ run: any }} properties */
export function RunFacts({ run }) {
  const t = useTexts(texts);
  return html`<p class="faint">
    ${moment(run.created_at)} · ${t("of_questions", { count: run.questions })} ·${" "}
    ${t(run.retrieval_only ? "retrieval_only" : "with_answers")} ·${" "}
    <bdi>${run.collections.join(t("comma"))}</bdi>
    ${run.failed > 0 && html` · <strong>${t("failed_questions", { count: run.failed })}</strong>`}
  </p>`;
}

/** The report is a page of its own, which may do nothing to this one. @param {{ name: string }} properties */
export function ReportLink({ name }) {
  const t = useTexts(texts);
  const path = `${PATH}/${encodeURIComponent(name)}/report`;
  return html`<a class="button" href=${address(path)} target="_blank" rel="noopener">${t("report")}</a>`;
}
