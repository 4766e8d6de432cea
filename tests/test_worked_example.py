"""Section 12 of the protocol, to the byte, with RTL initiator and RTL targets."""

from __future__ import annotations

from helpers.sim import SimRunner


def test_worked_example(run_sim: SimRunner) -> None:
    """One in-simulator test: discovery, mirrored write, status."""
    assert len(run_sim("sim_worked_example").cases) == 1
