"""The information phases of a connection: where one begins and ends, who drives it, and how it transfers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .agreement import ASYNC_8, Agreement, Option
from .agreements import AgreementTracker
from .collector import PhaseCollector
from .constants import Message, Phase
from .crc import CrcConvention
from .groups import GroupCollector
from .messages import split_messages
from .transaction import Transaction, Transfer
from .wires import EVERY_SLOT, M_ACK, M_PHASE, M_REQ, REQ, SLOTS, Wires, phase_of, slots_in

_M_LINES: Final = M_PHASE | M_REQ | M_ACK
_REQ_OF_ALL: Final = EVERY_SLOT << REQ
_QAS: Final = bytes((Message.QAS_REQUEST,))
_DAMAGED: Final = bytes((Message.MESSAGE_PARITY_ERROR,))
_RESIDUE: Final = bytes((Message.IGNORE_WIDE_RESIDUE, 1))


class InformationPhases:
    """Follows MSG, C/D, I/O, REQ and ACK, and emits a `Transaction` for each phase when it has ended.

    A phase begins at its first REQ. It ends when the phase lines change with REQ and ACK false (spi-facts 2), when
    another device drives REQ, when a REQ asks for a resend, or with the connection.

    Args:
        emit: Called with each transaction.
        parity: The bus has parity, and it is to be checked.
        crc: What the CRC of a data group is; None where the bus has no P_CRCA, which is DB(P0).
    """

    def __init__(self, emit: Callable[[Transaction], None], parity: bool, crc: CrcConvention | None) -> None:
        self.agreements = AgreementTracker()
        self.initiator: int | None = None
        self.target: int | None = None
        self.ids: list[int | None] = [None] * SLOTS
        """SCSI ID of each slot, once it is known."""
        self.qas_requested = False
        """The last thing in the connection was a QAS REQUEST that counts (spi-facts 4.4)."""
        self._repeats = False
        """MESSAGE PARITY ERROR was said: the next message of the target is the one before once more."""
        self._emit = emit
        self._parity = parity
        self._crc = crc
        self._phase_ps = 0
        self._collector: PhaseCollector | None = None
        self._pair: tuple[int, int] | None = None
        """Who the tracker of agreements listens to: in a mirrored operation the targets of a connection change."""
        self._wide_in = False
        """The last phase was a data phase IN, 16 bit wide."""

    def connect(self, initiator: int | None, target: int | None) -> None:
        """A connection begins."""
        self.initiator, self.target = initiator, target

    def disconnect(self, now_ps: int) -> None:
        """The connection is over, and with it the phase that is open."""
        self.close(now_ps)
        self.initiator = self.target = self._pair = None
        self.qas_requested = self._repeats = self._wide_in = False
        self.agreements.end()

    def sample(self, wires: Wires, connected: bool) -> None:
        """Take one sample; REQ and ACK count only in a connection."""
        changed, value, collector = wires.changed, wires.value, self._collector
        if not changed & _M_LINES:
            return
        if collector is not None:
            if changed & M_REQ and not value & M_REQ:
                collector.req_negated(wires)
            if changed & M_ACK and not value & M_ACK:
                collector.ack_negated(wires)
        if changed & M_PHASE:
            self._phase_ps = wires.time_ps
            if not value & (M_REQ | M_ACK):
                self.close(wires.time_ps)
        if connected:
            if changed & M_REQ and value & M_REQ:
                collector = self._asking(wires)
                collector.req_asserted(wires)
            if changed & M_ACK and value & M_ACK and collector is not None:
                collector.ack_asserted(wires)

    def close(self, now_ps: int, repeated: bool = False) -> None:
        """End the phase that is open; `repeated`: it is a MESSAGE OUT that the target asks for again."""
        if self._collector is None:
            return
        done = self._collector.close(now_ps)
        phase = self._collector.phase
        self._collector = None
        if phase.is_message:
            if done.parity_ok is not False and not repeated:
                self._read_messages(done, phase)
        else:
            self._wide_in = done.wide and phase.is_in
        self._emit(done)

    def _asking(self, wires: Wires) -> PhaseCollector:
        """What collects from this REQ on: the open phase, or a new one."""
        before = self._collector
        drivers = (wires.drivers or 0) & _REQ_OF_ALL
        resend = False
        if before is not None:
            same = wires.value & M_PHASE == before.lines
            resend = same and before.taken_last
            # Seen at the device, a driver may have let go again before its edge is on the bus.
            if same and not resend and (drivers == before.drivers or not drivers):
                return before
            self.close(wires.time_ps, repeated=resend)
        self._collector = self._opened(wires, drivers, resend)
        return self._collector

    def _opened(self, wires: Wires, drivers: int, resend: bool) -> PhaseCollector:
        self.qas_requested = False
        phase = Phase(phase_of(wires.value))
        by = self._driver_id(wires.who(REQ))
        opened = self._collector_of(phase, wires, drivers, self._agreement(by))
        done = opened.transaction
        done.initiator, done.target, done.by = self.initiator, self.target, by
        done.phase_ps, done.resend = self._phase_ps, resend
        return opened

    def _collector_of(self, phase: Phase, wires: Wires, drivers: int, agreement: Agreement) -> PhaseCollector:
        """How the phase transfers: a DT phase says so by its code, for the others it is as agreed."""
        if phase in (Phase.DT_DATA_OUT, Phase.DT_DATA_IN):
            return GroupCollector(phase, wires, drivers, None if agreement.options & Option.IU else self._crc)
        if not phase.is_data:
            return PhaseCollector(phase, wires, drivers, None, wide=False, parity=self._parity)
        transfer = Transfer.ST if agreement.is_sync else Transfer.ASYNC
        return PhaseCollector(phase, wires, drivers, transfer, agreement.wide, self._parity)

    def _agreement(self, by: int | None) -> Agreement:
        if self.initiator is None or by is None:
            return ASYNC_8
        return self.agreements.of(self.initiator, by)

    def _driver_id(self, slots: int) -> int | None:
        """SCSI ID of the device that drives REQ: by its slot, or, where drivers are unseen, the connection's target."""
        if not slots:
            return self.target
        ids = [self.ids[slot] for slot in slots_in(slots)]
        return self.target if self.target in ids else ids[0]

    def _read_messages(self, done: Transaction, phase: Phase) -> None:
        """What the messages of a phase mean to the bus: agreements, QAS, the residue of a wide transfer."""
        messages = split_messages(done.data)
        if not phase.is_in:
            self._repeats = _DAMAGED in messages
        elif messages:
            sent_again = self._repeats and messages == [_QAS]
            self.qas_requested = messages[-1] == _QAS and not done.atn and not sent_again
            if messages[0] == _RESIDUE and self._wide_in:
                done.residue = _RESIDUE[1]
            self._repeats, self._wide_in = False, self._wide_in and bool(done.atn)
        if done.initiator is None or done.by is None:
            return
        if self._pair != (done.initiator, done.by):
            self._pair = (done.initiator, done.by)
            self.agreements.begin(*self._pair)
        for message in messages:
            self.agreements.message(not phase.is_in, message)
