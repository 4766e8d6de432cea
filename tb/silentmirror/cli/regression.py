"""Runs the pytest regression: the `test` command."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

from silentmirror.cli.args import BadInput, TestOptions
from silentmirror.options import ROOT

_WORKERS_MAX = 8
_JUNIT = "build/test/junit.xml"
# pytest's own exit codes.
_USAGE_ERROR = 4
_NO_TESTS = 5


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def _check_selection(select: str) -> None:
    """Raises `BadInput` when `select` names no test; nothing of an earlier run is touched."""
    found = subprocess.run(
        _pytest("--collect-only", "-q", "-p", "no:cacheprovider", "-k", select),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if found.returncode in (_USAGE_ERROR, _NO_TESTS):
        what = "no test has such a name" if found.returncode == _NO_TESTS else "not an expression that pytest -k knows"
        raise BadInput(f"TEST={select}: {what}; allowed: part of a test's name, 'a or b', 'not a'")


def run(options: TestOptions) -> int:
    """Runs the chosen tests on all processors and returns pytest's exit code, 0 or 1.

    Raises:
        BadInput: `options.select` names no test.
    """
    chosen: list[str] = []
    if options.select is not None:
        _check_selection(options.select)
        chosen = ["-k", options.select]
    os.environ.update(SEED=str(options.seed), SIM=options.simulator, WAVES=str(int(options.waves)))
    workers = ["-n", "auto", "--maxprocesses", str(_WORKERS_MAX), "--dist", "worksteal"]
    command = _pytest(*workers, f"--junitxml={_JUNIT}", *chosen)
    print(f"SEED={options.seed} SIM={options.simulator} python {shlex.join(command[1:])}", flush=True)
    return 0 if subprocess.run(command, cwd=ROOT, check=False).returncode == 0 else 1
