"""What the campaign of mirrored operations sees on the wires: what a fault changed, collisions, resets, copies."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import cocotb
from cocotb.task import Task
from cocotb.triggers import ReadOnly, RisingEdge, Timer, ValueChange

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.models.port import now_ps
from cocotbext.scsi.wires import DB, EVERY_SLOT, M_ALL, M_DB, M_REQ, M_RST, SLOTS, WIDTH, phase_of, slots_in
from silentmirror.bench.saboteur import mask_of

RELEASE_NS: Final = 800
"""Everybody has let go so long after RST (spi-facts 5.3)."""
_LINES: Final = ("msg", "cd", "io", "req")
"""A target's, of which there is one at a time."""
_INITIATOR_SLOT: Final = 0


class Effect:
    """Does a fault change a wire, for all devices (`tx`) or as its own device sees it (`rx`)?

    A driver that is stuck or silent hides what its device says: such a fault is seen when it begins and when it ends.
    """

    def __init__(self, dut: Any, slot: int, spec: dict[str, Any]) -> None:
        self.seen = False
        self._dut, self._slot = dut, slot
        self._mask = mask_of(spec["wire"])
        self._hears = dut.slot[slot].hears if spec["side"] == "rx" else None
        self._inverts = spec["kind"] == "invert"
        self._before = self._said()
        self._task: Task[None] | None = None

    async def begun(self) -> None:
        """The fault has just begun."""
        await ReadOnly()
        if self._hears is not None or self._inverts:
            self._look()
            if not self.seen:
                self._task = cocotb.start_soon(self._follow())
        else:
            self._changed()

    def ending(self) -> None:
        """The fault is about to end."""
        if self._task is not None:
            self._task.cancel()
        self._before = self._said()

    async def ended(self) -> None:
        """It has just ended."""
        if self._hears is None and not self._inverts:
            await ReadOnly()
            self._changed()

    async def _follow(self) -> None:
        changes = ValueChange(self._dut.drv_all if self._hears is None else self._hears)
        while not self.seen:
            await changes
            await ReadOnly()
            self._look()

    def _look(self) -> None:
        if self._hears is not None:
            self.seen = bool((int(self._hears.value) ^ int(self._dut.bus_all.value)) & self._mask)
        else:
            self.seen = bool(self._mask & ~self._others())

    def _changed(self) -> None:
        self.seen = self.seen or bool((self._said() ^ self._before) & self._mask & ~self._others())

    def _said(self) -> int:
        return int(self._dut.drv_all.value) >> WIDTH * self._slot & M_ALL

    def _others(self) -> int:
        """What all others assert."""
        drivers = int(self._dut.drv_all.value) & ~(M_ALL << WIDTH * self._slot)
        found = 0
        while drivers:
            found |= drivers & M_ALL
            drivers >>= WIDTH
        return found


class BusRules:
    """Two rules that no fault of another device excuses: all wires are let go at RST, and a target's have one driver.

    The second one is for times in which no device is at fault.
    """

    def __init__(self, dut: Any) -> None:
        self.broken: list[str] = []
        """What was seen, for the first one to look."""
        self.resets = 0
        """Times that RST was true for as long as the rule takes."""
        self.looks = 0
        """Times that the drivers were counted."""
        self.faulty: int | None = None
        """Slot of the device at fault, which no rule is for."""
        self.alone = False
        """Nobody is at fault: drivers are counted."""
        self.reset_seen = False
        self._dut = dut
        self._drivers = [getattr(dut, f"drv_{line}") for line in _LINES]

    def start(self) -> None:
        """From now on."""
        cocotb.start_soon(self._watch_rst())
        for handle in self._drivers:
            cocotb.start_soon(self._watch(handle))

    async def _watch_rst(self) -> None:
        begins = RisingEdge(self._dut.bus_rst)
        while True:
            await begins
            self.reset_seen = True
            begun_ps, faulty = now_ps(), self.faulty
            while int(self._dut.bus_rst.value) and now_ps() - begun_ps < RELEASE_NS * 1000:
                await Timer(RELEASE_NS // 8, "ns")
            await ReadOnly()
            if int(self._dut.bus_rst.value):
                self.resets += 1
                self._released(begun_ps, faulty)
                await ValueChange(self._dut.bus_rst)
                self._released(begun_ps, faulty)

    def _released(self, begun_ps: int, faulty: int | None) -> None:
        """By all but the device that is at fault, or was when RST came; RST aside."""
        drivers = int(self._dut.drv_all.value) & ~(EVERY_SLOT * M_RST)
        for excused in (self.faulty, faulty):
            if excused is not None:
                drivers &= ~(M_ALL << WIDTH * excused)
        slots = [slot for slot in range(SLOTS) if drivers >> WIDTH * slot & M_ALL]
        if slots:
            after_ns = (now_ps() - begun_ps) // 1000
            self.broken.append(f"driven by slots {slots} {after_ns} ns after the beginning of RST")

    async def _watch(self, handle: Any) -> None:
        changes = ValueChange(handle)
        while True:
            await changes
            if self.alone:
                await ReadOnly()
                self._count()

    def _count(self) -> None:
        if int(self._dut.bus_rst.value):
            return
        self.looks += 1
        slots = 0
        for handle in self._drivers:
            slots |= int(handle.value)
        if slots & slots - 1:
            self.broken.append(f"slots {slots_in(slots)} drive MSG, C/D, I/O or REQ at once")


class Copies:
    """The copies of a mirrored read in synchronous transfers, each as it came before the initiator's receiver."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._hears = dut.slot[_INITIATOR_SLOT].hears
        self._parts: list[list[tuple[int, int]]] = []
        """Of each stay in DATA IN: DB and who asserts REQ, at each REQ."""
        self._open = False

    def start(self) -> None:
        """Watch from now on."""
        cocotb.start_soon(self._follow())

    def forget(self) -> None:
        """A new operation."""
        self._parts, self._open = [], False

    def of(self, slot: int) -> bytes:
        """All that came while this drive asserted most of the REQs."""
        found = b""
        for part in self._parts:
            askers = Counter(one for _, slots in part for one in slots_in(slots))
            if askers and askers.most_common(1)[0][0] == slot:
                found += b"".join(word.to_bytes(2, "little") for word, _ in part)
        return found

    async def _follow(self) -> None:
        changes = ValueChange(self._hears)
        before = 0
        while True:
            await changes
            value = int(self._hears.value)
            if value & ~before & M_REQ:
                await ReadOnly()
                value = int(self._hears.value)
                self._asked(value)
            before = value

    def _asked(self, value: int) -> None:
        """A REQ. One in another phase ends the copy."""
        inward = phase_of(value) == Phase.DATA_IN
        if inward and not self._open:
            self._parts.append([])
        self._open = inward
        if inward:
            self._parts[-1].append(((value & M_DB) >> DB, int(self._dut.drv_req.value)))
