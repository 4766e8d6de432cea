"""Vendor messages of silent mirroring (section 3): codes, building, parsing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..constants import Message
from ..messages import split_messages

LAST: Final = 0xFF
"""Last indicator."""
Z_LEAVE: Final = 0xF
"""ID in the group that means: leave the group."""


@dataclass(frozen=True, slots=True)
class MirrorCodes:
    """Vendor codes; the defaults are those of the protocol."""

    query: int = 0x26
    switch_role: int = 0x2C
    release: int = 0x2E
    read: int = 0x88
    """Code of an extended message."""
    write: int = 0x8A
    """Code of an extended message."""


CODES: Final = MirrorCodes()


@dataclass(frozen=True, slots=True)
class MirrorOrder:
    """What MIRROR WRITE or MIRROR READ says."""

    write: bool
    yz: int
    lba: int
    length: int
    """Bytes."""
    last: bool

    def encode(self, codes: MirrorCodes = CODES) -> bytes:
        """The message's bytes."""
        body = bytes([codes.write if self.write else codes.read, self.yz])
        body += self.lba.to_bytes(4, "big") + self.length.to_bytes(3, "big") + bytes([LAST] * self.last)
        return bytes([Message.EXTENDED, len(body)]) + body


def query(yz: int, *, last: bool = False, codes: MirrorCodes = CODES) -> bytes:
    """MIRROR QUERY; with MIRROR ACCEPT sharing its form without the last indicator."""
    return bytes([codes.query, yz]) + bytes([LAST] * last)


def switch_role(yz: int, *, last: bool = False, codes: MirrorCodes = CODES) -> bytes:
    """SWITCH ROLE; without the last indicator also RECLAIMED."""
    return bytes([codes.switch_role, yz]) + bytes([LAST] * last)


def release(yz: int, *, codes: MirrorCodes = CODES) -> bytes:
    """RELEASE of the current target yz."""
    return bytes([codes.release, yz])


def parse_order(message: Sequence[int], codes: MirrorCodes = CODES) -> MirrorOrder | None:
    """MIRROR WRITE or READ, or None if the message is something else or badly formed."""
    if len(message) not in (11, 12) or message[0] != Message.EXTENDED or message[1] != len(message) - 2:
        return None
    if message[2] not in (codes.write, codes.read) or (len(message) == 12 and message[11] != LAST):
        return None
    lba = int.from_bytes(bytes(message[4:8]), "big")
    length = int.from_bytes(bytes(message[8:11]), "big")
    return MirrorOrder(message[2] == codes.write, message[3], lba, length, len(message) == 12)


def parse_pair(message: Sequence[int], code: int) -> tuple[int, bool] | None:
    """(yz, last) of a two-byte vendor message with the given code, or None if it is something else or badly formed."""
    if len(message) not in (2, 3) or message[0] != code or (len(message) == 3 and message[2] != LAST):
        return None
    return message[1], len(message) == 3


def split_vendor(data: bytes, codes: MirrorCodes = CODES) -> list[bytes]:
    """The messages of a whole MESSAGE OUT phase; a vendor message is the last and takes all that is left."""
    messages = split_messages(data)
    for number, message in enumerate(messages):
        if message[0] in (codes.query, codes.switch_role, codes.release):
            return [*messages[:number], b"".join(messages[number:])]
    return messages
