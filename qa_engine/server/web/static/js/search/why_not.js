/** The form that asks why a page is not found. */
import { html, useEffect, useState } from "../html.js";
import { filesPath, request } from "../api.js";
import { useTexts } from "../language.js";
import { server } from "../server.js";
import { announce } from "../ui/announcer.js";
import { ProblemNotice } from "../ui/problem.js";
import { bodyOf } from "./address.js";
import { texts } from "./texts.js";
import { Verdict, headline } from "./verdict.js";

/** @typedef {{ name: string, collection: string, file_id: string, pages: number }} File `name` is what the reader types */

const SUGGESTIONS = 10;
const PAUSE = 150;

/**
 * @param {{ search: import("./address.js").Search, onCount: (count: number) => void, onSave?: (question: string, expected: any) => void }} properties
 */
export function WhyNot({ search, onCount, onSave }) {
  const t = useTexts(texts);
  const [typed, setTyped] = useState("");
  const [page, setPage] = useState("");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const [answer, setAnswer] = useState(/** @type {{ file: File, found: { question: string, trace: any }[] } | null} */ (null));
  const named = search.collections.length ? search.collections : (server.get()?.collections ?? []);
  const files = useFiles(typed, named);
  const questions = [search.question, search.other?.trim() ?? ""].filter(Boolean);
  const asked = JSON.stringify(search);
  useEffect(() => setAnswer(null), [asked]);
  return html`
    <section class="card search-why" aria-labelledby="why-heading">
      <h2 id="why-heading">${t("why")}</h2>
      <p class="faint">${t("why_about")}</p>
      <form class="search-page" onSubmit=${ask}>
        <div>
          <label for="why-file">${t("file")}</label>
          <input id="why-file" list="why-files" value=${typed} autocomplete="off" aria-describedby=${fault ? "why-fault" : undefined}
            onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} />
          <datalist id="why-files">${files.map((file) => html`<option value=${file.name}></option>`)}</datalist>
        </div>
        <div>
          <label for="why-page">${t("page_number")}</label>
          <input id="why-page" type="number" min="1" required value=${page} onInput=${(/** @type {any} */ event) => setPage(event.target.value)} />
        </div>
        <button class="primary" disabled=${busy}>${t("find_reason")}</button>
      </form>
      ${fault && html`<p id="why-fault" role="alert" class="search-fault">${fault}</p>`}
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
      ${answer?.found.map(
        ({ question, trace }) => html`
          ${questions.length > 1 && html`<h3><bdi>${question}</bdi></h3>`}
          <${Verdict} file=${answer.file} trace=${trace} onCount=${onCount} onSave=${onSave && ((/** @type {any} */ expected) => onSave(question, expected))} />
        `,
      )}
    </section>
  `;

  /** @param {Event} event */
  async function ask(event) {
    event.preventDefault();
    setFault("");
    setProblem(null);
    setAnswer(null);
    setBusy(true);
    try {
      const file = files.find((one) => one.name === typed) ?? (await suggested(typed, named)).find((one) => one.name === typed);
      if (!file) return setFault(t("no_file"));
      const place = { collection: file.collection, file_id: file.file_id, page: Number(page) };
      const found = await Promise.all(
        questions.map(async (question) => ({
          question,
          trace: await request("api/v1/search/page", { method: "POST", body: { ...bodyOf(search, question), ...place } }),
        })),
      );
      setAnswer({ file, found });
      announce(found.map(({ trace }) => headline(t, trace)).join(" "));
    } catch (failure) {
      setProblem(failure);
    } finally {
      setBusy(false);
    }
  }
}

/**
 * Files whose names hold what is typed.
 * @param {string} typed
 * @param {string[]} collections
 */
function useFiles(typed, collections) {
  const [files, setFiles] = useState(/** @type {File[]} */ ([]));
  useEffect(() => {
    const leaving = new AbortController();
    const waiting = setTimeout(() => {
      // Without suggestions, a name can be typed; what is wrong shows when it is asked for.
      suggested(typed, collections, leaving.signal).then(setFiles, () => {});
    }, PAUSE);
    return () => {
      clearTimeout(waiting);
      leaving.abort();
    };
  }, [typed, collections.join("\n")]);
  return files;
}

/**
 * @param {string} typed
 * @param {string[]} collections
 * @param {AbortSignal} [signal]
 * @returns {Promise<File[]>}
 */
async function suggested(typed, collections, signal) {
  const name = typed.replace(/( \([^()]*\))?( #[0-9a-f]{6})?$/, "");
  const lists = await Promise.all(
    collections.map(async (collection) => {
      const { data } = await request(filesPath(collection), { query: { q: name, limit: SUGGESTIONS }, signal });
      return data.map((/** @type {any} */ file) => ({ ...file, collection }));
    }),
  );
  /** @type {any[]} */
  const all = lists.flat();
  const label = (/** @type {any} */ file) => (collections.length > 1 ? `${file.file} (${file.collection})` : file.file);
  const labels = all.map(label);
  // Files of several folders may have the same name.
  return all.map((file, place) => {
    const alone = labels.indexOf(labels[place]) === labels.lastIndexOf(labels[place]);
    return { ...file, name: alone ? labels[place] : `${labels[place]} #${file.file_id.slice(0, 6)}` };
  });
}
