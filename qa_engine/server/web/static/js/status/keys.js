/** The keys: made here, shown once, and removed. */
import { html, useState } from "../html.js";
import { Problem, request } from "../api.js";
import { moment } from "../ui/format.js";
import { useTexts } from "../language.js";
import { collections, loadServer, server } from "../server.js";
import { announce } from "../ui/announcer.js";
import { Dialog } from "../ui/dialog.js";
import { CopyButton, useLoaded } from "../ui/loaded.js";
import { ProblemNotice } from "../ui/problem.js";
import { texts } from "./texts.js";

const PATH = "api/v1/keys";

/** @typedef {{ name: string, scope: string, collections: string[] | null, created_at: string, used_at: string | null, own: boolean }} Key */

export function Keys() {
  const t = useTexts(texts);
  const isOpen = !server.use()?.features.auth;
  const { data, problem, reload } = useLoaded((signal) => request(PATH, { signal }));
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState(/** @type {Key | null} */ (null));
  if (problem instanceof Problem && problem.code === "forbidden") return null; // a key that is limited to collections
  const keys = /** @type {Key[]} */ (data?.data ?? []);
  return html`
    <section class="status-part">
      <h2>${t("keys")}</h2>
      <p>${t(isOpen ? "keys_open" : "keys_help")}</p>
      <p><button onClick=${() => setAdding(true)}>${t(isOpen ? "add_first" : "add_key")}</button></p>
      ${problem && html`<${ProblemNotice} problem=${problem} onRetry=${reload} />`}
      <ul class="status-list">
        ${keys.map(
          (key) => html`<li key=${key.name} class="row">
            <strong><bdi>${key.name}</bdi></strong>
            <span class="badge">${t(`scope_${key.scope}`)}</span>
            ${key.own && html`<span class="badge good">${t("own_key")}</span>`}
            <span>${key.collections ? key.collections.map((name) => html`<bdi class="badge">${name}</bdi> `) : t("all_collections")}</span>
            <span class="faint">${t("made", { when: moment(key.created_at) })} · ${key.used_at ? t("used", { when: moment(key.used_at) }) : t("never_used")}</span>
            <button class="quiet danger" aria-label=${t("remove_named", { name: key.name })} onClick=${() => setLeaving(key)}>${t("remove")}</button>
          </li>`,
        )}
      </ul>
      ${adding && html`<${AddDialog} first=${isOpen} onClose=${added} />`}
      ${leaving && html`<${RemoveDialog} of=${leaving} onClose=${removed} />`}
    </section>
  `;

  async function added() {
    setAdding(false);
    reload();
    await loadServer().catch(() => {}); // the server may be closed now
  }

  function removed() {
    setLeaving(null);
    reload();
  }
}

/** @param {{ first: boolean, onClose: () => void }} properties */
function AddDialog({ first, onClose }) {
  const t = useTexts(texts);
  const [name, setName] = useState(first ? "admin" : "");
  const [scope, setScope] = useState(first ? "admin" : "read");
  const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
  const [made, setMade] = useState(/** @type {{ secret: string } | null} */ (null));
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  if (made)
    return html`<${Dialog} title=${t("key_made")} onClose=${onClose}>
      <p>${t("secret_once")}</p>
      <p class="row status-secret"><code>${made.secret}</code><${CopyButton} text=${made.secret} /></p>
      ${first && html`<p class="notice good">${t("closed_now")}</p>`}
      <p><button class="primary" onClick=${onClose}>${t("done")}</button></p>
    <//>`;
  return html`<${Dialog} title=${t(first ? "add_first" : "add_key")} onClose=${onClose}>
    <form class="status-form" onSubmit=${add}>
      ${first && html`<p class="notice warn">${t("first_closes")}</p>`}
      <label>${t("name")}<input required maxlength="64" value=${name} onInput=${(/** @type {any} */ event) => setName(event.target.value)} /></label>
      ${!first &&
      html`
        <label>${t("scope")}
          <select value=${scope} onChange=${(/** @type {any} */ event) => setScope(event.target.value)}>
            ${["read", "write", "admin"].map((one) => html`<option value=${one}>${t(`scope_${one}`)}</option>`)}
          </select>
        </label>
        <fieldset>
          <legend>${t("limit_to")}</legend>
          <p class="faint">${t("limit_none")}</p>
          ${collections.get()?.map(
            ({ collection }) => html`<label class="row">
              <input type="checkbox" checked=${chosen.includes(collection)} onChange=${() => toggle(collection)} /><bdi>${collection}</bdi>
            </label>`,
          )}
        </fieldset>
      `}
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
      <p class="row"><button class="primary">${t("make")}</button><button type="button" onClick=${onClose}>${t("cancel")}</button></p>
    </form>
  <//>`;

  /** @param {string} collection */
  function toggle(collection) {
    setChosen(chosen.includes(collection) ? chosen.filter((one) => one !== collection) : [...chosen, collection]);
  }

  /** @param {Event} event */
  async function add(event) {
    event.preventDefault();
    try {
      setMade(await request(PATH, { method: "POST", body: { name, scope, collections: chosen } }));
      announce(t("key_made"));
    } catch (failure) {
      setProblem(failure);
    }
  }
}

/** @param {{ of: Key, onClose: () => void }} properties */
function RemoveDialog({ of: key, onClose }) {
  const t = useTexts(texts);
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  return html`<${Dialog} title=${t("remove_title")} onClose=${onClose}>
    <p><strong><bdi>${key.name}</bdi></strong></p>
    <p class=${key.own ? "notice warn" : undefined}>${t(key.own ? "remove_own" : "remove_help")}</p>
    ${problem && html`<${ProblemNotice} problem=${problem} />`}
    <p class="row"><button class="danger" onClick=${remove}>${t("remove")}</button><button onClick=${onClose}>${t("cancel")}</button></p>
  <//>`;

  async function remove() {
    try {
      await request(`${PATH}/${encodeURIComponent(key.name)}`, { method: "DELETE", query: key.own ? { confirm: true } : {} });
      announce(t("removed"));
      onClose();
    } catch (failure) {
      setProblem(failure);
    }
  }
}
