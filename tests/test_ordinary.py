"""Ordinary commands with RTL on both sides: writes and reads, disconnection, widths, what a disk refuses."""

from __future__ import annotations

from helpers.sim import SimRunner
from sim_ordinary import CASES


def test_ordinary_commands(run_sim: SimRunner) -> None:
    """All in-simulator tests of sim_ordinary."""
    assert len(run_sim("sim_ordinary", *CASES, timeout_s=1800).cases) == len(CASES)
