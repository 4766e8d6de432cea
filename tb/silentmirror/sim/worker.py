"""A process that runs one way: `python -m silentmirror.sim.worker job.json simulator model-folder waves [module]`."""

from __future__ import annotations

import sys
from pathlib import Path

from silentmirror import build

from .plan import JOB_VARIABLE, Job

MODULE = "silentmirror.sim.job"
WORKER_LOG = "failure.txt"
"""Why the simulation failed, in the way's folder."""


def work(job_file: Path, built: build.BuildResult, module: str = MODULE) -> int:
    """Run a job on a compiled model; 0 when every check in it held."""
    job = Job.load(job_file)
    try:
        build.run(
            built,
            module,
            seed=job.seed,
            env={JOB_VARIABLE: str(job_file)},
            test_dir=job.path,
            timeout_s=_wall_limit(job),
            keep=True,
        )
    except build.SimulationError as error:
        (job.path / WORKER_LOG).write_text(f"{error}\n", encoding="utf-8")
        return 1
    return 0


def arguments(built: build.BuildResult, module: str) -> list[str]:
    """What `main` takes after the job file."""
    return [built.simulator, str(built.folder), str(int(built.waves)), module]


def main(argv: list[str]) -> int:
    """The process: job file, then `arguments`."""
    job_file, simulator, folder, waves, module = argv
    built = build.BuildResult(simulator, Path(folder), build.Design(), waves == "1")
    return work(Path(job_file), built, module)


def _wall_limit(job: Job) -> int:
    """Generous: ten times what a slow machine needs per byte and drive, and a start."""
    return 600 + Path(job.image).stat().st_size * len(job.targets) // 20


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
