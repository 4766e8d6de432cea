"""docs/testplan.md names existing tests and leaves no step of the method's description out."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from silentmirror.options import ROOT

# Typed from the description's text: the numbers that it gives to the parts of each figure, and the drives of its table.
STEPS: dict[str, list[int] | list[str]] = {
    "Figure 1": [102, 110, 121, 122, 123, 124, 125],
    "Figure 2": [200, 202, 204, 206, 208, 210, 212, 214, 216, 218, 219, 220, 222, 224, 250],
    "Figure 3": [302, 304, 306, 308, 310, 312, 314, 316, 318],
    "Figure 4": [402, 404, 406, 408, 410, 412, 414, 416, 418],
    "Figure 5": [502, 504, 506, 508, 510, 512, 514, 516, 520, 522, 524, 526, 528, 532, 534, 536],
    "Figure 6": [602, 604, 606, 608, 610],
    "Table 1": ["drive 0", "drive 1", "drive 2"],
    "Mirroring": [
        *("read", "way A", "way B", "way C", "automatic"),
        *("order", "size", "groups", "agreements", "bystanders", "initiators"),
        *("hand-over", "reclaim", "stall timers", "status", "series", "capability", "turns", "host"),
    ],
}
# Adapters and devices of the host computer in which nothing of the method happens.
WITHOUT_TEST = {("Figure 2", str(number)) for number in (210, 214, 216, 218, 219, 220, 222, 224)}
TESTS = ROOT / "tests"
_ROW = re.compile(r"^\| ((?:Figure|Table) \d|Mirroring) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
_TEST = re.compile(r"`(\w+\.py::[\w:]+)`")


@pytest.fixture(scope="module")
def plan() -> dict[tuple[str, str], list[str]]:
    """The tests of every (figure, step) of the plan."""
    rows: dict[tuple[str, str], list[str]] = {}
    for figure, step, says, tests in _ROW.findall((ROOT / "docs" / "testplan.md").read_text(encoding="utf-8")):
        assert (figure, step) not in rows, f"{figure} {step} is there twice"
        assert says.strip()
        rows[figure, step] = _TEST.findall(tests)
    return rows


def test_no_step_is_left_out(plan: dict[tuple[str, str], list[str]]) -> None:
    assert list(plan) == [(figure, str(step)) for figure, steps in STEPS.items() for step in steps]


def test_every_step_is_shown_by_a_test(plan: dict[tuple[str, str], list[str]]) -> None:
    assert {row for row, tests in plan.items() if not tests} == WITHOUT_TEST


def pytest_tests() -> set[str]:
    """All tests that pytest collects, as `file::name`."""
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line.removeprefix("tests/").partition("[")[0] for line in collected.splitlines() if "::" in line]
    assert len(lines) > 100
    return set(lines)


def simulator_tests() -> set[str]:
    """All tests inside the simulator, as `file::name`: decorated coroutines, and the keys of tables of cases."""
    found = set()
    for path in TESTS.glob("sim_*.py"):
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"^@cocotb\.(?:test|parametrize)\b.*?^async def (\w+)", text, re.MULTILINE | re.DOTALL)
        if "pyuvm.test()(make_test(" in text:
            names += re.findall(r'^    "(\w+)": \(', text, re.MULTILINE)
        found |= {f"{path.name}::{name}" for name in names}
    assert len(found) > 50
    return found


def test_every_named_test_exists(plan: dict[tuple[str, str], list[str]]) -> None:
    named = {test for tests in plan.values() for test in tests}
    assert len(named) > 30
    assert sorted(named - pytest_tests() - simulator_tests()) == []


def test_every_named_simulation_is_run(plan: dict[tuple[str, str], list[str]]) -> None:
    modules = {test.partition(".")[0] for tests in plan.values() for test in tests if test.startswith("sim_")}
    assert len(modules) > 5
    runners = "".join(path.read_text(encoding="utf-8") for path in TESTS.glob("test_*.py"))
    assert [module for module in sorted(modules) if f'"{module}"' not in runners] == []
