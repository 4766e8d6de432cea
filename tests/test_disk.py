"""The disk of the RTL target: commands, sense data and unit attentions against the reference disk."""

from __future__ import annotations

from helpers.sim import TESTS, SimRunner
from silentmirror import build
from silentmirror.options import ROOT

PARTS = ("cdb", "disk", "mode", "pages", "sense")
DESIGN = build.Design(
    top="disk_bench",
    sources=(TESTS / "models" / "disk_bench.v", *(ROOT / "hdl" / "target" / f"tgt_{part}.v" for part in PARTS)),
    all_public=True,
)


def test_disk(run_sim: SimRunner) -> None:
    """Every answer compared."""
    assert len(run_sim("sim_disk", design=DESIGN).cases) >= 10
