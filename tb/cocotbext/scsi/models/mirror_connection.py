"""The initiator's side of a mirrored operation: one connection for all participants (protocol 5, 6, 9, 15, 16)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..agreement import Agreement
from ..constants import Message, Phase, Status
from .connection import Connection, Host
from .mirror_messages import CODES, parse_failed
from .mirror_plan import Block, MirrorPlan, Step, StepKind
from .mirror_plan import Participant as Participant
from .task import Ended, Result, Task


@dataclass(slots=True)
class MirrorResult:
    """What came of a mirrored operation."""

    ended: Ended | None = None
    """How the connection ended: RELEASED if everything went as it should."""
    order: list[int] = field(default_factory=list)
    """SCSI IDs of the participants that took, in order (rank 0 first)."""
    skipped: list[int] = field(default_factory=list)
    """Participants that did not take when they were named for data."""
    reported: list[int] = field(default_factory=list)
    """SCSI IDs of those whose status was delivered in the connection, in order."""
    statuses: list[int] = field(default_factory=list)
    """SCSI IDs in the order in which their status came."""
    differs: list[int] = field(default_factory=list)
    """Read: SCSI IDs of those whose copy is not the first one's."""
    results: dict[int, Result] = field(default_factory=dict)
    """Per SCSI ID; the data of a series is that of all its blocks."""

    @property
    def good(self) -> bool:
        """Released, and every participant reported GOOD."""
        return self.ended is Ended.RELEASED and all(result.good for result in self.results.values())


class MirrorConnection(Connection):
    """Names one participant after the other for each block, then for its status if that is wanted, then releases."""

    def __init__(
        self,
        host: Host,
        participants: Sequence[Participant],
        messages: Iterable[bytes],
        *,
        length: int,
        switch_repeats: int,
        ending_message: bytes | None = None,
        later: Sequence[Block] = (),
        reporters: Sequence[Participant] = (),
    ) -> None:
        """`switch_repeats`: how often a message is repeated that names a participant and was reclaimed.
        `ending_message` goes out in place of RELEASE, which follows if it is rejected. `later`: the blocks of a series
        after the first. `reporters`: whose status is asked for with REPORT, in this order.
        """
        super().__init__(host, participants[0].task.target, participants[0].task, messages)
        self.taken: list[Participant] = []
        self.skipped: list[Participant] = []
        self.reported: list[Participant] = []
        """Those whose status counts as delivered."""
        self.plan = MirrorPlan(participants, later, reporters=reporters)
        self._leader = participants[0]
        self._length = length
        self._repeats = switch_repeats
        self._ending_message = ending_message
        self._current = self._before = participants[0]
        self._step: Step | None = None
        """The message that was said last, or is to be; None in the leader's first copy."""
        self._took: Step | None = None
        """The last step whose participant has had all data."""
        self._tries = 0
        self._said = False
        """The message of the present step went out whole."""
        self._came: tuple[Participant, Step] | None = None
        """Its status has come, in answer to this step, and is not delivered yet."""
        self._block: Block | None = None
        """The present block, unless it is the first."""
        self._first_report = False

    @property
    def agreement(self) -> Agreement:
        """As agreed with the current target, which is not always the one that was selected."""
        return self.host.negotiator.of(self._current.task.target)

    @property
    def cut_off(self) -> bool:
        """A series in which no REPORT went out whole: no status is owed (protocol 16)."""
        return self.plan.blocks > 1 and not self._first_report

    def expected_in(self) -> int | None:
        """LEN of the operation."""
        return self._length

    def end(self, *, freed: bool) -> None:
        """It is over: a status counts as delivered if the message after it went out whole and the bus is free."""
        for part in self.taken:
            if part.copies:
                part.task.data_in[:] = b"".join(part.copies)
        if freed:
            self._deliver()
        if self._came is not None:
            self._came[0].task.result.status = None

    def ending_of(self, task: Task, ended: Ended) -> Ended:
        """What the end of the connection means to one participant."""
        if ended is Ended.ABORTED:
            return Ended.ABORTED
        if any(part.task is task for part in self.reported):
            return Ended.COMPLETE
        if any(part.task is task for part in self.taken):
            return Ended.CUT_OFF if self.cut_off else Ended.DISCONNECTED
        if any(part.task is task for part in self.skipped):
            return Ended.SKIPPED
        if task is self.task and ended is not Ended.RELEASED:
            return ended
        return Ended.NOT_REACHED

    # -- steps --------------------------------------------------------------------------------------------------

    def data_ends(self) -> None:
        """This copy is through: switch on, or release. One that was damaged comes again."""
        part = self._current
        if part not in self.taken:
            self.taken.append(part)
        self._took = self._step
        if self.outbox.holds(bytes([Message.INITIATOR_DETECTED_ERROR])):
            return
        if part.task.data_in:
            part.copies.append(bytes(part.task.data_in))
        self._next()

    def _next(self) -> None:
        self._tries = 0
        self._say(self.plan.next(self._current, served=self.taken))

    def _say(self, step: Step) -> None:
        self._step = step
        self._said = False
        self._tries += 1
        instead = self._ending_message if step.kind is StepKind.RELEASE else None
        self.attention(instead or step.message)

    def messages_sent(self, messages: list[bytes]) -> None:
        """The participant that the message names is the one whose phase comes; after RELEASE, BUS FREE."""
        step = self._step
        if step is None or messages[-1] != step.message:
            return
        if not self._said:
            self._said = True
            self._before, self._current = self._current, step.part
            self.task = step.part.task
        if step.kind is StepKind.RELEASE:
            self.ending = Ended.RELEASED
        self._first_report |= step.kind is StepKind.REPORT

    def _leave_phase(self, phase: Phase) -> None:
        super()._leave_phase(phase)
        if phase is Phase.STATUS or phase.is_data:
            self._deliver()
        if phase.is_data and self._said and self._step is not None and self._step.kind.is_copy:
            self._begin_copy(self._step)

    def _begin_copy(self, step: Step) -> None:
        """The participant asks for data: its pointers are those of the present block."""
        task = self._current.task
        if step.kind is StepKind.NEXT:
            self._block = self.plan.begin_block()
        if self._block is not None:
            task.data_out = self._block.data
        task.data_pointer = task.saved_pointer = 0
        task.data_in.clear()

    # -- what the targets say -----------------------------------------------------------------------------------

    def status_came(self) -> None:
        """STATUS in the connection; after one that is not GOOD a series goes on with FAILED BLOCK."""
        step = self._reporting
        if step is None:
            return
        self._came = self._current, step
        if self.plan.blocks == 1 or self._current.task.result.status == Status.GOOD:
            self._next()

    @property
    def _reporting(self) -> Step | None:
        """The REPORT that the current target is answering."""
        step = self._step
        return step if step is not None and step.kind is StepKind.REPORT and self._said else None

    def message(self, message: bytes) -> bool:
        """RECLAIMED, the answers to REPORT, and what every target may send."""
        if message[0] == CODES.switch_role and message[1] == self._leader.yz:
            self._deliver()
            self._not_taken(self._leader)
            return True
        reporting = self._reporting is not None
        if reporting and message[0] == Message.DISCONNECT:
            self._deliver()
            self._next()
            return True
        failed = parse_failed(message)
        if reporting and failed is not None and failed[0] == self._current.yz:
            self._current.task.result.failed_block = failed[1]
            self._next()
            return True
        return super().message(message)

    def _deliver(self) -> None:
        """A REQ that is no resend and no rejection, or BUS FREE, has followed the message after a status."""
        if self._came is not None and self._said and self._came[1] is not self._step:
            self.reported.append(self._came[0])
            self._came = None

    def rejected(self) -> None:
        """The target before remains the current one. A rejected ending message: RELEASE."""
        super().rejected()
        step = self._step
        if step is None:
            return
        if step.kind is not StepKind.RELEASE:
            self._not_taken(self._before)
        elif self._ending_message is not None:
            self.ending = self._ending_message = None
            self.attention(step.message)
        elif self.ending is Ended.RELEASED:
            self.ending = None

    def _not_taken(self, current: Participant) -> None:
        """Who was named does not take, `current` has the lines: the same again, or the next, or release."""
        step = self._step
        self._current = current
        self.task = current.task
        self.ending = None
        if step is None or step.kind is StepKind.RELEASE or step is self._took:
            # It took, and gave up: its status tells the rest.
            self._next()
            return
        if self._tries <= self._repeats:
            self._say(step)
            return
        if step.kind is StepKind.SWITCH:
            self.skipped.append(step.part)
            self.plan.skip(step.part)
        elif step.kind is StepKind.NEXT:
            self.plan.end_copies(self.taken)
        self._next()
