"""The campaign of faults in mirrored operations: a sample, that its checks can fail, its plan, and how it goes on."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocotbext.scsi.wires import NAMES, WIDTH, Wires
from helpers.sim import SimRunner
from silentmirror import build
from silentmirror.cli.args import BadInput, parse
from silentmirror.faults import mirror_plan, resume, runner, summary
from silentmirror.faults.drives import Drivers
from silentmirror.faults.mirror_operations import MODES, OPERATIONS
from silentmirror.faults.points import Point
from silentmirror.faults.reference_runs import timelines
from silentmirror.faults.timeline import Drive, Moment, Span, Timeline, states
from silentmirror.faults.to_mirror import CLASSES, DEVICES
from silentmirror.options import FaultsOptions

SAMPLE = 25
STATES = 150
"""And enters more of the units' states, when nothing is wrong."""
FULL = 10_000
"""A whole campaign has more points than this."""


def _timeline(mode: str) -> Timeline:
    """A made-up operation."""
    spans = [Span("0 bus_free", -800.0, -400.0), Span("1 MSG_OUT", 100.0, 900.0), Span("2 DATA_OUT", 900.0, 1800.0)]
    moments = [
        Moment(5, "u_link", "DATA", 900.0),
        Moment(7, "u_link", "ENTER", 900.0),
        Moment(5, "u_phase", "WAIT", 900.0),
    ]
    drives = [Drive("2 DATA_OUT", "db3", 7, [(1000.0, 1200.0), (1500.0, 1600.0)])]
    return Timeline("write", mode, 2000.0, 1900.0, spans, [Span("1 switch_role", 1000.0, 1100.0)], moments, drives)


TIMELINES = [_timeline(mode) for mode in MODES]


def test_sample(seed: int, tmp_path: Path) -> None:
    """Every class, operation and mode; then the rest of the campaign is only counted."""
    options = FaultsOptions(points=SAMPLE, seed=seed, campaign="mirror")
    assert runner.run(options, tmp_path) == 0
    told = json.loads((tmp_path / summary.SUMMARY_FILE).read_text())
    assert (told["result"], told["points"], told["passed"], told["distinct"]) == ("PASS", SAMPLE, SAMPLE, SAMPLE)
    assert set(told["by_class"]) == set(CLASSES)
    assert all(counts["worst_free_us"] > 0 and "worst_busy_us" in counts for counts in told["by_class"].values())
    for name in ("mirror rst", "mirror rst in a window", "mirror wrong bit"):
        counts = told["by_class"][name]
        assert counts["struck"] == counts["points"], f"{name}: {told['not_struck']} changed no wire"
    assert len(told["not_struck"]) == SAMPLE - told["struck"] < SAMPLE // 4
    assert told["wall_s"] > 0
    assert told["processors"] >= 1
    found = timelines(tmp_path / "reference", resume.key_of(FaultsOptions(campaign="mirror")), seed)
    points = mirror_plan.plan(seed, found)
    assert len(points) > FULL
    kinds = {(name, mode) for name, operation in OPERATIONS.items() for mode in operation.modes}
    assert {(point.spec["op"], point.spec["mode"]) for point in points} == kinds
    assert {(point.spec["op"], point.spec["mode"]) for point in points[:SAMPLE]} == kinds
    _states_have_names(found)
    _hand_overs_are_windows(found)
    entered, never = states(found)
    assert told["states"] == {"entered": len(entered), "never": never}
    assert len(entered) > STATES


def _hand_overs_are_windows(found: list[Timeline]) -> None:
    """Every SWITCH ROLE, NEXT and REPORT, and the release of each mirrored connection."""
    wanted = {
        "write": {"switch_role": 2, "release": 1},
        "read": {"switch_role": 2, "release": 1},
        "status": {"switch_role": 2, "report": 3, "release": 1},
        "series": {"switch_role": 6, "next_block": 2, "report": 3, "release": 1},
        # The second connection has two members.
        "repeated": {"switch_role": 3, "release": 2},
    }
    for one in found:
        assert Counter(window.name.split()[1] for window in one.windows) == wanted[one.operation], one.operation
        assert all(300 < window.end_ns - window.start_ns < 2500 for window in one.windows)


def _states_have_names(found: list[Timeline]) -> None:
    """The reference run saw the states of every device's link and arbiter."""
    for one in found:
        assert one.windows
        for device in DEVICES:
            units = {moment.unit.rsplit(".", 1)[-1] for moment in one.moments if moment.device == device}
            assert {"u_link", "u_arbiter"} <= units
    names = {moment.state for one in found for moment in one.moments if moment.device == 5 and moment.unit == "u_link"}
    assert {"LEADER_WAIT", "DATA", "STATUS"} <= names


def test_checks_can_fail(run_sim: SimRunner) -> None:
    run_sim("sim_faults_mirror", timeout_s=1200)


def test_points_are_distinct_faults() -> None:
    """The same fault under two names is one point; every wire is wrong in every phase of every mode."""
    points = mirror_plan.plan(1, TIMELINES)
    faults = Counter(json.dumps({k: v for k, v in one.spec.items() if k != "where"}, sort_keys=True) for one in points)
    assert max(faults.values()) == 1
    assert [one.number for one in points] == list(range(len(points)))
    bits = [one.spec for one in points if one.name == "mirror wrong bit"]
    assert Counter(one["side"] for one in bits) == {"tx": len(bits) // 2, "rx": len(bits) // 2}
    wanted = {(mode, phase, wire) for mode in MODES for phase in ("1 MSG_OUT", "2 DATA_OUT") for wire in NAMES}
    assert {(one["mode"], one["where"], one["wire"]) for one in bits} == wanted
    assert all(one["at_ns"] > 0 for one in bits)


def test_wrong_bit_strikes_the_driver_while_it_is_alone() -> None:
    """Of a wire that is driven in this phase; of the others any device."""
    bits = [one.spec for one in mirror_plan.plan(1, TIMELINES) if one.name == "mirror wrong bit"]
    mine = [one for one in bits if one["side"] == "tx" and (one["where"], one["wire"]) == ("2 DATA_OUT", "db3")]
    assert len(mine) == len(MODES)
    assert {one["device"] for one in mine} == {7}
    assert all(1000 <= one["at_ns"] <= 1200 or 1500 <= one["at_ns"] <= 1600 for one in mine)
    assert {one["device"] for one in bits if one["side"] == "tx" and one["wire"] == "db4"} == set(DEVICES)


def test_who_drives_what() -> None:
    """The device that asserts a wire for the longest time, and when the others leave it alone."""
    drivers, phase = Drivers({7: 0, 5: 2}), Span("1 DATA_OUT", 100.0, 400.0)
    # DB(0): slot 0 from 0 ns to 300 ns, slot 2 from 200 ns to 250 ns; ACK: slot 0 alone, before the phase.
    db0, ack = 1 << 9, 1 << 7
    for time_ns, mine, other in ((0, db0 | ack, 0), (50, db0, 0), (200, db0, db0), (250, db0, 0), (300, 0, 0)):
        drivers.sample(Wires(time_ns * 1000, mine | other, 0, mine | other << 2 * WIDTH))
    assert list(drivers.drives([phase], 0.0)) == [Drive("1 DATA_OUT", "db0", 7, [(100.0, 200.0), (250.0, 400.0)])]


def test_states_are_counted() -> None:
    """By kind of device; a number without a name is no state."""
    one = TIMELINES[0]
    named = ["drive u_link DATA", "drive u_link REDO", "initiator u_link ENTER"]
    found = replace(one, states=named, moments=[*one.moments, Moment(4, "u_link", "9", 1.0)])
    assert states([found]) == (["drive u_link DATA", "initiator u_link ENTER"], ["drive u_link REDO"])


def test_rst_comes_at_every_fourth_clock_and_at_every_clock_of_a_window() -> None:
    points = mirror_plan.plan(1, TIMELINES)
    whole = sorted(one.spec["at_ns"] for one in points if one.name == "mirror rst")
    assert whole == [25.0 * n for n in range(81)]
    window = sorted(one.spec["at_ns"] for one in points if one.name == "mirror rst in a window")
    assert sorted(set(window)) == [6.25 * n for n in range(160, 177)]
    assert len(window) == 3 * 17 - 5, "five of them are fourth clocks of the whole operation"


def test_silence_in_each_state_once() -> None:
    """Two units of a device that enter a state at once are one moment for it."""
    found = [one.spec for one in mirror_plan.plan(1, TIMELINES) if one.name == "mirror silence"]
    assert Counter((one["mode"], one["device"]) for one in found) == dict.fromkeys(
        [(mode, device) for mode in MODES for device in (5, 7)], 1
    )


def test_plan_comes_from_the_seed() -> None:
    """A longer plan begins with the shorter one; another seed has another order; batches hold one mode."""
    whole = mirror_plan.plan(7, TIMELINES)
    assert mirror_plan.plan(7, TIMELINES, 100) == whole[:100]
    assert mirror_plan.plan(8, TIMELINES, 100) != whole[:100]
    batches = mirror_plan.batches(whole, 20)
    assert sorted(point.number for batch in batches for point in batch) == list(range(len(whole)))
    assert all(len({point.spec["mode"] for point in batch}) == 1 for batch in batches)
    for point in whole:
        assert Point.from_json(json.loads(json.dumps(point.to_json()))) == point
        assert point.side == "mirror"


def test_timeline_survives_the_file() -> None:
    for one in TIMELINES:
        assert Timeline.from_json(json.loads(json.dumps(one.to_json()))) == one


# -- a campaign that was broken off ----------------------------------------------------------------------------------


def _outcome(number: int) -> dict[str, Any]:
    return {"number": number, "failure": None, "struck": True, "sim_ns": 1, "wall_s": 0.1}


def test_state_goes_on(tmp_path: Path) -> None:
    """The same key finds what was added, but for a line that was cut off; another key or `fresh` begins anew."""
    resume.State(tmp_path, "key").add([_outcome(0), _outcome(3)])
    state = resume.State(tmp_path, "key")
    assert state.outcomes == {0: _outcome(0), 3: _outcome(3)}
    with (tmp_path / resume.STATE_FILE).open("a") as file:
        file.write('{"number": 4, "fai')
    assert set(resume.State(tmp_path, "key").outcomes) == {0, 3}
    assert resume.State(tmp_path, "key", fresh=True).outcomes == {}
    resume.State(tmp_path, "key").add([_outcome(1)])
    assert resume.State(tmp_path, "other").outcomes == {}


def test_key_tells_campaigns_apart() -> None:
    base = FaultsOptions()
    others = [FaultsOptions(seed=2), FaultsOptions(simulator="verilator"), FaultsOptions(campaign="mirror")]
    assert resume.key_of(base) == resume.key_of(FaultsOptions(points=7, fresh=True))
    assert len({resume.key_of(one) for one in [base, *others]}) == 4


def test_played_batches_are_not_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run plays what the first one did not come to; the third one nothing; FRESH=1 everything."""
    played: list[int] = []

    def play(batch: list[Point], *_rest: Any) -> list[dict[str, Any]]:
        played.extend(point.number for point in batch)
        return [_outcome(point.number) for point in batch]

    monkeypatch.setattr(runner, "play", play)
    monkeypatch.setattr(build, "build", lambda *_what, **_how: None)
    assert runner.run(FaultsOptions(points=60), tmp_path) == 0
    first = sorted(played)
    assert first == list(range(60))
    played.clear()
    assert runner.run(FaultsOptions(points=200), tmp_path) == 0
    assert played
    assert set(range(200)) - set(first) <= set(played)
    played.clear()
    assert runner.run(FaultsOptions(points=200), tmp_path) == 0
    assert played == []
    assert runner.run(FaultsOptions(points=60, fresh=True), tmp_path) == 0
    assert sorted(played) == first


# -- summary and command line ------------------------------------------------------------------------------------------


def test_summary_has_the_worst_time() -> None:
    points = mirror_plan.plan(1, TIMELINES, 10)
    outcomes = {n: {**_outcome(n), "free_us": float(n), "busy_us": n / 2} for n in range(10)}
    outcomes[9]["failure"] = "the bus is busy"
    outcomes[8]["struck"] = False
    options = FaultsOptions(seed=1, campaign="mirror", simulator="verilator")
    told = summary.summarize(options, points, summary.lines(points, outcomes))
    assert told["failures"][0]["rerun"] == "make faults CAMPAIGN=mirror SEED=1 POINT=9 SIM=verilator"
    for name, counts in told["by_class"].items():
        assert counts["worst_free_us"] == max(one.number for one in points if one.name == name)
        assert counts["worst_busy_us"] == counts["worst_free_us"] / 2
    assert (told["struck"], told["not_struck"], told["wall_s"]) == (9, [8], 1)
    assert told["by_class"][points[8].name]["struck"] == told["by_class"][points[8].name]["points"] - 1
    head, *rest = summary.table(told)
    assert "bus free within" in head
    assert "struck" in head
    assert [line.startswith(name) for name, line in zip(told["by_class"], rest, strict=True)] == [True] * len(CLASSES)


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("--campaign=all", "CAMPAIGN=all: not one of the choices; allowed: input or mirror"),
        ("--fresh=yes", "FRESH=yes: not one of the choices; allowed: 0 or 1"),
    ],
)
def test_bad_values_are_refused(argument: str, told: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(["faults", argument])
    assert refused.value.lines == (told,)


def test_values_reach_the_campaign() -> None:
    given = parse(["faults", "--campaign=mirror", "--fresh=1", "--seed=4"]).faults
    assert given == FaultsOptions(None, 4, campaign="mirror", fresh=True)
