"""Legal scenarios of the extensions of silent mirroring as wire scripts: reports, and blocks in one connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.wires import M_ATN, M_DATA, M_PHASE

from .scenarios import BLOCK, enrol
from .wire_script import HOST, IDS, LEADER, PART1, Script, arbitrate, end, free, reselect, select, transfer

GOOD, CHECK = b"\x00", b"\x02"
ABLE = b"\x03\x10"
"""Flags and blocks of MIRROR CAPABILITY: both, 16."""


_PAIR: Final = {0: LEADER, 1: PART1}
_BOTH: Final = {0: ABLE, 1: ABLE}


@dataclass(frozen=True)
class Turn:
    """One message and what the target that it names does then: phases with their bytes, ATN in the last byte."""

    message: bytes
    slot: int
    phases: tuple[tuple[Phase, bytes], ...] = ((Phase.DATA_OUT, BLOCK),)
    take_ns: float = 1000
    late_atn: bool = False
    """The initiator asserts ATN only when the last ACK is false."""


def copy(slot: int, yz: int, last: bool = False, phase: Phase = Phase.DATA_OUT) -> Turn:
    """SWITCH ROLE and a copy."""
    return Turn(bytes((0x2C, yz)) + b"\xff" * last, slot, ((phase, BLOCK),))


def following(yz: int = 0, slot: int = LEADER) -> Turn:
    """NEXT and the leader's copy."""
    return Turn(bytes((1, 6, 0x8B, yz, 0, 0, 0, 9)), slot)


def report(
    slot: int, yz: int, last: bool = False, status: bytes = GOOD, failed: int | None = None, take_ns: float = 1000
) -> Turn:
    """REPORT and STATUS, perhaps with FAILED BLOCK."""
    phases = [(Phase.STATUS, status)]
    if failed is not None:
        phases.append((Phase.MSG_IN, bytes((1, 3, 0x8D, yz, failed))))
    return Turn(bytes((0x2D, yz)) + b"\xff" * last, slot, tuple(phases), take_ns)


def postponed(slot: int, yz: int, last: bool = False, answer: bytes = b"\x04") -> Turn:
    """REPORT and DISCONNECT."""
    return Turn(bytes((0x2D, yz)) + b"\xff" * last, slot, ((Phase.MSG_IN, answer),))


ONE_BLOCK = (copy(PART1, 1, last=True), postponed(LEADER, 0), report(PART1, 1, last=True))
"""The leader has no status yet, the other one has."""
TWO_BLOCKS = (
    copy(PART1, 1),
    following(),
    copy(PART1, 1, last=True),
    report(LEADER, 0),
    report(PART1, 1, last=True, status=CHECK, failed=1),
)
"""The second block fails at PART1."""


def negotiated(
    s: Script, slot: int, yz: int, offer: bytes = ABLE, answer: bytes = ABLE, *, goes_on: bool = False
) -> None:
    """MIRROR CAPABILITY and its answer, two phases; `goes_on`: status instead of BUS FREE."""
    name = f"c{yz:02x}."
    arbitrate(s, HOST, IDS[HOST], name)
    select(s, target=slot, name=name)
    transfer(s, slot, Phase.MSG_OUT, bytes((0xC0, 1, 4, 0x8C, yz)) + offer)
    transfer(s, slot, Phase.MSG_IN, bytes((1, 4, 0x8C, yz)) + answer)
    if goes_on:
        end(s, slot, name)
    else:
        free(s, slot, name)


def capability(offer: bytes = ABLE, answer: bytes = ABLE, *, enrolled: bool = True, goes_on: bool = False) -> Script:
    """One target enrols, and answers MIRROR CAPABILITY."""
    s = Script()
    if enrolled:
        enrol(s, LEADER, 0)
    negotiated(s, LEADER, 0, offer, answer, goes_on=goes_on)
    return s


def extended(
    turns: Sequence[Turn] = TWO_BLOCKS,
    *,
    read: bool = False,
    members: Mapping[int, int] = _PAIR,
    able: Mapping[int, bytes] = _BOTH,
    release: bytes = b"\x2e\x01",
    reselection: bytes | None = None,
    last_words: bytes = b"\x00",
) -> Script:
    """Enrol the members and agree with those in `able` (two phases each), then MIRROR WRITE or READ and these turns.

    With `reselection` the leader reselects with this status at the end, and
    `last_words` in MESSAGE IN. Marks begin with `m.` and `r.`; each turn has `t0.<n>` and `take.<n>`.
    """
    s = Script()
    for yz, slot in members.items():
        enrol(s, slot, yz)
    for yz, flags in able.items():
        negotiated(s, members[yz], yz, flags, flags)
    arbitrate(s, HOST, IDS[HOST], "m.")
    select(s, name="m.")
    code, phase = (0x88, Phase.DATA_IN) if read else (0x8A, Phase.DATA_OUT)
    transfer(s, LEADER, Phase.MSG_OUT, bytes((0xC0, 0x20, 0x01, 1, 9, code, 0, 0, 0, 0, 0, 0, 0, len(BLOCK))))
    transfer(s, LEADER, phase, BLOCK, raise_atn=True)
    owner = LEADER
    for number, turn in enumerate(turns):
        transfer(s, owner, Phase.MSG_OUT, turn.message)
        let_go(s, owner, f".{number}")
        _take(s, turn, number)
        owner = turn.slot
    transfer(s, owner, Phase.MSG_OUT, release)
    let_go(s, owner, ".r")
    s.mark("quiet")
    s.wait(200)
    free(s, LEADER, "m.")
    if reselection is not None:
        s.wait(800)
        arbitrate(s, LEADER, IDS[LEADER], "r.")
        reselect(s, name="r.")
        transfer(s, LEADER, Phase.MSG_IN, b"\x80\x20\x01")
        transfer(s, LEADER, Phase.STATUS, reselection)
        transfer(s, LEADER, Phase.MSG_IN, last_words)
        free(s, LEADER, "r.")
    return s


def let_go(s: Script, slot: int, suffix: str) -> None:
    """100 ns after t0 the current target releases its lines."""
    s.wait(-100)
    s.mark(f"t0{suffix}")
    s.wait(100)
    s.clear(slot, M_PHASE | M_DATA)
    s.lines_now = 0


def _take(s: Script, turn: Turn, number: int) -> None:
    """The target that was named takes, and asks for what it is there for."""
    s.now = s.at(f"t0.{number}") + turn.take_ns
    s.mark(f"take.{number}")
    s.wait(-100)
    for index, (phase, values) in enumerate(turn.phases):
        last = index == len(turn.phases) - 1
        # Released lines read as DATA OUT: that one needs no settling of its own.
        settle_ns = 0 if phase is Phase.DATA_OUT and not index else 420
        transfer(s, turn.slot, phase, values, raise_atn=last and not turn.late_atn, settle_ns=settle_ns)
    if turn.late_atn:
        s.set(HOST, M_ATN)
        s.wait(100)
