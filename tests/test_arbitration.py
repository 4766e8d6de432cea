"""Arbitration, selection and reselection with RTL on both sides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpers.sim import TESTS, SimRunner
from silentmirror import build
from silentmirror.build import Design, SimulationError
from silentmirror.options import ROOT

HDL = ROOT / "hdl"
MODELS = TESTS / "models"
CONTENDERS = Design(
    top="arbiter_ports",
    sources=(
        MODELS / "arbiter_ports.v",
        MODELS / "contender.v",
        HDL / "sim" / "ppm_clock.v",
        *sorted((HDL / "port").glob("*.v")),
    ),
    includes=(HDL / "include", MODELS),
    all_public=True,
)


def test_arbitration(run_sim: SimRunner) -> None:
    """All in-simulator tests of sim_arbitration: two initiators, reselection, contention, time-outs, bus time."""
    assert len(run_sim("sim_arbitration", timeout_s=1800).cases) == 11


def test_contenders(run_sim: SimRunner) -> None:
    """All in-simulator tests of sim_qas: QAS, fairness, any set of up to 16 devices."""
    assert len(run_sim("sim_qas", design=CONTENDERS, timeout_s=1800).cases) >= 60


def test_quick(run_sim: SimRunner) -> None:
    """All in-simulator tests of sim_quick: QAS among RTL initiators and RTL targets."""
    assert len(run_sim("sim_quick", timeout_s=1800).cases) == 8


@pytest.mark.parametrize(
    ("file", "good", "bad", "test", "complaint"),
    [
        (
            "scsi_timing.vh",
            "QAS_ARBITRATION_NS 1000",
            "QAS_ARBITRATION_NS 940",
            "reselection_wins_qas",
            "QAS arbitration",
        ),
        ("scsi_timing.vh", "QAS_ASSERTION_NS 200", "QAS_ASSERTION_NS 320", "asking_late/late_ns=220", "ID of 7"),
        (
            "scsi_timing.vh",
            "SCSI_BUS_FREE_NS 800",
            "SCSI_BUS_FREE_NS 740",
            "selection_and_reselection_by_qas",
            "the bus came free",
        ),
        ("scsi_arbiter.v", "QAS_WIN_TICKS =", "QAS_WIN_TICKS = -2 +", "reselection_wins_qas", "ps after SEL"),
        ("scsi_arbiter.v", "drv_bsy_o <= !qas_join_i", "drv_bsy_o <= 1", "reselection_wins_qas", "BSY by"),
        ("scsi_arbiter.v", "db_i & higher", "db_i & 0", "selection_and_reselection_by_qas", "SEL by"),
        (
            "scsi_arbiter.v",
            "state_q <= ATTEND;",
            "state_q <= ATTEND; count_q <= 10'd11;",
            "reselection_wins_qas",
            "ps before the other ID",
        ),
        ("scsi_responder.v", "_NS) - 2", "_NS) - 6", "reselection_wins_qas", "answer too early"),
        (
            "scsi_fairness.v",
            "register_q & losers_q : losers_q",
            "losers_q : losers_q",
            "any_set_of_contenders/number=0",
            "expected",
        ),
        (
            "scsi_fairness.v",
            "register_q & losers_q : losers_q",
            "16'd0 : 16'd0",
            "always_the_highest_or_each_in_turn/fair=True/qas=False",
            "AssertionError",
        ),
        ("scsi_qas.v", " && !again_q", "", "what_counts_as_qas_request/case=12", "AssertionError"),
        ("scsi_qas.v", "byte_q[7:4] == 4'h2", "1'b0", "what_counts_as_qas_request/case=3", "AssertionError"),
        ("scsi_qas.v", "OPEN_TICKS = 4", "OPEN_TICKS = 1", "bus_free_is_no_qas_phase/skew_ns=0", "after BUS FREE"),
    ],
)
def test_damaged_arbitration_is_found(
    run_sim: SimRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    good: str,
    bad: str,
    test: str,
    complaint: str,
) -> None:
    """One change of the RTL: the test that passes with it unchanged (test_contenders) fails and says why."""
    monkeypatch.setattr(build, "BUILD_ROOT", tmp_path / "build")
    for folder in ("include", "port"):
        for source in (HDL / folder).iterdir():
            text = source.read_text(encoding="utf-8")
            if source.name == file:
                assert text.count(good) == 1
                text = text.replace(good, bad)
            (tmp_path / source.name).write_text(text, encoding="utf-8")
    models = tuple(path for path in CONTENDERS.sources if path.parent.name != "port")
    damaged = replace(CONTENDERS, sources=(*models, *sorted(tmp_path.glob("*.v"))), includes=(tmp_path, MODELS))
    with pytest.raises(SimulationError, match=complaint):
        run_sim("sim_qas", test, design=damaged)
