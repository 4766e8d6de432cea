"""Legal scenarios of negotiation, ST synchronous and DT transfers and QAS, each with the parameters a variant needs."""

from __future__ import annotations

from collections.abc import Sequence

from cocotbext.scsi.agreement import Option, Period, Ppr, Sdtr, Wdtr
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.wires import M_BSY

from .qas_script import qas_arbitrate, qas_give_up, qas_request, qas_reselect, qas_select
from .scenarios import TUR
from .sync_script import FAST_20, Pace, dt_transfer, sync_transfer
from .wire_script import HOST, IDS, LEADER, PART1, Script, arbitrate, begin_phase, end, select, transfer

BLOCK = bytes((0xA5, 0x41, 0x11, 0x34, 0x2D, 0x17, 0x09, 0x60, 0x33, 0x05, 0x81, 0x2C))
"""Words whose bit 0 is set and whose bit 1 is mostly not."""
IDENTIFY = b"\xc0"


def negotiated(
    asked: bytes, answer: bytes | None = None, slot: int = LEADER, s: Script | None = None, name: str = ""
) -> Script:
    """A connection up to COMMAND, after a negotiation: MESSAGE OUT (p0), MESSAGE IN, COMMAND (p2)."""
    s = s or Script()
    arbitrate(s, HOST, IDS[HOST], name)
    select(s, target=slot, name=name)
    transfer(s, slot, Phase.MSG_OUT, IDENTIFY + asked)
    transfer(s, slot, Phase.MSG_IN, asked if answer is None else answer)
    transfer(s, slot, Phase.COMMAND, TUR)
    return s


def negotiation(asked: bytes, answer: bytes | None = None) -> Script:
    """A negotiation and a command without data."""
    s = negotiated(asked, answer)
    end(s)
    return s


def width_and_sync(*messages: bytes) -> Script:
    """Negotiations one after the other in one connection: WDTR then SDTR unless told otherwise."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    messages = messages or (Wdtr(1).encode(), Sdtr(Period.FAST_10, 8).encode())
    for number, message in enumerate(messages):
        transfer(s, LEADER, Phase.MSG_OUT, message if number else IDENTIFY + message)
        transfer(s, LEADER, Phase.MSG_IN, message, raise_atn=number < len(messages) - 1)
    transfer(s, LEADER, Phase.COMMAND, TUR)
    end(s)
    return s


def st(
    period: int,
    pace: Pace,
    *phases: Phase,
    wide: bool = True,
    raise_atn: bool = False,
    offset: int | None = None,
    values: bytes = BLOCK,
) -> Script:
    """ST synchronous data phases, p3 and on; `offset` is what is agreed, if not that of the pace."""
    s = negotiated(Ppr(period, pace.offset if offset is None else offset, int(wide), Option.NONE).encode())
    for phase in phases:
        sync_transfer(s, LEADER, phase, values, pace, wide=wide, raise_atn=raise_atn)
        if raise_atn:
            transfer(s, LEADER, Phase.MSG_OUT, b"\x05")
    end(s)
    return s


def dt(
    period: int,
    pace: Pace,
    *phases: Phase,
    groups: Sequence[int] = (),
    raise_atn: bool = False,
    offset: int | None = None,
    values: bytes = BLOCK,
    hasty: bool = False,
) -> Script:
    """DT data phases, p3 and on."""
    s = negotiated(Ppr(period, pace.offset if offset is None else offset, 1, Option.DT).encode())
    for phase in phases:
        dt_transfer(s, LEADER, phase, values, pace, groups=groups, raise_atn=raise_atn, hasty=hasty)
        if raise_atn:
            transfer(s, LEADER, Phase.MSG_OUT, b"\x05")
    end(s)
    return s


def odd_length(residue: int = 1) -> Script:
    """An odd number of bytes in a 16-bit DATA IN (p3), told by IGNORE WIDE RESIDUE (p4)."""
    s = negotiated(Ppr(Period.FAST_20, FAST_20.offset, 1, Option.NONE).encode())
    sync_transfer(s, LEADER, Phase.DATA_IN, BLOCK[:11], FAST_20)
    transfer(s, LEADER, Phase.MSG_IN, bytes((0x23, residue)))
    end(s)
    return s


# -- QAS -------------------------------------------------------------------------------------------------------------

WITH_QAS = Ppr(0, 0, 0, Option.QAS).encode()


def with_qas(*slots: int) -> Script:
    """Whole connections in which the host agrees on QAS with each of these; their marks begin with `n` and the slot."""
    s = Script()
    for slot in slots:
        negotiated(WITH_QAS, slot=slot, s=s, name=f"n{slot}.")
        end(s, slot, name=f"n{slot}.")
    return s


def requested(s: Script, name: str, before: bytes = b"\x00") -> None:
    """A connection of host and leader up to t0."""
    arbitrate(s, HOST, IDS[HOST], name)
    select(s, name=name)
    transfer(s, LEADER, Phase.MSG_OUT, IDENTIFY)
    go_on(s, name, before)


def go_on(s: Script, name: str, before: bytes = b"\x00") -> None:
    """STATUS (mark `status_ack`), TASK COMPLETE and 55h (marks `over` and `t0`)."""
    transfer(s, LEADER, Phase.STATUS, b"\x00")
    s.mark(f"{name}status_ack", s.at(f"p{s.phase}.b0.ack"))
    qas_request(s, name=name, before=before)
    s.mark(f"{name}over", s.at(f"p{s.phase}.b{len(before)}.ack_off"))


def qas_unused(agreed: Sequence[int] = (LEADER,), before: bytes = b"\x00", hold_ns: float = 2150) -> Script:
    """Nobody wants the bus after the 55h: marks `q.t0` and `q.free`."""
    s = with_qas(*agreed)
    requested(s, "q.", before)
    s.wait(hold_ns)
    s.mark("q.free")
    s.clear(LEADER, M_BSY)
    s.wait(50)
    return s


def qas(agreed: Sequence[int] = (LEADER, PART1), lower_wins: bool = False, gives_up: bool = False) -> Script:
    """The host beats PART1 in QAS and selects the leader again; or PART1 wins and reselects the host.

    Marks: `q.` up to and with the QAS, `2.` for the (re)selection after it.
    """
    s = with_qas(*agreed)
    requested(s, "q.")
    one, other = (PART1, HOST) if lower_wins else (HOST, PART1)
    qas_arbitrate(s, one, IDS[one], name="q.", losers=[(other, IDS[other])])
    if gives_up:
        qas_give_up(s, one, "2.")
        return s
    if lower_wins:
        qas_reselect(s, PART1, name="2.")
        transfer(s, PART1, Phase.MSG_IN, b"\x80")
        end(s, PART1, name="2.")
        return s
    qas_select(s, name="2.")
    transfer(s, LEADER, Phase.MSG_OUT, IDENTIFY)
    transfer(s, LEADER, Phase.COMMAND, TUR)
    end(s, name="2.")
    return s


def qas_twice(again: bool = False) -> Script:
    """Two QAS in a row: the host beats PART1, which has the second one for itself - or meets the host `again`."""
    s = with_qas(LEADER, PART1)
    requested(s, "q.")
    qas_arbitrate(s, HOST, IDS[HOST], name="q.", losers=[(PART1, IDS[PART1])])
    qas_select(s, name="2.")
    transfer(s, LEADER, Phase.MSG_OUT, IDENTIFY)
    go_on(s, "2.")
    if again:
        qas_arbitrate(s, HOST, IDS[HOST], name="2.", losers=[(PART1, IDS[PART1])])
        qas_select(s, name="3.")
        transfer(s, LEADER, Phase.MSG_OUT, IDENTIFY)
        end(s, name="3.")
        return s
    qas_arbitrate(s, PART1, IDS[PART1], name="2.")
    qas_reselect(s, PART1, name="3.")
    transfer(s, PART1, Phase.MSG_IN, b"\x80")
    end(s, PART1, name="3.")
    return s


def qas_sent_again() -> Script:
    """The 55h is answered with MESSAGE PARITY ERROR and sent again, which opens no QAS: BUS FREE."""
    s = with_qas(LEADER)
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, IDENTIFY)
    transfer(s, LEADER, Phase.STATUS, b"\x00")
    transfer(s, LEADER, Phase.MSG_IN, b"\x00\x55", raise_atn=True)
    transfer(s, LEADER, Phase.MSG_OUT, b"\x09")
    transfer(s, LEADER, Phase.MSG_IN, b"\x55")
    begin_phase(s, LEADER, Phase.DATA_OUT, 0)
    s.clear(LEADER, M_BSY)
    s.wait(50)
    return s
