"""Legal bus scenarios as wire scripts, each with the few parameters that a must-fail variant needs."""

from __future__ import annotations

from collections.abc import Sequence

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.wires import M_ATN, M_BSY, M_DATA, M_PHASE, M_SEL

from .wire_script import (
    HOST,
    IDS,
    LEADER,
    PART1,
    PART2,
    Script,
    arbitrate,
    begin_phase,
    byte_in,
    end,
    free,
    ids,
    reselect,
    reset,
    select,
    transfer,
)

TUR = bytes(6)
BLOCK = b"\xa5\x3c"


def ordinary(
    messages: bytes = b"\xc0\x20\x01",
    data_in: bytes = b"\x41\x17",
    data_out: bytes = b"\x51\x0d",
    s: Script | None = None,
    name: str = "",
    losers: Sequence[tuple[int, int]] = (),
) -> Script:
    """Selection and a whole command: p0 MESSAGE OUT, COMMAND, DATA IN, DATA OUT, STATUS, p5 MESSAGE IN."""
    s = s or Script()
    arbitrate(s, HOST, IDS[HOST], name, losers)
    select(s, name=name)
    transfer(s, LEADER, Phase.MSG_OUT, messages)
    transfer(s, LEADER, Phase.COMMAND, TUR)
    if data_in:
        transfer(s, LEADER, Phase.DATA_IN, data_in)
    if data_out:
        transfer(s, LEADER, Phase.DATA_OUT, data_out)
    end(s, name=name)
    return s


def twice() -> Script:
    """Two connections; the second one's marks begin with `2.`."""
    return ordinary(s=ordinary(), name="2.")


def contend() -> Script:
    """Two devices arbitrate; the host, ID 6 here, beats PART1 with ID 5 and selects the leader with ID 4."""
    s = Script()
    arbitrate(s, HOST, 6, losers=[(PART1, 5)])
    select(s, host_id=6, target_id=4)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    transfer(s, LEADER, Phase.COMMAND, TUR)
    end(s)
    return s


def abandoned() -> Script:
    """Nobody answers a selection; the host resets the bus, and later selects someone who does."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    s.mark("ids")
    s.set(HOST, M_ATN | ids(IDS[HOST], 1))
    s.wait(100)
    s.mark("bsy_off")
    s.edges.append((s.now, HOST, 0, M_BSY))
    s.wait(3000)
    reset(s)
    s.wait(4000)
    return ordinary(s=s, name="2.")


def no_answer(answer: bool = False) -> Script:
    """The IDs are taken off an unanswered selection; nobody answers, or somebody does at the last moment."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    s.mark("ids")
    s.set(HOST, M_ATN | ids(IDS[HOST], IDS[LEADER]))
    s.wait(100)
    s.mark("bsy_off")
    s.clear(HOST, M_BSY)
    s.wait(2000)
    s.mark("abort")
    s.clear(HOST, M_DATA)
    s.wait(199_900)
    if not answer:
        s.wait(300)
        s.mark("sel_off")
        s.clear(HOST, M_SEL | M_ATN)
        s.wait(100)
        return s
    s.mark("answer")
    s.set(LEADER, M_BSY)
    s.wait(400)
    s.mark("sel_off")
    s.clear(HOST, M_SEL)
    s.wait(100)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    transfer(s, LEADER, Phase.COMMAND, TUR)
    end(s)
    return s


def reselection(identify: bytes = b"\x80\x20\x01") -> Script:
    """The target comes back with status: p0 MESSAGE IN, p1 STATUS, p2 MESSAGE IN."""
    s = Script()
    arbitrate(s, LEADER, IDS[LEADER])
    reselect(s)
    transfer(s, LEADER, Phase.MSG_IN, identify)
    end(s)
    return s


def attention(messages: bytes = b"\x05", before: Phase = Phase.DATA_IN) -> Script:
    """ATN is raised in the last transfer of p2 (DATA IN or MESSAGE IN); p3 is the MESSAGE OUT that answers it."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    transfer(s, LEADER, Phase.COMMAND, TUR)
    transfer(s, LEADER, before, b"\x02", raise_atn=True)
    transfer(s, LEADER, Phase.MSG_OUT, messages)
    end(s)
    return s


def two_messages() -> Script:
    """SAVE DATA POINTER and DISCONNECT in one MESSAGE IN phase, p1."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    transfer(s, LEADER, Phase.MSG_IN, b"\x02\x04")
    free(s, LEADER)
    return s


def wide() -> Script:
    """WDTR both ways (p0, p1), then a 16-bit DATA OUT (p3) and DATA IN (p4)."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0\x01\x02\x03\x01")
    transfer(s, LEADER, Phase.MSG_IN, b"\x01\x02\x03\x01")
    transfer(s, LEADER, Phase.COMMAND, TUR)
    transfer(s, LEADER, Phase.DATA_OUT, b"\x12\x34\x56\x78", wide=True)
    transfer(s, LEADER, Phase.DATA_IN, b"\x9a\xbc\xde\xf1", wide=True)
    end(s)
    return s


# -- silent mirroring ------------------------------------------------------------------------------------------------


def enrol(s: Script, slot: int, yz: int, *, extra: bytes = b"", goes_on: bool = False) -> None:
    """One discovery; marks begin with the group's byte, two phases. `goes_on`: status instead of BUS FREE."""
    name = f"q{yz:02x}."
    arbitrate(s, HOST, IDS[HOST], name)
    select(s, target=slot, name=name)
    transfer(s, slot, Phase.MSG_OUT, bytes((0xC0, 0x26, yz)) + extra)
    transfer(s, slot, Phase.MSG_IN, bytes((0x26, yz)))
    if goes_on:
        end(s, slot, name)
    else:
        free(s, slot, name)


def discovery(extra: bytes = b"\xff", goes_on: bool = False) -> Script:
    """One target enrols: p0 MESSAGE OUT, p1 MESSAGE IN."""
    s = Script()
    enrol(s, LEADER, 0, extra=extra, goes_on=goes_on)
    return s


def mirrored(
    *,
    read: bool = False,
    parts: Sequence[int] = (PART1, PART2),
    take_ns: float = 1000,
    release: bool = True,
    dead: bool = False,
    reclaim_ns: float = 10_200,
) -> Script:
    """Enrol leader, PART1 and PART2 (p0 to p5), then a mirrored write or read of two bytes; its marks begin with `m.`.

    Phases: p6 MESSAGE OUT, p7 data of the leader, then for each participant MESSAGE OUT and data, then MESSAGE OUT with
    RELEASE. Each hand-over has marks `t0.<n>` and `take.<n>`, the end `quiet`. `parts` is who really takes the part of
    PART1 and PART2; `dead`: nobody takes, and the leader reclaims.
    """
    s = Script()
    for yz, slot in enumerate((LEADER, PART1, PART2)):
        enrol(s, slot, yz, extra=b"\xff" if yz == 2 else b"")
    arbitrate(s, HOST, IDS[HOST], "m.")
    select(s, name="m.")
    phase = Phase.DATA_IN if read else Phase.DATA_OUT
    code = 0x88 if read else 0x8A
    transfer(s, LEADER, Phase.MSG_OUT, bytes((0xC0, 0x20, 0x01, 1, 9, code, 0, 0, 0, 0, 0, 0, 0, len(BLOCK))))
    transfer(s, LEADER, phase, BLOCK, raise_atn=True)
    owner, yz = LEADER, 0
    for number, part in enumerate(parts):
        yz, last = number + 1, number == len(parts) - 1
        transfer(s, owner, Phase.MSG_OUT, bytes((0x2C, yz)) + (b"\xff" if last else b""))
        _let_go(s, owner, f".{number}")
        if dead:
            _reclaim(s, reclaim_ns)
            owner, yz = LEADER, 0
            break
        s.now = s.at(f"t0.{number}") + take_ns
        s.mark(f"take.{number}")
        s.wait(-100)
        transfer(s, part, phase, BLOCK, raise_atn=True, settle_ns=420 if read else 0)
        owner = part
    if release:
        transfer(s, owner, Phase.MSG_OUT, bytes((0x2E, yz)))
        _let_go(s, owner, ".r")
    else:
        s.clear(owner, M_PHASE | M_DATA)
        s.clear(HOST, M_ATN)
    s.mark("quiet")
    s.wait(200)
    free(s, LEADER, "m.")
    return s


def _let_go(s: Script, slot: int, suffix: str) -> None:
    """100 ns after t0 the current target releases its lines."""
    s.wait(-100)
    s.mark(f"t0{suffix}")
    s.wait(100)
    s.clear(slot, M_PHASE | M_DATA)
    s.lines_now = 0


def _reclaim(s: Script, reclaim_ns: float) -> None:
    """The leader says RECLAIMED; the initiator raises ATN to release."""
    s.now = s.at("t0.0") + reclaim_ns - 100
    begin_phase(s, LEADER, Phase.MSG_IN)
    byte_in(s, LEADER, 0, 0x2C)
    byte_in(s, LEADER, 1, 0x00, raise_atn=True)
