"""Wires over time: when each last changed, who drives what, what falls due when, and who wants to know.

Every minimum that is measured between two of these times is exact at the point of observation: a device's own edges
all pass the same cable, and its answer to another device's edge only comes later there.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, Final

from ..wires import (
    CONTROL,
    DB,
    DBP,
    M_ACK,
    M_ALL,
    M_ATN,
    M_BSY,
    M_CONTROL,
    M_DATA,
    M_PHASE,
    M_REQ,
    M_SEL,
    SLOTS,
    WIDTH,
    Wires,
    phase_of,
)

NEVER: Final = -(10**15)
"""Time of an edge that was not seen: 1000 s ago."""
M_LOW: Final = 0xFF << DB | 1 << DBP
"""DB(7-0) and DB(P0)."""
M_HIGH: Final = 0xFF << (DB + 8) | 2 << DBP
"""DB(15-8) and DB(P1)."""
M_TARGET: Final = M_PHASE | M_REQ
"""What only a target drives once connected."""
M_INITIATOR: Final = M_ACK | M_ATN
"""What only an initiator drives once connected."""

EVENTS: Final = (
    *(f"{name}_{edge}" for name in CONTROL for edge in ("rise", "fall")),
    "phase_lines",  # one of MSG, C/D, I/O changed
    "data",  # (mask) data or parity lines changed
    "drive",  # (slot, before, after) what a slot asserts changed
    "arbitration",  # BSY asserted on a free bus
    "won",  # SEL asserted in arbitration
    "dropped",  # arbitration ended without SEL
    "stray_select",  # SEL asserted without arbitration
    "selecting",  # BSY false with SEL true: (re)selection begins
    "answered",  # BSY asserted by the (re)selected device
    "failed",  # SEL released without an answer
    "connected",  # SEL released with an answer
    "released",  # BSY released by a connected target; `conn` still stands
    "resumed",  # BSY came back before BUS FREE
    "free",  # BUS FREE established after a connection, which `conn` still describes
    "reset",  # RST asserted
    "reset_end",  # RST negated
    "phase",  # first REQ of a phase
    "resend",  # REQ that asks for a MESSAGE OUT phase again
    "byte",  # (Transfer) a byte was handshaken
    "message",  # (ReadMessage) a message is complete
    "streamed",  # (bytes) a synchronous data phase is over
    "qas",  # a valid 55h has ended the connection, which `conn` still describes
    "qas_open",  # MSG, C/D, I/O are false after it
    "qas_won",  # SEL asserted in QAS
    "qas_dropped",  # SEL released again before a (re)selection
    "qas_closed",  # BSY released without SEL: BUS FREE begins
)


class LineTracker:
    """Edges, drivers, deadlines and handlers; `BusTracker` adds what the edges mean."""

    def __init__(self) -> None:
        self.now = 0
        """Time of the current sample, or of the deadline that is being run, in ps."""
        self.value = 0
        self.before = 0
        """Wires before the current sample."""
        self.t_rise = [NEVER] * len(CONTROL)
        self.t_fall = [NEVER] * len(CONTROL)
        self.t_low = NEVER
        """Last change of DB(7-0) or DB(P0)."""
        self.t_high = NEVER
        """Last change of DB(15-8) or DB(P1)."""
        self.t_lines = NEVER
        """Last change of MSG, C/D, I/O."""
        self.lines = 0
        """{MSG, C/D, I/O} on the wires, MSG the high bit."""
        self.has_drivers = False
        self.drive = [0] * SLOTS
        self.bsy_slots = self.sel_slots = self.target_slots = self.initiator_slots = self.data_slots = 0
        """Slots (bit n = slot n) that drive BSY, SEL, the phase lines or REQ, ACK or ATN, data or parity."""
        self.bsy_slots_before = 0
        """`bsy_slots` before the current sample."""
        self.t_bsy_slot = [NEVER] * SLOTS
        """When each slot last asserted BSY."""
        self.slot_ids: dict[int, int] = {}
        """SCSI IDs of slots, learned in arbitration and selection."""
        self.epoch = 0
        """Deadlines set in an earlier epoch are void."""
        self._drivers = 0
        self._due: list[tuple[int, int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._handlers: dict[str, list[Callable[..., None]]] = {event: [] for event in EVENTS}
        self._edges = {
            1 << bit: (self._handlers[f"{name}_fall"], self._handlers[f"{name}_rise"])
            for bit, name in enumerate(CONTROL)
        }

    def bind(self, subscriber: object) -> None:
        """Call the subscriber's method `on_<event>`, where it has one, for each event.

        Raises:
            TypeError: a method is named after an event that does not exist, and would never be called.
        """
        for event, handlers in self._handlers.items():
            method = getattr(subscriber, f"on_{event}", None)
            if method is not None:
                handlers.append(method)
        strange = [name for name in dir(subscriber) if name.startswith("on_") and name[3:] not in self._handlers]
        if strange:
            raise TypeError(f"{type(subscriber).__name__} handles {', '.join(strange)}: no such event")

    def after(self, delay_ps: int, call: Callable[[], None]) -> None:
        """Call once it is certain that the wires did not change up to and including `now + delay_ps`, or with what
        they were then; void after a reset."""
        self._sequence += 1
        heapq.heappush(self._due, (self.now + delay_ps, self._sequence, self.epoch, call))

    def sample(self, wires: Wires) -> None:
        """Take one settled sample."""
        now = wires.time_ps
        if self._due and self._due[0][0] < now:
            self.expire(now)
        self.now = now
        value = wires.value
        self.before = before = self.value
        self.value = value
        changed = value ^ before
        self.bsy_slots_before = self.bsy_slots
        driven: list[tuple[int, int, int]] = []
        if wires.drivers is not None and (wires.drivers != self._drivers or not self.has_drivers):
            self.has_drivers = True
            driven = self._see_drivers(wires.drivers)
        if changed:
            self._stamp(changed)
        self._follow(changed)
        if changed:
            self._tell(changed)
        if driven:
            for handler in self._handlers["drive"]:
                for change in driven:
                    handler(*change)

    def expire(self, now: int) -> None:
        """Run everything that was due before `now`, with the wires as they were."""
        due = self._due
        while due and due[0][0] < now:
            time_ps, _, epoch, call = heapq.heappop(due)
            if epoch == self.epoch:
                self.now = time_ps
                call()

    def _follow(self, changed: int) -> None:
        """Work out what a sample means, before the handlers of its edges are called."""
        raise NotImplementedError

    def _emit(self, event: str, *values: Any) -> None:
        for handler in self._handlers[event]:
            handler(*values)

    def _stamp(self, changed: int) -> None:
        now = self.now
        control = changed & M_CONTROL
        while control:
            lowest = control & -control
            (self.t_rise if self.value & lowest else self.t_fall)[lowest.bit_length() - 1] = now
            control ^= lowest
        if changed & M_PHASE:
            self.t_lines = now
            self.lines = phase_of(self.value)
        if changed & M_LOW:
            self.t_low = now
        if changed & M_HIGH:
            self.t_high = now

    def _tell(self, changed: int) -> None:
        control = changed & M_CONTROL
        while control:
            lowest = control & -control
            control ^= lowest
            for handler in self._edges[lowest][self.value & lowest != 0]:
                handler()
        if changed & M_PHASE:
            self._emit("phase_lines")
        if changed & M_DATA:
            for handler in self._handlers["data"]:
                handler(changed & M_DATA)

    def _see_drivers(self, drivers: int) -> list[tuple[int, int, int]]:
        """Update who drives what; the slots that changed, each with before and after."""
        changed = drivers ^ self._drivers
        self._drivers = drivers
        found: list[tuple[int, int, int]] = []
        while changed:
            slot = ((changed & -changed).bit_length() - 1) // WIDTH
            changed &= ~(M_ALL << (slot * WIDTH))
            new = (drivers >> (slot * WIDTH)) & M_ALL
            old = self.drive[slot]
            self.drive[slot] = new
            found.append((slot, old, new))
            delta = old ^ new
            bit = 1 << slot
            if delta & M_DATA:
                self.data_slots = self.data_slots | bit if new & M_DATA else self.data_slots & ~bit
            if delta & M_TARGET:
                self.target_slots = self.target_slots | bit if new & M_TARGET else self.target_slots & ~bit
            if delta & M_INITIATOR:
                self.initiator_slots = self.initiator_slots | bit if new & M_INITIATOR else self.initiator_slots & ~bit
            if delta & M_BSY:
                self.bsy_slots ^= bit
                if new & M_BSY:
                    self.t_bsy_slot[slot] = self.now
            if delta & M_SEL:
                self.sel_slots ^= bit
        return found
