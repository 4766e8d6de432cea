"""Drives the bench of the synchronous data paths (tests/models/strobe_pair.v) and judges what it measured.

The limits are typed here from spi-facts 3.3, 3.4, 5.1 and 7; nothing is taken from the RTL.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from cocotb.triggers import First, Timer, ValueChange

from cocotbext.scsi.crc import USUAL, CrcConvention

CLOCK_NS = 6.25
FAST_80, FAST_40, NS_30, FAST_20, FAST_10, FAST_5 = 0x09, 0x0A, 0x0B, 0x0C, 0x19, 0x32
ATN_SETUP_NS = 90.0
"""spi-facts 5.1"""

ST_LIMITS = {
    FAST_40: (8.0, 8.0, 9.25, 9.25),
    FAST_20: (15.0, 15.0, 11.5, 16.5),
    FAST_10: (30.0, 30.0, 23.0, 33.0),
    FAST_5: (80.0, 80.0, 23.0, 53.0),
}
"""spi-facts 3.3: transmit assertion, negation, set-up and hold in ns, by the class's first factor."""
DT_LIMITS = {
    FAST_80: (11.5, 4.8, 14.8, 4.8, 24.0),
    FAST_40: (23.0, 9.6, 19.6, 9.6, 35.5),
    FAST_20: (46.0, 19.2, 29.2, 19.2, 54.0),
    FAST_10: (92.0, 38.4, 48.4, 38.4, 97.5),
}
"""spi-facts 3.4: transmit assertion or negation, set-up or hold, pCRC set-up and hold, REQ with P_CRCA changing."""
MODES = ((False, False), (False, True), (True, True))
"""(dt, wide)"""


def transfer_ns(factor: int) -> float:
    """Time of one transfer, spi-facts 7."""
    return {FAST_80: 12.5, FAST_40: 25.0, NS_30: 30.3, FAST_20: 50.0}.get(factor, 4.0 * factor)


def ticks_ns(factor: int, clock_ns: float = CLOCK_NS) -> float:
    """The least number of whole clocks that is no shorter, in ns."""
    return -(-round(transfer_ns(factor) * 100) // round(clock_ns * 100)) * clock_ns


def fastest(dt: bool) -> int:
    """The shortest transfer period of ST or DT."""
    return FAST_80 if dt else FAST_40


@dataclass(frozen=True)
class Run:
    """One data phase."""

    factor: int = FAST_40
    offset: int = 31
    wide: bool = True
    dt: bool = False
    inward: bool = False
    """DATA IN"""
    bytes: int = 512
    room: int | None = None
    """Bytes that the initiator has, or has room for; None: as many as the target moves."""
    chunk: int = 1 << 20
    """Bytes a start."""
    cable_ns: float = 0.0
    ppm: tuple[float, float] = (0.0, 0.0)
    """Clocks of target and initiator."""
    phase_ps: tuple[int, int] = (0, 0)
    seed: int = 0
    spoil_at: int = 0xFFFFFFFF
    """Which word of the data's sender, from 0, is spoilt, and the wires of it (DBP above DB) that are wrong."""
    spoil: int = 0
    mirrored: bool = False
    """ATN with the last word"""
    stray: bool = False
    """Strobes move while the phase settles."""
    stall_ns: float = 0.0
    """The initiator answers nothing for so long."""
    abort_ns: float = 0.0
    """The target lets go so long after the first REQ."""
    initiator: int | None = None
    """What the initiator believes to be agreed, as a vector; None: the same as the target."""

    @property
    def agreement(self) -> int:
        """The target's agreement as a vector."""
        return self.factor | self.offset << 8 | self.wide << 15 | self.dt << 16

    @property
    def words(self) -> int:
        """Transfers of data."""
        return (self.bytes + 1) // 2 if self.wide else self.bytes

    @property
    def strobes(self) -> int:
        """REQs (DT: transitions) that the phase takes."""
        if not self.dt:
            return self.words
        starts = [min(self.bytes - at, self.chunk) for at in range(0, self.bytes, self.chunk)]
        return sum((count + 3) // 4 * 2 + 2 for count in starts)


def clocks(rng: random.Random) -> dict[str, Any]:
    """Phases and offsets of the two clocks, and a seed for the data: fields of a Run."""
    return {
        "ppm": (rng.uniform(-100, 100), rng.uniform(-100, 100)),
        "phase_ps": (rng.randrange(1, 6250), rng.randrange(1, 6250)),
        "seed": rng.randrange(256),
    }


@dataclass(frozen=True)
class Measured:
    """What came of a run: counts and times (ns, `at`: ps), the strobes of both as they were sent."""

    run: Run
    values: dict[str, int]
    req: dict[str, float]
    ack: dict[str, float]
    req_words: list[int]
    """{P_CRCA, DBP, DB} with each of the first strobes"""
    ack_words: list[int]


_RESULTS = (
    *("compared", "wrong", "t_errors", "t_dones", "i_errors", "overruns", "i_words", "phases", "crc_errors", "moved"),
    *("start_at", "done_at", "atn_at", "i_req_at", "released"),
)
_METER = (
    *("sent", "answered", "ahead", "high_ps", "low_ps", "period_ps", "setup_ps", "hold_ps", "crca_setup_ps"),
    *("crca_hold_ps", "crca_edge_ps", "first_ps", "last_ps", "fall_ps"),
)
_LOGGED = 64


def _meter(handle: Any) -> tuple[dict[str, float], list[int]]:
    values = {name: int(getattr(handle, name).value) for name in _METER}
    words = int(handle.words.value)
    return (
        {name.removesuffix("_ps"): v / 1000 if name.endswith("_ps") else v for name, v in values.items()},
        [words >> 19 * n & 0x7FFFF for n in range(min(_LOGGED, values["sent"]))],
    )


async def do(dut: Any, run: Run) -> Measured:
    """One phase; AssertionError when it hangs."""
    dut.agree.value = run.agreement
    dut.i_agree.value = run.agreement if run.initiator is None else run.initiator
    getattr(dut, "in").value = int(run.inward)
    dut.len.value = run.bytes if run.room is None else run.room
    dut.phase.value = run.dt << 2 | run.inward
    for name in ("bytes", "chunk", "seed", "spoil_at", "spoil"):
        getattr(dut, name).value = getattr(run, name)
    for name in ("cable", "stall", "abort"):
        getattr(dut, f"{name}_ps").value = round(getattr(run, f"{name}_ns") * 1000)
    for name, n in (("t", 0), ("i", 1)):
        getattr(dut, f"{name}_ppb").value = round(run.ppm[n] * 1000) & 0xFFFFFFFF
        getattr(dut, f"{name}_phase_ps").value = run.phase_ps[n]
    dut.mirrored.value = int(run.mirrored)
    dut.stray_strobes.value = int(run.stray)
    await Timer(1, "ns")
    dut.go.value = 1 - int(dut.go.value)
    trip_ns = 2 * run.cable_ns + 400
    each_ns = max(transfer_ns(run.factor) * 1.1, trip_ns / max(run.offset, 1)) + 20
    limit_ns = 3000 + run.stall_ns + run.strobes * each_ns + -(-run.bytes // run.chunk) * (trip_ns + 600)
    finished = ValueChange(dut.finished)
    first = await First(finished, Timer(round(limit_ns), "ns"))
    assert first is finished, f"{run} hangs: {int(dut.u_reqs.sent.value)} REQs, {int(dut.u_acks.sent.value)} ACKs"
    await Timer(1, "ns")
    (req, req_words), (ack, ack_words) = _meter(dut.u_reqs), _meter(dut.u_acks)
    values = {name: int(getattr(dut, name).value) for name in _RESULTS}
    assert values["released"], run
    return Measured(run, values, req, ack, req_words, ack_words)


def clean(got: Measured) -> None:
    """The data is right, every REQ has its ACK, no more ahead than agreed, nothing is complained about."""
    run, values = got.run, got.values
    told = (run, values)
    assert values["compared"] == min(run.bytes, run.bytes if run.room is None else run.room) > 0, told
    assert [values[name] for name in ("wrong", "t_errors", "i_errors", "crc_errors", "overruns")] == [0] * 5, told
    assert (values["i_words"], values["phases"]) == (run.words, 1), told
    assert got.req["sent"] == got.ack["sent"] == got.req["answered"] == run.strobes, (run, got.req, got.ack)
    assert 1 <= got.req["ahead"] <= run.offset, (run, got.req)
    assert values["done_at"] / 1000 >= got.ack["fall"] + run.cable_ns, (run, values, got.ack)


def _limits(run: Run) -> tuple[float, ...]:
    table = DT_LIMITS if run.dt else ST_LIMITS
    return next(table[first] for first in sorted(table, reverse=True) if run.factor >= first)


def _wants(run: Run, is_req: bool) -> dict[str, float]:
    """Measure -> least time of one sender."""
    limits = _limits(run)
    with_data = is_req == run.inward
    if run.dt:
        wants = {"high": limits[0], "low": limits[0], "period": transfer_ns(run.factor)}
        if with_data:
            wants |= {"setup": limits[1], "hold": limits[1]}
        if is_req:
            wants |= {"crca_setup": limits[2], "crca_hold": limits[3], "crca_edge": limits[4]}
        return wants
    wants = {"high": limits[0]} | ({"setup": limits[2]} if with_data else {})
    if run.strobes > 1:
        wants |= {"low": limits[1], "period": transfer_ns(run.factor)} | ({"hold": limits[3]} if with_data else {})
    return wants


def timing(got: Measured) -> None:
    """What both senders do on the wires, against the transmit limits of the agreed rate's class."""
    slack = 1 - 210e-6  # clocks may be fast
    for name, side, is_req in (("REQ", got.req, True), ("ACK", got.ack, False)):
        for what, least in _wants(got.run, is_req).items():
            assert side[what] >= least * slack, f"{name} {what} {side[what]} ns, at least {least} ns: {got.run}"
    if got.run.dt:
        assert got.req["crca_setup"] < 4000, got.run  # P_CRCA did move


def rate(got: Measured) -> float:
    """Transfers of the whole run by the time between the first and the last of the sender, over the agreed rate."""
    side = got.req if got.run.inward else got.ack
    return (side["sent"] - 1) * ticks_ns(got.run.factor) / (side["last"] - side["first"])


def odd(byte: int) -> int:
    """Odd parity of a byte."""
    return byte.bit_count() + 1 & 1


def on_the_wires(run: Run, crc: CrcConvention = USUAL) -> tuple[list[int], list[int]]:
    """DB and DBP with each strobe of the data's sender, and P_CRCA with each REQ (docs/protocol.md, DT data groups).

    The byte behind an odd length is the sender's choice: what follows in the target's buffer, 0 from the initiator.
    """
    data = bytes((n * 167 ^ n >> 3 ^ run.seed) & 0xFF for n in range(run.bytes + 1))
    if not run.wide:
        return [byte | odd(byte) << 16 for byte in data[:-1]], [0] * run.bytes
    if run.bytes % 2 == 0 or not run.inward:
        data = data[:-1]
    data += b"\0" * (len(data) % 2)
    words = [data[n] | data[n + 1] << 8 for n in range(0, len(data), 2)]
    if not run.dt:
        return [w | odd(w & 0xFF) << 16 | odd(w >> 8) << 17 for w in words], [0] * len(words)
    pads = len(words) % 2
    words += [0] * pads
    return [*words, *crc.words(words)], [0] * (len(words) - pads) + [1] * (pads + 2)
