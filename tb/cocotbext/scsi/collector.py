"""Gathers the words of one information phase from REQ, ACK and data.

A strobe costs as little as possible here, since a DT phase has many of them: the bus value is put aside as it is, and
taken apart when the phase is over.
"""

from __future__ import annotations

from struct import pack
from typing import Final

from .constants import Phase
from .transaction import Kind, Transaction, Transfer
from .wires import DB, DBP, M_ATN, M_DB, M_DBP, M_PHASE, Wires, odd_parity

_M_LOW: Final = 0xFF << DB | 1 << DBP
_M_BOTH: Final = M_DB | M_DBP


class PhaseCollector:
    """The information phase that is open on the bus, from its first REQ on: asynchronous or ST synchronous.

    A word is latched where the standard says that it is valid (spi-facts 3.5 and 8): sent by the target at the
    assertion of REQ, sent by the initiator at the assertion of ACK. The first ACK belongs to the first REQ and so on; a
    word counts as transferred when its ACK comes.

    Args:
        phase: Its code.
        wires: The sample that shows its first REQ; `req_asserted` is to be called with it too.
        drivers: The REQ wires of a per-driver view; 0 where unknown.
        transfer: How data move; None in other phases.
        wide: Data phases transfer 16 bit.
        parity: The bus has parity.
    """

    def __init__(
        self, phase: Phase, wires: Wires, drivers: int, transfer: Transfer | None, wide: bool, parity: bool
    ) -> None:
        self.phase = phase
        self.lines = wires.value & M_PHASE
        self.drivers = drivers
        self.taken_last = False
        """MESSAGE OUT whose last byte was taken with ATN false: the next REQ asks for all of them again."""
        self._is_in = phase.is_in
        self._wide = wide
        self._parity = parity
        self._reqs: list[int] = []
        self._acks: list[int] = []
        self._m_known = _M_BOTH if wide else _M_LOW
        self._unknown: set[int] = set()
        """Numbers of the words with a data or parity bit that was X."""
        self.transaction = Transaction(
            Kind.PHASE,
            wires.time_ps,
            wires.time_ps,
            phase=phase,
            wide=wide,
            transfer=transfer,
            first_req_ps=wires.time_ps,
        )
        self._last_strobe_ps: int | None = None

    def req_asserted(self, wires: Wires) -> None:
        """REQ went true; if the one before has no ACK yet, this is no asynchronous phase, whatever was agreed."""
        self.transaction.last_req_ps = wires.time_ps
        if len(self._reqs) > len(self._acks) and self.transaction.transfer is Transfer.ASYNC:
            self.transaction.transfer = Transfer.ST
        self._req(wires)

    def req_negated(self, wires: Wires) -> None:
        """REQ went false, which means nothing here."""

    def ack_asserted(self, wires: Wires) -> None:
        """ACK went true: one transfer is taken; an ACK that no REQ asked for is none."""
        if len(self._acks) >= len(self._reqs):
            return
        if not self._acks:
            self.transaction.first_ack_ps = wires.time_ps
        self._ack(wires)

    def ack_negated(self, wires: Wires) -> None:
        """ACK went false."""
        self.transaction.last_ack_ps = wires.time_ps
        self.transaction.atn = bool(wires.value & M_ATN)
        if self.phase is Phase.MSG_OUT:
            self.taken_last = not wires.value & M_ATN and bool(self._acks)

    def close(self, now_ps: int) -> Transaction:
        """The finished transaction; `now_ps` ends a phase in which no ACK was negated."""
        done = self.transaction
        done.end_ps = done.last_ack_ps if done.last_ack_ps is not None else now_ps
        strobes = self._reqs if self._is_in else self._acks
        done.transfers = len(strobes)
        if strobes and done.transfer is not None:
            done.first_strobe_ps = done.first_req_ps if self._is_in else done.first_ack_ps
            done.last_strobe_ps = self._last_strobe_ps
        self._take_apart(strobes[: len(self._acks)])
        return done

    def _req(self, wires: Wires) -> None:
        if self._is_in:
            self._note_strobe(wires, len(self._reqs))
        self._reqs.append(wires.value)

    def _ack(self, wires: Wires) -> None:
        if not self._is_in:
            self._note_strobe(wires, len(self._acks))
        self._acks.append(wires.value)

    def _note_strobe(self, wires: Wires, number: int) -> None:
        self._last_strobe_ps = wires.time_ps
        if wires.unknown & self._m_known:
            self._unknown.add(number)

    def _take_apart(self, values: list[int]) -> None:
        """Bytes and parity of the words that were transferred, as they stood on the bus."""
        done = self.transaction
        done.data = data_bytes(values, self._wide)
        if self._parity:
            known = all(number >= len(values) for number in self._unknown)
            done.parity_ok = known and all(_parity_ok(value, self._wide) for value in values)


def data_bytes(values: list[int], wide: bool) -> bytes:
    """The data of bus values in bus order."""
    if wide:
        return pack(f"<{len(values)}H", *((value >> DB) & 0xFFFF for value in values))
    return bytes((value >> DB) & 0xFF for value in values)


def _parity_ok(value: int, wide: bool) -> bool:
    if odd_parity(value >> DB) != (value >> DBP) & 1:
        return False
    return not wide or odd_parity(value >> (DB + 8)) == (value >> (DBP + 1)) & 1
