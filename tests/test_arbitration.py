"""Arbitration, selection and reselection with RTL on both sides."""

from __future__ import annotations

from helpers.sim import SimRunner


def test_arbitration(run_sim: SimRunner) -> None:
    """All in-simulator tests of sim_arbitration: two initiators, reselection, contention, time-outs, bus time."""
    assert len(run_sim("sim_arbitration", timeout_s=1800).cases) == 10
