"""REQ and ACK as strobes of synchronous and DT data phases: making them in time, and catching those of the partner.

A strobe of an ST phase is a pulse and counts at its assertion; in a DT phase both edges count (spi-facts 7, 8).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

from cocotb.triggers import Timer

from ..agreement import Agreement
from ..crc import USUAL, CrcConvention
from ..wires import M_BSY, M_CD, M_IO, M_MSG, M_SEL
from .port import ScsiPort, now_ps
from .strobe_timing import StrobeTiming

_LONG_AGO: Final = -(10**12)


@dataclass(slots=True)
class StrobeStyle:
    """How a model shapes its strobes within what the standard allows."""

    exact: bool = False
    """Widths, set-up and hold are the transmit minima, and DB carries the complement outside them. Otherwise a pulse
    lasts half a period and data change in the middle between two strobes."""
    pad: int = 0
    """Value of the pad word of a DT group."""
    crc: CrcConvention = USUAL
    """The CRC of a DT group."""


class StrobeOut:
    """REQ or ACK of one device in one run of transfers."""

    def __init__(self, port: ScsiPort, name: str, style: StrobeStyle) -> None:
        """`name` is "req" or "ack"."""
        self.port = port
        self.name = name
        self.style = style
        self._timing = StrobeTiming(0, 0, 0, 0, 0, 0)
        self._dt = False
        self._level = 0
        self._edge_at = self._fell_at = self._data_at = _LONG_AGO
        self._fall_at: int | None = None
        self._moved_control = False
        self._held_back: tuple[int, int] | None = None

    def begin(self, timing: StrobeTiming, *, dt: bool) -> None:
        """Start a run of transfers; the strobe is negated."""
        self._timing = timing
        self._dt = dt
        self._level = 0
        self._moved_control = False
        self._held_back = None

    @property
    def asserted(self) -> bool:
        """DT: the last edge was an assertion."""
        return bool(self._level)

    async def prepare(self, db: int, dbp: int, *, control: bool = False) -> None:
        """Put the next transfer's data on DB as soon as the hold time of the one before is over.

        `control`: P_CRCA changes with it.
        """
        timing, exact = self._timing, self.style.exact
        at = self._edge_at + (timing.hold if exact else timing.period // 2)
        if control:
            at = max(at, self._edge_at + timing.crc_hold)
            self._moved_control = True
        if self._fall_at is not None and (exact or at < self._fall_at):
            await self.settle()
        await self._until(at)
        if exact:
            self._held_back = (db, dbp)
            db = ~db & 0xFFFF if self._edge_at > _LONG_AGO else db
        together = {"db": db, "dbp": dbp}
        if self._fall_at is not None:
            together[self.name] = self._fall()
        self.port.drive(**together)
        self._data_at = now_ps()

    async def control(self, level: int) -> None:
        """Move P_CRCA alone, as the target does in DT DATA OUT."""
        await self._until(self._edge_at + self._timing.crc_hold)
        self.port.drive(dbp=level)
        self._data_at = now_ps()
        self._moved_control = True

    async def strike(self, earliest: int = 0, *, hurry: bool = False) -> None:
        """The strobe of the next transfer, not before `earliest` (ps). `hurry`: three quarters of the period."""
        await self.settle()
        timing = self._timing
        period = timing.period * 3 // 4 if hurry else timing.period
        at = max(earliest, self._edge_at + period, self._fell_at + timing.negation, self._data_at + timing.setup)
        if self._moved_control:
            at = max(at, self._edge_at + timing.crc_pulse, self._data_at + timing.crc_setup)
            self._moved_control = False
        if self._held_back is not None:
            at = max(at, now_ps() + timing.setup)
            await self._until(at - timing.setup)
            self.port.drive(db=self._held_back[0], dbp=self._held_back[1])
            self._held_back = None
        await self._until(at)
        self._level ^= 1
        self.port.drive(**{self.name: self._level})
        self._edge_at = now_ps()
        if not self._dt:
            self._fall_at = self._edge_at + (timing.assertion if self.style.exact else timing.period // 2)

    async def settle(self) -> None:
        """ST: end the pulse that is under way. Call before anything else is waited for."""
        if self._fall_at is not None:
            await self._until(self._fall_at)
            self.port.drive(**{self.name: self._fall()})

    async def quiet(self) -> None:
        """Let the hold times of the last transfer pass: P_CRCA may then change, and DB be released."""
        await self.settle()
        await self._until(self._edge_at + max(self._timing.hold, self._timing.crc_hold))

    def _fall(self) -> int:
        self._fall_at = None
        self._fell_at = now_ps()
        self._level = 0
        return 0

    async def _until(self, time_ps: int) -> None:
        left = time_ps - now_ps()
        if left > 0:
            await Timer(left, unit="ps")
            self.port.check()


class Edge(NamedTuple):
    """A transfer of the partner as it was caught."""

    time_ps: int
    asserted: bool
    db: int
    dbp: int

    @property
    def crca(self) -> bool:
        """P_CRCA at a REQ edge of a DT phase."""
        return bool(self.dbp & 1)


class StrobeIn:
    """Catches the partner's strobes, with DB and parity as they are at the edge."""

    def __init__(self, port: ScsiPort, mask: int) -> None:
        """`mask` is M_REQ or M_ACK."""
        self.edges: deque[Edge] = deque()
        """Transfers that have not been looked at."""
        self.count = 0
        """Transfers since `clear`."""
        self.last_ps = 0
        """Time of the latest one."""
        self._port = port
        self._mask = mask
        self._active = False
        self._dt = False
        self._with_data = False
        port.observe(self)

    def arm(self, agreement: Agreement, *, in_too: bool) -> None:
        """Catch from now on. `in_too`: DB is read in DATA IN phases, too (the initiator); else in DATA OUT alone."""
        self._active, self._dt, self._with_data = agreement.is_sync, agreement.is_dt, in_too

    def disarm(self) -> None:
        """Catch nothing more."""
        self._active = False
        self.clear()

    def clear(self) -> None:
        """Forget what was caught."""
        self.edges.clear()
        self.count = 0

    def lines_changed(self, lines: int, changed: int) -> None:
        """One change of the control lines."""
        if not self._active or not changed & self._mask or lines & (M_CD | M_SEL) or not lines & M_BSY:
            return
        asserted = bool(lines & self._mask)
        if bool(lines & M_MSG) != self._dt or not (self._dt or asserted):
            return
        self.count += 1
        self.last_ps = now_ps()
        incoming = bool(lines & M_IO)
        if (incoming or self._dt) if self._with_data else not incoming:
            db, dbp = self._port.read_data()
        else:
            db = dbp = 0
        self.edges.append(Edge(self.last_ps, asserted, db, dbp))
