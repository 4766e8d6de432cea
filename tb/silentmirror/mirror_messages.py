"""Vendor messages of silent mirroring: their codes and how they are read.

Source: docs/protocol.md sections 3 and 14 to 16. The codes are typed from there; a test compares them with
hdl/include/scsi_defs.vh.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from cocotbext.scsi.constants import IDENTIFY_LUN_MASK, Message
from cocotbext.scsi.messages import split_messages


class MirrorMessage(IntEnum):
    """First bytes of the two-byte vendor messages."""

    QUERY = 0x26
    SWITCH_ROLE = 0x2C
    REPORT = 0x2D
    RELEASE = 0x2E


class MirrorExtended(IntEnum):
    """Codes of the extended vendor messages."""

    READ = 0x88
    WRITE = 0x8A
    NEXT = 0x8B
    CAPABILITY = 0x8C
    FAILED = 0x8D


EXTENDED_LENGTH: Final = 0x09
"""Length byte of MIRROR WRITE and READ without the last indicator."""
EXTENDED_LENGTH_LAST: Final = 0x0A
"""The same with the last indicator."""
EXTENDED_LENGTHS: Final = {
    MirrorExtended.READ: (EXTENDED_LENGTH, EXTENDED_LENGTH_LAST),
    MirrorExtended.WRITE: (EXTENDED_LENGTH, EXTENDED_LENGTH_LAST),
    MirrorExtended.NEXT: (0x06,),
    MirrorExtended.CAPABILITY: (0x04,),
    MirrorExtended.FAILED: (0x03,),
}
"""Length bytes that each extended vendor message may have."""
LAST: Final = 0xFF
"""Last indicator: the target that the message names is the last of the operation (of the group, in a query)."""
Z_LEAVE: Final = 0xF
"""ID within the group that means "leave the group" in a query."""


class MirrorFlag(IntFlag):
    """Extensions that MIRROR CAPABILITY offers or agrees on."""

    STATUS = 0x01
    SERIES = 0x02


@dataclass(frozen=True)
class VendorMessage:
    """One vendor message, parsed."""

    code: MirrorMessage | MirrorExtended
    group_id: int
    """The byte yz."""
    last: bool
    lba: int | None = None
    length: int | None = None
    """Bytes to transfer (WRITE and READ)."""
    flags: int | None = None
    """CAPABILITY."""
    block: int | None = None
    """CAPABILITY: most blocks in a series. FAILED BLOCK: the first block that failed, counted from 0."""


@dataclass(frozen=True)
class MessageOut:
    """A MESSAGE OUT phase, parsed: standard messages in front, at most one vendor message at the end."""

    lun: int | None = None
    tag: int | None = None
    vendor: VendorMessage | None = None
    other: tuple[bytes, ...] = ()


_TAGGED: Final = (Message.SIMPLE, Message.HEAD_OF_QUEUE, Message.ORDERED, Message.ACA)


def parse_message_out(data: bytes) -> MessageOut:
    """Take the bytes of a MESSAGE OUT phase (or of IDENTIFY and tag in a MESSAGE IN phase) apart."""
    lun: int | None = None
    tag: int | None = None
    other: list[bytes] = []
    messages = split_messages(data)
    for number, message in enumerate(messages):
        vendor = parse_vendor(message, messages[number + 1 :])
        if vendor is not None:
            return MessageOut(lun, tag, vendor, tuple(other))
        if message[0] >= Message.IDENTIFY:
            lun = message[0] & IDENTIFY_LUN_MASK
        elif message[0] in _TAGGED and len(message) == 2:
            tag = message[1]
        else:
            other.append(message)
    return MessageOut(lun, tag, None, tuple(other))


def parse_vendor(message: bytes, after: list[bytes]) -> VendorMessage | None:
    """The vendor message at the end of a phase, `after` being what follows it; None if it is none or is malformed."""
    if len(message) == 2 and message[0] in list(MirrorMessage):
        if after not in ([], [bytes((LAST,))]):
            return None
        return VendorMessage(MirrorMessage(message[0]), message[1], bool(after))
    if after or len(message) < 3 or message[0] != Message.EXTENDED or message[2] not in list(MirrorExtended):
        return None
    code, length = MirrorExtended(message[2]), message[1]
    if len(message) != 2 + length or length not in EXTENDED_LENGTHS[code]:
        return None
    yz, body = message[3], message[4:]
    if code is MirrorExtended.CAPABILITY:
        return VendorMessage(code, yz, False, flags=body[0], block=body[1])
    if code is MirrorExtended.FAILED:
        return VendorMessage(code, yz, False, block=body[0])
    lba = int.from_bytes(body[:4], "big")
    if code is MirrorExtended.NEXT:
        return VendorMessage(code, yz, False, lba)
    last = length == EXTENDED_LENGTH_LAST
    if last and message[-1] != LAST:
        return None
    return VendorMessage(code, yz, last, lba, int.from_bytes(body[4:7], "big"))
