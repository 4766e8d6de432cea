"""A task as the initiator knows it: what to transfer, where it stands, how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from cocotb.triggers import Event

from ..constants import Message, Status
from .mirror_messages import Extensions
from .port import now_ps


class Ended(StrEnum):
    """How a task or a connection ended."""

    COMPLETE = "complete"
    """TASK COMPLETE; for a query: answered with ACCEPT."""
    DISCONNECTED = "disconnected"
    """A connection only: the task lives on and its target reselects."""
    RELEASED = "released"
    """A mirrored connection only: the bus went free after RELEASE."""
    ABORTED = "aborted"
    """BUS FREE after a message that asks for it."""
    BUS_FREE = "bus_free"
    """Unexpected BUS FREE."""
    SELECTION_TIMEOUT = "selection_timeout"
    TIMEOUT = "timeout"
    """The target stopped, or the status never came."""
    RESET = "reset"
    CUT_OFF = "cut_off"
    """A mirror participant in a series that ended before the first REPORT: no status is owed."""
    SKIPPED = "skipped"
    """A mirror participant that did not take and was reclaimed by the leader."""
    NOT_REACHED = "not_reached"
    """A mirror participant whose turn did not come."""


@dataclass(slots=True)
class Result:
    """What came of a command, a query or one participant's copy."""

    ended: Ended | None = None
    status: int | None = None
    data: bytes = b""
    """Bytes of DATA IN."""
    sent: int = 0
    """Bytes of DATA OUT that the target took; more than was offered if it asked for more (zeros were sent)."""
    messages_in: list[bytes] = field(default_factory=list)
    """Every complete message from the target, over all connections of the task."""
    parity_errors: int = 0
    """Bytes from the target with wrong parity."""
    reselections: int = 0
    ended_ps: int = 0
    """Simulation time of the end, ps."""
    accepted: bool = False
    """Query: the target answered with ACCEPT."""
    extensions: Extensions | None = None
    """MIRROR CAPABILITY: what was agreed; None: nothing."""
    failed_block: int | None = None
    """The first block of a series that failed, as FAILED BLOCK says."""

    @property
    def good(self) -> bool:
        """Ended with TASK COMPLETE and status GOOD."""
        return self.ended is Ended.COMPLETE and self.status == Status.GOOD


@dataclass(frozen=True, slots=True)
class Abort:
    """The initiator ends a task that is connected: ATN once `after` bytes of its data have gone, then `message`."""

    after: int = 0
    message: Message = Message.ABORT_TASK


@dataclass(slots=True)
class Task:
    """One I_T_L(_Q) nexus and its pointers."""

    target: int
    lun: int = 0
    tag: int | None = None
    cdb: bytes = bytes(6)
    data_out: bytes = b""
    abort: Abort | None = None
    """When the initiator changes its mind."""
    command_pointer: int = 0
    data_pointer: int = 0
    saved_pointer: int = 0
    data_in: bytearray = field(default_factory=bytearray)
    result: Result = field(default_factory=Result)
    done: Event = field(default_factory=Event)
    yz: int | None = None
    """Of a mirrored operation's participant, whose FAILED BLOCK is understood."""

    def restore_pointers(self) -> None:
        """RESTORE POINTERS: back to the start of command and status, data to where it was saved."""
        self.command_pointer = 0
        self.data_pointer = self.saved_pointer

    def finish(self, ended: Ended) -> None:
        """The task is over; the first ending counts."""
        if self.result.ended is None:
            self.result.ended = ended
            self.result.ended_ps = now_ps()
            self.result.data = bytes(self.data_in)
            self.done.set()
