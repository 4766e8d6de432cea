"""The initiator's side of a mirrored operation: one connection for all participants (silent-mirroring 5, 6, 9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..agreement import Agreement
from .connection import Connection, Host
from .mirror_messages import CODES, parse_pair, release, switch_role
from .task import Ended, Result, Task


@dataclass(slots=True)
class MirrorResult:
    """What came of a mirrored operation."""

    ended: Ended | None = None
    """How the connection ended: RELEASED if everything went as it should."""
    order: list[int] = field(default_factory=list)
    """SCSI IDs of the participants that took, in order (rank 0 first)."""
    skipped: list[int] = field(default_factory=list)
    """Participants that did not take."""
    statuses: list[int] = field(default_factory=list)
    """SCSI IDs in the order in which their status came."""
    results: dict[int, Result] = field(default_factory=dict)
    """Per SCSI ID."""

    @property
    def good(self) -> bool:
        """Released, and every participant reported GOOD."""
        return self.ended is Ended.RELEASED and all(result.good for result in self.results.values())


@dataclass(slots=True)
class Participant:
    """One participant as the initiator plans it."""

    task: Task
    yz: int


class MirrorConnection(Connection):
    """Names one participant after the other, then releases."""

    def __init__(
        self,
        host: Host,
        participants: Sequence[Participant],
        messages: Iterable[bytes],
        *,
        length: int,
        switch_repeats: int,
        ending_message: bytes | None = None,
    ) -> None:
        """`switch_repeats`: how often SWITCH ROLE is repeated for a participant that was reclaimed.
        `ending_message` goes out in place of RELEASE, which follows if it is rejected.
        """
        super().__init__(host, participants[0].task.target, participants[0].task, messages)
        self.taken: list[Participant] = []
        self.skipped: list[Participant] = []
        self._participants = list(participants)
        self._length = length
        self._repeats = switch_repeats
        self._ending_message = ending_message
        self._current = self._before = participants[0]
        self._named = 0
        self._tries = 0
        self._switching = False

    @property
    def agreement(self) -> Agreement:
        """As agreed with the current target, which is not always the one that was selected."""
        return self.host.negotiator.of(self._current.task.target)

    def expected_in(self) -> int | None:
        """LEN of the operation."""
        return self._length

    def data_ends(self) -> None:
        """This copy is through: switch on, or release."""
        self.taken.append(self._current)
        self._next()

    def _next(self) -> None:
        self._named += 1
        self._tries = 0
        self._name()

    def _name(self) -> None:
        if self._named >= len(self._participants):
            self._switching = False
            self.attention(self._ending_message or release(self._current.yz))
            return
        last = self._named == len(self._participants) - 1
        self._switching = True
        self._tries += 1
        self.attention(switch_role(self._participants[self._named].yz, last=last))

    def messages_sent(self, messages: list[bytes]) -> None:
        """After SWITCH ROLE the participant it names is the one whose data phase comes; after RELEASE, BUS FREE."""
        head = messages[-1]
        if parse_pair(head, CODES.switch_role):
            self._before, self._current = self._current, self._participants[self._named]
            self.task = self._current.task
        elif parse_pair(head, CODES.release):
            self.ending = Ended.RELEASED

    def message(self, message: bytes) -> bool:
        """RECLAIMED, and what every target may send."""
        if message[0] == CODES.switch_role and message[1] == self._participants[0].yz:
            self._not_taken(self._participants[0])
            return True
        return super().message(message)

    def rejected(self) -> None:
        """A rejected SWITCH ROLE: the target before remains the current one. A rejected ending message: RELEASE."""
        super().rejected()
        if self._switching:
            self._not_taken(self._before)
        elif self._ending_message is not None:
            self.ending = self._ending_message = None
            self.attention(release(self._current.yz))
        elif self.ending is Ended.RELEASED:
            self.ending = None

    def _not_taken(self, current: Participant) -> None:
        """The named participant does not take, `current` has the lines: name it again, or the next, or release."""
        self._current = current
        self.task = current.task
        self.ending = None
        if self._named < len(self._participants) and self._tries <= self._repeats:
            self._name()
            return
        if self._named < len(self._participants):
            self.skipped.append(self._participants[self._named])
        self._next()
