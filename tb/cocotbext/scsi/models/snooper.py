"""What every member of a mirror group reads off the wires: who is connected, and the messages (mirroring 4, 10)."""

from __future__ import annotations

from typing import Protocol

import cocotb
from cocotb.triggers import Timer

from ..constants import Phase, ids_by_priority, message_length
from ..wires import M_ACK, M_ATN, M_BSY, M_CD, M_IO, M_MSG, M_PHASE, M_REQ, M_SEL, phase_of
from .handshake import parity_ok
from .port import M_FREE, ScsiPort

_MESSAGE_OUT = M_MSG | M_CD
_MESSAGE_IN = M_MSG | M_CD | M_IO


class SnoopListener(Protocol):
    """Hears of what happens on the bus, at the instant it happens."""

    def snooped_message_out(self, data: bytes, good: bool) -> None:
        """A MESSAGE OUT phase has ended: the last ACK has been negated with ATN false. `good`: parity was right."""

    def snooped_message_in(self, message: bytes, attention: bool) -> None:
        """A message of the target has been acknowledged, with good parity. `attention`: ATN was true at its end."""

    def snooped_req(self, phase: Phase) -> None:
        """REQ was asserted."""

    def snooped_activity(self) -> None:
        """ACK was negated."""

    def snooped_free(self) -> None:
        """BUS FREE was detected."""


class Snooper:
    """A passive observer of one port."""

    def __init__(self, port: ScsiPort, listener: SnoopListener, *, winner_sample_ns: int) -> None:
        self.port = port
        self.initiator: int | None = None
        """The initiator of the present connection, None if it is not known."""
        self.target: int | None = None
        """The device that was selected, or that reselected."""
        self.reselected = False
        self._listener = listener
        self._sample_ns = winner_sample_ns
        self._winner: int | None = None
        self._out = bytearray()
        self._out_good = True
        self._out_done = False
        self._in = bytearray()
        self._in_byte: tuple[int, bool] = (0, True)
        port.observe(self)

    def lines_changed(self, lines: int, changed: int) -> None:
        """One change of a control line."""
        if changed & M_FREE and lines & M_FREE:
            self._forget()
            self._listener.snooped_free()
        elif changed & (M_SEL | M_BSY):
            self._selecting(lines, changed)
        elif changed & M_PHASE:
            self._restart()
            self._in.clear()
        elif changed & M_REQ and lines & M_REQ:
            self._req(lines)
        elif changed & M_ACK:
            self._ack(lines)

    def _forget(self) -> None:
        self.initiator = self.target = self._winner = None
        self.reselected = False
        self._restart()
        self._in.clear()

    def _restart(self) -> None:
        self._out.clear()
        self._out_good, self._out_done = True, False

    def _selecting(self, lines: int, changed: int) -> None:
        if changed & lines & M_SEL and lines & M_BSY:
            cocotb.start_soon(self._learn_winner())
        elif changed & M_BSY and lines & (M_SEL | M_BSY) == M_SEL:
            others = self.port.read_data()[0] & ~(1 << self._winner) if self._winner is not None else 0
            partner = ids_by_priority(others)
            if self._winner is None or len(partner) != 1:
                return
            self.reselected = bool(lines & M_IO)
            self.initiator, self.target = self._winner, partner[0]
            if self.reselected:
                self.initiator, self.target = self.target, self.initiator

    async def _learn_winner(self) -> None:
        await Timer(self._sample_ns, unit="ns")
        ids = ids_by_priority(self.port.read_data()[0])
        self._winner = ids[0] if len(ids) == 1 else None

    def _req(self, lines: int) -> None:
        phase = lines & M_PHASE
        if phase == _MESSAGE_OUT and self._out_done:
            self._restart()
        elif phase == _MESSAGE_IN:
            db, dbp = self.port.read_data()
            self._in_byte = db & 0xFF, parity_ok(db, dbp, wide=False)
        self._listener.snooped_req(Phase(phase_of(phase)))

    def _ack(self, lines: int) -> None:
        phase = lines & M_PHASE
        if lines & M_ACK:
            if phase == _MESSAGE_OUT:
                db, dbp = self.port.read_data()
                self._out.append(db & 0xFF)
                self._out_good = self._out_good and parity_ok(db, dbp, wide=False)
            return
        self._listener.snooped_activity()
        if phase == _MESSAGE_OUT and not lines & M_ATN:
            self._out_done = True
            self._listener.snooped_message_out(bytes(self._out), self._out_good)
        elif phase == _MESSAGE_IN:
            self._message_in_byte(lines)

    def _message_in_byte(self, lines: int) -> None:
        byte, good = self._in_byte
        self._in.append(byte)
        complete = message_length(self._in) == len(self._in)
        if complete and good:
            message = bytes(self._in)
            self._in.clear()
            self._listener.snooped_message_in(message, bool(lines & M_ATN))
        elif complete or not good or lines & M_ATN:
            self._in.clear()
