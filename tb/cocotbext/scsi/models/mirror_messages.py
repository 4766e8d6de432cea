"""Vendor messages of silent mirroring (protocol 3): codes, building, parsing."""

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
    report: int = 0x2D
    release: int = 0x2E
    read: int = 0x88
    """This and the following are codes of extended messages."""
    write: int = 0x8A
    next: int = 0x8B
    capability: int = 0x8C
    failed: int = 0x8D


CODES: Final = MirrorCodes()

STATUS: Final = 0x01
"""Flag of MIRROR CAPABILITY: status in the connection (protocol 15)."""
SERIES: Final = 0x02
"""Flag of MIRROR CAPABILITY: many blocks in one connection (protocol 16)."""
_LENGTH_NEXT, _LENGTH_CAPABILITY, _LENGTH_FAILED = 6, 4, 3


@dataclass(frozen=True, slots=True)
class Extensions:
    """What MIRROR CAPABILITY offers, or agrees on."""

    flags: int = STATUS | SERIES
    blocks: int = 16
    """Most blocks in a series; 0 without SERIES."""

    @property
    def status(self) -> bool:
        """Status in the connection; whoever has SERIES has it (protocol 16 step 4)."""
        return bool(self.flags & (STATUS | SERIES))

    @property
    def series(self) -> bool:
        """Many blocks in one connection."""
        return bool(self.flags & SERIES)

    def both(self, offer: Extensions) -> Extensions:
        """The answer to an offer: what both have."""
        flags = self.flags & offer.flags
        return Extensions(flags, min(self.blocks, offer.blocks) if flags & SERIES else 0)

    def within(self, offer: Extensions) -> bool:
        """This answer keeps to what was offered."""
        return not self.flags & ~offer.flags and self.blocks <= offer.blocks


NO_EXTENSIONS: Final = Extensions(0, 0)


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


def report(yz: int, *, last: bool = False, codes: MirrorCodes = CODES) -> bytes:
    """MIRROR REPORT."""
    return bytes([codes.report, yz]) + bytes([LAST] * last)


def next_block(yz: int, lba: int, *, codes: MirrorCodes = CODES) -> bytes:
    """MIRROR NEXT with the leader's yz."""
    return bytes([Message.EXTENDED, _LENGTH_NEXT, codes.next, yz]) + lba.to_bytes(4, "big")


def capability(yz: int, extensions: Extensions, *, codes: MirrorCodes = CODES) -> bytes:
    """MIRROR CAPABILITY, the offer or the answer."""
    body = [codes.capability, yz, extensions.flags, extensions.blocks]
    return bytes([Message.EXTENDED, _LENGTH_CAPABILITY, *body])


def failed_block(yz: int, block: int, *, codes: MirrorCodes = CODES) -> bytes:
    """FAILED BLOCK: the first block of a series, counted from 0, that failed at yz."""
    return bytes([Message.EXTENDED, _LENGTH_FAILED, codes.failed, yz, block])


def _body(message: Sequence[int], length: int, code: int) -> bytes | None:
    """What follows the code of an extended message of exactly this kind and length."""
    if len(message) != 2 + length or tuple(message[:3]) != (Message.EXTENDED, length, code):
        return None
    return bytes(message[3:])


def parse_next(message: Sequence[int], codes: MirrorCodes = CODES) -> tuple[int, int] | None:
    """(yz, LBA) of MIRROR NEXT, or None if it is something else or badly formed."""
    body = _body(message, _LENGTH_NEXT, codes.next)
    return (body[0], int.from_bytes(body[1:], "big")) if body else None


def parse_capability(message: Sequence[int], codes: MirrorCodes = CODES) -> tuple[int, Extensions] | None:
    """(yz, what is offered or agreed), or None if it is something else or badly formed; unknown flags are left out."""
    body = _body(message, _LENGTH_CAPABILITY, codes.capability)
    return (body[0], Extensions(body[1] & (STATUS | SERIES), body[2])) if body else None


def parse_failed(message: Sequence[int], codes: MirrorCodes = CODES) -> tuple[int, int] | None:
    """(yz, block) of FAILED BLOCK, or None if it is something else or badly formed."""
    body = _body(message, _LENGTH_FAILED, codes.failed)
    return (body[0], body[1]) if body else None


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
        if message[0] in (codes.query, codes.switch_role, codes.report, codes.release):
            return [*messages[:number], b"".join(messages[number:])]
    return messages
