"""Takes back what a killed process left half written of Chroma's vector index, so that the next one can go on.

Chroma writes the changes of some thousand vectors in place, and forgets them in its log only when all is written. What it
overwrites is small, but for the elements, of which new ones come behind the old: the rest is kept here from before. With it
the old elements are an index again, and Chroma applies its log to it anew.
"""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import struct
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from qa_engine.index.disk.atomic_file import make_folder, open_private

logger = logging.getLogger("qa_engine.index")
_FILES = ("header.bin", "length.bin", "link_lists.bin", "index_metadata.pickle")
_FACTS = "facts.json"
_SHAPE = struct.Struct("<20xQQ8xQ")
"""Of the header: the number of elements, the size of one, and where its vector begins, behind its links."""


def keep_files(folder: Path, kept: Path) -> None:
    """Copies the files of the vector indexes of a Chroma folder that Chroma overwrites, if they are others than last time.

    Nobody may be writing to them. Where there is no room for the copies, there are none.
    """
    with suppress(OSError, sqlite3.Error):
        sequences = _sequences(folder)
        for old in kept.iterdir() if kept.is_dir() else ():
            if old.name not in sequences:
                shutil.rmtree(old, ignore_errors=True)
        for name, sequence in sequences.items():
            segment = folder / name
            if not all((segment / file).is_file() for file in _FILES):
                continue
            states = [(segment / file).stat() for file in _FILES]
            facts = [sequence, *([state.st_size, state.st_mtime_ns] for state in states)]
            if _facts(kept / name) == facts:
                continue
            scratch = kept / f"{name}.new"
            shutil.rmtree(scratch, ignore_errors=True)
            shutil.rmtree(kept / name, ignore_errors=True)
            make_folder(scratch)
            contents = {file: (segment / file).read_bytes() for file in _FILES}
            for file, content in {**contents, _FACTS: json.dumps(facts).encode()}.items():
                with open_private(scratch / file, "wb") as copy:
                    copy.write(content)
            scratch.rename(kept / name)


def roll_back(folder: Path, kept: Path) -> bool:
    """Brings vector indexes that were being written back to what they were before; whether there was one to bring back.

    Only while Chroma's log still has all that came since: that is, before Chroma noted that all was written.
    """
    done = False
    with suppress(sqlite3.Error, ValueError):  # the latter of elements that were lost otherwise
        for name, sequence in _sequences(folder).items():
            facts = _facts(kept / name)
            if facts and facts[0] == sequence and (folder / name).is_dir():
                _drop_new_links(folder / name / "data_level0.bin", (kept / name / "header.bin").read_bytes())
                for file in _FILES:
                    shutil.copyfile(kept / name / file, folder / name / file)
                logger.warning(
                    "the vectors in %s were half written by a process that ended: taken back", folder
                )
                done = True
    return done


def _drop_new_links(elements: Path, header: bytes) -> None:
    """Cuts off the elements that are new, and takes out the links to them."""
    count, size, data = _SHAPE.unpack_from(header)
    stored = np.fromfile(elements, np.uint8, count * size).reshape(count, size)
    links = stored[:, :data].copy().view("<u4")
    counts = links[:, 0] & 0xFFFF
    stale = (links[:, 1:] >= count) & (np.arange(links.shape[1] - 1) < counts[:, None])
    for row in np.flatnonzero(stale.any(axis=1)):
        good = links[row, 1 : 1 + counts[row]][~stale[row, : counts[row]]]
        links[row, 1 : 1 + len(good)] = good
        links[row, 0] = links[row, 0] - counts[row] + len(good)
    stored[:, :data] = links.view(np.uint8)
    with elements.open("r+b") as file:
        file.write(stored.tobytes())
        file.truncate()


def _sequences(folder: Path) -> dict[str, int]:
    """The vector indexes of a folder, and the number in Chroma's log up to which each is written; -1 for none."""
    with closing(sqlite3.connect(f"{(folder / 'chroma.sqlite3').as_uri()}?mode=ro", uri=True)) as connection:
        return dict(
            connection.execute(
                "SELECT id, COALESCE(seq_id, -1) FROM segments LEFT JOIN max_seq_id ON segment_id = id "
                "WHERE scope = 'VECTOR'"
            )
        )


def _facts(kept: Path) -> list[object]:
    """What stands in the copy of an index; nothing without one."""
    with suppress(OSError, ValueError):
        facts: list[object] = json.loads((kept / _FACTS).read_text(encoding="utf-8"))
        return facts
    return []
