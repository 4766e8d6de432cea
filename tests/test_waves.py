"""Waves: what the bench shows as text, the names of states, and the save file for GTKWave."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pywellen import Waveform

from helpers.sim import SimRunner
from silentmirror import build, waves
from silentmirror.cli.args import BadInput, parse
from silentmirror.options import ROOT
from silentmirror.rtl import module_of, read_modules


def test_bus_view_names_what_is_on_the_bus(run_sim: SimRunner) -> None:
    design = build.Design(top="bus_view", sources=(ROOT / "hdl/sim/bus_view.v",), all_public=True)
    assert len(run_sim("sim_bus_view", design=design).cases) == 3


def test_every_state_register_has_names() -> None:
    modules = read_modules(ROOT / "hdl")
    named = {name: module.states for name, module in modules.items() if module.states}
    without = []
    for path in sorted((ROOT / "hdl").rglob("*.v")):
        for register in re.findall(r"^\s*reg\b[^;]*?(\w*state_q)\s*[;,]", path.read_text(), re.MULTILINE):
            if len(named.get(path.stem, {}).get(register, {})) < 2:
                without.append(f"{path.stem}.{register}")
    assert len(named) > 8
    assert without == []


def test_states_and_instances_are_read_from_the_text(tmp_path: Path) -> None:
    (tmp_path / "states.vh").write_text("localparam [1:0] WARM = 2'd0;  // so\n// and\nlocalparam HOT = 2'd1;\n")
    (tmp_path / "leaf.v").write_text(
        "`include \"states.vh\"\nlocalparam ODD = 2'd1;\nlocalparam EVEN = 2'd0;\n\n"
        "reg [1:0] state_q;\nreg [1:0] in_state_q;\nstate_q <= WARM; if (in_state_q == ODD) x <= HOT;\n"
    )
    (tmp_path / "top.v").write_text("leaf #(\n  .A(f(1))\n) u_one (\n);\nleaf u_two (.a(b));\n")
    modules = read_modules(tmp_path)
    assert modules["leaf"].states == {"state_q": {0: "WARM", 1: "HOT"}, "in_state_q": {1: "ODD", 0: "EVEN"}}
    assert modules["top"].instances == {"u_one": "leaf", "u_two": "leaf"}
    assert module_of(["top", "slot[1]", "u_two"], modules) == "leaf"
    assert module_of(["elsewhere", "u_two"], modules) is None


@pytest.fixture
def made(run_sim: SimRunner, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Waves of a short run of the bench."""
    monkeypatch.setenv("WAVES", "1")
    result = run_sim("sim_waves")
    assert len(result.cases) == 1
    return result.waves


def test_save_file_shows_bus_and_devices(made: Path) -> None:
    save = waves.write_save_file(made).read_text()
    known = {var.full_name for var in Waveform(str(made)).all_vars()}
    shown = re.findall(r"^(?:\+\{[^}]*\} )?(bench\..+?)(?:\[\d+:0\])?$", save, re.MULTILINE)
    assert len(shown) > 30
    assert [name for name in shown if name not in known] == []
    assert "bench.u_view.phase" in shown
    groups = re.findall(r"^-(.+)$", save, re.MULTILINE)
    assert [name for name in groups if "(slot " in name][::2] == [
        "initiator (slot 0)",
        "target, SCSI ID 5 (slot 2)",
        "target, SCSI ID 4 (slot 3)",
    ]
    states = [name for name in shown if name.endswith("state_q")]
    tables = re.findall(r"^\^\d+ (.+)$", save, re.MULTILINE)
    assert len(states) > 15
    assert all(Path(table).name == table and len((made.parent / table).read_text().split()) >= 4 for table in tables)
    assert len(set(tables)) > 8


def test_without_a_display_it_is_told_where_they_are(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(made.parent.parent)
    assert waves.run(made) == 0
    first, second = capsys.readouterr().out.splitlines()
    folder = made.parent.name
    assert first == f"waves: {folder}/waves.fst, save file: {folder}/waves.gtkw"
    assert second.endswith(f"cd {folder} && gtkwave waves.fst waves.gtkw")


def test_waves_that_are_not_there_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.fst: no such file; allowed"):
        parse(["waves", str(tmp_path / "none.fst")])


def test_a_file_of_another_kind_is_bad_input(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("no waves")
    with pytest.raises(BadInput, match=r"notes\.txt: not an \.fst file; allowed"):
        parse(["waves", str(other)])
