"""Synchronous ST and DT data phases between the two RTL data paths, without the devices around them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.sim import TESTS, SimRunner
from silentmirror import build
from silentmirror.options import ROOT

HDL = ROOT / "hdl"
MODELS = TESTS / "models"
DESIGN = build.Design(
    top="strobe_pair",
    sources=(
        MODELS / "strobe_pair.v",
        MODELS / "strobe_meter.v",
        HDL / "sim" / "ppm_clock.v",
        *sorted((HDL / "port").glob("*.v")),
        HDL / "initiator" / "ini_buffer.v",
        HDL / "initiator" / "ini_data.v",
        HDL / "initiator" / "ini_link.v",
        HDL / "initiator" / "ini_phase.v",
        HDL / "initiator" / "ini_sync.v",
        HDL / "target" / "tgt_data.v",
        HDL / "target" / "tgt_phase.v",
        HDL / "target" / "tgt_sync.v",
    ),
    all_public=True,
)


def test_strobes(run_sim: SimRunner) -> None:
    """Every rate, offset, length and direction: data, wire timing, offsets, rate, errors."""
    assert len(run_sim("sim_strobes", design=DESIGN).cases) >= 9


def alone(top: str, *sources: str, **parameters: int) -> build.Design:
    """A design of one unit; sources below hdl/ or tests/models."""
    found = [path for name in sources for path in (HDL / name, MODELS / name) if path.exists()]
    assert len(found) == len(sources)
    return build.Design(top=top, sources=tuple(found), parameters=tuple(parameters.items()), all_public=True)


@pytest.mark.parametrize("clk_period_ps", [4000, 5000, 6250, 7500, 10000, 12500, 20000])
def test_periods(run_sim: SimRunner, clk_period_ps: int) -> None:
    """Every transfer period factor in clocks, for several clocks."""
    design = alone("scsi_strobe_out", "port/scsi_strobe_out.v", "port/scsi_period.v", CLK_PERIOD_PS=clk_period_ps)
    assert len(run_sim("sim_strobe_parts", "periods", design=design).cases) == 1


CONVENTIONS: dict[str, dict[str, int]] = {
    "usual": {},
    "msb_first": {"LSB_FIRST": 0},
    "plain": {"SEED": 0, "INVERT": 0},
    "odd": {"LSB_FIRST": 0, "SEED": 0x12345678, "INVERT": 0x0F1E2D3C},
}


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_crc(run_sim: SimRunner, convention: str) -> None:
    """The CRC of a data group, whatever is taken for what the standard's text leaves open."""
    design = alone("scsi_crc", "port/scsi_crc.v", **CONVENTIONS[convention])
    assert len(run_sim("sim_strobe_parts", "crc", design=design).cases) == 1


def test_convention_of_the_devices(run_sim: SimRunner) -> None:
    """Both sides take what they are told for the CRC of a group, and understand each other."""
    parameters = tuple((f"CRC_{name}", value) for name, value in CONVENTIONS["odd"].items())
    design = replace(DESIGN, parameters=parameters)
    assert len(run_sim("sim_strobes", "words_on_the_wires", design=design).cases) == 1


def test_short_strobes(run_sim: SimRunner) -> None:
    """What the receive limits still allow is captured."""
    design = alone("strobe_source", "strobe_source.v", "sim/ppm_clock.v", "port/scsi_strobe_in.v")
    assert len(run_sim("sim_strobe_parts", "short_strobes", design=design).cases) == 1
