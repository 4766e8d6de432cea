"""Reads and checks the command line; needs nothing but the standard library, so that it can run before set-up.

A value that is not allowed raises `BadInput`, whose lines name the value and what is allowed.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from silentmirror.options import (
    BENCH_GROUPS,
    BLOCK_SIZES,
    CAMPAIGNS,
    MEDIUM_BYTES,
    POINTS_MAX,
    SEED_MAX,
    SEEDS_MAX,
    SEEDS_MIN,
    SIMULATORS,
    TARGETS_MAX,
    BenchOptions,
    FaultsOptions,
    SimOptions,
)

_LINES_MAX = 3


class BadInput(Exception):
    """What the user asked for is not allowed; `lines` says what and why, one value a line, three at most."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines[:_LINES_MAX]
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True)
class TestOptions:
    """One run of the regression."""

    __test__ = False  # not a test class, whatever its name says to pytest

    select: str | None = None
    """pytest's -k expression; None runs everything."""
    seed: int = 1
    simulator: str = "icarus"
    waves: bool = False
    """Leave waves in every simulation's folder."""


@dataclass(frozen=True)
class Command:
    """A checked command line: `name` is the subcommand; `check_only` ends after the check."""

    name: str
    check_only: bool = False
    sim: SimOptions = field(default_factory=SimOptions)
    test: TestOptions = field(default_factory=TestOptions)
    bench: BenchOptions = field(default_factory=BenchOptions)
    faults: FaultsOptions = field(default_factory=FaultsOptions)
    waves: Path | None = None
    """Waves to show instead of a new run's."""


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises `BadInput` in place of printing its usage and leaving."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message} (see: {self.prog} --help)")


def _parser() -> _Parser:
    parser = _Parser(prog="python -m silentmirror", description=__doc__.splitlines()[0], allow_abbrev=False)
    commands = parser.add_subparsers(dest="name", metavar="COMMAND", required=True)
    check = _Parser(add_help=False)
    check.add_argument("--check", action="store_true", help="check the arguments and leave")

    default = SimOptions()
    sim = commands.add_parser("sim", parents=[check], allow_abbrev=False, help="mirror an image, three ways")
    sim.add_argument("--image", metavar="FILE", default=str(default.image), help="file to mirror (the demo image)")
    sim.add_argument("--targets", metavar="N", default=str(default.targets), help=f"drives, 1 to {TARGETS_MAX} (3)")
    sim.add_argument("--block", metavar="BYTES", default=str(default.block), help=f"{_either(BLOCK_SIZES)} (512)")
    sim.add_argument("--seed", metavar="N", default=str(default.seed), help="clock phases and offsets (1)")
    sim.add_argument("--waves", metavar="0|1", default="0", help="write waves (0)")
    sim.add_argument("--sim", metavar="NAME", default=default.simulator, help=f"{_either(SIMULATORS)} (icarus)")
    sim.add_argument("--out", metavar="FOLDER", default=str(default.out_dir), help="where the results go (build/sim)")

    test = commands.add_parser("test", parents=[check], allow_abbrev=False, help="run the regression")
    test.add_argument("--test", metavar="NAMES", help="pytest -k expression: part of a test's name, 'a or b', 'not a'")
    test.add_argument("--seed", metavar="N", default="1", help="base seed of every simulation (1)")

    test.add_argument("--waves", metavar="0|1", default="0", help="write waves of every simulation (0)")
    test.add_argument("--sim", metavar="NAME", default="icarus", help=f"{_either(SIMULATORS)} (icarus)")

    commands.add_parser("regs", parents=[check], allow_abbrev=False, help="generate what comes from the register map")
    waves = commands.add_parser(
        "waves", parents=[check], allow_abbrev=False, help="the default run with waves, in GTKWave"
    )
    waves.add_argument("file", nargs="?", metavar="FST", help="show the waves of a run that has been")
    commands.add_parser("lint", parents=[check], allow_abbrev=False, help="check the RTL and the Python sources")
    bench = commands.add_parser(
        "bench", parents=[check], allow_abbrev=False, help="times on the wires beside the standard's minimum"
    )
    bench.add_argument("--seed", metavar="N", default="1", help="first clock seed (1)")
    bench.add_argument("--seeds", metavar="N", default="20", help="clock seeds, one after the other (20)")
    bench.add_argument("--sim", metavar="NAME", default="verilator", help=f"{_either(SIMULATORS)} (verilator)")
    bench.add_argument("--group", metavar="NAME", default="all", help=f"{_either(BENCH_GROUPS)} (all)")
    bench.add_argument("--cell", metavar="PART", help="matrix: only the cells whose name has this in it")
    bench.add_argument("--terms", metavar="0|1", default="0", help="matrix: print the minima term by term (0)")
    faults = commands.add_parser(
        "faults", parents=[check], allow_abbrev=False, help="bad input from every side, faults"
    )
    faults.add_argument("--campaign", metavar="NAME", default="input", help=f"{_either(CAMPAIGNS)} (input)")
    faults.add_argument("--points", metavar="N", help="how many to try (input 2000, mirror all)")
    faults.add_argument("--seed", metavar="N", default="1", help="what the points are derived from (1)")
    faults.add_argument("--point", metavar="N", help="play one point again, after those before it in its simulation")
    faults.add_argument("--fresh", metavar="0|1", default="0", help="do not go on where a run was broken off (0)")
    faults.add_argument("--sim", metavar="NAME", default="icarus", help=f"{_either(SIMULATORS)} (icarus)")
    commands.add_parser("synth", parents=[check], allow_abbrev=False, help="area and clock on an FPGA")
    return parser


def _either(values: tuple[object, ...]) -> str:
    """'a, b or c'"""
    *head, last = map(str, values)
    return f"{', '.join(head)} or {last}"


def _shown(value: str) -> str:
    """The value as it is printed: on one line and not endless."""
    text = value if value.isprintable() else ascii(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


class _Checker:
    """Checks values one by one and gathers what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def refuse(self, name: str, value: str, what: str, allowed: str) -> None:
        self.problems.append(f"{name}={_shown(value)}: {what}; allowed: {allowed}")

    def integer(self, name: str, value: str, low: int, high: int) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", value):
            self.refuse(name, value, "not a whole number" if len(value) < 13 else "out of range", f"{low} to {high}")
        elif not low <= int(value) <= high:
            self.refuse(name, value, "out of range", f"{low} to {high}")
        else:
            return int(value)
        return low

    def choice(self, name: str, value: str, allowed: tuple[object, ...]) -> str:
        if value not in map(str, allowed):
            self.refuse(name, value, "not one of the choices", _either(allowed))
            return str(allowed[0])
        return value

    def waves(self, value: str) -> bool:
        return self.choice("WAVES", value, (0, 1)) == "1"

    def image(self, value: str, out_dir: Path) -> Path:
        path = Path(value)
        what = "no file named" if not value else _image_problem(path, out_dir)
        if what:
            self.refuse("IMAGE", value, what, f"a readable file of 1 to {MEDIUM_BYTES} bytes (a drive's medium)")
        return path


def _image_problem(path: Path, out_dir: Path) -> str | None:
    """What keeps `path` from being mirrored, or None."""
    try:
        if path.is_dir():
            return "is a folder"
        if not path.exists():
            return "no such file"
        if not path.is_file():
            return "not a regular file"
        size = path.stat().st_size
        with path.open("rb") as file:
            file.read(1)
        if path.resolve().is_relative_to(out_dir.resolve()):
            return f"in {out_dir}, which this run writes anew"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if size == 0:
        return "is empty"
    if size > MEDIUM_BYTES:
        return f"{size} bytes are more than the medium holds"
    return None


def _sim_options(given: argparse.Namespace) -> SimOptions:
    check = _Checker()
    out_dir = Path(given.out)
    options = SimOptions(
        image=check.image(given.image, out_dir),
        targets=check.integer("TARGETS", given.targets, 1, TARGETS_MAX),
        block=int(check.choice("BLOCK", given.block, BLOCK_SIZES)),
        seed=check.integer("SEED", given.seed, 0, SEED_MAX),
        waves=check.waves(given.waves),
        simulator=check.choice("SIM", given.sim, SIMULATORS),
        out_dir=out_dir,
    )
    if out_dir.exists() and not out_dir.is_dir():
        check.refuse("--out", given.out, "is no folder", "a folder, made when it is missing")
    if check.problems:
        raise BadInput(*check.problems)
    return options


def _test_options(given: argparse.Namespace) -> TestOptions:
    check = _Checker()
    options = TestOptions(
        select=given.test,
        seed=check.integer("SEED", given.seed, 0, SEED_MAX),
        simulator=check.choice("SIM", given.sim, SIMULATORS),
        waves=check.waves(given.waves),
    )
    if given.test is not None and not given.test.strip():
        check.refuse("TEST", given.test, "no name given", "part of a test's name, 'a or b', 'not a'")
    if check.problems:
        raise BadInput(*check.problems)
    return options


def _bench_options(given: argparse.Namespace) -> BenchOptions:
    check = _Checker()
    options = BenchOptions(
        seed=check.integer("SEED", given.seed, 0, SEED_MAX - SEEDS_MAX),
        seeds=check.integer("SEEDS", given.seeds, SEEDS_MIN, SEEDS_MAX),
        simulator=check.choice("SIM", given.sim, SIMULATORS),
        group=check.choice("GROUP", given.group, BENCH_GROUPS),
        cell=given.cell,
        terms=check.choice("TERMS", given.terms, (0, 1)) == "1",
    )
    if check.problems:
        raise BadInput(*check.problems)
    return options


def _faults_options(given: argparse.Namespace) -> FaultsOptions:
    check = _Checker()
    options = FaultsOptions(
        points=None if given.points is None else check.integer("POINTS", given.points, 1, POINTS_MAX),
        seed=check.integer("SEED", given.seed, 0, SEED_MAX),
        simulator=check.choice("SIM", given.sim, SIMULATORS),
        point=None if given.point is None else check.integer("POINT", given.point, 0, POINTS_MAX - 1),
        campaign=check.choice("CAMPAIGN", given.campaign, CAMPAIGNS),
        fresh=check.choice("FRESH", given.fresh, (0, 1)) == "1",
    )
    if check.problems:
        raise BadInput(*check.problems)
    return options


def _waves_file(given: argparse.Namespace) -> Path | None:
    if given.file is None:
        return None
    path = Path(given.file)
    fault = "no such file" if not path.is_file() else "not an .fst file" if path.suffix != ".fst" else None
    if fault:
        raise BadInput(f"{_shown(given.file)}: {fault}; allowed: an .fst file of a run with WAVES=1")
    return path


def parse(argv: list[str]) -> Command:
    """The command in `argv` (without the program's name).

    Raises:
        BadInput: an unknown command or flag, or a value that is not allowed.
        SystemExit: 0, after printing the help that was asked for.
    """
    given = _parser().parse_args(argv)
    return Command(
        name=given.name,
        check_only=given.check,
        sim=_sim_options(given) if given.name == "sim" else SimOptions(),
        test=_test_options(given) if given.name == "test" else TestOptions(),
        bench=_bench_options(given) if given.name == "bench" else BenchOptions(),
        faults=_faults_options(given) if given.name == "faults" else FaultsOptions(),
        waves=_waves_file(given) if given.name == "waves" else None,
    )
