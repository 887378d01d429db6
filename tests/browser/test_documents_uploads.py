"""Uploads in a browser: by file chooser and by drop, how far each is, what is wrong with it, and the end of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pdf_factory import LEFT, PdfBuilder, locked_pdf
from served import served
from upload_server import UploadServer
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.slow
SECONDS = 60_000
"""Milliseconds: the process that reads files takes some to start."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[UploadServer]:
    """A server over a storage that begins empty, with the collection ``default``."""
    storage = tmp_path_factory.mktemp("browsed") / "storage"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(storage, "default", server={"max_upload_megabytes": 2}) as app:
            app.client.post("/api/v1/collections", json={"name": "default"}).raise_for_status()
            yield UploadServer(app, storage)


@pytest.fixture
def uploads(
    browser: Browser, target: UploadServer, viewport: tuple[int, int], colours: str
) -> Iterator[Visitor]:
    """A visitor of `target`, which has no file and no job when the test begins."""
    target.let_jobs_go()
    target.finish_jobs()
    for file in target.client.get(target.files()).json()["data"]:
        target.client.delete(f"{target.files()}/{file['file_id']}").raise_for_status()
    context = browser.new_context(
        viewport={"width": viewport[0], "height": viewport[1]}, color_scheme=colours, locale="zh-CN"
    )
    one = Visitor(context, target.app.url)
    yield one
    context.close()
    target.let_jobs_go()
    target.finish_jobs()
    one.watch.check()


def made(path: Path, *pages: str) -> Path:
    """A PDF with a sentence on each page."""
    builder = PdfBuilder()
    for text in pages or (f"This is the text of {path.name.encode('ascii', 'replace').decode()}.",):
        builder.page().put(text, LEFT, 100)
    return builder.save(path)


def opened(visitor: Visitor) -> Page:
    page = visitor.open("/#/documents/default")
    page.get_by_role("button", name="选择文件", exact=True).wait_for()
    return page


def choose(page: Page, *files: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="选择文件", exact=True).click()
    chooser.value.set_files(list(files))


def drop(page: Page, *paths: Path) -> None:
    """Drops files and folders of the disk, as the operating system would."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})


def row(page: Page, name: str) -> Locator:
    """The upload of this name."""
    return page.locator(".documents-queue li").filter(has=page.get_by_text(name, exact=True))


def files(target: UploadServer) -> dict[str, Any]:
    return {file["file"]: file for file in target.client.get(target.files()).json()["data"]}


def test_chosen_file_is_read_and_then_in_the_list(uploads: Visitor, tmp_path: Path) -> None:
    page = opened(uploads)
    page.get_by_text("这个文档库还没有文件").wait_for()
    choose(page, made(tmp_path / "年报.pdf", "The first page.", "The second page."))
    row(page, "年报.pdf").get_by_text("完成：2 页，2 个句子").wait_for(timeout=SECONDS)
    page.get_by_role("row").get_by_role("link", name="年报.pdf").wait_for()
    page.get_by_text("1 个文件，2 页，2 个句子").wait_for()
    page.get_by_role("button", name="清除已结束的").click()
    page.locator(".documents-queue").wait_for(state="detached")


def test_steps_are_shown(uploads: Visitor, target: UploadServer, tmp_path: Path) -> None:
    """While jobs are held, a file stays in the queue; and it can be cancelled there."""
    target.hold_jobs()
    page = opened(uploads)
    choose(page, made(tmp_path / "wait.pdf"), made(tmp_path / "go.pdf"))
    for name in ("wait.pdf", "go.pdf"):
        row(page, name).get_by_text("排队中").wait_for()
    page.get_by_role("button", name="取消：wait.pdf").click()
    row(page, "wait.pdf").get_by_text("已取消").wait_for(timeout=SECONDS)
    target.let_jobs_go()
    row(page, "go.pdf").get_by_text("完成").wait_for(timeout=SECONDS)
    assert set(files(target)) == {"go.pdf"}


def test_folder_is_dropped(uploads: Visitor, target: UploadServer, tmp_path: Path) -> None:
    """With all that is in it; files of one name in two folders do not replace each other, and others are left."""
    folder = tmp_path / "合同"
    for year in ("2023", "2024"):
        (folder / year).mkdir(parents=True)
        made(folder / year / "报价.pdf", f"The offer of {year}.")
    made(folder / "总表.pdf")
    (folder / "notes.txt").write_text("The notes of the offers.")
    (folder / "~$总表.docx").write_text("kept by Office")
    (folder / "tool.exe").write_text("no document")
    page = opened(uploads)
    drop(page, folder)
    page.get_by_text("有 2 个文件的格式不支持").wait_for()
    names = {"合同 - 2023 - 报价.pdf", "合同 - 2024 - 报价.pdf", "总表.pdf", "notes.txt"}
    for name in names:
        row(page, name).get_by_text("完成").wait_for(timeout=SECONDS)
    assert set(files(target)) == names


def test_what_cannot_be_read_says_why_and_what_mends_it(uploads: Visitor, tmp_path: Path) -> None:
    uploads.watch.expected = ["415"]
    (tmp_path / "text.pdf").write_text("This is no PDF.")
    (tmp_path / "large.pdf").write_bytes(b"%PDF-1.7" + bytes(3_000_000))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    locked_pdf(tmp_path / "locked.pdf")
    page = opened(uploads)
    choose(page, *(tmp_path / f"{name}.pdf" for name in ("text", "large", "broken", "locked")))
    row(page, "text.pdf").get_by_text("内容与扩展名不符").wait_for()
    row(page, "large.pdf").get_by_text("文件超过了上传大小的上限").wait_for()
    row(page, "locked.pdf").get_by_text("文件有密码。请去掉密码后重新上传").wait_for(timeout=SECONDS)
    row(page, "broken.pdf").get_by_text("文件已损坏").wait_for(timeout=SECONDS)
    page.get_by_text("共 4 个：完成 0 个，失败 4 个").wait_for()
    assert str(tmp_path) not in page.content()


def test_failed_file_is_tried_again(uploads: Visitor, tmp_path: Path) -> None:
    uploads.watch.expected = ["500"]
    page = opened(uploads)
    page.route("**/files/*", lambda route: route.fulfill(status=500, json={"code": "internal"}), times=1)
    choose(page, made(tmp_path / "again.pdf"))
    row(page, "again.pdf").get_by_text("服务器出错").wait_for()
    page.get_by_role("button", name="重试：again.pdf").click()
    row(page, "again.pdf").get_by_text("完成").wait_for(timeout=SECONDS)


def test_full_queue_is_waited_for(uploads: Visitor, tmp_path: Path) -> None:
    uploads.watch.expected = ["429"]
    page = opened(uploads)
    full = {"status": 429, "headers": {"Retry-After": "1"}, "json": {"code": "queue_full"}}
    page.route("**/files/*", lambda route: route.fulfill(**full), times=1)
    choose(page, made(tmp_path / "later.pdf"))
    page.get_by_text("服务器的队列已满").wait_for()
    row(page, "later.pdf").get_by_text("完成").wait_for(timeout=SECONDS)
    page.get_by_text("服务器的队列已满").wait_for(state="detached")


def test_same_content_again_is_told(uploads: Visitor, target: UploadServer, tmp_path: Path) -> None:
    page = opened(uploads)
    choose(page, made(tmp_path / "same.pdf"))
    row(page, "same.pdf").get_by_text("完成").wait_for(timeout=SECONDS)
    page.get_by_role("button", name="清除已结束的").click()
    choose(page, tmp_path / "same.pdf")
    row(page, "same.pdf").get_by_text("文档库里已有这个文件").wait_for()
    page.get_by_role("button", name="清除已结束的").click()
    made(tmp_path / "same.pdf", "Another text now.")
    choose(page, tmp_path / "same.pdf")
    row(page, "same.pdf").get_by_text("已替换原来的版本").wait_for(timeout=SECONDS)
    assert len(files(target)) == 1


def test_jobs_are_there_after_a_reload(uploads: Visitor, target: UploadServer, tmp_path: Path) -> None:
    target.hold_jobs()
    page = opened(uploads)
    choose(page, made(tmp_path / "one.pdf"), made(tmp_path / "two.pdf"))
    row(page, "two.pdf").get_by_text("排队中").wait_for()
    row(page, "one.pdf").get_by_text("排队中").wait_for()
    page.reload()
    for name in ("one.pdf", "two.pdf"):
        row(page, name).get_by_text("排队中").wait_for()
    target.let_jobs_go()
    for name in ("one.pdf", "two.pdf"):
        row(page, name).get_by_text("完成").wait_for(timeout=SECONDS)


def test_uploads_go_on_behind_another_screen(uploads: Visitor, target: UploadServer, tmp_path: Path) -> None:
    target.hold_jobs()
    page = opened(uploads)
    choose(page, made(tmp_path / "behind.pdf"))
    row(page, "behind.pdf").get_by_text("排队中").wait_for()
    page.get_by_role("link", name="状态").click()
    page.locator(".documents-queue").wait_for(state="detached")
    target.let_jobs_go()
    page.get_by_role("link", name="文档", exact=True).click()
    row(page, "behind.pdf").get_by_text("完成").wait_for(timeout=SECONDS)


def test_lost_connection_is_taken_up_again(uploads: Visitor, target: UploadServer, tmp_path: Path) -> None:
    uploads.watch.expected = ["ERR_FAILED"]
    target.hold_jobs()
    page = opened(uploads)
    page.route("**/events", lambda route: route.abort(), times=1)
    choose(page, made(tmp_path / "lost.pdf"))
    row(page, "lost.pdf").get_by_text("排队中").wait_for()
    target.let_jobs_go()
    row(page, "lost.pdf").get_by_text("完成").wait_for(timeout=SECONDS)


def test_names_of_any_kind(uploads: Visitor, target: UploadServer, tmp_path: Path) -> None:
    names = ("100% 中文 #1.pdf", "a & b 'c' \"d\"?.pdf", "<img src=x>.pdf", "长" * 70 + ".pdf", "x%2Fy.pdf")
    page = opened(uploads)
    choose(page, *(made(tmp_path / name, f"Text {n}.") for n, name in enumerate(names)))
    for name in names:
        row(page, name).get_by_text("完成").wait_for(timeout=SECONDS)
    assert set(files(target)) == set(names)
    for name in names:
        page.get_by_role("row").get_by_role("link", name=name, exact=True).click()
        page.get_by_role("heading", level=1, name=name, exact=True).wait_for()
        page.go_back()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_leaving_while_files_are_sent_asks(uploads: Visitor, tmp_path: Path) -> None:
    page = opened(uploads)
    page.route("**/files/*", lambda route: None)  # never answered
    choose(page, made(tmp_path / "slow.pdf"))
    row(page, "slow.pdf").get_by_text(re.compile("正在上传")).wait_for()
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.accept()


def test_hundreds_of_files_do_not_freeze_the_page(uploads: Visitor, tmp_path: Path) -> None:
    """A stub takes them, so that it is the page that is measured."""
    taken = 0

    def take(route: Any) -> None:
        nonlocal taken
        taken += 1
        job = {"id": f"job{taken}", "files": [{"file_id": f"file{taken}"}]}
        route.fulfill(status=202, json=job)

    streams: list[str] = []

    def follow(route: Any) -> None:
        streams.append(route.request.url)
        events = 'id: 1\nevent: file\ndata: {"file": "x", "state": "done", "pages": 1, "nodes": 1}\n\n'
        route.fulfill(content_type="text/event-stream", body=events + "id: 2\nevent: done\ndata: {}\n\n")

    page = opened(uploads)
    page.route("**/files/*.pdf", take)
    page.route("**/jobs/*/events", follow)
    page.evaluate(
        """() => {
          window.longest = 0;
          let before = performance.now();
          const tick = () => {
            const now = performance.now();
            window.longest = Math.max(window.longest, now - before);
            before = now;
            requestAnimationFrame(tick);
          };
          requestAnimationFrame(tick);
        }"""
    )
    content = made(tmp_path / "tiny.pdf").read_bytes()
    paths = []
    for number in range(300):
        path = tmp_path / f"{number:03}.pdf"
        path.write_bytes(content)
        paths.append(path)
    choose(page, *paths)
    page.get_by_text("共 300 个：完成 300 个，失败 0 个").wait_for(timeout=SECONDS)
    assert taken == len(streams) == 300
    assert page.evaluate("window.longest") < 1000


@pytest.mark.parametrize("viewport", ["phone"], indirect=True)
def test_phone(uploads: Visitor, tmp_path: Path) -> None:
    page = opened(uploads)
    choose(page, made(tmp_path / "手机.pdf"))
    row(page, "手机.pdf").get_by_text("完成").wait_for(timeout=SECONDS)
    page.get_by_role("row").get_by_role("link", name="手机.pdf").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
