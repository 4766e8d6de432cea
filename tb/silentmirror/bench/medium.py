"""Control of one target's file-backed medium; data words stay between HDL and the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from silentmirror.bench.registers import Mailbox, Reg


class Medium:
    """A target's medium: what it has done so far, and errors on request."""

    def __init__(self, mailbox: Mailbox, slot: int, handle: Any, path: Path, blocks: int, block_len: int) -> None:
        self._mailbox = mailbox
        self._slot = slot
        self._handle = handle
        self.path = path
        """The image file, in use by the simulator: read it to check, do not write it."""
        self.blocks = blocks
        """Capacity in blocks."""
        self.block_len = block_len
        """Bytes a block."""

        self._base = (0, 0)

    def mark(self) -> None:
        """Count blocks from now on."""
        self._base = (int(self._handle.reads_q.value), int(self._handle.writes_q.value))

    @property
    def reads(self) -> int:
        """Blocks read since the bench started, failed ones included."""
        return int(self._handle.reads_q.value) - self._base[0]

    @property
    def writes(self) -> int:
        """Blocks written since the bench started, failed ones included."""
        return int(self._handle.writes_q.value) - self._base[1]

    @property
    def busy(self) -> bool:
        """A block is under way."""
        return bool(int(self._handle.busy.value))

    def block(self, lba: int) -> bytes:
        """Bytes of a block as the file has them now (completed writes are there); IndexError outside the medium."""
        if not 0 <= lba < self.blocks:
            raise IndexError(f"block {lba} is not within 0 to {self.blocks - 1}")
        with self.path.open("rb") as file:
            file.seek(lba * self.block_len)
            return file.read(self.block_len)

    def fail_next(self, count: int = 1) -> None:
        """Let the next `count` blocks end in an error; 0 takes it back. A block that fails leaves the file as it is."""
        self._mailbox.post(self._slot, Reg.MED_FAIL, count)

    def set_latency(self, ns: int) -> None:
        """Latency of blocks that start from now on, in nanoseconds."""
        self._mailbox.post(self._slot, Reg.MED_LATENCY_NS, ns)

    def set_write_protect(self, protected: bool) -> None:
        """Write protect for blocks that start from now on; the target sees it at once."""
        self._mailbox.post(self._slot, Reg.MED_WPROT, int(protected))
