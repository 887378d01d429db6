/** The page of a citation: once all of it is there, the reader takes the place of what the server has written. */
import { html, render } from "./html.js";
import { applyLanguage, language } from "./language.js";
import { viewOf } from "./reader/loading.js";
import { ReaderPane } from "./reader/pane.js";
import { remembered } from "./store.js";
import { applyTheme } from "./theme.js";
import { Announcer } from "./ui/announcer.js";

const citation = decodeURIComponent(location.pathname.split("/").pop() ?? "");
const page = Number(new URLSearchParams(location.search).get("page")) || undefined;

async function takeOver() {
  await Promise.all([viewOf({ citation }), style("base"), style("reader")]);
  if (!remembered("language")) language.set(document.documentElement.lang === "en" ? "en" : "zh");
  applyLanguage();
  applyTheme();
  document.querySelector("style")?.remove();
  document.body.replaceChildren();
  render(html`<${ReaderPane} target=${{ citation }} alone start=${page} /><${Announcer} />`, document.body);
}

/** Loads a style sheet of the page. @param {string} name */
function style(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(`../css/${name}.css`, import.meta.url).href;
  // Until all are there, they change nothing of what the server has written.
  link.media = "not all";
  return new Promise((loaded, failed) => {
    link.onload = () => loaded(void (link.media = "all"));
    link.onerror = failed;
    document.head.append(link);
  });
}

// What the server has written stays, and is complete, if anything is missing.
takeOver().catch(() => {});
