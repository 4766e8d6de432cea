"""Reading command descriptor blocks (spi-facts 9)."""

from __future__ import annotations

from dataclasses import dataclass

from ...constants import Asc, Opcode, SenseKey
from ..medium import Sense

_CDB_LENGTHS = {0: 6, 1: 10, 2: 10, 4: 16, 5: 12}
_CONTROL_UNSUPPORTED = 0x07
"""NACA, Flag, Link of the control byte."""
_RELATIVE = 0x01
_BLOCKS_OF_0_IN_6 = 256
_READS = (Opcode.READ_6, Opcode.READ_10)
_WRITES = (Opcode.WRITE_6, Opcode.WRITE_10)
_HARMLESS = (
    Opcode.TEST_UNIT_READY,
    Opcode.REQUEST_SENSE,
    Opcode.INQUIRY,
    Opcode.MODE_SENSE_6,
    Opcode.READ_CAPACITY_10,
    Opcode.REPORT_LUNS,
)


class Refusal(Exception):
    """CHECK CONDITION with this sense data."""

    def __init__(self, sense: Sense) -> None:
        super().__init__(sense)
        self.sense = sense


def illegal(asc: Asc, information: int | None = None) -> Refusal:
    """ILLEGAL REQUEST."""
    return Refusal(Sense(SenseKey.ILLEGAL_REQUEST, asc, information))


def bad_field(index: int) -> Refusal:
    """INVALID FIELD IN CDB, at this byte."""
    return Refusal(Sense(SenseKey.ILLEGAL_REQUEST, Asc.INVALID_FIELD_IN_CDB, field=index))


def bad_parameter(index: int) -> Refusal:
    """INVALID FIELD IN PARAMETER LIST, at this byte."""
    return Refusal(Sense(SenseKey.ILLEGAL_REQUEST, Asc.INVALID_FIELD_IN_PARAMETER_LIST, field=index, in_cdb=False))


def cdb_length(opcode: int) -> int:
    """Bytes of a command by its group code; vendor groups count as 6."""
    return _CDB_LENGTHS.get(opcode >> 5, 6)


def check_control(cdb: bytes) -> None:
    """No linked commands, no ACA. Raises Refusal."""
    if cdb[-1] & _CONTROL_UNSUPPORTED:
        raise bad_field(len(cdb) - 1)


def check_not_relative(cdb: bytes) -> None:
    """No relative addresses. Raises Refusal."""
    if cdb[1] & _RELATIVE:
        raise bad_field(1)


def address_6(cdb: bytes) -> tuple[int, int]:
    """(LBA, blocks) of READ(6) and WRITE(6)."""
    return int.from_bytes(cdb[1:4], "big") & 0x1F_FFFF, cdb[4] or _BLOCKS_OF_0_IN_6


def address_10(cdb: bytes) -> tuple[int, int]:
    """(LBA, blocks) of a ten-byte command."""
    return int.from_bytes(cdb[2:6], "big"), int.from_bytes(cdb[7:9], "big")


@dataclass(frozen=True, slots=True)
class Extent:
    """The blocks that a command is about."""

    lba: int
    blocks: int | None
    """None: all of them."""
    writes: bool
    """It may change what others see."""

    def disturbs(self, other: Extent) -> bool:
        """Exchanging the two would change what one of them does."""
        if not (self.writes or other.writes):
            return False
        if self.blocks is None or other.blocks is None:
            return True
        return self.lba < other.lba + other.blocks and other.lba < self.lba + self.blocks


def extent_of(cdb: bytes) -> Extent | None:
    """What a command touches; None: nothing that order matters to."""
    opcode = cdb[0]
    if opcode in _HARMLESS:
        return None
    if opcode in (*_READS, *_WRITES, Opcode.VERIFY_10):
        lba, blocks = address_6(cdb) if len(cdb) == 6 else address_10(cdb)
        return Extent(lba, blocks, writes=opcode in _WRITES)
    return Extent(0, None, writes=True)
