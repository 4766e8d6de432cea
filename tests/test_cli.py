"""The command line: what is refused, in which words, with which exit code, and that nothing is touched by a refusal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from silentmirror import lint, sim
from silentmirror.cli import regression
from silentmirror.cli.args import BadInput, parse
from silentmirror.cli.main import main
from silentmirror.options import DEMO_IMAGE, MEDIUM_BYTES, ROOT, SimOptions

BARE_PYTHON = [sys.executable, "-S", "-B", "-m", "silentmirror"]
"""A Python without any installed package, as on a machine before set-up."""


def bare(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BARE_PYTHON, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "tb")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with images of every bad kind, and a good one."""
    (tmp_path / "good.img").write_bytes(b"x")
    (tmp_path / "empty.img").touch()
    (tmp_path / "large.img").write_bytes(bytes(MEDIUM_BYTES + 1))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "report.json").write_text("earlier")
    (tmp_path / "results" / "drive.img").write_bytes(b"earlier")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "value", "allowed"),
    [
        (["--image=none.img"], "none.img", "a readable file of 1 to 1048576 bytes"),
        (["--image="], "IMAGE=", "a readable file of 1 to 1048576 bytes"),
        (["--image=empty.img"], "empty.img", "a readable file of 1 to 1048576 bytes"),
        (["--image=large.img"], "1048577 bytes", "a readable file of 1 to 1048576 bytes"),
        (["--image=folder"], "folder", "a readable file of 1 to 1048576 bytes"),
        (["--image=pipe"], "pipe", "a readable file of 1 to 1048576 bytes"),
        (["--image=good.img/below"], "good.img/below", "a readable file of 1 to 1048576 bytes"),
        (["--image=results/drive.img"], "results/drive.img", "a readable file of 1 to 1048576 bytes"),
        (["--targets=0"], "TARGETS=0", "1 to 15"),
        (["--targets=16"], "TARGETS=16", "1 to 15"),
        (["--targets=x"], "TARGETS=x", "1 to 15"),
        (["--targets="], "TARGETS=", "1 to 15"),
        (["--targets=-1"], "TARGETS=-1", "1 to 15"),
        (["--targets=3.0"], "TARGETS=3.0", "1 to 15"),
        (["--targets=" + "9" * 5000], "TARGETS=999", "1 to 15"),
        (["--targets=٣"], "TARGETS=٣", "1 to 15"),
        (["--block=500"], "BLOCK=500", "512, 1024, 2048 or 4096"),
        (["--block=8192"], "BLOCK=8192", "512, 1024, 2048 or 4096"),
        (["--seed=-1"], "SEED=-1", "0 to 4294967295"),
        (["--seed=4294967296"], "SEED=4294967296", "0 to 4294967295"),
        (["--waves=2"], "WAVES=2", "0 or 1"),
        (["--sim=nosuch"], "SIM=nosuch", "icarus or verilator"),
        (["--sim=a\nb"], r"SIM='a\nb'", "icarus or verilator"),
        (["--colour=red"], "--colour=red", "--help"),
    ],
)
def test_bad_input_is_refused_by_a_bare_python(files: Path, arguments: list[str], value: str, allowed: str) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (files / "results").iterdir()}
    done = bare("sim", "--image=good.img", "--out=results", *arguments, cwd=files)
    assert done.returncode == 2, done.stderr
    lines = done.stderr.splitlines()
    assert 1 <= len(lines) <= 3, lines
    assert value in lines[0]
    assert allowed in lines[0]
    assert done.stdout == ""
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (files / "results").iterdir()}
    assert len(before) == 2
    assert after == before


def test_several_bad_values_take_three_lines(files: Path) -> None:
    done = bare("sim", "--image=none", "--targets=0", "--block=1", "--seed=x", "--sim=y", cwd=files)
    assert done.returncode == 2
    assert [line.partition("=")[0] for line in done.stderr.splitlines()] == ["IMAGE", "TARGETS", "BLOCK"]


def test_unreadable_image_is_refused(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BadInput, match=r"good\.img: cannot be read \(Permission denied\); allowed"):
        parse(["sim", f"--image={files / 'good.img'}"])


@pytest.mark.parametrize("arguments", [[], ["nosuch"], ["test", "--test="], ["test", "--test= "], ["test", "--seed=x"]])
def test_other_bad_command_lines(arguments: list[str], tmp_path: Path) -> None:
    done = bare(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_good_input_passes_the_check(files: Path) -> None:
    done = bare("sim", "--check", "--image=good.img", "--targets=15", "--block=4096", "--seed=0", cwd=files)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_values_reach_the_options(files: Path) -> None:
    exact = files / "exact.img"
    exact.write_bytes(bytes(MEDIUM_BYTES))
    arguments = ["--targets=15", "--block=2048", "--seed=4294967295", "--waves=1", "--sim=verilator", "--out=o"]
    given = parse(["sim", f"--image={exact}", *arguments])
    assert given.sim == SimOptions(exact, 15, 2048, 2**32 - 1, True, "verilator", Path("o"))
    default = parse(["sim"])
    assert default.sim == SimOptions(DEMO_IMAGE, 3, 512, 1, False, "icarus", ROOT / "build" / "sim")
    test = parse(["test", "--test=parity or reclaim", "--seed=7", "--sim=verilator"]).test
    assert (test.select, test.seed, test.simulator, test.waves) == ("parity or reclaim", 7, "verilator", False)


@pytest.mark.parametrize("code", [0, 1])
def test_exit_code_is_the_commands(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def command(*options: object) -> int:
        asked.extend(options or ["lint"])
        return code

    for module in (sim, regression, lint):
        monkeypatch.setattr(module, "run", command)
    assert main(["sim", "--targets=2"]) == code
    assert main(["test", "--seed=9"]) == code
    assert main(["lint"]) == code
    assert [type(value).__name__ for value in asked] == ["SimOptions", "TestOptions", "str"]


@pytest.mark.parametrize(
    ("names", "reason"), [("zyxwv", "no test has"), ("zyxwv or", "not an expression")], ids=["unknown", "malformed"]
)
def test_names_that_match_no_test_are_bad_input(names: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    junit = ROOT / "build" / "test" / "junit.xml"
    before = junit.read_bytes() if junit.exists() else None
    assert main(["test", f"--test={names}"]) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert f"TEST={names}" in said
    assert (junit.read_bytes() if junit.exists() else None) == before


@pytest.fixture
def bare_project(tmp_path: Path) -> Path:
    """A copy of what make needs before set-up, without a virtual environment."""
    root = tmp_path / "it's a project"
    for folder in ("scripts", "share", "tb/silentmirror"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", root)
    return root


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sim", "TARGETS=16"], "TARGETS=16: out of range; allowed: 1 to 15"),
        (["sim", "IMAGE=it's $(x) $HOME"], "IMAGE=it's $(x) $HOME: no such file; allowed:"),
        (["sim", "IMAGE="], "IMAGE=: no file named; allowed:"),
        (["sim", "SIM=nosuch", "SEED=2"], "SIM=nosuch: not one of the choices; allowed: icarus or verilator"),
        (["test", "SEED=-2"], "SEED=-2: not a whole number; allowed: 0 to 4294967295"),
        (["test", "TEST="], "TEST=: no name given; allowed:"),
    ],
)
def test_make_refuses_before_set_up(bare_project: Path, arguments: list[str], said: str) -> None:
    before = sorted(bare_project.rglob("*"))
    assert len(before) > 10
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for name in ("IMAGE", "TARGETS", "BLOCK", "SEED", "WAVES", "SIM", "TEST"):
        environment.pop(name, None)
    done = subprocess.run(
        ["make", *arguments], cwd=bare_project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[0]
    assert done.stdout == ""
    assert sorted(bare_project.rglob("*")) == before


def test_make_help_names_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    (phony,) = [line for line in text.splitlines() if line.startswith(".PHONY:")]
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = [target for target in phony.split()[1:] if target != "help"]
    assert "sim" in targets
    assert [target for target in targets if f"make {target} " not in said] == []
    for variable in ("IMAGE", "TARGETS", "BLOCK", "SEED", "WAVES", "SIM", "TEST"):
        assert f"{variable}=" in said


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("--group=none", "GROUP=none: not one of the choices; allowed: all, speed, sweep, matrix or example"),
        ("--terms=2", "TERMS=2: not one of the choices; allowed: 0 or 1"),
        ("--seeds=0", "SEEDS=0: out of range; allowed: 1 to 1000"),
        ("--sim=nosuch", "SIM=nosuch: not one of the choices; allowed: icarus or verilator"),
    ],
)
def test_bad_input_of_the_benchmark_is_refused(argument: str, told: str) -> None:
    with pytest.raises(BadInput) as found:
        parse(["bench", argument])
    assert found.value.lines == (told,)


def test_the_benchmark_runs_on_verilator_unless_told_otherwise() -> None:
    options = parse(["bench"]).bench
    assert (options.simulator, options.group, options.seeds, options.cell) == ("verilator", "all", 20, None)


def test_a_cell_that_does_not_exist_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--group=matrix", "--cell=loud"]) == 2
    assert "CELL=loud" in capsys.readouterr().err
