"""What the rules of silent mirroring remember of a connection."""

from __future__ import annotations

from dataclasses import dataclass, field

from cocotbext.scsi.checker import ReadMessage


def shown(message: ReadMessage) -> str:
    """A message as a violation tells it."""
    return f"message {message.data.hex(' ').upper()}"


@dataclass(frozen=True)
class Nexus:
    """Initiator's SCSI ID, LUN, tag."""

    initiator: int | None
    lun: int = 0
    tag: int | None = None


@dataclass
class Answer:
    """What a participant says after REPORT has named it."""

    yz: int
    asked: bool = False
    """It has asked for its first byte: the phase was judged."""
    status: int | None = None
    atn_with_status: bool = False
    complete: bool = False
    """All of it is there: the phase is held until ATN."""
    waiting: bool = False
    """It ended with ATN false."""
    held: bool = False
    """What came after it has been judged."""
    failed_said: bool = False


@dataclass
class Operation:
    """A mirrored write or read, from its message to BUS FREE."""

    nexus: Nexus
    read: bool
    length: int
    leader: int
    """The leader's yz."""
    last: bool
    """The last indicator was seen: of the copies, and after the first REPORT that of the reports."""
    valid: bool = False
    """The leader has asked for data: the operation exists for the members."""
    current: int = 0
    """yz of the current target."""
    taken: int = 0
    """Bytes that the current target has transferred."""
    blocks: int = 1
    copied: set[int] = field(default_factory=set)
    """yz of those that have asked for data."""
    last_named: int | None = None
    """yz that came with the last indicator."""
    reporting: bool = False
    """A REPORT was sent."""
    answer: Answer | None = None
    """Of the current target."""
    answered: set[int] = field(default_factory=set)
    """yz of those whose status, or DISCONNECT, was accepted."""
    delivered: set[int] = field(default_factory=set)
    """yz of those whose status was accepted."""
    discarded: bool = False
    """A message has ended the tasks: nobody reports."""

    @property
    def series(self) -> bool:
        """Two blocks or more."""
        return self.blocks > 1


@dataclass
class HandOver:
    """From the message that changes the current target until somebody takes or reclaims."""

    t0: int
    yz: int | None
    """The member that may take; None for RELEASE."""
    old_slot: int | None
    report: bool = False
    """It takes to report its status."""
    following: bool = False
    """It is the leader, and takes for a new block."""
    released: bool = False
    judged: bool = False
    """The release of the lines has been judged."""


@dataclass
class Release:
    """From RELEASE to BUS FREE."""

    quiet_since: int | None = None
    judged: bool = False
    dropped: int | None = None
    """When BSY was released."""


@dataclass
class State:
    """What one connection has come to."""

    operation: Operation | None = None
    hand_over: HandOver | None = None
    release: Release | None = None
    lun: int = 0
    tag: int | None = None
    query: int | None = None
    offer: bytes | None = None
    """MIRROR CAPABILITY of the initiator that was not answered yet."""
    accepted: bool = False
    disc_priv: bool = False
    message_t0: int | None = None
    """End of the last MESSAGE OUT; None once a REQ has been seen after it."""
    reclaimed: bool = False
    """The leader has taken the lines back and has not yet said so."""
    took: bool = False
    """Somebody has taken, or the leader was given the operation, and has not asked for data yet."""
    before: tuple[bool, bool, int | None] = (False, False, None)
    """`reporting`, `last` and `last_named` before the last message that passes the lines on."""
    moved: bool = False
    """The last MESSAGE OUT phase had such a message, which may yet be rejected or asked for again."""
    resends: int = 0
    """How often the present MESSAGE OUT phase was asked for again."""
    accepted_now: int | None = None
    """yz whose answer the last message that passes the lines on has accepted."""
    vendor_done: bool = False
    """A vendor message was the last thing in this MESSAGE OUT phase."""
