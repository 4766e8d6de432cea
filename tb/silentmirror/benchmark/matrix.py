"""Group "matrix": figures of each cell from its transcript, and the bars that they must keep to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.transaction import Kind

from .cases import TEST_UNIT_READY, TRANSCRIPT_FILE
from .cells import DISCONNECTING, EXAMPLE, ORDINARY, ORDINARY_16, SILENT_16, SILENT_SERIES, Cell
from .figures import Connection, connections, read_transcript
from .minimum import connection_steps

MODULE = "silentmirror.benchmark.matrix_case"
RATIO_BARS = {"Fast-20": 1.10, "Fast-40": 1.10, "Fast-80": 1.15}
"""Largest ratio of bus time to the sum of the minima."""
GAINS = ((ORDINARY, 1.75), (DISCONNECTING, 2.45))
"""How often faster both extensions are to be than another way, at `GAINS_AT`."""
GAINS_AT = (2, 512, "Fast-40")
NEVER_SLOWER = ((SILENT_SERIES, ORDINARY), (SILENT_16, ORDINARY_16))
"""Ways with extensions and the ordinary way of the same transfer length."""


class MatrixError(ValueError):
    """A transcript does not show what the cell was to do."""


@dataclass
class Part:
    """What one kind of step or term takes a block."""

    count: float = 0.0
    ns: float = 0.0
    least_ns: float = 0.0


@dataclass
class CellFigures:
    """One cell; times are ns a block that has been written to all drives."""

    cell: Cell
    blocks: int
    """Counted on the wires: as many as each drive got the data of."""
    bus_ns: float
    least_ns: float
    """Sum of the minimum delays for the same messages and phases: the standard's and those of docs/protocol.md."""
    standard_ns: float
    """The standard's alone."""
    data_ns: float
    selections: int
    reselections: int
    samples: list[float]
    """Bus time of each command or operation, a block."""
    terms: dict[tuple[str, str], Part] = field(default_factory=dict)
    """Minimum delays by name and source."""
    steps: dict[str, Part] = field(default_factory=dict)
    """What each step of the connections took and would take at least."""

    @property
    def ratio(self) -> float:
        """Bus time to the sum of the minimum delays."""
        return self.bus_ns / self.least_ns

    @property
    def standard_ratio(self) -> float:
        """Bus time to the standard's minimum delays alone."""
        return self.bus_ns / self.standard_ns

    @property
    def nexuses(self) -> float:
        """Selections and reselections a block."""
        return (self.selections + self.reselections) / self.blocks

    def failures(self) -> list[str]:
        """What is wrong with this cell by itself."""
        name, found = self.cell.name, []
        bar = RATIO_BARS[self.cell.rate]
        if self.ratio < 1:
            found.append(f"{name}: {self.bus_ns:.1f} ns is below the standard's {self.least_ns:.1f} ns")
        if self.ratio > bar:
            found.append(f"{name}: {self.ratio:.3f} of the minimum, allowed {bar}")
        if self.blocks != self.cell.count:
            found.append(f"{name}: {self.blocks} blocks went over the bus, not {self.cell.count}")
        way, copies = self.cell.way, self.cell.copies
        return found + self.miscounted(way.selections(copies) * self.blocks, way.reselections(copies) * self.blocks)

    def miscounted(self, selections: float, reselections: float) -> list[str]:
        """What is wrong with the counts of nexuses, where these many are due."""
        found = []
        for what, count, due in (
            ("selections", self.selections, selections),
            ("reselections", self.reselections, reselections),
        ):
            if abs(count - due) > 1e-6:
                found.append(f"{self.cell.name}: {count} {what}, expected {due:g}")
        return found

    def to_json(self) -> dict[str, Any]:
        """The cell in matrix.json."""
        cell = self.cell
        head = {"way": cell.way.key, "copies": cell.copies, "block": cell.block, "rate": cell.rate, "seed": cell.seed}
        head |= {"blocks": self.blocks, "bus_ns": self.bus_ns, "minimum_ns": self.least_ns, "ratio": self.ratio}
        head |= {"standard_ns": self.standard_ns}
        head |= {"data_ns": self.data_ns, "overhead_ns": self.bus_ns - self.data_ns, "nexuses": self.nexuses}
        head |= {"selections": self.selections, "reselections": self.reselections}
        head |= {"samples_ns": {"min": min(self.samples), "max": max(self.samples), "count": len(self.samples)}}
        terms = [
            {"name": name, "source": source, "count": part.count, "ns": part.ns}
            for (name, source), part in self.terms.items()
        ]
        steps = [
            {"name": name, "count": part.count, "ns": part.ns, "minimum_ns": part.least_ns}
            for name, part in self.steps.items()
        ]
        return {**head, "terms": terms, "steps": steps}


def measured(found: Sequence[Connection]) -> list[Connection]:
    """The connections of a cell's blocks: those between the last two TEST UNIT READY."""
    marks = [number for number, one in enumerate(found) if one.cdb == TEST_UNIT_READY]
    if len(marks) < 2:
        raise MatrixError("no TEST UNIT READY round the blocks")
    return list(found[marks[-2] + 1 : marks[-1]])


def evaluate(cell: Cell) -> CellFigures:
    """Figures of a cell that has been simulated. MatrixError when its transcript does not show the blocks."""
    found = measured(list(connections(read_transcript(cell.path / TRANSCRIPT_FILE))))
    if not found:
        raise MatrixError(f"{cell.name}: no connection was measured")
    kinds = [one.steps[1].kind for one in found]
    data_ps = sum(p.end_ps - p.start_ps for one in found for p in one.phases if p.phase is not None and p.phase.is_data)
    blocks = _blocks(found, cell)
    figures = CellFigures(
        cell=cell,
        blocks=blocks,
        bus_ns=sum(one.bus_ns for one in found) / blocks,
        least_ns=0.0,
        standard_ns=0.0,
        data_ns=data_ps / 1000 / blocks,
        selections=kinds.count(Kind.SELECTION),
        reselections=kinds.count(Kind.RESELECTION),
        samples=_samples(found, cell),
    )
    if abs(sum(one.bus_ns for one in found) - _span_ns(found)) > 0.001:
        raise MatrixError(f"{cell.name}: the connections do not follow one another")
    for one in found:
        _add_steps(figures, one)
    figures.least_ns = sum(part.ns for part in figures.terms.values())
    figures.standard_ns = sum(part.ns for (_, source), part in figures.terms.items() if source.startswith("spi-facts"))
    return figures


def _blocks(found: Sequence[Connection], cell: Cell) -> int:
    """How many blocks each drive got; MatrixError unless all got the same number of whole blocks, one at least."""
    took = dict.fromkeys(cell.targets, 0)
    for one in found:
        for phase in one.phases:
            if phase.phase is Phase.DATA_OUT or phase.phase is Phase.DT_DATA_OUT:
                target = one.target if phase.by is None else phase.by
                assert target is not None
                took[target] = took.get(target, 0) + len(phase.data)
    (count, *others) = set(took.values())
    if others or not count or count % cell.block:
        told = ", ".join(f"{count} to drive {target}" for target, count in took.items())
        raise MatrixError(f"{cell.name}: bytes of data that went over the bus: {told}")
    return count // cell.block


def _span_ns(found: Sequence[Connection]) -> float:
    end_ps = found[-1].until_ps
    assert end_ps is not None
    return (end_ps - found[0].since_ps) / 1000


def _samples(found: Sequence[Connection], cell: Cell) -> list[float]:
    """Bus time a block of each group of connections that is one command to all drives."""
    size = round(cell.way.nexuses(cell.copies) * cell.way.blocks)
    groups = [found[n : n + size] for n in range(0, len(found), size)]
    return [sum(one.bus_ns for one in group) / cell.way.blocks for group in groups]


def _add_steps(figures: CellFigures, one: Connection) -> None:
    share = 1 / figures.blocks
    since_ps = one.since_ps
    assert one.until_ps is not None
    for step in connection_steps(one.steps, one.agreements, snooped=figures.cell.way.silent):
        end_ps = one.until_ps if step.end_ps is None else step.end_ps
        part = figures.steps.setdefault(step.name, Part())
        part.count += share
        part.ns += (end_ps - since_ps) / 1000 * share
        for term in step.terms:
            part.least_ns += term.ns * share
            told = figures.terms.setdefault((term.name, term.source), Part())
            told.count += share
            told.ns += term.ns * share
        since_ps = end_ps


def example_failures(figures: CellFigures) -> list[str]:
    """What is wrong with one way of the seed's example."""
    return [f"example {failure}" for failure in [*figures.failures(), *figures.miscounted(*EXAMPLE[figures.cell.way])]]


Key = tuple[str, int, int, str]
"""Way, copies, block, rate."""


def by_key(cells: Iterable[CellFigures]) -> dict[Key, CellFigures]:
    """Cells by what they are."""
    return {(one.cell.way.key, one.cell.copies, one.cell.block, one.cell.rate): one for one in cells}


def comparisons(cells: Mapping[Key, CellFigures]) -> list[str]:
    """What is wrong between cells. Pairs of which one was not run are passed over."""
    found = []
    copies, block, rate = GAINS_AT
    both = cells.get((SILENT_SERIES.key, copies, block, rate))
    for way, least in GAINS:
        other = cells.get((way.key, copies, block, rate))
        if both is not None and other is not None and other.bus_ns < least * both.bus_ns:
            gain = other.bus_ns / both.bus_ns
            found.append(f"{both.cell.name}: {gain:.3f} times as fast as {way.key}, at least {least} is asked for")
    for fast, slow in NEVER_SLOWER:
        for (key, *rest), one in cells.items():
            if key != fast.key:
                continue
            other = cells.get((slow.key, *rest))  # type: ignore[arg-type]
            if other is not None and one.bus_ns > other.bus_ns:
                found.append(
                    f"{one.cell.name}: {one.bus_ns:.0f} ns, slower than {other.cell.name} {other.bus_ns:.0f} ns"
                )
    return found
