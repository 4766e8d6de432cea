"""The UVM environment under random traffic."""

from __future__ import annotations

from helpers.sim import SimRunner


def test_random_traffic(run_sim: SimRunner) -> None:
    """Whatever is asked in whatever order: bus, completions and media are those of the reference model."""
    assert len(run_sim("sim_random", timeout_s=3600).cases) == 1
