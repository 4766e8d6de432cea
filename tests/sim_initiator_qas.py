"""The RTL initiator and QAS REQUEST; selection time-outs by both procedures."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind
from cocotbext.scsi.agreement import Option, Ppr
from cocotbext.scsi.constants import Message, Phase
from cocotbext.scsi.models.port import now_ps
from helpers.scripted_target import ScriptedTarget
from initiator_rig import INITIATOR, IRQ_BUS_RESET, OK, SEL_TIMEOUT, TARGET, TEST_UNIT_READY, Host, InitiatorRig

QAS_TO_FIRST_BYTE_NS = 3030
"""From the ACK of 55h to the first MESSAGE OUT byte by the standard's minima (spi-facts 10b)."""
REJECT = bytes([Message.MESSAGE_REJECT])
QAS_ONLY = Ppr(0x0A, 0, 0, Option.QAS)
"""What an initiator without width and offset asks for to have QAS."""


async def agree_on_qas(host: Host, target: ScriptedTarget) -> None:
    """One command whose negotiation ends with QAS."""
    await host.send_command(TARGET, TEST_UNIT_READY)
    assert await target.selected() == b"\x80" + QAS_ONLY.encode()
    await target.say(*QAS_ONLY.encode())
    await target.command()
    await target.complete()
    assert (await host.next_completion()).good


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(complete=[True, False])
async def qas_request(dut: Any, complete: bool) -> None:
    """55h after TASK COMPLETE or DISCONNECT ends the connection while BSY is still true."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted(qas=1)
    await agree_on_qas(host, target)
    await host.send_command(TARGET, TEST_UNIT_READY, disc=True)
    await target.selected()
    await target.command()
    if complete:
        await target.give(Phase.STATUS, b"\0")
        await target.say(Message.TASK_COMPLETE)
    else:
        await target.say(Message.DISCONNECT)
    await target.quick()
    await Timer(300, "ns")
    assert not await host.read("STATUS", "CONNECTED")
    assert not await target.let_bsy_go()
    if not complete:
        assert await host.read("STATUS", "OUTSTANDING") == 1
        await target.come_back(INITIATOR)
        await target.complete()
    assert (await host.next_completion()).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def qas_start(dut: Any) -> None:
    """A descriptor that waits starts in the QAS phase, without BUS FREE in between."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted(qas=1)
    await agree_on_qas(host, target)
    await host.send_command(TARGET, TEST_UNIT_READY, tag=1, disc=True)
    await target.selected()
    await target.command()
    await host.send_command(TARGET, TEST_UNIT_READY, tag=2, disc=True)
    free = len(rig.of_kind(Kind.BUS_FREE))
    await target.give(Phase.STATUS, b"\0")
    await target.say(Message.TASK_COMPLETE)
    await target.quick()
    assert await target.let_bsy_go()
    await target.answer()
    assert await target.take(Phase.MSG_OUT, 1) == b"\xc0"
    assert (now_ps() - target.quick_ps) / 1000 <= 1.10 * QAS_TO_FIRST_BYTE_NS
    assert await target.take(Phase.MSG_OUT, 2) == b"\x20\x02"
    rig.monitor.flush()
    assert len(rig.of_kind(Kind.BUS_FREE)) == free
    await target.command()
    await target.complete()
    done = [await host.next_completion() for _ in range(2)]
    assert [(one.tag, one.result) for one in done] == [(1, OK), (2, OK)]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def qas_request_out_of_place(dut: Any) -> None:
    """55h before the task has ended or disconnected is rejected, agreement or not."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted(qas=1)
    await agree_on_qas(host, target)
    await host.send_command(TARGET, TEST_UNIT_READY)
    await target.selected()
    await target.say(Message.QAS_REQUEST)
    assert await target.messages() == REJECT
    await target.command()
    await target.complete()
    assert (await host.next_completion()).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(reset=[0, 1])
async def selection_timeout(dut: Any, reset: int) -> None:
    """Both procedures of a selection that nobody answers: RST, or the bus is freed; the result is the same."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted(sel_reset=reset)
    await host.send_command(2, TEST_UNIT_READY)
    done = await host.next_completion()
    assert done.result == SEL_TIMEOUT
    await Timer(60, "us")
    rig.monitor.flush()
    assert len(rig.of_kind(Kind.RESET)) == reset
    assert bool(await host.read("IRQ_STATUS") & IRQ_BUS_RESET) == bool(reset)
    if reset:
        target.port.acknowledge_reset()
    serving = cocotb.start_soon(target.serve())
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    await serving
    await rig.finish()
