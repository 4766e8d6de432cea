"""The main job from options to report: a short run of all ways, a run that must fail, and the parts on their own."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.transaction import Kind, Transaction
from helpers.sim import TESTS, base_seed
from silentmirror import build, sim
from silentmirror.options import MEDIUM_BYTES, SimOptions
from silentmirror.report import check_report, measure, render_table
from silentmirror.report.measure import MeasureError, WayFigures
from silentmirror.sim import main, media, ways
from silentmirror.sim.judge import Judge

N = 3


def options(folder: Path, image: bytes, **changes: Any) -> SimOptions:
    """Options of a short run with results below `folder`."""
    path = folder / "in.img"
    path.write_bytes(image)
    return dataclasses.replace(SimOptions(image=path, out_dir=folder / "sim", seed=base_seed()), **changes)


def no_build(simulator: str, *, waves: bool) -> build.BuildResult:
    return build.BuildResult(simulator, Path("nowhere"), build.Design(), waves)


def load(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "sim" / "report.json").read_text(encoding="utf-8"))
    assert check_report(report) == []
    return report


def test_all_ways_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two blocks, the second padded, to three drives: exit code, report, media, figures, table."""
    image = bytes((7 * n + n // 256) & 0xFF for n in range(700))
    asked = options(tmp_path, image)
    assert sim.run(asked) == 0, capsys.readouterr().out
    printed = capsys.readouterr().out
    assert "padded with 324 zero bytes" in printed
    assert f"seed {asked.seed}" in printed
    report = load(tmp_path)
    assert (report["result"], report["failures"]) == ("PASS", [])
    padded = image + bytes(324)
    assert report["image"]["bytes"] == 700
    assert report["image"]["padded_bytes"] == 1024
    assert report["image"]["sha256"] == hashlib.sha256(padded).hexdigest()
    assert [(t["scsi_id"], t["group_id"], t["rank"]) for t in report["targets"]] == [
        (5, "00", 0),
        (4, "01", 1),
        (3, "02", 2),
    ]
    for target in report["targets"]:
        assert list(target["runs"]) == list(main.WAYS)
        for run in target["runs"].values():
            found = (tmp_path / "sim" / run["medium"]).read_bytes()
            assert found == padded
            assert run["sha256"] == hashlib.sha256(found).hexdigest()
            assert run["status"] == "GOOD"
            whole = (tmp_path / "sim" / run["medium"]).with_suffix(".medium").read_bytes()
            assert len(whole) == MEDIUM_BYTES
            assert whole[:1024] == padded
    check_figures(report["runs"], blocks=2, image_bytes=700)
    assert report["init"]["selections"] >= N
    assert report["init"]["bus_time_ns"] > 0
    assert report["checks"]["rules"] >= 25
    assert report["checks"]["evaluations"] > 1000
    assert report["checks"]["violations"] == 0
    assert not list((tmp_path / "sim").glob(".run-*"))
    for way in main.WAYS:
        lines = (tmp_path / "sim" / way / "bus.jsonl").read_text(encoding="utf-8").splitlines()
        assert all(json.loads(line)["kind"] in set(Kind) for line in lines)
        assert way in printed


def check_figures(runs: dict[str, dict[str, Any]], blocks: int, image_bytes: int) -> None:
    """Counts follow from the figures of the protocol; times add up."""
    counts = {
        way: (run["arbitrations"], run["selections"], run["reselections"], run["switch_roles"])
        for way, run in runs.items()
    }
    assert counts == {
        "silent": (blocks * (1 + N), blocks, blocks * N, blocks * (N - 1)),
        "normal": (blocks * N, blocks * N, 0, 0),
        "normal_disconnect": (blocks * 2 * N, blocks * N, blocks * N, 0),
    }
    for run in runs.values():
        assert run["blocks"] == blocks
        assert run["overhead_ns"] == pytest.approx(run["bus_time_ns"] - run["data_time_ns"])
        assert 0 < run["idle_ns"] < run["overhead_ns"]
        assert run["throughput_mb_s"] == pytest.approx(image_bytes / run["bus_time_ns"] * 1000)


def test_damage_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong data with right parity at one drive, a wrong status byte of another: found by every comparison there is."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    assert main.run(options(tmp_path, bytes(range(256)) * 2, targets=2), module="sim_main_job") == 1
    report = load(tmp_path)
    assert report["result"] == "FAIL"
    silent, normal = (
        [text.removeprefix(way) for text in report["failures"] if text.startswith(way)]
        for way in ("silent: ", "normal: ")
    )
    assert len(silent) + len(normal) == len(report["failures"])
    assert silent[0] == "drive 4: the image differs in 1 block(s), first in block 0"
    assert re.fullmatch(r"GOOD at [0-9.]+ ns, but block 0 of target 4 differs", silent[1])
    assert normal[0] == "drive 5: status 03h"
    assert any(text.startswith("on the bus: selection 7 -> 5") and "STATUS by 5: 03" in text for text in normal)
    assert any(text.startswith("completion of target 5 is") for text in normal)
    statuses = {t["scsi_id"]: [run["status"] for run in t["runs"].values()] for t in report["targets"]}
    assert statuses == {5: ["GOOD", "03h", "GOOD"], 4: ["GOOD", "GOOD", "GOOD"]}
    equal = {
        t["scsi_id"]: [r["sha256"] == report["image"]["sha256"] for r in t["runs"].values()] for t in report["targets"]
    }
    assert equal == {5: [True, True, True], 4: [False, True, True]}


@pytest.mark.parametrize("breaking", [KeyboardInterrupt(), RuntimeError("no more room")])
def test_broken_run_leaves_earlier_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaking: BaseException
) -> None:
    asked = options(tmp_path, b"x" * 512)
    kept = asked.out_dir / "silent" / "target5.img"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"earlier")

    def breaks(_self: ways.WayRunner) -> dict[str, int]:
        raise breaking

    monkeypatch.setattr(build, "build", no_build)
    monkeypatch.setattr(ways.WayRunner, "run", breaks)
    with pytest.raises(type(breaking)):
        sim.run(asked)
    assert kept.read_bytes() == b"earlier"
    assert sorted(path.name for path in asked.out_dir.iterdir()) == ["silent"]


def test_build_error_fails_and_leaves_earlier_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = options(tmp_path, b"x" * 512)

    def fails(*_args: object, **_kwargs: object) -> None:
        raise build.BuildError("does not compile")

    monkeypatch.setattr(build, "build", fails)
    assert sim.run(asked) == 1
    assert list(asked.out_dir.iterdir()) == []


def test_simulation_without_outcome_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator that dies leaves no outcome: the run fails, and the report says so for every way."""
    asked = options(tmp_path, b"x" * 512)
    monkeypatch.setattr(build, "build", no_build)
    monkeypatch.setattr(ways.WayRunner, "run", lambda _self: dict.fromkeys(main.WAYS, 1))
    assert sim.run(asked) == 1
    report = load(tmp_path)
    assert report["runs"] == {}
    for way in main.WAYS:
        assert f"{way}: the simulation ended without a word" in report["failures"]


def test_judge_finds_every_kind_of_damage(tmp_path: Path) -> None:
    """Media are filled so that nothing is right by chance; a wrong bit inside or outside the image is found."""
    image = bytes(range(256)) * 4
    path, result = tmp_path / "m", tmp_path / "r"
    media.prepare(path, image, 1, 5)
    fresh = path.read_bytes()
    assert len(fresh) == MEDIUM_BYTES
    assert all(a ^ b == 0xFF for a, b in zip(fresh, image, strict=False))
    good = image + fresh[1024:]
    for position, expected in (
        (None, []),
        (600, ["drive 5: the image differs in 1 block(s), first in block 1"]),
        (1024, ["drive 5: 1 block(s) outside the image were changed, first at byte 1024"]),
        (MEDIUM_BYTES - 1, [f"drive 5: 1 block(s) outside the image were changed, first at byte {MEDIUM_BYTES - 512}"]),
    ):
        content = bytearray(good)
        if position is not None:
            content[position] ^= 0x10
        path.write_bytes(content)
        digest, problems = media.judge(path, image, 1, 5, result, 512)
        assert problems == expected
        assert result.read_bytes() == content[:1024]
        assert digest == hashlib.sha256(content[:1024]).hexdigest()
    path.write_bytes(good[:-512])
    assert media.judge(path, image, 1, 5, result, 512)[1]
    path.write_bytes(fresh)
    assert media.judge(path, image, 1, 5, result, 512)[1] == [
        "drive 5: the image differs in 2 block(s), first in block 0"
    ]


def transaction(
    kind: Kind, start_ns: int, end_ns: int, phase: Phase | None = None, note: str | None = None
) -> Transaction:
    return Transaction(kind, start_ns * 1000, end_ns * 1000, phase=phase, note=note)


COURSE = [
    transaction(Kind.BUS_FREE, 0, 400),
    transaction(Kind.ARBITRATION, 1000, 4000),
    transaction(Kind.SELECTION, 4000, 5000),
    transaction(Kind.PHASE, 5500, 6000, Phase.DATA_IN),
    transaction(Kind.BUS_FREE, 7000, 7400),
    transaction(Kind.ARBITRATION, 9000, 12000),
    transaction(Kind.SELECTION, 12000, 13000),
    transaction(Kind.PHASE, 13500, 14000, Phase.MSG_OUT),
    transaction(Kind.PHASE, 14500, 24500, Phase.DATA_OUT),
    transaction(Kind.PHASE, 25000, 25500, Phase.MSG_OUT, "switch_role"),
    transaction(Kind.PHASE, 26000, 36000, Phase.DATA_OUT),
    transaction(Kind.BUS_FREE, 37000, 37400),
    transaction(Kind.ARBITRATION, 38500, 41000),
    transaction(Kind.RESELECTION, 41000, 42000),
    transaction(Kind.PHASE, 42500, 43000, Phase.STATUS),
    transaction(Kind.BUS_FREE, 47000, 47400),
]


def test_measure_counts_what_is_on_the_wire() -> None:
    """A course made by hand: initialisation apart, data phases only, idle from BUS FREE to the next BSY."""
    init, figures = measure(COURSE, 8_000_000, blocks=1, image_bytes=512)
    assert dataclasses.asdict(init) == {"selections": 1, "reselections": 0, "bus_time_ns": 6000.0}
    assert figures == WayFigures(
        blocks=1,
        arbitrations=2,
        selections=1,
        reselections=1,
        switch_roles=1,
        bus_time_ns=40000.0,
        data_time_ns=20000.0,
        overhead_ns=20000.0,
        idle_ns=3500.0,
        throughput_mb_s=12.8,
    )


def test_measure_counts_qas_arbitrations_and_dt_phases() -> None:
    """Connections joined by QAS: no idle time between them, and the first of them may begin the data."""
    qas = dataclasses.replace(transaction(Kind.ARBITRATION, 37000, 38100), qas=True)
    course = [
        *COURSE[:-5],
        qas,
        transaction(Kind.RESELECTION, 39000, 40000),
        transaction(Kind.PHASE, 40500, 43500, Phase.DT_DATA_IN),
        transaction(Kind.PHASE, 44000, 45000, Phase.DT_DATA_OUT),
        transaction(Kind.BUS_FREE, 47000, 47400),
    ]
    _, figures = measure(course, 8_000_000, blocks=1, image_bytes=512)
    assert (figures.arbitrations, figures.selections, figures.reselections) == (2, 1, 1)
    assert (figures.bus_time_ns, figures.data_time_ns, figures.idle_ns) == (40000.0, 24000.0, 2000.0)
    init, figures = measure(course, 30_000_000, blocks=1, image_bytes=512)
    assert (init.selections, init.bus_time_ns) == (2, 36000.0)
    assert (figures.arbitrations, figures.selections, figures.reselections) == (1, 0, 1)
    assert (figures.bus_time_ns, figures.data_time_ns, figures.idle_ns) == (10000.0, 4000.0, 0.0)


@pytest.mark.parametrize(
    ("course", "begin_ps", "message"),
    [
        (COURSE, 40_000_000, "no arbitration"),
        (COURSE[5:], 8_000_000, "no BUS FREE before"),
        (COURSE[:-1], 8_000_000, "does not end with BUS FREE"),
    ],
)
def test_measure_refuses_what_is_incomplete(course: list[Transaction], begin_ps: int, message: str) -> None:
    with pytest.raises(MeasureError, match=message):
        measure(course, begin_ps, 1, 512)


def test_table_compares_with_normal() -> None:
    figures = WayFigures(2, 8, 2, 6, 4, 100_000.0, 60_000.0, 40_000.0, 9_000.0, 10.24)
    slower = dataclasses.replace(figures, bus_time_ns=150_000.0)
    lines = render_table({"silent": figures, "normal": slower}).splitlines()
    assert lines[1].split() == ["silent", "8", "2", "6", "4", "100.0", "60.0", "40.0", "10.240", "1.500"]
    assert lines[2].split()[-1] == "1.000"


def test_schema_check_finds_what_is_wrong(tmp_path: Path) -> None:
    """Every member missing, extra or of another type is told; so is a verdict that contradicts the failures."""
    good = Judge(options(tmp_path, b"x"), b"x", b"x" * 512).report(1.0)
    good["targets"] = [{"scsi_id": 5, "group_id": "00", "rank": 0, "runs": {}}]
    assert check_report(good) == []
    for name in good:
        assert check_report({key: value for key, value in good.items() if key != name})
    assert check_report({**good, "extra": 1}) == ["report has extra, which has no meaning"]
    assert check_report({**good, "seed": "1"}) == ["report.seed is a str"]
    assert check_report({**good, "failures": ["x"]}) == ["result PASS with 1 failures"]
    assert check_report({**good, "runs": {"silent": {}}})
    assert check_report({**good, "targets": [{}]})
    assert check_report([]) == ["report is no object"]
