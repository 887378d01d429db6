/** Deletes files, after it has said what goes. */
import { html, useState } from "../html.js";
import { filesPath, request } from "../api.js";
import { useTexts } from "../language.js";
import { Dialog } from "../ui/dialog.js";
import { ProblemNotice } from "../ui/problem.js";
import { count, printable } from "../ui/format.js";
import { tellChange } from "./jobs.js";
import { texts } from "./texts.js";
import { noteJob } from "./uploads.js";

const NAMED = 8;

/** @param {{ collection: string, files: any[], onClose: (deleted?: boolean) => void }} properties */
export function DeleteDialog({ collection, files, onClose }) {
  const t = useTexts(texts);
  const [done, setDone] = useState(-1);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const nodes = files.reduce((sum, file) => sum + file.nodes, 0);
  return html`
    <${Dialog} title=${t("delete_files", { count: files.length })} onClose=${() => onClose()}>
      <ul>
        ${files.slice(0, NAMED).map((file) => html`<li><bdi>${printable(file.file)}</bdi></li>`)}
        ${files.length > NAMED && html`<li>${t("and_more", { count: files.length - NAMED })}</li>`}
      </ul>
      <p>${t("delete_files_note", { nodes: count(nodes) })}</p>
      ${done >= 0 && html`<progress max=${files.length} value=${done} aria-label=${t("step_deleting")} />`}
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
      <div class="row">
        <button class="danger" disabled=${done >= 0} onClick=${remove}>${t("delete")}</button>
        <button onClick=${() => onClose()}>${t("keep")}</button>
      </div>
    <//>
  `;

  async function remove() {
    try {
      for (const [index, file] of files.entries()) {
        setDone(index);
        const job = await request(filesPath(collection, file.file_id), { method: "DELETE" });
        if (!job.finished_at) noteJob(job); // it waits for the jobs before it
        tellChange();
      }
      onClose(true);
    } catch (error) {
      setProblem(error);
      setDone(-1);
    }
  }
}
