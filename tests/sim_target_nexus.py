"""The RTL target and what it believes of a nexus: aborted while it is named, or left from a connection long over."""

from __future__ import annotations

from typing import Any

import cocotb
import pytest
from cocotb.triggers import FallingEdge, Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import Option, Period
from cocotbext.scsi.constants import Message
from cocotbext.scsi.models.connection import Connection
from cocotbext.scsi.models.initiator import InitiatorModel
from cocotbext.scsi.models.negotiation import Abilities
from cocotbext.scsi.models.task import Ended, Result
from helpers.commands import cdb_6, write_10
from model_rig import pattern
from target_rig import BLANK, BLOCK, TargetRig

DATA = pattern(BLOCK)
READY = cdb_6(0x00)
FAST = Period.FAST_40
QAS = Abilities(True, qas=True)


def named(tag: int | None) -> dict[str, Any]:
    """A command with this tag, or an untagged one that may disconnect."""
    return {"disc_priv": True} if tag is None else {"tag": tag}


async def write(initiator: InitiatorModel, target: int, lba: int, tag: int | None) -> Result:
    """A WRITE(10) of one block."""
    return await initiator.command(target, write_10(lba), data_out=DATA, **named(tag))


ABORTS = {
    "task_set_at_identify": (Message.ABORT_TASK_SET, None, None, 2),
    "task_set_at_tag": (Message.ABORT_TASK_SET, 1, 1, 2),
    "task_at_tag": (Message.ABORT_TASK, 1, 1, None),
}
"""Message, said at the IDENTIFY (None) or the tag of the reselection; tag of the task that comes back, of the other."""


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(case=list(ABORTS))
async def aborted_at_reselection(dut: Any, case: str) -> None:
    """ATN rises while the drive names the nexus: the message that follows ends the tasks that it is for, no other."""
    message, at, running_tag, waiting_tag = ABORTS[case]
    rig = await TargetRig(dut, ids=(5,), period=FAST).start()
    initiator = rig.initiator(status_timeout_us=150)
    await rig.ready(initiator)
    await initiator.negotiate(5)
    rig.medium(5).set_latency(30_000)
    running = cocotb.start_soon(write(initiator, 5, 0, running_tag))
    await rig.phase_begins(Phase.MSG_IN)
    await rig.bus_free()
    waiting = cocotb.start_soon(write(initiator, 5, 1, waiting_tag))
    said: list[int] = []
    attach = Connection._attach

    def attach_and_abort(self: Connection, tag: int | None) -> bool:
        found = attach(self, tag)
        if tag == at and not said:
            said.append(message)
            self.attention(bytes([message]))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "_attach", attach_and_abort)
        first, second = await running, await waiting
    assert said == [message]
    assert (Phase.MSG_OUT, bytes([message]).hex()) in rig.phases()
    assert first.ended is Ended.ABORTED
    if message is Message.ABORT_TASK:
        assert second.good, second
    else:
        assert second.ended is Ended.TIMEOUT, second
    assert rig.medium(5).block(1) == (DATA if second.good else BLANK * BLOCK)
    assert not initiator.strangers
    assert (await initiator.command(5, READY, tag=1)).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(tag=[None, 10])
async def quick_end_unheard(dut: Any, tag: int | None) -> None:
    """A drive cannot read the 55h that ends another drive's connection, and is selected in the QAS phase.

    What was said in that connection is not about it: its command has its own tag, or none.
    """
    overrides: dict[int, dict[str, Any]] = {5: {"qas": True}, 4: {"qas": True}}
    rig = await TargetRig(dut, ids=(5, 4), overrides=overrides).start()
    initiator = rig.initiator(abilities=QAS, status_timeout_us=150)
    for target in rig.ids:
        await rig.ready(initiator, target)
        assert (await initiator.negotiate(target)).options == Option.QAS
    rig.medium(4).set_latency(10_000)
    await Timer(5, unit="us")
    first = cocotb.start_soon(initiator.command(5, READY, tag=9))
    second = cocotb.start_soon(write(initiator, 4, 1, tag))
    await rig.phase_begins(Phase.STATUS)
    for _ in range(2):  # STATUS, TASK COMPLETE
        await FallingEdge(dut.bus_ack)
    rig.slot(4).rx.invert(("db3",))
    await FallingEdge(dut.bus_msg)
    await Timer(100, unit="ns")
    rig.slot(4).rx.clear()
    assert (await first).good
    assert (await second).good, rig.monitor.last()
    assert [one.qas for one in rig.of_kind(Kind.ARBITRATION) if one.winner == 7][-1], rig.monitor.last()
    again = next(text for phase, text in reversed(rig.phases()) if phase is Phase.MSG_IN and text.startswith("80"))
    assert again == ("80" if tag is None else f"8020{tag:02x}")
    assert not initiator.strangers
    rig.image(4, b1=DATA)
    rig.image(5)
    await rig.finish()
