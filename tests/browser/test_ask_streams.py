"""Answers of a language model in the browser: in the making, stopped, lost, taken up again; and hostile ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cutting_proxy import CuttingProxy
from openai_server import OpenAIServer, Reply, chat, held
from served import served
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
LEAVE = "工作满十年的员工每年有几天年假？"
FILTER = "净水机的反渗透滤芯多久更换一次？"
FIRST, REST = ["满十年的员工", "每年有十二天年假[1]。", "满二十年的有"], ["十六天[1]。"]
WHOLE = "满十年的员工每年有十二天年假1。满二十年的有十六天1。"


class Stage:
    """A visitor of a server with a scripted model, over a network that can be cut.

    Attributes:
        visitor: it.
        network: between the visitor and the server.
        model: the language model.
        release: lets the model write the rest of a held answer.
        left: is set when the server has left the model before that.
    """

    def __init__(self, visitor: Visitor, network: CuttingProxy, model: OpenAIServer) -> None:
        self.visitor, self.network, self.model = visitor, network, model
        self.release, self.left = threading.Event(), threading.Event()

    def answer(self, *replies: Reply) -> None:
        """Scripts the model; without replies, it stops in the middle of an answer until `release`."""
        self.model.replies = list(replies) or [held(FIRST, REST, self.release, self.left)]
        self.model.requests.clear()


@pytest.fixture
def stage(
    browser: Browser, example_storage: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    with OpenAIServer(chat("")) as model, staged(browser, example_storage, model) as one:
        one.answer()
        yield one
        one.release.set()


@contextmanager
def staged(browser: Browser, storage: Path, model: OpenAIServer) -> Iterator[Stage]:
    llm = {"model": "m", "base_url": model.url, "max_retries": 0}
    settings = {"resume_seconds": 60}
    with (
        served(storage, "demo", llm=llm, answering={"llm_threshold": 0}, server=settings) as app,
        CuttingProxy(app.url) as network,
    ):
        context = browser.new_context(locale="zh-CN")
        visitor = Visitor(context, network.url)
        yield Stage(visitor, network, model)
        context.close()
        visitor.watch.check()


def send(page: Page, question: str) -> None:
    page.get_by_label("问题", exact=True).fill(question)
    page.keyboard.press("Control+Enter")


def text_of(page: Page) -> str:
    """The text of the last answer, without what is around it."""
    return "".join(page.get_by_role("article").last.locator(".ask-answer > p:not(.faint)").all_inner_texts())


def until_half(page: Page) -> None:
    page.get_by_text("满二十年的有").wait_for()


def test_answer_is_shown_as_it_comes(stage: Stage) -> None:
    page = stage.visitor.open()
    send(page, LEAVE)
    until_half(page)
    # Passages and the first citation are there before the end.
    page.get_by_role("link", name="来源 1：员工手册.pdf").first.wait_for()
    assert page.locator(".ask-sources details[open] li").count() > 1
    assert page.get_by_text("正在回答…").is_visible()
    assert page.get_by_role("status").inner_text() == ""
    stage.release.set()
    page.get_by_role("status").filter(has_text="回答完成，1 个来源").wait_for()
    assert text_of(page) == WHOLE


def test_stream_that_is_cut_goes_on_without_loss(stage: Stage) -> None:
    stage.visitor.watch.expected.append("net::ERR_")
    page = stage.visitor.open()
    send(page, LEAVE)
    until_half(page)
    stage.network.refusing = True
    stage.network.cut()
    page.get_by_text("正在重新连接").wait_for()
    assert "每年有十二天年假" in text_of(page)
    stage.network.refusing = False
    page.get_by_text("正在回答…").wait_for()
    stage.network.cut()
    stage.release.set()
    page.get_by_role("button", name="复制（含来源）").wait_for()
    assert text_of(page) == WHOLE
    assert len(stage.model.requests) == 1


def test_server_that_cannot_be_reached_for_long(stage: Stage) -> None:
    stage.visitor.watch.expected.append("net::ERR_")
    page = stage.visitor.open()
    send(page, LEAVE)
    until_half(page)
    stage.network.refusing = True
    stage.network.cut()
    page.get_by_role("alert").filter(has_text="无法连接服务器").wait_for()
    stage.network.refusing = False
    stage.release.set()
    page.get_by_role("button", name="重试").click()
    page.get_by_role("button", name="复制（含来源）").wait_for()
    assert text_of(page) == WHOLE
    assert page.get_by_role("article").count() == 1
    assert len(stage.model.requests) == 1


def test_reload_in_the_middle_of_an_answer(stage: Stage) -> None:
    page = stage.visitor.open()
    send(page, LEAVE)
    until_half(page)
    page.reload()
    until_half(page)
    assert page.get_by_role("heading", name=LEAVE).count() == 1
    stage.release.set()
    page.get_by_role("button", name="复制（含来源）").wait_for()
    assert text_of(page) == WHOLE
    page.reload()
    page.get_by_role("link", name="来源 1").first.wait_for()
    assert page.get_by_role("article").count() == 1


def test_another_screen_in_the_middle_of_an_answer(stage: Stage) -> None:
    page = stage.visitor.open()
    send(page, LEAVE)
    until_half(page)
    page.get_by_role("link", name="文档", exact=True).click()
    page.get_by_role("heading", level=1, name="文档").wait_for()
    page.go_back()
    until_half(page)
    stage.release.set()
    page.get_by_role("button", name="复制（含来源）").wait_for()
    assert text_of(page) == WHOLE


def test_stop(stage: Stage) -> None:
    page = stage.visitor.open()
    send(page, LEAVE)
    until_half(page)
    page.get_by_role("button", name="停止").click()
    page.get_by_text("已停止，回答不完整。").wait_for()
    assert stage.left.wait(10)
    assert "每年有十二天年假" in text_of(page)
    stage.answer(chat("满十年的员工每年有十二天年假[1]。"))
    page.get_by_role("button", name="重新提问").click()
    page.get_by_role("button", name="复制（含来源）").wait_for()
    assert page.get_by_role("article").count() == 1


def test_two_tabs_with_one_conversation(stage: Stage) -> None:
    stage.answer(chat("满十年的员工每年有十二天年假[1]。"))
    stage.visitor.watch.expected.append("status of 409")
    page = stage.visitor.open()
    send(page, LEAVE)
    page.get_by_role("button", name="复制（含来源）").wait_for()
    other = stage.visitor.open(page.url.removeprefix(stage.network.url))
    other.get_by_role("link", name="来源 1").first.wait_for()
    stage.answer()
    send(page, "婚假的规定有哪些具体内容，员工应当怎么申请？")
    until_half(page)
    send(other, FILTER)
    other.get_by_text("可能另一个窗口正在这段对话里提问").wait_for()
    stage.release.set()
    page.get_by_role("button", name="复制（含来源）").nth(1).wait_for()
    stage.answer(chat("每24个月更换一次[1]。"))
    other.get_by_role("button", name="重试").click()
    other.get_by_text("每24个月更换一次").wait_for()


def test_what_no_passage_holds_is_marked(stage: Stage) -> None:
    stage.answer(chat("满十年的员工每年有十二天年假[1]，另加 37 天。"))
    page = stage.visitor.open()
    send(page, LEAVE)
    mark = page.locator("mark.ask-doubt")
    mark.wait_for()
    assert mark.inner_text().startswith("37")
    page.get_by_text("1 处待核对").click()
    page.get_by_text("在检索到的段落和问题里都没有出现").wait_for()


def test_text_that_is_taken_back(stage: Stage) -> None:
    # Without a citation, the model is asked once more.
    text = "员工手册对年假有详细的规定。" * 40
    stage.answer(chat(text), chat("满十年的员工每年有十二天年假[1]。"))
    page = stage.visitor.open()
    send(page, LEAVE)
    page.get_by_role("button", name="复制（含来源）").wait_for()
    assert text_of(page) == "满十年的员工每年有十二天年假1。"
    page.get_by_text("依据与判断").click()
    page.get_by_text("这是第二次的回答").wait_for()


def test_model_that_fails(stage: Stage) -> None:
    stage.model.replies = [lambda handler, request: handler.json(500, {"error": {"message": "no"}})]
    page = stage.visitor.open()
    send(page, LEAVE)
    page.get_by_role("alert").filter(has_text="模型没有回应").wait_for()
    assert page.locator(".ask-sources details li").count() > 1
    stage.answer(chat("满十年的员工每年有十二天年假[1]。"))
    page.get_by_role("button", name="重试").click()
    page.get_by_role("link", name="来源 1").first.wait_for()


HOSTILE = (
    "年假是<script>window.hacked=1</script>十二天[1]。<img src=x onerror=window.hacked=2> "
    "[点这里](javascript:window.hacked=3) ![图](https://evil.example/x.png) &lt;b&gt; "
    "\u202e反过来\u202c \u2066隔离\x1b[31m **重点<u>线</u>** [7] [[1]](https://evil.example)\n\n"
    "| 项目 | <i>天数</i> |\n|---|---|\n| 年假 | 十二天[1] |\n\n- 一\n- <svg onload=window.hacked=4>\n"
)


def test_hostile_answer_is_text(stage: Stage) -> None:
    stage.answer(chat(HOSTILE))
    page = stage.visitor.open()
    page.on("dialog", lambda dialog: pytest.fail(f"an answer opened a dialog: {dialog.message}"))
    send(page, LEAVE)
    page.get_by_role("button", name="复制（含来源）").wait_for()
    assert page.evaluate("window.hacked") is None
    assert page.locator("main script, main img, main u, main i, main svg, main iframe").count() == 0
    links = page.eval_on_selector_all("main a", "links => links.map((link) => link.href)")
    assert not [link for link in links if "evil" in link or not link.startswith(stage.network.url)]
    shown = page.locator(".ask-answer").inner_text().replace("\n（原文中未见）\n", "")
    for part in ("<script>window.hacked=1</script>", "[点这里](javascript:", "重点<u>线</u>", "<svg onload="):
        assert part in shown
    assert not {"\u202e", "\u202c", "\u2066", "\x1b"} & set(shown)
    assert page.get_by_role("cell", name="年假", exact=True).is_visible()
    assert page.locator(".ask-answer li").count() == 2
