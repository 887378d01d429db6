"""What axe-core finds on a page that is open in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def axe_faults(page: Page) -> list[str]:
    """The faults of accessibility: each as its rule and the elements that break it."""
    from axe_playwright_python.sync_playwright import Axe  # of the extra browser

    found = Axe().run(page, options=_RULES)
    return [
        f"{fault['id']}: {node['target']} {node['html'][:200]}"
        for fault in found.response["violations"]
        for node in fault["nodes"]
    ]
