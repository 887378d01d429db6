/** Starts the page: in the document of the page itself, or in that of a citation. */
import { html, render } from "./html.js";
import { App } from "./app.js";
import { applyLanguage } from "./language.js";
import { applyTheme } from "./theme.js";

applyLanguage();
applyTheme();
const root = document.getElementById("app");
if (root) render(html`<${App} />`, root);
