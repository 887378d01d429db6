"""Charts as inline SVG: each with a name for screen readers, and its data as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from qa_engine.evaluation.html.elements import number, table, text

_WIDTH, _HEIGHT = 460, 292
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 78
_BINS = 24
_SHORTEST = 1e-6
_KINDS = 4

Point = tuple[float, float | None]


def line_chart(
    identifier: str,
    title: str,
    series: Mapping[str, Sequence[Point]],
    x_name: str,
    ticks: Sequence[tuple[float, str]],
    note: str = "",
) -> str:
    """Lines of values from 0 to 1; those of a series that are None leave a gap.

    Args:
        identifier: of the figure on the page.
        title: what it shows.
        series: points by name, x rising.
        x_name: what x is.
        ticks: places on the x axis and their labels; the first and the last are its ends.
        note: a sentence below it.
    """
    low, high = ticks[0][0], ticks[-1][0]
    parts = [_grid(), *(_tick(_across(x, low, high), label) for x, label in ticks)]
    for kind, (name, points) in enumerate(series.items()):
        style = kind % _KINDS
        shown = [(_across(x, low, high), _up(y), x, y) for x, y in points if y is not None]
        for run in _runs(points):
            path = " ".join(f"{_across(x, low, high):.1f},{_up(y or 0):.1f}" for x, y in run)
            parts.append(f'<polyline class="line k{style}" points="{path}"/>')
        parts += [
            f'<circle class="p{style}" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{text(name)}, {number(at, 2)}: '
            f"{number(value)}</title></circle>"
            for x, y, at, value in shown
        ]
        parts.append(_legend(kind, name))
    parts.append(_axis_name(x_name))
    labels = dict(ticks)
    places = list(dict.fromkeys(x for points in series.values() for x, _ in points))
    values = {name: dict(points) for name, points in series.items()}
    rows = [
        [text(labels.get(x, number(x, 2))), *(number(values[name].get(x)) for name in series)] for x in places
    ]
    return _figure(identifier, title, "".join(parts), table(title, [x_name, *series], rows, True), note)


def histogram(identifier: str, title: str, seconds: Sequence[float], marks: Mapping[str, float]) -> str:
    """How many questions took how long; the slowest hundredth is in the last bar.

    Args:
        identifier: of the figure on the page.
        title: what it shows.
        seconds: at least one.
        marks: values to draw a line at, by name.
    """
    ordered = sorted(seconds)
    most = ordered[min(len(ordered) - 1, math.ceil(0.99 * len(ordered)) - 1)]
    most = max(most, _SHORTEST)
    width = most / _BINS
    counts = [0] * (_BINS + 1)
    for value in ordered:
        counts[min(_BINS, int(value / width))] += 1
    if counts[_BINS] and ordered[-1] <= most * (1 + 1e-9):
        counts[_BINS - 1] += counts[_BINS]
        counts[_BINS] = 0
    highest = max(counts)
    step = (_WIDTH - _LEFT - _RIGHT) / (_BINS + 1)
    parts = [_grid(highest)]
    for place, count in enumerate(counts):
        height = (_HEIGHT - _TOP - _BOTTOM) * count / highest
        parts.append(
            f'<rect class="bar" x="{_LEFT + place * step + 0.5:.1f}" y="{_HEIGHT - _BOTTOM - height:.1f}" '
            f'width="{step - 1:.1f}" height="{height:.1f}"><title>{_bin(place, width)}: {count}</title></rect>'
        )
    for place in range(0, _BINS + 1, 6):
        parts.append(_tick(_LEFT + place * step, f"{place * width:.3g}"))
    for place, (name, value) in enumerate(marks.items()):
        x = _LEFT + min(value / width, _BINS + 0.5) * step
        late = x > 0.75 * _WIDTH
        parts.append(
            f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
            f'<text x="{x - 4 if late else x + 4:.1f}" y="{_TOP + 12 + 14 * place}" '
            f'text-anchor="{"end" if late else "start"}">{text(name)} {value:.3g} s</text>'
        )
    parts.append(_axis_name("seconds"))
    rows = [[_bin(place, width), str(count)] for place, count in enumerate(counts) if count]
    return _figure(identifier, title, "".join(parts), table(title, ["seconds", "questions"], rows, True))


def _bin(place: int, width: float) -> str:
    if place == _BINS:
        return f"{place * width:.3g} and more"
    return f"{place * width:.3g}–{(place + 1) * width:.3g}"


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    runs: list[list[Point]] = [[]]
    for point in points:
        if point[1] is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if len(run) > 1]


def _across(x: float, low: float, high: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * ((x - low) / (high - low) if high > low else 0.5)


def _up(y: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * y


def _grid(highest: float = 1) -> str:
    lines = []
    for part in range(5):
        y = _up(part / 4)
        label = f"{highest * part / 4:.3g}"
        lines.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        )
    return "".join(lines)


def _tick(x: float, label: str) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{text(label)}</text>'


def _axis_name(name: str) -> str:
    return (
        f'<text class="tick" x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" y="{_HEIGHT - _BOTTOM + 32}" '
        f'text-anchor="middle">{text(name)}</text>'
    )


def _legend(kind: int, name: str) -> str:
    x = _LEFT + (kind % 2) * (_WIDTH - _LEFT - _RIGHT) / 2
    y = _HEIGHT - _BOTTOM + 52 + 18 * (kind // 2)
    style = kind % _KINDS
    return (
        f'<line class="line k{style}" x1="{x:.0f}" x2="{x + 22:.0f}" y1="{y - 4}" y2="{y - 4}"/>'
        f'<text x="{x + 28:.0f}" y="{y}">{text(name)}</text>'
    )


def _figure(identifier: str, title: str, drawing: str, data: str, note: str = "") -> str:
    told = f"<p>{text(note)}</p>" if note else ""
    return (
        f'<figure id="{identifier}"><h3 id="{identifier}-title">{text(title)}</h3>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="{identifier}-title">{drawing}</svg>'
        f"<figcaption>{told}<details><summary>The data</summary>{data}</details></figcaption></figure>"
    )
