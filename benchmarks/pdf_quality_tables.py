"""The tables of ``pdf_quality.py``, from its results."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from pdf_hostile import Outcome, summary_rows
from pdf_measures import NOTHING_FOUND, Found, Leftover
from pdf_pages import FLOATS
from report import Report


def similarity_report(results: dict[str, Any]) -> Report:
    """One row a file, and the means."""
    names = list(next(iter(results.values()))["similarity"])
    rows = [
        [stem, *(f"{entry['similarity'][name]:.3f}" for name in names)] for stem, entry in results.items()
    ]
    with_text = [entry for entry in results.values() if entry["text_layer"]]
    rows.append(_mean_row(f"mean of {len(with_text)} with a text layer", with_text, names))
    rows.append(_mean_row(f"mean of all {len(results)}", list(results.values()), names))
    return Report("Similarity to the reference, characters", ["file", *names], rows)


def sentences_report(results: dict[str, Any]) -> Report:
    """One row a reader and way of cutting."""
    sums: dict[str, Found] = {}
    layered: dict[str, Found] = {}
    for entry in results.values():
        for label, found in entry["found"].items():
            sums[label] = sums.get(label, NOTHING_FOUND) + Found(**found)
            if entry["text_layer"]:
                layered[label] = layered.get(label, NOTHING_FOUND) + Found(**found)
    rows = [
        [label, *_shares(layered.get(label, NOTHING_FOUND)), _share(found.equal, found.total)]
        for label, found in sums.items()
    ]
    total = next(iter(sums.values())).total
    text_total = next(iter(layered.values())).total if layered else 0
    columns = ["reader", "whole", "within", "in text", "whole, all files"]
    notes = [f"{text_total} sentences in files with a text layer, {total} in all."]
    return Report("Sentences of the reference", columns, rows, notes)


def running_report(results: dict[str, Any]) -> Report:
    """One row a reader: share of lines left by layout, and over all."""
    layouts = list(next(iter(results.values())))
    rows = []
    for name, by_layout in results.items():
        total = sum((Leftover(entry["left"], entry["total"]) for entry in by_layout.values()), Leftover(0, 0))
        body = _share(*(sum(entry[key] for entry in by_layout.values()) for key in ("body_kept", "body")))
        lost = sum(entry["headings_lost"] for entry in by_layout.values())
        shares = [_share(by_layout[layout]["left"], by_layout[layout]["total"]) for layout in layouts]
        rows.append([name, *shares, _share(total.left, total.total), body, str(lost)])
    columns = [
        "reader",
        *(layout.removeprefix("running-") for layout in layouts),
        "all",
        "body kept",
        "headings lost",
    ]
    lines = sum(entry["total"] for entry in next(iter(results.values())).values())
    headings = sum(entry["headings"] for entry in next(iter(results.values())).values())
    notes = [f"{lines} lines in the margins, {headings} headings that the header repeats."]
    return Report("Running matter left in the text of made PDFs", columns, rows, notes)


def book_report(results: dict[str, Any]) -> Report:
    """One row a reader."""
    rows = [
        [
            name,
            str(entry["left"]),
            str(entry["total"]),
            _share(entry["left"], entry["total"]),
            f"{entry['body_kept']:.1%}",
        ]
        for name, entry in results["left"].items()
    ]
    notes = [f"{results['pages']} pages, {results['different']} different lines."]
    columns = ["reader", "left", "of", "share", "body lines kept"]
    return Report("Running matter left in the text of the book", columns, rows, notes)


def breaks_report(results: dict[str, Any]) -> Report:
    """One row a reader: share of whole sentences by what stands at the break, language and columns."""
    rows = []
    groups = [*(f"-{kind}" for kind in FLOATS), "-zh-", "-en-", "-1-", "-2-", ""]
    for name, by_pdf in results.items():
        sums = [_sum(by_pdf, group) for group in groups]
        shares = [_share(found.equal, found.total) for found in sums]
        rows.append([name, *shares, _share(sums[-1].within, sums[-1].total)])
    first = next(iter(results.values()))
    columns = ["reader", *FLOATS, "Chinese", "English", "1 column", "2 columns", "all", "all, within"]
    counts = ", ".join(f"{kind} {_sum(first, f'-{kind}').total}" for kind in FLOATS)
    notes = [f"{_sum(first, '').total} breaks: {counts}."]
    return Report("Sentences over a page break that come out whole", columns, rows, notes)


def hostile_report(outcomes: Sequence[Outcome], parser: str) -> Report:
    """One row a category; the files that did not end as they should below."""
    columns = ["category", "files", "right", "crash", "hang", "traceback", "with password", "outcomes"]
    notes = [
        f"{one.file} ({one.category}): {one.outcome}"
        + (f", with its password {one.with_password}" if one.with_password else "")
        + (", traceback" if one.traceback else "")
        + (f", {one.ended}" if one.ended else "")
        for one in outcomes
        if not one.right
    ]
    return Report(f"Hostile files ({parser})", columns, summary_rows(outcomes), notes)


def _mean_row(title: str, entries: list[dict[str, Any]], names: list[str]) -> list[str]:
    if not entries:
        return [title, *("" for _ in names)]
    return [
        title,
        *(f"{statistics.fmean(entry['similarity'][name] for entry in entries):.3f}" for name in names),
    ]


def _sum(by_pdf: dict[str, Any], part: str) -> Found:
    return sum((Found(**found) for name, found in by_pdf.items() if part in name), NOTHING_FOUND)


def _shares(found: Found) -> list[str]:
    return [_share(count, found.total) for count in (found.equal, found.within, found.in_text)]


def _share(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else ""
