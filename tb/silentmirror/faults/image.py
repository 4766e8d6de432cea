"""A drive's medium: what it holds, and what it may have come to hold."""

from __future__ import annotations

from pathlib import Path

from .to_target import BLOCK
from .watch import PointFailed


class Image:
    """The blocks of one drive as they must be, from point to point."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self.kept = self._read()

    def changes(self) -> dict[int, bytes]:
        """Blocks that differ from what they were."""
        found = self._read()
        return {lba: block for lba, block in enumerate(found) if block != self.kept[lba]}

    def judge(self, allowed: dict[int, list[bytes]], due: dict[int, bytes], what: str) -> None:
        """Blocks have changed to what is `allowed` for them alone, and hold what is `due`; kept from now on.

        Raises:
            PointFailed: another change, or data missing for which there was a GOOD.
        """
        for lba, block in self.changes().items():
            if block not in allowed.get(lba, []):
                raise PointFailed(f"{what}: block {lba} of {self.name} has changed without a write that came whole")
        self.kept = self._read()
        for lba, block in due.items():
            if self.kept[lba] != block:
                raise PointFailed(f"{what}: GOOD, but block {lba} of {self.name} does not hold the data")

    def _read(self) -> list[bytes]:
        content = self.path.read_bytes()
        return [content[start : start + BLOCK] for start in range(0, len(content), BLOCK)]


def blocks_of(data: bytes, lba: int) -> dict[int, bytes]:
    """Block number to content of a write."""
    return {lba + n // BLOCK: data[n : n + BLOCK] for n in range(0, len(data), BLOCK)}


def pattern(number: int, length: int) -> bytes:
    """Data that no other point has: its number, then bytes in which a lost or swapped one shows."""
    body = bytearray((n * (2 * number + 3) + n // 256 + number) & 0xFF for n in range(length))
    for start in range(0, length, BLOCK):
        body[start : start + 6] = number.to_bytes(4, "big") + (start // BLOCK).to_bytes(2, "big")
    return bytes(body[:length])
