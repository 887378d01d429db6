"""The document of the page and its files over HTTP: what may be cached, what may be loaded, and how much it weighs."""

from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files

import pytest
from served import ServedApp

from qa_engine.server.problem_kinds import PROBLEMS
from qa_engine.server.web.assets import read_assets
from qa_engine.server.web.document import content_security_policy, web_page, web_scripts

BYTES = 150_000
"""Of what the first screen with the reader loads; and of all screens as they are sent."""


def test_document_names_files_that_are_there(server: ServedApp) -> None:
    page = server.client.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    addresses = set(re.findall(r'(?:src|href)="([^"]+)"', page.text))
    addresses |= set(json.loads(re.findall(r'"importmap">(.*?)<', page.text)[0])["imports"].values())
    assert len(addresses) > 8
    for address in addresses:
        response = server.client.get(address)
        assert response.status_code == 200, address
        assert "immutable" in response.headers["Cache-Control"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_policy_allows_this_server_alone(server: ServedApp) -> None:
    policy = server.client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert policy == content_security_policy(web_scripts(""))


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_file_is_the_one_of_the_package(server: ServedApp, encoding: str) -> None:
    address = f"{web_scripts('').root}/js/main.js"
    response = server.client.get(address, headers={"Accept-Encoding": encoding})
    assert response.content == read_assets().files["js/main.js"].content
    assert response.headers.get("Content-Encoding", "identity") == encoding
    assert response.headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["js/none.js", "..%2fdocument.py", "%2e%2e%2fdocument.py", "vendor/vendored.json", "js/", ""]
)
def test_only_files_of_the_page_are_given(server: ServedApp, path: str) -> None:
    response = server.client.get(f"{web_scripts('').root}/{path}")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_file_of_another_state_is_not_taken_for_this_one(server: ServedApp) -> None:
    assert server.client.get("/assets/0123456789abcdef/js/main.js").status_code == 404


def test_below_a_path_all_addresses_begin_with_it() -> None:
    text, _ = web_page("/docs/qa")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert all(address.startswith("/docs/qa/assets/") for address in addresses)


def test_page_is_light() -> None:
    assets = read_assets().files
    styles = {path for path in assets if path.startswith("css/")}
    libraries = {path for path in assets if path.startswith("vendor/")}
    modules = set(read_assets().with_imports("js/main.js", "js/ask/screen.js"))
    assert {"js/app.js", "js/reader/pane.js", "js/ui/problem_texts.js"} <= modules
    first = modules | styles | libraries
    assert sum(len(assets[path].content) for path in first) <= BYTES
    assert sum(len(asset.compressed) for asset in assets.values()) <= BYTES
    assert all(gzip.decompress(asset.compressed) == asset.content for asset in assets.values())


def test_every_problem_has_words_in_both_languages() -> None:
    texts = (files("qa_engine.server.web") / "static/js/ui/problem_texts.js").read_text(encoding="utf-8")
    chinese, english = texts.split("  en: {")
    for code in PROBLEMS:
        assert re.search(rf'    {code}: ".+"', chinese), code
        assert re.search(rf'    {code}: ".+"', english), code
