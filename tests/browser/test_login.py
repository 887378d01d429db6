"""A server that needs a key: the form, the way back to the place, and what a key does not allow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from axe_reader import axe_faults
from served import ServedApp, served
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


class ClosedServer(NamedTuple):
    """A server, and a key of it that may read alone."""

    server: ServedApp
    key: str


@pytest.fixture(scope="module")
def closed(
    example_storage: Path, tmp_path_factory: pytest.TempPathFactory, model_cache: Path
) -> Iterator[ClosedServer]:
    storage = tmp_path_factory.mktemp("closed") / "storage"
    shutil.copytree(example_storage, storage)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(storage, "demo") as server:
            yield ClosedServer(server, server.app.state.server.authenticator.keys.add("reader", "read"))


@pytest.fixture
def stranger(browser: Browser, closed: ClosedServer) -> Iterator[Visitor]:
    """A visitor without a key."""
    context = browser.new_context()
    one = Visitor(context, closed.server.url)
    one.watch.expected.append("401 (Unauthorized)")  # Chromium says so of the form and of each request
    yield one
    context.close()
    one.watch.check()


def test_key_opens_the_page_with_what_it_allows(stranger: Visitor, closed: ClosedServer) -> None:
    page = stranger.open()
    assert axe_faults(page) == []
    page.get_by_label("密钥").fill("qae_wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    page.get_by_label("密钥").fill(closed.key)
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="功能").wait_for()
    assert page.get_by_role("link", name="评测").count() == 0
    page.get_by_role("link", name="文档").click()
    page.get_by_role("link", name="员工手册.pdf").wait_for()
    assert page.locator('input[type="file"]').count() == 0
    page.get_by_role("button", name="退出").click()
    page.get_by_label("密钥").wait_for()


def test_session_that_ends_leads_back_to_the_place(stranger: Visitor, closed: ClosedServer) -> None:
    page = stranger.open()
    page.get_by_label("密钥").fill(closed.key)
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="功能").wait_for()
    stranger.context.clear_cookies()
    page.evaluate("location.hash = '#/search?q=年假'")
    page.get_by_label("密钥").wait_for()
    page.get_by_label("密钥").fill(closed.key)
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash.startsWith('#/search')")
    page.get_by_role("heading", name="检索测试").wait_for()
