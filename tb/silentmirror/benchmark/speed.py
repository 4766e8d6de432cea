"""Groups "speed" and "sweep": first messages, whole writes, data rates, and data rates by offset and cable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cocotbext.scsi.constants import Phase

from .cases import BLOCK, DRIVES, OFFSET, TRANSCRIPT_FILE, Job
from .figures import Connection, connections, data_rate, read_transcript, whole_writes
from .minimum import QAS_SELECTION, SELECTION, first_message_ns, total_ns
from .rows import Row

MODULE = "silentmirror.benchmark.case"
SWEEP_OFFSETS = (1, 2, 4, 8, 12, 16, 24, 32, 48, OFFSET)
SWEEP_CABLES_M = (0.0, 12.0, 25.0)
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


class Collector:
    """Adds what each transcript shows to the rows of the benchmark."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}

    def row(self, row: Row) -> Row:
        """The row of that group and name: this one at its first sample."""
        return self.rows.setdefault((row.group, row.name), row)

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
            if one.phases[0].phase is not Phase.MSG_OUT or not one.waited:
                continue
            if one.steps[0].qas:
                row = Row("arbitration", "ACK of 55h to first message byte", {}, "ns", [], QAS_MESSAGE_NS, 1.10)
            else:
                row = Row("arbitration", "BUS FREE to first message byte", {}, "ns", [], MESSAGE_NS, 1.05)
            self.row(row).samples.append(one.first_message_ns())

    def _writes(self, job: Job, found: Sequence[Connection]) -> None:
        group = "ordinary write of 512 bytes" + (", QAS" if job.qas else "")
        for drive in DRIVES:
            for one in whole_writes(found, drive.scsi_id):
                if one.steps[0].qas == one.passed_on == job.qas:
                    terms, bar = one.terms(), None if job.qas else WRITE_BARS.get(drive.name)
                    row = Row(group, drive.name, {"block": 512}, "ns", [], total_ns(terms), bar, terms)
                    self.row(row).samples.append(one.bus_ns)

    def _rates(self, job: Job, found: Sequence[Connection]) -> None:
        names = {drive.scsi_id: drive.name for drive in DRIVES if drive.period}
        for one in found:
            phase, rate = one.data_phase, names.get(one.target if one.target is not None else -1)
            if phase is None or phase.phase is None or rate is None or len(phase.data) < BLOCK:
                continue
            way, offset = "in" if phase.phase.is_in else "out", one.agreement.offset
            group, bar = ("data rate", RATE_BAR) if job.name == "cable" else (SWEEP, None)
            params = {"rate": rate, "direction": way, "cable_m": job.cable_m, "offset": offset}
            row = Row(group, f"{rate} {way}, {job.cable_m:g} m, offset {offset}", params, "of rate", [], None, bar)
            self.row(row).samples.append(data_rate(phase, one.agreement))
