"""Tells the first pages of a file whose name begins with ``wait``, and goes on when it is asked to stop."""

from __future__ import annotations

import time

from job_children import plain
from qa_engine.server.jobs import child


def main() -> None:
    def pages_read(self: child.ToldProgress, path: str, done: int, of: int) -> None:
        if "/wait" in path:
            self.messages.send("pages", path=path, read=done, of=of)
            while not self.stopped():
                time.sleep(0.01)

    child.ToldProgress.pages_read = pages_read  # type: ignore[method-assign]
    plain.main()
