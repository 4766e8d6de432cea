"""Standard messages that the models send (spi-facts 6 and 7)."""

from __future__ import annotations

from ..constants import EXTENDED_LENGTH, IDENTIFY_DISCPRIV, Extended, Message


def identify(lun: int = 0, *, disc_priv: bool = False) -> bytes:
    """IDENTIFY."""
    return bytes([Message.IDENTIFY | (IDENTIFY_DISCPRIV if disc_priv else 0) | lun])


def tagged(kind: Message, tag: int) -> bytes:
    """SIMPLE, HEAD OF QUEUE or ORDERED with its tag."""
    return bytes([kind, tag])


def simple(tag: int) -> bytes:
    """SIMPLE with its tag."""
    return tagged(Message.SIMPLE, tag)


def wdtr(exponent: int) -> bytes:
    """WIDE DATA TRANSFER REQUEST: 0 is 8 bit, 1 is 16 bit."""
    return bytes([Message.EXTENDED, EXTENDED_LENGTH[Extended.WDTR], Extended.WDTR, exponent])


def sdtr(period: int, offset: int) -> bytes:
    """SYNCHRONOUS DATA TRANSFER REQUEST; period in units of 4 ns."""
    return bytes([Message.EXTENDED, EXTENDED_LENGTH[Extended.SDTR], Extended.SDTR, period, offset])
