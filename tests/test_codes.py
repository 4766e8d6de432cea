"""Names and codes in Python are those of the Verilog header."""

from __future__ import annotations

import re
from enum import IntEnum

import pytest

from cocotbext.scsi.agreement import Option, Period
from cocotbext.scsi.constants import (
    EXTENDED_LENGTH,
    IDENTIFY_DISCPRIV,
    PRIORITY,
    Asc,
    Extended,
    Message,
    Opcode,
    Phase,
    SenseKey,
    Status,
    ids_by_priority,
    message_length,
)
from cocotbext.scsi.messages import split_messages
from silentmirror import mirror_messages as mirror
from silentmirror.options import ROOT

HEADER = (ROOT / "hdl/include/scsi_defs.vh").read_text(encoding="utf-8")
DEFINES = dict(re.findall(r"^`define (\w+) \d+'[hb]([0-9A-Fa-f_]+)$", HEADER, re.MULTILINE))


def _verilog(prefix: str) -> dict[str, int]:
    """Macros of scsi_defs.vh with this prefix, the prefix taken off."""
    base = 2 if prefix == "SCSI_PH_" else 16
    found = {name.removeprefix(prefix): int(text, base) for name, text in DEFINES.items() if name.startswith(prefix)}
    assert found, prefix
    return found


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("SCSI_PH_", Phase),
        ("SCSI_ST_", Status),
        ("SCSI_OP_", Opcode),
        ("SCSI_SK_", SenseKey),
        ("SCSI_ASC_", Asc),
    ],
)
def test_codes_match_verilog(prefix: str, names: type[IntEnum]) -> None:
    ours = {member.name: member.value for member in names}
    theirs = _verilog(prefix)
    assert {name: ours.get(name) for name in theirs} == theirs


def test_message_codes_match_verilog() -> None:
    theirs = _verilog("SCSI_MSG_")
    assert theirs.pop("IDENTIFY_DISCPRIV") == IDENTIFY_DISCPRIV
    assert theirs == {message.name: message.value for message in Message}
    extended = {code.name: code.value for code in Extended}
    extended |= {f"{code.name}_LEN": length for code, length in EXTENDED_LENGTH.items()}
    assert _verilog("SCSI_EXT_") == extended


def test_mirror_codes_match_verilog() -> None:
    ours = {f"MSG_{code.name}": code.value for code in mirror.MirrorMessage}
    ours |= {f"EXT_{code.name}": code.value for code in mirror.MirrorExtended}
    ours |= {
        f"EXT_LEN_{code.name}": lengths[0] for code, lengths in mirror.EXTENDED_LENGTHS.items() if len(lengths) == 1
    }
    ours |= {f"FLAG_{flag.name}": flag.value for flag in mirror.MirrorFlag}
    ours |= {
        "EXT_LEN": mirror.EXTENDED_LENGTH,
        "EXT_LEN_LAST": mirror.EXTENDED_LENGTH_LAST,
        "LAST": mirror.LAST,
        "Z_LEAVE": mirror.Z_LEAVE,
    }
    assert _verilog("MIRROR_") == ours


def test_negotiation_codes_match_verilog() -> None:
    header = (ROOT / "hdl/include/scsi_agreement.vh").read_text(encoding="utf-8")
    theirs = {name: int(text, 16) for name, text in re.findall(r"`define SCSI_(P\w+) 8'h(\w+)", header)}
    ours = {f"PERIOD_{name}": period.value for name, period in Period.__members__.items()}
    ours |= {f"PPR_{name}": option.value for name, option in Option.__members__.items()}
    assert {name: ours.get(name) for name in theirs} == theirs
    assert {"PERIOD_FAST_80", "PPR_DT"} <= theirs.keys()


def test_every_macro_was_compared() -> None:
    prefixes = ("SCSI_PH_", "SCSI_ST_", "SCSI_OP_", "SCSI_SK_", "SCSI_ASC_", "SCSI_MSG_", "SCSI_EXT_", "MIRROR_")
    assert [name for name in DEFINES if not name.startswith(prefixes)] == []
    assert len(re.findall(r"^`define \w+ \S", HEADER, re.MULTILINE)) == len(DEFINES)


def test_message_lengths() -> None:
    for first in range(256):
        expected = None if first == 1 else 2 if 0x20 <= first <= 0x2F else 1
        assert message_length([first]) == expected, f"{first:02X}"
    assert message_length([]) is None
    assert message_length([1, 3]) == 5
    assert message_length([1, 0]) == 258
    assert split_messages(bytes.fromhex("C0200101020301")) == [b"\xc0", b"\x20\x01", bytes.fromhex("01020301")]
    assert split_messages(bytes.fromhex("0801")) == [b"\x08", b"\x01"]


def test_priority_of_ids() -> None:
    assert ids_by_priority(0xFFFF) == list(PRIORITY) == [*range(7, -1, -1), *range(15, 7, -1)]
    assert ids_by_priority(0x8041) == [6, 0, 15]
    assert ids_by_priority(0) == []
