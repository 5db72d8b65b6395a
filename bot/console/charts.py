"""Charts drawn as SVG by the server: bars and a week's heat map. Colours come from the style sheet, so that both schemes have theirs.

A chart says what it shows in three ways: a title that states the finding, a sentence for those who hear it, and a table of its data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 480
ROW = 26
LABEL = 176
"""Room for a bar's name."""
HEAT_LEFT, HEAT_TOP, CELL_W, CELL_H = 40, 6, 18, 18


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its length, and what is written at its end. `second` is a mark beyond it (the 90th percentile)."""

    label: str
    value: float
    text: str
    second: float | None = None


@dataclass(frozen=True)
class Chart:
    """A chart with all that stands around it.

    Attributes:
        id: in addresses: "wait", "topics", …
        title: states the finding.
        summary: one sentence for who cannot see it; the SVG's name.
        columns, rows: the table behind "see the data", and the CSV.
    """

    id: str
    title: str
    summary: str
    svg: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float]]


def bars(summary: str, given: Sequence[Bar]) -> str:
    """Horizontal bars with direct labels; no legend, no axis to read."""
    height = ROW * len(given) + 4
    room = WIDTH - LABEL - 92
    most = max((max(bar.value, bar.second or 0) for bar in given), default=0) or 1
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(summary)}" class="chart">']
    for number, bar in enumerate(given):
        top = number * ROW + 2
        long = max(2.0, bar.value / most * room)
        parts.append(f'<text x="{LABEL - 8}" y="{top + 16}" class="name">{escape(_cut(bar.label))}</text>')
        parts.append(f'<rect x="{LABEL}" y="{top + 3}" width="{long:.0f}" height="17" rx="3" class="bar"/>')
        end = long
        if bar.second is not None:
            end = max(long, bar.second / most * room)
            parts.append(f'<path d="M{LABEL + end:.0f} {top + 3}v17M{LABEL + long:.0f} {top + 11.5}H{LABEL + end:.0f}" class="mark"/>')
        parts.append(f'<text x="{LABEL + end + 7:.0f}" y="{top + 16}" class="value">{escape(bar.text)}</text>')
    return "".join(parts) + "</svg>"


def week(summary: str, counted: Mapping[tuple[int, int], int], days: Sequence[str]) -> str:
    """Seven rows of 24 hours; the fuller, the darker, in five steps."""
    most = max(counted.values(), default=0) or 1
    parts = [
        f'<svg viewBox="0 0 {HEAT_LEFT + 24 * CELL_W + 6} {HEAT_TOP + 7 * CELL_H + 18}" role="img" '
        f'aria-label="{escape(summary)}" class="chart heat">'
    ]
    for day in range(7):
        top = HEAT_TOP + day * CELL_H
        parts.append(f'<text x="{HEAT_LEFT - 6}" y="{top + 13}" class="name">{escape(days[day])}</text>')
        # one path a step and day instead of a rectangle an hour: a third of the bytes
        for step in range(5):
            hours = [h for h in range(24) if _step(counted.get((day, h), 0), most) == step]
            if hours:
                path = "".join(f"M{HEAT_LEFT + h * CELL_W} {top}h16v16h-16z" for h in hours)
                parts.append(f'<path d="{path}" class="h{step}"/>')
    foot = HEAT_TOP + 7 * CELL_H + 13
    parts += [f'<text x="{HEAT_LEFT + h * CELL_W}" y="{foot}" class="hour">{h}</text>' for h in range(0, 24, 6)]
    return "".join(parts) + "</svg>"


def _step(count: int, most: int) -> int:
    return 0 if count == 0 else min(4, 1 + int(3.999 * count / most))


def _cut(label: str) -> str:
    return label if len(label) <= 23 else f"{label[:22]}…"
