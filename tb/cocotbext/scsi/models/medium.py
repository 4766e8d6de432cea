"""The blocks behind a target model, and the sense data it keeps."""

from __future__ import annotations

from dataclasses import dataclass

from ..constants import Asc, SenseKey


@dataclass(frozen=True, slots=True)
class Sense:
    """Sense key and additional sense."""

    key: SenseKey
    asc: Asc

    def encode(self) -> bytes:
        """Fixed format, 18 bytes (spi-facts 9)."""
        data = bytearray(18)
        data[0], data[2], data[7] = 0x70, self.key, 10
        data[12:14] = int(self.asc).to_bytes(2, "big")
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
