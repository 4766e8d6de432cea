"""For the checker's rules of mirrored reads and of the extensions: a legal scenario, and the fault in it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from cocotbext.scsi.constants import Phase

from .mirror_scenarios import (
    ABLE,
    CHECK,
    GOOD,
    ONE_BLOCK,
    TWO_BLOCKS,
    Turn,
    capability,
    copy,
    extended,
    following,
    postponed,
    report,
)
from .must_fail_case import Case, stick
from .scenarios import attention
from .wire_script import HOST, LEADER, PART1, PART2

_COPY = copy(PART1, 1, last=True)
_REPORTS = (report(LEADER, 0), report(PART1, 1, last=True))
_ONE = partial(extended, ONE_BLOCK, reselection=GOOD)
_READ = partial(extended, (copy(PART1, 1, last=True, phase=Phase.DATA_IN),), read=True)
_THREE = {0: LEADER, 1: PART1, 2: PART2}
_ALL_ABLE = dict.fromkeys(_THREE, ABLE)
_GOES_ON = Turn(b"\x2d\x00", LEADER, ((Phase.STATUS, GOOD), (Phase.MSG_IN, b"\x00")))
"""TASK COMPLETE where the initiator has not asserted ATN."""
_LATE = replace(postponed(LEADER, 0), late_atn=True)
_FAILS_LATE = (copy(PART1, 1), following(), _COPY, postponed(LEADER, 0), report(PART1, 1, last=True))

_FAILED = b"\x01\x03\x8d\x00\x01\x00"
"""FAILED BLOCK of the leader, and TASK COMPLETE."""
_LATE_FAILURE = partial(extended, _FAILS_LATE, reselection=CHECK, last_words=_FAILED)
_TOO_FEW = ((Phase.DATA_OUT, b"\x5a"),)


def _edited(number: int, turn: Turn) -> tuple[Turn, ...]:
    """Two blocks with one turn replaced."""
    return (*TWO_BLOCKS[:number], turn, *TWO_BLOCKS[number + 1 :])


MIRROR_CASES: Final[dict[str, Case]] = {
    "MIR-24": Case(_ONE, faulty=partial(extended, (_COPY, postponed(LEADER, 0, answer=b"\x02"), ONE_BLOCK[2]))),
    "MIR-25": Case(_READ, faulty=partial(extended, (_COPY,), read=True)),
    "MIR-26": Case(_ONE, faulty=partial(extended, (_COPY, _GOES_ON, ONE_BLOCK[2]))),
    "MIR-27": Case(_ONE, faulty=partial(extended, (_COPY, _LATE, ONE_BLOCK[2]))),
    "MIR-28": Case(
        partial(extended, (copy(PART1, 1), copy(PART2, 2), *_REPORTS), members=_THREE, able=_ALL_ABLE),
        faulty=partial(
            extended,
            (copy(PART1, 1), report(LEADER, 0), copy(PART2, 2), report(PART1, 1, last=True)),
            members=_THREE,
            able=_ALL_ABLE,
        ),
    ),
    "MIR-29": Case(_ONE, faulty=partial(extended, (_COPY, report(LEADER, 0), report(PART1, 1)))),
    "MIR-30": Case(_ONE, faulty=partial(extended, ONE_BLOCK, able={0: ABLE})),
    "MIR-31": Case(extended, faulty=partial(extended, able={0: ABLE, 1: b"\x03\x01"})),
    "MIR-32": Case(capability, faulty=partial(capability, offer=b"\x01\x00")),
    "MIR-33": Case(_ONE, faulty=partial(extended, (_COPY, *_REPORTS), reselection=GOOD)),
    "MIR-34": Case(extended, faulty=partial(extended, (*TWO_BLOCKS[:4], report(PART1, 1, True, CHECK, failed=2)))),
    "MIR-35": Case(_ONE, faulty=partial(extended, (_COPY, report(LEADER, 0), report(LEADER, 0), _REPORTS[1]))),
}
"""By rule, where there is one case."""

MIRROR_VARIANTS: Final[dict[str, Case]] = {
    "MIR-02_report": Case(
        partial(extended, (_COPY, postponed(PART1, 1), report(LEADER, 0, True)), release=b"\x2e\x00"),
        faulty=partial(extended, (_COPY, postponed(PART1, 1), report(PART1, 0, True)), release=b"\x2e\x00"),
    ),
    "MIR-03_report": Case(_ONE, faulty=partial(extended, (_COPY, report(LEADER, 0, take_ns=350), ONE_BLOCK[2]))),
    "MIR-04_report": Case(_ONE, faulty=partial(extended, (_COPY, report(LEADER, 0), report(PART2, 1, True)))),
    "MIR-05_report": Case(_ONE, faulty=partial(extended, (_COPY, report(LEADER, 0, take_ns=5200), ONE_BLOCK[2]))),
    "MIR-06_next": Case(extended, faulty=partial(extended, _edited(1, replace(following(), take_ns=8200)))),
    "MIR-13_release": Case(extended, faulty=partial(extended, release=b"\x2e\x01\xff")),
    "MIR-14_report": Case(extended, faulty=partial(attention, b"\x2d\x01")),
    "MIR-14_next": Case(extended, faulty=partial(attention, b"\x01\x06\x8b\x00\x00\x00\x00\x09")),
    "MIR-15_report": Case(_ONE, faulty=partial(extended, ONE_BLOCK, release=b"\x2e\x00")),
    "MIR-16_next": Case(extended, faulty=partial(extended, _edited(1, following(1, PART1)))),
    "MIR-19_capability": Case(capability, faulty=partial(capability, goes_on=True)),
    "MIR-22_next": Case(extended, faulty=partial(extended, _edited(1, replace(following(), phases=_TOO_FEW)))),
    "MIR-23_report": stick(_ONE, (HOST, "atn", 1, "t0.1+200", "take.1-50")),
    "MIR-29_copies": Case(
        partial(extended, (copy(PART1, 1), copy(PART2, 2, True)), members=_THREE, release=b"\x2e\x02"),
        faulty=partial(extended, (_COPY, copy(PART2, 2)), members=_THREE, release=b"\x2e\x02"),
    ),
    "MIR-30_next": Case(extended, faulty=partial(extended, able={0: ABLE, 1: b"\x01\x00"})),
    "MIR-32_held": Case(capability, faulty=partial(capability, enrolled=False)),
    "MIR-33_series": Case(_LATE_FAILURE, faulty=partial(extended, TWO_BLOCKS[:3], reselection=GOOD)),
    "MIR-34_good": Case(_LATE_FAILURE, faulty=partial(extended, _FAILS_LATE, reselection=GOOD, last_words=_FAILED)),
    "MIR-34_missing": Case(_LATE_FAILURE, faulty=partial(extended, _FAILS_LATE, reselection=CHECK)),
    "MIR-34_one_block": Case(extended, faulty=partial(extended, ONE_BLOCK, reselection=CHECK, last_words=_FAILED)),
    "MIR-35_no_copy": Case(
        partial(extended, (copy(PART1, 1), copy(PART2, 2), *_REPORTS), members=_THREE, able=_ALL_ABLE),
        faulty=partial(extended, (_COPY, report(PART2, 2), *_REPORTS), members=_THREE, able=_ALL_ABLE),
    ),
}
"""Further cases, each named after its rule and a word."""
