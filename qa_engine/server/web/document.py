"""The document of the web page, and what it may load."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from qa_engine.server.web.assets import read_assets

_IMPORTS = {
    "preact": "vendor/preact.mjs",
    "preact/hooks": "vendor/preact-hooks.mjs",
    "htm": "vendor/htm.mjs",
}
"""What modules import by name, as the libraries themselves do."""
_FIRST = ("js/main.js", "js/ask/screen.js")
"""Modules that every visit begins with; what these import is loaded side by side with them."""


@dataclass(frozen=True)
class WebScripts:
    """What a document needs to start the page's scripts.

    Attributes:
        root: address of the assets, below the root of the server.
        styles: addresses of the style sheets.
        import_map: the text of the import map.
        modules: addresses of the modules to fetch at once.
        main: address of the module that starts all.
    """

    root: str
    styles: list[str]
    import_map: str
    modules: list[str]
    main: str


def web_scripts(root_path: str, *first: str) -> WebScripts:
    """What a document needs to start the page's scripts.

    Args:
        root_path: the path below which clients reach the server, without a slash at its end.
        *first: modules that a visit begins with, the one that starts all before the others; without any, those of the page.
    """
    first = first or _FIRST
    assets = read_assets()
    root = f"{root_path}/assets/{assets.digest}"
    imports = {name: f"{root}/{path}" for name, path in _IMPORTS.items()}
    return WebScripts(
        root=root,
        styles=[f"{root}/{path}" for path in assets.files if path.startswith("css/")],
        import_map=json.dumps({"imports": imports}),
        modules=[f"{root}/{path}" for path in (*_IMPORTS.values(), *assets.with_imports(*first))],
        main=f"{root}/{first[0]}",
    )


def web_page(root_path: str) -> tuple[str, str]:
    """The document of the page, and its content security policy.

    Args:
        root_path: see `web_scripts`.
    """
    scripts = web_scripts(root_path)
    text = _environment().get_template("index.html").render(scripts=scripts)
    return text, content_security_policy(scripts)


def content_security_policy(scripts: WebScripts, style: str = "") -> str:
    """What a document with the page's scripts may load: what this server has, and nothing else.

    No text can become a script: documents and answers are hostile input.

    Args:
        scripts: of the document.
        style: a style sheet within the document.
    """
    styles = f"'self' {_hash(style)}" if style else "'self'"
    return (
        f"default-src 'none'; script-src 'self' {_hash(scripts.import_map)}; style-src {styles}; "
        "img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader(__package__ or ""), autoescape=True, undefined=StrictUndefined)
