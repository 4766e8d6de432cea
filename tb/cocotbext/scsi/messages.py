"""Splitting the bytes of a message phase into messages."""

from __future__ import annotations

from collections.abc import Sequence

from .constants import EXTENDED_LENGTH, Extended, message_length


def split_messages(data: Sequence[int]) -> list[bytes]:
    """The messages in the bytes of one phase; a last one that is cut short is returned as it is."""
    messages: list[bytes] = []
    rest = bytes(data)
    while rest:
        length = message_length(rest) or len(rest)
        messages.append(rest[:length])
        rest = rest[length:]
    return messages


def is_extended(message: bytes, code: Extended) -> bool:
    """A complete extended message with this code and its standard length."""
    return len(message) == 2 + EXTENDED_LENGTH[code] and message[:3] == bytes((1, EXTENDED_LENGTH[code], code))
