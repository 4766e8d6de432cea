"""The table that a run ends with."""

from __future__ import annotations

from collections.abc import Mapping

from .measure import WayFigures

REFERENCE_WAY = "normal"
"""The way that the ratio column compares with."""

_HEAD = (
    "way",
    "arbitrations",
    "selections",
    "reselections",
    "switch-roles",
    "bus time us",
    "data time us",
    "overhead us",
    "MB/s",
    "ratio",
)


def render_table(runs: Mapping[str, WayFigures]) -> str:
    """One line a way; `ratio` is throughput against ordinary writes that never disconnect."""
    reference = runs.get(REFERENCE_WAY)
    rows = [_HEAD]
    for way, figures in runs.items():
        ratio = f"{reference.bus_time_ns / figures.bus_time_ns:.3f}" if reference else "-"
        rows.append(
            (
                way,
                str(figures.arbitrations),
                str(figures.selections),
                str(figures.reselections),
                str(figures.switch_roles),
                f"{figures.bus_time_ns / 1000:.1f}",
                f"{figures.data_time_ns / 1000:.1f}",
                f"{figures.overhead_ns / 1000:.1f}",
                f"{figures.throughput_mb_s:.3f}",
                ratio,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
