"""A task as the target knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from ..constants import Message, Opcode, Status
from .disk import Extent, Transfer
from .disk.cdb import extent_of
from .medium import Sense


class BreakKind(StrEnum):
    """How a target interrupts the data of a task."""

    SAVE = "save"
    """SAVE DATA POINTER, DISCONNECT; it goes on there after reselection."""
    LOSE = "lose"
    """DISCONNECT alone: after reselection the data begin again where they were last saved."""
    RESTORE = "restore"
    """RESTORE POINTERS: the data begin again where they were last saved, in this connection."""
    PAUSE = "pause"
    """SAVE DATA POINTER alone."""


@dataclass(frozen=True, slots=True)
class DataBreak:
    """One interruption, after `at` bytes of the task's data (rounded down to whole transfers). Each happens once."""

    at: int
    kind: BreakKind = BreakKind.SAVE


class Stage(Enum):
    """What comes next."""

    QUEUED = auto()
    """It has not started."""
    DATA = auto()
    STATUS = auto()


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a task takes beside its transfers, ns; the target leaves the bus meanwhile, if it may."""

    before_data: int = 0
    before_status: int = 0


@dataclass(slots=True)
class TargetTask:
    """An I_T_L(_Q) nexus with its command; `rank` is set for a copy of a mirrored operation."""

    initiator: int
    lun: int
    tag: int | None
    disc_priv: bool
    kind: Message = Message.SIMPLE
    """SIMPLE, HEAD OF QUEUE or ORDERED; an untagged task counts as SIMPLE."""
    cdb: bytes = b""
    """Empty for a copy of a mirrored operation."""
    number: int = 0
    """Counts the tasks of a task set in the order of their arrival."""
    pace: Pace = field(default_factory=Pace)
    ready_ps: int = 0
    """When it may next be carried on, ps of simulation time."""
    transfer: Transfer = field(default_factory=Transfer)
    stage: Stage = Stage.DATA
    pointer: int = 0
    """Bytes of data transferred."""
    saved: int = 0
    """Where SAVE DATA POINTER was last sent: the initiator goes back there on RESTORE POINTERS and reselection."""
    breaks: list[DataBreak] = field(default_factory=list)
    """Interruptions of the data that are still to come."""
    received: bytearray = field(default_factory=bytearray)
    status: int = Status.GOOD
    notice: bytes = b""
    """A message between STATUS and TASK COMPLETE."""
    rank: int | None = None
    failures: int = 0
    """Reselections that were not answered."""
    completions: int = 0
    """TASK COMPLETEs of the same operation snooped so far."""
    waited_ps: int = 0
    """Bus-free time since the last of them."""

    def restore(self) -> None:
        """The initiator's pointer goes back: RESTORE POINTERS, or the implied one at reselection."""
        self.pointer = self.saved
        del self.received[self.saved :]

    def start_again(self, transfer: Transfer) -> None:
        """The next block of a series: data from their beginning."""
        self.transfer = transfer
        self.stage = Stage.DATA
        self.pointer = self.saved = 0
        self.received.clear()

    @property
    def extent(self) -> Extent | None:
        """The blocks it is about."""
        return extent_of(self.cdb) if self.cdb else None

    @property
    def asks_for_sense(self) -> bool:
        """REQUEST SENSE: it passes by whatever waits."""
        return bool(self.cdb) and self.cdb[0] == Opcode.REQUEST_SENSE

    @property
    def nexus(self) -> tuple[int, int, int | None]:
        """(initiator, LUN, tag)."""
        return self.initiator, self.lun, self.tag

    def fail(self, sense: Sense, store: dict[int, Sense]) -> None:
        """CHECK CONDITION with this sense data."""
        self.status = Status.CHECK_CONDITION
        store[self.initiator] = sense
        self.stage = Stage.STATUS
