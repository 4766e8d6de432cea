"""The matrix of ways to write copies: figures from a transcript that is made up here, bars, tables. No simulator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocotbext.scsi.agreement import Period
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.transaction import Kind, Transaction
from silentmirror import build
from silentmirror.benchmark import jobs
from silentmirror.benchmark.cases import OUTCOME_FILE, TRANSCRIPT_FILE
from silentmirror.benchmark.cells import (
    BLOCKS,
    COPIES,
    DISCONNECTING,
    ORDINARY,
    ORDINARY_16,
    RATES,
    SILENT,
    SILENT_16,
    SILENT_SERIES,
    SILENT_STATUS,
    WAYS,
    Cell,
    Way,
    example,
    matrix,
)
from silentmirror.benchmark.matrix import CellFigures, MatrixError, by_key, comparisons, evaluate, example_failures
from silentmirror.benchmark.matrix_table import markdown, render_parts

READY = bytes(6)
WRITE = bytes.fromhex("2a000000000100000100")


class Wire:
    """Makes up a transcript: one thing after the other."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.lines = [Transaction(Kind.BUS_FREE, 0, 400_000)]

    def connection(self, target: int, *phases: tuple[Phase, bytes], ns: int, lost: bool = False) -> None:
        """A connection of `ns` from BUS FREE to BUS FREE."""
        start = self.now_ns * 1000
        self._add(Kind.ARBITRATION, start + 1_300_000, contenders=[7], winner=7)
        self._add(Kind.SELECTION, start + 5_000_000, initiator=7, target=target, answered=True)
        for number, (phase, data) in enumerate(phases):
            at_ps = start + 6_000_000 + number * 1_000_000
            self._add(Kind.PHASE, at_ps, phase=phase, data=b"" if lost else data, by=target, target=target, initiator=7)
        self.now_ns += ns
        self.lines.append(Transaction(Kind.BUS_FREE, self.now_ns * 1000, self.now_ns * 1000 + 400_000))

    def _add(self, kind: Kind, start_ps: int, **fields: object) -> None:
        one = Transaction(kind, start_ps, start_ps + 500_000)
        for name, value in fields.items():
            setattr(one, name, value)
        self.lines.append(one)

    def ready(self) -> None:
        """TEST UNIT READY."""
        self.connection(5, (Phase.MSG_OUT, b"\x80"), (Phase.COMMAND, READY), ns=9000)

    def agree(self, target: int) -> None:
        """Fast-40, wide."""
        ppr = bytes([1, 6, 4, Period.FAST_40, 0, 63, 1, 0])
        self.connection(target, (Phase.MSG_OUT, b"\x80" + ppr), (Phase.MSG_IN, ppr), ns=9000)

    def write(self, target: int, *, ns: int, lost: bool = False) -> None:
        """A write of 512 bytes."""
        out = (Phase.MSG_OUT, b"\x80"), (Phase.COMMAND, WRITE), (Phase.DATA_OUT, bytes(512))
        self.connection(target, *out, (Phase.STATUS, b"\0"), (Phase.MSG_IN, b"\0"), ns=ns, lost=lost)

    def save(self, folder: Path) -> None:
        """As a simulation leaves it."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(one.to_json()) + "\n" for one in self.lines)
        (folder / TRANSCRIPT_FILE).write_text(lines)


LEAST_NS = 2 * (5380 + 490 + 900 + 6800 + 895 + 450)
"""A block to two drives, ordinary, untagged, at Fast-40."""


def played(
    folder: Path, *, ns: int, way: Way = ORDINARY, lost: bool = False, targets: Sequence[int] = (5, 4, 5, 4)
) -> Cell:
    """Two blocks to drives 5 and 4, or a block to each of `targets`."""
    wire = Wire()
    for target in (5, 4):
        wire.agree(target)
    wire.ready()
    for target in targets:
        wire.write(target, ns=ns, lost=lost)
    wire.ready()
    wire.save(folder)
    return Cell(str(folder), way, 2, 512, "Fast-40", 1, 2)


def test_figures_of_a_cell(tmp_path: Path) -> None:
    figures = evaluate(played(tmp_path, ns=15_500))
    assert (figures.bus_ns, figures.least_ns, figures.standard_ns) == (31_000, LEAST_NS, LEAST_NS)
    assert (figures.selections, figures.reselections, figures.nexuses) == (4, 0, 2)
    assert (figures.data_ns, figures.samples) == (1000, [31_000, 31_000])
    assert figures.failures() == []
    assert sum(part.ns for part in figures.steps.values()) == pytest.approx(31_000)
    assert sum(part.least_ns for part in figures.steps.values()) == pytest.approx(LEAST_NS)
    told = figures.to_json()
    assert told["overhead_ns"] == 30_000
    assert sum(term["ns"] for term in told["terms"]) == pytest.approx(LEAST_NS)


def test_each_bar_can_be_missed(tmp_path: Path) -> None:
    (slow,) = evaluate(played(tmp_path, ns=17_000)).failures()
    assert slow.startswith("ordinary-2x512-Fast-40: 1.140 of the minimum, allowed 1.1")
    (fast,) = evaluate(played(tmp_path, ns=14_500)).failures()
    assert "below the standard's" in fast
    (many,) = evaluate(played(tmp_path, ns=15_500, way=DISCONNECTING)).failures()
    assert many.endswith("0 reselections, expected 4")
    (less,) = evaluate(replace(played(tmp_path, ns=15_500), count=3)).failures()
    assert less.endswith("2 blocks went over the bus, not 3")


EXAMPLE_NEXUSES = {"ordinary": (4096, 0), "disconnecting": (4096, 4096), "silent": (2048, 4096)}
"""Selections and reselections of 1 MiB in blocks of 512 bytes to two drives, as the seed counts them."""


def in_example(one: Cell, **changed: Any) -> list[str]:
    """What is wrong with one way of the seed's example when `changed` is not as it should be."""
    selections, reselections = EXAMPLE_NEXUSES[one.way.key]
    figures = CellFigures(one, 2048, 105.0, 100.0, 100.0, 0.0, selections, reselections, [105.0])
    return example_failures(replace(figures, **changed))


@pytest.mark.parametrize("one", example(Path(), 1), ids=lambda one: str(one.way.key))
def test_the_example_is_judged_by_the_wires(one: Cell) -> None:
    selections, reselections = EXAMPLE_NEXUSES[one.way.key]
    assert in_example(one) == []
    assert any(told.endswith(f"expected {selections}") for told in in_example(one, selections=selections - 1))
    assert any(told.endswith(f"expected {reselections}") for told in in_example(one, reselections=reselections + 1))
    assert any("2047 blocks" in told for told in in_example(one, blocks=2047))
    (slow,) = in_example(one, bus_ns=111.0)
    assert slow.endswith("1.110 of the minimum, allowed 1.1")
    half = in_example(one, blocks=1024, selections=selections // 2, reselections=reselections // 2)
    assert f"example {one.name}: {selections // 2} selections, expected {selections}" in half


def test_every_way_of_the_example_is_there() -> None:
    assert {one.way.key for one in example(Path(), 1)} == set(EXAMPLE_NEXUSES)
    assert {(one.copies, one.block, one.count) for one in example(Path(), 1)} == {(2, 512, 2048)}


def test_a_cell_without_its_data_is_no_cell(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match="0 to drive 5, 0 to drive 4"):
        evaluate(played(tmp_path, ns=15_500, lost=True))
    with pytest.raises(MatrixError, match="1024 to drive 5, 512 to drive 4"):
        evaluate(played(tmp_path, ns=15_500, targets=(5, 4, 5)))
    Wire().save(tmp_path)
    with pytest.raises(MatrixError, match="TEST UNIT READY"):
        evaluate(Cell(str(tmp_path), ORDINARY, 2, 512, "Fast-40", 1, 2))


def cell(way: Way, bus_ns: float, copies: int = 2, block: int = 512, rate: str = "Fast-40") -> CellFigures:
    """A cell that only has a bus time."""
    one = Cell("", way, copies, block, rate, 1)
    return CellFigures(one, 16, bus_ns, bus_ns, bus_ns, 0.0, 0, 0, [bus_ns])


def test_bars_between_ways() -> None:
    assert comparisons(by_key([cell(ORDINARY, 1750), cell(DISCONNECTING, 2450), cell(SILENT_SERIES, 1000)])) == []
    missed = comparisons(by_key([cell(ORDINARY, 1700), cell(DISCONNECTING, 2400), cell(SILENT_SERIES, 1000)]))
    assert [line.split(": ")[1][:16] for line in missed] == ["1.700 times as f", "2.400 times as f"]


@pytest.mark.parametrize(("fast", "slow"), [(SILENT_SERIES, ORDINARY), (SILENT_16, ORDINARY_16)])
def test_extensions_are_never_slower(fast: Way, slow: Way) -> None:
    at = {"copies": 15, "block": 4096, "rate": "Fast-80"}
    assert comparisons(by_key([cell(fast, 1000, **at), cell(slow, 1000, **at)])) == []  # type: ignore[arg-type]
    (told,) = comparisons(by_key([cell(fast, 1001, **at), cell(slow, 1000, **at)]))  # type: ignore[arg-type]
    assert f"slower than {slow.key}-15x4096-Fast-80" in told


def test_the_matrix_is_whole() -> None:
    cells = list(matrix(Path("out"), 1))
    assert len(cells) == len(WAYS) * len(COPIES) * len(BLOCKS) * len(RATES) == 192
    assert len({one.name for one in cells}) == len({one.path for one in cells}) == 192
    for one in cells:
        assert one.count % one.way.blocks == 0
        assert len(one.bench().slots) == one.copies + 1
    expected = {SILENT: 3.0, SILENT_STATUS: 1.0, SILENT_SERIES: 1 / 16, SILENT_16: 1 / 16, DISCONNECTING: 4.0}
    assert {way: way.nexuses(2) for way in expected} == expected


def test_a_cell_survives_its_job_file(tmp_path: Path) -> None:
    one = Cell(str(tmp_path), SILENT_SERIES, 3, 512, "Fast-80", 7, 32)
    assert Cell.load(one.save()) == one


def test_tables(tmp_path: Path) -> None:
    figures = evaluate(played(tmp_path, ns=15_500))
    text = markdown([figures], "make bench GROUP=matrix")
    assert "| 2 | ordinary, never disconnecting | 31.00 | 2.00 | 30.00 | 29.83 | 1.039 | 29.83 | 1.039 |" in text
    assert "| silent, as in the seed |" not in text
    parts = render_parts([figures])
    assert "2.000 x arbitration delay (spi-facts 4.1 step 4)" in parts
    assert "minimum 29830.0 ns a block" in parts


class TestJobs:
    """What has been simulated is not simulated again, unless anything in it has changed."""

    @pytest.fixture
    def ran(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Folders of the simulations that were run, in place of running them."""
        done: list[str] = []

        def run(_: build.BuildResult, module: str, **how: object) -> None:
            folder = how["test_dir"]
            assert isinstance(folder, Path)
            assert module == "a.module"
            done.append(folder.name)
            if folder.name == "dies":
                raise build.SimulationError("it died")
            failures = ["it is wrong"] if folder.name == "fails" else []
            (folder / OUTCOME_FILE).write_text(json.dumps({"failures": failures}))

        monkeypatch.setattr(build, "run", run)
        return done

    @staticmethod
    def simulate(folder: Path, model: str = "model", seed: int = 1, name: str = "cell") -> list[str]:
        """One cell."""
        built = build.BuildResult("icarus", Path(model), build.Design(), waves=False)
        return jobs.simulate([Cell(str(folder / name), ORDINARY, 2, 512, "Fast-40", seed)], built, "a.module")

    def test_once_is_enough(self, tmp_path: Path, ran: list[str]) -> None:
        assert self.simulate(tmp_path) == self.simulate(tmp_path) == []
        assert ran == ["cell"]

    def test_another_job_or_model_is_simulated(self, tmp_path: Path, ran: list[str]) -> None:
        for model, seed in (("model", 1), ("other", 1), ("other", 2), ("other", 2)):
            self.simulate(tmp_path, model, seed)
        assert ran == ["cell"] * 3

    def test_other_sources_are_simulated(self, tmp_path: Path, ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.simulate(tmp_path)
        monkeypatch.setattr(jobs, "sources_key", lambda _: "other sources")
        self.simulate(tmp_path)
        assert ran == ["cell"] * 2

    @pytest.mark.parametrize(("name", "told"), [("dies", "dies: it died"), ("fails", "fails: it is wrong")])
    def test_what_failed_is_simulated_again(self, tmp_path: Path, ran: list[str], name: str, told: str) -> None:
        assert self.simulate(tmp_path, name=name) == self.simulate(tmp_path, name=name) == [told]
        assert ran == [name] * 2
