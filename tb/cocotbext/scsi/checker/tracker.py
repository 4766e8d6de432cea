"""Follows the bus through its phases by its wires alone and tells rules what happened (`lines.EVENTS`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..constants import Message, Phase, ids_by_priority
from ..wires import (
    BSY,
    DB,
    DBP,
    M_ACK,
    M_ATN,
    M_BSY,
    M_CONTROL,
    M_DATA,
    M_DB,
    M_IO,
    M_REQ,
    M_RST,
    M_SEL,
    RST,
    SEL,
    SLOTS,
)
from .connection import BusState, Connection, Transfer
from .lines import NEVER, LineTracker
from .messages import Agreement, MessageReader, ReadMessage
from .rule import CheckerOptions, Level

BUS_SETTLE_PS: Final = 400_000
"""BSY and SEL false for this long are BUS FREE (spi-facts 2, 3.1)."""
RESET_DELAY_PS: Final = 200_000
"""SPI-3: a shorter RST is not acted on (spi-facts 3.1)."""


class BusTracker(LineTracker):
    """See the module."""

    def __init__(self, options: CheckerOptions) -> None:
        super().__init__()
        self.options = options
        self.state = BusState.UNKNOWN
        self.connected = False
        """In an information phase or between two."""
        self.wide_now = False
        """The current phase is a DATA phase of 16 bits."""
        self.synchronous_now = False
        """The current phase is a DATA phase whose handshake is not interlocked."""
        self.agreements: dict[tuple[int, int], Agreement] = {}
        """What pairs (initiator, target) have negotiated, by slot or, without a per-driver view, by SCSI ID."""
        self.free_since: int | None = None
        """BSY and SEL both false since; None before the first release was seen."""
        self.settled = False
        """BUS FREE has been established."""
        self.t_arbitration = NEVER
        self.answered = False
        self.abort_since: int | None = None
        """The IDs were taken off the bus in a (re)selection that nobody answered."""
        self.conn: Connection | None = None
        self.reader = MessageReader(options.vendor)
        self._latched: tuple[int, int] | None = None
        self._kept: tuple[BusState, Connection | None] = (BusState.UNKNOWN, None)

    def agreement(self) -> Agreement | None:
        """What initiator and current target have agreed; None when it is not known who the two are."""
        conn = self.conn
        if conn is None:
            return None
        if self.has_drivers:
            pair = (conn.initiator_slot, conn.owner_slot)
        else:
            pair = (conn.initiator_id, None if conn.owner_unknown else conn.target_id)
        if pair[0] is None or pair[1] is None:
            return None
        return self.agreements.setdefault((pair[0], pair[1]), Agreement())

    def _enter(self, state: BusState) -> None:
        self.state = state
        self.connected = state is BusState.CONNECTED

    def _recall(self, conn: Connection) -> None:
        """Work out what the pair that is connected has agreed for the current phase."""
        data = conn.phase in (Phase.DATA_OUT, Phase.DATA_IN)
        agreement = self.agreement() if data else None
        self.wide_now = agreement is not None and agreement.wide
        self.synchronous_now = agreement is not None and agreement.synchronous

    def _follow(self, changed: int) -> None:
        if changed & M_DATA:
            self._watch_ids()
        control = changed & M_CONTROL
        if control & M_RST:
            self._reset_edge()
        elif self.state is not BusState.RESET:
            if control & (M_BSY | M_SEL) or self.state is BusState.UNKNOWN:
                _STEPS[self.state](self, bool(self.value & M_BSY), bool(self.value & M_SEL))
            if self.state is BusState.CONNECTED and control & (M_REQ | M_ACK):
                self._handshake(control)

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
            self.agreements.clear()
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
        slot = self._only(self.sel_slots)
        ids = ids_by_priority((self.value & M_DB) >> DB)
        winner = ids[0] if ids else None
        for each in range(SLOTS):
            bits = (self.drive[each] & M_DB) >> DB
            if self.bsy_slots >> each & 1 and bits.bit_count() == 1:
                self.slot_ids[each] = bits.bit_length() - 1
        if slot is not None:
            winner = self.slot_ids.get(slot, winner)
        self.conn = Connection(winner, slot)
        self._enter(BusState.WON)
        self._emit("won")

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
        self.reader.start()
        self._latched = None
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
            self.conn = None

    def _watch_ids(self) -> None:
        """Notice the IDs leaving the bus in a (re)selection without an answer."""
        if self.state in (BusState.SELECTION, BusState.RESELECTION) and not self.answered:
            ids_gone = not self.value & M_DATA
            self.abort_since = (self.abort_since or self.now) if ids_gone else None

    @staticmethod
    def _only(slots: int) -> int | None:
        """The slot of a mask that holds just one."""
        return slots.bit_length() - 1 if slots.bit_count() == 1 else None

    # -- information phases -----------------------------------------------------------------------------------------

    def _handshake(self, control: int) -> None:
        conn = self.conn
        assert conn is not None
        value = self.value
        if control & M_REQ and value & M_REQ:
            self._request(conn)
            if value & M_IO:
                self._latched = (value >> DB & 0xFFFF, value >> DBP)
        taken = control & M_ACK and value & M_ACK and not value & M_IO
        if taken and (value & M_REQ or self.synchronous_now):
            self._latched = (value >> DB & 0xFFFF, value >> DBP)
        if control & M_ACK and not value & M_ACK and self._latched and (not value & M_REQ or self.synchronous_now):
            self._complete(conn, *self._latched)
            self._latched = None

    def _request(self, conn: Connection) -> None:
        lines = self.lines
        owner = conn.owner_slot
        if self.has_drivers:
            drivers = [slot for slot in range(SLOTS) if self.target_slots >> slot & 1 and self.drive[slot] & M_REQ]
            owner = drivers[0] if len(drivers) == 1 else owner
        if conn.phase != lines or conn.owner_slot != owner:
            conn.owner_slot = owner
            phase, conn.phase = conn.phase, lines
            self._recall(conn)
            if phase == lines:
                return
            conn.previous = phase
            self._emit("phase")
            conn.transfers = 0
            self.reader.start()
        elif lines == Phase.MSG_OUT and not self.reader.taken_with_atn:
            self._emit("resend")
            self.reader.start()

    def _complete(self, conn: Connection, data: int, parity: int) -> None:
        phase = conn.phase
        assert phase is not None
        transfer = Transfer(phase, data, parity, bool(self.value & M_ATN), conn.transfers)
        conn.transfers += 1
        conn.free_expected = False
        message: ReadMessage | None = None
        if phase >= Phase.MSG_OUT:
            incoming = phase == Phase.MSG_IN
            message = self.reader.take(
                transfer.byte,
                incoming=incoming,
                parity_ok=transfer.low_ok or not self.options.parity,
                atn=transfer.atn,
                seen=conn.messages_in if incoming else conn.messages_out,
            )
        self._emit("byte", transfer)
        if message is not None:
            self._take_message(conn, message)

    def _take_message(self, conn: Connection, message: ReadMessage) -> None:
        if message.incoming:
            conn.messages_in += 1
        else:
            conn.messages_out += 1
        agreement = self.agreement()
        if agreement is not None:
            conn.negotiation.take(message, agreement)
            if message.code == Message.TARGET_RESET and not message.incoming and message.parity_ok:
                self._forget(agreement)
        self._emit("message", message)

    def _forget(self, of_target: Agreement) -> None:
        """A target that is reset forgets what it has agreed, with whomever."""
        target = next(pair[1] for pair, agreement in self.agreements.items() if agreement is of_target)
        self.agreements = {pair: agreement for pair, agreement in self.agreements.items() if pair[1] != target}


_STEPS: Final[dict[BusState, Callable[[BusTracker, bool, bool], None]]] = {
    BusState.UNKNOWN: BusTracker._from_unknown,
    BusState.FREE: BusTracker._from_free,
    BusState.ARBITRATION: BusTracker._from_arbitration,
    BusState.WON: BusTracker._from_won,
    BusState.SELECTION: BusTracker._from_selection,
    BusState.RESELECTION: BusTracker._from_selection,
    BusState.CONNECTED: BusTracker._from_connected,
}
