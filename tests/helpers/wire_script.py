"""Scripts of bus wires: who drives what when, edge by edge, in nanoseconds - and one-edge mutations of them.

A script is legal as the builders write it. Every edge that matters has a mark, so that a fault can say "this signal of
that slot, from 50 ns before the mark to the mark". The caller plays a script on the bench; faults go through its
saboteurs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.wires import (
    DB,
    DBP,
    M_ACK,
    M_ATN,
    M_BSY,
    M_CD,
    M_DATA,
    M_IO,
    M_MSG,
    M_PHASE,
    M_REQ,
    M_RST,
    M_SEL,
    NAMES,
    odd_parity,
)

HOST, LEADER, PART1, PART2 = 14, 15, 2, 3
"""Slots that scripts use: two Python ports and two frozen devices."""
IDS = {HOST: 7, LEADER: 5, PART1: 4, PART2: 3}
SLOTS = (HOST, LEADER, PART1, PART2)


def mask(names: str) -> int:
    """Bits of space-separated wire names."""
    return sum(1 << NAMES.index(name) for name in names.split())


def lines(phase: int) -> int:
    """MSG, C/D, I/O of a phase as bus bits."""
    return M_MSG * (phase >> 2 & 1) | M_CD * (phase >> 1 & 1) | M_IO * (phase & 1)


def data(low: int, high: int | None = None) -> int:
    """Data and parity bits of one or two bytes."""
    bits = low << DB | odd_parity(low) << DBP
    return bits if high is None else bits | high << (DB + 8) | odd_parity(high) << (DBP + 1)


def ids(*scsi_ids: int) -> int:
    """ID bits with parity, as in SELECTION."""
    value = sum(1 << scsi_id for scsi_id in scsi_ids)
    return data(value & 0xFF, value >> 8 or None)


@dataclass(frozen=True)
class Fault:
    """Wires of one slot held at a level between two moments, each a mark or a mark and an offset in ns."""

    slot: int
    names: str
    level: int
    start: str
    stop: str


@dataclass
class Script:
    """Edges in order of writing; `now` is the cursor in ns."""

    now: float = 0.0
    edges: list[tuple[float, int, int, int]] = field(default_factory=list)
    """(time, slot, bits asserted, bits released)."""
    marks: dict[str, float] = field(default_factory=dict)
    phase: int = -1
    """Number of the current phase, counted through the whole script."""
    lines_now: int = 0
    io_since: float = -1e9

    def mark(self, name: str, when: float | None = None) -> None:
        """Name the present moment, or the one given; a name is given once."""
        assert name not in self.marks, name
        self.marks[name] = self.now if when is None else when

    def at(self, moment: str) -> float:
        """Time of `mark`, `mark+20` or `mark-20`."""
        for sign in "+-":
            name, found, offset = moment.rpartition(sign)
            if found and name in self.marks:
                return self.marks[name] + float(sign + offset)
        return self.marks[moment]

    def wait(self, ns: float) -> None:
        """Let time pass."""
        self.now += ns

    def set(self, slot: int, bits: int, when: float | None = None) -> None:
        """Assert wires, now or at the moment given."""
        self.edges.append((self.now if when is None else when, slot, bits, 0))

    def clear(self, slot: int, bits: int, when: float | None = None) -> None:
        """Release wires, now or at the moment given."""
        self.edges.append((self.now if when is None else when, slot, 0, bits))

    def timeline(
        self, faults: Iterable[Fault] = (), unknown: Fault | None = None
    ) -> list[tuple[float, list[tuple[str, int, int]]]]:
        """What to do when: ("set" | "clear" | "stick0" | "stick1" | "unknown" | "free", slot, bits), grouped by time.

        `free` ends a fault. `unknown` is a fault that drives X. Actions of a moment are to be applied together.
        """
        moments: dict[float, list[tuple[str, int, int]]] = {}
        for time, slot, on, off in self.edges:
            moments.setdefault(round(time, 3), []).append(("set", slot, on) if on else ("clear", slot, off))
        for fault in (*faults, *([unknown] if unknown else [])):
            start, stop = round(self.at(fault.start), 3), round(self.at(fault.stop), 3)
            assert start < stop, fault
            bits = mask(fault.names)
            moments.setdefault(start, []).append(
                ("unknown" if fault is unknown else f"stick{fault.level}", fault.slot, bits)
            )
            moments.setdefault(stop, []).append(("free", fault.slot, bits))
        return sorted(moments.items())


# -- legal pieces ----------------------------------------------------------------------------------------------------


def arbitrate(
    s: Script, slot: int, scsi_id: int, name: str = "", losers: Sequence[tuple[int, int]] = (), wait_ns: float = 1300
) -> None:
    """From a free bus to the end of arbitration; losers join 200 ns later and leave 300 ns after SEL."""
    s.wait(wait_ns)
    s.mark(f"{name}arb")
    s.set(slot, M_BSY | 1 << (DB + scsi_id))
    s.wait(200)
    for loser, its_id in losers:
        s.set(loser, M_BSY | 1 << (DB + its_id))
    s.wait(2300)
    s.mark(f"{name}won")
    s.set(slot, M_SEL)
    s.wait(300)
    for loser, its_id in losers:
        s.clear(loser, M_BSY | 1 << (DB + its_id))
    s.wait(1000)


def select(
    s: Script,
    host: int = HOST,
    target: int = LEADER,
    name: str = "",
    host_id: int = IDS[HOST],
    target_id: int | None = None,
) -> None:
    """SELECTION with ATN."""
    target_id = IDS[target] if target_id is None else target_id
    _offer(s, host, M_ATN | ids(host_id, target_id), name)
    answer_selection(s, host, target, name)


def answer_selection(s: Script, host: int, target: int, name: str = "") -> None:
    """The target answers 500 ns after the IDs are there without BSY, and the selection ends."""
    s.wait(500)
    s.mark(f"{name}answer")
    s.set(target, M_BSY)
    s.wait(100)
    s.mark(f"{name}sel_off")
    s.clear(host, M_SEL | M_DATA)
    s.wait(100)


def _offer(s: Script, winner: int, bits: int, name: str) -> None:
    s.mark(f"{name}ids")
    s.set(winner, bits)
    s.wait(100)
    s.mark(f"{name}bsy_off")
    s.clear(winner, M_BSY)


def reselect(s: Script, target: int = LEADER, host: int = HOST, name: str = "") -> None:
    """RESELECTION, both ends driving BSY for a while."""
    _offer(s, target, M_IO | ids(IDS[target], IDS[host]), name)
    answer_reselection(s, target, host, name)


def answer_reselection(s: Script, target: int, host: int, name: str = "") -> None:
    """The initiator answers 500 ns after the IDs are there without BSY; the target takes BSY over."""
    s.wait(500)
    s.mark(f"{name}answer")
    s.set(host, M_BSY)
    s.wait(20)
    s.mark(f"{name}takeover")
    s.set(target, M_BSY)
    s.wait(130)
    s.mark(f"{name}sel_off")
    s.clear(target, M_SEL | M_DATA)
    s.wait(50)
    s.mark(f"{name}host_bsy_off")
    s.clear(host, M_BSY)
    s.wait(50)
    s.lines_now = M_IO


def begin_phase(s: Script, slot: int, phase: Phase, settle_ns: float = 420) -> None:
    """Set the phase lines and let them settle; respects the data release rule."""
    s.wait(100)
    s.phase += 1
    s.mark(f"p{s.phase}")
    bits = lines(phase)
    if bits & M_IO and not s.lines_now & M_IO:
        s.io_since = s.now
    release = (M_PHASE & ~bits) | (0 if bits & M_IO else M_DATA)
    s.clear(slot, release)
    if bits:
        s.set(slot, bits)
    s.lines_now = bits
    s.wait(settle_ns)
    if bits & M_IO:
        s.now = max(s.now, s.io_since + 820)


def byte_out(
    s: Script,
    slot: int,
    index: int,
    value: int,
    *,
    host: int = HOST,
    high: int | None = None,
    drop_atn: bool = False,
    raise_atn: bool = False,
) -> None:
    """One byte (or two) from the initiator, with ATN changed if asked."""
    at = f"p{s.phase}.b{index}"
    s.mark(f"{at}.req")
    s.set(slot, M_REQ)
    s.wait(10)
    if drop_atn:
        s.clear(host, M_ATN)
    s.wait(10)
    s.mark(f"{at}.data")
    s.set(host, data(value, high))
    s.wait(90)
    s.mark(f"{at}.ack")
    s.set(host, M_ACK)
    if raise_atn:
        s.set(host, M_ATN)
    s.wait(50)
    s.mark(f"{at}.req_off")
    s.clear(slot, M_REQ)
    s.wait(60)
    s.mark(f"{at}.ack_off")
    s.clear(host, M_ACK | M_DATA)
    s.wait(100)


def byte_in(
    s: Script,
    slot: int,
    index: int,
    value: int,
    *,
    host: int = HOST,
    high: int | None = None,
    raise_atn: bool = False,
    release: bool = False,
) -> None:
    """One byte (or two) from the target, which keeps it on DB unless it is to `release` it on ACK."""
    at = f"p{s.phase}.b{index}"
    s.mark(f"{at}.data")
    s.clear(slot, M_DATA)
    s.set(slot, data(value, high))
    s.wait(60)
    s.mark(f"{at}.req")
    s.set(slot, M_REQ)
    s.wait(60)
    s.mark(f"{at}.ack")
    s.set(host, M_ACK)
    if raise_atn:
        s.set(host, M_ATN)
    s.wait(30)
    if release:
        s.clear(slot, M_DATA)
    s.wait(10)
    s.mark(f"{at}.req_off")
    s.clear(slot, M_REQ)
    s.wait(60)
    s.mark(f"{at}.ack_off")
    s.clear(host, M_ACK)
    s.wait(60)


def transfer(
    s: Script,
    slot: int,
    phase: Phase,
    values: bytes,
    *,
    wide: bool = False,
    raise_atn: bool = False,
    settle_ns: float = 420,
) -> None:
    """A whole phase; in MESSAGE OUT ATN is dropped at the last byte, `raise_atn` raises it within the last transfer."""
    begin_phase(s, slot, phase, settle_ns)
    words = (
        [(values[n], values[n + 1]) for n in range(0, len(values), 2)] if wide else [(value, None) for value in values]
    )
    for index, (low, high) in enumerate(words):
        last = index == len(words) - 1
        if phase.is_in:
            byte_in(s, slot, index, low, high=high, raise_atn=raise_atn and last)
        else:
            drop = last and phase is Phase.MSG_OUT
            byte_out(s, slot, index, low, high=high, drop_atn=drop, raise_atn=raise_atn and last)


def free(s: Script, slot: int, name: str = "") -> None:
    """The target ends the connection."""
    s.mark(f"{name}free")
    s.clear(slot, M_BSY | M_PHASE | M_DATA)
    s.lines_now = 0
    s.wait(50)


def end(s: Script, slot: int = LEADER, name: str = "", status: int = 0) -> None:
    """STATUS, TASK COMPLETE, BUS FREE."""
    transfer(s, slot, Phase.STATUS, bytes((status,)))
    transfer(s, slot, Phase.MSG_IN, b"\x00")
    free(s, slot, name)


def reset(s: Script, slot: int = HOST, hold_ns: float = 26_000) -> None:
    """RST, everything else of the same device released 100 ns later."""
    s.mark("rst")
    s.set(slot, M_RST)
    s.wait(100)
    s.clear(slot, ~M_RST & ((1 << 27) - 1))
    s.wait(hold_ns - 100)
    s.mark("rst_off")
    s.clear(slot, M_RST)
