"""Faults in mirrored writes with RTL on both sides: parity at one device, silence, hangs, RST."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.damage import damaged_bench
from helpers.sim import SimRunner
from silentmirror.build import SimulationError

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


@pytest.mark.parametrize("mode", ["async16", "fast40"])
def test_phase_glitches(run_sim: SimRunner, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """A phase line that the initiator hears wrong for a moment."""
    monkeypatch.setenv("MODE", mode)
    assert len(run_sim("sim_phase_glitches", timeout_s=1800).cases) == 2


def test_initiator_without_doubt_is_found(run_sim: SimRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A phase line is believed at once: the test above fails."""
    monkeypatch.setenv("MODE", "fast40")
    good, bad = "DOUBT_TICKS = `SCSI_TICKS(`SCSI_PHASE_STEADY_NS)", "DOUBT_TICKS = 0"
    design = damaged_bench("initiator/ini_phase.v", good, bad, tmp_path, monkeypatch)
    with pytest.raises(SimulationError, match=r"hold the data|AssertionError"):
        run_sim("sim_phase_glitches", "glitches_are_not_heard", design=design)
