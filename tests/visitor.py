"""Somebody who looks at the web page in a browser, and notices what it must not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


class Watch:
    """What a page must not do: leave its origin, violate its policy, or write errors to the console.

    Attributes:
        faults: what it did all the same.
        expected: parts of the messages that a test brings about on purpose.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.faults: list[str] = []
        self.expected: list[str] = []

    def over(self, page: Page) -> None:
        page.on("console", lambda message: self._say(message.type, f"{message.text} {message.location}"))
        page.on("pageerror", lambda error: self._say("error", str(error)))
        page.on("request", lambda request: self._request(request.url))

    def check(self) -> None:
        left = [fault for fault in self.faults if not any(part in fault for part in self.expected)]
        assert not left, "\n".join(left)

    def _say(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.faults.append(f"{kind}: {text}")

    def _request(self, url: str) -> None:
        if not url.startswith((self._origin, "blob:", "data:", "about:")):
            self.faults.append(f"request: {url}")


class Visitor:
    """Opens pages of a server, all of them watched.

    Attributes:
        context: of the browser.
        watch: of its pages.
        url: of the server.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.watch = Watch(url)
        context.on("page", self.watch.over)

    def open(self, place: str = "/") -> Page:
        """Opens a place of the page, such as ``/#/search``, and waits until it is there."""
        page = self.context.new_page()
        page.goto(f"{self.url}{place}")
        return page
