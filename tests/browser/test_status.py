"""The status screen: the doctor, jobs, settings, and keys from the first one of an open server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_reader import axe_faults
from served import ServedApp, served
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.fixture
def own_server(example_storage: Path, tmp_path: Path, model_cache: Path) -> Iterator[ServedApp]:
    """An open server over a copy of the examples."""
    shutil.copytree(example_storage, tmp_path / "storage", ignore=shutil.ignore_patterns("_server"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(tmp_path / "storage", "demo") as one:
            yield one


@pytest.fixture
def guest(browser: Browser, own_server: ServedApp, viewport: tuple[int, int]) -> Iterator[Visitor]:
    """A visitor of `own_server`."""
    size = {"width": viewport[0], "height": viewport[1]}
    context = browser.new_context(viewport=size, locale="zh-CN")  # type: ignore[arg-type]
    one = Visitor(context, own_server.url)
    yield one
    context.close()
    one.watch.check()


@pytest.mark.parametrize("viewport", ["desktop", "phone", "narrow"], indirect=True)
def test_the_doctor_and_the_settings(visitor: Visitor) -> None:
    page = visitor.open("/#/status")
    page.get_by_text("全部检查").click(timeout=60_000)
    page.get_by_text("磁盘空间").wait_for()
    page.get_by_role("button", name="重新检查").click()
    page.get_by_role("button", name="重新检查").wait_for(timeout=60_000)
    page.get_by_text("multilingual-e5-small").first.wait_for()
    page.get_by_text("查看全部设置").click()
    page.get_by_label("查找设置").fill("server.port")
    page.get_by_text("1 项", exact=True).wait_for()
    assert axe_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_failed_is_first_with_its_command(visitor: Visitor) -> None:
    checks = [
        {"collection": None, "check": "disk_space", "status": "ok", "message": "Enough.", "command": None},
        {"collection": "demo", "check": "files", "status": "warning", "message": "Changed.", "command": None},
        {
            "collection": "demo",
            "check": "bm25",
            "status": "failed",
            "message": "Damaged.",
            "command": "qa-engine rebuild",
        },
    ]
    visitor.context.route(
        "**/api/v1/doctor", lambda route: route.fulfill(json={"storage": "s", "checks": checks, "failed": 1})
    )
    page = visitor.open("/#/status")
    page.get_by_text("1 项有故障").wait_for()
    shown = page.locator(".status-part").first.get_by_role("listitem")
    assert "Damaged." in shown.nth(0).inner_text()
    assert "Changed." in shown.nth(1).inner_text()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.nth(0).get_by_role("button", name="复制").click()
    shown.nth(0).get_by_role("button", name="已复制").wait_for()
    assert axe_faults(page) == []
    assert page.evaluate("navigator.clipboard.readText()") == "qa-engine rebuild"


def test_a_reader_sees_no_more_than_it_may(visitor: Visitor) -> None:
    visitor.context.route(
        "**/api/v1/session",
        lambda route: route.fulfill(json={"name": "reader", "scopes": ["read"], "collections": None}),
    )
    page = visitor.open("/#/status")
    page.get_by_role("heading", name="任务").wait_for()
    assert page.get_by_role("heading", level=2).all_inner_texts() == ["任务", "服务器"]


def test_a_job_is_shown(guest: Visitor, own_server: ServedApp) -> None:
    own_server.client.put(
        "/api/v1/collections/demo/files/坏.pdf", content=b"%PDF-1.4 broken"
    ).raise_for_status()
    page = guest.open("/#/status")
    page.get_by_role("listitem").filter(has_text="坏.pdf").get_by_text("失败").wait_for(timeout=60_000)


@pytest.mark.parametrize("viewport", ["desktop", "phone"], indirect=True)
def test_keys_from_the_first_one(guest: Visitor, own_server: ServedApp) -> None:
    page = guest.open("/#/status")
    page.get_by_role("button", name="创建第一个密钥").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("名称").fill("运维")
    dialog.get_by_role("button", name="创建", exact=True).click()
    secret = dialog.locator("code").inner_text()
    assert secret.startswith("qae_")
    dialog.get_by_role("button", name="我已保存").click()
    page.get_by_text("当前使用").wait_for()
    assert own_server.client.get("/api/v1/keys").status_code == 401
    headers = {"Authorization": f"Bearer {secret}"}
    assert own_server.client.get("/api/v1/keys", headers=headers).status_code == 200
    page.get_by_role("button", name="创建密钥").click()
    dialog.get_by_label("名称").fill("uploads")
    dialog.get_by_label("权限").select_option("write")
    dialog.get_by_label("demo").check()
    assert axe_faults(page) == []
    dialog.get_by_role("button", name="创建", exact=True).click()
    dialog.get_by_role("button", name="我已保存").click()
    item = page.get_by_role("listitem").filter(has_text="uploads")
    item.get_by_text("写入").wait_for()
    assert secret not in page.content()
    assert axe_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    item.get_by_role("button", name="删除密钥 uploads").click()
    dialog.get_by_role("button", name="删除", exact=True).click()
    item.wait_for(state="detached")
    guest.watch.expected.append("401")
    page.get_by_role("button", name="删除密钥 运维").click()
    page.get_by_text("这是您正在使用的密钥").wait_for()
    dialog.get_by_role("button", name="删除", exact=True).click()
    page.wait_for_url("**/login?**")
