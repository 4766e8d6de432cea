"""The RTL target: its in-simulator tests, and that it refuses parameters it cannot work with."""

from __future__ import annotations

import subprocess

import pytest

from helpers.sim import SimRunner
from silentmirror.lint import rtl_sources
from silentmirror.options import ROOT

MESSAGES = "mirror_messages_must_be_four_different_codes_from_25h_to_2fh"
EXTENDED = "extended_mirror_messages_must_be_five_different_codes_from_80h_to_ffh"
BUFFER = "buf_bytes_must_be_a_multiple_of_4096_up_to_65536"
ENTRIES = "entries_must_be_1_to_16"
QUEUE = "queue_must_be_1_to_16"
PERIOD = "clk_period_ps_must_be_4000_to_20000"


@pytest.mark.parametrize(
    "module",
    [
        "sim_target",
        "sim_target_commands",
        "sim_target_faults",
        "sim_target_agreements",
        "sim_target_strays",
        "sim_target_bad_input",
        "sim_target_queue",
        "sim_target_cache",
        "sim_target_qas",
        "sim_target_nexus",
        "sim_target_mirror",
        "sim_target_mirror_read",
        "sim_target_mirror_report",
        "sim_target_mirror_series",
        "sim_target_mirror_messages",
        "sim_target_mirror_faults",
    ],
)
def test_target(run_sim: SimRunner, module: str) -> None:
    run_sim(module)


def _elaborate(**parameters: int) -> subprocess.CompletedProcess[str]:
    """Icarus elaborates the target with these parameters."""
    overrides = [f"-Pscsi_target.{name}={value}" for name, value in parameters.items()]
    options = ["-g2005", "-tnull", "-Ihdl/include", "-sscsi_target", *overrides]
    command = ["iverilog", *options, *rtl_sources()]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"MSG_QUERY": 0x24}, MESSAGES),
        ({"MSG_SWITCH": 0x30}, MESSAGES),
        ({"MSG_RELEASE": 0x0C}, MESSAGES),
        ({"MSG_QUERY": 0x2C}, MESSAGES),
        ({"MSG_RELEASE": 0x26}, MESSAGES),
        ({"MSG_SWITCH": 0x29, "MSG_RELEASE": 0x29}, MESSAGES),
        ({"EXT_WRITE": 0x7F}, EXTENDED),
        ({"EXT_WRITE": 0x100}, EXTENDED),
        ({"EXT_READ": 0x8C}, EXTENDED),
        ({"EXT_FAILED": 0x10}, EXTENDED),
        ({"EXT_CAPABILITY": 0x8B}, EXTENDED),
        ({"MSG_REPORT": 0x2E}, MESSAGES),
        ({"BUF_BYTES": 2048}, BUFFER),
        ({"BUF_BYTES": 6144}, BUFFER),
        ({"BUF_BYTES": 69632}, BUFFER),
        ({"ENROLMENTS": 0}, ENTRIES),
        ({"ENROLMENTS": 17}, ENTRIES),
        ({"QUEUE": 0}, QUEUE),
        ({"QUEUE": 17}, QUEUE),
        ({"CLK_PERIOD_PS": 3999}, PERIOD),
        ({"CLK_PERIOD_PS": 20001}, PERIOD),
    ],
)
def test_bad_parameters(parameters: dict[str, int], complaint: str) -> None:
    """Elaboration fails and names what is wrong."""
    done = _elaborate(**parameters)
    assert done.returncode != 0
    assert complaint in done.stderr


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"MSG_QUERY": 0x25, "MSG_SWITCH": 0x2F, "MSG_RELEASE": 0x26, "EXT_WRITE": 0xFF, "EXT_NEXT": 0x80},
        {"BUF_BYTES": 65536, "ENROLMENTS": 16, "QUEUE": 16, "CLK_PERIOD_PS": 4000},
        {"BUF_BYTES": 4096, "ENROLMENTS": 1, "QUEUE": 1, "CLK_PERIOD_PS": 20000},
    ],
)
def test_good_parameters(parameters: dict[str, int]) -> None:
    """The ends of the ranges elaborate without a word."""
    done = _elaborate(**parameters)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
