"""Wires to transactions: the state machine behind the monitor. It needs no simulator."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from .agreements import AgreementTracker
from .constants import ids_by_priority
from .crc import USUAL, CrcConvention
from .phases import InformationPhases
from .transaction import Kind, Transaction
from .wires import (
    BSY,
    DB,
    M_ACK,
    M_BSY,
    M_CD,
    M_IO,
    M_MSG,
    M_PHASE,
    M_REQ,
    M_RST,
    M_SEL,
    SEL,
    SLOTS,
    Wires,
    slots_in,
)

BUS_SETTLE_PS: Final = 400_000
"""BSY and SEL false this long make BUS FREE (spi-facts 2 and 3.1)."""

QAS_ASSERTION_PS: Final = 200_000
"""Time in which those that want the bus assert their IDs once a QAS is open (spi-facts 3.1)."""

_M_CONNECT: Final = M_BSY | M_SEL | M_RST
_M_BUSY: Final = M_BSY | M_SEL
_M_LINES: Final = M_PHASE | M_REQ | M_ACK


class State(Enum):
    """What the bus is doing, as far as its wires tell."""

    FREE = auto()
    """BSY and SEL false; BUS FREE once that lasted a bus settle delay."""
    ARBITRATION = auto()
    """BSY true from FREE, nobody has asserted SEL."""
    WON = auto()
    """The winner asserts SEL, and still BSY."""
    SELECTION = auto()
    """SEL true, BSY released: selection or reselection, by I/O."""
    CONNECTED = auto()
    """BSY true, SEL false after a (re)selection."""
    QAS = auto()
    """MSG, C/D and I/O false after a QAS REQUEST, whose sender still asserts BSY; nobody has asserted SEL."""
    QAS_WON = auto()
    """The winner of a QAS arbitration asserts SEL, and calls nobody yet."""
    RESET = auto()


class BusDecoder:
    """Follows a bus sample by sample and emits a `Transaction` for whatever has ended.

    Args:
        emit: Called with each transaction.
        parity: False where the bus has no parity; `parity_ok` is None then.
        crc: What the CRC of a data group is; None where the bus has no P_CRCA, which is DB(P0): the words of a DT DATA
            phase are all data then.
    """

    def __init__(
        self, emit: Callable[[Transaction], None], parity: bool = True, crc: CrcConvention | None = USUAL
    ) -> None:
        self.state = State.FREE
        self.pending_free_ps: int | None = None
        """Since when BSY and SEL are false without that having been reported as BUS FREE; None if it is not so."""
        self._emit = emit
        self._phases = InformationPhases(emit, parity, crc)
        self._now = Transaction(Kind.ARBITRATION, 0, 0)
        self._reset_ps = 0
        self._contenders = 0
        self._survivors = 0
        self._db = 0
        self._bsy_released = False
        self._asked_qas: tuple[int | None, int | None] = (None, None)
        """Initiator and target of the connection that a QAS REQUEST ended."""
        self._winner: int | None = None
        self._connected = False
        """There is a connection, be it interrupted by what may turn out to be a glitch of BSY or SEL."""
        self._started = False
        self._handlers = {
            State.FREE: self._in_free,
            State.ARBITRATION: self._in_arbitration,
            State.WON: self._in_won,
            State.SELECTION: self._in_selection,
            State.CONNECTED: self._in_connected,
            State.QAS: self._in_qas,
            State.QAS_WON: self._in_qas_won,
            State.RESET: self._in_reset,
        }

    @property
    def initiator(self) -> int | None:
        """SCSI ID of the connection's initiator; None where unknown or without a connection."""
        return self._phases.initiator

    @property
    def target(self) -> int | None:
        """SCSI ID of the target that was selected or reselected; None where unknown or without a connection."""
        return self._phases.target

    @property
    def agreements(self) -> AgreementTracker:
        """The transfer agreement of each pair; `agree` states one that was made before the monitor listened."""
        return self._phases.agreements

    def learn(self, slot: int, scsi_id: int) -> None:
        """State the SCSI ID of a slot that has not yet shown it by arbitrating or answering a selection."""
        self._phases.ids[slot] = scsi_id

    def sample(self, wires: Wires) -> None:
        """Take the next settled sample."""
        if not self._started:
            self._start(wires)
        if self.pending_free_ps is not None:
            self.tick(wires.time_ps)
        changed = wires.changed
        if changed & _M_CONNECT or self.state is not State.CONNECTED:
            if changed & wires.value & M_RST:
                self._begin_reset(wires)
            self._handlers[self.state](wires)
        if changed & _M_LINES:
            self._phases.sample(wires, self._connected)
            if self._phases.qas_requested and wires.value & (_M_CONNECT | _M_LINES) == M_BSY:
                self._begin_qas(wires)

    def tick(self, now_ps: int) -> None:
        """Let time pass: reports BUS FREE once BSY and SEL were false for a bus settle delay."""
        start = self.pending_free_ps
        if start is not None and now_ps - start >= BUS_SETTLE_PS:
            self._end_connection(start)
            self._emit(Transaction(Kind.BUS_FREE, start, start + BUS_SETTLE_PS))

    def flush(self, now_ps: int) -> None:
        """End of observation: report the phase that is still open."""
        self.tick(now_ps)
        self._phases.close(now_ps)

    def _start(self, wires: Wires) -> None:
        self._started = True
        busy = wires.value & _M_BUSY
        if busy == M_BSY:
            self._enter_connected()
        elif not busy:
            self._enter_free(wires)

    def _begin_reset(self, wires: Wires) -> None:
        self._end_connection(wires.time_ps)
        self.agreements.reset()
        self.state = State.RESET
        self._reset_ps = wires.time_ps

    def _in_reset(self, wires: Wires) -> None:
        if not wires.value & M_RST:
            self._emit(Transaction(Kind.RESET, self._reset_ps, wires.time_ps))
            self._enter_free(wires)

    def _enter_free(self, wires: Wires) -> None:
        self.state = State.FREE
        if not wires.value & _M_BUSY:
            self.pending_free_ps = wires.time_ps

    def _in_free(self, wires: Wires) -> None:
        busy = wires.value & _M_BUSY
        if busy == M_BSY and self._connected:
            # BSY came back before the bus settle delay was over: an OR-tie glitch, not BUS FREE.
            self._enter_connected()
        elif busy & M_BSY:
            self._begin_arbitration(wires)
        elif busy:
            self._select_without_arbitration(wires)
        elif wires.changed & _M_BUSY:
            self.pending_free_ps = wires.time_ps

    def _enter_connected(self) -> None:
        self.pending_free_ps = None
        self._connected = True
        self.state = State.CONNECTED

    def _begin_arbitration(self, wires: Wires) -> None:
        self._end_connection(wires.time_ps)
        self.state = State.ARBITRATION
        self._now = Transaction(Kind.ARBITRATION, wires.time_ps, wires.time_ps)
        self._contenders = 0
        self._note_contenders(wires)

    def _in_arbitration(self, wires: Wires) -> None:
        if wires.value & M_SEL:
            self._arbitration_won(wires)
        elif wires.value & M_BSY:
            self._note_contenders(wires)
        else:
            self._end_arbitration(wires.time_ps, None)
            self._enter_free(wires)

    def _note_contenders(self, wires: Wires) -> None:
        """Take the IDs on the bus, and from the driver view which slot has which."""
        self._contenders |= wires.db
        for slot in slots_in(wires.who(BSY)):
            own = (wires.slot(slot) >> DB) & 0xFFFF
            if own.bit_count() == 1:
                self.learn(slot, own.bit_length() - 1)

    def _arbitration_won(self, wires: Wires) -> None:
        self._note_contenders(wires)
        self.state = State.WON
        self._survivors = wires.db
        self._now.end_ps = wires.time_ps

    def _in_won(self, wires: Wires) -> None:
        value = wires.value
        if not value & M_SEL:
            if not self._connected:
                self._end_arbitration(self._now.end_ps, None)
            self._enter_free(wires)
        elif value & M_BSY:
            # The losers' IDs go; a new one is the partner's, after which the rest tells no more.
            if not wires.db & ~self._survivors:
                self._survivors &= wires.db
        else:
            self._winner = self._who_won(wires)
            self._end_connection(wires.time_ps)
            self._end_arbitration(self._now.end_ps, self._winner)
            self._begin_selection(wires)

    def _end_arbitration(self, end_ps: int, winner: int | None) -> None:
        done = self._now
        done.end_ps = end_ps
        done.contenders = ids_by_priority(self._contenders)
        done.winner = winner
        self._emit(done)

    def _who_won(self, wires: Wires) -> int | None:
        """Who asserts SEL, or else the ID that outlasted the others, highest priority first."""
        seen = [self._phases.ids[slot] for slot in slots_in(wires.who(SEL))]
        ids = [scsi_id for scsi_id in seen if scsi_id is not None] or ids_by_priority(self._survivors)
        return ids[0] if ids else None

    def _select_without_arbitration(self, wires: Wires) -> None:
        """SEL true and BSY false out of nothing: an old single initiator, or one that is much too early."""
        self._end_connection(wires.time_ps)
        self._winner = None
        self._begin_selection(wires)

    def _begin_selection(self, wires: Wires) -> None:
        kind = Kind.RESELECTION if wires.value & M_IO else Kind.SELECTION
        self.state = State.SELECTION
        self._now = Transaction(kind, wires.time_ps, wires.time_ps, atn=wires.atn)
        self._note_partners(wires)

    def _in_selection(self, wires: Wires) -> None:
        value = wires.value
        now = self._now
        if value & M_SEL:
            if value & M_BSY:
                self._learn_partner(wires)
            else:
                self._note_kind(wires)
                self._note_partners(wires)
            return
        now.end_ps = wires.time_ps
        now.answered = bool(value & M_BSY)
        self._emit(now)
        if now.answered:
            self._enter_connected()
            self._phases.connect(now.initiator, now.target)
        else:
            self._enter_free(wires)

    def _note_kind(self, wires: Wires) -> None:
        """I/O tells what it is; without BSY before the IDs, as after QAS, it may come a little later than they."""
        self._now.kind = Kind.RESELECTION if wires.value & M_IO else Kind.SELECTION

    def _note_partners(self, wires: Wires) -> None:
        """Initiator and target from the one or two IDs on the bus; they may be taken off again before the answer."""
        ids = ids_by_priority(wires.db)
        if len(ids) > 2:
            return
        first = ids[0] if len(ids) == 2 and self._winner not in ids else self._winner
        others = [scsi_id for scsi_id in ids if scsi_id != first]
        if not others:
            return
        if self._now.kind is Kind.SELECTION:
            self._now.initiator, self._now.target = first, others[0]
        else:
            self._now.target, self._now.initiator = first, others[0]

    def _learn_partner(self, wires: Wires) -> None:
        """The slot that answers with BSY has the ID that was called."""
        called = self._now.target if self._now.kind is Kind.SELECTION else self._now.initiator
        if called is not None:
            for slot in slots_in(wires.who(BSY) & ~wires.who(SEL)):
                self.learn(slot, called)

    def _in_connected(self, wires: Wires) -> None:
        value = wires.value
        if value & M_SEL:
            if value & (M_MSG | M_CD) != M_MSG:
                self._interrupted_by_sel(wires)
        elif not value & M_BSY:
            self._enter_free(wires)

    def _interrupted_by_sel(self, wires: Wires) -> None:
        """SEL outside a DT DATA phase (there it asks for training): a glitch, or an arbitration that came too early."""
        if wires.value & M_BSY:
            self.state = State.WON
            self._now = Transaction(Kind.ARBITRATION, wires.time_ps, wires.time_ps)
            self._contenders = self._survivors = wires.db
        else:
            self._select_without_arbitration(wires)

    def _begin_qas(self, wires: Wires) -> None:
        """MSG, C/D and I/O are false after a QAS REQUEST: the connection is over, IDs may come."""
        self._asked_qas = (self.initiator, self.target)
        self._end_connection(wires.time_ps)
        self.state = State.QAS
        self._now = Transaction(Kind.ARBITRATION, wires.time_ps, wires.time_ps, qas=True)
        self._contenders = 0
        self._db = wires.db

    def _in_qas(self, wires: Wires) -> None:
        """IDs count once the QAS assertion delay is over; before, they may be the rest of the message's byte."""
        if wires.time_ps - self._now.start_ps > QAS_ASSERTION_PS:
            self._contenders |= self._db
            self._learn_from_ids(wires)
        self._db = wires.db
        if wires.value & M_SEL:
            self._contenders |= wires.db
            self._survivors = wires.db
            self._now.end_ps = wires.time_ps
            self._bsy_released = not wires.value & M_BSY
            self.state = State.QAS_WON
        elif wires.changed & wires.value & M_REQ:
            # A device that meant something else by 55h goes on with DATA OUT.
            self._enter_connected()
            self._phases.connect(*self._asked_qas)
        elif not wires.value & M_BSY:
            if self._contenders:
                self._end_arbitration(wires.time_ps, None)
            self._enter_free(wires)

    def _learn_from_ids(self, wires: Wires) -> None:
        """In a QAS arbitration nothing but its ID tells who a slot is, since BSY is another's."""
        for slot in range(SLOTS) if wires.drivers else ():
            own = (wires.slot(slot) >> DB) & 0xFFFF
            if own.bit_count() == 1:
                self.learn(slot, own.bit_length() - 1)

    def _in_qas_won(self, wires: Wires) -> None:
        """The device that asked for QAS lets BSY go, then the winner shows the ID of a partner."""
        value = wires.value
        if not value & M_SEL:
            self._end_arbitration(self._now.end_ps, None)
            self._enter_free(wires)
            return
        answered = bool(value & M_BSY) and self._bsy_released
        self._bsy_released |= not value & M_BSY
        if not wires.db & ~self._survivors and not answered:
            self._survivors &= wires.db
        elif self._bsy_released:
            self._winner = self._who_won(wires)
            self._end_arbitration(self._now.end_ps, self._winner)
            self._begin_selection(wires)

    def _end_connection(self, now_ps: int) -> None:
        """Whatever was before is over: connection, pending BUS FREE, open phase."""
        self.pending_free_ps = None
        self._connected = False
        self._phases.disconnect(now_ps)
