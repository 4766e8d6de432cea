"""The benchmark's arithmetic: minima term by term, connections found in a transcript. No simulator."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cocotbext.scsi.agreement import ASYNC_8, Agreement, Option, Period
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.transaction import Kind, Transaction
from silentmirror import build
from silentmirror.benchmark import runner
from silentmirror.benchmark.cases import TRANSCRIPT_FILE, Job
from silentmirror.benchmark.figures import Connection, connections, data_rate, whole_writes
from silentmirror.benchmark.minimum import (
    QAS_SELECTION,
    SELECTION,
    Step,
    Term,
    connection_steps,
    connection_terms,
    first_message_ns,
    phase_steps,
    total_ns,
)
from silentmirror.benchmark.rows import Row
from silentmirror.benchmark.speed import SWEEP_CABLES_M, SWEEP_OFFSETS, Collector, speed_jobs, sweep_jobs
from silentmirror.options import BenchOptions

FAST_40 = Agreement(Period.FAST_40, 63, wide=True)
FAST_80 = Agreement(Period.FAST_80, 63, wide=True, options=Option.DT)
WRITE = bytes.fromhex("2a000000000100000100")


def phase(code: Phase, data: bytes, *, at_ns: int = 0, **fields: object) -> Transaction:
    """An information phase of target 3."""
    start = at_ns * 1000
    one = Transaction(Kind.PHASE, start, start + 1000, phase=code, data=data, by=3, target=3, initiator=7)
    for name, value in fields.items():
        setattr(one, name, value)
    return one


def write_steps(*, qas: bool = False, data: Phase = Phase.DATA_OUT, message: bytes = b"\0") -> list[Transaction]:
    """A tagged write of 512 bytes that stays connected."""
    return [
        Transaction(Kind.ARBITRATION, 1_300_000, 3_700_000, contenders=[7], winner=7, qas=qas),
        Transaction(Kind.SELECTION, 4_900_000, 5_400_000, initiator=7, target=3, atn=True, answered=True),
        phase(Phase.MSG_OUT, bytes.fromhex("c02001"), first_ack_ps=5_900_000),
        phase(Phase.COMMAND, WRITE),
        phase(data, bytes(512), wide=True, transfers=256),
        phase(Phase.STATUS, b"\0"),
        phase(Phase.MSG_IN, message),
    ]


def test_the_first_message_byte() -> None:
    assert first_message_ns(SELECTION) == 5830
    assert first_message_ns(QAS_SELECTION) == 3030


def test_a_whole_write_at_fast_40() -> None:
    terms = connection_terms(write_steps(), FAST_40)
    atn = 40  # two deskews before the last ACK, 50 of them in the sum already
    assert total_ns(terms) == 5380 + 400 + 150 + atn + 400 + 500 + 400 + 6400 + 845 + 50 + 400 + 50
    assert all(term.source.startswith("spi-facts") for term in terms)
    quick = connection_terms(write_steps(qas=True), FAST_40)
    bytes_moved = 3 + 10 + 1 + 1
    assert total_ns(terms) - total_ns(quick) == 2800 - 50 * bytes_moved


def terms_of(steps: list[Step]) -> list[Term]:
    """All terms of some steps."""
    return [term for step in steps for term in step.terms]


def mirror_steps(data: Phase = Phase.DATA_OUT) -> list[Transaction]:
    """A block to targets 3 and 5, as in protocol 5, and the statuses in the connection (protocol 15)."""
    copy = {"transfers": 256, "wide": True}
    return [
        *write_steps()[:2],
        phase(Phase.MSG_OUT, bytes.fromhex("c0200101098a000000000000000200")[:14]),
        phase(data, bytes(512), **copy),
        phase(Phase.MSG_OUT, bytes.fromhex("2c01ff")),
        phase(data, bytes(512), by=5, **copy),
        phase(Phase.MSG_OUT, bytes.fromhex("2d01"), by=5),
        phase(Phase.STATUS, b"\0", by=5),
        phase(Phase.MSG_OUT, bytes.fromhex("2d00ff"), by=5),
        phase(Phase.STATUS, b"\0"),
        phase(Phase.MSG_OUT, bytes.fromhex("2e00")),
    ]


def test_a_mirrored_write() -> None:
    steps = connection_steps(mirror_steps(), {3: FAST_40, 5: FAST_40})
    told = [round(sum(term.ns for term in step.terms), 3) for step in steps]
    status = 400 + 845 + 50  # the take, then I/O turns the data bus
    assert told == [5380, 1140, 6800, 590, 400 + 6400, 540, status, 40 + 590, status, 40 + 540, 90]
    assert [term.source for term in steps[4].terms] == ["spi-facts 2 and protocol 6", "spi-facts 3.3"]


def test_a_mirrored_write_in_dt_phases_settles_after_the_take() -> None:
    steps = connection_steps(mirror_steps(Phase.DT_DATA_OUT), {3: FAST_80, 5: FAST_80})
    first, second = steps[2].terms, steps[4].terms
    assert [term.ns for term in second[:-1]] == [400, 400]
    assert total_ns(second) - total_ns(first) == 400


def test_copies_move_under_their_own_agreements() -> None:
    steps = connection_steps(mirror_steps(), {3: FAST_40})
    assert total_ns(steps[4].terms) == 400 + 512 * 45


def test_the_next_block_is_a_hand_over_to_the_same_target() -> None:
    copy = phase(Phase.DATA_OUT, bytes(512), wide=True, transfers=256)
    steps = phase_steps([copy, phase(Phase.MSG_OUT, bytes.fromhex("01068b0000000001")), copy], FAST_40)
    assert [term.source for term in steps[2].terms] == ["spi-facts 2 and protocol 6", "spi-facts 3.3"]


def test_messages_that_are_read_along() -> None:
    plain = total_ns(connection_terms(mirror_steps(), FAST_40))
    snooped = total_ns(terms_of(connection_steps(mirror_steps(), FAST_40, snooped=True)))
    assert snooped - plain == 50 * (14 + 3 + 2 + 3 + 2)


def test_a_data_group() -> None:
    (settle, group) = terms_of(phase_steps([phase(Phase.DT_DATA_OUT, bytes(512), transfers=256)], FAST_80))
    assert (settle.ns, group.ns) == (400, 256 * 12.5 + 24 + 12.5)
    (_, padded) = terms_of(phase_steps([phase(Phase.DT_DATA_IN, bytes(510), transfers=255)], FAST_80))
    assert padded.ns == group.ns


def test_two_transactions_of_one_phase_settle_once() -> None:
    parts = [phase(Phase.MSG_OUT, b"\xc0"), phase(Phase.MSG_OUT, b"\x08\x08")]
    assert [term.ns for term in terms_of(phase_steps(parts, ASYNC_8))] == [400, 50, 40, 100]


@pytest.mark.parametrize("steps", [[], write_steps()[1:], write_steps()[2:]])
def test_no_connection(steps: list[Transaction]) -> None:
    with pytest.raises(ValueError, match="a connection starts with"):
        connection_terms(steps, ASYNC_8)


def test_connections_of_a_transcript() -> None:
    free = Transaction(Kind.BUS_FREE, 0, 400_000)
    again = Transaction(Kind.BUS_FREE, 20_000_000, 20_400_000)
    (found,) = connections([free, *write_steps(), again])
    assert (found.target, found.cdb, found.bus_ns, found.waited, found.negotiates) == (3, WRITE, 20000.0, True, False)
    assert found.first_message_ns() == 5900
    assert whole_writes([found], 3) == [found]
    assert whole_writes([found], 4) == []
    assert whole_writes([Connection(0, write_steps(message=b"\4"), 1)], 3) == []


def test_data_rate() -> None:
    sent = phase(Phase.DATA_OUT, bytes(512), wide=True, transfers=256, first_strobe_ps=0, last_strobe_ps=255 * 25_000)
    assert data_rate(sent, FAST_40) == 1.0
    sent.last_strobe_ps = 255 * 50_000
    assert data_rate(sent, FAST_40) == 0.5
    with pytest.raises(ValueError, match="too few strobes"):
        data_rate(phase(Phase.DATA_OUT, b"\0", transfers=1), FAST_40)


def test_bars() -> None:
    def row(samples: list[float], minimum: float | None = 100.0, bar: float | None = 1.1) -> list[str]:
        return Row("group", "name", {}, "ns", samples, minimum, bar).failures()

    assert row([100.0, 110.0]) == []
    assert row([99.9]) == ["group name: 99.9 is below the standard's 100.0 ns"]
    assert row([105.0, 111.0]) == ["group name: 1.110 of the minimum, allowed 1.1"]
    assert row([]) == ["group name: nothing was measured"]
    assert row([0.97], None, 0.98) == ["group name: 0.9700 is below 0.98"]
    assert row([0.98], None, 0.98) == []


class TestWhatIsDue:
    """A figure that a job is there for and does not show is a failure, not a line less."""

    PLAIN = Job("", "plain", 1, only=("Fast-40", "Fast-80"))

    @staticmethod
    def collected(folder: Path, job: Job, lines: list[Transaction]) -> Collector:
        """The figures of a job that left these transactions."""
        job = replace(job, folder=str(folder))
        text = "".join(json.dumps(one.to_json()) + "\n" for one in lines)
        (folder / TRANSCRIPT_FILE).write_text(text, encoding="utf-8")
        collector = Collector([job])
        collector.add(job)
        return collector

    @staticmethod
    def write() -> list[Transaction]:
        """A write to target 3 (Fast-40), of which the minimum is the asynchronous one."""
        free = Transaction(Kind.BUS_FREE, 0, 400_000)
        return [free, *write_steps(), Transaction(Kind.BUS_FREE, 40_000_000, 40_400_000)]

    def test_the_write_that_was_not_seen(self, tmp_path: Path) -> None:
        told = self.collected(tmp_path, self.PLAIN, self.write()).failures()
        assert [line for line in told if "nothing was measured" in line] == [
            "ordinary write of 512 bytes Fast-80: nothing was measured"
        ]

    def test_qas_that_never_happened(self, tmp_path: Path) -> None:
        job = Job("", "qas", 1, qas=True, only=("Fast-40",))
        assert self.collected(tmp_path, job, self.write()).failures()[-2:] == [
            "arbitration ACK of 55h to first message byte: nothing was measured",
            "ordinary write of 512 bytes, QAS Fast-40: nothing was measured",
        ]

    def test_every_row_is_due(self) -> None:
        jobs = [*speed_jobs([1, 2], Path()), *sweep_jobs(1, Path())]
        told = Collector(jobs).failures()
        assert all(line.endswith("nothing was measured") for line in told)
        assert len(told) == 2 + 2 * 4 + 3 * 2 + 3 * 2 * len(SWEEP_OFFSETS) * len(SWEEP_CABLES_M)
        bars = {(row.group, row.name): row.bar for row in Collector(jobs).rows.values() if row.bar is not None}
        assert bars == {
            ("arbitration", "BUS FREE to first message byte"): 1.05,
            ("arbitration", "ACK of 55h to first message byte"): 1.10,
            ("ordinary write of 512 bytes", "Fast-40"): 1.10,
            ("ordinary write of 512 bytes", "Fast-80"): 1.15,
            **{
                ("data rate", f"{rate} {way}, 25 m, offset 63"): 0.98
                for rate in ("Fast-20", "Fast-40", "Fast-80")
                for way in ("out", "in")
            },
        }


@pytest.fixture
def no_simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The benchmark with simulations that leave nothing; its folder."""
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(runner, "OUT_DIR", tmp_path)
    monkeypatch.setattr(runner, "MATRIX_FILE", tmp_path / "matrix.md")
    monkeypatch.setattr(runner, "simulate", lambda *_, **__: [])
    monkeypatch.setattr(build, "build", lambda *_, **__: None)
    return tmp_path


@pytest.mark.parametrize("group", ["speed", "sweep", "matrix", "example"])
def test_a_run_that_measured_nothing_fails(no_simulator: Path, group: str) -> None:
    assert runner.run(BenchOptions(group=group)) == 1
    told = json.loads((no_simulator / f"{group}.json").read_text(encoding="utf-8"))
    assert told["result"] == "FAIL"
    assert told["remarks"] == []
    assert any("nothing was measured" in line for line in told["failures"])


def test_a_part_of_the_benchmark_says_that_it_is_one(no_simulator: Path) -> None:
    runner.run(BenchOptions(group="speed", seeds=4))
    assert json.loads((no_simulator / "speed.json").read_text(encoding="utf-8"))["remarks"] == [
        "speed: 4 sets of clock phases, fewer than the 20 that are due"
    ]
    runner.run(BenchOptions(group="matrix", cell="silent-2x512-Fast-40"))
    assert json.loads((no_simulator / "matrix.json").read_text(encoding="utf-8"))["remarks"] == [
        "matrix: 1 of 192 cells"
    ]
