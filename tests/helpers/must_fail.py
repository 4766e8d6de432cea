"""For every rule of the checker: a legal scenario, and the fault in it that this rule and no other reports."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from cocotbext.scsi.constants import Phase

from .mirror_must_fail import MIRROR_CASES, MIRROR_VARIANTS
from .must_fail_case import Case, stick
from .scenarios import (
    abandoned,
    attention,
    contend,
    discovery,
    mirrored,
    no_answer,
    ordinary,
    reselection,
    twice,
    two_messages,
    wide,
)
from .transfer_must_fail import TRANSFER_CASES
from .wire_script import HOST, LEADER, PART1, PART2, Fault, Script


def _byte(phase: int, index: int) -> tuple[str, str]:
    """From before a byte's data to after its end."""
    return f"p{phase}.b{index}.req-80", f"p{phase}.b{index}.ack_off+1"


def _flip(legal: Callable[[], Script], slot: int, phase: int, index: int, ones: str = "", zeros: str = "") -> Case:
    """Some bits of one byte (and its parity) as the sender drives them; the bits are held for the whole transfer."""
    start, stop = _byte(phase, index)
    faults = [Fault(slot, names, level, start, stop) for level, names in ((1, ones), (0, zeros)) if names]
    return Case(legal, tuple(faults))


def _skip(legal: Callable[[], Script], slot: int, phase: int, index: int) -> Case:
    """One transfer does not take place at all."""
    start, stop = _byte(phase, index)
    return stick(legal, (slot, "req", 0, start, stop), (HOST, "ack", 0, start, stop))


_ARBITRATION = {
    "ARB-01": stick(twice, (HOST, "bsy db7", 1, "2.arb-200", "2.arb")),
    "ARB-02": stick(contend, (PART1, "bsy db5", 0, "arb", "arb+1700")),
    "ARB-03": stick(contend, (HOST, "db3", 1, "arb+100", "arb+200")),
    "ARB-04": stick(contend, (LEADER, "cd", 1, "arb+500", "arb+600")),
    "ARB-05": stick(contend, (HOST, "sel", 1, "won-150", "won")),
    "ARB-06": stick(contend, (PART1, "db7", 1, "arb+200", "won+300"), (PART1, "db5", 0, "arb+200", "won+300")),
    "ARB-07": stick(ordinary, (HOST, "atn", 1, "ids-150", "ids")),
    "ARB-08": stick(contend, (PART1, "bsy db5", 1, "won", "won+900")),
    "ARB-09": stick(abandoned, (HOST, "bsy sel atn db7 db1 dbp0", 0, "won-100", "rst+200")),
    "ARB-10": stick(abandoned, (LEADER, "sel", 1, "2.arb-2000", "2.arb-1900")),
}

_SELECTION = {
    "SEL-01": stick(ordinary, (HOST, "db3", 1, "ids", "sel_off"), (HOST, "dbp0", 0, "ids", "sel_off")),
    "SEL-02": stick(ordinary, (HOST, "dbp0", 0, "ids", "sel_off")),
    "SEL-03": stick(ordinary, (HOST, "db5 dbp0", 0, "ids", "bsy_off-50")),
    "SEL-04": stick(ordinary, (HOST, "atn", 0, "ids", "bsy_off-50")),
    "SEL-05": stick(ordinary, (HOST, "atn", 0, "ids", "bsy_off+100")),
    "SEL-06": stick(ordinary, (LEADER, "bsy", 1, "answer-150", "answer")),
    "SEL-07": stick(ordinary, (HOST, "sel", 0, "sel_off-50", "sel_off")),
    "SEL-08": stick(ordinary, (HOST, "db5", 0, "answer+30", "sel_off")),
    "SEL-09": stick(ordinary, (LEADER, "cd", 1, "answer+20", "p0")),
    "SEL-10": stick(no_answer, (HOST, "sel atn", 0, "sel_off-200", "sel_off")),
    "SEL-11": stick(partial(no_answer, True), (LEADER, "bsy", 0, "answer", "answer+200")),
    "SEL-12": stick(ordinary, (PART1, "bsy", 1, "answer", "answer+50")),
    "RSL-01": stick(reselection, (LEADER, "io", 0, "ids", "bsy_off-50")),
    "RSL-02": stick(reselection, (LEADER, "bsy", 0, "takeover", "sel_off-50")),
    "RSL-03": stick(reselection, (LEADER, "io", 0, "bsy_off+100", "bsy_off+130")),
    "RSL-04": stick(reselection, (HOST, "bsy", 0, "sel_off-20", "host_bsy_off")),
    "RSL-05": stick(reselection, (HOST, "bsy", 1, "host_bsy_off", "p0.b0.ack+10")),
}

_PHASES = {
    "PHS-01": stick(ordinary, (LEADER, "req", 1, "p1.b0.req-100", "p1.b0.req")),
    "PHS-02": stick(ordinary, (LEADER, "msg", 1, "p1.b1.req+5", "p1.b1.req+25")),
    "PHS-03": stick(ordinary, (LEADER, "msg", 0, "p0", "p1")),
    "PHS-04": stick(reselection, (LEADER, "msg cd", 0, "p0", "p1")),
    "SEQ-01": _skip(ordinary, LEADER, 1, 5),
    "SEQ-02": stick(partial(ordinary, data_in=b"\x00", data_out=b""), (LEADER, "cd", 1, "p2", "p3")),
    "SEQ-03": stick(partial(ordinary, data_in=b"\x00"), (LEADER, "cd", 1, "p2", "p3")),
    "SEQ-04": _flip(ordinary, LEADER, 4, 0, ones="db0", zeros="dbp0"),
}

_HANDSHAKE = {
    "HSK-01": stick(ordinary, (LEADER, "req", 1, "p1.b1.req_off+20", "p1.b1.req_off+40")),
    "HSK-02": stick(ordinary, (HOST, "ack", 1, "p1.b1.ack_off+30", "p1.b1.ack_off+50")),
    "HSK-03": stick(ordinary, (LEADER, "req", 0, "p1.b1.req+30", "p1.b1.req+50")),
    "HSK-04": stick(ordinary, (HOST, "ack", 0, "p1.b1.ack+15", "p1.b1.ack+30")),
    "HSK-05": stick(ordinary, (LEADER, "db0 dbp0", 0, "p2.b0.data", "p2.b0.req-30")),
    "HSK-06": stick(ordinary, (LEADER, "db1", 1, "p2.b0.req+20", "p2.b0.req+40")),
    "HSK-07": stick(ordinary, (HOST, "db0 dbp0", 0, "p3.b0.data", "p3.b0.ack-30")),
    "HSK-08": stick(ordinary, (HOST, "db1", 1, "p3.b0.ack+10", "p3.b0.ack+30")),
    "TRN-01": stick(ordinary, (HOST, "db0", 1, "p2-50", "p2+450")),
    "TRN-02": stick(ordinary, (LEADER, "db0", 1, "p2+700", "p2.b0.data")),
    "TRN-03": stick(ordinary, (LEADER, "db0", 1, "p3-20", "p3+60")),
    "PAR-01": _flip(ordinary, HOST, 0, 2, ones="dbp0"),
    "PAR-02": _flip(ordinary, LEADER, 5, 0, zeros="dbp0"),
    "PAR-03": _flip(ordinary, HOST, 1, 2, zeros="dbp0"),
    "PAR-04": _flip(ordinary, LEADER, 4, 0, zeros="dbp0"),
    "PAR-05": _flip(ordinary, HOST, 3, 0, ones="db1"),
    "PAR-06": _flip(ordinary, LEADER, 2, 0, ones="db1"),
    "PAR-07": _flip(wide, HOST, 3, 0, ones="db8"),
}

_ATTENTION = {
    "ATN-01": stick(attention, (HOST, "atn", 0, "p2.b0.ack", "p2.b0.ack_off-50")),
    "ATN-02": stick(ordinary, (HOST, "atn", 1, "p0.b2.req", "p0.b2.ack-50")),
    "ATN-03": stick(ordinary, (HOST, "atn", 0, "p0.b0.ack+10", "p0.b0.ack+30")),
    "ATN-04": Case(
        ordinary,
        (
            Fault(HOST, "atn", 0, "p0.b1.req+5", "p0.b2.ack_off"),
            *_skip(ordinary, LEADER, 0, 2).faults,
        ),
    ),
    "ATN-05": stick(attention, (LEADER, "msg cd", 0, "p3", "p4")),
    "ATN-06": stick(two_messages, (HOST, "atn", 1, "p1.b0.ack", "p1.b1.req+10")),
    "ATN-07": stick(attention, (HOST, "atn", 1, "p3.b0.req", "p3.b0.ack_off+20")),
}

_DRIVERS = {
    "DRV-01": stick(ordinary, (PART1, "msg", 1, "p0+100", "p0+150")),
    "DRV-02": stick(ordinary, (PART1, "cd", 1, "p3.b0.ack_off+20", "p3.b0.ack_off+40")),
    "DRV-03": stick(ordinary, (PART1, "ack", 1, "p1.b0.ack+10", "p1.b0.ack+30")),
    "DRV-04": stick(ordinary, (PART1, "db0", 1, "p3.b0.data", "p3.b0.ack_off")),
    "DRV-05": stick(ordinary, (PART1, "bsy", 1, "p1+50", "p1+100")),
    "DRV-06": stick(ordinary, (PART1, "sel", 1, "won+200", "won+300")),
    "GEN-01": Case(ordinary, unknown=Fault(HOST, "db15", 0, "p1.b0.ack_off+20", "p1.b0.ack_off+40")),
}

_FREE = {
    "FRE-01": stick(twice, (LEADER, "cd", 1, "free", "free+1250")),
    "FRE-02": _flip(ordinary, LEADER, 5, 0, ones="db1 db3"),
    "FRE-03": stick(abandoned, (PART1, "cd", 1, "2.arb-700", "2.arb-600")),
    "CON-01": stick(ordinary, (LEADER, "bsy", 0, "p1.b0.ack_off+20", "p1.b0.ack_off+60")),
    "CON-02": stick(ordinary, (HOST, "sel", 1, "p1.b0.ack_off+20", "p1.b0.ack_off+60")),
    "RST-01": stick(abandoned, (HOST, "rst", 0, "rst+20000", "rst_off")),
    "RST-02": stick(abandoned, (HOST, "db7", 1, "rst", "rst+900")),
    "RST-03": stick(abandoned, (LEADER, "bsy", 1, "rst+5000", "rst+5100")),
}

_MESSAGES = {
    "MSG-01": _flip(partial(ordinary, messages=b"\xc0"), HOST, 0, 0, ones="db3", zeros="db7 db6 dbp0"),
    "MSG-02": _flip(partial(reselection, b"\x80"), LEADER, 0, 0, ones="db1", zeros="db7"),
    "MSG-03": _flip(attention, HOST, 3, 0, ones="db4", zeros="dbp0"),
    "MSG-04": _flip(wide, HOST, 0, 3, zeros="db1 dbp0"),
    "MSG-05": _skip(reselection, LEADER, 0, 2),
    "MSG-06": _skip(partial(attention, b"\xc0\x20\x01"), LEADER, 3, 0),
    "MSG-07": _flip(partial(reselection, b"\x80"), LEADER, 0, 0, ones="db6 dbp0"),
    "MSG-08": _flip(partial(attention, b"\xc0\x20\x01"), HOST, 3, 0, ones="db0", zeros="dbp0"),
    "MSG-09": stick(partial(attention, b"\x09", Phase.MSG_IN), (LEADER, "msg cd", 0, "p2", "p3")),
}

_READ = partial(mirrored, read=True)
_DEAD = partial(mirrored, dead=True)
_MIRROR = {
    "MIR-01": stick(mirrored, (LEADER, "cd", 1, "t0.0+50", "t0.0+250")),
    "MIR-02": Case(mirrored, faulty=partial(mirrored, parts=(LEADER, PART2))),
    "MIR-03": stick(_READ, (PART1, "io", 1, "t0.0+350", "take.0")),
    "MIR-04": Case(partial(mirrored, parts=(PART1,)), faulty=partial(mirrored, parts=(PART2,))),
    "MIR-05": Case(_READ, faulty=partial(_READ, take_ns=5200)),
    "MIR-06": Case(mirrored, faulty=partial(mirrored, take_ns=8200)),
    "MIR-07": Case(mirrored, faulty=partial(mirrored, release=False)),
    "MIR-08": Case(_DEAD, faulty=partial(_DEAD, reclaim_ns=9000)),
    "MIR-09": _flip(_DEAD, LEADER, 9, 1, ones="db0", zeros="dbp0"),
    "MIR-10": stick(mirrored, (LEADER, "bsy", 0, "quiet+50", "m.free")),
    "MIR-11": stick(mirrored, (LEADER, "bsy", 1, "m.free", "quiet+1100")),
    "MIR-12": Case(discovery, faulty=partial(discovery, b"\xff\x08")),
    "MIR-13": _flip(discovery, HOST, 0, 3, zeros="db0 dbp0"),
    "MIR-14": Case(mirrored, faulty=partial(attention, b"\x2c\x01")),
    "MIR-15": _flip(mirrored, HOST, 12, 1, ones="dbp0", zeros="db1"),
    "MIR-16": _flip(mirrored, HOST, 6, 6, ones="db2", zeros="dbp0"),
    "MIR-17": _flip(mirrored, HOST, 6, 0, zeros="db6 dbp0"),
    "MIR-18": _flip(discovery, LEADER, 1, 1, ones="db0", zeros="dbp0"),
    "MIR-19": Case(discovery, faulty=partial(discovery, goes_on=True)),
    "MIR-20": stick(discovery, (HOST, "ack", 1, "p1.b0.ack-30", "p1.b0.ack")),
    "MIR-21": stick(discovery, (HOST, "ack", 0, "p1.b0.req_off+5", "p1.b0.ack_off")),
    "MIR-22": _skip(mirrored, PART1, 9, 0),
    "MIR-23": stick(_READ, (HOST, "atn", 1, "t0.0+200", "take.0-50")),
}

CASES: Final[dict[str, Case]] = {
    **_ARBITRATION,
    **_SELECTION,
    **_PHASES,
    **_HANDSHAKE,
    **_ATTENTION,
    **_DRIVERS,
    **_FREE,
    **_MESSAGES,
    **_MIRROR,
    **MIRROR_CASES,
    **TRANSFER_CASES,
}
"""Must-fail cases by rule."""

ALL_CASES: Final[dict[str, Case]] = {**CASES, **MIRROR_VARIANTS}
"""The same and further ones, each named after its rule and a word."""


def rule_of(case: str) -> str:
    """The rule that a case is about."""
    return case.partition("_")[0]
