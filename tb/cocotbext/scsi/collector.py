"""Gathers the bytes of one information phase from REQ, ACK and data."""

from __future__ import annotations

from collections import deque

from .constants import Phase
from .transaction import Kind, Transaction
from .wires import M_ATN, Wires


class PhaseCollector:
    """The information phase that is open on the bus, from its first REQ on.

    A byte is latched where the standard says that it is valid (spi-facts 3.5): sent by the target at the assertion of
    REQ, sent by the initiator at the assertion of ACK. It counts as transferred when ACK comes.
    """

    def __init__(self, phase: Phase, wires: Wires, slots: int, wide: bool, parity: bool) -> None:
        self.phase = phase
        self.slots = slots
        """Bits of the slots that drove the first REQ; 0 where unknown."""
        self.taken_last = False
        """The last byte was taken with ATN false: the next REQ in MESSAGE OUT asks for all of them again."""
        self._is_in = phase.is_in
        self._wide = wide and phase.is_data
        self._parity = parity and phase not in (Phase.DT_DATA_OUT, Phase.DT_DATA_IN)
        self._pending: deque[tuple[int, bool]] = deque()
        self._bytes = bytearray()
        self.transaction = Transaction(
            Kind.PHASE,
            wires.time_ps,
            wires.time_ps,
            phase=phase,
            wide=self._wide,
            parity_ok=True if self._parity else None,
            first_req_ps=wires.time_ps,
        )

    def ack_negated(self, wires: Wires) -> None:
        """ACK went false: the transfer is complete."""
        self.transaction.last_ack_ps = wires.time_ps
        self.transaction.atn = bool(wires.value & M_ATN)
        self.taken_last = not wires.value & M_ATN and bool(self._bytes)

    def req_asserted(self, wires: Wires) -> None:
        """REQ went true."""
        self.transaction.last_req_ps = wires.time_ps
        self._pending.append(self._latch(wires) if self._is_in else (0, True))

    def ack_asserted(self, wires: Wires) -> None:
        """ACK went true: one transfer is taken; an ACK that no REQ asked for is none."""
        if not self._pending:
            return
        word, good = self._pending.popleft()
        if not self._is_in:
            word, good = self._latch(wires)
        self._bytes.append(word & 0xFF)
        if self._wide:
            self._bytes.append(word >> 8)
        if self._parity and not good:
            self.transaction.parity_ok = False
        if self.transaction.first_ack_ps is None:
            self.transaction.first_ack_ps = wires.time_ps

    def close(self, now_ps: int) -> Transaction:
        """The finished transaction; `now_ps` ends a phase in which no ACK was negated."""
        done = self.transaction
        done.data = bytes(self._bytes)
        done.end_ps = done.last_ack_ps if done.last_ack_ps is not None else now_ps
        return done

    def _latch(self, wires: Wires) -> tuple[int, bool]:
        return wires.db, wires.low_parity_ok and (not self._wide or wires.high_parity_ok)
