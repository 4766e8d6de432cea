"""Runs the ways side by side, as many at once as there are processors, and tells of progress."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from silentmirror.build import AT_ONCE, BuildResult

from .plan import PROGRESS_FILE, Job
from .worker import MODULE, arguments

_LOOK_S = 0.2


@dataclass
class _Running:
    job: Job
    process: subprocess.Popen[bytes]
    told: int = 0
    """Blocks done when progress was last shown."""
    marks: list[float] = field(default_factory=list)
    """Wall-clock time at which each block was begun (the last entry: at which the last one was done)."""

    @property
    def done(self) -> int:
        return max(0, len(self.marks) - 1)


class WayRunner:
    """Starts a process for each job and watches until all have ended."""

    def __init__(self, jobs: Sequence[Job], built: BuildResult, module: str = MODULE) -> None:
        self._waiting = list(jobs)
        self._ways = len(jobs)
        self._arguments = arguments(built, module)
        self._blocks = Path(jobs[0].image).stat().st_size // jobs[0].block
        self._running: list[_Running] = []
        self._begun = time.time()
        self._estimated = False

    def run(self) -> dict[str, int]:
        """Exit code of each way. No process is left behind, whatever happens."""
        codes: dict[str, int] = {}
        try:
            while self._waiting or self._running:
                self._start()
                time.sleep(_LOOK_S)
                for running in list(self._running):
                    code = running.process.poll()
                    self._show(running)
                    if code is not None:
                        codes[running.job.way] = code
                        self._running.remove(running)
        finally:
            for running in self._running:
                with suppress(ProcessLookupError):
                    os.killpg(running.process.pid, signal.SIGTERM)  # the worker and its simulator
                running.process.wait()
        return codes

    def _start(self) -> None:
        while self._waiting and len(self._running) < AT_ONCE:
            job = self._waiting.pop(0)
            command = [sys.executable, "-m", "silentmirror.sim.worker", str(job.save()), *self._arguments]
            with (job.path / "worker.log").open("wb") as log:
                process = subprocess.Popen(
                    command, stdout=log, stderr=subprocess.STDOUT, env=_environment(), start_new_session=True
                )
            self._running.append(_Running(job, process))

    def _show(self, running: _Running) -> None:
        """A line after the first block, after each quarter and at the end."""
        path = running.job.path / PROGRESS_FILE
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            running.marks = [float(line.split()[1]) for line in lines if len(line.split()) == 2]
        done = running.done
        quarters = [max(1, self._blocks * part // 4) for part in range(1, 5)]
        reached = max((n for n in (1, *quarters) if n <= done), default=0)
        if reached <= running.told:
            return
        running.told = reached
        block_s = (running.marks[done] - running.marks[0]) / done
        left = block_s * (self._blocks - done)
        way = running.job.way
        print(f"{way}: {done} of {self._blocks} blocks, {block_s:.1f} s a block, {left:.0f} s to go", flush=True)
        if not self._estimated:
            self._estimated = True
            start_up = running.marks[0] - self._begun
            rounds = -(-self._ways // AT_ONCE)
            total = rounds * (start_up + block_s * self._blocks)
            print(f"estimate: about {total:.0f} s for all {self._ways} ways", flush=True)


def _environment() -> dict[str, str]:
    """The worker finds this package however the parent found it."""
    package = str(Path(__file__).resolve().parents[2])
    path = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(path))}
