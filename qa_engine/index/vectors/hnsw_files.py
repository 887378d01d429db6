"""Looks for damage in the files of Chroma's vector index, which Chroma reads without a doubt.

Chroma rewrites the files in place: the header first, then changed elements, lengths, links, and the ids last. A process that
is killed in between leaves a header that promises more than is there, and the next search follows links to nowhere: it
finds too little, or the process dies of a segmentation fault. What is checked here holds for every sound index, so nothing
has to be recorded, and no sound index is refused, whoever wrote it.
"""

from __future__ import annotations

import pickletools
import sqlite3
import struct
from bisect import bisect_left
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_HEADER = struct.Struct("<i6QiI3QdQ")
_VERSION = 1
"""Of the header; files of another version are not looked into."""
_ALWAYS = 20_000
"""Elements up to which all links are looked at whenever an index is opened, in 10 ms or so; of more, the sizes alone."""
_STEP = 8192
_LITERALS = {"BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"}
_ID_PARTS = {"total_elements_added", "max_seq_id", "id_to_label", "label_to_id", "id_to_seq_id"}
_NEAR = 1e-3
"""How far the length of a stored vector, which is normalised, may be from 1."""


def find_hnsw_fault(folder: Path, name: str, thorough: bool) -> str | None:
    """What is wrong with the vector index of a Chroma collection in a folder, as a clause; None if nothing is.

    Nobody may be writing to it meanwhile. With ``thorough``, everything is read, however many elements there are.
    """
    for segment in _segments(folder, name):
        if not (segment / "index_metadata.pickle").is_file():
            continue  # Chroma makes it anew from its log, in which everything still is
        try:
            fault = _fault(segment, thorough)
        except OSError as error:
            fault = f"{Path(error.filename or segment).name} cannot be read: {error.strerror or error}"
        except ValueError as error:  # of an id that is no text, or a file that became shorter
            fault = f"it cannot be read: {error}"
        if fault is not None:
            return fault
    return None


def _segments(folder: Path, name: str) -> list[Path]:
    """The folders of the vector index of a collection; none if the database cannot be read, which Chroma reports."""
    try:
        with closing(
            sqlite3.connect(f"{(folder / 'chroma.sqlite3').as_uri()}?mode=ro", uri=True)
        ) as connection:
            rows = connection.execute(
                "SELECT segments.id FROM segments JOIN collections ON collection = collections.id "
                "WHERE scope = 'VECTOR' AND name = ?",
                (name,),
            ).fetchall()
    except sqlite3.Error:
        return []
    return [folder / str(row[0]) for row in rows]


def _fault(segment: Path, thorough: bool) -> str | None:
    header = (segment / "header.bin").read_bytes()
    if header[:4] != _VERSION.to_bytes(4, "little") and len(header) >= _HEADER.size:
        return None
    if len(header) < _HEADER.size:
        return f"header.bin has {len(header)} bytes of {_HEADER.size}"
    _, first, most, count, size, label, data, levels, entry, links, base_links, _, _, _ = _HEADER.unpack_from(
        header
    )
    fits = first == 0 and data == 4 * (1 + base_links) and label + 8 == size and (label - data) % 4 == 0
    if not (fits and count <= most and links <= base_links and (entry < count or not count)):
        return "header.bin holds numbers that do not fit together"
    elements, lengths = segment / "data_level0.bin", segment / "length.bin"
    for file, least in ((elements, count * size), (lengths, 4 * count)):
        if (there := file.stat().st_size) < least:
            return f"{file.name} has {there:,} bytes of {least:,}"
    if not count or not (thorough or count <= _ALWAYS):
        return None
    if _upper_fault(np.fromfile(segment / "link_lists.bin", "<u4"), count, links, entry, levels):
        return "link_lists.bin has links that are none"
    labels = np.empty(count, np.uint64)
    with elements.open("rb") as stored:
        for begin in range(0, count, _STEP):
            rows = min(_STEP, count - begin)
            block = np.fromfile(stored, np.uint8, rows * size).reshape(rows, size)
            labels[begin : begin + rows] = block[:, label:].view("<u8")[:, 0]
            base = block[:, :data].view("<u4")
            counts = base[:, :1] & 0xFFFF
            used = np.arange(base_links) < counts
            if (counts > base_links).any() or (used & (base[:, 1:] >= count)).any():
                return "data_level0.bin has links to elements that are not there"
            if thorough and _are_no_vectors(
                block[:, data:label].view("<f4"), np.fromfile(lengths, "<f4", rows, offset=4 * begin)
            ):
                return "data_level0.bin has vectors that are none"
    if not labels.all() or len(np.unique(labels)) != count:
        return "data_level0.bin has labels that are none"
    return _id_fault(segment / "index_metadata.pickle", labels) if thorough else None


def _are_no_vectors(vectors: NDArray[np.float32], lengths: NDArray[np.float32]) -> bool:
    """Whether any of the vectors is not of length 1; one that was empty when it came stays so."""
    norms = np.linalg.norm(vectors, axis=1)
    is_empty = (norms == 0) & (lengths == 0)
    return not bool((is_empty | (np.abs(norms - 1) <= _NEAR)).all())


def _id_fault(file: Path, labels: NDArray[np.uint64]) -> str | None:
    """What is wrong with the ids of the elements, which Chroma pickles in both directions; it is not unpickled here."""
    parts: dict[str, list[str | int]] = {"": []}
    part = parts[""]
    for operation, value, _ in pickletools.genops(file.read_bytes()):
        if value in _ID_PARTS:
            part = parts.setdefault(value, [])
        elif isinstance(value, str | int) and operation.name in _LITERALS:
            part.append(value)
    ids, back = parts.get("id_to_label", []), parts.get("label_to_id", [])
    label_of = dict(zip(ids[::2], ids[1::2], strict=False))
    id_of = dict(zip(back[::2], back[1::2], strict=False))
    known = set(labels.tolist())
    if {label: name for name, label in label_of.items()} != id_of or not id_of.keys() <= known:
        return f"{file.name} has ids of elements that are not there"
    return None


def _upper_fault(upper: NDArray[np.uint32], count: int, links: int, entry: int, levels: int) -> bool:
    """Whether the links above the lowest level are not sound: for each element their size in bytes, then as many bytes.

    The element where searches begin has all of the levels.
    """
    width = 1 + links
    nonzero = np.flatnonzero(upper).tolist()
    position = done = entry_levels = 0
    blocks: list[int] = []
    while done < count:
        number = bisect_left(nonzero, position)
        following = nonzero[number] if number < len(nonzero) else len(upper)
        done += following - position
        position = following
        if done >= count or following == len(upper):
            break
        size, rest = divmod(int(upper[following]), 4 * width)
        if rest or following + 1 + size * width > len(upper):
            return True
        blocks += range(following + 1, following + 1 + size * width, width)
        entry_levels = size if done == entry else entry_levels
        position += 1 + size * width
        done += 1
    if done != count or position != len(upper) or entry_levels != levels:
        return True
    there = upper[np.array(blocks, np.int64)[:, None] + np.arange(width)]
    counts = there[:, :1] & 0xFFFF
    return bool((counts > links).any() or ((np.arange(links) < counts) & (there[:, 1:] >= count)).any())
