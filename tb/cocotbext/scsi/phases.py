"""The information phases of a connection: where one begins and ends, who drives it, and how wide it is."""

from __future__ import annotations

from collections.abc import Callable

from .collector import PhaseCollector
from .constants import Phase
from .messages import WidthAgreements
from .transaction import Transaction
from .wires import M_ACK, M_PHASE, M_REQ, REQ, SLOTS, Wires, phase_of, slots_in


class InformationPhases:
    """Follows MSG, C/D, I/O, REQ and ACK, and emits a `Transaction` for each phase when it has ended.

    A phase begins at its first REQ. It ends when the phase lines change with REQ and ACK false (spi-facts 2), when
    another device drives REQ, when a REQ asks for a resend, or with the connection.
    """

    def __init__(self, emit: Callable[[Transaction], None], parity: bool) -> None:
        self.agreements = WidthAgreements()
        self.initiator: int | None = None
        self.target: int | None = None
        self.ids: list[int | None] = [None] * SLOTS
        """SCSI ID of each slot, once it is known."""
        self._emit = emit
        self._parity = parity
        self._phase_ps = 0
        self._collector: PhaseCollector | None = None

    def connect(self, initiator: int | None, target: int | None) -> None:
        """A connection begins."""
        self.initiator, self.target = initiator, target

    def disconnect(self, now_ps: int) -> None:
        """The connection is over, and with it the phase that is open."""
        self.close(now_ps)
        self.initiator = self.target = None
        self.agreements.end_connection()

    def sample(self, wires: Wires, connected: bool) -> None:
        """Take one sample; REQ and ACK count only in a connection."""
        changed, value = wires.changed, wires.value
        if not changed & (M_PHASE | M_REQ | M_ACK):
            return
        if changed & M_ACK and not value & M_ACK and self._collector is not None:
            self._collector.ack_negated(wires)
        if changed & M_PHASE:
            self._phase_ps = wires.time_ps
            if not value & (M_REQ | M_ACK):
                self.close(wires.time_ps)
        if connected:
            if changed & M_REQ and value & M_REQ:
                self._request(wires)
            if changed & M_ACK and value & M_ACK and self._collector is not None:
                self._collector.ack_asserted(wires)

    def close(self, now_ps: int) -> None:
        """End the phase that is open."""
        if self._collector is None:
            return
        done = self._collector.close(now_ps)
        phase = self._collector.phase
        self._collector = None
        if phase.is_message and done.parity_ok is not False:
            self.agreements.observe(done.initiator, done.by, phase, done.data)
        self._emit(done)

    def _request(self, wires: Wires) -> None:
        """REQ: another transfer of the open phase, or the first of a new one."""
        phase = Phase(phase_of(wires.value))
        drivers = wires.who(REQ)
        resend = False
        before = self._collector
        if before is not None:
            resend = phase is Phase.MSG_OUT and before.phase is phase and before.taken_last
            if resend or before.phase is not phase or before.slots != drivers:
                self.close(wires.time_ps)
        if self._collector is None:
            self._collector = self._opened(phase, wires, drivers, resend)
        self._collector.req_asserted(wires)

    def _opened(self, phase: Phase, wires: Wires, drivers: int, resend: bool) -> PhaseCollector:
        by = self._driver_id(drivers)
        opened = PhaseCollector(phase, wires, drivers, self.agreements.wide(self.initiator, by), self._parity)
        done = opened.transaction
        done.initiator, done.target, done.by = self.initiator, self.target, by
        done.phase_ps, done.resend = self._phase_ps, resend
        return opened

    def _driver_id(self, drivers: int) -> int | None:
        """SCSI ID of the device that drives REQ: by its slot, or, where drivers are unseen, the connection's target."""
        if not drivers:
            return self.target
        ids = [self.ids[slot] for slot in slots_in(drivers)]
        return self.target if self.target in ids else ids[0]
