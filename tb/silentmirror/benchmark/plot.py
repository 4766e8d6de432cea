"""The plot of data rates against offset and length of cable, with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from .rows import Row

_COLOURS = ("#1b6ca8", "#2a9d57", "#c8553d")
_STYLES = {"out": "-", "in": "--"}
_MARKS = {"out": "o", "in": "s"}
GOAL = 98
"""Per cent of the agreed rate that data phases are to reach."""


def draw(rows: Sequence[Row], file: Path) -> list[Path]:
    """One panel a rate, one line a length of cable and direction; writes `file`.svg and .png and returns both."""
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "silentmirror"  # the same figures make the same file
    from matplotlib import pyplot

    rates = sorted({row.params["rate"] for row in rows})
    cables = sorted({row.params["cable_m"] for row in rows})
    figure, panels = pyplot.subplots(1, len(rates), figsize=(4 * len(rates), 4), sharey=True, squeeze=False)
    for panel, rate in zip(panels[0], rates, strict=True):
        for cable, colour in zip(cables, _COLOURS, strict=True):
            for direction in _STYLES:
                _line(panel, rows, rate, cable, direction, colour)
        _axes(panel, rate)
    panels[0][0].set_ylabel("share of the agreed rate, %")
    panels[0][-1].legend(loc="lower right", fontsize=8)
    figure.suptitle("Data phases of 512 bytes: rate against REQ/ACK offset and length of cable", fontsize=11)
    figure.tight_layout()
    files = [file.with_suffix(suffix) for suffix in (".svg", ".png")]
    for path in files:
        figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
    return files


def _line(panel: Any, rows: Sequence[Row], rate: str, cable: float, direction: str, colour: str) -> None:
    same = {"rate": rate, "cable_m": cable, "direction": direction}
    points = sorted(
        (row.params["offset"], 100 * row.value) for row in rows if {name: row.params[name] for name in same} == same
    )
    offsets, shares = zip(*points, strict=True)
    label = f"{cable:g} m, DATA {direction.upper()}"
    mark = _MARKS[direction]
    panel.plot(
        offsets, shares, _STYLES[direction], color=colour, marker=mark, markersize=3.5, linewidth=1.2, label=label
    )


def _axes(panel: Any, rate: str) -> None:
    panel.set_title(rate, fontsize=10)
    panel.set_xscale("log", base=2)
    panel.set_xticks([1, 2, 4, 8, 16, 32, 63], labels=["1", "2", "4", "8", "16", "32", "63"])
    panel.minorticks_off()
    panel.set_xlabel("offset")
    panel.set_ylim(0, 105)
    panel.axhline(GOAL, color="#888888", linewidth=0.8, linestyle=":")
    panel.text(1, GOAL + 1, f"{GOAL} %", fontsize=7, color="#666666")
    panel.grid(visible=True, linewidth=0.3)
