"""The blocks behind a target model, and its sense data."""

from __future__ import annotations

from dataclasses import dataclass

from ..constants import Asc, SenseKey

_CURRENT, _DEFERRED, _VALID = 0x70, 0x71, 0x80
_FIELD_VALID, _FIELD_IN_CDB = 0x80, 0x40


@dataclass(frozen=True, slots=True)
class Sense:
    """Sense key and additional sense, and what else fixed format has room for."""

    key: SenseKey
    asc: Asc
    information: int | None = None
    """The block address it is about; None: INFORMATION is not valid."""
    field: int | None = None
    """Which byte of the CDB or of the parameter list was refused."""
    in_cdb: bool = True
    """What `field` points into."""
    deferred: bool = False
    """It is about an earlier command, which had ended with GOOD."""

    def encode(self) -> bytes:
        """Fixed format, 18 bytes (spi-facts 9)."""
        data = bytearray(18)
        data[0] = _DEFERRED if self.deferred else _CURRENT
        data[2], data[7] = self.key, 10
        if self.information is not None:
            data[0] |= _VALID
            data[3:7] = self.information.to_bytes(4, "big")
        data[12:14] = int(self.asc).to_bytes(2, "big")
        if self.field is not None:
            data[15] = _FIELD_VALID | (_FIELD_IN_CDB if self.in_cdb else 0)
            data[16:18] = self.field.to_bytes(2, "big")
        return bytes(data)


class Medium:
    """Sparse blocks; what was never written reads as the fill byte."""

    def __init__(
        self, blocks: int = 256, block_len: int = 512, *, fill: int = 0, write_protected: bool = False
    ) -> None:
        """`blocks` is the capacity, `block_len` in bytes."""
        self.blocks = blocks
        self.block_len = block_len
        self.write_protected = write_protected
        self.written: dict[int, bytes] = {}
        """Blocks that were written, by LBA."""
        self.unreadable: set[int] = set()
        """Blocks that a disk cannot read: MEDIUM ERROR."""
        self.unwritable: set[int] = set()
        """Blocks that a disk cannot write: MEDIUM ERROR."""
        self._blank = bytes([fill]) * block_len

    def holds(self, lba: int, count: int) -> bool:
        """The range is on the medium."""
        return 0 <= lba and lba + count <= self.blocks

    def read(self, lba: int, count: int = 1) -> bytes:
        """`count` blocks from `lba` on."""
        return b"".join(self.written.get(block, self._blank) for block in range(lba, lba + count))

    def write(self, lba: int, data: bytes) -> None:
        """Whole blocks from `lba` on. Raises ValueError on a length that is not whole blocks."""
        if len(data) % self.block_len:
            raise ValueError(f"{len(data)} bytes are not whole blocks of {self.block_len}")
        for offset in range(0, len(data), self.block_len):
            self.written[lba + offset // self.block_len] = bytes(data[offset : offset + self.block_len])
