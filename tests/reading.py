"""What tests of the reader of the web page do: open it at a place, and look at its marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from served import ServedApp

if TYPE_CHECKING:
    from playwright.sync_api import Page

_OPEN = """async ([wanted, beside]) => {
  const main = document.querySelector("script[type=module]").src;
  const { openReader } = await import(new URL("reader/target.js", main));
  openReader(wanted, beside);
}"""
_DRAWN = """() => {
  const images = [...document.querySelectorAll(".reader .sheet img")];
  return images.length > 0 && images.every((image) => image.complete && image.naturalWidth > 0);
}"""


def answer_of(server: ServedApp, question: str) -> dict[str, Any]:
    """The answer to a question."""
    response = server.client.post("/api/v1/ask", json={"question": question})
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def open_reader(page: Page, wanted: dict[str, Any], beside: list[dict[str, Any]] | None = None) -> None:
    """Opens the reader as a screen does, and waits until its pages are drawn."""
    page.evaluate(_OPEN, [wanted, beside or []])
    wait_for_pages(page)


def wait_for_pages(page: Page) -> None:
    """Waits until the pages that the reader shows are drawn."""
    page.wait_for_function(_DRAWN)
