"""The RTL initiator and task management: messages, tasks that they end, functions without effect, bad descriptors."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import with_timeout

from cocotbext.scsi import Kind
from cocotbext.scsi.constants import Message, Phase
from helpers.scripted_target import ScriptedTarget
from initiator_rig import (
    ABORTED,
    BAD_DESCRIPTOR,
    BUS_FREE,
    FUNCTIONS,
    INITIATOR,
    OK,
    PROTOCOL,
    REJECTED,
    SEL_TIMEOUT,
    TARGET,
    TASK_MANAGEMENT,
    TEST_UNIT_READY,
    Host,
    InitiatorRig,
)

REJECT = bytes([Message.MESSAGE_REJECT])
MESSAGES = {
    "ABORT_TASK": Message.ABORT_TASK,
    "ABORT_TASK_SET": Message.ABORT_TASK_SET,
    "CLEAR_TASK_SET": Message.CLEAR_TASK_SET,
    "LOGICAL_UNIT_RESET": Message.LOGICAL_UNIT_RESET,
    "TARGET_RESET": Message.TARGET_RESET,
}


async def leave_waiting(host: Host, targets: dict[int, ScriptedTarget], tasks: list[tuple[int, int, int]]) -> None:
    """Commands that disconnect at once: (target, LUN, tag)."""
    for scsi_id, lun, tag in tasks:
        await host.send_command(scsi_id, TEST_UNIT_READY, lun=lun, tag=tag, disc=True)
        await targets[scsi_id].selected()
        await targets[scsi_id].command()
        await targets[scsi_id].disconnect()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(function=list(FUNCTIONS))
async def management(dut: Any, function: str) -> None:
    """The message goes out, the tasks that it names end as ABORTED before its own completion, no other does."""
    rig = InitiatorRig(dut)
    host = await rig.host(YIELD_NS=0)
    targets = {5: ScriptedTarget(rig.ports[0], 5), 4: ScriptedTarget(rig.ports[1], 4)}
    tasks = [(5, 0, 1), (5, 0, 2), (5, 1, 3), (4, 0, 1)]
    await leave_waiting(host, targets, tasks)
    one_task = function == "ABORT_TASK"
    await host.send_management(5, function, tag=2 if one_task else None)
    expected = b"\xc0" + (b"\x20\x02" if one_task else b"") + bytes([MESSAGES[function]])
    assert await targets[5].selected() == expected
    targets[5].free()
    ends = {"ABORT_TASK": [tasks[1]], "TARGET_RESET": tasks[:3]}.get(function, tasks[:2])
    done = [await host.next_completion() for _ in range(len(ends) + 1)]
    assert (done[-1].opcode, done[-1].target, done[-1].result) == (TASK_MANAGEMENT, 5, OK)
    assert sorted((one.target, one.tag) for one in done[:-1]) == sorted((target, tag) for target, _, tag in ends)
    assert all(one.result == ABORTED and one.last for one in done[:-1])
    left = [task for task in tasks if task not in ends]
    assert await host.read("STATUS", "OUTSTANDING") == len(left)
    for scsi_id, lun, tag in left:
        await targets[scsi_id].come_back(INITIATOR, tag, lun=lun)
        await targets[scsi_id].complete()
        finished = await host.next_completion()
        assert finished.good
        assert (finished.target, finished.tag) == (scsi_id, tag)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def management_without_effect(dut: Any) -> None:
    """Rejected, ignored, or no target: the result tells, and no task is ended."""
    rig = InitiatorRig(dut, allow_unexpected_free=True)
    host, target = await rig.scripted(YIELD_NS=0)
    await leave_waiting(host, {TARGET: target}, [(TARGET, 0, 1)])

    async def rejects() -> None:
        await target.selected()
        await target.say(*REJECT)
        await target.command()
        await target.complete()

    async def ignores() -> None:
        await target.serve()

    async def leaves() -> None:
        await target.answer()
        await target.take(Phase.MSG_OUT, 1)
        target.free()

    for play, result in ((rejects, REJECTED), (ignores, PROTOCOL), (leaves, BUS_FREE)):
        serving = cocotb.start_soon(play())
        await host.send_management(TARGET, "CLEAR_TASK_SET")
        done = await host.next_completion()
        assert (done.opcode, done.result) == (TASK_MANAGEMENT, result), done
        await serving
    await host.send_management(2, "TARGET_RESET")
    assert (await host.next_completion()).result == SEL_TIMEOUT
    assert await host.read("STATUS", "OUTSTANDING") == 1
    await target.come_back(INITIATOR, 1)
    await target.complete()
    assert (await host.next_completion()).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def management_resent(dut: Any) -> None:
    """A resend repeats IDENTIFY, tag and function."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    await host.send_management(TARGET, "ABORT_TASK", tag=9)
    assert await target.selected() == b"\xc0\x20\x09\x0d"
    assert await target.messages() == b"\xc0\x20\x09\x0d"
    target.free()
    assert (await host.next_completion()).result == OK
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def bad_management(dut: Any) -> None:
    """No function, ABORT TASK without a tag, the initiator itself, and an attribute that does not exist."""
    rig = InitiatorRig(dut)
    host = await rig.host()
    await host.send_management(TARGET, "ABORT_TASK")
    await host.send_management(INITIATOR, "TARGET_RESET")
    await host.submit({"OPCODE": TASK_MANAGEMENT, "TARGET": TARGET}, TASK=host.regs["TASK"].pack(FUNCTION=5))
    await host.send_command(TARGET, TEST_UNIT_READY, tag=1, attribute=3)
    done = [await host.next_completion() for _ in range(4)]
    assert [one.result for one in done] == [BAD_DESCRIPTOR] * 4
    assert not rig.of_kind(Kind.ARBITRATION)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def management_of_a_full_table(dut: Any) -> None:
    """As many tasks as there is room for, all disconnected: what ends them needs no room of its own."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted(YIELD_NS=0, STATUS_TIMEOUT_US=0)
    room = await host.read("CAPS", "TASKS")
    await leave_waiting(host, {TARGET: target}, [(TARGET, 0, tag) for tag in range(room)])
    assert await host.read("STATUS", "OUTSTANDING") == room
    await host.send_management(TARGET, "TARGET_RESET")
    taken = await with_timeout(target.selected(), 100, "us")
    assert taken == b"\xc0" + bytes([Message.TARGET_RESET])
    target.free()
    done = [await host.next_completion() for _ in range(room + 1)]
    assert sorted(one.tag for one in done[:-1]) == list(range(room))
    assert all(one.result == ABORTED for one in done[:-1])
    assert (done[-1].opcode, done[-1].result) == (TASK_MANAGEMENT, OK)
    assert await host.read("STATUS", "OUTSTANDING") == 0
    await rig.finish()
