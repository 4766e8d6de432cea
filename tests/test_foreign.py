"""Monitor and checker on a core that is not ours, written in another style (tests/foreign).

Always on Icarus: the foreign sources say nothing of what Verilator should leave visible.
"""

from __future__ import annotations

import pytest

from helpers.sim import SimRunner
from silentmirror.build import Design, with_parameters
from silentmirror.options import ROOT

SOURCES = ROOT / "tests" / "foreign"
FOREIGN = Design("foreign_top", (SOURCES / "foreign_top.v", SOURCES / "tiny_target.v"), includes=())
STYLES = Design("pin_styles", (SOURCES / "pin_styles.v",), includes=())
ON_THE_GOOD_CORE = (
    "wrong_pins_are_refused",
    "whole_command",
    "output_alone_is_part_of_the_wire",
    "core_without_parity",
    "samples_are_settled_and_in_order",
    "failing_subscriber_fails_the_test",
    "unknown_wires_are_told",
)


def test_example_attaches(run_sim: SimRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    result = run_sim("attach_to_your_core", design=FOREIGN, simulator="icarus")
    assert [case.name for case in result.cases] == ["one_command"]


@pytest.mark.parametrize("case", ON_THE_GOOD_CORE)
def test_foreign_core(run_sim: SimRunner, case: str) -> None:
    """One simulation each: the core's host acts once, from time 0 on."""
    run_sim("sim_monitor", case, design=FOREIGN, simulator="icarus")


def test_checker_finds_a_defect_of_the_foreign_core(run_sim: SimRunner) -> None:
    design = with_parameters(FOREIGN, DEFECT=1)
    run_sim("sim_monitor", "checker_finds_the_defect", design=design, simulator="icarus")


def test_pin_styles(run_sim: SimRunner) -> None:
    result = run_sim("sim_pins", design=STYLES, simulator="icarus")
    assert len(result.cases) == 4
