"""What every point is judged by: the bus is free in time, and nobody drives it then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cocotb.triggers import Timer

from cocotbext.scsi.models.port import ScsiPort, now_ps

STALL_US: Final = 40
"""Stall timer of the drives, as leaders."""
PART_STALL_US: Final = 15
"""The same as participants."""
HOLDOFF_US: Final = 10
RESELECTION_US: Final = 20
HANG_US: Final = 100
"""The initiator's timers."""
SELECTION_US: Final = 30
STATUS_US: Final = 200
RESET_HOLD_US: Final = 25
MARGIN_US: Final = 20
"""For what a device does between the end of its timer and BUS FREE."""
DRIVE_BOUND_US: Final = STALL_US + MARGIN_US
"""A drive frees the bus within this time of the other side's last change of a line."""
INITIATOR_BOUND_US: Final = HANG_US + RESET_HOLD_US + MARGIN_US
"""The initiator frees the bus, by RST if it must, within this time of the other side's last change of a line."""
SELECTION_ABORT_US: Final = 200
"""Selection abort time: kept between the end of a time-out and BUS FREE."""
SELECTING_BOUND_US: Final = max(SELECTION_US, RESELECTION_US) + SELECTION_ABORT_US + MARGIN_US
"""A selection or reselection that nobody answers ends within this time."""
COMPLETION_US: Final = STATUS_US + INITIATOR_BOUND_US
"""And the task has a completion within this time."""
WHOLE_US: Final = 6_000
"""No point takes longer, however often the other side makes the device go on."""
SELECTION_WAIT_US: Final = max(SELECTION_US, RESELECTION_US)
CONNECTION_BOUND_US: Final = (
    STALL_US + PART_STALL_US + HANG_US + RESET_HOLD_US + SELECTION_WAIT_US + SELECTION_ABORT_US + 1.2
)
"""What all timers together may add to the time for which the bus is busy in an operation without faults."""
OVER_US: Final = 3_000
"""A mirrored operation with a fault is over within this time."""
_LOOK_NS: Final = 1_000
_FREE_LOOKS: Final = 4
_SEL: Final = 2
"""BSY and SEL of the bus vector while a selection waits for its answer."""


class PointFailed(Exception):
    """The device did not do what it must; the text says what."""


class TimedPort(ScsiPort):
    """A port that knows when its device last changed a line."""

    last_change_ps = 0

    def _set(self, name: str, value: int) -> None:
        if self._driven.get(name) != value:
            self.last_change_ps = now_ps()
        super()._set(name, value)


class BusWatch:
    """Looks at the bus of the bench once a microsecond."""

    def __init__(self, dut: Any, port: TimedPort, bound_us: int, idle_us: int) -> None:
        """`port` is the other side's: its last change of a line starts the bound anew. `idle_us`: how long the bus may
        be free before all is over.
        """
        self.dut = dut
        self.port = port
        self.bound_us = bound_us
        self.idle_us = idle_us

    @property
    def busy(self) -> bool:
        """BSY, SEL or RST is true."""
        return bool(int(self.dut.bus_all.value) & 7)

    async def until(self, done: Callable[[], bool], what: str) -> None:
        """Return when `done` and the bus has been free for a while.

        Raises:
            PointFailed: the bus stays busy for longer than the bound, or it all takes too long.
        """
        start, free, since = now_ps(), 0, now_ps()
        while free < _FREE_LOOKS or not done():
            await Timer(_LOOK_NS, "ns")
            if not self.busy:
                free += 1
                since = now_ps()
                if free > self.idle_us:
                    raise PointFailed(f"{what}: not over after {free} us of a free bus")
                continue
            free = 0
            quiet = (now_ps() - max(self.port.last_change_ps, since)) // 1_000_000
            selecting = int(self.dut.bus_all.value) & 3 == _SEL
            if quiet > (SELECTING_BOUND_US if selecting else self.bound_us):
                raise PointFailed(f"{what}: the bus is busy {quiet} us after the last input ({self.shown()})")
            if now_ps() - start > WHOLE_US * 1_000_000:
                raise PointFailed(f"{what}: the bus is still busy after {WHOLE_US} us ({self.shown()})")

    def quiet(self, what: str) -> None:
        """Nobody drives a line. Raises PointFailed."""
        if int(self.dut.drv_all.value):
            raise PointFailed(f"{what}: a free bus is driven ({self.shown()})")

    def shown(self) -> str:
        """See `shown`."""
        return shown(self.dut)


def shown(dut: Any) -> str:
    """The lines that are true and who drives them."""
    names = ("bsy", "sel", "rst", "msg", "cd", "io", "req", "ack", "atn")
    told = []
    for bit, name in enumerate(names):
        if int(dut.bus_all.value) >> bit & 1:
            slots = [n for n in range(16) if int(dut.drv_all.value) >> 27 * n + bit & 1]
            told.append(f"{name} by {','.join(map(str, slots))}")
    return "; ".join(told) or f"DB {int(dut.bus_all.value) >> 9:x}"
