"""Mirroring groups with RTL initiators and RTL drives on one bus: orders, sizes, several initiators, cables."""

from __future__ import annotations

import pytest

from helpers.hand_over import HandOverLog
from helpers.history import History, Written
from helpers.sim import SimRunner

TIMEOUT_S = 3600
"""Wall-clock limit of a simulation that cannot be told from a hanging one otherwise; generous, machines differ."""


def test_orders(run_sim: SimRunner) -> None:
    """Any member first, the others in any order, any subset."""
    assert len(run_sim("sim_group_orders", timeout_s=TIMEOUT_S).cases) >= 2


@pytest.mark.parametrize(
    "case", ["every_size", "fifteen_mixed", "sixteen_groups", "a_drive_in_four_groups", "bystanders"]
)
def test_sizes(run_sim: SimRunner, case: str) -> None:
    """Members of one operation, agreements of all kinds, drives in several groups, drives in none."""
    assert len(run_sim("sim_group_size", case, timeout_s=TIMEOUT_S).cases) == 1


def test_initiators(run_sim: SimRunner) -> None:
    """Three initiators with groups of their own, two with the same group number, at the same time."""
    assert len(run_sim("sim_group_initiators", timeout_s=TIMEOUT_S).cases) >= 1


def test_history() -> None:
    """A replaced block is impossible, so is one that comes later; of two writes at the same time each may be last."""
    history = History({5: b"ab"}, 1)
    assert history.possible(5, 1, 0, 9) == {b"b"}
    history.add(5, 1, Written(10, 20, b"x"))
    history.add(5, 1, Written(15, 30, b"y"))
    history.add(5, 1, Written(40, 50, b"z"))
    assert history.possible(5, 1, 0, 5) == {b"b"}
    assert history.possible(5, 1, 0, 12) == {b"b", b"x"}
    assert history.possible(5, 1, 25, 26) == {b"x", b"y"}
    assert history.possible(5, 1, 32, 60) == {b"x", b"y", b"z"}
    assert history.possible(5, 1, 60, 60) == {b"z"}
    assert history.possible(5, 0, 60, 60) == {b"a"}


@pytest.mark.parametrize(("module", "cases"), [("sim_group_cables", 4), ("sim_group_cables_ends", 3)])
def test_cables(run_sim: SimRunner, module: str, cases: int) -> None:
    """Devices at any place on 25 m of cable: hand-overs of every kind, reclaim, stall timers."""
    assert len(run_sim(module, timeout_s=TIMEOUT_S).cases) == cases


@pytest.mark.parametrize(("module", "cases"), [("sim_group_reads", 5), ("sim_group_retries", 5)])
def test_results(run_sim: SimRunner, module: str, cases: int) -> None:
    """Mirrored reads, and what repetition makes of members that fail."""
    assert len(run_sim(module, timeout_s=TIMEOUT_S).cases) == cases


def test_extensions(run_sim: SimRunner) -> None:
    """Status in the connection, many blocks in one connection, all, some or none having them."""
    assert len(run_sim("sim_group_extensions", timeout_s=TIMEOUT_S).cases) == 12


def test_slow(run_sim: SimRunner) -> None:
    """Media slower than the initiator's questions: waiting, a series that ends early, one operation of a drive."""
    assert len(run_sim("sim_group_slow", timeout_s=TIMEOUT_S).cases) == 3


@pytest.mark.parametrize(
    ("released_ns", "taken_ns", "complaints"),
    [(150, 700, 0), (260, 700, 1), (150, 480, 1), (150, 5200, 1), (150, 8300, 2)],
)
def test_judge_of_hand_overs(released_ns: int, taken_ns: int, complaints: int) -> None:
    """Times at the centre; legs of 20 ns: each device acts that much before and sees that much later."""
    nobody: frozenset[int] = frozenset()
    giver, taker = frozenset({5}), frozenset({4})
    changes = {
        "msg": [(0, giver), (1_000_000 + released_ns * 1000, nobody)],
        "cd": [(0, giver), (1_000_000 + released_ns * 1000, nobody)],
        "io": [(0, nobody)],
        "req": [(0, nobody), (1_000_000 + taken_ns * 1000, taker)],
        "ack": [(0, nobody), (1_000_000, nobody)],
        "atn": [(0, nobody)],
    }
    seen = HandOverLog(changes, {5: 20, 4: 40}).hand_over(1_000_000, 5, 4)
    assert (seen.released, seen.taken, seen.requested) == (released_ns - 40, taken_ns - 80, taken_ns - 80)
    found = [one for one in seen.complaints() if "quiet" not in one]
    assert len(found) == complaints, found
