"""What the rules of silent mirroring remember of a connection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Operation:
    """A mirrored write or read, from its message to BUS FREE."""

    read: bool
    length: int
    leader: int
    """The leader's yz."""
    last: bool
    """The last indicator was seen."""
    valid: bool = False
    """The leader has asked for data: the operation exists for the members."""
    current: int = 0
    """yz of the current target."""
    taken: int = 0
    """Bytes that the current target has transferred."""


@dataclass
class HandOver:
    """From the message that changes the current target until somebody takes or reclaims."""

    t0: int
    yz: int | None
    """The member that may take; None for RELEASE."""
    old_slot: int | None
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
    query: int | None = None
    accepted: bool = False
    disc_priv: bool = False
    message_t0: int | None = None
    """End of the last MESSAGE OUT; None once a REQ has been seen after it."""
    reclaimed: bool = False
    """The leader has taken the lines back and has not yet said so."""
    vendor_done: bool = False
    """A vendor message was the last thing in this MESSAGE OUT phase."""
