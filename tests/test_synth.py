"""What `make synth` prepares and reads, without its tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from silentmirror import synth
from silentmirror.lint import TOPS


@pytest.mark.parametrize("device", synth.DEVICES, ids=lambda device: device.name)
def test_every_port_of_the_device_is_in_the_frame(device: synth.Device) -> None:
    ports = synth.ports_of(device.source.read_text(encoding="utf-8"))
    assert {port.name for port in ports} >= {*synth.PINS, *device.held, "scsi_db_i", "scsi_db_o"}
    assert next(port for port in ports if port.name == "scsi_db_i") == synth.Port("scsi_db_i", True, 16)
    frame = synth.frame_of(device, ports)
    for port in ports:
        assert frame.count(f".{port.name}(") == (0 if port.name in device.held else 1)
    outputs = sum(port.width for port in ports if not port.is_input)
    assert f"wire [{outputs}-1:0] out;" in frame


def test_all_tops_are_measured() -> None:
    assert {device.top for device in synth.DEVICES if not device.held} == set(TOPS)


def test_ports_that_are_held_become_wires_of_0() -> None:
    device = next(device for device in synth.DEVICES if device.held)
    ports = synth.ports_of(device.source.read_text(encoding="utf-8"))
    assert synth.held(device, ports) == [
        "proc",
        "cd scsi_target",
        "delete -port cfg_mirror_i; connect -set cfg_mirror_i 1'b0",
        "delete -port cfg_mirror_ext_i; connect -set cfg_mirror_ext_i 2'b00",
        "cd",
    ]
    assert synth.held(synth.DEVICES[0], ports) == []


def test_a_clock_that_is_too_slow_fails() -> None:
    slow = synth.Result("target", 1, 1, 0, 1, {"clk_i": synth.BUS_CLOCK_MHZ - 0.1}, [])
    fast = synth.Result("target", 1, 1, 0, 1, {"clk_i": synth.BUS_CLOCK_MHZ, "scsi_ack_i": 90.0}, [])
    assert [slow.closes, fast.closes] == [False, True]


@pytest.mark.parametrize(
    ("clocks", "tried", "seed"),
    [((161.0,), 1, 1), ((150.0, 160.0), 2, 2), ((150.0, 155.0, 151.0, 154.0), 4, 2)],
    ids=["first", "second", "none"],
)
def test_placements_are_tried_until_one_closes(
    clocks: tuple[float, ...], tried: int, seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seeds: list[int] = []

    def synthesize(_device: synth.Device, _folder: Path) -> dict[str, int]:
        return {"LUT4": 7, "CCU2C": 1, "TRELLIS_FF": 3}

    def route(_folder: Path, seed: int) -> dict[str, Any]:
        seeds.append(seed)
        return {"fmax": {"clk_i": {"achieved": clocks[len(seeds) - 1]}}, "critical_paths": []}

    monkeypatch.setattr(synth, "OUT_DIR", tmp_path)
    monkeypatch.setattr(synth, "_synthesize", synthesize)
    monkeypatch.setattr(synth, "_route", route)
    result = synth.measure(synth.DEVICES[0])
    assert (len(seeds), result.seed, result.luts, result.flip_flops) == (tried, seed, 9, 3)
    assert result.fmax_mhz == {"clk_i": max(clocks)}
