"""The evaluation screen: test questions, feedback that becomes one, and a run from its start to its report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_reader import axe_faults
from served import ServedApp, served
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
QUESTION = "工作满十年的员工每年有几天年假？"


@pytest.fixture(scope="module")
def own_server(
    example_storage: Path, tmp_path_factory: pytest.TempPathFactory, model_cache: Path
) -> Iterator[ServedApp]:
    """A server over a copy of the examples, without test questions."""
    storage = tmp_path_factory.mktemp("evaluated") / "storage"
    shutil.copytree(example_storage, storage, ignore=shutil.ignore_patterns("_server"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(storage, "demo") as one:
            yield one


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desktop", "phone"])
def guest(browser: Browser, own_server: ServedApp, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A visitor of `own_server`."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    one = Visitor(context, own_server.url)
    yield one
    context.close()
    one.watch.check()


def questions(server: ServedApp) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.client.get("/api/v1/evaluation/questions").json()["data"]
    return found


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_question_is_added_and_deleted(guest: Visitor, own_server: ServedApp) -> None:
    page = guest.open("/#/evaluation/questions")
    page.get_by_role("button", name="添加测试问题").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("问题", exact=True).fill(QUESTION)
    dialog.get_by_label("文件名").fill("员工手册.pdf")
    dialog.get_by_label("页码").fill("1")
    assert axe_faults(page) == []
    dialog.get_by_role("button", name="保存").click()
    item = page.get_by_role("listitem").filter(has_text=QUESTION)
    item.get_by_text("员工手册.pdf").wait_for()
    assert questions(own_server)[0]["expected"]["page"] == 1
    with page.expect_download() as download:
        page.get_by_role("link", name="下载").click()
    assert QUESTION in Path(download.value.path()).read_text(encoding="utf-8")
    assert fits(page)
    item.get_by_role("button", name="删除").click()
    item.wait_for(state="detached")
    assert questions(own_server) == []


def test_a_label_without_a_place_is_refused_in_words(guest: Visitor) -> None:
    guest.watch.expected.append("422")
    page = guest.open("/#/evaluation/questions")
    page.get_by_role("button", name="添加测试问题").click()
    page.get_by_role("dialog").get_by_label("问题", exact=True).fill(QUESTION)
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    page.get_by_role("alert").filter(has_text="请求里有不能用的值").wait_for()


def test_feedback_becomes_a_corrected_question(guest: Visitor, own_server: ServedApp) -> None:
    client = own_server.client
    answer = client.post("/api/v1/ask", json={"question": QUESTION}).json()
    body = {"rating": "down", "reason": "wrong_page", "comment": "<b>页码</b>不对"}
    client.post(f"/api/v1/answers/{answer['answer_id']}/feedback", json=body).raise_for_status()
    page = guest.open("/#/evaluation/feedback")
    item = page.get_by_role("listitem").filter(has_text=QUESTION)
    item.get_by_text("<b>页码</b>不对").wait_for()
    assert axe_faults(page) == []
    item.get_by_role("button", name="存为测试问题").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("原文").fill("工作满十年的，每年十天")
    dialog.get_by_role("button", name="保存").click()
    item.wait_for(state="detached")
    (question,) = questions(own_server)
    assert question["expected"]["text"] == "工作满十年的，每年十天"
    client.delete(f"/api/v1/evaluation/questions/{question['id']}").raise_for_status()
    answer = client.post("/api/v1/ask", json={"question": QUESTION}).json()
    client.post(f"/api/v1/answers/{answer['answer_id']}/feedback", json={"rating": "up"}).raise_for_status()
    page.reload()
    item.get_by_role("button", name="忽略").click()
    item.wait_for(state="detached")
    assert questions(own_server) == []


def test_a_run_from_its_start_to_its_report(guest: Visitor, own_server: ServedApp) -> None:
    client = own_server.client
    places = {
        QUESTION: {"file": "员工手册.pdf", "page": 1},
        "食堂几点开门？": {"file": "净水机说明书.pdf", "page": 2},
    }
    for question, expected in places.items():
        body = {"question": question, "expected": expected}
        client.post("/api/v1/evaluation/questions", json=body).raise_for_status()
    page = guest.open("/#/evaluation")
    with page.expect_response(lambda one: one.request.method == "POST") as response:
        page.get_by_role("button", name="开始", exact=True).click()
    name = response.value.json()["name"]
    newest = page.locator(".evaluation-list > li").filter(has_text=name)
    newest.get_by_text("已完成", exact=True).wait_for(timeout=120_000)
    newest.get_by_text("平均排名得分").wait_for()
    assert fits(page)
    assert axe_faults(page) == []
    with guest.context.expect_page() as opened:
        newest.get_by_role("link", name="打开报告").click()
    report = opened.value
    report.get_by_role("heading", level=1).wait_for()
    assert report.locator("form.filters").is_visible()  # its script runs
    assert report.evaluate("origin") == "null"  # and belongs to no origin
    report.close()
    newest.get_by_role("link").first.click()
    page.get_by_role("heading", name="最差的问题").wait_for()
    worst = page.get_by_role("listitem").filter(has_text="食堂几点开门？")
    page.get_by_text("全部指标与引擎信息").click()
    assert axe_faults(page) == []
    worst.get_by_role("button", name="净水机说明书.pdf").first.click()
    page.get_by_role("complementary").get_by_text("净水机说明书.pdf").first.wait_for()
    runs = client.get("/api/v1/evaluation/runs").json()["data"]
    if len(runs) > 1:
        page.goto(f"{guest.url}/#/evaluation")
        page.locator(".evaluation-choice").nth(0).click()
        page.locator(".evaluation-choice").nth(1).click()
        page.get_by_role("button", name="比较所选的两次").click()
        page.get_by_text("两次都有的问题 2 题").wait_for()
        assert axe_faults(page) == []
        assert fits(page)
    assert json.dumps(runs).count("/storage") == 0


def test_without_the_scope_it_says_so(guest: Visitor) -> None:
    guest.context.route(
        "**/api/v1/session",
        lambda route: route.fulfill(json={"name": "reader", "scopes": ["read"], "collections": None}),
    )
    page = guest.open("/#/evaluation")
    page.get_by_text("评测需要管理员密钥。").wait_for()
    assert page.get_by_role("navigation").get_by_role("link", name="评测").count() == 0
