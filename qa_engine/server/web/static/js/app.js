/** The frame of the page: its head, the screen, and the reader beside it. */
import { html, useEffect, useState } from "./html.js";
import { Problem, address, placeBefore, request } from "./api.js";
import { language, setLanguage, useTexts } from "./language.js";
import { ReaderPane } from "./reader/pane.js";
import { target } from "./reader/target.js";
import { goTo, linkTo, route } from "./router.js";
import { loadCollections, loadServer, may, server } from "./server.js";
import { useShortcuts } from "./shortcuts.js";
import { texts } from "./texts.js";
import { setTheme, theme } from "./theme.js";
import { Announcer } from "./ui/announcer.js";
import { ShortcutList } from "./ui/shortcut_list.js";
import { ProblemNotice } from "./ui/problem.js";

/**
 * Screens are loaded when they are first shown.
 * @type {{ name: string, load: () => Promise<any>, scope?: string }[]}
 */
const SCREENS = [
  { name: "ask", load: () => import("./ask/screen.js") },
  { name: "search", load: () => import("./search/screen.js") },
  { name: "documents", load: () => import("./documents/screen.js") },
  { name: "evaluation", load: () => import("./evaluation/screen.js"), scope: "admin" },
  { name: "status", load: () => import("./status/screen.js") },
];

export function App() {
  const t = useTexts(texts);
  const here = route.use();
  const known = server.use();
  const read = target.use();
  const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
  const [help, setHelp] = useState(false);
  useEffect(() => {
    Promise.all([loadServer(), loadCollections()]).then(() => {
      const before = placeBefore();
      if (before && !location.hash) goTo(before, { replace: true });
    }, setProblem);
  }, []);
  useShortcuts({ "?": () => setHelp(true) });
  const screen = SCREENS.find((one) => one.name === here.screen) ?? SCREENS[0];
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
    <${Head} current=${screen.name} onHelp=${() => setHelp(true)} />
    <div class=${read ? "frame reading" : "frame"}>
      <main id="main" tabindex="-1">
        ${problem && html`<${ProblemNotice} problem=${problem} />`}
        ${known && html`<${Screen} key=${screen.name} screen=${screen} route=${here} />`}
      </main>
      ${read && html`<${ReaderPane} target=${read} />`}
    </div>
    ${known && html`<${Foot} known=${known} />`}
    <${Announcer} />
    ${help && html`<${ShortcutList} onClose=${() => setHelp(false)} />`}
  `;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault(); // the hash is the place of the page
  document.getElementById("main")?.focus();
}

/** @param {{ current: string, onHelp: () => void }} properties */
function Head({ current, onHelp }) {
  const t = useTexts(texts);
  const known = server.use();
  const chosen = theme.use();
  const other = language.use() === "zh" ? "en" : "zh";
  const next = /** @type {const} */ ({ auto: "light", light: "dark", dark: "auto" })[chosen];
  return html`
    <header class="head">
      <a class="brand" href=${linkTo("ask")}><span class="mark" aria-hidden="true"></span>qa_engine</a>
      <nav aria-label=${t("screens")}>
        ${SCREENS.filter((one) => !one.scope || !known || may(one.scope)).map(
          (one) =>
            html`<a href=${linkTo(one.name)} aria-current=${one.name === current ? "page" : undefined}>${t(one.name)}</a>`,
        )}
      </nav>
      <div class="tools">
        <button class="quiet" lang=${other === "zh" ? "zh-CN" : "en"} onClick=${() => setLanguage(other)}>
          ${other === "zh" ? "中文" : "English"}
        </button>
        <button class="quiet" onClick=${() => setTheme(next)}>${t(`theme_${chosen}`)}</button>
        <button class="quiet" aria-label=${t("shortcuts")} title=${t("shortcuts")} onClick=${onHelp}>?</button>
        ${known?.features.auth && html`<button class="quiet" onClick=${leave}>${t("leave")}</button>`}
      </div>
    </header>
  `;
}

/** The licence of PyMuPDF asks that whoever uses the server is offered its source code. */
function Foot(/** @type {{ known: import("./server.js").Server }} */ { known }) {
  const t = useTexts(texts);
  return html`
    <footer class="foot">
      <span>qa_engine ${known.version}</span>
      <a href=${known.source_url} rel="noreferrer">${t("source_code")}</a>
      <a href=${address("api/docs")}>API</a>
    </footer>
  `;
}

async function leave() {
  await request("api/v1/session", { method: "DELETE" });
  location.reload();
}

/** @param {{ screen: { name: string, load: () => Promise<any> }, route: import("./router.js").Route }} properties */
function Screen({ screen, route: here }) {
  const t = useTexts(texts);
  const [shown, setShown] = useState(/** @type {any} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    screen.load().then(
      (module) => setShown(() => module.default),
      () => setFailed(true),
    );
  }, [screen]);
  useEffect(() => {
    document.title = `${t(screen.name)} · qa_engine`;
  });
  if (failed) return html`<p class="notice bad" role="alert">${t("not_loaded")}</p>`;
  if (!shown) return null;
  return html`<${shown} route=${here} />`;
}
