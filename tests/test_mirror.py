"""Mirrored writes with RTL on both sides: group sizes, orders, widths, block lengths, cables, a legacy drive."""

from __future__ import annotations

import pytest

from helpers.sim import SimRunner
from sim_mirror import CASES, LARGE

TIMEOUT_S = 3600
"""Wall-clock limit of a simulation that cannot be told from a hanging one otherwise; generous, machines differ."""


def test_mirrored_writes(run_sim: SimRunner) -> None:
    """Small groups, many cases in one simulation."""
    assert len(run_sim("sim_mirror", *CASES, timeout_s=TIMEOUT_S).cases) == len(CASES)


@pytest.mark.parametrize("case", LARGE)
def test_large_groups(run_sim: SimRunner, case: str) -> None:
    """One block to 8 and to 15 drives."""
    assert len(run_sim("sim_mirror", case, timeout_s=TIMEOUT_S).cases) == 1
