"""Runs the jobs of the benchmark, two simulations at a time, and turns their transcripts into figures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from cocotbext.scsi.constants import Phase
from silentmirror import build
from silentmirror.options import ROOT, BenchOptions

from .cases import BLOCK, DRIVES, JOB_VARIABLE, OFFSET, OUTCOME_FILE, TRANSCRIPT_FILE, Job
from .figures import Connection, connections, data_rate, read_transcript, whole_writes
from .minimum import QAS_SELECTION, SELECTION, Term, first_message_ns, total_ns
from .table import render, render_terms

OUT_DIR = ROOT / "build" / "bench"
MODULE = "silentmirror.benchmark.case"
AT_ONCE = 2
SWEEP_OFFSETS = (1, 2, 4, 8, 12, 16, 24, 32, 48, OFFSET)
SWEEP_CABLES_M = (0.0, 12.0, 25.0)
CABLE_M = 25.0
"""Longest cable of the bus."""
MESSAGE_NS = first_message_ns(SELECTION)
QAS_MESSAGE_NS = first_message_ns(QAS_SELECTION)
WRITE_BARS = {"Fast-40": 1.10, "Fast-80": 1.15}
"""Largest ratio of a whole write to the sum of its minima."""
RATE_BAR = 0.98
"""Smallest share of the agreed rate in a data phase."""


@dataclass
class Row:
    """One figure: samples over the clock seeds, the standard's lower bound, and what it must keep to."""

    group: str
    name: str
    params: dict[str, Any]
    unit: str
    samples: list[float] = field(default_factory=list)
    minimum: float | None = None
    """Lower bound of the standard for the same work, in `unit`."""
    bar: float | None = None
    """Largest ratio to the minimum that is allowed; data rates: smallest share of the agreed rate."""
    terms: list[Term] = field(default_factory=list)

    @property
    def value(self) -> float:
        """The median."""
        return median(self.samples)

    @property
    def ratio(self) -> float | None:
        """Median to minimum."""
        return None if self.minimum is None else self.value / self.minimum

    def failures(self) -> list[str]:
        """What is wrong with this figure."""
        told = f"{self.group} {self.name}"
        if not self.samples:
            return [f"{told}: nothing was measured"]
        if self.minimum is None:
            low = self.bar is not None and min(self.samples) < self.bar
            return [f"{told}: {min(self.samples):.4f} is below {self.bar}"] if low else []
        found = []
        if min(self.samples) < self.minimum:
            found.append(f"{told}: {min(self.samples):.1f} is below the standard's {self.minimum:.1f} {self.unit}")
        if self.bar is not None and max(self.samples) > self.bar * self.minimum:
            found.append(f"{told}: {max(self.samples) / self.minimum:.3f} of the minimum, allowed {self.bar}")
        return found

    def to_json(self) -> dict[str, Any]:
        """The row of bench.json."""
        spread = {"min": min(self.samples), "median": self.value, "max": max(self.samples), "count": len(self.samples)}
        row = {"group": self.group, "name": self.name, "params": self.params, "value": self.value, "unit": self.unit}
        row |= {"minimum": self.minimum, "ratio": self.ratio, "bar": self.bar, "samples": spread}
        return {**row, "terms": [asdict(term) for term in self.terms]}


def jobs_of(options: BenchOptions, folder: Path) -> list[Job]:
    """One job a clock seed without cable and with QAS, one with the longest cable; and the sweep of offsets."""
    jobs = []
    for seed in range(options.seed, options.seed + options.seeds):
        jobs.append(Job(str(folder / f"plain-{seed}"), "plain", seed))
        jobs.append(Job(str(folder / f"qas-{seed}"), "qas", seed, qas=True))
        jobs.append(Job(str(folder / f"cable-{seed}"), "cable", seed, CABLE_M))
    for cable in SWEEP_CABLES_M:
        jobs.append(Job(str(folder / f"sweep-{cable:g}"), "sweep", options.seed, cable, SWEEP_OFFSETS))
    return jobs


def simulate(jobs: Sequence[Job], built: build.BuildResult) -> list[str]:
    """Runs all jobs; what went wrong, each with the command that repeats it."""

    def one(job: Job) -> list[str]:
        try:
            build.run(
                built,
                MODULE,
                seed=job.seed,
                env={JOB_VARIABLE: str(job.save())},
                test_dir=job.path,
                timeout_s=1800,
                keep=True,
            )
        except build.SimulationError as error:
            return [f"{job.path.name}: {error}"]
        outcome = json.loads((job.path / OUTCOME_FILE).read_text(encoding="utf-8"))
        return [f"{job.path.name}: {failure}" for failure in outcome["failures"]]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [failure for found in pool.map(one, jobs) for failure in found]


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
            group, bar = ("data rate", RATE_BAR) if job.name == "cable" else ("data rate by offset", None)
            params = {"rate": rate, "direction": way, "cable_m": job.cable_m, "offset": offset}
            row = Row(group, f"{rate} {way}, {job.cable_m:g} m, offset {offset}", params, "of rate", [], None, bar)
            self.row(row).samples.append(data_rate(phase, one.agreement))


def run(options: BenchOptions) -> int:
    """The `bench` command: 0 when every figure keeps to its bar and no rule of the bus was broken, else 1."""
    shutil.rmtree(OUT_DIR, ignore_errors=True)
    jobs = jobs_of(options, OUT_DIR)
    print(f"{len(jobs)} simulations ({options.simulator}), clock seeds from {options.seed} on", flush=True)
    built = build.build(options.simulator)
    failures = simulate(jobs, built)
    collector = Collector()
    for job in jobs:
        if (job.path / TRANSCRIPT_FILE).is_file():
            collector.add(job)
    rows = list(collector.rows.values())
    failures += [failure for row in rows for failure in row.failures()]
    content: dict[str, Any] = {
        "schema": 1,
        "result": "FAIL" if failures else "PASS",
        "failures": failures,
        "seed": options.seed,
    }
    content |= {"seeds": options.seeds, "simulator": options.simulator, "rows": [row.to_json() for row in rows]}
    (OUT_DIR / "bench.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(render(rows))
    print(render_terms(rows))
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{content['result']}; build/bench/bench.json; again: make bench SEED={options.seed} SEEDS={options.seeds}")
    return 1 if failures else 0
