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
        self._failures = 0

    def fail_next(self, count: int = 1) -> None:
        """Let the next `count` blocks that are read or written end in an error."""
        self._failures = count

    def fails(self) -> bool:
        """Whether the next block ends in an error, which is used up by that."""
        failing = self._failures > 0
        self._failures -= failing
        return failing

    def contains(self, lba: int, count: int) -> bool:
        """All of `count` blocks from `lba` on exist."""
        return 0 <= lba and lba + count <= self.blocks

    def read(self, lba: int, count: int = 1) -> bytes:
        """The bytes of `count` blocks."""
        return b"".join(self._block(n) for n in range(lba, lba + count))

    def write(self, lba: int, data: bytes) -> dict[int, bytes]:
        """Replace whole blocks; returns them by number."""
        if len(data) % self.block_bytes or not self.contains(lba, len(data) // self.block_bytes):
            raise ValueError(f"{len(data)} bytes at block {lba} do not fit the medium")
        size = self.block_bytes
        touched = {lba + index: data[index * size :][:size] for index in range(len(data) // size)}
        self._written |= touched
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
