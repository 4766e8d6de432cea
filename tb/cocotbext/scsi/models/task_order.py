"""In which order a target takes tasks that may be exchanged, how long they take, where it interrupts them."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence

from .target_task import BreakKind, DataBreak, Pace, TargetTask

PacePolicy = Callable[[TargetTask], Pace]
"""Says of each new task how long it takes."""

BreakPolicy = Callable[[TargetTask], Iterable[DataBreak]]
"""Says of each task, once its transfer is known, where its data are interrupted."""


class TaskOrder(ABC):
    """Which of several tasks comes first. It is asked again whenever something has changed."""

    @abstractmethod
    def pick(self, tasks: Sequence[TargetTask]) -> TargetTask | None:
        """One of `tasks`, which are at least one, oldest first; None: wait for another."""

    def ended(self, task: TargetTask) -> None:
        """A task is over, one way or another."""
        del task


class Fifo(TaskOrder):
    """As they came."""

    def pick(self, tasks: Sequence[TargetTask]) -> TargetTask | None:
        """The oldest."""
        return tasks[0]


class Lifo(TaskOrder):
    """The latest first."""

    def pick(self, tasks: Sequence[TargetTask]) -> TargetTask | None:
        """The youngest."""
        return tasks[-1]


class RandomOrder(TaskOrder):
    """Every task draws its place by a seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def pick(self, tasks: Sequence[TargetTask]) -> TargetTask | None:
        """The lowest number drawn."""
        return min(tasks, key=lambda task: random.Random(f"{self._seed}/{task.number}").random())


class GivenOrder(TaskOrder):
    """Tags in the order in which their tasks are to end; the target waits for the next one. Other tasks come last."""

    def __init__(self, tags: Iterable[int]) -> None:
        self._tags = list(tags)

    def pick(self, tasks: Sequence[TargetTask]) -> TargetTask | None:
        """The task with the next tag, if it is there."""
        if not self._tags:
            return tasks[0]
        return next((task for task in tasks if task.tag == self._tags[0]), None)

    def ended(self, task: TargetTask) -> None:
        """It is no longer waited for."""
        if task.tag in self._tags:
            self._tags.remove(task.tag)


class RandomPace:
    """Times up to a limit, by a seed."""

    def __init__(self, seed: int, most_ns: int) -> None:
        self._rng = random.Random(seed)
        self._most = most_ns

    def __call__(self, task: TargetTask) -> Pace:
        """Both times of this task."""
        del task
        return Pace(self._rng.randint(0, self._most), self._rng.randint(0, self._most))


class RandomBreaks:
    """Up to `most` interruptions of any kind, anywhere in the data, by a seed."""

    def __init__(self, seed: int, most: int = 3) -> None:
        self._rng = random.Random(seed)
        self._most = most

    def __call__(self, task: TargetTask) -> list[DataBreak]:
        """The interruptions of this task."""
        length = task.transfer.out_len or len(task.transfer.data_in)
        if not length:
            return []
        kinds = list(BreakKind)
        count = self._rng.randint(0, self._most)
        return [DataBreak(self._rng.randrange(length), self._rng.choice(kinds)) for _ in range(count)]
