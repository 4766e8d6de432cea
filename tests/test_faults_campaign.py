"""The campaign of bad input: a sample of it, that its checks can fail, and its plan and summary without a simulator."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from helpers.sim import SimRunner
from silentmirror.cli.args import BadInput, parse
from silentmirror.faults import runner, summary
from silentmirror.faults.image import Image
from silentmirror.faults.points import SIDES, Point, batches, plan
from silentmirror.faults.to_target import BLOCK
from silentmirror.faults.watch import PointFailed
from silentmirror.options import FaultsOptions

CLASSES = [name for classes in SIDES.values() for name in classes]
SAMPLE = 60


def test_sample(seed: int, tmp_path: Path) -> None:
    """Every class at least once; nothing hangs, no medium changes, the next good command works."""
    options = FaultsOptions(points=SAMPLE, seed=seed)
    assert runner.run(options, tmp_path / "faults") == 0
    told = json.loads((tmp_path / "faults" / summary.SUMMARY_FILE).read_text())
    assert (told["result"], told["points"], told["passed"], told["distinct"]) == ("PASS", SAMPLE, SAMPLE, SAMPLE)
    assert set(told["by_class"]) == set(CLASSES)
    assert told["struck"] > SAMPLE // 2
    entries = [json.loads(line) for line in (tmp_path / "faults" / summary.POINTS_FILE).read_text().splitlines()]
    assert [entry["number"] for entry in entries] == list(range(SAMPLE))
    assert all(entry["sim_ns"] > 0 for entry in entries)


def test_checks_can_fail(run_sim: SimRunner) -> None:
    run_sim("sim_faults_campaign")


def test_what_a_medium_may_hold(tmp_path: Path) -> None:
    """A change needs leave, GOOD needs the change, and what was judged is where the next point begins."""
    path = tmp_path / "image"
    path.write_bytes(bytes(4 * BLOCK))
    image, new = Image(path, "drive"), b"x" * BLOCK
    image.judge({}, {}, "point")
    path.write_bytes(bytes(BLOCK) + new + bytes(2 * BLOCK))
    assert image.changes() == {1: new}
    wrong: list[dict[int, list[bytes]]] = [{}, {0: [new]}, {1: [bytes(BLOCK)]}]
    for allowed in wrong:
        with pytest.raises(PointFailed, match="block 1 of drive has changed"):
            image.judge(allowed, {}, "point")
    with pytest.raises(PointFailed, match="GOOD, but block 2 of drive"):
        image.judge({1: [new]}, {2: new}, "point")
    image.judge({1: [new]}, {1: new}, "point")
    image.judge({}, {1: new}, "point")
    assert image.changes() == {}


def test_points_are_distinct() -> None:
    points = plan(1, 2000)
    assert len({point.key for point in points}) == 2000
    assert [point.number for point in points] == list(range(2000))
    assert set(Counter(point.name for point in points)) == set(CLASSES)


def test_points_come_from_the_seed() -> None:
    """The same seed gives the same points, a longer plan begins with the shorter one, another seed gives others."""
    assert plan(7, 300)[:100] == plan(7, 100)
    assert not {point.key for point in plan(7, 100)} & {point.key for point in plan(8, 100)}


def test_points_survive_the_job_file() -> None:
    for point in plan(3, 2 * len(CLASSES)):
        assert Point.from_json(json.loads(json.dumps(point.to_json()))) == point


def test_batches_hold_one_side_and_every_point() -> None:
    points = plan(1, 500)
    found = batches(points, 20)
    assert sorted(point.number for batch in found for point in batch) == list(range(500))
    assert all(len(batch) <= 20 and len({point.side for point in batch}) == 1 for batch in found)
    shorter = batches(plan(1, 250), 20)
    assert all(any(batch == longer[: len(batch)] for longer in found) for batch in shorter)


@pytest.mark.parametrize("point", [0, 43, 44, 199])
def test_a_point_is_played_after_those_before_it(point: int) -> None:
    whole = batches(plan(1, 200), runner.BATCH)
    (mine,) = [batch for batch in whole if any(one.number == point for one in batch)]
    (chosen,) = runner.chosen(FaultsOptions(seed=1, point=point))
    assert chosen == [one for one in mine if one.number <= point]
    assert chosen[-1].number == point


def test_summary_counts_and_tells_how_to_repeat() -> None:
    points = plan(5, 4)
    outcomes: dict[int, summary.Outcome] = {
        n: {"number": n, "failure": None, "struck": n == 0, "sim_ns": 1, "wall_s": 0.1} for n in (0, 2)
    }
    outcomes[1] = {"number": 1, "failure": "the bus is busy", "sim_ns": 1, "wall_s": 0.1}
    entries = summary.lines(points, outcomes)
    told = summary.summarize(FaultsOptions(points=4, seed=5, simulator="verilator"), points, entries)
    assert (told["schema"], told["result"], told["seed"]) == (1, "FAIL", 5)
    assert (told["points"], told["distinct"], told["passed"], told["failed"]) == (4, 4, 2, 2)
    assert [(one["number"], one["failure"]) for one in told["failures"]] == [
        (1, "the bus is busy"),
        (3, summary.NOT_RUN),
    ]
    assert (told["struck"], told["not_struck"]) == (1, [2])
    assert told["failures"][0]["rerun"] == "make faults SEED=5 POINT=1 SIM=verilator"
    assert told["by_class"][points[1].name] == {"points": 1, "passed": 0, "failed": 1, "struck": 0}


def test_nothing_played_is_no_pass() -> None:
    assert summary.summarize(FaultsOptions(), [], [])["result"] == "FAIL"


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("--points=0", "POINTS=0: out of range; allowed: 1 to 100000"),
        ("--points=x", "POINTS=x: not a whole number; allowed: 1 to 100000"),
        ("--seed=-1", "SEED=-1: not a whole number; allowed: 0 to 4294967295"),
        ("--point=100000", "POINT=100000: out of range; allowed: 0 to 99999"),
        ("--sim=spice", "SIM=spice: not one of the choices; allowed: icarus or verilator"),
    ],
)
def test_bad_values_are_refused(argument: str, told: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(["faults", argument])
    assert refused.value.lines == (told,)


def test_values_reach_the_campaign() -> None:
    assert parse(["faults"]).faults == FaultsOptions()
    given = parse(["faults", "--points=10", "--seed=3", "--point=7", "--sim=verilator"]).faults
    assert given == FaultsOptions(10, 3, "verilator", 7, "input")
