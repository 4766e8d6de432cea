"""What must be seen: connections on the bus as lists of phases, and completions at the host."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from cocotbext.scsi.constants import Phase, Status


class Result(IntEnum):
    """CPL1.RESULT of the register map."""

    OK = 0
    SEL_TIMEOUT = 1
    BUS_FREE = 2
    PARITY = 3
    REJECTED = 4
    NOT_CAPABLE = 5
    SKIPPED = 6
    RESET = 7
    HANG = 8
    PROTOCOL = 9
    NO_STATUS = 10
    BAD_DESCRIPTOR = 11
    ABORTED = 12
    MEMBERS = 13
    """Mirrored command: not every member is OK with GOOD."""
    DIFFERS = 14
    """A member of a mirrored read: its copy is not what the first one sent."""
    NOT_NAMED = 15
    """A member of the group that the command did not name."""


@dataclass(frozen=True)
class Step:
    """One information phase. `data` None leaves the bytes open; bits that are 0 in `mask` are not compared."""

    phase: Phase
    by: int
    """SCSI ID of the target that drives the phase lines."""
    data: bytes | None
    mask: bytes | None = None
    note: str | None = None
    """What it means in silent mirroring, in the words of the annotator; None where it means nothing there."""

    def matches(self, phase: Phase | None, by: int | None, data: bytes) -> bool:
        """The phase seen is the one expected."""
        if (phase, by) != (self.phase, self.by):
            return False
        if self.data is None:
            return True
        if self.mask is None:
            return data == self.data
        return len(data) == len(self.data) and all(
            (a ^ b) & m == 0 for a, b, m in zip(data, self.data, self.mask, strict=True)
        )

    def __str__(self) -> str:
        shown = "(any)" if self.data is None else self.data[:20].hex(" ") + (" ..." if len(self.data) > 20 else "")
        return f"{self.phase.name} by {self.by}: {shown}"


@dataclass(frozen=True)
class Connection:
    """From a selection or reselection to BUS FREE."""

    reselection: bool
    initiator: int
    target: int
    """The target selected or reselecting: of a mirrored write the leader."""
    steps: tuple[Step, ...]
    exact: bool = True
    """False: further phases may follow the steps (a stranger may decline a message in several ways)."""
    optional: bool = False
    """True: may be missing (a status that may be delivered in the connection before)."""

    @property
    def key(self) -> tuple[bool, int, int]:
        """Connections with equal keys come in the order in which they are expected."""
        return (self.reselection, self.initiator, self.target)

    def __str__(self) -> str:
        arrow = (
            f"RESELECTION {self.target} -> {self.initiator}"
            if self.reselection
            else (f"SELECTION {self.initiator} -> {self.target}")
        )
        return "; ".join([arrow, *map(str, self.steps)])


@dataclass(frozen=True)
class ExpectedMember:
    """How a mirrored command ends for one member, and which of its logical blocks the medium then holds for sure."""

    target: int
    result: Result
    status: int = 0
    block: int = 0
    """The first block of the command that failed."""
    written: dict[int, bytes] = field(default_factory=dict)
    """LBA to content."""

    @property
    def good(self) -> bool:
        """All of the command."""
        return self.result is Result.OK and self.status == Status.GOOD


@dataclass(frozen=True)
class ExpectedCompletion:
    """One completion: for whom, how it ends, and which blocks the medium then holds for sure."""

    target: int
    rank: int
    """Of a mirrored command: members that are OK with GOOD."""
    result: Result
    status: int
    moved: int | None
    """Data bytes; None where the outcome leaves it open."""
    written: dict[int, bytes] = field(default_factory=dict)
    """LBA to content: what this completion stands for."""
    members: dict[int, ExpectedMember] = field(default_factory=dict)
    """Of a mirrored command, by z."""


@dataclass(frozen=True)
class Expectation:
    """All that one request leads to."""

    connections: list[Connection] = field(default_factory=list)
    completions: list[ExpectedCompletion] = field(default_factory=list)
