"""The pages of the documentation, and the code blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(
    r"(?:<!-- (?P<mark>run|not run: [^>]+) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_SHELLS = {"sh", "bash", "console"}


@dataclass(frozen=True)
class Block:
    """A fenced block, with the line it begins on and the comment before it."""

    page: Path
    line: int
    language: str
    code: str
    mark: str

    @property
    def is_shell(self) -> bool:
        return self.language in _SHELLS

    @property
    def runs(self) -> bool:
        """Python runs unless it is marked ``not run``; shell runs if it is marked ``run``."""
        return self.mark == "run" if self.is_shell else self.language == "python" and not self.mark


def blocks(page: Path) -> Iterator[Block]:
    """The code blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("code")) + 1
        yield Block(page, line, match["language"], match["code"], match["mark"] or "")


def prose(page: Path) -> str:
    """The text of a page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
