"""Groups "speed" and "sweep": first messages, whole writes, data rates, and data rates by offset and cable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from cocotbext.scsi.constants import Phase

from .cases import BLOCK, OFFSET, TRANSCRIPT_FILE, Drive, Job
from .figures import Connection, connections, data_rate, read_transcript, whole_writes
from .minimum import QAS_SELECTION, SELECTION, first_message_ns, total_ns
from .rows import Row

MODULE = "silentmirror.benchmark.case"
SWEEP_OFFSETS = (1, 2, 4, 8, 12, 16, 24, 32, 48, OFFSET)
SWEEP_CABLES_M = (0.0, 12.0, 25.0)
WAITED, PASSED = "BUS FREE to first message byte", "ACK of 55h to first message byte"
"""Names of the rows of arbitration."""
SWEEP = "data rate by offset"
"""Name of the sweep's rows."""
CABLE_M = 25.0
"""Longest cable of the bus."""
MESSAGE_NS = first_message_ns(SELECTION)
QAS_MESSAGE_NS = first_message_ns(QAS_SELECTION)
WRITE_BARS = {"Fast-40": 1.10, "Fast-80": 1.15}
"""Largest ratio of a whole write to the sum of its minima."""
RATE_BAR = 0.98
"""Smallest share of the agreed rate in a data phase."""


def speed_jobs(seeds: Sequence[int], folder: Path) -> list[Job]:
    """One job a clock seed without cable and with QAS, one with the longest cable."""
    jobs = []
    for seed in seeds:
        jobs.append(Job(str(folder / f"plain-{seed}"), "plain", seed))
        jobs.append(Job(str(folder / f"qas-{seed}"), "qas", seed, qas=True))
        jobs.append(Job(str(folder / f"cable-{seed}"), "cable", seed, CABLE_M))
    return jobs


def sweep_jobs(seed: int, folder: Path) -> list[Job]:
    """One job a length of cable, all offsets in it."""
    return [Job(str(folder / f"sweep-{m:g}"), "sweep", seed, m, SWEEP_OFFSETS) for m in SWEEP_CABLES_M]


def due_rows(job: Job) -> list[Row]:
    """The figures that a job is there for, without samples: what it does not show is a failure."""
    if job.name in ("plain", "qas"):
        rows = [Row("arbitration", WAITED, {}, "ns", [], MESSAGE_NS, 1.05)]
        if job.qas:
            rows.append(Row("arbitration", PASSED, {}, "ns", [], QAS_MESSAGE_NS, 1.10))
        for drive in job.drives:
            rows.append(Row(_write_group(job), drive.name, {"block": BLOCK}, "ns", bar=_write_bar(job, drive)))
        return rows
    rates = [drive.name for drive in job.drives if drive.period]
    return [_rate_row(job, rate, way, offset) for rate in rates for offset in job.offsets for way in ("out", "in")]


def _write_group(job: Job) -> str:
    return f"ordinary write of {BLOCK} bytes" + (", QAS" if job.qas else "")


def _write_bar(job: Job, drive: Drive) -> float | None:
    return None if job.qas else WRITE_BARS.get(drive.name)


def _rate_row(job: Job, rate: str, way: str, offset: int) -> Row:
    group, bar = ("data rate", RATE_BAR) if job.name == "cable" else (SWEEP, None)
    params = {"rate": rate, "direction": way, "cable_m": job.cable_m, "offset": offset}
    return Row(group, f"{rate} {way}, {job.cable_m:g} m, offset {offset}", params, "of rate", bar=bar)


class Collector:
    """Adds what each transcript shows to the rows that the jobs are there for."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        due = [row for job in jobs for row in due_rows(job)]
        groups = list(dict.fromkeys(row.group for row in due))
        due.sort(key=lambda row: groups.index(row.group))
        self.rows: dict[tuple[str, str], Row] = {}
        for row in due:
            self.rows.setdefault((row.group, row.name), row)

    def failures(self) -> list[str]:
        """What is wrong with the figures, and which of them are missing."""
        return [failure for row in self.rows.values() for failure in row.failures()]

    def add(self, job: Job) -> None:
        """All figures of one job."""
        found = list(connections(read_transcript(job.path / TRANSCRIPT_FILE)))
        if job.name in ("plain", "qas"):
            self._first_message(found)
            self._writes(job, found)
        if job.name in ("cable", "sweep"):
            self._rates(job, found)

    def _first_message(self, found: Sequence[Connection]) -> None:
        """Connections that the initiator was waiting for."""
        for one in found:
            if one.phases[0].phase is Phase.MSG_OUT and one.waited:
                row = self.rows["arbitration", PASSED if one.steps[0].qas else WAITED]
                row.samples.append(one.first_message_ns())

    def _writes(self, job: Job, found: Sequence[Connection]) -> None:
        for drive in job.drives:
            row = self.rows[_write_group(job), drive.name]
            for one in whole_writes(found, drive.scsi_id):
                if one.steps[0].qas == one.passed_on == job.qas:
                    if not row.samples:
                        row.terms = one.terms()
                        row.minimum = total_ns(row.terms)
                    row.samples.append(one.bus_ns)

    def _rates(self, job: Job, found: Sequence[Connection]) -> None:
        names = {drive.scsi_id: drive.name for drive in job.drives if drive.period}
        for one in found:
            phase, rate = one.data_phase, names.get(one.target if one.target is not None else -1)
            if phase is None or phase.phase is None or rate is None or len(phase.data) < BLOCK:
                continue
            row = _rate_row(job, rate, "in" if phase.phase.is_in else "out", one.agreement.offset)
            self.rows.setdefault((row.group, row.name), row).samples.append(data_rate(phase, one.agreement))
