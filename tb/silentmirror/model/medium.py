"""A sparse medium: the blocks written so far over what was there before."""

from __future__ import annotations

from collections.abc import Iterator


class MediumModel:
    """Blocks of a drive; `before` is the medium's content when the run starts, or a byte that fills it."""

    def __init__(self, blocks: int, block_bytes: int, before: bytes = b"\0", write_protected: bool = False) -> None:
        if len(before) not in (1, blocks * block_bytes):
            raise ValueError(f"content of {len(before)} bytes on a medium of {blocks * block_bytes}")
        self.blocks = blocks
        self.block_bytes = block_bytes
        self.write_protected = write_protected
        self._before = before
        self._written: dict[int, bytes] = {}

    def contains(self, lba: int, count: int) -> bool:
        """All of `count` blocks from `lba` on exist."""
        return 0 <= lba and lba + count <= self.blocks

    def read(self, lba: int, count: int = 1) -> bytes:
        """The bytes of `count` blocks."""
        return b"".join(self._block(n) for n in range(lba, lba + count))

    def write(self, lba: int, data: bytes) -> tuple[int, ...]:
        """Replace whole blocks; returns their numbers."""
        if len(data) % self.block_bytes or not self.contains(lba, len(data) // self.block_bytes):
            raise ValueError(f"{len(data)} bytes at block {lba} do not fit the medium")
        touched = tuple(range(lba, lba + len(data) // self.block_bytes))
        for index, number in enumerate(touched):
            self._written[number] = data[index * self.block_bytes : (index + 1) * self.block_bytes]
        return touched

    @property
    def written(self) -> Iterator[int]:
        """Numbers of the blocks written so far."""
        return iter(sorted(self._written))

    def _block(self, number: int) -> bytes:
        if not 0 <= number < self.blocks:
            raise ValueError(f"block {number} of {self.blocks}")
        if number in self._written:
            return self._written[number]
        if len(self._before) == 1:
            return self._before * self.block_bytes
        return self._before[number * self.block_bytes : (number + 1) * self.block_bytes]
