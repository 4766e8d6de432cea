"""The benchmark's bars on the RTL, with a few small simulations: ways to write copies, first messages, whole writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.damage import damaged_bench
from helpers.sim import SimRunner
from silentmirror import build
from silentmirror.benchmark import matrix, speed
from silentmirror.benchmark.cases import JOB_VARIABLE, Job
from silentmirror.benchmark.cells import DISCONNECTING, ORDINARY, SILENT_SERIES, Cell
from silentmirror.benchmark.speed import Collector

CELLS = {ORDINARY: 2, DISCONNECTING: 2, SILENT_SERIES: 16}
"""Ways at 2 copies, 512 bytes, Fast-40, and how many blocks; the buffers of the default design hold all that."""
RATIO, GAINS = 1.10, {ORDINARY: 1.75, DISCONNECTING: 2.45}
"""Bus time to its minimum at most; how often faster both extensions are at least."""
WAITED = "arbitration BUS FREE to first message byte"
PASSED = "arbitration ACK of 55h to first message byte"
FAST_40, FAST_80 = (f"ordinary write of 512 bytes {rate}" for rate in ("Fast-40", "Fast-80"))


def test_ways_to_write_copies(run_sim: SimRunner, seed: int, tmp_path: Path) -> None:
    """Never below the minimum, never far above it, as many nexuses as the way has, and the gains."""
    found = {}
    for way, count in CELLS.items():
        cell = Cell(str(tmp_path / way.key), way, 2, 512, "Fast-40", seed, count)
        run_sim(matrix.MODULE, env={JOB_VARIABLE: str(cell.save())})
        found[way] = matrix.evaluate(cell)
    told = [failure for one in found.values() for failure in one.failures()]
    assert told + matrix.comparisons(matrix.by_key(found.values())) == []
    assert all(1 <= one.ratio <= RATIO for one in found.values())
    assert all(found[way].bus_ns >= gain * found[SILENT_SERIES].bus_ns for way, gain in GAINS.items())


def measured(run_sim: SimRunner, job: Job, design: build.Design | None = None) -> Collector:
    """The figures of a job."""
    run_sim(speed.MODULE, env={JOB_VARIABLE: str(job.save())}, design=design)
    collector = Collector([job])
    collector.add(job)
    return collector


def test_first_messages_and_whole_writes(run_sim: SimRunner, seed: int, tmp_path: Path) -> None:
    """By arbitration and by QAS."""
    figures = measured(run_sim, Job(str(tmp_path / "plain"), "plain", seed, only=("Fast-40", "Fast-80")))
    quick = measured(run_sim, Job(str(tmp_path / "qas"), "qas", seed, qas=True, only=("Fast-80",)))
    assert figures.failures() + quick.failures() == []
    rows = {f"{group} {name}": row for one in (quick, figures) for (group, name), row in one.rows.items()}
    bars = {WAITED: 1.05 * 5830, PASSED: 1.10 * 3030, FAST_40: 1.10 * 15015.0, FAST_80: 1.15 * 11851.5}
    for name, bar in bars.items():
        assert max(rows[name].samples) <= bar, name


@pytest.mark.parametrize(
    ("good", "bad", "qas", "missed"),
    [
        ("`SCSI_TICKS(`SCSI_ARBITRATION_NS) + 3;", "`SCSI_TICKS(`SCSI_ARBITRATION_NS) + 35;", False, WAITED),
        ("`SCSI_TICKS(`SCSI_QAS_ARBITRATION_NS) - 1;", "`SCSI_TICKS(`SCSI_QAS_ARBITRATION_NS) + 31;", True, PASSED),
    ],
    ids=["arbitration", "qas"],
)
def test_200_ns_too_many_are_found(
    run_sim: SimRunner,
    seed: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    good: str,
    bad: str,
    qas: bool,
    missed: str,
) -> None:
    """An arbiter that waits longer than it has to misses the bar of its way to arbitrate, and none but that."""
    design = damaged_bench("port/scsi_arbiter.v", good, bad, tmp_path, monkeypatch)
    job = Job(str(tmp_path / "job"), "qas" if qas else "plain", seed, qas=qas, only=("Fast-80",))
    (told,) = measured(run_sim, job, design).failures()
    assert told.startswith(f"{missed}: 1.")
    assert "of the minimum, allowed" in told
