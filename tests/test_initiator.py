"""The RTL initiator: its register codes and parameters, and its behaviour against Python targets."""

from __future__ import annotations

import re
import tomllib

import pytest

from helpers.sim import TESTS, SimRunner
from silentmirror import build
from silentmirror.options import ROOT

HDL = ROOT / "hdl"
SOURCES = (*sorted((HDL / "port").glob("*.v")), *sorted((HDL / "initiator").glob("*.v")))
DESIGN = build.Design(
    top="initiator_ports",
    sources=(TESTS / "models" / "initiator_ports.v", HDL / "sim" / "ppm_clock.v", *SOURCES),
    includes=(HDL / "include", TESTS / "models"),
    all_public=True,
)


def test_initiator_commands(run_sim: SimRunner) -> None:
    """Ordinary commands, disconnection, parity recovery, faults, reset, two initiators."""
    assert len(run_sim("sim_initiator", design=DESIGN).cases) >= 30


def test_initiator_mirror(run_sim: SimRunner) -> None:
    """Discovery, mirrored write, hand-over, reclaim, status."""
    assert len(run_sim("sim_initiator_mirror", design=DESIGN).cases) >= 17


def test_initiator_repeat(run_sim: SimRunner) -> None:
    """Mirrored commands of many blocks, ways of repeating, results by member, bad descriptors."""
    assert len(run_sim("sim_initiator_repeat", design=DESIGN).cases) >= 22


def test_initiator_series(run_sim: SimRunner) -> None:
    """Mirrored reads, and mirrored commands with extensions: connections, results by member and block."""
    assert len(run_sim("sim_initiator_series", design=DESIGN).cases) >= 13


def test_initiator_extensions(run_sim: SimRunner) -> None:
    """Mirrored reads, capability, statuses in the connection, series of blocks, and their faults."""
    assert len(run_sim("sim_initiator_extensions", design=DESIGN).cases) >= 35


def test_initiator_negotiation(run_sim: SimRunner) -> None:
    """WDTR, SDTR and PPR by either side, with every way in which they can fail."""
    assert len(run_sim("sim_initiator_negotiation", design=DESIGN).cases) >= 40


def test_initiator_tasks(run_sim: SimRunner) -> None:
    """Attributes, many tasks at once, pointers, refusals, messages out of place."""
    assert len(run_sim("sim_initiator_tasks", design=DESIGN).cases) >= 23


def test_initiator_codes(run_sim: SimRunner) -> None:
    """Every message code, every length of CDB, malformed reselections, more completions than the queue holds."""
    assert len(run_sim("sim_initiator_codes", design=DESIGN).cases) == 4


def test_initiator_management(run_sim: SimRunner) -> None:
    """Task management functions and what they end."""
    assert len(run_sim("sim_initiator_management", design=DESIGN).cases) >= 9


def test_initiator_transfers(run_sim: SimRunner) -> None:
    """Data by agreement with targets of any ability, recovery, mirrored members, targets with QAS."""
    assert len(run_sim("sim_initiator_transfers", design=DESIGN).cases) >= 20


def test_initiator_qas(run_sim: SimRunner) -> None:
    """QAS REQUEST, the start of a descriptor in a QAS phase, both selection time-out procedures."""
    assert len(run_sim("sim_initiator_qas", design=DESIGN).cases) >= 6


@pytest.mark.parametrize(
    ("prefix", "register", "field"), [("OP", "OP", "OPCODE"), ("RES", "CPL1", "RESULT"), ("DET", "CPL1", "DETAIL")]
)
def test_codes_match_the_register_map(prefix: str, register: str, field: str) -> None:
    """Opcodes, results and details of the RTL are those that the register map tells the host."""
    header = (HDL / "include" / "ini_defs.vh").read_text(encoding="utf-8")
    rtl = {name: int(value) for name, value in re.findall(rf"^`define INI_{prefix}_(\w+) 4'd(\d+)$", header, re.M)}
    entries = tomllib.loads((HDL / "initiator" / "regs.toml").read_text(encoding="utf-8"))["register"]
    (text,) = [row[3] for entry in entries if entry["name"] == register for row in entry["fields"] if row[2] == field]
    listed = text.partition(": ")[2] or text
    told = {int(value): name for value, name in re.findall(r"(\d+) ([A-Za-z_ ]+?)(?:,|$)", listed)}
    assert len(told) == len(rtl) > 0
    if prefix != "DET":  # there the map has words where the RTL has names
        assert {name: value for value, name in told.items()} == rtl


@pytest.mark.parametrize(
    ("parameter", "value", "word"),
    [
        ("BUF_BYTES", 256, "buf_bytes"),
        ("BUF_BYTES", 3000, "buf_bytes"),
        ("CLK_PERIOD_PS", 100, "clk_period_ps"),
        ("MSG_QUERY", 0x20, "standard_code"),
        ("MSG_RELEASE", 0x2C, "must_differ"),
        ("EXT_WRITE", 0x03, "standard_code"),
        ("MSG_REPORT", 0x26, "must_differ"),
        ("EXT_NEXT", 0x8A, "must_differ"),
        ("EXT_FAILED", 0x7F, "standard_code"),
    ],
)
def test_bad_parameters_do_not_elaborate(parameter: str, value: int, word: str) -> None:
    """A parameter out of range stops the build with a name that tells what is wrong."""
    design = build.Design(top="scsi_initiator", sources=SOURCES, parameters=((parameter, value),))
    with pytest.raises(build.BuildError, match=word):
        build.build("icarus", design=design)
