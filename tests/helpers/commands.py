"""CDBs that tests send."""

from __future__ import annotations

from cocotbext.scsi.constants import Opcode


def cdb_6(opcode: int, length: int = 0) -> bytes:
    """A six-byte command with an allocation length."""
    return bytes([opcode, 0, 0, 0, length, 0])


def cdb_10(opcode: int, lba: int, blocks: int) -> bytes:
    """A ten-byte command with LBA and number of blocks."""
    return bytes([opcode, 0, *lba.to_bytes(4, "big"), 0, *blocks.to_bytes(2, "big"), 0])


def read_10(lba: int, blocks: int = 1) -> bytes:
    """READ(10)."""
    return cdb_10(Opcode.READ_10, lba, blocks)


def write_10(lba: int, blocks: int = 1) -> bytes:
    """WRITE(10)."""
    return cdb_10(Opcode.WRITE_10, lba, blocks)
