"""The table of both directions that is made from the dictionary once, in the cache beside the local model."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from qa_engine.errors import StorageError
from qa_engine.models.e5.preparation import CACHE_VARIABLE, cache_folder
from qa_engine.retrieval.dictionary.cedict import ATTRIBUTION, PACKAGE, Entry, Gloss, data_file, read_entries
from qa_engine.retrieval.dictionary.vocabulary import Vocabulary
from qa_engine.text.tokenizer import HAN_CLASS, TOKENIZER_VERSION

logger = logging.getLogger("qa_engine.retrieval")

PREPARE_AGAIN = "qa-engine models prepare --force"
"""The command that makes the table anew."""
_FORMAT = 1
"""Changes with what the table holds, or how."""
_SCRATCH = ".dictionary-building-"
_MOST_WORDS = 40
"""Chinese words kept for an English phrase: those first that it is the first translation of, then those that jieba knows."""
_MOST_GLOSSES = 16
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chinese (word TEXT PRIMARY KEY, glosses TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE english (stems TEXT PRIMARY KEY, words TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE readings (word TEXT PRIMARY KEY, given TEXT NOT NULL, surname TEXT NOT NULL) WITHOUT ROWID;
"""

_HAN_ONLY = re.compile(f"[{HAN_CLASS}]+")

Progress = Callable[[str], None]


def table_file() -> Path:
    """Where the table is kept; it exists if, and only if, it is complete.

    Its name says of which data it was made, and for which analyser, whose stems it holds.
    """
    return cache_folder() / f"cc-cedict-{version(PACKAGE)}-{TOKENIZER_VERSION}-{_FORMAT}.sqlite3"


def prepare_table(progress: Progress | None = None, force: bool = False) -> Path:
    """Makes the table unless it is there, and returns its place.

    Several processes may call this at once: one makes it, the others wait. It appears in one step, so a process that is
    killed leaves nothing behind that could be taken for the table.

    Args:
        progress: called with one line of text per step.
        force: make it again even if it is there.

    Raises:
        ModelUnavailableError: the dictionary of the package is missing or damaged.
        StorageError: the cache folder cannot be written.
    """
    target = table_file()
    if target.is_file() and not force:
        return target
    source = data_file()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if target.is_file() and not force:
                return target
            # Remains of processes that were killed: the lock says that nobody else makes the table now.
            for remains in target.parent.glob(f"{_SCRATCH}*"):
                remains.unlink(missing_ok=True)
            scratch = target.with_name(f"{_SCRATCH}{os.getpid()}")
            try:
                logger.info("Making the dictionary across languages in %s, which takes some seconds", target)
                (progress or (lambda line: None))(f"reading the dictionary {source}")
                _write(scratch, read_entries(source))
                scratch.replace(target)
            finally:
                scratch.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise StorageError(
            f"The dictionary cannot be written to the cache {target.parent} ({reason}): "
            f"free the space or the permissions, or name another folder in {CACHE_VARIABLE}."
        ) from error
    return target


def check_table(path: Path) -> str:
    """What a table was made from, after a look at all of it.

    Raises:
        StorageError: it is damaged.
    """
    try:
        with closing(Vocabulary(path)) as vocabulary:
            return vocabulary.check()
    except sqlite3.Error as error:
        raise StorageError(f"The dictionary {path} is damaged ({error}): run {PREPARE_AGAIN}.") from error


def _write(path: Path, entries: Iterable[Entry]) -> None:
    glosses: dict[str, dict[str, Gloss]] = defaultdict(dict)
    references: dict[str, dict[str, None]] = defaultdict(dict)
    readings: dict[str, Counter[str]] = defaultdict(Counter)
    surnames: dict[str, str] = {}
    for entry in entries:
        for gloss in entry.glosses:
            glosses[entry.word].setdefault(gloss.text, gloss)
        references[entry.word] |= dict.fromkeys(entry.references)
        if len(entry.word) == len(entry.syllables):
            for character, syllable in zip(entry.word, entry.syllables, strict=True):
                readings[character][syllable.lower()] += 1
        if entry.surname:
            surnames.setdefault(entry.word, entry.surname)
    complete = {word: _with_references(word, glosses, references) for word in references}
    common = {character: counts.most_common(1)[0][0] for character, counts in readings.items()}
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = OFF")  # nobody sees the file before it is complete
        connection.executescript(_SCHEMA)
        about = {
            "attribution": ATTRIBUTION,
            "package": f"{PACKAGE} {version(PACKAGE)}",
            "words": len(complete),
        }
        connection.executemany("INSERT INTO about VALUES (?, ?)", sorted(about.items()))
        connection.executemany(
            "INSERT INTO chinese VALUES (?, ?)",
            (
                (word, "\n".join(f"{gloss.text}\t{' '.join(gloss.stems)}" for gloss in found[:_MOST_GLOSSES]))
                for word, found in sorted(complete.items())
                if found
            ),
        )
        connection.executemany("INSERT INTO english VALUES (?, ?)", _turned_round(glosses))
        connection.executemany(
            "INSERT INTO readings VALUES (?, ?, ?)",
            ((word, common.get(word, ""), surnames.get(word, "")) for word in sorted({*common, *surnames})),
        )


def _with_references(
    word: str, glosses: dict[str, dict[str, Gloss]], references: dict[str, dict[str, None]]
) -> Sequence[Gloss]:
    """The glosses of a word, then those of the words that it refers to."""
    found = dict(glosses.get(word, {}))
    for other in references[word]:
        for text, gloss in glosses.get(other, {}).items():
            found.setdefault(text, gloss)
    return list(found.values())


def _turned_round(glosses: dict[str, dict[str, Gloss]]) -> Iterable[tuple[str, str]]:
    """The words of each gloss, but for those with letters and marks, which are rare."""
    import rjieba

    words: dict[str, dict[str, tuple[int, bool, int]]] = defaultdict(dict)
    for word, found in glosses.items():
        if _HAN_ONLY.fullmatch(word) is None:
            continue
        for rank, gloss in enumerate(found.values()):
            words[" ".join(gloss.stems)].setdefault(
                word, (rank, not rjieba.has_word(word), abs(len(word) - 2))
            )
    for stems, ranks in sorted(words.items()):
        best = sorted(ranks, key=ranks.__getitem__)[:_MOST_WORDS]
        yield stems, "\n".join(best)
