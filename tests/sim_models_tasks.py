"""Tasks of the Python models: queues, order, refusals, aborts, disconnection anywhere, many commands at once."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.task import Task as Running
from cocotb.triggers import Timer

from cocotbext.scsi import Phase
from cocotbext.scsi.constants import Asc, Message, Opcode, SenseKey, Status
from cocotbext.scsi.models import (
    Abort,
    DataBreak,
    Ended,
    GivenOrder,
    InitiatorModel,
    Job,
    Lifo,
    Medium,
    Pace,
    Queueing,
    RandomBreaks,
    RandomOrder,
    RandomPace,
    Result,
    TargetModel,
    Workload,
)
from cocotbext.scsi.models.port import now_ps
from helpers.commands import cdb_6, cdb_10, read_10, write_10
from model_rig import BLOCK, TARGET, Rig, pattern, sense_of

READY = cdb_6(Opcode.TEST_UNIT_READY)
SLOW = Pace(before_data=150_000)
CACHE_ON = bytes([0, 0, 0, 0, 8, 18, 4]) + bytes(17)
MODE_SELECT = bytes([Opcode.MODE_SELECT_6, 0x10, 0, 0, len(CACHE_ON), 0])


def slow_first(task: Any) -> Pace:
    """A write takes long, everything else no time."""
    return SLOW if task.cdb[0] == Opcode.WRITE_10 else Pace()


async def started(
    initiator: InitiatorModel, target: TargetModel, lba: int = 0, tag: int | None = 0x70
) -> Running[Result]:
    """A slow write; the target has disconnected."""
    before = len(target.pending)
    running = cocotb.start_soon(initiator.command(TARGET, write_10(lba), data_out=pattern(), tag=tag, disc_priv=True))
    while len(target.pending) == before:
        await Timer(200, unit="ns")
    await Timer(2, unit="us")
    return running


def by_end(results: dict[int, Result]) -> list[int]:
    """Names by the time of their end; all GOOD."""
    assert all(result.good for result in results.values()), results
    return sorted(results, key=lambda name: results[name].ended_ps)


async def sense_by(initiator: InitiatorModel) -> tuple[int, int, int]:
    """Response code, sense key, additional sense."""
    data = (await initiator.command(TARGET, cdb_6(Opcode.REQUEST_SENSE, 18))).data
    return data[0], data[2] & 0xF, int.from_bytes(data[12:14], "big")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def kinds_of_tags(dut: Any) -> None:
    """HEAD OF QUEUE first, ORDERED in its place, SIMPLE as the policy wants: here the latest first."""
    rig = Rig(dut)
    initiator, target = rig.initiator(), rig.target(pace=slow_first, queueing=Queueing(parallel=1, order=Lifo()))
    running = await started(initiator, target)
    kinds = (Message.SIMPLE, Message.SIMPLE, Message.ORDERED, Message.SIMPLE, Message.HEAD_OF_QUEUE, Message.SIMPLE)
    tasks = [cocotb.start_soon(initiator.command(TARGET, READY, tag=tag, kind=kind)) for tag, kind in enumerate(kinds)]
    results = {tag: await task for tag, task in enumerate(tasks)}
    assert (await running).good
    assert by_end(results | {9: await running}) == [9, 4, 1, 0, 2, 5, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def given_order(dut: Any) -> None:
    """Eight reads end in the order that was asked for, each with its own data."""
    rig = Rig(dut)
    order = [5, 2, 7, 0, 1, 6, 4, 3]
    initiator = rig.initiator()
    target = rig.target(queueing=Queueing(order=GivenOrder(order)))
    data = {tag: pattern(step=3 + 2 * tag) for tag in order}
    for tag, block in data.items():
        target.medium.write(tag, block)
    tasks = {tag: cocotb.start_soon(initiator.command(TARGET, read_10(tag), tag=tag)) for tag in range(8)}
    results = {tag: await task for tag, task in tasks.items()}
    assert by_end(results) == order
    assert {tag: result.data for tag, result in results.items()} == data
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def limited_queue(dut: Any) -> None:
    """Two tasks fit: TASK SET FULL for an initiator that has some, BUSY for others and where it cannot wait."""
    rig = Rig(dut)
    first, target = rig.initiator(), rig.target(pace=slow_first, queueing=Queueing(depth=2, parallel=1))
    second = InitiatorModel(rig.ports[2], 6)
    running = await started(first, target)
    assert (await first.command(TARGET, READY)).status == Status.BUSY
    waiting = cocotb.start_soon(first.command(TARGET, READY, tag=1))
    while len(target.pending) < 2:
        await Timer(1, unit="us")
    full = await first.command(TARGET, READY, tag=2)
    assert (full.ended, full.status) == (Ended.COMPLETE, Status.TASK_SET_FULL)
    assert (await second.command(TARGET, READY, tag=2)).status == Status.BUSY
    assert not running.done()
    assert (target.refused, len(target.pending)) == (3, 2)
    assert (await running).good
    assert (await waiting).good
    assert (await first.command(TARGET, READY, tag=2)).good
    # Nothing of this is an error that sense data would tell about.
    assert await sense_of(first) == (SenseKey.NO_SENSE, Asc.NONE)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def overlapped(dut: Any) -> None:
    """A nexus used twice: 0Bh/4Eh, the tasks of that initiator are gone, those of another are not."""
    rig = Rig(dut)
    first, target = rig.initiator(status_timeout_us=400), rig.target(pace=slow_first)
    second = InitiatorModel(rig.ports[2], 6)
    lost = [await started(first, target, lba, tag) for lba, tag in ((0, 1), (1, 2))]
    kept = await started(second, target, 2, 1)
    assert (await first.command(TARGET, READY, tag=2)).status == Status.CHECK_CONDITION
    assert await sense_of(first) == (SenseKey.ABORTED_COMMAND, Asc.OVERLAPPED_COMMANDS)
    assert [(await task).ended for task in lost] == [Ended.TIMEOUT, Ended.TIMEOUT]
    assert (await kept).good
    assert sorted(target.medium.written) == [2]
    assert not first.strangers
    await rig.finish()


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def management(dut: Any) -> None:
    """ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, TARGET RESET end what they name, no more."""
    rig = Rig(dut)
    first, target = rig.initiator(), rig.target(pace=slow_first)
    second = InitiatorModel(rig.ports[2], 6)
    assert await first.negotiate_wide(TARGET)
    reset = (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET)
    for message, survivors, attention in (
        (Message.ABORT_TASK, {2, 3}, None),
        (Message.ABORT_TASK_SET, {3}, None),
        (Message.CLEAR_TASK_SET, set(), (SenseKey.UNIT_ATTENTION, Asc.COMMANDS_CLEARED)),
        (Message.LOGICAL_UNIT_RESET, set(), reset),
        (Message.TARGET_RESET, set(), reset),
    ):
        target.medium.written.clear()
        tasks = {
            1: await started(first, target, 1, 1),
            2: await started(first, target, 2, 2),
            3: await started(second, target, 3, 1),
        }
        second._status_timeout_ns = 400_000
        tag = 1 if message is Message.ABORT_TASK else None
        assert (await first.manage(TARGET, message, tag=tag)).ended is Ended.ABORTED
        assert len(target.pending) == len(survivors)
        ends = {name: await task for name, task in tasks.items()}
        assert {name for name, end in ends.items() if end.good} == survivors, message
        gone_of_first = {1, 2} - survivors
        assert {name for name, end in ends.items() if end.ended is Ended.ABORTED} == gone_of_first
        assert set(target.medium.written) == survivors
        if attention is not None:
            if message is not Message.CLEAR_TASK_SET:
                assert await sense_of(first) == attention
            assert (await second.command(TARGET, READY)).status == Status.CHECK_CONDITION
            assert await sense_of(second) == attention
        assert (await first.command(TARGET, READY)).good
        assert (await second.command(TARGET, READY)).good
    assert TARGET not in first.agreements
    assert not target.session.agreements
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def queued_task_aborted(dut: Any) -> None:
    """A task that has not started is taken out of the queue; the one behind it goes on. Others hear nothing."""
    rig = Rig(dut)
    initiator, target = rig.initiator(), rig.target(pace=slow_first, queueing=Queueing(parallel=1))
    running = await started(initiator, target)
    queued = [cocotb.start_soon(initiator.command(TARGET, READY, tag=tag)) for tag in (1, 2)]
    while len(target.pending) < 3:
        await Timer(1, unit="us")
    assert initiator.outstanding(TARGET) == {0x70, 1, 2}
    assert (await initiator.manage(TARGET, Message.ABORT_TASK, tag=1)).ended is Ended.ABORTED
    assert initiator.outstanding(TARGET) == {0x70, 2}
    assert [(await task).ended for task in queued] == [Ended.ABORTED, Ended.COMPLETE]
    assert (await running).good
    assert [one.tag for one in target.tasks.aborted] == [1]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def aborted_while_connected(dut: Any) -> None:
    """ATN in the middle of the data, then ABORT TASK or ABORT TASK SET: nothing is written, nothing comes back."""
    rig = Rig(dut)
    initiator = rig.initiator()
    target = rig.target(breaks=[DataBreak(BLOCK), DataBreak(BLOCK + 20)])
    for message, cdb in ((Message.ABORT_TASK, write_10(0, 2)), (Message.ABORT_TASK_SET, read_10(0, 2))):
        data = pattern(2 * BLOCK) if cdb[0] == Opcode.WRITE_10 else b""
        abort = Abort(after=BLOCK + 10, message=message)
        result = await initiator.command(TARGET, cdb, data_out=data, tag=3, abort=abort)
        assert (result.ended, result.status, result.reselections) == (Ended.ABORTED, None, 1)
        assert (Phase.MSG_OUT, f"{message:02x}") in rig.phases()
    assert not target.pending
    assert not target.medium.written
    assert (await initiator.command(TARGET, READY)).good
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def held_after_check(dut: Any) -> None:
    """After CHECK CONDITION queued tasks wait for the initiator to fetch its sense data; others' tasks do not."""
    rig = Rig(dut)
    first, target = rig.initiator(), rig.target(pace=slow_first, queueing=Queueing(parallel=1))
    second = InitiatorModel(rig.ports[2], 6)
    running = await started(first, target)
    bad = cocotb.start_soon(first.command(TARGET, read_10(99), tag=1))
    held = cocotb.start_soon(first.command(TARGET, READY, tag=2))
    while len(target.pending) < 3:
        await Timer(1, unit="us")
    other = cocotb.start_soon(second.command(TARGET, READY, tag=2))
    assert (await running).good
    assert (await bad).status == Status.CHECK_CONDITION
    assert (await other).good
    await Timer(50, unit="us")
    assert not held.done()
    assert await sense_of(first) == (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE)
    assert (await held).good
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def queue_errors(dut: Any) -> None:
    """QErr 01: a CHECK CONDITION ends all tasks; the other initiator is told by UNIT ATTENTION."""
    rig = Rig(dut)
    first, target = rig.initiator(status_timeout_us=400), rig.target(pace=slow_first)
    second = InitiatorModel(rig.ports[2], 6, status_timeout_us=400)
    page = bytes(4) + bytes([0x0A, 10, 0, 0x02]) + bytes(8)
    assert (await first.command(TARGET, bytes([0x15, 0x10, 0, 0, len(page), 0]), data_out=page)).good
    assert (await second.command(TARGET, READY)).status == Status.CHECK_CONDITION
    assert await sense_of(second) == (SenseKey.UNIT_ATTENTION, Asc.MODE_PARAMETERS_CHANGED)
    lost = [await started(first, target, 0, 1), await started(second, target, 1, 1)]
    assert (await first.command(TARGET, read_10(99), tag=2)).status == Status.CHECK_CONDITION
    assert not target.pending
    assert [(await task).ended for task in lost] == [Ended.TIMEOUT, Ended.TIMEOUT]
    assert (await second.command(TARGET, READY)).status == Status.CHECK_CONDITION
    assert await sense_of(second) == (SenseKey.UNIT_ATTENTION, Asc.COMMANDS_CLEARED)
    assert await sense_of(first) == (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE)
    assert not target.medium.written
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def slow_on_the_bus(dut: Any) -> None:
    """Without DiscPriv a slow target holds the bus while it works, before the data and before the status."""
    rig = Rig(dut)
    initiator, target = rig.initiator(), rig.target(pace=Pace(60_000, 90_000))
    results = {}
    for disc_priv, least in ((False, 150_000_000), (True, 150_000_000)):
        before = now_ps()
        result = await initiator.command(TARGET, write_10(1), data_out=pattern(), disc_priv=disc_priv)
        assert result.good
        assert result.ended_ps - before > least
        results[disc_priv] = result.reselections
    assert results == {False: 0, True: 2}
    assert target.medium.read(1) == pattern()
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def mode_pages_at_work(dut: Any) -> None:
    """DImm and MAXIMUM BURST SIZE of the disconnect-reconnect page; nothing of it without DiscPriv."""
    rig = Rig(dut)
    initiator = rig.initiator()
    target = TargetModel(rig.ports[1], TARGET, Medium(blocks=4, block_len=512))
    assert await initiator.negotiate_wide(TARGET)
    page = bytes(4) + bytes([0x02, 14]) + bytes(8) + bytes([0, 1, 0x08, 0, 0, 0])
    assert (await initiator.command(TARGET, bytes([0x15, 0x10, 0, 0, len(page), 0]), data_out=page)).good
    data = pattern(3 * 512)
    saved = bytes([Message.SAVE_DATA_POINTER])
    for disc_priv, reselections in ((True, 3), (False, 0)):
        result = await initiator.command(TARGET, write_10(0, 3), data_out=data, disc_priv=disc_priv)
        assert (result.good, result.reselections, result.messages_in.count(saved)) == (
            True,
            reselections,
            max(reselections - 1, 0),
        )
        assert target.medium.read(0, 3) == data
        target.medium.written.clear()
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def write_cache(dut: Any) -> None:
    """With WCE a GOOD comes before the medium has the data; SYNCHRONIZE CACHE, time, or FUA bring them there."""
    rig = Rig(dut)
    initiator, target = rig.initiator(), rig.target(write_back_us=500)
    assert (await initiator.command(TARGET, MODE_SELECT, data_out=CACHE_ON)).good
    assert (await initiator.command(TARGET, write_10(1), data_out=pattern())).good
    assert not target.medium.written
    assert (await initiator.command(TARGET, read_10(1))).data == pattern()
    assert (await initiator.command(TARGET, cdb_10(Opcode.SYNCHRONIZE_CACHE_10, 0, 0))).good
    assert target.medium.read(1) == pattern()
    fua = bytes([Opcode.WRITE_10, 0x08]) + write_10(2)[2:]
    assert (await initiator.command(TARGET, fua, data_out=pattern())).good
    assert sorted(target.medium.written) == [1, 2]
    target.medium.unwritable = {4}
    assert (await initiator.command(TARGET, write_10(3, 2), data_out=pattern(2 * BLOCK))).good
    assert sorted(target.medium.written) == [1, 2]
    await Timer(600, unit="us")
    assert sorted(target.medium.written) == [1, 2, 3]
    assert (await initiator.command(TARGET, write_10(5), data_out=pattern())).status == Status.CHECK_CONDITION
    assert await sense_by(initiator) == (0xF1, SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR)
    assert (await initiator.command(TARGET, READY)).good
    assert sorted(target.medium.written) == [1, 2, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def verify_and_start_stop(dut: Any) -> None:
    """VERIFY(10) with and without data, a stopped unit, vital product data."""
    rig = Rig(dut)
    initiator = rig.initiator()
    rig.target(started=False)
    stop, start = (bytes([Opcode.START_STOP_UNIT, 0, 0, 0, on, 0]) for on in (0, 1))
    compare = bytes([Opcode.VERIFY_10, 0x02]) + write_10(3)[2:]
    assert (await initiator.command(TARGET, read_10(0))).status == Status.CHECK_CONDITION
    assert await sense_of(initiator) == (SenseKey.NOT_READY, Asc.START_REQUIRED)
    assert (await initiator.command(TARGET, start)).good
    assert (await initiator.command(TARGET, write_10(3), data_out=pattern())).good
    assert (await initiator.command(TARGET, cdb_10(Opcode.VERIFY_10, 3, 1))).good
    verified = await initiator.command(TARGET, compare, data_out=pattern())
    assert (verified.good, verified.sent) == (True, BLOCK)
    assert (await initiator.command(TARGET, compare, data_out=pattern(step=9))).status == Status.CHECK_CONDITION
    assert await sense_of(initiator) == (SenseKey.MISCOMPARE, Asc.MISCOMPARE)
    assert (await initiator.command(TARGET, stop)).good
    assert (await initiator.command(TARGET, compare, data_out=pattern())).sent == 0
    assert await sense_of(initiator) == (SenseKey.NOT_READY, Asc.START_REQUIRED)
    serial = await initiator.command(TARGET, bytes([Opcode.INQUIRY, 1, 0x80, 0, 64, 0]))
    assert serial.data == b"\0\x80\0\x040001"
    await rig.finish()


@cocotb.test(timeout_time=60, timeout_unit="ms")
async def many_tasks_to_many_targets(dut: Any) -> None:
    """Two initiators, three targets of different manners, 48 random commands at up to 16 each: every byte is right."""
    rig = Rig(dut)
    seed = cocotb.RANDOM_SEED
    rng = random.Random(seed)
    manners: tuple[dict[str, Any], ...] = (
        {"queueing": Queueing(order=RandomOrder(seed)), "pace": RandomPace(seed, 60_000)},
        {
            "queueing": Queueing(depth=3, parallel=1),
            "pace": RandomPace(seed, 90_000),
            "breaks": RandomBreaks(seed),
            "disconnect": ("data",),
        },
        {"queueing": Queueing(depth=6, parallel=2, order=Lifo()), "breaks": RandomBreaks(seed + 1), "pace": SLOW},
    )
    targets = {
        scsi_id: TargetModel(rig.ports[number + 2], scsi_id, Medium(blocks=16, block_len=BLOCK), **options)
        for number, (scsi_id, options) in enumerate(zip((5, 4, 3), manners, strict=True))
    }
    initiators = (rig.initiator(), InitiatorModel(rig.ports[1], 6))
    assert await initiators[0].negotiate_wide(5)
    written: dict[tuple[int, int], bytes] = {}
    workloads, runs = [], []
    for number, initiator in enumerate(initiators):
        jobs = []
        for scsi_id in targets:
            for lba in range(number * 8, number * 8 + 4):
                written[scsi_id, lba] = rng.randbytes(BLOCK)
                jobs.append(Job(scsi_id, write_10(lba), written[scsi_id, lba]))
                jobs.append(Job(scsi_id, read_10(lba)))
        workload = Workload(initiator)
        workloads.append(workload)
        runs.append(cocotb.start_soon(workload.run(jobs)))
    for workload, run in zip(workloads, runs, strict=True):
        jobs = await run
        assert all(job.result.good for job in jobs), [job for job in jobs if not job.result.good]
        for write, read in zip(jobs[::2], jobs[1::2], strict=True):
            # A read that came behind the write of the same blocks has seen it; a refusal may turn the two round.
            assert read.result.data == write.data_out or (write.refusals and not any(read.result.data))
        behind = [write for write in jobs[::2] if not write.refusals]
        assert len(behind) >= 4
        assert workload.peak == 16
        assert [job.tag for job in workload.ended] != [job.tag for job in jobs]
        assert len(workload.ended) == len(jobs) == 24
    for scsi_id, target in targets.items():
        assert target.medium.written == {lba: data for (where, lba), data in written.items() if where == scsi_id}
        assert not target.pending
        assert target.reselections > 8
    assert targets[4].refused > 0
    assert targets[3].refused > 0
    assert not any(initiator.strangers for initiator in initiators)
    await rig.finish()
