"""Questions and answers in the browser, without a language model: answers, sources, refusals, history and feedback."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from served import ServedApp
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow
LEAVE = "工作满十年的员工每年有几天年假？"
FILTER = "净水机的反渗透滤芯多久更换一次？"
SURVEY = "How much does the monthly boat survey cost a year?"


def ask(page: Page, question: str) -> Locator:
    """Asks a question; the turn when its answer is there."""
    page.get_by_label("问题", exact=True).fill(question)
    page.keyboard.press("Control+Enter")
    turn = page.get_by_role("article").filter(has=page.get_by_role("heading", name=question, exact=True)).last
    turn.get_by_role("button", name="复制（含来源）").wait_for()
    return turn


class TestAnswers:
    def test_answer_has_chips_that_open_the_reader(self, visitor: Visitor) -> None:
        page = visitor.open()
        turn = ask(page, LEAVE)
        assert "满十年不满二十年的，每年享有十二天" in turn.inner_text()
        assert page.evaluate("document.activeElement.id") == "ask-question"
        assert page.locator("#ask-question").input_value() == ""
        page.get_by_role("status").filter(has_text="回答完成，1 个来源").wait_for()
        chip = turn.get_by_role("link", name="来源 1：员工手册.pdf，第 1–2 页").first
        assert re.search(r"/c/[0-9a-f]{20}-", chip.get_attribute("href") or "")
        chip.click()
        page.locator(".marks .cited").first.wait_for(state="attached")
        assert page.url.count("read=") == 1
        assert re.search(r"#/ask/[A-Za-z0-9_-]+\?", page.url)

    def test_passages_are_listed_with_the_sentence_that_was_found(self, visitor: Visitor) -> None:
        page = visitor.open()
        turn = ask(page, LEAVE)
        turn.get_by_text("检索到的段落").click()
        assert turn.locator(".ask-sources details strong").first.inner_text().startswith("第3.2条")
        turn.locator(".ask-sources details a").nth(1).click()
        page.get_by_role("complementary").wait_for()

    def test_quote_in_english_comes_with_its_glosses(self, visitor: Visitor) -> None:
        turn = ask(visitor.open(), SURVEY)
        assert turn.get_by_text("〔词典释义，非译文：").count() == 1
        assert turn.get_by_text("64,000 euros").first.is_visible()

    def test_why(self, visitor: Visitor) -> None:
        turn = ask(visitor.open(), LEAVE)
        turn.get_by_text("依据与判断").click()
        told = turn.locator(".ask-why").inner_text()
        assert re.search(r"很高（9\d%）", told)
        assert "总计" in told
        assert "multilingual-e5-small" in told

    def test_refusal_says_what_is_missing_and_what_is_nearest(self, visitor: Visitor) -> None:
        page = visitor.open()
        turn = ask(page, "《员工手册》第九百条是怎么规定的？")
        assert turn.get_by_text("我无法回答您的问题", exact=True).is_visible()
        assert "文档里没有的：《员工手册》第九百条" in turn.locator(".ask-why").inner_text()
        page.get_by_role("status").filter(has_text="没有找到答案").wait_for()
        turn.locator(".ask-sources a").first.click()
        page.get_by_role("complementary").wait_for()

    @pytest.mark.parametrize("viewport", ["desktop", "phone", "narrow"], indirect=True)
    def test_nothing_is_wider_than_the_window(self, visitor: Visitor) -> None:
        page = visitor.open()
        turn = ask(page, FILTER)
        turn.get_by_text("依据与判断").click()
        turn.get_by_text("检索到的段落").click()
        page.get_by_text("提问范围").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        turn.get_by_role("button", name="有问题").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.get_by_role("button", name="提交").is_visible()


class TestQuestions:
    def test_box(self, visitor: Visitor) -> None:
        page = visitor.open()
        box = page.get_by_label("问题", exact=True)
        box.fill("  ")
        page.keyboard.press("Control+Enter")
        page.get_by_text("请先输入问题").wait_for()
        box.fill("长" * 2001)
        page.get_by_text("2001 / 2000 字").wait_for()
        assert page.get_by_role("button", name="提问", exact=True).is_disabled()
        page.keyboard.press("Control+Enter")
        assert page.get_by_role("article").count() == 0
        # The end of a composition is no question.
        box.fill(LEAVE)
        box.evaluate(
            "box => box.dispatchEvent(new KeyboardEvent('keydown', "
            "{key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true}))"
        )
        assert page.get_by_role("article").count() == 0
        page.get_by_role("button", name="提问", exact=True).click()
        page.get_by_role("article").wait_for()

    def test_conditions(self, visitor: Visitor) -> None:
        page = visitor.open()
        page.get_by_text("提问范围").click()
        page.get_by_label("条件的值").fill("净水机")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="移除条件 file=*净水机*").wait_for()
        turn = ask(page, LEAVE)
        assert "员工手册" not in turn.locator(".ask-sources").inner_text()
        page.get_by_role("button", name="移除条件 file=*净水机*").click()
        assert ask(page, f"请问{LEAVE}").get_by_role("link", name="来源 1：员工手册").first.is_visible()

    def test_condition_that_cannot_be_read_is_explained(self, visitor: Visitor) -> None:
        visitor.watch.expected.append("status of 422")
        page = visitor.open()
        page.get_by_text("提问范围").click()
        page.get_by_label("只看").select_option("other")
        page.get_by_label("条件的值").fill("year~2020")
        page.get_by_role("button", name="添加").click()
        page.get_by_label("问题", exact=True).fill(LEAVE)
        page.keyboard.press("Control+Enter")
        page.get_by_role("alert").filter(has_text="year~2020").wait_for()
        page.get_by_role("button", name="移除条件 year~2020").click()
        page.get_by_role("button", name="重试").click()
        page.get_by_role("link", name="来源 1").first.wait_for()
        assert page.get_by_role("article").count() == 1


class TestConversations:
    def test_later_question_leans_on_the_one_before(self, visitor: Visitor) -> None:
        page = visitor.open()
        ask(page, "蓝宝石气象站多少钱？")
        turn = ask(page, "净水机的反渗透滤芯多久更换一次？")
        turn = ask(page, "它多少钱？")
        assert turn.get_by_text("理解为：净水机的反渗透滤芯多少钱？").is_visible()
        assert page.get_by_role("article").count() == 3

    def test_reload_shows_the_conversation_with_its_sources(self, visitor: Visitor) -> None:
        page = visitor.open()
        ask(page, LEAVE)
        ask(page, FILTER)
        page.reload()
        page.get_by_role("link", name="来源 1：员工手册.pdf，第 1–2 页").first.wait_for()
        page.get_by_role("link", name="来源 2：净水机说明书.pdf，第 2 页").first.wait_for()
        assert page.get_by_role("article").count() == 2

    def test_answer_that_is_no_longer_kept_is_shown_as_text(
        self, visitor: Visitor, example_server: ServedApp
    ) -> None:
        client = example_server.client
        talk = client.post("/api/v1/conversations", json={}).json()["id"]
        client.post(f"/api/v1/conversations/{talk}/messages", json={"question": LEAVE}).raise_for_status()
        with example_server.app.state.server.database.transaction() as connection:
            connection.execute("DELETE FROM answers")
        visitor.watch.expected.append("status of 404")
        page = visitor.open(f"/#/ask/{talk}")
        page.get_by_text("已过保存期").wait_for()
        assert "每年享有十二天" in page.get_by_role("article").inner_text()

    def test_history_opens_begins_and_deletes(self, visitor: Visitor) -> None:
        page = visitor.open()
        history = page.get_by_role("navigation", name="历史对话")
        first = "年假可以结转到下一年吗？"
        ask(page, first)
        page.get_by_role("link", name="新对话").click()
        page.get_by_role("heading", name="问答").wait_for()
        assert page.get_by_role("article").count() == 0
        ask(page, FILTER)
        history.get_by_role("link", name=first).click()
        page.get_by_role("heading", level=2, name=first).wait_for()
        page.get_by_role("link", name="来源 1：员工手册").first.wait_for()
        page.go_back()
        page.get_by_role("heading", level=2, name=FILTER).wait_for()
        page.go_forward()
        history.get_by_role("button", name=f"删除对话：{first}").click()
        page.get_by_role("dialog").get_by_role("button", name="删除", exact=True).click()
        history.get_by_role("link", name=first).wait_for(state="detached")
        page.get_by_role("heading", name="问答").wait_for()
        assert page.url.endswith("#/ask")

    @pytest.mark.parametrize("viewport", ["phone"], indirect=True)
    def test_history_is_a_drawer_on_a_phone(self, visitor: Visitor) -> None:
        page = visitor.open()
        ask(page, LEAVE)
        page.get_by_role("button", name="历史对话").click()
        drawer = page.get_by_role("dialog", name="历史对话")
        drawer.get_by_role("link", name="新对话").click()
        drawer.wait_for(state="detached")
        page.get_by_role("heading", name="问答").wait_for()


class TestFeedback:
    def stored(self, server: ServedApp, question: str) -> list[dict[str, object]]:
        lines = server.client.get("/api/v1/feedback.jsonl").text.splitlines()
        return [one for one in map(json.loads, lines) if one["question"] == question]

    def test_good(self, visitor: Visitor, example_server: ServedApp) -> None:
        turn = ask(visitor.open(), FILTER)
        turn.get_by_role("button", name="有帮助").click()
        turn.get_by_text("反馈已保存").wait_for()
        assert turn.get_by_role("button", name="有帮助").get_attribute("aria-pressed") == "true"
        assert self.stored(example_server, FILTER)[-1]["rating"] == "up"

    def test_the_right_page(self, visitor: Visitor, example_server: ServedApp) -> None:
        page = visitor.open()
        turn = ask(page, SURVEY)
        turn.get_by_role("button", name="有问题").click()
        form = page.get_by_role("dialog", name="这个回答有什么问题？")
        form.get_by_label("引用的位置不对").check()
        form.get_by_label("文件", exact=True).fill("buoy")
        page.locator('dialog option[value="buoy-trial-report.pdf"]').wait_for(state="attached")
        form.get_by_label("文件", exact=True).fill("buoy-trial-report.pdf")
        form.get_by_label("页码").fill("1")
        form.get_by_label("说明").fill("应引用摘要")
        form.get_by_role("button", name="提交").click()
        form.wait_for(state="detached")
        turn.get_by_text("反馈已保存").wait_for()
        (line,) = self.stored(example_server, SURVEY)
        assert (line["file"], line["page"]) == ("buoy-trial-report.pdf", 1)
        assert (line["reason"], line["comment"]) == ("wrong_page", "应引用摘要")

    def test_documents_do_not_answer(self, visitor: Visitor, example_server: ServedApp) -> None:
        question = "净水机在月球上能用吗？"
        page = visitor.open()
        ask(page, question).get_by_role("button", name="有问题").click()
        page.get_by_label("文档里没有这个问题的答案").check()
        page.get_by_role("button", name="提交").click()
        page.get_by_role("article").get_by_text("反馈已保存").wait_for()
        assert self.stored(example_server, question)[-1]["answerable"] is False


class TestCopying:
    def test_answer_with_its_sources(self, visitor: Visitor) -> None:
        visitor.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=visitor.url)
        page = visitor.open()
        ask(page, LEAVE).get_by_role("button", name="复制（含来源）").click()
        page.get_by_role("button", name="已复制").wait_for()
        text = page.evaluate("navigator.clipboard.readText()")
        assert text.startswith("根据《员工手册.pdf》第1–2页：“第3.2条")
        assert "\n\n来源\n[1] 员工手册.pdf，第 1–2 页：“第3.2条" in text
        assert re.search(rf"\n    {visitor.url}/c/\S+\n$", text)

    def test_without_a_clipboard(self, visitor: Visitor) -> None:
        visitor.context.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page = visitor.open()
        ask(page, LEAVE).get_by_role("button", name="复制（含来源）").click()
        page.get_by_role("button", name="已复制").wait_for()
        box = page.get_by_label("问题", exact=True)
        box.focus()
        page.keyboard.press("Control+V")
        assert box.input_value().startswith("根据《员工手册.pdf》第1–2页")
