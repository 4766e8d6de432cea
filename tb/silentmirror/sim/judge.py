"""From finished ways to the report: compares the media, measures the transcript, gathers what failed."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cocotbext.scsi.transaction import Transaction
from silentmirror.bench import CLK_PERIOD_PS
from silentmirror.options import SimOptions
from silentmirror.report import SCHEMA, InitFigures, WayFigures, measure
from silentmirror.report.measure import MeasureError

from .media import judge, sha256
from .plan import GROUP, TRANSCRIPT_FILE, Job, Outcome
from .worker import WORKER_LOG

_INIT_WAY = "silent"
"""The way whose initialisation is reported: it holds discovery as well."""
_REASON_LINES = 12


class Judge:
    """Collects results way by way; `failures` is empty when everything held."""

    def __init__(self, options: SimOptions, image: bytes, padded_image: bytes) -> None:
        self.options = options
        self.image = image
        self.padded = padded_image
        self.failures: list[str] = []
        self.runs: dict[str, WayFigures] = {}
        self.init: InitFigures | None = None
        self._targets: dict[int, dict[str, dict[str, str]]] = {}
        self._checks = {"rules": 0, "evaluations": 0, "violations": 0}

    def way(self, job: Job, exit_code: int) -> None:
        """Judge one way whose simulator has exited."""
        before = len(self.failures)
        outcome = Outcome.load(job.path)
        statuses = outcome.statuses if outcome else {}
        for scsi_id in job.targets:
            self._medium(job, scsi_id, statuses.get(str(scsi_id), "NONE"))
        if outcome is not None:
            self._outcome(job, outcome)
            self._measure(job, outcome.begin_ps)
        if (exit_code and len(self.failures) == before) or outcome is None:
            self._fail(job, _reason(job))

    def report(self, wall_s: float) -> dict[str, Any]:
        """The report as it is written; see docs/report.md."""
        image_path = os.path.relpath(self.options.image.resolve(), self.options.out_dir.resolve())
        return {
            "schema": SCHEMA,
            "result": "FAIL" if self.failures else "PASS",
            "failures": self.failures,
            "seed": self.options.seed,
            "simulator": self.options.simulator,
            "clock_ps": CLK_PERIOD_PS,
            "wall_s": round(wall_s, 3),
            "image": {
                "path": image_path,
                "bytes": len(self.image),
                "padded_bytes": len(self.padded),
                "sha256": sha256(self.padded),
            },
            "block_bytes": self.options.block,
            "init": asdict(self.init or InitFigures(0, 0, 0.0)),
            "targets": [
                {"scsi_id": scsi_id, "group_id": f"{GROUP << 4 | rank:02X}", "rank": rank, "runs": runs}
                for rank, (scsi_id, runs) in enumerate(self._targets.items())
            ],
            "runs": {way: asdict(figures) for way, figures in self.runs.items()},
            "checks": self._checks,
        }

    def _fail(self, job: Job, what: str) -> None:
        self.failures.append(f"{job.way}: {what}")

    def _medium(self, job: Job, scsi_id: int, status: str) -> None:
        result = job.result_image(scsi_id)
        digest, problems = judge(job.medium(scsi_id), self.padded, job.seed, scsi_id, result, job.block)
        for problem in problems:
            self._fail(job, problem)
        if status != "GOOD":
            self._fail(job, f"drive {scsi_id}: status {status}")
        run = {"medium": f"{job.way}/{result.name}", "sha256": digest, "status": status}
        self._targets.setdefault(scsi_id, {})[job.way] = run

    def _outcome(self, job: Job, outcome: Outcome) -> None:
        for what in (*outcome.failures, *outcome.violations):
            self._fail(job, what)
        if not outcome.evaluations:
            self._fail(job, "no rule was evaluated")
        if not all(outcome.compared.get(name) for name in ("connections", "completions", "blocks")):
            self._fail(job, f"not everything was compared: {outcome.compared}")
        self._checks["rules"] = max(self._checks["rules"], outcome.rules)
        self._checks["evaluations"] += outcome.evaluations
        self._checks["violations"] += len(outcome.violations)

    def _measure(self, job: Job, begin_ps: int) -> None:
        blocks = len(self.padded) // job.block
        try:
            init, figures = measure(read_transcript(job.path / TRANSCRIPT_FILE), begin_ps, blocks, len(self.image))
        except (MeasureError, OSError) as error:
            self._fail(job, f"no figures: {error}")
            return
        self.runs[job.way] = figures
        if job.way == _INIT_WAY:
            self.init = init


def read_transcript(path: Path) -> list[Transaction]:
    """The transactions of a bus.jsonl."""
    with path.open(encoding="utf-8") as lines:
        return [Transaction.from_json(json.loads(line)) for line in lines]


def _reason(job: Job) -> str:
    """Why a simulation broke off, from what its worker left."""
    for name in (WORKER_LOG, "worker.log"):
        path = job.path / name
        if path.is_file() and path.stat().st_size:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join(itertools.takewhile(lambda line: not line.startswith("seed "), lines[:_REASON_LINES]))
    return "the simulation ended without a word"
