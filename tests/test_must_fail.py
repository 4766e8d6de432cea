"""The checker's rules on the bench: each must fail on its fault, and only it."""

from __future__ import annotations

from helpers.must_fail import ALL_CASES
from helpers.sim import SimRunner


def test_every_rule_fails_on_its_fault(run_sim: SimRunner) -> None:
    """One in-simulator test a rule. X needs a four-state simulator, so this runs on Icarus whatever SIM says."""
    result = run_sim("sim_must_fail", simulator="icarus")
    assert len(result.cases) == len(ALL_CASES)
