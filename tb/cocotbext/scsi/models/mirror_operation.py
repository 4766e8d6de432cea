"""What a member knows of a mirrored operation, and of the last MESSAGE OUT phase in it (protocol 5, 6, 15, 16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .disk import Transfer
from .mirror_messages import NO_EXTENSIONS, Extensions, MirrorOrder
from .target_task import TargetTask


@dataclass(slots=True)
class Operation:
    """Context of a mirrored operation, as this member snooped it."""

    order: MirrorOrder
    initiator: int
    lun: int
    tag: int | None
    disc_priv: bool
    extensions: Extensions = NO_EXTENSIONS
    """What this member has agreed on with the initiator."""
    heard_ps: int = 0
    """When MIRROR WRITE, READ or NEXT came: the medium works from then on."""
    valid: bool = False
    """The leader has asked for data."""
    taken: int = 0
    """Participants that asked for data so far."""
    last_announced: bool = False
    task: TargetTask | None = None
    """This member's own copy, once it took."""
    served: bool = False
    """This member has had its copy of the present block."""
    block: int = 0
    """The present block of a series, counted from 0."""
    next_lba: int | None = None
    """Of a NEXT that no data REQ has followed yet."""
    next_heard_ps: int = 0
    lba: int = 0
    """Of the present block."""
    reporting: bool = False
    """A REPORT was heard: there are no more copies."""
    disconnects: int = 0
    """Participants that answered REPORT with DISCONNECT."""
    reported: bool = False
    """This member has answered a REPORT."""
    delivered: bool = False
    """Its status counts as received: there is nothing left to report."""
    failed: int | None = None
    """The first block that failed at this member."""

    def begin_block(self) -> None:
        """The leader takes for NEXT, or asks for data after it: the new block is the present one."""
        if self.next_lba is not None:
            self.lba, self.heard_ps, self.next_lba = self.next_lba, self.next_heard_ps, None
            self.block += 1
            self.served = False

    @property
    def series(self) -> bool:
        """It has two blocks or more."""
        return self.block > 0

    @property
    def cut_off(self) -> bool:
        """Ended now, there would be no status (protocol 16)."""
        return self.series and not self.reporting


@dataclass(slots=True)
class Hand:
    """The last MESSAGE OUT phase that ended on the wires."""

    t0: int = 0
    good: bool = True
    switched: bool = False
    """It named somebody for data."""
    released: bool = False
    req_since: bool = False
    """REQ was seen after it."""
    before: tuple[bool, bool] | None = None
    """`reporting` and `last_announced` before a REPORT that may yet be rejected."""


class CopyHost(Protocol):
    """What a member needs of the target it belongs to."""

    def make_copy(self, operation: Operation, rank: int) -> TargetTask:
        """The task of this member's copy, with the transfer of the first block."""

    def copy_block(self, operation: Operation) -> Transfer:
        """The transfer of the present block."""

    def copy_completed(self, nexus: tuple[int, int, int | None]) -> None:
        """A TASK COMPLETE was snooped on a reselection."""

    def copy_ended(self, task: TargetTask) -> None:
        """The operation is over and this member owes the status of its copy."""
