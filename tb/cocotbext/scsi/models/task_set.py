"""The task set of a target, apart from the bus: who may start, who waits, who is refused, who is aborted (SAM)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from ..constants import Message, Status
from .disk.mode import QueueErrors
from .target_task import Stage, TargetTask
from .task_order import Fifo, TaskOrder


class Verdict(Enum):
    """What becomes of a new task."""

    ACCEPTED = auto()
    FULL = auto()
    """It ends with `TaskSet.full_status`."""
    OVERLAPPED = auto()
    """Its nexus is in use; every task of the initiator for the logical unit has been aborted."""


class TaskSet:
    """All tasks of a target that are not on the bus, oldest first."""

    def __init__(
        self,
        *,
        depth: int | None = None,
        parallel: int | None = None,
        order: TaskOrder | None = None,
        unrestricted: Callable[[], bool] = lambda: False,
    ) -> None:
        """`depth`: tasks that it holds (None: any number). `parallel`: how many of them may have started. `order`
        chooses among SIMPLE tasks; unless `unrestricted`, tasks of one initiator for the same blocks stay in order.
        """
        self.tasks: list[TargetTask] = []
        self.depth = depth
        self.parallel = parallel
        self.order: TaskOrder = order or Fifo()
        self.held: set[int] = set()
        """Initiators whose tasks do not start before they send a command: they have sense data to fetch."""
        self.aborted: list[TargetTask] = []
        """Tasks that were ended without a status, in the order of their end."""
        self._unrestricted = unrestricted
        self._count = 0

    # -- coming and going ---------------------------------------------------------------------------------------

    def admit(self, task: TargetTask) -> Verdict:
        """Judge a task that has just come; it gets its number and is not added yet."""
        self._count += 1
        task.number = self._count
        self.held.discard(task.initiator)
        if any(task.nexus == other.nexus for other in self.tasks):
            self.abort(lambda other: other.initiator == task.initiator and other.lun == task.lun)
            return Verdict.OVERLAPPED
        if self.depth is not None and len(self.tasks) >= self.depth and not task.asks_for_sense:
            return Verdict.FULL
        return Verdict.ACCEPTED

    def full_status(self, task: TargetTask) -> Status:
        """TASK SET FULL where the initiator has tasks that will end and make room; else BUSY."""
        mine = any(other.initiator == task.initiator for other in self.tasks)
        return Status.TASK_SET_FULL if mine and task.tag is not None else Status.BUSY

    def add(self, task: TargetTask) -> None:
        """A task that leaves the bus without having ended."""
        self.tasks.append(task)
        self.tasks.sort(key=lambda one: one.number)

    def remove(self, task: TargetTask) -> None:
        """A task that goes on the bus, or has been given up."""
        self.tasks.remove(task)

    def ended(self, task: TargetTask) -> None:
        """A task that was on the bus is over."""
        self.order.ended(task)

    def abort(self, which: Callable[[TargetTask], bool]) -> list[TargetTask]:
        """End tasks without a status; returns them."""
        gone = [task for task in self.tasks if which(task)]
        self.tasks[:] = [task for task in self.tasks if task not in gone]
        self.aborted += gone
        for task in gone:
            self.order.ended(task)
        return gone

    def manage(self, message: int, initiator: int, lun: int, tag: int | None) -> list[TargetTask]:
        """ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET; returns the tasks that it ended."""
        nexus = (initiator, lun, tag)
        which: dict[int, Callable[[TargetTask], bool]] = {
            Message.ABORT_TASK: lambda task: task.nexus == nexus,
            Message.ABORT_TASK_SET: lambda task: (task.initiator, task.lun) == (initiator, lun),
            Message.CLEAR_TASK_SET: lambda task: task.lun == lun,
            Message.LOGICAL_UNIT_RESET: lambda task: task.lun == lun,
        }
        return self.abort(which[message]) if message in which else []

    def failed(self, task: TargetTask, queue_errors: QueueErrors, *, hold: bool) -> list[TargetTask]:
        """A task has ended with CHECK CONDITION; returns the tasks that QErr aborts. `hold`: the others wait."""
        if hold:
            self.held.add(task.initiator)
        if queue_errors is QueueErrors.NOTHING:
            return []
        everyone = queue_errors is QueueErrors.ABORT_ALL
        return self.abort(lambda other: other.lun == task.lun and (everyone or other.initiator == task.initiator))

    def clear(self) -> None:
        """Reset: no task, nobody held."""
        self.abort(lambda _: True)
        self.held.clear()

    # -- order --------------------------------------------------------------------------------------------------

    def may_start(self, task: TargetTask) -> bool:
        """A queued task, or one that has just come, may start now."""
        if task.asks_for_sense:
            return True
        if task.initiator in self.held:
            return False
        others = [other for other in self.tasks if other is not task and other.lun == task.lun]
        started = sum(other.stage is not Stage.QUEUED and other.rank is None for other in others)
        if self.parallel is not None and started >= self.parallel:
            return False
        if task.kind == Message.HEAD_OF_QUEUE:
            return not any(other.kind == Message.HEAD_OF_QUEUE and other.number > task.number for other in others)
        older = [other for other in others if other.number < task.number]
        if any(other.kind == Message.HEAD_OF_QUEUE for other in others):
            return False
        if task.kind == Message.ORDERED:
            return not older
        return not any(other.kind == Message.ORDERED or self._bound(task, other) for other in older)

    def _bound(self, task: TargetTask, older: TargetTask) -> bool:
        """The two must stay in order, since they are one initiator's and touch the same blocks."""
        if self._unrestricted() or task.initiator != older.initiator:
            return False
        mine, before = task.extent, older.extent
        return mine is not None and before is not None and mine.disturbs(before)

    def next_to_start(self, new: TargetTask | None = None) -> TargetTask | None:
        """The queued task that starts now, if any may; `new` has just come and is on the bus."""
        queued = [task for task in self.tasks if task.stage is Stage.QUEUED]
        return self._pick([task for task in (*queued, *([new] if new else [])) if self.may_start(task)])

    def next_to_reconnect(self, now_ps: int) -> TargetTask | None:
        """The started task, other than a mirrored copy, that reconnects now, if any is ready."""
        return self._pick(
            [
                task
                for task in self.tasks
                if task.rank is None and task.stage is not Stage.QUEUED and task.ready_ps <= now_ps
            ]
        )

    def _pick(self, tasks: list[TargetTask]) -> TargetTask | None:
        """HEAD OF QUEUE before everything, the latest first; the policy decides about the rest."""
        heads = [task for task in tasks if task.kind == Message.HEAD_OF_QUEUE]
        if heads:
            return heads[-1]
        return self.order.pick(tasks) if tasks else None

    def next_ready_ps(self, now_ps: int) -> int | None:
        """When the next started task becomes ready that is not ready now."""
        return min(
            (task.ready_ps for task in self.tasks if task.stage is not Stage.QUEUED and task.ready_ps > now_ps),
            default=None,
        )
