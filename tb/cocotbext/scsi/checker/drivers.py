"""DRV and GEN: which device drives a wire, and that every wire has a value (spi-facts 1 driver map)."""

from __future__ import annotations

from ..wires import M_BSY, M_IO, M_REQ, M_SEL
from .connection import BusState
from .family import Family
from .lines import M_INITIATOR, M_TARGET
from .rule import RuleSpec

_MAP = "spi-facts 1 driver map"


class DriverRules(Family):
    """DRV."""

    SPECS = (
        RuleSpec("DRV-01", "never do two devices drive MSG, C/D, I/O or REQ", _MAP, needs_drivers=True),
        RuleSpec("DRV-02", "only the connected target drives MSG, C/D, I/O, REQ", _MAP, needs_drivers=True),
        RuleSpec("DRV-03", "only the connected initiator drives ACK and ATN", _MAP, needs_drivers=True),
        RuleSpec(
            "DRV-04",
            "data is driven by the target alone in IN phases, by the initiator alone in OUT phases",
            _MAP,
            needs_drivers=True,
        ),
        RuleSpec("DRV-05", "only the connected target drives BSY within a connection", _MAP, needs_drivers=True),
        RuleSpec("DRV-06", "only the winner of the arbitration or QAS drives SEL", _MAP, needs_drivers=True),
    )

    granted = 0
    """Slots that a vendor protocol judges itself when they drive the target's lines (bit n = slot n)."""

    def on_drive(self, slot: int, before: int, after: int) -> None:
        bus = self.bus
        state = bus.state
        if state is BusState.RESET:
            return
        new = after & ~before
        if new & M_TARGET:
            self._target_lines(slot)
        conn = bus.conn
        if conn is None:
            return
        if state is BusState.CONNECTED:
            if new & M_INITIATOR and conn.initiator_slot is not None:
                self.rules["DRV-03"].require(slot == conn.initiator_slot, slot=slot)
            if new & M_BSY and conn.target_slot is not None:
                self.rules["DRV-05"].require(slot == conn.target_slot, slot=slot)
        elif new & M_SEL and conn.winner_slot is not None:
            self.rules["DRV-06"].require(slot == conn.winner_slot, slot=slot)

    def _target_lines(self, slot: int) -> None:
        bus = self.bus
        slots = bus.target_slots
        alone = not slots & (slots - 1)
        self.rules["DRV-01"].require(alone, slot=slot)
        conn = bus.conn
        known = bus.connected and conn is not None and conn.target_slot is not None
        if alone and known and not self.granted >> slot & 1:
            self.rules["DRV-02"].require(conn is not None and slot == conn.target_slot, slot=slot)

    def on_connected(self) -> None:
        self.granted = 0
        conn = self.bus.conn
        if self.bus.has_drivers and conn is not None and conn.target_slot is not None:
            allowed = 1 << conn.target_slot | (1 << conn.initiator_slot if conn.initiator_slot is not None else 0)
            self.rules["DRV-05"].require(not self.bus.bsy_slots & ~allowed)

    # In a synchronous data phase its judge evaluates DRV-04, as each strobe goes there alone.

    def on_req_rise(self) -> None:
        bus = self.bus
        conn = bus.conn
        if bus.connected and conn is not None and bus.value & M_IO and not bus.synchronous_now:
            self._data_from(conn.owner_slot)

    def on_ack_rise(self) -> None:
        bus = self.bus
        conn = bus.conn
        if bus.synchronous_now:
            return
        if bus.connected and conn is not None and not bus.value & M_IO and bus.value & M_REQ:
            self._data_from(conn.initiator_slot)

    def _data_from(self, slot: int | None) -> None:
        bus = self.bus
        if bus.has_drivers and slot is not None:
            others = bus.data_slots & ~(1 << slot)
            self.rules["DRV-04"].require(not others, slot=(others & -others).bit_length() - 1 if others else slot)


class WireRules(Family):
    """GEN. The checker itself evaluates it with each sample."""

    SPECS = (RuleSpec("GEN-01", "no wire is X or Z", "spi-facts 1: a released wire is false"),)
