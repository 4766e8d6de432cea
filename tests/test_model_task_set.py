"""The target model's task set by itself: admission, order, refusals, aborts."""

from __future__ import annotations

import random

import pytest

from cocotbext.scsi.constants import Message, Opcode, Status
from cocotbext.scsi.models import BreakKind, Fifo, GivenOrder, Lifo, RandomBreaks, RandomOrder, RandomPace, TaskOrder
from cocotbext.scsi.models.disk import Transfer
from cocotbext.scsi.models.disk.mode import QueueErrors
from cocotbext.scsi.models.target_task import Stage, TargetTask
from cocotbext.scsi.models.task_set import TaskSet, Verdict

SIMPLE, HEAD, ORDERED = Message.SIMPLE, Message.HEAD_OF_QUEUE, Message.ORDERED


def cdb(opcode: int = Opcode.TEST_UNIT_READY, lba: int = 0, count: int = 1) -> bytes:
    """TEST UNIT READY, or a command with an address."""
    if opcode < 0x20:
        return bytes([opcode, 0, 0, 0, 18, 0])
    return bytes([opcode, 0, *lba.to_bytes(4, "big"), 0, *count.to_bytes(2, "big"), 0])


def task(
    tag: int | None, kind: Message = SIMPLE, command: bytes = cdb(), *, initiator: int = 7, lun: int = 0
) -> TargetTask:
    """A task that has just come."""
    return TargetTask(initiator, lun, tag, True, kind, command, stage=Stage.QUEUED)


def fill(tasks: TaskSet, *new: TargetTask) -> None:
    """Queue tasks that are accepted."""
    for one in new:
        assert tasks.admit(one) is Verdict.ACCEPTED
        tasks.add(one)


def start(one: TargetTask | None) -> int | None:
    """Start a task; its tag."""
    assert one is not None
    one.stage = Stage.DATA
    return one.tag


def drain(tasks: TaskSet) -> list[int | None]:
    """Start all that may, reconnect one and end it, and so on; tags in the order of their end."""
    order: list[int | None] = []
    while tasks.tasks:
        while (one := tasks.next_to_start()) is not None:
            start(one)
        done = tasks.next_to_reconnect(0)
        assert done is not None
        tasks.remove(done)
        tasks.ended(done)
        order.append(done.tag)
    assert tasks.next_to_start() is None
    return order


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([SIMPLE, SIMPLE, SIMPLE], [2, 1, 0]),
        ([SIMPLE, ORDERED, SIMPLE, SIMPLE], [0, 1, 3, 2]),
        ([SIMPLE, SIMPLE, ORDERED, ORDERED], [1, 0, 2, 3]),
        ([SIMPLE, HEAD, ORDERED, HEAD], [3, 1, 0, 2]),
        ([ORDERED, HEAD, SIMPLE], [1, 0, 2]),
    ],
)
def test_kinds_of_tags(kinds: list[Message], expected: list[int]) -> None:
    """The policy turns SIMPLE tasks round, and nothing else."""
    tasks = TaskSet(order=Lifo())
    fill(tasks, *(task(tag, kind) for tag, kind in enumerate(kinds)))
    assert drain(tasks) == expected


@pytest.mark.parametrize("parallel", [1, 2, None])
def test_orders(parallel: int | None) -> None:
    def ended(order: TaskOrder, count: int = 6) -> list[int | None]:
        tasks = TaskSet(order=order, parallel=parallel)
        fill(tasks, *(task(tag) for tag in range(count)))
        return drain(tasks)

    assert ended(Fifo()) == [0, 1, 2, 3, 4, 5]
    assert ended(GivenOrder([3, 1, 5])) == [3, 1, 5, 0, 2, 4]
    drawn = {seed: ended(RandomOrder(seed), 9) for seed in range(20)}
    assert drawn[3] == ended(RandomOrder(3), 9)
    assert len({tuple(one) for one in drawn.values()}) > 15
    assert all(sorted(tag for tag in one if tag is not None) == list(range(9)) for one in drawn.values())


def test_later_head_reconnects_first() -> None:
    tasks = TaskSet()
    fill(tasks, task(1, HEAD))
    start(tasks.next_to_start())
    fill(tasks, task(2), task(3, HEAD))
    assert drain(tasks) == [3, 1, 2]


def test_given_order_waits() -> None:
    order = GivenOrder([2, 1])
    tasks = TaskSet(order=order)
    fill(tasks, task(1))
    assert tasks.next_to_start() is None
    fill(tasks, task(2))
    assert start(tasks.next_to_start()) == 2
    assert tasks.next_to_start() is None
    # The task that is waited for may also be aborted.
    tasks.manage(Message.ABORT_TASK, 7, 0, 2)
    assert drain(tasks) == [1]


def test_parallel_and_ready() -> None:
    tasks = TaskSet(parallel=2)
    fill(tasks, task(1), task(2), task(3))
    first, second, third = tasks.tasks
    assert [start(tasks.next_to_start()) for _ in range(2)] == [1, 2]
    assert tasks.next_to_start() is None
    first.ready_ps, second.ready_ps = 500, 300
    assert tasks.next_to_reconnect(299) is None
    assert tasks.next_ready_ps(299) == 300
    assert tasks.next_to_reconnect(300) is second
    assert tasks.next_ready_ps(300) == 500
    assert tasks.next_to_reconnect(500) is first
    assert tasks.next_ready_ps(500) is None
    tasks.remove(second)
    assert tasks.next_to_start() is third


def test_same_blocks_stay_in_order() -> None:
    """Lifo may not exchange what one initiator does to the same blocks, unless told that it may."""
    write, read = Opcode.WRITE_10, Opcode.READ_10
    commands = [cdb(write, 4, 4), cdb(read, 6), cdb(read, 9), cdb(write, 7), cdb(Opcode.SYNCHRONIZE_CACHE_10), cdb()]
    tasks = TaskSet(order=Lifo())
    fill(tasks, *(task(tag, command=one) for tag, one in enumerate(commands)))
    assert drain(tasks) == [5, 2, 0, 3, 1, 4]
    tasks = TaskSet(order=Lifo(), unrestricted=lambda: True)
    fill(tasks, *(task(tag, command=one) for tag, one in enumerate(commands)))
    assert drain(tasks) == [5, 4, 3, 2, 1, 0]
    tasks = TaskSet(order=Lifo())
    fill(tasks, task(1, command=commands[0]), task(2, command=commands[0], initiator=6))
    assert drain(tasks) == [2, 1]


def test_depth() -> None:
    tasks = TaskSet(depth=2)
    fill(tasks, task(1), task(8))
    for tag, initiator, status in (
        (2, 7, Status.TASK_SET_FULL),
        (None, 6, Status.BUSY),
        (2, 6, Status.BUSY),
        (None, 7, Status.BUSY),
    ):
        new = task(tag, initiator=initiator)
        assert tasks.admit(new) is Verdict.FULL
        assert tasks.full_status(new) == status
    assert tasks.admit(task(3, command=cdb(Opcode.REQUEST_SENSE))) is Verdict.ACCEPTED
    tasks.remove(tasks.tasks[0])
    assert tasks.admit(task(2)) is Verdict.ACCEPTED


def test_overlapped() -> None:
    tasks = TaskSet()
    fill(tasks, task(1), task(2), task(1, initiator=6), task(1, lun=1), task(None))
    assert tasks.admit(task(2)) is Verdict.OVERLAPPED
    assert [one.nexus for one in tasks.tasks] == [(6, 0, 1), (7, 1, 1)]
    assert [one.tag for one in tasks.aborted] == [1, 2, None]


@pytest.mark.parametrize(
    ("message", "gone"),
    [
        (Message.ABORT_TASK, [0]),
        (Message.ABORT_TASK_SET, [0, 1]),
        (Message.CLEAR_TASK_SET, [0, 1, 3]),
        (Message.LOGICAL_UNIT_RESET, [0, 1, 3]),
        (Message.NO_OPERATION, []),
    ],
)
def test_management(message: Message, gone: list[int]) -> None:
    tasks = TaskSet()
    everyone = [task(1), task(2), task(1, lun=1), task(1, initiator=6)]
    fill(tasks, *everyone)
    assert tasks.manage(message, 7, 0, 1) == [everyone[number] for number in gone]
    assert tasks.tasks == [one for number, one in enumerate(everyone) if number not in gone]


def test_untagged_task_is_a_nexus_of_its_own() -> None:
    tasks = TaskSet()
    fill(tasks, task(1), task(None))
    tasks.manage(Message.ABORT_TASK, 7, 0, None)
    assert [one.tag for one in tasks.tasks] == [1]


def test_check_condition() -> None:
    def failing(errors: QueueErrors, *, hold: bool) -> TaskSet:
        tasks = TaskSet()
        fill(tasks, task(1), task(2, initiator=6), task(3))
        failed = task(9)
        assert tasks.admit(failed) is Verdict.ACCEPTED
        tasks.failed(failed, errors, hold=hold)
        return tasks

    tasks = failing(QueueErrors.NOTHING, hold=True)
    assert start(tasks.next_to_start()) == 2
    assert tasks.next_to_start() is None
    fetch = task(None, command=cdb(Opcode.REQUEST_SENSE))
    assert tasks.may_start(fetch)
    assert tasks.admit(fetch) is Verdict.ACCEPTED
    assert drain(tasks) == [1, 2, 3]
    assert drain(failing(QueueErrors.NOTHING, hold=False)) == [1, 2, 3]
    assert drain(failing(QueueErrors.ABORT_OWN, hold=True)) == [2]
    assert drain(failing(QueueErrors.ABORT_ALL, hold=True)) == []


def test_other_units_do_not_wait() -> None:
    tasks = TaskSet()
    fill(tasks, task(1, ORDERED), task(2, lun=3))
    assert tasks.may_start(tasks.tasks[1])


def test_never_stuck(seed: int) -> None:
    """Whatever the mixture, every task starts once and ends; ORDERED keeps its place; heads do not wait."""
    rng = random.Random(seed)
    seen: set[Message] = set()
    for _ in range(300):
        tasks = TaskSet(order=RandomOrder(rng.getrandbits(30)), parallel=rng.choice([1, 2, None]))
        new = [
            task(tag, rng.choice([SIMPLE, SIMPLE, ORDERED, HEAD]), cdb(rng.choice([0, 0x28, 0x2A]), rng.randrange(4)))
            for tag in range(rng.randrange(1, 12))
        ]
        fill(tasks, *new)
        order = drain(tasks)
        seen |= {one.kind for one in new}
        heads = [one.tag for one in new if one.kind == HEAD]
        assert order[: len(heads)] == heads[::-1]
        for one in new:
            if one.kind == ORDERED:
                at = order.index(one.tag)
                older = {other.tag for other in new if other.number < one.number}
                assert set(order[:at]) == older | set(heads)
    assert seen == {SIMPLE, ORDERED, HEAD}


def test_random_policies() -> None:
    one = task(1)
    assert [RandomPace(4, 900)(one) for _ in range(2)] == [RandomPace(4, 900)(one)] * 2
    pace = RandomPace(4, 900)
    drawn = [pace(one) for _ in range(50)]
    assert max(max(p.before_data, p.before_status) for p in drawn) <= 900
    assert len({p.before_data for p in drawn}) > 30
    breaks = RandomBreaks(5, most=3)
    assert breaks(one) == []
    one.transfer = Transfer(data_in=bytes(64))
    found = [breaks(one) for _ in range(60)]
    assert {len(some) for some in found} == {0, 1, 2, 3}
    assert all(0 <= each.at < 64 for some in found for each in some)
    assert {each.kind for some in found for each in some} == set(BreakKind)
