"""A task as the target knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from ..constants import Status
from .disk import Transfer
from .medium import Sense


class Stage(Enum):
    """What comes next."""

    DATA = auto()
    STATUS = auto()


@dataclass(slots=True)
class TargetTask:
    """An I_T_L(_Q) nexus with its command; `rank` is set for a copy of a mirrored operation."""

    initiator: int
    lun: int
    tag: int | None
    disc_priv: bool
    transfer: Transfer = field(default_factory=Transfer)
    stage: Stage = Stage.DATA
    pointer: int = 0
    """Bytes of data transferred."""
    received: bytearray = field(default_factory=bytearray)
    status: int = Status.GOOD
    rank: int | None = None
    failures: int = 0
    """Reselections that were not answered."""
    completions: int = 0
    """TASK COMPLETEs of the same operation snooped so far."""
    waited_ps: int = 0
    """Bus-free time since the last of them."""

    @property
    def nexus(self) -> tuple[int, int, int | None]:
        """(initiator, LUN, tag)."""
        return self.initiator, self.lun, self.tag

    def fail(self, sense: Sense, store: dict[int, Sense]) -> None:
        """CHECK CONDITION with this sense data."""
        self.status = Status.CHECK_CONDITION
        store[self.initiator] = sense
        self.stage = Stage.STATUS
