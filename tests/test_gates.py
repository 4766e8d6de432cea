"""The gates that save simulation time change nothing: the RTL without them drives every wire at the same times."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

import pytest

from helpers.damage import damaged_bench
from helpers.sim import SimRunner
from silentmirror import build
from silentmirror.build import SimulationError
from sim_gates import RECORD_FILE

MODE = {"MODE": "fast40"}
CHANGES = 2_000
"""A record that is shorter shows no operations."""


def _record(run_sim: SimRunner, design: build.Design) -> list[str]:
    run = run_sim("sim_gates", env=MODE, design=design, timeout_s=1800)
    return (run.test_dir / RECORD_FILE).read_text(encoding="utf-8").splitlines()


def test_gates_change_nothing(run_sim: SimRunner) -> None:
    """`scsi_awake.vh` as in a simulation, and as in synthesis."""
    gated = _record(run_sim, build.Design())
    ungated = _record(run_sim, build.Design(defines=(("SYNTHESIS", "1"),)))
    assert len(gated) > CHANGES
    for one, other in zip_longest(gated, ungated):
        assert one == other, "the first difference"


def test_gate_that_closes_too_early_is_found(
    run_sim: SimRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a synchronous phase stays for ever: no operation gets through."""
    design = damaged_bench("target/tgt_sync.v", "run_q || live_q)", "run_q)", tmp_path, monkeypatch)
    with pytest.raises(SimulationError, match="PointFailed"):
        _record(run_sim, design)
