"""The benchmark's figures as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from .minimum import Term


class Figure(Protocol):
    """What a row shows."""

    group: str
    name: str
    unit: str
    samples: list[float]
    minimum: float | None
    terms: list[Term]

    @property
    def value(self) -> float:
        """The median."""

    @property
    def ratio(self) -> float | None:
        """Median to minimum."""


def render(rows: Sequence[Figure]) -> str:
    """One line a figure: min, median and max over all samples, the standard's minimum, the ratio."""
    lines = [f"{'figure':52}{'n':>5}{'min':>11}{'median':>11}{'max':>11}{'minimum':>11}{'ratio':>8}"]
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            lines.append(group)
        spread = "".join(f"{value:11.4f}" if row.unit == "of rate" else f"{value:11.1f}" for value in _spread(row))
        bound = "" if row.minimum is None else f"{row.minimum:11.1f}{row.ratio:8.3f}"
        lines.append(f"  {row.name:50}{len(row.samples):5}{spread}{bound}")
    return "\n".join(lines)


def _spread(row: Figure) -> tuple[float, float, float]:
    return min(row.samples), row.value, max(row.samples)


def render_terms(rows: Iterable[Figure]) -> str:
    """The minimum of each figure, term by term."""
    lines = []
    for row in rows:
        if row.terms:
            lines.append(f"minimum of: {row.group}, {row.name}")
            lines += [f"  {term.ns:10.1f} ns  {term.name} ({term.source})" for term in row.terms]
    return "\n".join(lines)
