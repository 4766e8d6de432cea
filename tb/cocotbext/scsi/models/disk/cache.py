"""A write cache in front of a medium: blocks that are promised but not yet written."""

from __future__ import annotations

from collections.abc import Callable

from ...constants import Asc, SenseKey
from ..medium import Medium, Sense
from .cdb import Refusal


class WriteCache:
    """Holds blocks until they are written to the medium."""

    def __init__(self, medium: Medium, failed: Callable[[int, Sense], None]) -> None:
        """`failed` hears of a block, and whose it was, that could not be written after its command had ended."""
        self.medium = medium
        self.dirty: dict[int, tuple[bytes, int]] = {}
        """LBA -> data and the initiator that wrote it."""
        self._failed = failed

    def keep(self, lba: int, data: bytes, initiator: int) -> None:
        """Blocks to be written later."""
        length = self.medium.block_len
        for offset in range(0, len(data), length):
            block = lba + offset // length
            self.dirty[block] = data[offset : offset + length], initiator

    def read(self, lba: int, count: int) -> bytes:
        """Blocks as an initiator sees them. Raises Refusal at a block that cannot be read."""
        return b"".join(self._block(block) for block in range(lba, lba + count))

    def _block(self, lba: int) -> bytes:
        if lba in self.dirty:
            return self.dirty[lba][0]
        if lba in self.medium.unreadable:
            raise Refusal(Sense(SenseKey.MEDIUM_ERROR, Asc.UNRECOVERED_READ_ERROR, lba))
        return self.medium.read(lba)

    def write_through(self, lba: int, data: bytes) -> None:
        """Blocks to the medium now. Raises Refusal at the first that cannot be written."""
        length = self.medium.block_len
        for offset in range(0, len(data), length):
            self._put(lba + offset // length, data[offset : offset + length])

    def _put(self, lba: int, data: bytes) -> None:
        if lba in self.medium.unwritable:
            raise Refusal(Sense(SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR, lba))
        self.medium.write(lba, data)
        self.dirty.pop(lba, None)

    def flush(self, lba: int = 0, count: int | None = None, *, initiator: int | None = None) -> None:
        """Write a range (to the end without `count`).

        With `initiator` its command waits for this: the first of its own blocks that fails is a current error, a
        Refusal. Every other failure is deferred.
        """
        last = self.medium.blocks if count is None else lba + count
        refusal: Refusal | None = None
        for block, (data, owner) in list(self.dirty.items()):
            if not lba <= block < last:
                continue
            try:
                self._put(block, data)
            except Refusal as failure:
                # The data is lost, and somebody is told.
                del self.dirty[block]
                if refusal is None and owner == initiator:
                    refusal = failure
                else:
                    self._failed(owner, failure.sense)
        if refusal is not None:
            raise refusal
