"""The monitor on the project's own bench."""

from __future__ import annotations

from helpers.sim import SimRunner


def test_monitor_on_the_bench(run_sim: SimRunner) -> None:
    run_sim("sim_bench_monitor")
