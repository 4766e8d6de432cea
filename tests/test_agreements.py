"""Agreements as the messages on the bus make and end them (spi-facts 6 and 7)."""

from __future__ import annotations

import pytest

from cocotbext.scsi.agreement import ASYNC_8, Agreement, Option
from cocotbext.scsi.agreements import AgreementTracker

PAIR = (7, 5)
WIDE = Agreement(wide=True)
FAST_20 = Agreement(0x0C, 16, True)
DT = Agreement(0x09, 62, True, Option.DT | Option.QAS)

MADE = [
    ("> 01020301 < 01020301", WIDE),
    ("> 01020301 < 01020300", ASYNC_8),
    ("> 01020300 < 01020301", ASYNC_8),
    ("> 0103010C10 < 0103010C10", Agreement(0x0C, 16)),
    ("> 0103010A3F < 0103010C10", Agreement(0x0C, 16)),
    ("> 0103010C10 < 0103010A3F", Agreement(0x0C, 16)),
    ("> 0103010C10 < 0103010C00", ASYNC_8),
    ("> 0103010C10 < 01030100FF", Agreement(0x0C, 16)),
    ("> 01020301 < 01020301 > 0103010C10 < 0103010C10", FAST_20),
    ("< 01020301 > 01020301 < 0103010C10 > 0103010C10", FAST_20),
    ("> 01060409003E0106 < 01060409003E0106", DT),
    ("< 01060409003E0106 > 01060409003E0106", DT),
    ("> 01060409003E0107 < 0106040A001F0102", Agreement(0x0A, 31, True, Option.DT)),
    ("> 01060409003E0102 < 01060409003E0106", Agreement(0x09, 62, True, Option.DT)),
    ("> 01060409003E0102 < 01060409003E0182", Agreement(0x09, 62, True, Option.DT | Option.PCOMP_EN)),
    ("> 01060409003E0106 < 0106040C00100000", Agreement(0x0C, 16)),
    ("> 01060409003E0106 < 0106040C00100006", Agreement(0x0C, 16, False, Option.QAS)),
    ("> 0106040900000104 < 0106040900000104", Agreement(0, 0, True, Option.QAS)),
    ("> 0106040900000106 < 0106040900000106", Agreement(0, 0, True, Option.QAS)),
]
"""Messages out (>) and in (<), and what holds afterwards between two that had no agreement."""

CHANGED = [
    ("> 01020301 < 01020301", WIDE),
    ("> 0103010C10 < 0103010C10", FAST_20),
    ("> 0103010C00 < 0103010C00", WIDE),
    ("> 01060409003E0106", DT),
    ("> 01060409003E0106 < 0103010C10", DT),
    ("> 01020301 < 07", ASYNC_8),
    ("> 0103010C10 < 07", WIDE),
    ("> 0106040C00100100 < 07", ASYNC_8),
    ("> 010604 < 07", ASYNC_8),
    ("> 0106 < 07", DT),
    ("> 01060409003E0106 < 01060409003E0106 > 07", ASYNC_8),
    ("< 0103010C10 > 07", WIDE),
    ("< 0103010C10 > 0103010C10 < 07", WIDE),
    ("> 07", DT),
    ("> 08 < 07", DT),
    ("> 0103010C10 > 08 < 07", DT),
    ("> 0103010C10 > 07", DT),
    ("> 0103010C10 > 07 < 0103010C10", FAST_20),
    ("> 0103010C10 < 0103010C10 > 08 > 07", FAST_20),
    ("> 0103010C10 < 0103010C10 > 09", DT),
    ("> 0103010C10 < 0103010C10 > 09 < 0103010C10", FAST_20),
    ("> 0103010C10 > 09 < 0103010C10", FAST_20),
    ("> 0103010C10 < 02 > 09 < 02 < 0103010C10", FAST_20),
    ("> 0103010C10 < 0103010C10 < 02 > 09", FAST_20),
    ("< 0103010C10 > 09 > 0103010C10", DT),
    ("< 0103010C10 > 09 < 0103010C10 > 0103010C10", FAST_20),
    ("< 0103010C10 < 09 > 0103010C10", FAST_20),
    ("< 0103010C10 > 0103010C10 > 0103010C10 < 0103010D08", FAST_20),
    ("> 0103010C10 < 0103010C10 < 0103010C10 > 0103010D08", FAST_20),
    ("> 0103010C10 > 01020301 < 01020301", WIDE),
    ("> 0103010C10 . < 0103010C10", DT),
    ("> 0103010C10 < 0103010C10 .", FAST_20),
    ("> 0C", ASYNC_8),
    ("< 0C", DT),
    ("> 06 > 0D > 0E > 17", DT),
    ("> 0103010C10 < 0103010C10 > 0C < 07", ASYNC_8),
    ("> 0102030100 < 07", DT),
    ("> 0103030100 < 07", DT),
]
"""The same for a pair that had agreed on DT; a dot is the end of the connection and the next one."""


def after(story: str, before: Agreement = ASYNC_8) -> AgreementTracker:
    """The tracker after these messages of a connection."""
    tracker = AgreementTracker()
    tracker.agree(*PAIR, before)
    tracker.agree(7, 4, WIDE)
    tracker.agree(6, 5, WIDE)
    tracker.begin(*PAIR)
    words = iter(story.split())
    for word in words:
        if word == ".":
            tracker.end()
            tracker.begin(*PAIR)
        else:
            tracker.message(word == ">", bytes.fromhex(next(words)))
    return tracker


@pytest.mark.parametrize(("story", "agreement"), MADE)
def test_what_makes_an_agreement(story: str, agreement: Agreement) -> None:
    tracker = after(story)
    assert tracker.of(*PAIR) == agreement
    assert (tracker.of(7, 4), tracker.of(6, 5), tracker.of(5, 7)) == (WIDE, WIDE, ASYNC_8)


@pytest.mark.parametrize(("story", "agreement"), CHANGED)
def test_what_changes_an_agreement(story: str, agreement: Agreement) -> None:
    tracker = after(story, DT)
    assert tracker.of(*PAIR) == agreement
    assert tracker.of(7, 4) == WIDE


def test_resets() -> None:
    tracker = after("> 0C", DT)
    assert [tracker.of(*pair) for pair in ((7, 5), (6, 5), (7, 4))] == [ASYNC_8, ASYNC_8, WIDE]
    tracker.reset(4)
    assert tracker.of(7, 4) == ASYNC_8
    tracker = after("> 01020301")
    tracker.reset()
    tracker.message(False, bytes.fromhex("01020301"))
    assert [tracker.of(*pair) for pair in ((7, 5), (6, 5), (7, 4))] == [ASYNC_8] * 3


def test_messages_outside_a_connection_count_for_nobody() -> None:
    tracker = AgreementTracker()
    tracker.message(True, bytes.fromhex("01020301"))
    tracker.message(False, bytes.fromhex("01020301"))
    tracker.begin(*PAIR)
    tracker.message(False, bytes.fromhex("01020301"))
    assert tracker.of(*PAIR) == ASYNC_8
