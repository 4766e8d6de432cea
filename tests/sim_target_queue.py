"""The RTL target's queue: order, refusals, overlapped commands, aborts, disconnecting, several initiators."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.task import Task as Coroutine
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import Period
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models.connection import Connection
from cocotbext.scsi.models.initiator import InitiatorModel
from cocotbext.scsi.models.messages import identify
from cocotbext.scsi.models.task import Ended, Result, Task
from helpers.commands import cdb_6, read_10, write_10
from model_rig import pattern
from target_rig import BLOCK, OTHER_INITIATOR, TargetRig

DATA = pattern(BLOCK)
READY = cdb_6(0x00)
SLOW_NS = 60_000
"""Medium latency that leaves time for other commands."""


def _tagged(initiator: InitiatorModel, kind: Message, tag: int, cdb: bytes, data: bytes = b"") -> Coroutine[Result]:
    """Start a command with this kind of tag."""
    task = Task(5, 0, tag, cdb, data)
    connection = Connection(initiator, 5, task, [identify(disc_priv=True), bytes([kind, tag])])

    async def course() -> Result:
        initiator._submit(lambda: initiator._connect_one(connection, task))
        return await initiator._status_of(task)

    return cocotb.start_soon(course())


async def _started(rig: TargetRig, initiator: InitiatorModel, slow_ns: int = SLOW_NS) -> Coroutine[Result]:
    """A write with tag 1 whose data the slow medium is busy with; the drive has disconnected."""
    rig.medium(5).set_latency(slow_ns)
    task = cocotb.start_soon(initiator.command(5, write_10(0), data_out=DATA, tag=1))
    await rig.phase_begins(Phase.MSG_IN)
    await rig.bus_free()
    return task


async def _all(*tasks: Coroutine[Result]) -> list[Result]:
    return [await task for task in tasks]


def _in_order(results: dict[str, Result]) -> list[str]:
    """Names by the time of their status."""
    return sorted(results, key=lambda name: results[name].ended_ps)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def order(dut: Any) -> None:
    """HEAD OF QUEUE first, the last of them before the one before; all others as they came, untagged ones too."""
    rig = await TargetRig(dut, period=Period.FAST_40, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    await initiator.negotiate(5)
    kinds = {
        "simple": Message.SIMPLE,
        "ordered": Message.ORDERED,
        "head": Message.HEAD_OF_QUEUE,
    }
    for names, expected in (
        (("simple", "ordered", "head"), ["head", "simple", "ordered"]),
        (("ordered", "head", "simple"), ["head", "ordered", "simple"]),
    ):
        running = await _started(rig, initiator)
        rig.medium(5).set_latency(1000)
        tasks = {
            name: _tagged(initiator, kinds[name], 0x10 + number, write_10(1 + number), DATA)
            for number, name in enumerate(names)
        }
        results = {name: await task for name, task in tasks.items()}
        assert (await running).good
        assert all(result.good for result in results.values())
        assert _in_order({"running": await running, **results}) == ["running", *expected]
        assert all(result.messages_in[0] == bytes([Message.DISCONNECT]) for result in results.values())
    rig.image(5, b0=DATA, b1=DATA, b2=DATA, b3=DATA)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def two_heads(dut: Any) -> None:
    """The second HEAD OF QUEUE overtakes the first; an untagged command that may disconnect waits like a SIMPLE one."""
    rig = await TargetRig(dut, ids=(5,)).start()
    first, second = rig.initiator(), rig.initiator(OTHER_INITIATOR)
    await rig.ready(first)
    await rig.ready(second)
    running = await _started(rig, first)
    plain = cocotb.start_soon(second.command(5, READY, disc_priv=True))
    await Timer(12, unit="us")
    one = _tagged(first, Message.HEAD_OF_QUEUE, 2, READY)
    await Timer(12, unit="us")
    two = _tagged(first, Message.HEAD_OF_QUEUE, 3, READY)
    results = {"running": await running, "plain": await plain, "one": await one, "two": await two}
    assert all(result.good for result in results.values())
    assert _in_order(results) == ["running", "two", "one", "plain"]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def full(dut: Any) -> None:
    """Four tasks: a fifth gets TASK SET FULL if it is tagged, BUSY if not; BUSY where it may not disconnect."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    running = await _started(rig, initiator, 2 * SLOW_NS)
    assert (await initiator.command(5, READY)).status == Status.BUSY
    waiting = [cocotb.start_soon(initiator.command(5, READY, tag=tag)) for tag in (2, 3, 4)]
    full_tagged = cocotb.start_soon(initiator.command(5, READY, tag=5))
    full_untagged = cocotb.start_soon(initiator.command(5, READY, disc_priv=True))
    assert (await full_tagged).status == Status.TASK_SET_FULL
    assert (await full_untagged).status == Status.BUSY
    assert not running.done()
    assert all(result.good for result in await _all(running, *waiting))
    assert (await initiator.command(5, READY, tag=5)).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def disconnection_refused(dut: Any) -> None:
    """A command that would wait, from an initiator that reads another message than DISCONNECT: BUSY."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    running = await _started(rig, initiator)
    second = cocotb.start_soon(initiator.command(5, READY, tag=2))
    await rig.phase_begins(Phase.COMMAND)
    rig.host_slot.rx.invert(("db3", "db4"))
    await rig.phase_begins(Phase.MSG_OUT)
    rig.host_slot.rx.clear()
    assert (await second).status == Status.BUSY
    assert (await running).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def overlapped(dut: Any) -> None:
    """A nexus in use, executing or waiting: CHECK CONDITION 0Bh/4Eh, and that initiator's tasks are gone."""
    rig = await TargetRig(dut, ids=(5,)).start()
    first, second = rig.initiator(status_timeout_us=250), rig.initiator(OTHER_INITIATOR)
    await rig.ready(first)
    await rig.ready(second)
    for tag in (1, 2, None):
        running = await _started(rig, first)
        waiting = cocotb.start_soon(first.command(5, write_10(5), data_out=DATA, tag=2))
        untagged = cocotb.start_soon(first.command(5, write_10(6), data_out=DATA, disc_priv=True))
        other = cocotb.start_soon(second.command(5, READY, tag=2))
        await Timer(40, unit="us")
        again = await first.command(5, READY, tag=tag, disc_priv=True)
        assert again.status == Status.CHECK_CONDITION, tag
        assert await rig.sense(first, 5) == (SenseKey.ABORTED_COMMAND, Asc.OVERLAPPED_COMMANDS)
        assert [result.ended for result in await _all(running, waiting, untagged)] == [Ended.TIMEOUT] * 3
        assert (await other).good
        assert await rig.sense(second, 5) == (0, 0)
    rig.image(5, b0=DATA)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def aborts(dut: Any) -> None:
    """Who loses which task to which message, and who hears of it by UNIT ATTENTION."""
    rig = await TargetRig(dut, period=Period.FAST_40, ids=(5,)).start()
    first, second = rig.initiator(status_timeout_us=300), rig.initiator(OTHER_INITIATOR, status_timeout_us=300)
    table: tuple[tuple[list[bytes], set[str], tuple[int, int]], ...] = (
        ([b"\x20\x01", bytes([Message.ABORT_TASK])], {"executed"}, (0, 0)),
        ([b"\x20\x02", bytes([Message.ABORT_TASK])], {"waiting"}, (0, 0)),
        ([bytes([Message.ABORT_TASK])], set(), (0, 0)),
        ([bytes([Message.ABORT_TASK_SET])], {"executed", "waiting"}, (0, 0)),
        (
            [bytes([Message.CLEAR_TASK_SET])],
            {"executed", "waiting", "other"},
            (SenseKey.UNIT_ATTENTION, Asc.COMMANDS_CLEARED),
        ),
        (
            [bytes([Message.LOGICAL_UNIT_RESET])],
            {"executed", "waiting", "other"},
            (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET),
        ),
        (
            [bytes([Message.TARGET_RESET])],
            {"executed", "waiting", "other"},
            (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET),
        ),
    )
    for messages, gone, sense in table:
        await rig.ready(first)
        await rig.ready(second)
        await first.negotiate(5)
        running = await _started(rig, first)
        tasks = {
            "executed": running,
            "waiting": cocotb.start_soon(first.command(5, write_10(1), data_out=DATA, tag=2)),
            "other": cocotb.start_soon(second.command(5, READY, tag=1)),
        }
        await Timer(25, unit="us")
        ended = await first.message_out(5, identify(disc_priv=True), *messages)
        assert ended.ended is Ended.ABORTED, messages
        results = {name: await task for name, task in tasks.items()}
        assert {name for name, result in results.items() if result.ended is Ended.TIMEOUT} == gone, messages
        assert all(results[name].good for name in results.keys() - gone), messages
        assert await rig.sense(second, 5) == sense, messages
        assert not first.strangers
        assert not second.strangers
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def disconnects_in_mid_data(dut: Any) -> None:
    """More than the buffer holds and a slow medium: SAVE DATA POINTER and DISCONNECT in between, data in step."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    assert await initiator.negotiate_wide(5)
    many = pattern(9 * BLOCK, 7)
    rig.medium(5).set_latency(5_000)
    written = await initiator.command(5, write_10(4, 9), data_out=many, tag=1)
    assert (written.good, written.reselections) == (True, 2)
    assert written.messages_in[:2] == [bytes([Message.SAVE_DATA_POINTER]), bytes([Message.DISCONNECT])]
    rig.image(5, **{f"b{4 + n}": many[n * BLOCK : (n + 1) * BLOCK] for n in range(9)})
    rig.medium(5).set_latency(12_000)
    found = await initiator.command(5, read_10(4, 9), tag=1)
    assert (found.good, found.reselections, found.data) == (True, 2, many)
    assert found.messages_in.count(bytes([Message.SAVE_DATA_POINTER])) == 1
    assert found.messages_in.count(bytes([Message.DISCONNECT])) == 2
    found = await initiator.command(5, read_10(4, 9))
    assert (found.good, found.reselections, found.data) == (True, 0, many)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def two_initiators_at_once(dut: Any) -> None:
    """Commands of two initiators, each with several tags, to two drives: all data where it belongs."""
    rig = await TargetRig(dut, ids=(5, 4)).start()
    first, second = rig.initiator(), rig.initiator(OTHER_INITIATOR)
    for initiator in (first, second):
        await rig.ready(initiator)
        for target in rig.ids:
            assert await initiator.negotiate_wide(target)
    blocks = {lba: pattern(BLOCK, 3 + lba) for lba in range(8)}
    for target in rig.ids:
        rig.medium(target).set_latency(3_000)
    writes = [
        cocotb.start_soon((first, second)[lba & 1].command(target, write_10(lba), data_out=data, tag=lba >> 1))
        for lba, data in blocks.items()
        for target in rig.ids
        if lba < 4
    ]
    assert all(result.good for result in await _all(*writes))
    reads = {
        (target, lba): cocotb.start_soon((second, first)[lba & 1].command(target, read_10(lba), tag=lba))
        for lba in range(4)
        for target in rig.ids
    }
    for (_, lba), task in reads.items():
        result = await task
        assert (result.good, result.data) == (True, blocks[lba])
    for target in rig.ids:
        rig.image(target, b0=blocks[0], b1=blocks[1], b2=blocks[2], b3=blocks[3])
    assert len(rig.of_kind(Kind.RESELECTION)) > 4
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def sense_data_outlive_the_queue(dut: Any) -> None:
    """Sense data of a task that failed are there until the next command comes; one that waited already is none."""
    rig = await TargetRig(dut, ids=(5,), period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    await initiator.negotiate(5)
    running = await _started(rig, initiator, SLOW_NS // 2)
    fails = cocotb.start_soon(initiator.command(5, write_10(rig.blocks), data_out=DATA, tag=2))
    waits = cocotb.start_soon(initiator.command(5, write_10(1), data_out=DATA, tag=3))
    results = await _all(running, fails, waits)
    assert [result.status for result in results] == [Status.GOOD, Status.CHECK_CONDITION, Status.GOOD]
    assert results[1].ended_ps < results[2].ended_ps
    assert await rig.sense(initiator, 5) == (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE)
    assert await rig.sense(initiator, 5) == (0, 0)
    rig.image(5, b0=DATA, b1=DATA)
    await rig.finish()
