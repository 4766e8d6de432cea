"""Follows the bus by its wires alone and tells rules what happened (`lines.EVENTS`).

The cycle of the bus is followed in `cycle`; here are handshakes, messages and agreements.
"""

from __future__ import annotations

from typing import Final, Protocol

from ..agreement import ASYNC_8, Agreement, Option
from ..agreements import AgreementTracker
from ..constants import Message, Phase
from ..wires import (
    DB,
    DBP,
    M_ACK,
    M_ATN,
    M_BSY,
    M_DATA,
    M_IO,
    M_PHASE,
    M_REQ,
    M_RST,
    SLOTS,
    Wires,
)
from .connection import Connection, Transfer
from .cycle import CycleTracker
from .limits import speed_of
from .messages import MessageReader, ReadMessage
from .rule import CheckerOptions

_STREAMED: Final = M_REQ | M_ACK | M_DATA
"""What changes all the time in a synchronous data phase."""
_ON_AGREEMENTS: Final = frozenset(
    {Message.EXTENDED, Message.MESSAGE_REJECT, Message.MESSAGE_PARITY_ERROR, Message.TARGET_RESET}
)
"""Messages that can change an agreement."""


class DataJudge(Protocol):
    """Follows the strobes of a synchronous data phase in the tracker's place."""

    strangers: int

    @property
    def transferred(self) -> int:
        """Bytes of data so far."""

    def begin(self, conn: Connection, agreement: Agreement) -> None:
        """The first REQ of a phase is there, and not yet looked at."""

    def look(self) -> None:
        """Who drives what may have changed."""

    def step(self, now: int, value: int, changed: int) -> None:
        """One sample in which REQ, ACK or data changed."""

    def stamp(self) -> None:
        """Tell the tracker when REQ, ACK and data last changed."""

    def end(self, whole: bool) -> None:
        """The phase is over; `whole`: because the target went on."""

    def flush(self) -> None:
        """Bring the counts of evaluations up to date."""


class BusTracker(CycleTracker):
    """See the module."""

    def __init__(self, options: CheckerOptions) -> None:
        super().__init__(options)
        self.wide_now = False
        """The current phase is a DATA phase of 16 bits."""
        self.synchronous_now = False
        """The current phase is a DATA phase whose handshake is not interlocked."""
        self.agreed_now = ASYNC_8
        """What holds for the current phase; without meaning outside data phases."""
        self.agreed = AgreementTracker()
        """What pairs (initiator, target) have negotiated, by slot or, without a per-driver view, by SCSI ID."""
        self.qas_members: frozenset[int] = frozenset()
        """Who has an agreement with QAS: slots or SCSI IDs."""
        self.judges: dict[bool, DataJudge] = {}
        """Judges of ST (False) and DT (True) data phases."""
        self.stream: DataJudge | None = None
        """The judge at work."""
        self.reader = MessageReader(options.vendor)
        self._judge: DataJudge | None = None
        """The judge of the current phase."""
        self._strange = 0
        """The part of the per-driver view that the judge at work does not expect to change."""
        self._pairs: set[tuple[int, int]] = set()
        self._latched: tuple[int, int] | None = None

    # -- samples -----------------------------------------------------------------------------------------------------

    def sample(self, wires: Wires) -> None:
        """Take one settled sample. In a synchronous data phase the strobes go straight to their judge."""
        stream = self.stream
        if stream is None:
            super().sample(wires)
            return
        value = wires.value
        changed = value ^ self.value
        drivers = wires.drivers
        if changed & ~_STREAMED or (drivers is not None and drivers & stream.strangers != self._strange):
            stream.stamp()
            super().sample(wires)
            self._strange = self._drivers & stream.strangers
            return
        now = wires.time_ps
        if self._due and self._due[0][0] < now:
            self.expire(now)
        self.now = now
        self.value = value
        if changed:
            stream.step(now, value, changed)

    def flush(self) -> None:
        """Bring the counts of evaluations up to date."""
        if self.stream is not None:
            self.stream.flush()

    def _follow(self, changed: int) -> None:
        stream = self.stream
        if stream is not None:
            stream.look()
            if changed & _STREAMED:
                stream.step(self.now, self.value, changed)
            if changed & (M_PHASE | M_BSY | M_RST):
                self._end_stream(stream, whole=not changed & (M_BSY | M_RST))
        super()._follow(changed)

    # -- agreements --------------------------------------------------------------------------------------------------

    def pair(self) -> tuple[int, int] | None:
        """Initiator and current target as agreements know them; None when it is not known who the two are."""
        conn = self.conn
        if conn is None:
            return None
        if self.has_drivers:
            initiator, target = conn.initiator_slot, conn.owner_slot
        else:
            initiator, target = conn.initiator_id, None if conn.owner_unknown else conn.target_id
        return None if initiator is None or target is None else (initiator, target)

    def agreement(self) -> Agreement | None:
        """What initiator and current target have agreed; None when it is not known who the two are."""
        pair = self.pair()
        return None if pair is None else self.agreed.of(*pair)

    def agree(self, initiator: int, target: int, agreement: Agreement) -> None:
        """State an agreement made where no one listened: of two slots, or SCSI IDs without a per-driver view."""
        self.agreed.agree(initiator, target, agreement)
        self._pairs.add((initiator, target))
        self._find_members()

    def _begin_connection(self) -> None:
        self.reader.start()
        self._latched = None
        self._begin_exchange()

    def _begin_exchange(self) -> None:
        """Messages are now between this pair."""
        pair = self.pair()
        if pair is None:
            self.agreed.end()
        else:
            self._pairs.add(pair)
            self.agreed.begin(*pair)

    def _end_connection(self) -> None:
        self.agreed.end()

    def _forget(self) -> None:
        self.agreed.reset()
        self._find_members()

    def _find_members(self) -> None:
        with_qas = (pair for pair in self._pairs if self.agreed.of(*pair).options & Option.QAS)
        self.qas_members = frozenset(member for pair in with_qas for member in pair)

    def _recall(self) -> None:
        """Work out what the pair that is connected has agreed for the current phase, and who judges it."""
        phase = Phase(self.lines)
        agreed = self.agreement() if phase.is_data else None
        self.agreed_now = agreed = agreed or ASYNC_8
        self.wide_now = agreed.wide
        self.synchronous_now = agreed.is_sync
        self._judge = None
        dt = agreed.is_dt and agreed.is_sync
        right_code = dt == (phase in (Phase.DT_DATA_OUT, Phase.DT_DATA_IN))
        if right_code and speed_of(agreed) is not None:
            self._judge = self.judges.get(dt)

    def _begin_stream(self, conn: Connection, judge: DataJudge) -> None:
        self.stream = judge
        self.synchronous_now = True
        conn.free_expected = False
        judge.begin(conn, self.agreed_now)
        self._strange = self._drivers & judge.strangers

    def _end_stream(self, stream: DataJudge, whole: bool) -> None:
        conn = self.conn
        assert conn is not None
        stream.end(whole)
        self.stream = None
        self.synchronous_now = not whole
        conn.unjudged = not whole
        conn.transfers = stream.transferred
        self._emit("streamed", stream.transferred)

    # -- information phases ------------------------------------------------------------------------------------------

    def _inform(self, control: int) -> None:
        if self.stream is not None or not control & (M_REQ | M_ACK):
            return
        conn = self.conn
        assert conn is not None
        value = self.value
        if control & M_REQ and value & M_REQ:
            self._request(conn)
            if self.synchronous_now:
                return
            if value & M_IO:
                self._latched = (value >> DB & 0xFFFF, value >> DBP)
        taken = control & M_ACK and value & M_ACK and not value & M_IO
        if taken and value & M_REQ:
            self._latched = (value >> DB & 0xFFFF, value >> DBP)
        if control & M_ACK and not value & M_ACK and self._latched and not value & M_REQ:
            self._complete(conn, *self._latched)
            self._latched = None

    def _request(self, conn: Connection) -> None:
        lines = self.lines
        owner = conn.owner_slot
        if self.has_drivers:
            drivers = [slot for slot in range(SLOTS) if self.target_slots >> slot & 1 and self.drive[slot] & M_REQ]
            owner = drivers[0] if len(drivers) == 1 else owner
        if conn.phase != lines or conn.owner_slot != owner:
            self._begin_phase(conn, lines, owner)
        elif lines == Phase.MSG_OUT and not self.reader.taken_with_atn:
            self._emit("resend")
            self.reader.start()
        if self._judge is not None and not conn.unjudged:
            judge = self._judge
            self._begin_stream(conn, judge)
            judge.step(self.now, self.value, M_REQ)

    def _begin_phase(self, conn: Connection, lines: int, owner: int | None) -> None:
        self._give_torso(conn)
        if owner != conn.owner_slot:
            conn.owner_slot = owner
            self._begin_exchange()
        phase, conn.phase = conn.phase, lines
        conn.unjudged = False
        self._recall()
        if phase == lines:
            return
        conn.previous = phase
        self._emit("phase")
        conn.transfers = 0
        self.reader.start()

    def _give_torso(self, conn: Connection) -> None:
        """A message that the receiver did not let end may have been a negotiation."""
        reader = self.reader
        if reader.pending and reader.phase_parity_ok and conn.phase in (Phase.MSG_OUT, Phase.MSG_IN):
            self.agreed.message(conn.phase == Phase.MSG_OUT, bytes(reader.pending))

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
        if message.parity_ok:
            self.agreed.message(not message.incoming, message.data)
            if message.code in _ON_AGREEMENTS:
                self._find_members()
        self._emit("message", message)
        again, conn.sent_again = conn.sent_again, message.code == Message.MESSAGE_PARITY_ERROR and not message.incoming
        if message.code == Message.QAS_REQUEST and message.incoming and not again:
            agreed = self.agreement()
            granted = agreed is not None and agreed.options & Option.QAS
            if granted and self.reader.phase_parity_ok and not message.atn:
                self._begin_qas(conn)
