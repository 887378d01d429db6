"""Pieces of lines in, whole lines out: what stands on one baseline belongs together."""

from __future__ import annotations

from collections.abc import Iterable

from qa_engine.documents.blocks import Line

_SAME_BASELINE = 0.5


def rows_of(pieces: Iterable[Line]) -> list[list[Line]]:
    """Pieces by baseline from top to bottom, in a row from left to right."""
    rows: list[list[Line]] = []
    for piece in sorted(pieces, key=lambda piece: ((piece.y0 + piece.y1) / 2, piece.x0)):
        if rows and any(baseline_overlap(other, piece) > _SAME_BASELINE for other in rows[-1][-3:]):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [sorted(row, key=lambda piece: piece.x0) for row in rows]


def joined(row: list[Line]) -> Line:
    """One line out of the pieces of a row."""
    longest = max(row, key=lambda piece: len(piece.text))
    text, cuts = "", list[tuple[int, float]]()
    for piece in row:
        if text:
            text += " "
            cuts.append((len(text), piece.x0))
        cuts.extend((len(text) + end, x) for end, x in piece.cuts)
        text += piece.text
    return Line(
        text,
        row[0].page,
        min(piece.x0 for piece in row),
        min(piece.y0 for piece in row),
        max(piece.x1 for piece in row),
        max(piece.y1 for piece in row),
        longest.size,
        row[0].block,
        longest.bold,
        tuple(cuts),
    )


def baseline_overlap(first: Line, second: Line) -> float:
    """The share, 0 to 1, of the lower of two lines that is beside the other; below 0 if they are apart."""
    shared = min(first.y1, second.y1) - max(first.y0, second.y0)
    return shared / max(min(first.y1 - first.y0, second.y1 - second.y0), 0.1)
