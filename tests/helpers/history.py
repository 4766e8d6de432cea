"""What a block may hold when several hosts write it, worked out from when each host began and heard of the end."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Written:
    """One block that was written or read, as a host saw it; times in simulation steps."""

    began: float
    """When the host handed the command over."""
    ended: float
    """When it heard of the end."""
    data: bytes


@dataclass
class History:
    """Every write of every host. A write counts as one moment, nobody knows which, between its begin and its end."""

    before: dict[int, bytes]
    """By SCSI ID: the whole medium at the start."""
    block_len: int
    writes: dict[tuple[int, int], list[Written]] = field(default_factory=dict)

    def add(self, scsi_id: int, lba: int, written: Written) -> None:
        """A write that ended GOOD."""
        self.writes.setdefault((scsi_id, lba), []).append(written)

    def possible(self, scsi_id: int, lba: int, began: float, ended: float) -> set[bytes]:
        """What a read in that time may find: no write that came after it, none that had certainly been replaced."""
        start = Written(-1, -1, self.before[scsi_id][lba * self.block_len :][: self.block_len])
        writes = [start, *self.writes.get((scsi_id, lba), [])]
        newest = max(one.began for one in writes if one.ended <= began)
        return {one.data for one in writes if one.ended >= newest and one.began <= ended}
