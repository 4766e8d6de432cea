"""What a mirrored operation names next: copies block by block, then statuses, then RELEASE (protocol 5, 15, 16)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from .mirror_messages import next_block, release, report, switch_role
from .task import Task


@dataclass(slots=True)
class Participant:
    """One participant as the initiator plans it."""

    task: Task
    yz: int
    copies: list[bytes] = field(default_factory=list)
    """Blocks that were read from it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a series."""

    lba: int
    data: bytes = b""
    """Of a write."""


class StepKind(Enum):
    """What a step does."""

    SWITCH = auto()
    NEXT = auto()
    REPORT = auto()
    RELEASE = auto()

    @property
    def is_copy(self) -> bool:
        """The target that it names asks for data."""
        return self in (StepKind.SWITCH, StepKind.NEXT)


@dataclass(frozen=True, slots=True)
class Step:
    """One message that passes the phase lines on, and to whom."""

    kind: StepKind
    part: Participant
    message: bytes


class MirrorPlan:
    """Names the participants in the order given, the first being the leader."""

    def __init__(
        self, participants: Sequence[Participant], later: Sequence[Block], *, reporters: Sequence[Participant]
    ) -> None:
        """`later` are the blocks after the first. `reporters` are asked for their status, in this order."""
        self.blocks = 1
        """Blocks begun."""
        self.copies_over = False
        self._leader = participants[0]
        self._copiers = list(participants)
        self._later = deque(later)
        self._to_copy = deque(participants[1:])
        self._to_report = deque(reporters)
        self._skipped: list[Participant] = []

    def next(self, current: Participant, *, served: Iterable[Participant]) -> Step:
        """The next step; `current` drives the phase lines, `served` have a copy to report on."""
        if not self.copies_over:
            if self._to_copy:
                part = self._to_copy.popleft()
                last = not (self._to_copy or self._later or self._to_report)
                return Step(StepKind.SWITCH, part, switch_role(part.yz, last=last))
            if self._later:
                block = self._later[0]
                return Step(StepKind.NEXT, self._leader, next_block(self._leader.yz, block.lba))
            self.end_copies(served)
        if self._to_report:
            part = self._to_report.popleft()
            return Step(StepKind.REPORT, part, report(part.yz, last=not self._to_report))
        return Step(StepKind.RELEASE, current, release(current.yz))

    def begin_block(self) -> Block:
        """NEXT was sent and the leader takes: the block it is for."""
        self.blocks += 1
        self._to_copy = deque(part for part in self._copiers[1:] if part not in self._skipped)
        return self._later.popleft()

    def skip(self, part: Participant) -> None:
        """It did not take: it is not named for data again."""
        self._skipped.append(part)

    def end_copies(self, served: Iterable[Participant]) -> None:
        """No more data: those without a copy have nothing to report."""
        self.copies_over = True
        parts = list(served)
        self._to_report = deque(part for part in self._to_report if part in parts)
