"""The documents in a browser: collections, the list of files, their metadata, their deletion, and what is known of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from axe_reader import axe_faults
from pdf_factory import LEFT, PdfBuilder, english_pdf
from served import ServedApp, served
from upload_server import UploadServer
from visitor import Visitor

from qa_engine.config import Config
from qa_engine.ingestion.collections import create_collection
from qa_engine.server.admission.keys import KeyStore
from qa_engine.server.database import ServerDatabase
from qa_engine.server.state import database_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
NAMES = ("alpha.pdf", "年报 2024.pdf", "年报 2023.pdf")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[UploadServer]:
    """A server with three files in the collection ``default``; tests that delete bring others."""
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(folder / "storage", "default") as app:
            one = UploadServer(app, folder / "storage")
            for number, name in enumerate(NAMES):
                bring(one, folder, name, *(["Some text stands here."] * (number + 1)))
            yield one


def bring(
    library: UploadServer, folder: Path, name: str, *pages: str, collection: str = "default"
) -> dict[str, str]:
    """Uploads a PDF, waits until it is read, and returns its line in the list."""
    builder = PdfBuilder()
    for number, text in enumerate(pages or ("A text of its own.",)):
        builder.page().put(f"{text} It is page {number + 1} of {len(name)} {len(pages)}.", LEFT, 100)
    content = builder.save(folder / "made.pdf").read_bytes()
    library.client.put(f"{library.files(collection)}/{quote(name)}", content=content).raise_for_status()
    library.finish_jobs()
    files = library.client.get(library.files(collection), params={"q": name}).json()["data"]
    return next(file for file in files if file["file"] == name)


@contextmanager
def visiting(browser: Browser, server: ServedApp, width: int = 1280) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": width, "height": 844}, locale="zh-CN")
    one = Visitor(context, server.url)
    yield one
    context.close()
    one.watch.check()


@pytest.fixture
def reader(browser: Browser, library: UploadServer) -> Iterator[Visitor]:
    with visiting(browser, library.app) as one:
        yield one


def names(page: Page) -> list[str]:
    return page.locator("tbody th a").all_inner_texts()


def wait_for_names(page: Page, *expected: str) -> None:
    page.wait_for_function(
        "names => JSON.stringify([...document.querySelectorAll('tbody th a')].map(a => a.innerText)) === names",
        arg="[" + ",".join(f'"{name}"' for name in expected) + "]",
    )


def test_list_is_sorted_and_searched_in_the_address(reader: Visitor) -> None:
    page = reader.open("/#/documents/default")
    page.get_by_role("link", name="alpha.pdf").wait_for()
    page.get_by_label("排序").select_option("-pages")
    wait_for_names(page, "年报 2023.pdf", "年报 2024.pdf", "alpha.pdf")
    page.get_by_role("searchbox").fill("年报")
    wait_for_names(page, "年报 2023.pdf", "年报 2024.pdf")
    page.reload()
    wait_for_names(page, "年报 2023.pdf", "年报 2024.pdf")
    page.get_by_role("searchbox").fill("没有")
    page.get_by_text("没有文件名符合的文件").wait_for()


def test_list_goes_on(reader: Visitor) -> None:
    """The server gives two files at a time here."""
    page = reader.context.new_page()

    def fewer(route: object) -> None:
        route.continue_(url=route.request.url.replace("limit=50", "limit=2"))  # type: ignore[attr-defined]

    page.route("**/files?*", fewer)
    page.goto(f"{reader.url}/#/documents/default")
    page.get_by_role("button", name="显示更多").click()
    page.get_by_role("button", name="显示更多").wait_for(state="detached")
    wait_for_names(page, "alpha.pdf", "年报 2023.pdf", "年报 2024.pdf")


def test_metadata_is_changed(reader: Visitor, library: UploadServer, tmp_path: Path) -> None:
    file = bring(library, tmp_path, "facts.pdf")
    path = f"{library.files()}/{file['file_id']}"
    library.client.patch(path, json={"metadata": {"year": 2023, "draft": True}}).raise_for_status()
    page = reader.open("/#/documents/default?q=facts")
    page.get_by_role("button", name="编辑元数据：facts.pdf").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("值").nth(0).fill("2024.5")
    dialog.get_by_role("button", name="移除：draft").click()
    dialog.get_by_role("button", name="添加一项").click()
    dialog.get_by_label("名称", exact=True).nth(1).fill("部门")
    dialog.get_by_label("值").nth(1).fill("法务 <b>")
    dialog.get_by_role("button", name="保存").click()
    dialog.wait_for(state="detached")
    page.get_by_role("row").get_by_text("部门: 法务 <b>").wait_for()
    assert library.client.get(path).json()["metadata"] == {"year": 2024.5, "部门": "法务 <b>"}


def test_chosen_files_are_deleted_after_a_question(
    reader: Visitor, library: UploadServer, tmp_path: Path
) -> None:
    for name in ("gone 1.pdf", "gone 2.pdf", "stays.pdf"):
        bring(library, tmp_path, name)
    page = reader.open("/#/documents/default?q=gone")
    page.get_by_role("checkbox", name="选择：gone 1.pdf").check()
    page.get_by_role("checkbox", name="选择：gone 2.pdf").check()
    page.get_by_role("button", name="删除所选（2）").click()
    page.get_by_role("dialog").get_by_role("button", name="取消").click()
    page.get_by_role("button", name="删除所选（2）").click()
    page.get_by_role("dialog").get_by_text("gone 2.pdf").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="删除", exact=True).click()
    page.get_by_text("没有文件名符合的文件").wait_for()
    left = [file["file"] for file in library.client.get(library.files()).json()["data"]]
    assert "stays.pdf" in left
    assert "gone 1.pdf" not in left


def test_collection_is_made_and_deleted_by_its_name(reader: Visitor, library: UploadServer) -> None:
    page = reader.open("/#/documents/default")
    page.get_by_role("button", name="新建文档库").click()
    page.get_by_role("dialog").get_by_label("名称").fill("合同 #1, 100%?")
    page.get_by_role("dialog").get_by_role("button", name="新建").click()
    page.get_by_text("这个文档库还没有文件").wait_for()
    assert page.get_by_role("combobox", name="文档库").input_value() == "合同 #1, 100%?"
    page.get_by_role("button", name="删除文档库").click()
    delete = page.get_by_role("dialog").get_by_role("button", name="删除", exact=True)
    assert delete.is_disabled()
    page.get_by_role("dialog").get_by_role("textbox").fill("合同 #1, 100%?")
    delete.click()
    page.get_by_role("dialog").wait_for(state="detached")
    listed = library.client.get("/api/v1/collections").json()["data"]
    assert [one["collection"] for one in listed] == ["default"]


def test_file_has_its_own_view(reader: Visitor, library: UploadServer, tmp_path: Path) -> None:
    content = english_pdf(tmp_path / "solar.pdf").read_bytes()
    library.client.put(f"{library.files()}/solar.pdf", content=content).raise_for_status()
    library.finish_jobs()
    page = reader.open("/#/documents/default?q=solar")
    page.get_by_role("link", name="solar.pdf").click()
    page.get_by_role("heading", level=1, name="solar.pdf").wait_for()
    page.get_by_text("英文").or_(page.get_by_text("中文比例")).first.wait_for()
    assert axe_faults(page) == []
    page.get_by_role("button", name="阅读").click()
    page.get_by_role("complementary").wait_for()
    assert "read=" in page.url
    original = page.get_by_role("link", name="打开原文件").get_attribute("href")
    assert original is not None
    assert library.client.get(original).content == content


def test_file_that_is_gone_is_marked(reader: Visitor, library: UploadServer, tmp_path: Path) -> None:
    bring(library, tmp_path, "lost.pdf", "This one is lost.")
    digest = hashlib.sha256((tmp_path / "made.pdf").read_bytes()).hexdigest()
    (stored,) = [path for path in (library.storage / "uploads").rglob("*") if digest in path.name]
    content = stored.read_bytes()
    stored.unlink()
    page = reader.open("/#/documents/default?q=lost")
    page.get_by_role("row").get_by_text("原文件已不在").wait_for()
    page.get_by_role("link", name="lost.pdf").click()
    page.get_by_text("原文件已经不在了，只能查看当时读出的内容").wait_for()
    stored.write_bytes(content)


def test_deletion_that_has_to_wait_is_followed(
    reader: Visitor, library: UploadServer, tmp_path: Path
) -> None:
    """The file stays in the list until its job is done, and the list then follows."""
    file = bring(library, tmp_path, "waits.pdf")
    job = {
        "id": "waiting",
        "kind": "delete",
        "collection": "default",
        "finished_at": None,
        "files": [
            {"name": "waits.pdf", "file_id": file["file_id"], "state": "queued", "pages": 0, "pages_read": 0}
        ],
    }
    page = reader.open("/#/documents/default?q=waits")
    page.route("**/jobs/waiting/events", lambda route: None)
    page.route(f"**/files/{file['file_id']}", lambda route: route.fulfill(status=202, json=job))
    page.get_by_role("checkbox", name="选择：waits.pdf").check()
    page.get_by_role("button", name="删除所选（1）").click()
    page.get_by_role("dialog").get_by_role("button", name="删除", exact=True).click()
    page.locator(".documents-queue li").get_by_text("正在删除").wait_for()


def test_everything_by_keyboard(reader: Visitor, library: UploadServer, tmp_path: Path) -> None:
    bring(library, tmp_path, "keys.pdf")
    page = reader.open("/#/documents/default?q=keys")
    page.get_by_role("checkbox", name="选择：keys.pdf").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="删除所选（1）").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.textContent") == "删除所选（1）"
    page.get_by_role("link", name="keys.pdf").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="keys.pdf").wait_for()


def test_tables_are_tables(reader: Visitor, library: UploadServer) -> None:
    (line,) = library.client.get(library.files(), params={"q": "alpha"}).json()["data"]
    path = f"{library.files()}/{line['file_id']}"
    tables = [
        "| 年份 | 收入 \\| 万元 |\n|---|---|\n| 2023 | <b>86</b> |",
        "|  |  |\n|---|---|\n| 地址 | 北京 |",
    ]
    known = library.client.get(path).json() | {"tables": tables}
    page = reader.context.new_page()
    page.route(f"**{path}", lambda route: route.fulfill(json=known))
    page.goto(f"{reader.url}/#/documents/default/{line['file_id']}")
    page.get_by_text("地址 · 北京").wait_for()
    page.locator("summary").first.click()
    page.get_by_role("columnheader", name="收入 | 万元").wait_for()
    page.get_by_role("cell", name="<b>86</b>").wait_for()
    assert axe_faults(page) == []


def test_dialogs_have_no_faults(reader: Visitor) -> None:
    page = reader.open("/#/documents/default")
    page.get_by_role("checkbox", name="选择：alpha.pdf").check()
    for name in ("编辑元数据：alpha.pdf", "删除所选（1）", "新建文档库", "删除文档库"):
        page.get_by_role("button", name=name).click()
        page.get_by_role("dialog").wait_for()
        assert axe_faults(page) == [], name
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")


@pytest.mark.parametrize("width", [390, 320])
def test_phone_shows_cards_that_fit(browser: Browser, library: UploadServer, width: int) -> None:
    with visiting(browser, library.app, width) as phone:
        page = phone.open("/#/documents/default")
        page.get_by_role("link", name="alpha.pdf").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert axe_faults(page) == []


def test_keys_show_what_they_allow(
    browser: Browser, tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``read`` changes nothing; ``write`` uploads, and deletes no collection."""
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    create_collection("default", config=Config(storage=tmp_path / "storage"))
    with closing(ServerDatabase(database_path(tmp_path / "storage"))) as database:
        store = KeyStore(database)
        keys = {
            "read": store.add("r", "read"),
            "write": store.add("w", "write"),
            "admin": store.add("a", "admin"),
        }
    buttons = ("选择文件", "新建文档库", "删除文档库")
    shown = {"read": (0, 0, 0), "write": (1, 1, 0), "admin": (1, 1, 1)}
    with served(tmp_path / "storage", "default") as app:
        for scope, expected in shown.items():
            with visiting(browser, app) as guest:
                guest.context.request.post(f"{app.url}/api/v1/session", data={"key": keys[scope]})
                page = guest.open("/#/documents/default")
                page.get_by_text("这个文档库还没有文件").wait_for()
                counts = [page.get_by_role("button", name=name, exact=True).count() for name in buttons]
                assert tuple(counts) == expected, scope


def test_read_only_server_has_no_buttons_that_cannot_work(browser: Browser, library: UploadServer) -> None:
    with (
        served(library.storage, "default", server={"read_only": True}) as app,
        visiting(browser, app) as guest,
    ):
        page = guest.open("/#/documents/default")
        page.get_by_role("link", name="alpha.pdf").wait_for()
        for name in ("选择文件", "新建文档库", "删除", "编辑"):
            assert page.get_by_role("button", name=name).count() == 0
        assert page.get_by_role("checkbox").count() == 0
