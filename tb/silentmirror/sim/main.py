"""The main job from checked options to exit code."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from silentmirror import build
from silentmirror.options import SimOptions
from silentmirror.report import render_table

from .judge import Judge
from .media import prepare
from .plan import Job, padded, target_ids
from .ways import WayRunner
from .worker import MODULE

WAYS = ("silent", "normal", "normal_disconnect")
"""The ways in the order of the report."""
_START_ORDER = ("normal_disconnect", "normal", "silent")
"""Longest first, so that two processes are busy to the end."""
REPORT_FILE = "report.json"
_FAILURES_SHOWN = 20


def run(options: SimOptions, module: str = MODULE) -> int:
    """Mirror the image in all ways; 0 only if every image is equal, every status GOOD and no rule violated, else 1.

    Earlier results in `options.out_dir` are replaced when the run has finished, whatever it found; never before.
    `module` is the in-simulator test that plays a way.
    """
    begun = time.time()
    out = options.out_dir
    out.mkdir(parents=True, exist_ok=True)
    with _staging(out) as stage, _stoppable():
        image = options.image.read_bytes()
        whole = padded(image, options.block)
        _say_what(options, image, whole)
        try:
            built = build.build(options.simulator, waves=options.waves)
        except build.BuildError as error:
            print("\n".join(str(error).splitlines()[:_FAILURES_SHOWN]))
            return 1
        jobs = _prepare(options, whole, stage)
        ordered = [jobs[way] for way in _START_ORDER]
        codes = WayRunner(ordered, built, module).run()
        judge = Judge(options, image, whole)
        for way in WAYS:
            judge.way(jobs[way], codes[way])
        report = judge.report(time.time() - begun)
        _publish(stage, out, report)
    print(render_table(judge.runs))
    _say_result(options, report)
    return 1 if judge.failures else 0


def rerun_line(options: SimOptions) -> str:
    """The command that repeats a run."""
    return (
        f"make sim IMAGE={options.image} TARGETS={options.targets} BLOCK={options.block} SEED={options.seed} "
        f"SIM={options.simulator}"
    )


def _say_what(options: SimOptions, image: bytes, whole: bytes) -> None:
    ids = ", ".join(map(str, target_ids(options.targets)))
    print(
        f"{options.image.name}: {len(image)} bytes, {len(whole) // options.block} blocks of {options.block} "
        f"to {options.targets} drive(s), SCSI ID {ids}; {options.simulator}, seed {options.seed}"
    )
    if len(whole) != len(image):
        print(f"padded with {len(whole) - len(image)} zero bytes to a whole block")


def _say_result(options: SimOptions, report: dict[str, Any]) -> None:
    checks = report["checks"]
    print(f"checks: {checks['rules']} rules, {checks['evaluations']} evaluations, {checks['violations']} violations")
    for failure in report["failures"][:_FAILURES_SHOWN]:
        print(f"FAILED {failure}")
    if len(report["failures"]) > _FAILURES_SHOWN:
        print(f"and {len(report['failures']) - _FAILURES_SHOWN} more, see the report")
    print(f"{report['result']} in {report['wall_s']:.1f} s; {os.path.relpath(options.out_dir / REPORT_FILE)}")
    if report["failures"]:
        print(f"again: {rerun_line(options)}")


@contextmanager
def _stoppable() -> Iterator[None]:
    """A request to terminate ends the run as Ctrl-C does: simulators stopped, nothing half-written left."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _staging(out: Path) -> Iterator[Path]:
    """A folder for results that are not complete yet; gone afterwards, whatever happens."""
    stage = out / f".run-{os.getpid()}"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _prepare(options: SimOptions, whole: bytes, stage: Path) -> dict[str, Job]:
    """Folders, media and image copy of every way."""
    copy = (stage / "image").resolve()
    copy.write_bytes(whole)
    jobs = {}
    for way in WAYS:
        folder = (stage / way).resolve()
        folder.mkdir()
        ids = target_ids(options.targets)
        jobs[way] = Job(way, str(folder), str(copy), ids, options.block, options.seed)
        for scsi_id in ids:
            prepare(jobs[way].medium(scsi_id), whole, options.seed, scsi_id)
    return jobs


def _publish(stage: Path, out: Path, report: dict[str, Any]) -> None:
    """Put the new results in the place of the old ones, one run at a time; the report comes last and in one piece."""
    fresh = stage / REPORT_FILE
    fresh.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for way in WAYS:
            if (out / way).exists():
                (out / way).rename(stage / f"old-{way}")
            (stage / way).rename(out / way)
        fresh.replace(out / REPORT_FILE)
