"""The RTL initiator and its tasks: attributes, many at once in any order, pointers, refusals, messages out of place."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, Timer

from cocotbext.scsi.constants import Message, Phase, Status
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from helpers.commands import read_10, write_10
from helpers.scripted_target import ScriptedTarget
from initiator_rig import (
    BAD_DESCRIPTOR,
    BLOCK,
    HEAD_OF_QUEUE,
    INITIATOR,
    OK,
    ORDERED,
    PARITY,
    REJECTED,
    SIMPLE,
    TARGET,
    TEST_UNIT_READY,
    InitiatorRig,
    pattern,
)

REJECT = bytes([Message.MESSAGE_REJECT])


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(attribute=[SIMPLE, HEAD_OF_QUEUE, ORDERED])
async def attributes(dut: Any, attribute: int) -> None:
    """The descriptor chooses the tag message."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    serving = cocotb.start_soon(target.serve())
    done = await host.command(TARGET, TEST_UNIT_READY, tag=0x5A, disc=True, attribute=attribute)
    assert done.good, done
    assert await serving == bytes([0xC0, Message.SIMPLE + attribute, 0x5A])
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(attribute=[SIMPLE, ORDERED])
async def tag_rejected(dut: Any, attribute: int) -> None:
    """A target that rejects the tag gets no command: REJECTED, by a message that the target can know."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    await host.send_command(TARGET, TEST_UNIT_READY, tag=1, disc=True, attribute=attribute)
    await target.selected()
    await target.say(*REJECT)
    expected = Message.ABORT_TASK_SET if attribute == SIMPLE else Message.ABORT_TASK
    assert await target.messages() == bytes([expected])
    if attribute != SIMPLE:
        await target.say(*REJECT)
        assert await target.messages() == bytes([Message.ABORT_TASK_SET])
    target.free()
    assert (await host.next_completion()).result == REJECTED
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def tag_rejected_before_negotiation(dut: Any) -> None:
    """The tag is rejected while a negotiation message is still to come: it is not said."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted(wide=True)
    await host.send_command(TARGET, TEST_UNIT_READY, tag=1, disc=True)
    await target.answer()
    await target.take(Phase.MSG_OUT, 3)
    assert target.attention
    await target.say(*REJECT)
    assert await target.messages() == bytes([Message.ABORT_TASK_SET])
    target.free()
    assert (await host.next_completion()).result == REJECTED
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(status=[Status.BUSY, Status.TASK_SET_FULL])
async def no_room(dut: Any, status: Status) -> None:
    """BUSY and TASK SET FULL are handed to the host; other tasks of the target go on."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted(YIELD_NS=0)
    await host.send_command(TARGET, TEST_UNIT_READY, tag=1, disc=True)
    await target.selected()
    await target.command()
    await target.disconnect()
    serving = cocotb.start_soon(target.serve(status))
    done = await host.command(TARGET, TEST_UNIT_READY, tag=2, disc=True)
    assert (done.result, done.status, done.tag) == (OK, status, 2)
    await serving
    await target.come_back(INITIATOR, 1)
    await target.complete()
    assert (await host.next_completion()).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(save=[True, False])
async def pointers_of_a_write(dut: Any, save: bool) -> None:
    """Disconnection in mid-data: reselection restores the pointers to what was saved; so does RESTORE POINTERS."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    data = pattern()
    await host.load(data)
    await host.send_command(TARGET, write_10(0), data_out=BLOCK, disc=True, tag=7)
    await target.selected()
    assert await target.command() == write_10(0)
    assert await target.take(Phase.DATA_OUT, 100) == data[:100]
    await target.disconnect(save=save)
    await target.come_back(INITIATOR, 7)
    first = 100 if save else 0
    assert await target.take(Phase.DATA_OUT, 50) == data[first : first + 50]
    await target.say(Message.RESTORE_POINTERS)
    assert await target.take(Phase.DATA_OUT, 20) == data[first : first + 20]
    await target.say(Message.SAVE_DATA_POINTER)
    assert await target.take(Phase.DATA_OUT, 30) == data[first + 20 : first + 50]
    await target.disconnect()
    await target.come_back(INITIATOR, 7)
    assert await target.take(Phase.DATA_OUT, BLOCK - first - 20) == data[first + 20 :]
    await target.complete()
    done = await host.next_completion()
    assert done.good
    assert done.moved == BLOCK
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def pointers_of_a_read(dut: Any) -> None:
    """The same inwards: what is sent again lies in its own place."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    data = pattern()
    await host.send_command(TARGET, read_10(0), data_in=BLOCK, disc=True)
    await target.selected()
    await target.command()
    await target.give(Phase.DATA_IN, b"\xee" * 40)
    await target.say(Message.RESTORE_POINTERS)
    await target.give(Phase.DATA_IN, data[:30])
    await target.disconnect(save=True)
    await target.come_back(INITIATOR)
    await target.give(Phase.DATA_IN, b"\xdd" * 99)
    await target.disconnect()
    await target.come_back(INITIATOR)
    await target.give(Phase.DATA_IN, data[30:])
    await target.complete()
    assert (await host.next_completion()).good
    assert await host.unload(BLOCK) == data
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(
    message=[
        bytes([1, 5, 0, 0, 0, 0, 4]),
        bytes([Message.LINKED_COMMAND_COMPLETE]),
        bytes([Message.IDENTIFY]),
    ]
)
async def rejected_messages(dut: Any, message: bytes) -> None:
    """MODIFY DATA POINTER and what is unasked for or out of place is rejected; the task goes on."""
    await rejected_message(dut, message)


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(
    message=[
        ("MSG-04", bytes([1, 9, 5, *range(8)])),
        ("MSG-03", bytes([0x25, 1])),
        ("MSG-03", bytes([0x1F])),
        ("MSG-03", bytes([0x60])),
        ("MSG-04", bytes([1, 1, 3])),
        ("MSG-04", bytes([1, 4, 3, 1, 1, 1])),
        ("MSG-06", bytes([Message.SIMPLE, 1])),
        ("MSG-10", bytes([Message.IGNORE_WIDE_RESIDUE, 2])),
        ("QAS-01", bytes([Message.QAS_REQUEST])),
    ]
)
async def rejected_nonsense(dut: Any, message: tuple[str, bytes]) -> None:
    """So is what no target may send."""
    await rejected_message(dut, message[1], message[0])


async def rejected_message(dut: Any, message: bytes, *violated: str) -> None:
    """A message in the midst of DATA OUT: MESSAGE REJECT, and on."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    data = pattern()
    await host.load(data)
    await host.send_command(TARGET, write_10(0), data_out=BLOCK)
    await target.selected()
    await target.command()
    assert await target.take(Phase.DATA_OUT, 10) == data[:10]
    await target.say(*message)
    assert await target.messages() == REJECT
    assert await target.take(Phase.DATA_OUT, BLOCK - 10) == data[10:]
    await target.complete()
    assert (await host.next_completion()).good
    await rig.finish(*violated)


@dataclass
class Job:
    """A command of the crowd, as the target that has it sees it."""

    target: int
    tag: int
    data: bytes
    read: bool
    refused: bool
    done: int = 0

    @property
    def status(self) -> Status:
        """What the target answers."""
        return Status.TASK_SET_FULL if self.refused else Status.GOOD


class Juggler:
    """A target that takes all its commands and then serves them in pieces, as the dice fall."""

    def __init__(self, target: ScriptedTarget, jobs: list[Job], rng: random.Random) -> None:
        self.target = target
        self.jobs = [job for job in jobs if job.target == target.scsi_id]
        self.rng = rng

    async def run(self) -> None:
        """Serve all jobs."""
        waiting = [job for job in self.jobs if await self._accept(job)]
        while waiting:
            await Timer(self.rng.randrange(1, 20), "us")
            job = self.rng.choice(waiting)
            if await self._serve_piece(job):
                waiting.remove(job)

    async def _accept(self, job: Job) -> bool:
        target = self.target
        assert await target.selected() == bytes([0xC0, Message.SIMPLE, job.tag])
        assert (await target.command())[0] == (0x28 if job.read else 0x2A)
        if job.refused:
            await target.complete(job.status)
        else:
            await target.disconnect()
        return not job.refused

    async def _serve_piece(self, job: Job) -> bool:
        """Some bytes after a reselection; True: the task has ended."""
        target = self.target
        await target.come_back(INITIATOR, job.tag)
        count = min(self.rng.choice((8, 30, len(job.data))), len(job.data) - job.done)
        piece = job.data[job.done : job.done + count]
        if job.read:
            await target.give(Phase.DATA_IN, piece)
        else:
            assert await target.take(Phase.DATA_OUT, count) == piece
        if job.done + count == len(job.data):
            await target.complete()
            return True
        save = self.rng.random() < 0.7
        job.done += count if save else 0
        await target.disconnect(save=save)
        return False


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def crowd(dut: Any) -> None:
    """24 tasks at three targets at once, in pieces and any order, pointers saved or not, some refused."""
    rig = InitiatorRig(dut)
    host = await rig.host(YIELD_NS=0, STATUS_TIMEOUT_US=0)
    rng = random.Random(cocotb.RANDOM_SEED)
    ids, size, deepest = (5, 4, 3), 64, 0
    refused = set(rng.sample(range(24), 3))
    jobs = [Job(ids[n % 3], n, rng.randbytes(size), rng.random() < 0.5, n in refused) for n in range(24)]
    playing = [
        cocotb.start_soon(Juggler(ScriptedTarget(rig.ports[n], scsi_id), jobs, rng).run())
        for n, scsi_id in enumerate(ids)
    ]
    for job in jobs:
        addr = size * job.tag
        await host.load(bytes(size) if job.read else job.data, addr)
        lengths = {"data_in": size} if job.read else {"data_out": size}
        cdb = (read_10 if job.read else write_10)(0)
        await host.send_command(job.target, cdb, disc=True, tag=job.tag, addr=addr, **lengths)
        deepest = max(deepest, await host.read("STATUS", "OUTSTANDING"))
    ended = {one.tag: one for one in [await host.next_completion() for _ in jobs]}
    for one in playing:
        await one
    assert deepest >= 16
    assert len(ended) == len(jobs)
    assert list(ended) != sorted(ended)
    for job in jobs:
        done = ended[job.tag]
        assert (done.result, done.target, done.status) == (OK, job.target, job.status), done
        if job.read and not job.refused:
            assert await host.unload(size, size * job.tag) == job.data
    assert await host.read("STATUS", "OUTSTANDING") == 0
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(leaves=[True, False])
async def bad_data_saved(dut: Any, leaves: bool) -> None:
    """A target saves the pointer behind data of whose parity it was told: no status makes them good any more.

    It is asked to end the task. One that does not listen and disconnects has no task any more when it is back.
    """
    rig = InitiatorRig(dut)
    host = await rig.host(YIELD_NS=0)
    faults, data = Faults(), pattern(8)
    target = ScriptedTarget(rig.ports[0], TARGET, faults=faults)
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.DATA_IN, 3))
    await host.send_command(TARGET, read_10(0), data_in=len(data), tag=1, disc=True)
    await target.selected()
    await target.command()
    await target.give(Phase.DATA_IN, data)
    assert await target.messages() == bytes([Message.INITIATOR_DETECTED_ERROR])
    if leaves:
        await target.disconnect(save=True)
        await target.come_back(INITIATOR, 1)
        await target.complete()
    else:
        await target.say(Message.SAVE_DATA_POINTER)
        assert await target.messages() == bytes([Message.ABORT_TASK])
        target.free()
    done = await host.next_completion()
    assert (done.result, done.tag) == (PARITY, 1), rig.monitor.last()
    assert await host.read("STATUS", "COMPLETIONS") == 0
    assert not faults.pending
    await rig.finish("PAR-06", *(("ATN-05", "ATN-06", "FRE-02") if leaves else ()))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def completions_read_blindly(dut: Any) -> None:
    """CPL1 is read at any time, without a look at CPL0: a completion that comes meanwhile is not taken off unseen."""
    rig = InitiatorRig(dut)
    host = await rig.host()
    opcode = 15  # none: ends as a bad descriptor at once
    for wait in range(20):
        await host.submit({"OPCODE": opcode, "TARGET": TARGET, "TAG": wait})
        await ClockCycles(dut.ini0_clk, wait + 1)
        found = 0
        for _ in range(12):
            found |= await host.port.read("CPL1")
            if found:
                break
        assert host.regs["CPL1"].unpack(found)["RESULT"] == BAD_DESCRIPTOR, (wait, found)
        assert await host.read("STATUS", "COMPLETIONS") == 0
    await rig.finish()
