"""Names and codes of the parallel SCSI bus: phases, messages, status, commands, sense.

Source: SCSI-2 (X3.131) tables and their SPI-3/SPI-4 successors. A project that has the codes in Verilog as well
compares the two in a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final


class Phase(IntEnum):
    """Information phases as {MSG, C/D, I/O}, MSG the high bit (spi-facts 2)."""

    DATA_OUT = 0b000
    DATA_IN = 0b001
    COMMAND = 0b010
    STATUS = 0b011
    DT_DATA_OUT = 0b100
    DT_DATA_IN = 0b101
    MSG_OUT = 0b110
    MSG_IN = 0b111

    @property
    def is_in(self) -> bool:
        """The target sends (I/O true)."""
        return bool(self & 1)

    @property
    def is_data(self) -> bool:
        """A data phase, ST or DT (C/D false): the only phases that may be 16 bit wide."""
        return not self & 2

    @property
    def is_message(self) -> bool:
        """MESSAGE OUT or MESSAGE IN."""
        return self >= Phase.MSG_OUT


class Message(IntEnum):
    """First bytes of messages (spi-facts 6)."""

    TASK_COMPLETE = 0x00
    EXTENDED = 0x01
    SAVE_DATA_POINTER = 0x02
    RESTORE_POINTERS = 0x03
    DISCONNECT = 0x04
    INITIATOR_DETECTED_ERROR = 0x05
    ABORT_TASK_SET = 0x06
    MESSAGE_REJECT = 0x07
    NO_OPERATION = 0x08
    MESSAGE_PARITY_ERROR = 0x09
    LINKED_COMMAND_COMPLETE = 0x0A
    TARGET_RESET = 0x0C
    ABORT_TASK = 0x0D
    CLEAR_TASK_SET = 0x0E
    CLEAR_ACA = 0x16
    LOGICAL_UNIT_RESET = 0x17
    SIMPLE = 0x20
    HEAD_OF_QUEUE = 0x21
    ORDERED = 0x22
    IGNORE_WIDE_RESIDUE = 0x23
    ACA = 0x24
    QAS_REQUEST = 0x55
    IDENTIFY = 0x80


IDENTIFY_DISCPRIV: Final = 0x40
"""Bit of IDENTIFY: the target may disconnect."""
IDENTIFY_LUN_MASK: Final = 0x3F
"""Bits of IDENTIFY that hold the LUN at SPI-2 and later."""


class Extended(IntEnum):
    """Codes of extended messages (`01 length code ...`)."""

    SDTR = 0x01
    WDTR = 0x03
    PPR = 0x04


EXTENDED_LENGTH: Final = {Extended.SDTR: 3, Extended.WDTR: 2, Extended.PPR: 6}
"""Length byte of each extended message: bytes that follow it, code included."""


class Status(IntEnum):
    """Status bytes (spi-facts 9)."""

    GOOD = 0x00
    CHECK_CONDITION = 0x02
    CONDITION_MET = 0x04
    BUSY = 0x08
    INTERMEDIATE = 0x10
    INTERMEDIATE_CONDITION_MET = 0x14
    RESERVATION_CONFLICT = 0x18
    COMMAND_TERMINATED = 0x22
    TASK_SET_FULL = 0x28
    ACA_ACTIVE = 0x30
    TASK_ABORTED = 0x40


class Opcode(IntEnum):
    """Operation codes of a minimal disk (spi-facts 9)."""

    TEST_UNIT_READY = 0x00
    REQUEST_SENSE = 0x03
    READ_6 = 0x08
    WRITE_6 = 0x0A
    INQUIRY = 0x12
    MODE_SELECT_6 = 0x15
    MODE_SENSE_6 = 0x1A
    START_STOP_UNIT = 0x1B
    READ_CAPACITY_10 = 0x25
    READ_10 = 0x28
    WRITE_10 = 0x2A
    VERIFY_10 = 0x2F
    SYNCHRONIZE_CACHE_10 = 0x35
    REPORT_LUNS = 0xA0


class SenseKey(IntEnum):
    """Sense keys (spi-facts 9)."""

    NO_SENSE = 0x0
    RECOVERED_ERROR = 0x1
    NOT_READY = 0x2
    MEDIUM_ERROR = 0x3
    HARDWARE_ERROR = 0x4
    ILLEGAL_REQUEST = 0x5
    UNIT_ATTENTION = 0x6
    DATA_PROTECT = 0x7
    BLANK_CHECK = 0x8
    VENDOR_SPECIFIC = 0x9
    COPY_ABORTED = 0xA
    ABORTED_COMMAND = 0xB
    VOLUME_OVERFLOW = 0xD
    MISCOMPARE = 0xE


class Asc(IntEnum):
    """Additional sense as ASC * 256 + ASCQ (spi-facts 9)."""

    NONE = 0x0000
    START_REQUIRED = 0x0402
    """Logical unit not ready, initializing command required (SPC)."""
    WRITE_ERROR = 0x0C00
    UNRECOVERED_READ_ERROR = 0x1100
    PARAMETER_LIST_LENGTH_ERROR = 0x1A00
    MISCOMPARE = 0x1D00
    INVALID_OPCODE = 0x2000
    LBA_OUT_OF_RANGE = 0x2100
    INVALID_FIELD_IN_CDB = 0x2400
    LUN_NOT_SUPPORTED = 0x2500
    INVALID_FIELD_IN_PARAMETER_LIST = 0x2600
    WRITE_PROTECTED = 0x2700
    RESET_OCCURRED = 0x2900
    POWER_ON = 0x2901
    BUS_RESET = 0x2902
    TARGET_RESET = 0x2903
    MODE_PARAMETERS_CHANGED = 0x2A01
    COMMANDS_CLEARED = 0x2F00
    SAVING_PARAMETERS_NOT_SUPPORTED = 0x3900
    MESSAGE_ERROR = 0x4300
    INTERNAL_TARGET_FAILURE = 0x4400
    RESELECT_FAILURE = 0x4500
    PARITY_ERROR = 0x4700
    INITIATOR_DETECTED_ERROR = 0x4800
    INVALID_MESSAGE = 0x4900
    OVERLAPPED_COMMANDS = 0x4E00


PRIORITY: Final = (7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8)
"""SCSI IDs by arbitration priority, highest first (spi-facts 4.1)."""


def ids_by_priority(db: int) -> list[int]:
    """The SCSI IDs whose bits are set in DB(15-0), highest arbitration priority first."""
    return [scsi_id for scsi_id in PRIORITY if db >> scsi_id & 1]


def message_length(head: Sequence[int]) -> int | None:
    """Bytes of the message that starts with `head`, or None where more of it must be seen to tell.

    Lengths follow the format table of spi-facts 6: 01h is extended (its second byte counts what follows, 0 meaning
    256), 20h-2Fh has two bytes, everything else one. Codes 30h-54h and 56h-7Fh have no defined length and count as one.
    """
    if not head:
        return None
    first = head[0]
    if first == Message.EXTENDED:
        return 2 + (head[1] or 256) if len(head) > 1 else None
    return 2 if 0x20 <= first <= 0x2F else 1
