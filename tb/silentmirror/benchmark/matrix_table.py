"""The matrix as text: a line a cell while it runs, term by term on demand, markdown for the documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .cells import BLOCKS, COPIES, RATES, WAYS, Way
from .matrix import CellFigures, Key, by_key

CAPTION = """\
Bus time is taken from the wires, from the BUS FREE before the first arbitration to the BUS FREE after the last, over
the blocks written to all drives. A nexus is a selection or reselection. Overhead is bus time less the time of the data
phases. The minimum is the sum of the minimum delays for the same messages and phases: the standard's, and in silent
mirroring what the protocol asks for besides (the wait before a participant takes, 50 ns more for a message byte that
members read along, 90 ns before the leader lets BSY go); ratio = bus time / minimum. "Standard" leaves the protocol's
own delays out.

No cable; one initiator and equal drives; offset 63. In every way the write cache of the drives is on (WCE = 1) and the
medium takes a word a clock, so that the medium's time does not count, all buffers hold 64 KiB, and the host hands
commands over ahead of time. Disconnecting writes carry FUA, because a drive with its cache on has no reason to
disconnect. QAS goes with DT data phases; at Fast-80 all ways have them.
"""


def render_cells(cells: Iterable[CellFigures]) -> str:
    """One line a cell."""
    heads = f"{'cell':38}{'bus us':>10}{'nexuses':>9}{'overhead us':>13}{'minimum us':>12}{'ratio':>8}"
    lines = [f"{heads}{'standard us':>13}{'ratio':>8}{'blocks':>8}"]
    for one in cells:
        lines.append(
            f"{one.cell.name:38}{one.bus_ns / 1000:10.3f}{one.nexuses:9.3f}{(one.bus_ns - one.data_ns) / 1000:13.3f}"
            f"{one.least_ns / 1000:12.3f}{one.ratio:8.3f}{one.standard_ns / 1000:13.3f}{one.standard_ratio:8.3f}"
            f"{one.blocks:8}"
        )
    return "\n".join(lines)


def render_parts(cells: Iterable[CellFigures]) -> str:
    """The minimum of each cell term by term, and each step beside its share of it; all a block."""
    lines = []
    for one in cells:
        lines.append(f"{one.cell.name}: minimum {one.least_ns:.1f} ns a block")
        for (name, source), part in one.terms.items():
            lines.append(f"  {part.ns:10.1f} ns  {part.count:7.3f} x {name} ({source})")
        lines.append(f"  measured {one.bus_ns:.1f} ns a block; steps: measured, minimum, difference of one")
        for name, part in one.steps.items():
            each = (part.ns - part.least_ns) / part.count
            lines.append(f"  {part.ns:10.1f} {part.least_ns:10.1f} {each:10.1f}  {part.count:7.3f} x {name}")
    return "\n".join(lines)


def markdown(cells: Sequence[CellFigures], command: str) -> str:
    """The result table of the documents."""
    found = by_key(cells)
    parts = ["# Ways to write copies: the matrix", "", f"Made by `{command}`.", "", CAPTION]
    parts += ["## Bus time per mirrored block, us", ""]
    for block in BLOCKS:
        parts += [f"Blocks of {block} bytes:", "", *_overview(found, block), ""]
    for block in BLOCKS:
        for rate in RATES:
            parts += [f"## {rate}, blocks of {block} bytes", "", *_details(found, block, rate), ""]
    return "\n".join(parts)


def _overview(found: Mapping[Key, CellFigures], block: int) -> list[str]:
    heads = [f"{rate} x{copies}" for rate in RATES for copies in COPIES]
    lines = ["| way | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * len(heads)]
    for way in WAYS:
        row = [found.get((way.key, copies, block, rate)) for rate in RATES for copies in COPIES]
        if any(row):
            shown = ["" if one is None else f"{one.bus_ns / 1000:.1f}" for one in row]
            lines.append(f"| {way.title} | " + " | ".join(shown) + " |")
    return lines


def _details(found: Mapping[Key, CellFigures], block: int, rate: str) -> list[str]:
    lines = ["| copies | way | bus time us | nexuses | overhead us | minimum us | ratio | standard us | ratio |"]
    lines.append("| ---: | --- |" + " ---: |" * 7)
    for copies in COPIES:
        for way in WAYS:
            one = found.get((way.key, copies, block, rate))
            if one is not None:
                lines.append(_detail(one, way))
    return lines


def _detail(one: CellFigures, way: Way) -> str:
    overhead = (one.bus_ns - one.data_ns) / 1000
    return (
        f"| {one.cell.copies} | {way.title} | {one.bus_ns / 1000:.2f} | {one.nexuses:.2f} | {overhead:.2f} "
        f"| {one.least_ns / 1000:.2f} | {one.ratio:.3f} | {one.standard_ns / 1000:.2f} | {one.standard_ratio:.3f} |"
    )


def render_example(cells: Iterable[CellFigures]) -> str:
    """The seed's example: selections and reselections counted on the wires."""
    lines = ["1 MiB in blocks of 512 bytes to two drives, counted on the wires:"]
    for one in cells:
        ms = one.bus_ns * one.blocks / 1e6
        lines.append(
            f"  {one.cell.way.title:32}{one.blocks:6} blocks{one.selections:6} selections"
            f"{one.reselections:6} reselections{ms:10.3f} ms on the bus"
        )
    return "\n".join(lines)
