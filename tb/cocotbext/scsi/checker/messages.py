"""Cuts the bytes of MESSAGE phases into messages (spi-facts 6)."""

from __future__ import annotations

from dataclasses import dataclass

from ..constants import Message, message_length
from .rule import VendorMessages


@dataclass(frozen=True)
class ReadMessage:
    """A complete message as it went over the bus."""

    data: bytes
    incoming: bool
    """MESSAGE IN, target to initiator."""
    parity_ok: bool
    atn: bool
    """ATN as the last ACK was negated."""
    in_phase: int
    """Number of complete messages before it in the same phase."""
    in_connection: int
    """Number of complete messages before it in the same connection and direction."""

    @property
    def code(self) -> int:
        """First byte."""
        return self.data[0]

    @property
    def extended_code(self) -> int | None:
        """Third byte of an extended message."""
        return self.data[2] if self.code == Message.EXTENDED and len(self.data) > 2 else None


class MessageReader:
    """Collects one phase's bytes. `pending` holds the bytes of a message that is not complete."""

    def __init__(self, vendor: VendorMessages) -> None:
        self._vendor = vendor
        self.pending = bytearray()
        self.in_phase = 0
        self.taken_with_atn = True
        """ATN at the last byte's ACK negation; a REQ after a byte taken with ATN false is a resend."""
        self.phase_parity_ok = True
        self._parity_ok = True

    def start(self) -> None:
        """A phase begins, or begins again (resend)."""
        self.pending.clear()
        self.in_phase = 0
        self.taken_with_atn = True
        self.phase_parity_ok = True
        self._parity_ok = True

    def take(self, byte: int, *, incoming: bool, parity_ok: bool, atn: bool, seen: int) -> ReadMessage | None:
        """One byte; the message that it completes, if it does. `seen`: messages so far in this direction."""
        self.pending.append(byte)
        self._parity_ok &= parity_ok
        self.phase_parity_ok &= parity_ok
        self.taken_with_atn = atn
        length = message_length(self.pending)
        if length is None or len(self.pending) < length:
            return None
        if self._more_may_come(length, incoming, atn):
            return None
        done = ReadMessage(bytes(self.pending), incoming, self._parity_ok, atn, self.in_phase, seen)
        self.pending.clear()
        self.in_phase += 1
        self._parity_ok = True
        return done

    def _more_may_come(self, length: int, incoming: bool, atn: bool) -> bool:
        """A vendor message of two bytes whose optional third byte is announced by ATN."""
        vendor = self._vendor
        announced = vendor.optional_last is not None and not incoming and atn and len(self.pending) == length
        return announced and self.pending[0] in vendor.two_byte
