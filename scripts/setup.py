"""Makes this machine able to run silentmirror: system tools, virtual environment, pinned packages.

Run by make through scripts/python.sh. What is in place already is left alone; a stamp in the virtual environment
holds the hash of what it was made from, so that a second run takes a fraction of a second. System packages are
installed where that needs no password; otherwise one message says what to type.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "silentmirror-stamp.json"
LOG = ROOT / "build" / "setup.log"
INTERPRETERS = ("python3", "python3.13", "python3.12", "python3.11")
SUPPORTED = ((3, 11), (3, 13))

# Run by an interpreter to tell about itself; cocotb loads Python into the simulator as a shared library.
PROBE = """
import ctypes, importlib.util, json, os, sys, sysconfig
name = "libpython%d.%d%s.so.1.0" % (*sys.version_info[:2], sys.abiflags)
folders = [sysconfig.get_config_var("LIBDIR"), os.path.join(sys.base_prefix, "lib")]
shared = any(folder and os.path.exists(os.path.join(folder, name)) for folder in folders)
if not shared:
    try:
        ctypes.CDLL(name)
        shared = True
    except OSError:
        pass
venv = all(importlib.util.find_spec(module) for module in ("venv", "ensurepip"))
print(json.dumps({"version": sys.version_info[:2], "shared": shared, "venv": venv, "prefix": sys.base_prefix}))
"""


# Run by the virtual environment's Python: whether the packages of a requirements file are installed as pinned.
PINS_THERE = """
import importlib.metadata, sys
pins = (line.strip().split("==") for line in open(sys.argv[1]) if "==" in line)
sys.exit(any(importlib.metadata.version(name) != version for name, version in pins))
"""


class SetupError(Exception):
    """Set-up cannot go on; the text is one message for the user."""


@dataclass(frozen=True)
class Interpreter:
    """A Python on PATH and what it has."""

    command: str
    version: tuple[int, int]
    shared: bool
    venv: bool
    system: bool

    @property
    def missing(self) -> list[str]:
        """The distribution's packages that would complete it."""
        name = f"python{self.version[0]}.{self.version[1]}"
        return [*([] if self.venv else [f"{name}-venv"]), *([] if self.shared else [f"lib{name}"])]

    def __str__(self) -> str:
        return f"{self.command} (Python {self.version[0]}.{self.version[1]})"


def probe(command: str) -> Interpreter | None:
    """What is known about `command`; None when it is not a Python that this project runs on."""
    path = shutil.which(command)
    if path is None:
        return None
    done = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None  # a version manager's shim without a Python behind it, or one too old for the probe
    facts = json.loads(done.stdout)
    major, minor = facts["version"]
    if not SUPPORTED[0] <= (major, minor) <= SUPPORTED[1]:
        return None
    return Interpreter(path, (major, minor), facts["shared"], facts["venv"], facts["prefix"] == "/usr")


def interpreters() -> list[Interpreter]:
    """The usable Pythons on PATH: the complete ones first, then those that system packages would complete."""
    found = [interpreter for name in INTERPRETERS if (interpreter := probe(name))]
    complete = [interpreter for interpreter in found if not interpreter.missing]
    if complete:
        return complete
    completable = [interpreter for interpreter in found if interpreter.system and shutil.which("apt-get")]
    if completable:
        return completable[:1]
    reasons = "; ".join(
        f"{interpreter} lacks {'its shared library (build it with --enable-shared)' if interpreter.venv else 'venv'}"
        for interpreter in found
    )
    raise SetupError(f"no complete Python 3.11, 3.12 or 3.13 on PATH: {reasons or 'none found'}")


def succeeds(*command: str, text: str = "") -> bool:
    """Whether `command`, given `text`, exists and exits with 0."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).returncode == 0


def missing_tools(needs: list[str]) -> list[str]:
    """The distribution's packages that hold the system tools which `needs` asks for and PATH lacks."""
    packages = []
    if "icarus" in needs and not (shutil.which("iverilog") and shutil.which("vvp")):
        packages.append("iverilog")
    if "verilator" in needs:
        if not succeeds("g++", "--version"):
            packages.append("g++")
        for header, package in (("zlib.h", "zlib1g-dev"), ("lz4.h", "liblz4-dev")):  # of the FST writer
            if not succeeds("g++", "-E", "-x", "c++", "-", text=f"#include <{header}>"):
                packages.append(package)
        if not succeeds("perl", "-MPod::Usage", "-MGetopt::Long", "-e1"):
            packages.append("perl")
    if "gtkwave" in needs and not shutil.which("gtkwave"):
        packages.append("gtkwave")
    return packages


def log_and_run(command: list[str], **variables: str) -> bool:
    """Runs `command` with its output in the log; True when it succeeded."""
    with LOG.open("a") as log:
        print("$", *command, file=log, flush=True)
        environment = {**os.environ, **variables}
        return (
            subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=environment, check=False).returncode == 0
        )


def last_words() -> str:
    """The last line of the log that tells of an error, else the last line."""
    lines = [line.strip() for line in LOG.read_text().splitlines() if line.strip()]
    return next((line for line in reversed(lines) if line.upper().startswith(("E:", "ERROR"))), lines[-1])


def install_packages(packages: list[str]) -> None:
    """Installs the distribution's packages, when that needs no password."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    typed = f"sudo apt-get update && sudo {' '.join(command)}"
    if shutil.which("apt-get") is None:
        raise SetupError(f"missing: {', '.join(packages)} (Debian's package names); install them and run make again")
    if os.geteuid() == 0:
        prefix: list[str] = []
    elif succeeds("sudo", "-n", "true"):
        prefix = ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    else:
        raise SetupError(f"missing: {', '.join(packages)}; type this, then run make again:\n  {typed}")
    print(f"set-up: installing {', '.join(packages)} ...", flush=True)
    log_and_run([*prefix, "apt-get", "update"])  # a mirror that fails here may still have what is needed
    if not log_and_run([*prefix, *command], DEBIAN_FRONTEND="noninteractive"):
        raise SetupError(
            f"could not install {', '.join(packages)}: {last_words()} (all of it: {LOG.relative_to(ROOT)})"
        )


def fingerprint() -> dict[str, str]:
    """What the virtual environment is made from; a moved project or a changed pin asks for a new set-up."""
    digest = hashlib.sha256()
    for name in ("requirements.txt", "pyproject.toml", "scripts/setup.py"):
        digest.update((ROOT / name).read_bytes())
    return {"root": str(ROOT), "sha256": digest.hexdigest()}


def stamp() -> dict[str, str]:
    """What the virtual environment was made from; empty when it was not finished."""
    try:
        content: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return content


def runs(*arguments: str) -> bool:
    """Whether the virtual environment's Python carries out `arguments`."""
    return succeeds(str(VENV_PYTHON), *arguments)


def venv_usable() -> bool:
    """Whether the virtual environment can be kept: supported version, working pip, not moved."""
    supported = f"import sys, pip; sys.exit(not {SUPPORTED[0]} <= sys.version_info[:2] <= {SUPPORTED[1]})"
    return stamp().get("root", str(ROOT)) == str(ROOT) and runs("-c", supported)


def pip_install(*steps: list[str]) -> None:
    """Has the virtual environment's pip install one thing after the other."""
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps"]
    for step in steps:
        if not log_and_run([*pip, *step]):
            raise SetupError(
                f"could not install the Python packages (is there a network?): {last_words()} "
                f"(all of it: {LOG.relative_to(ROOT)})"
            )


def fill_venv() -> None:
    """Installs the pinned packages and the project itself into the virtual environment."""
    pip_install(["-r", str(ROOT / "requirements.txt")], ["--no-build-isolation", "-e", str(ROOT)])


def add_plot() -> None:
    """Installs what only plots need, unless it is there."""
    pins = str(ROOT / "requirements-plot.txt")
    if not runs("-c", PINS_THERE, pins):
        print("set-up: Python packages for the plot ...", flush=True)
        pip_install(["-r", pins])


def loads_python() -> bool:
    """Whether cocotb will find the shared library of the virtual environment's Python."""
    return runs("-c", "import sys, find_libpython; sys.exit(find_libpython.find_libpython() is None)")


def make_venv(candidates: list[Interpreter]) -> None:
    """Makes the virtual environment with the first candidate whose Python cocotb can load."""
    for interpreter in candidates:
        print(f"set-up: Python packages for {interpreter} ...", flush=True)
        if not log_and_run([interpreter.command, "-m", "venv", "--clear", str(VENV)]):
            raise SetupError(f"could not make .venv with {interpreter}: {last_words()}")
        fill_venv()
        if loads_python():
            return
    tried = ", ".join(map(str, candidates))
    raise SetupError(f"cocotb finds no shared libpython for {tried}: install a Python built with --enable-shared")


def set_up(needs: list[str]) -> None:
    """Brings everything in place that is not yet."""
    wanted = fingerprint()
    ready = stamp() == wanted and runs("-c", "")
    keep = ready or (venv_usable() and loads_python())
    candidates = [] if keep else interpreters()
    packages = missing_tools(needs) + (candidates[0].missing if candidates else [])
    if packages:
        install_packages(packages)
        if left := missing_tools(needs):
            raise SetupError(f"still missing after the installation: {', '.join(left)} (see {LOG.relative_to(ROOT)})")
    if ready:
        return
    if keep:
        print("set-up: Python packages ...", flush=True)
        fill_venv()
    else:
        make_venv(candidates)
    STAMP.write_text(json.dumps(wanted))


def main() -> int:
    """Sets up under a lock, so that two makes at once do not meet; 0 when all is in place, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--need", action="append", default=[], choices=("icarus", "verilator", "gtkwave", "plot"))
    needs = parser.parse_args().need
    LOG.parent.mkdir(exist_ok=True)
    with (LOG.parent / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            set_up(needs)
            if "plot" in needs:
                add_plot()
        except SetupError as error:
            print(f"set-up: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
