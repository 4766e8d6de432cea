"""Wire scripts of synchronous data phases: ST transfers and DT data groups with pad and CRC (spi-facts 3.3, 3.4, 8).

REQ and ACK run side by side here: REQ ahead by up to the offset, ACK a while after the REQ that it answers. Marks are
those of asynchronous phases, `p2.b0.req`, `.ack`, `.data` and so on, one number a transfer; with DT `.req` and `.ack`
are edges of either kind, and `p2.g0.crca` and `.crca_off` are those of P_CRCA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.crc import crc_words, words_of
from cocotbext.scsi.wires import DB, DBP, M_ACK, M_ATN, M_DATA, M_DB, M_REQ

from .wire_script import HOST, Script, begin_phase, data

M_CRCA = 1 << DBP
"""P_CRCA in DT DATA phases; the target drives it in both directions."""


@dataclass(frozen=True)
class Pace:
    """How fast a phase goes, in ns."""

    period: float
    """Of one transfer: ST from one assertion to the next, DT from edge to edge."""
    offset: int
    answer: float = 40.0
    """From an edge of REQ to that of ACK, at least."""
    slack: float = 1.0
    """From the ACK that makes room to the REQ that uses it, at least."""


FAST_5 = Pace(200.0, 8)
FAST_10 = Pace(100.0, 15)
FAST_20 = Pace(50.0, 16)
FAST_40 = Pace(25.0, 31)
DT_FAST_10 = Pace(100.0, 16)
DT_FAST_20 = Pace(50.0, 16)
DT_FAST_40 = Pace(25.0, 31)
DT_FAST_80 = Pace(12.5, 62)


def sync_transfer(
    s: Script,
    slot: int,
    phase: Phase,
    values: bytes,
    pace: Pace,
    *,
    host: int = HOST,
    wide: bool = True,
    raise_atn: bool = False,
    settle_ns: float = 420,
) -> None:
    """A whole ST synchronous phase; `raise_atn` raises ATN 100 ns before the last ACK. A wide odd length gets a 0."""
    begin_phase(s, slot, phase, settle_ns)
    words = [data(word & 0xFF, word >> 8) for word in words_of(values)] if wide else [data(value) for value in values]
    half = pace.period / 2
    reqs: list[float] = []
    acks: list[float] = []
    for index, word in enumerate(words):
        at = f"p{s.phase}.b{index}"
        room = acks[index - pace.offset] + pace.slack if index >= pace.offset else 0.0
        reqs.append(max(s.now + half, room, reqs[-1] + pace.period if reqs else 0.0))
        acks.append(max(reqs[-1] + pace.answer, acks[-1] + pace.period if acks else 0.0))
        sender, strobe = (slot, reqs[-1]) if phase.is_in else (host, acks[-1])
        _put(s, sender, word, M_DATA, strobe - half, at)
        _pulse(s, slot, M_REQ, reqs[-1], half, f"{at}.req")
        _pulse(s, host, M_ACK, acks[-1], half, f"{at}.ack")
    if raise_atn:
        s.set(host, M_ATN, acks[-1] - 100)
    s.now = acks[-1] + pace.period
    if not phase.is_in:
        s.clear(host, M_DATA)
    s.wait(60)


def _put(s: Script, slot: int, bits: int, wires: int, when: float, at: str) -> None:
    s.mark(f"{at}.data", when)
    s.clear(slot, wires, when)
    s.set(slot, bits, when)


def _pulse(s: Script, slot: int, wire: int, when: float, width: float, name: str) -> None:
    s.mark(name, when)
    s.set(slot, wire, when)
    s.mark(f"{name}_off", when + width)
    s.clear(slot, wire, when + width)


# -- DT --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edge:
    """One edge of REQ and what goes with it."""

    word: int
    crca: bool
    stretched: bool
    """P_CRCA changes between the edge before and this one."""
    group: int
    first_crca: bool = False


def _group(values: bytes, number: int) -> list[_Edge]:
    """Data, pad if REQ is still asserted after them, and CRC."""
    words = words_of(values)
    padded = words + [0] * (len(words) % 2)
    edges = [_Edge(word, False, number > 0 and not n, number) for n, word in enumerate(words)]
    marked = [*padded[len(words) :], *crc_words(padded)]
    return edges + [_Edge(word, True, not n, number, not n) for n, word in enumerate(marked)]


def dt_transfer(
    s: Script,
    slot: int,
    phase: Phase,
    values: bytes,
    pace: Pace,
    *,
    host: int = HOST,
    groups: Sequence[int] = (),
    raise_atn: bool = False,
    settle_ns: float = 420,
    hasty: bool = False,
) -> None:
    """A whole DT DATA phase in one group, or in groups of so many bytes; `raise_atn` as in `sync_transfer`.

    A `hasty` target sends pad and CRC on DATA IN before the ACKs of earlier groups are in.
    The interval in which P_CRCA changes has twice the length, 0.6 periods of it before the change. A pad word is 0.
    """
    s.clear(slot, M_DATA)  # What is left of a message would be a P_CRCA.
    begin_phase(s, slot, phase, settle_ns)
    edges: list[_Edge] = []
    rest = values
    for number, length in enumerate(groups or (len(values),)):
        edges += _group(rest[:length], number)
        rest = rest[length:]
    assert not rest, "the groups are shorter than the data"
    times = _times(s.now, edges, pace, phase.is_in and not hasty)
    for index, (edge, (req, ack)) in enumerate(zip(edges, times, strict=True)):
        at = f"p{s.phase}.b{index}"
        sender, strobe = (slot, req) if phase.is_in else (host, ack)
        _put(s, sender, edge.word << DB, M_DB, strobe - pace.period / 2, at)
        if edge.stretched:
            change = (times[index - 1][0] if index else s.now) + 0.6 * pace.period
            _crca(s, slot, change, edge.first_crca, edge.group if edge.first_crca else edge.group - 1)
        for owner, wire, when, name in ((slot, M_REQ, req, "req"), (host, M_ACK, ack, "ack")):
            s.mark(f"{at}.{name}", when)
            (s.clear if index % 2 else s.set)(owner, wire, when)
    last_req, last_ack = times[-1]
    _crca(s, slot, last_req + 0.6 * pace.period, False, edges[-1].group)
    if raise_atn:
        s.set(host, M_ATN, last_ack - 100)
    s.now = last_ack + pace.period
    if not phase.is_in:
        s.clear(host, M_DATA)
    s.wait(60)


def _crca(s: Script, slot: int, when: float, level: bool, group: int) -> None:
    s.mark(f"p{s.phase}.g{group}.crca" + ("" if level else "_off"), when)
    (s.set if level else s.clear)(slot, M_CRCA, when)


def _times(start: float, edges: Sequence[_Edge], pace: Pace, is_in: bool) -> list[tuple[float, float]]:
    """When REQ and ACK have each of their edges: within the offset, and no CRC ahead of the ACKs of earlier groups."""
    times: list[tuple[float, float]] = []
    earlier = 0.0
    for index, edge in enumerate(edges):
        if not times:
            req = start + pace.period * (2 if edge.stretched else 1)
        else:
            req = times[-1][0] + pace.period * (2 if edge.stretched else 1)
            if edges[index - 1].group != edge.group:
                earlier = times[-1][1] + pace.slack
        if index >= pace.offset:
            req = max(req, times[index - pace.offset][1] + pace.slack)
        if edge.crca and is_in:
            req = max(req, earlier)
        ack = max(req + pace.answer, times[-1][1] + pace.period if times else 0.0)
        times.append((req, ack))
    return times
