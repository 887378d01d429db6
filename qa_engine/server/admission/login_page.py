"""The page on which a reader enters a key: a form, without a script."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from starlette.responses import HTMLResponse
from starlette.types import Scope

_TEMPLATES = Path(__file__).parents[1] / "templates"
_LOCAL = re.compile(r"/(?![/\\])[!-~]*")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    # Without an origin the form would be taken for one of another web page: no-referrer sends none.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_local(target: str) -> bool:
    """Whether a target is an absolute path of this server, so that nobody is sent to another one.

    Example:
        >>> is_local("/c/1?x=y"), is_local("//example.com"), is_local("/\\\\example.com"), is_local("https://example.com")
        (True, False, False, False)
    """
    return _LOCAL.fullmatch(target) is not None and "\\" not in target


def login_page(scope: Scope, target: str, status: int = 200, fault: str = "") -> HTMLResponse:
    """The page.

    Args:
        scope: of the request.
        target: path to which the reader returns.
        status: of the response.
        fault: what was wrong with the key that was entered before.
    """
    text = _template().render(
        action=f"{scope.get('root_path', '')}/login", target=target if is_local(target) else "/", fault=fault
    )
    headers = _HEADERS | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    return HTMLResponse(text, status, headers)


@cache
def _template() -> Template:
    loader = FileSystemLoader(_TEMPLATES)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("login.html")
