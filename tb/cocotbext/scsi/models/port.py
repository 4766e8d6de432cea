"""One slot of the bus as a Python model sees it: drive wires, read wires, wait for them.

A device port `<prefix>` has, per signal, `<prefix>_<signal>_o` (what this device asserts; written here) and
`<prefix>_<signal>_i` (the wire; read here), active high: bsy sel rst msg cd io req ack atn, db [15:0], dbp [1:0].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.triggers import Event, Timer

from ..wires import CONTROL, M_BSY, M_PHASE, M_RST, M_SEL, odd_parity
from .timing import Timing

M_FREE: Final = 1 << 27
"""Bit of `ScsiPort.lines` beside the wires: BUS FREE has been detected (BSY and SEL false for a bus settle delay)."""
_M_BUSY: Final = M_BSY | M_SEL | M_RST
"""BUS FREE needs BSY and SEL false; it is not looked for while RST is true."""
_SHORT_NS: Final = 300
"""A delay up to this long may end before BUS FREE or reset is acted on and still keep the bus clear delay."""

Condition = Callable[[int], bool]
"""Looks at `ScsiPort.lines`; true ends a wait."""


class BusFreedError(Exception):
    """The bus went free inside a connection."""


class BusResetError(Exception):
    """RST was seen; the port has already released everything."""


class LineObserver(Protocol):
    """Anything that follows the control lines of a port, one call a change, at the instant of the change."""

    def lines_changed(self, lines: int, changed: int) -> None:
        """`lines` as `ScsiPort.lines`, `changed` the bits that differ from the call before."""


class _Waiter:
    __slots__ = ("condition", "deadline", "event", "met")

    def __init__(self, condition: Condition, deadline: int | None) -> None:
        self.condition = condition
        self.deadline = deadline
        self.event = Event()
        self.met = False


def now_ps() -> int:
    """Simulation time in picoseconds."""
    return int(get_sim_time("ps"))


def parity_of(db: int) -> int:
    """DB(P1), DB(P0) with odd parity over DB(15-8) and DB(7-0)."""
    return odd_parity(db >> 8) << 1 | odd_parity(db)


class ScsiPort:
    """Handle to one bus slot. Everything is released at construction and within a reset delay of RST."""

    def __init__(self, dut: Any, prefix: str, *, timing: Timing | None = None) -> None:
        """`dut` holds the signals; raises AttributeError naming the first one that is missing."""
        self.prefix = prefix
        self.timing = timing or Timing()
        self.lines = 0
        """Control wires as in `cocotbext.scsi.wires` (M_BSY ..), and M_FREE."""
        self.free_at = 0
        """When BUS FREE was last detected, ps."""
        self.free_left = 0
        """When it was last left, ps."""
        self.phase_since = 0
        """When MSG, C/D or I/O last changed, ps."""
        self.sel_since = 0
        """When SEL was last asserted, ps."""
        self.reset_count = 0
        self._out = {name: getattr(dut, f"{prefix}_{name}_o") for name in (*CONTROL, "db", "dbp")}
        self._in = {name: getattr(dut, f"{prefix}_{name}_i") for name in (*CONTROL, "db", "dbp")}
        self._driven: dict[str, int] = {}
        self._waiters: list[_Waiter] = []
        self._observers: list[LineObserver] = []
        self._alarm_at: int | None = None
        self._in_connection = False
        self._reset_pending = False
        self._idle_epoch = 0
        for name in self._out:
            self._set(name, 0)
        for bit, name in enumerate(CONTROL):
            self.lines |= self._level(name) << bit
            cocotb.start_soon(self._watch(bit, name))
        if not self.lines & _M_BUSY:
            cocotb.start_soon(self._settle_free(self._idle_epoch))

    # -- driving ------------------------------------------------------------------------------------------------

    def drive(self, **signals: int) -> None:
        """Assert (1) or release (0) control signals. Raises BusResetError while a reset has not been acknowledged."""
        if self._reset_pending and any(signals.values()):
            raise BusResetError
        for name, value in signals.items():
            self._set(name, value)

    def drive_data(self, db: int, dbp: int) -> None:
        """Put a value and its parity on DB(15-0), DB(P1), DB(P0)."""
        self.drive(db=db, dbp=dbp)

    def release_data(self) -> None:
        """Stop driving DB and parity."""
        self.drive(db=0, dbp=0)

    def release(self) -> None:
        """Stop driving everything but RST."""
        for name in self._out:
            if name != "rst":
                self._set(name, 0)

    def drives(self, name: str) -> bool:
        """This device asserts the control signal."""
        return bool(self._driven[name])

    @property
    def drives_data(self) -> bool:
        """This device asserts at least one of DB and parity (a byte of zeros has its parity bit)."""
        return bool(self._driven["db"] or self._driven["dbp"])

    async def assert_reset(self) -> None:
        """Hold RST for the reset hold time; every device on the bus, this one included, sees a reset."""
        self._set("rst", 1)
        await Timer(self.timing.reset_hold_time, unit="ns")
        self._set("rst", 0)

    # -- reading ------------------------------------------------------------------------------------------------

    def read_data(self) -> tuple[int, int]:
        """(DB(15-0), DB(P1) DB(P0)) as the wires are now; an unknown bit reads 0."""
        return self._vector("db"), self._vector("dbp")

    def is_set(self, mask: int) -> bool:
        """Any of the control lines in `mask` is asserted on the bus."""
        return bool(self.lines & mask)

    def observe(self, observer: LineObserver) -> None:
        """Call `observer` at every change of a control line, before any wait ends because of it."""
        self._observers.append(observer)

    # -- waiting ------------------------------------------------------------------------------------------------

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Inside, waits raise BusFreedError once BUS FREE is detected."""
        self._in_connection = True
        try:
            yield
        finally:
            self._in_connection = False

    async def wait(self, condition: Condition, timeout_ns: float | None = None) -> bool:
        """Wait until `condition(lines)` holds; False if `timeout_ns` passed first.

        Raises BusResetError after RST, and BusFreedError inside `connection()` once the bus is free.
        """
        self.check()
        if condition(self.lines):
            return True
        waiter = _Waiter(condition, None if timeout_ns is None else now_ps() + round(timeout_ns * 1000))
        self._waiters.append(waiter)
        if waiter.deadline is not None:
            self._arm(waiter.deadline)
        try:
            await waiter.event.wait()
        finally:
            self._waiters.remove(waiter)
        if not waiter.met:
            self.check()
        return waiter.met

    async def delay(self, nanoseconds: float) -> None:
        """Let time pass; raises as `wait` does."""
        if nanoseconds <= 0:
            return
        if nanoseconds > _SHORT_NS:
            await self.wait(lambda _: False, nanoseconds)
            return
        await Timer(round(nanoseconds * 1000), unit="ps")
        self.check()

    async def delay_until(self, time_ps: int) -> None:
        """Let time pass until `time_ps`; at once if that is over."""
        await self.delay((time_ps - now_ps()) / 1000)

    async def hold(self, condition: Condition, nanoseconds: int) -> bool:
        """True once `condition` has held for `nanoseconds` from now on without a break, False at the first break."""
        return not await self.wait(lambda lines: not condition(lines), nanoseconds)

    def check(self) -> None:
        """Raise what a wait would raise now: BusResetError, or BusFreedError inside `connection()`."""
        if self._reset_pending:
            raise BusResetError
        if self._in_connection and self.lines & M_FREE:
            raise BusFreedError

    def kick(self) -> None:
        """Look at every waiting condition again, because something other than a wire has changed."""
        failed = self._reset_pending or (self._in_connection and bool(self.lines & M_FREE))
        for waiter in self._waiters:
            if waiter.met:
                continue
            if waiter.condition(self.lines):
                waiter.met = True
                waiter.event.set()
            elif failed:
                waiter.event.set()

    def acknowledge_reset(self) -> None:
        """The model has dealt with a reset: waits and drives work again."""
        self._reset_pending = False

    # -- inside -------------------------------------------------------------------------------------------------

    def _set(self, name: str, value: int) -> None:
        if self._driven.get(name) != value:
            self._driven[name] = value
            self._out[name].value = value

    def _level(self, name: str) -> int:
        return int(str(self._in[name].value) == "1")

    def _vector(self, name: str) -> int:
        text = str(self._in[name].value)
        try:
            return int(text, 2)
        except ValueError:
            return int("".join(bit if bit in "01" else "0" for bit in text), 2)

    async def _watch(self, bit: int, name: str) -> None:
        handle = self._in[name]
        mask = 1 << bit
        while True:
            await handle.value_change
            level = self._level(name)
            if level != self.lines >> bit & 1:
                self._changed(mask)

    def _changed(self, mask: int) -> None:
        before = self.lines
        self.lines ^= mask
        if mask & self.lines & M_SEL:
            self.sel_since = now_ps()
        if mask & _M_BUSY:
            self._idle_epoch += 1
            if not self.lines & _M_BUSY:
                cocotb.start_soon(self._settle_free(self._idle_epoch))
            elif self.lines & M_FREE:
                self.lines &= ~M_FREE
                self.free_left = now_ps()
            if mask & self.lines & M_RST:
                cocotb.start_soon(self._settle_reset())
        elif mask & M_PHASE:
            self.phase_since = now_ps()
        self._tell(before)

    def _tell(self, before: int) -> None:
        changed = before ^ self.lines
        for observer in self._observers:
            observer.lines_changed(self.lines, changed)
        self.kick()

    async def _settle_free(self, epoch: int) -> None:
        await Timer(self.timing.bus_settle_delay, unit="ns")
        if epoch == self._idle_epoch and not self.lines & M_FREE:
            before = self.lines
            self.lines |= M_FREE
            self.free_at = now_ps()
            self._tell(before)

    async def _settle_reset(self) -> None:
        await Timer(self.timing.reset_delay, unit="ns")
        if self.lines & M_RST:
            self.release()
            self._reset_pending = True
            self.reset_count += 1
            self.kick()

    def _arm(self, deadline: int) -> None:
        if self._alarm_at is None or deadline < self._alarm_at:
            self._alarm_at = deadline
            cocotb.start_soon(self._alarm(deadline))

    async def _alarm(self, at: int) -> None:
        await Timer(max(at - now_ps(), 1), unit="ps")
        if self._alarm_at != at:
            return
        self._alarm_at = None
        time = now_ps()
        for waiter in self._waiters:
            if waiter.deadline is not None and waiter.deadline <= time:
                waiter.event.set()
        later = [w.deadline for w in self._waiters if w.deadline is not None and w.deadline > time]
        if later:
            self._arm(min(later))
