"""From a file on the disk of a reader to the sentence in it that answers a question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pdf_factory import chinese_pdf
from served import ServedApp, served
from visitor import Visitor

pytestmark = [pytest.mark.slow]
TEXT = (
    "本办法适用于星河仓库的全部员工和来访人员。",
    "叉车在库区内的行驶速度不得超过每小时八公里。",
    "夜间作业须有两名以上员工在场，并登记在值班簿上。",
)


@pytest.fixture
def empty_server(tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedApp]:
    """A server without any document."""
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    with served(tmp_path / "storage", "default") as one:
        yield one


@pytest.mark.parametrize("name", ["仓库管理办法.pdf", "规定 #3 (100%) 'v1' & 说明.pdf"])
def test_upload_ask_and_read(browser: object, empty_server: ServedApp, tmp_path: Path, name: str) -> None:
    file = chinese_pdf(tmp_path / name, TEXT)
    context = browser.new_context(locale="zh-CN")  # type: ignore[attr-defined]
    visitor = Visitor(context, empty_server.url)
    page = visitor.open("/#/documents/default")
    page.get_by_role("heading", level=1).wait_for()
    page.locator('input[type="file"]').first.set_input_files(file)
    page.get_by_role("link", name=name).first.wait_for(timeout=60_000)
    page.get_by_role("link", name="问答").click()
    page.get_by_role("textbox").first.fill("叉车在库区里最快能开多快？")
    page.keyboard.press("Control+Enter")
    chip = page.get_by_role("link", name="来源 1").first
    chip.wait_for(timeout=60_000)
    assert name in (chip.get_attribute("aria-label") or chip.inner_text())
    chip.click()
    page.locator(".marks .cited").first.wait_for(state="attached")
    reader = page.get_by_role("complementary")
    reader.get_by_text(TEXT[1]).first.wait_for()
    assert reader.get_by_role("heading", level=2).inner_text().startswith(name[:4])
    context.close()
    visitor.watch.check()


def test_upload_ask_and_read_a_workbook(browser: object, empty_server: ServedApp, tmp_path: Path) -> None:
    """The place is that of the cells, the mark is on the row, and the page says that it was converted."""
    book = pytest.importorskip("openpyxl").Workbook()
    book.active.title = "部件"
    for row in (["名称", "型号", "单价（元）"], ["球阀", "QF-2", 120], ["离心水泵", "LX-7", 7100]):
        book.active.append(row)
    file = tmp_path / "部件.xlsx"
    book.save(file)
    context = browser.new_context(locale="zh-CN")  # type: ignore[attr-defined]
    visitor = Visitor(context, empty_server.url)
    page = visitor.open("/#/documents/default")
    page.get_by_role("heading", level=1).wait_for()
    page.locator('input[type="file"]').first.set_input_files(file)
    page.get_by_role("link", name="部件.xlsx").first.wait_for(timeout=60_000)
    page.get_by_role("link", name="问答").click()
    page.get_by_role("textbox").first.fill("离心水泵的单价是多少？")
    page.keyboard.press("Control+Enter")
    chip = page.get_by_role("link", name="来源 1").first
    chip.wait_for(timeout=60_000)
    assert "工作表“部件”A3:C3" in (chip.get_attribute("aria-label") or "")
    chip.click()
    page.locator(".marks .cited").first.wait_for(state="attached")
    reader = page.get_by_role("complementary")
    reader.get_by_text("转换后的页面").first.wait_for()
    reader.get_by_text("7100").first.wait_for()
    context.close()
    visitor.watch.check()
