"""Follows the bus through its cycle: free, arbitration or QAS, (re)selection, connection, reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..constants import ids_by_priority
from ..wires import (
    BSY,
    DB,
    M_ATN,
    M_BSY,
    M_CONTROL,
    M_DATA,
    M_DB,
    M_IO,
    M_PHASE,
    M_RST,
    M_SEL,
    RST,
    SEL,
    SLOTS,
)
from .connection import BusState, Connection
from .lines import NEVER, LineTracker
from .rule import CheckerOptions, Level

BUS_SETTLE_PS: Final = 400_000
"""BSY and SEL false for this long are BUS FREE (spi-facts 2, 3.1)."""
RESET_DELAY_PS: Final = 200_000
"""SPI-3: a shorter RST is not acted on (spi-facts 3.1)."""


class CycleTracker(LineTracker):
    """See the module; `BusTracker` adds what happens within a connection."""

    def __init__(self, options: CheckerOptions) -> None:
        super().__init__()
        self.options = options
        self.state = BusState.UNKNOWN
        self.connected = False
        """In an information phase or between two."""
        self.free_since: int | None = None
        """BSY and SEL both false since; None before the first release was seen."""
        self.settled = False
        """BUS FREE has been established."""
        self.t_arbitration = NEVER
        self.t_selecting = NEVER
        """The present (re)selection began: BSY went, or after QAS the other ID came."""
        self.answered = False
        self.abort_since: int | None = None
        """The IDs were taken off the bus in a (re)selection that nobody answered."""
        self.conn: Connection | None = None
        self.qas_conn: Connection | None = None
        """The connection that ended in the present QAS."""
        self.t_qas: int | None = None
        """MSG, C/D and I/O false after the 55h, which opens the QAS for contenders."""
        self._kept: tuple[BusState, Connection | None] = (BusState.UNKNOWN, None)

    def _enter(self, state: BusState) -> None:
        self.state = state
        self.connected = state is BusState.CONNECTED

    def _follow(self, changed: int) -> None:
        if changed & M_DATA:
            self._watch_ids(changed)
        control = changed & M_CONTROL
        if control & M_RST:
            self._reset_edge()
        elif self.state is not BusState.RESET:
            if control & (M_BSY | M_SEL) or self.state is BusState.UNKNOWN:
                _STEPS[self.state](self, bool(self.value & M_BSY), bool(self.value & M_SEL))
            if self.connected:
                self._inform(control)
            if self.state is BusState.QAS and self.t_qas is None and not self.value & M_PHASE:
                self.t_qas = self.now
                self._emit("qas_open")

    def _inform(self, control: int) -> None:
        """Control wires changed within a connection."""
        raise NotImplementedError

    def _begin_connection(self) -> None:
        """A connection is up."""
        raise NotImplementedError

    def _end_connection(self) -> None:
        """It is over."""
        raise NotImplementedError

    def _forget(self) -> None:
        """The bus was reset."""
        raise NotImplementedError

    def _reset_edge(self) -> None:
        if self.value & M_RST:
            self._kept = (self.state, self.conn)
            self._enter(BusState.RESET)
            self.epoch += 1
            self._emit("reset")
            return
        width = self.now - self.t_rise[RST]
        if width < RESET_DELAY_PS and self.options.level >= Level.SPI3:
            state, self.conn = self._kept
            self._enter(state)
        else:
            self.conn = None
            self._forget()
            self._enter(BusState.UNKNOWN)
            if not self.value & (M_BSY | M_SEL):
                self._enter(BusState.FREE)
                self.settled = True
                self.free_since = max(self.t_fall[BSY], self.t_fall[SEL])
        self._emit("reset_end")

    def _from_unknown(self, bsy: bool, sel: bool) -> None:
        if not bsy and not sel:
            self._enter(BusState.FREE)
            self.settled = True
            seen = max(self.t_fall[BSY], self.t_fall[SEL])
            self.free_since = seen if seen > NEVER else None

    def _from_free(self, bsy: bool, sel: bool) -> None:
        if not bsy and not sel:
            self._go_free()
            return
        if bsy and not self.settled:
            conn = self.conn
            same = not self.has_drivers or (conn is not None and not self.bsy_slots & ~conn.bsy_slots)
            if conn is not None and same and not sel:
                self._enter(BusState.CONNECTED)
                self._emit("resumed")
                return
            self._establish_free()
        if bsy:
            self._enter(BusState.ARBITRATION)
            self.t_arbitration = self.now
            self._emit("arbitration")
            if sel:
                self._win()
        elif self.before & (M_BSY | M_SEL) == 0:
            self._emit("stray_select")
            self._enter(BusState.UNKNOWN)

    def _from_arbitration(self, bsy: bool, sel: bool) -> None:
        if sel:
            self._win()
            if not bsy:
                self._begin_selection()
        elif not bsy:
            self._emit("dropped")
            self._go_free()

    def _win(self) -> None:
        for each in range(SLOTS):
            self._learn_id(each, self.bsy_slots)
        self.conn = self._winner()
        self._enter(BusState.WON)
        self._emit("won")

    def _learn_id(self, slot: int, among: int) -> None:
        """A slot that takes part drives its own ID alone."""
        bits = (self.drive[slot] & M_DB) >> DB
        if among >> slot & 1 and bits.bit_count() == 1:
            self.slot_ids[slot] = bits.bit_length() - 1

    def _winner(self) -> Connection:
        """Who has asserted SEL: the slot that drives it, or else the highest ID."""
        slot = self._only(self.sel_slots)
        ids = ids_by_priority((self.value & M_DB) >> DB)
        winner = ids[0] if ids else None
        return Connection(winner if slot is None else self.slot_ids.get(slot, winner), slot)

    def _from_won(self, bsy: bool, sel: bool) -> None:
        if sel and not bsy:
            self._begin_selection()
        elif not sel and bsy:
            self._enter(BusState.ARBITRATION)
        elif not sel:
            self.conn = None
            self._go_free()

    def _begin_selection(self) -> None:
        conn = self.conn
        assert conn is not None
        conn.reselection = bool(self.value & M_IO)
        conn.with_atn = bool(self.value & M_ATN)
        own = 0 if conn.winner_id is None else 1 << conn.winner_id
        others = (self.value & M_DB) >> DB & ~own
        self.t_selecting = self.now
        conn.partner_id = others.bit_length() - 1 if others.bit_count() == 1 else None
        self._enter(BusState.RESELECTION if conn.reselection else BusState.SELECTION)
        self.answered = False
        self.abort_since = None
        self._emit("selecting")

    def _from_selection(self, bsy: bool, sel: bool) -> None:
        conn = self.conn
        assert conn is not None
        if bsy and not self.answered:
            self.answered = True
            if self.has_drivers:
                conn.partner_slot = self._only(self.bsy_slots)
            self._emit("answered")
        if not sel and bsy:
            self._connect(conn)
        elif not sel:
            self._emit("failed")
            self.conn = None
            self._go_free()
        elif not bsy:
            self.answered = False

    def _connect(self, conn: Connection) -> None:
        roles = (conn.partner_slot, conn.winner_slot) if conn.reselection else (conn.winner_slot, conn.partner_slot)
        conn.initiator_slot, conn.target_slot = roles
        conn.owner_slot = conn.target_slot
        conn.attention = bool(self.value & M_ATN)
        if conn.partner_slot is not None and conn.partner_id is not None:
            self.slot_ids.setdefault(conn.partner_slot, conn.partner_id)
        self._enter(BusState.CONNECTED)
        self._begin_connection()
        self._emit("connected")

    def _from_connected(self, bsy: bool, sel: bool) -> None:
        if bsy:
            return
        conn = self.conn
        if conn is not None:
            conn.bsy_slots = self.bsy_slots_before
        self._enter(BusState.FREE)
        self.settled = False
        self.free_since = None
        self._emit("released")
        if not sel:
            self._go_free()

    def _go_free(self) -> None:
        self._enter(BusState.FREE)
        self.settled = False
        self.free_since = since = self.now

        def settle() -> None:
            if self.state is BusState.FREE and self.free_since == since and not self.settled:
                self._establish_free()

        self.after(BUS_SETTLE_PS, settle)

    def _establish_free(self) -> None:
        self.settled = True
        if self.conn is not None:
            self._emit("free")
            self._end_connection()
            self.conn = None

    # -- QAS ----------------------------------------------------------------------------------------------------------

    def _begin_qas(self, conn: Connection) -> None:
        """The connection is over; its target holds BSY."""
        self._enter(BusState.QAS)
        self.qas_conn = conn
        self.t_qas = None
        self._emit("qas")
        self._end_connection()
        self.conn = None

    def _from_qas(self, bsy: bool, sel: bool) -> None:
        if sel:
            for each in range(SLOTS):
                self._learn_id(each, self.data_slots)
            self.conn = self._winner()
            self.conn.by_qas = True
            self._enter(BusState.QAS_WON)
            self._emit("qas_won")
        elif not bsy:
            self._emit("qas_closed")
            self._go_free()

    def _from_qas_won(self, bsy: bool, sel: bool) -> None:
        if not sel:
            self._emit("qas_dropped")
            self.conn = None
            if bsy:
                self._enter(BusState.QAS)
            else:
                self._go_free()

    def _watch_ids(self, changed: int) -> None:
        """Notice the other ID after QAS, and IDs that leave the bus in a (re)selection without an answer."""
        if self.state is BusState.QAS_WON and changed & self.value & M_DB and self.value & M_SEL:
            self._begin_selection()
        elif self.state in (BusState.SELECTION, BusState.RESELECTION) and not self.answered:
            ids_gone = not self.value & M_DATA
            self.abort_since = (self.abort_since or self.now) if ids_gone else None

    @staticmethod
    def _only(slots: int) -> int | None:
        """The slot of a mask that holds just one."""
        return slots.bit_length() - 1 if slots.bit_count() == 1 else None


_STEPS: Final[dict[BusState, Callable[[CycleTracker, bool, bool], None]]] = {
    BusState.UNKNOWN: CycleTracker._from_unknown,
    BusState.FREE: CycleTracker._from_free,
    BusState.ARBITRATION: CycleTracker._from_arbitration,
    BusState.WON: CycleTracker._from_won,
    BusState.SELECTION: CycleTracker._from_selection,
    BusState.RESELECTION: CycleTracker._from_selection,
    BusState.CONNECTED: CycleTracker._from_connected,
    BusState.QAS: CycleTracker._from_qas,
    BusState.QAS_WON: CycleTracker._from_qas_won,
}
