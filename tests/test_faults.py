"""Faults in mirrored writes with RTL on both sides: parity at one device, silence, hangs, RST."""

from __future__ import annotations

import pytest

from helpers.sim import SimRunner

PARITY = (
    "parity_at_the_current_target",
    "parity_at_a_snooper",
    "parity_at_the_initiator",
    "parity_in_data_in",
    "parity_in_data_out",
)
SILENCE = (
    "silent_participants",
    "participant_dies_in_its_data",
    "initiator_goes_deaf",
    "leader_drops_bsy",
    "leader_hangs_with_bsy",
    "status_never_comes",
)
RST_MOMENTS = 8


@pytest.mark.parametrize("cases", [PARITY, SILENCE], ids=["parity", "silence"])
def test_faults(run_sim: SimRunner, cases: tuple[str, ...]) -> None:
    """Wrong parity at one device only; devices that fall silent, drop BSY or hang."""
    assert len(run_sim("sim_faults", *cases, timeout_s=1800).cases) == len(cases)


def test_rst(run_sim: SimRunner) -> None:
    """RST at several moments of a mirrored write."""
    assert len(run_sim("sim_rst", timeout_s=1800).cases) == RST_MOMENTS
