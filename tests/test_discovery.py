"""Discovery with RTL on both sides: Table 1 to the byte, drives that decline, leaving, several groups."""

from __future__ import annotations

from helpers.sim import SimRunner


def test_discovery(run_sim: SimRunner) -> None:
    """All in-simulator tests of sim_discovery."""
    assert len(run_sim("sim_discovery").cases) == 4
