"""Runs simulations, one a processor; what has been simulated already, with the same sources, is not simulated again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from silentmirror import build
from silentmirror.options import ROOT

from .cases import JOB_VARIABLE, OUTCOME_FILE

KEY_FILE = "done.txt"
"""What a finished simulation was made from."""
WALL_S = 7200
_SIMULATED = ("cocotbext", "silentmirror/bench", "silentmirror/env", "silentmirror/model")
"""Python below tb/ that takes part in a simulation, besides the rules of mirroring and these modules."""
_OURS = ("case.py", "cases.py", "host.py", "matrix_case.py", "cells.py")


class Simulation(Protocol):
    """A job of the benchmark."""

    @property
    def path(self) -> Path:
        """Its folder."""

    @property
    def seed(self) -> int:
        """Seed of the clocks."""

    def save(self) -> Path:
        """Write the job file; returns its path."""


def sources_key(built: build.BuildResult) -> str:
    """Hash of the model and of all Python that takes part in a simulation."""
    digest = hashlib.sha256(built.folder.name.encode())
    files = [path for folder in _SIMULATED for path in (ROOT / "tb" / folder).rglob("*.py")]
    files += (ROOT / "tb" / "silentmirror").glob("mirror*.py")
    files += [Path(__file__).parent / name for name in _OURS]
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def simulate(jobs: Sequence[Simulation], built: build.BuildResult, module: str, *, again: str = "") -> list[str]:
    """Run the jobs that are not done yet; what went wrong. `again` is the command line that repeats them."""
    sources = sources_key(built)
    begun = time.monotonic()
    done = 0

    def one(job: Simulation) -> list[str]:
        nonlocal done
        file = job.save()
        key = hashlib.sha256(file.read_bytes() + sources.encode()).hexdigest()
        mark = job.path / KEY_FILE
        if mark.is_file() and mark.read_text(encoding="utf-8") == key:
            return []
        mark.unlink(missing_ok=True)
        (job.path / OUTCOME_FILE).unlink(missing_ok=True)
        try:
            build.run(
                built,
                module,
                seed=job.seed,
                env={JOB_VARIABLE: str(file)},
                test_dir=job.path,
                timeout_s=WALL_S,
                keep=True,
                rerun=again,
            )
        except build.SimulationError as error:
            return [f"{job.path.name}: {error}"]
        outcome = json.loads((job.path / OUTCOME_FILE).read_text(encoding="utf-8"))
        if not outcome["failures"]:
            mark.write_text(key, encoding="utf-8")
        done += 1
        print(f"  {job.path.name}: done, {done} new after {time.monotonic() - begun:.0f} s", flush=True)
        return [f"{job.path.name}: {failure}" for failure in outcome["failures"]]

    with ThreadPoolExecutor(build.AT_ONCE) as pool:
        return [failure for found in pool.map(one, jobs) for failure in found]
