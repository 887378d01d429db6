"""Charts as inline SVG: each with a name for screen readers, and its data as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from qa_engine.evaluation.reports.template_engine import number, render

_WIDTH, _HEIGHT = 460, 292
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 78
_INNER_WIDTH, _INNER_HEIGHT = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_BINS = 24
_MIN_SECONDS = 1e-6
_STYLES = 4
"""Styles of lines in ``report.css``."""

Point = tuple[float, float | None]


def line_chart(
    identifier: str,
    title: str,
    series: Mapping[str, Sequence[Point]],
    x_name: str,
    ticks: Sequence[tuple[float, str]],
) -> str:
    """Lines of values from 0 to 1; values that are None leave a gap.

    Args:
        identifier: of the figure on the page.
        title: of the chart.
        series: points by name, x rising.
        x_name: name of the x axis.
        ticks: places on the x axis and their labels; the first and the last are its ends.
    """
    low, high = ticks[0][0], ticks[-1][0]

    def across(x: float) -> float:
        return _LEFT + _INNER_WIDTH * ((x - low) / (high - low) if high > low else 0.5)

    lines = []
    for index, (name, points) in enumerate(series.items()):
        dots = [
            (across(x), _up(y), f"{name}, {number(x, 2)}: {number(y)}") for x, y in points if y is not None
        ]
        runs = [[(across(x), _up(y or 0)) for x, y in run] for run in _runs(points)]
        legend = (_LEFT + (index % 2) * _INNER_WIDTH / 2, _HEIGHT - _BOTTOM + 52 + 18 * (index // 2))
        lines.append({"name": name, "style": index % _STYLES, "dots": dots, "runs": runs, "legend": legend})
    labels, columns = dict(ticks), [dict(points) for points in series.values()]
    xs = dict.fromkeys(x for points in series.values() for x, _ in points)
    rows = [[labels.get(x, number(x, 2)), *(number(column.get(x)) for column in columns)] for x in xs]
    places = [(across(x), label) for x, label in ticks]
    return _chart(identifier, title, x_name, lines=lines, ticks=places, head=[x_name, *series], rows=rows)


def histogram(identifier: str, title: str, seconds: Sequence[float], marks: Mapping[str, float]) -> str:
    """How many questions took how long, of at least one; the slowest hundredth is in the last bar.

    ``marks`` are values that get a vertical line, by name.
    """
    ordered = sorted(seconds)
    longest = max(ordered[math.ceil(0.99 * len(ordered)) - 1], _MIN_SECONDS)
    width = longest / _BINS
    counts = [0] * (_BINS + 1)
    for value in ordered:
        counts[min(_BINS, int(value / width))] += 1
    if ordered[-1] <= longest * (1 + 1e-9):
        counts[_BINS - 1] += counts[_BINS]
        counts[_BINS] = 0
    highest = max(counts)
    step = _INNER_WIDTH / (_BINS + 1)
    names = [f"{bin_ * width:.3g}–{(bin_ + 1) * width:.3g}" for bin_ in range(_BINS)]
    names.append(f"{longest:.3g} and more")
    bars = [
        (_LEFT + bin_ * step + 0.5, step - 1, _INNER_HEIGHT * count / highest, f"{names[bin_]}: {count}")
        for bin_, count in enumerate(counts)
    ]
    rules = [
        (_LEFT + min(value / width, _BINS + 0.5) * step, _TOP + 12 + 14 * index, f"{name} {value:.3g} s")
        for index, (name, value) in enumerate(marks.items())
    ]
    return _chart(
        identifier,
        title,
        "seconds",
        highest,
        bars=bars,
        rules=rules,
        ticks=[(_LEFT + bin_ * step, f"{bin_ * width:.3g}") for bin_ in range(0, _BINS + 1, 6)],
        head=["seconds", "questions"],
        rows=[[names[bin_], count] for bin_, count in enumerate(counts) if count],
    )


def _chart(identifier: str, title: str, x_name: str, highest: float = 1, **shapes: object) -> str:
    grid = [(_up(part / 4), f"{highest * part / 4:.3g}") for part in range(5)]
    box = {"width": _WIDTH, "left": _LEFT, "right": _WIDTH - _RIGHT, "top": _TOP, "bottom": _HEIGHT - _BOTTOM}
    empty: dict[str, object] = {"lines": (), "bars": (), "rules": ()}
    return render(
        "chart.html.j2",
        **{**empty, **shapes},
        identifier=identifier,
        title=title,
        x_name=x_name,
        grid=grid,
        box=box,
        height=_HEIGHT,
    )


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """The stretches of two or more points without a gap."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point[1] is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if len(run) > 1]


def _up(y: float) -> float:
    return _HEIGHT - _BOTTOM - _INNER_HEIGHT * y
