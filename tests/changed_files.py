"""PDFs that are added, changed, moved and taken away, with what they say, for tests that kill who ingests them."""

from __future__ import annotations

import random
from pathlib import Path

from pdf_factory import SOLAR_SYSTEM, english_pdf


class ChangedFiles:
    """A folder of PDFs, and what they say, changed for one operation after the other.

    Attributes:
        docs: the folder, which has four files at first.
        chance: decides what is changed.
        texts: the lines of each file by its name.
    """

    numbers = 10**6
    """The text of a file has a number below this."""

    def __init__(self, docs: Path, seed: int) -> None:
        self.docs = docs
        self.chance = random.Random(seed)
        self.texts: dict[str, list[str]] = {}
        for number in range(4):
            self.write(f"{number:02}.pdf")

    def bring_in(self) -> None:
        """Ingests the files as they are."""
        raise NotImplementedError

    def write(self, name: str) -> None:
        """A file that says something new."""
        lines = [
            f"This is text {self.chance.randrange(self.numbers)}.",
            *SOLAR_SYSTEM[: self.chance.randrange(1, 4)],
        ]
        english_pdf(self.docs / name, lines, header=None)
        self.texts[name] = lines

    def prepare(self, operation: str) -> None:
        """What happens to the files before the operation."""
        while len(self.texts) < 3:
            self.write(f"more{self.chance.randrange(10**6)}.pdf")
        names = sorted(self.texts)
        if operation == "add":
            for _ in range(3):
                self.write(f"new{self.chance.randrange(10**6)}.pdf")
        elif operation == "update":
            for name in self.chance.sample(names, 2):
                self.write(name)
        elif operation == "move":
            name = self.chance.choice(names)
            other = f"moved{self.chance.randrange(10**6)}.pdf"
            (self.docs / name).rename(self.docs / other)
            self.texts[other] = self.texts.pop(name)
        elif operation == "prune":
            name = self.chance.choice(names)
            (self.docs / name).unlink()
            del self.texts[name]
        elif operation == "delete":
            english_pdf(self.docs / "doomed.pdf", ["This text will go.", *SOLAR_SYSTEM])
            self.bring_in()
            (self.docs / "doomed.pdf").unlink()

    def check_texts(self, stored: dict[str, str]) -> None:
        """What is stored of each file is what it says."""
        assert {name: text.replace(" ", "") for name, text in stored.items()} == {
            name: "".join(lines).replace(" ", "") for name, lines in self.texts.items()
        }
