"""ACKs that no REQ has asked for, seen by the RTL target alone: never GOOD with data that are not the initiator's."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from cocotbext.scsi import Phase
from cocotbext.scsi.agreement import WIDTH_8, WIDTH_16, Option, Ppr, Sdtr, Wdtr
from cocotbext.scsi.constants import Asc, SenseKey, Status
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.initiator import InitiatorModel
from cocotbext.scsi.models.negotiation import Abilities, Request
from cocotbext.scsi.models.task import Ended
from disk_rig import CACHING_ON, mode_select
from helpers.commands import write_10
from model_rig import pattern
from target_rig import BLOCK, GROUP, TargetRig, holders, statuses

DATA = pattern(BLOCK)
FULL: dict[str, Any] = {"period": 0x09, "offset": 31, "dt": True}
AGREED: dict[str, list[Request]] = {
    "async8": [Wdtr(WIDTH_8)],
    "async16": [Wdtr(WIDTH_16)],
    "st": [Wdtr(WIDTH_16), Sdtr(0x0A, 31)],
    "dt": [Ppr(0x09, 31, WIDTH_16, Option.DT)],
}
ACKS = {"async8": BLOCK, "async16": BLOCK // 2, "st": BLOCK // 2, "dt": BLOCK // 4 + 1}
"""Negations of ACK in a block's data phase, those of the CRC included."""
PULSE_NS = 20
LATE_NS = (30, 300)
"""After the last ACK of the data, while the phase lines turn."""
WAYS = ("staying", "disconnecting", "cached")


async def _start(dut: Any, way: str, agreed: str, faults: Faults | None = None) -> tuple[TargetRig, InitiatorModel]:
    rig = await TargetRig(dut, ids=(5,), overrides={5: FULL}, allow_unexpected_free=True).start()
    initiator = rig.initiator(faults=faults, abilities=Abilities(True, 0x09, 31, dt=True))
    await rig.ready(initiator)
    if way == "cached":
        assert (await initiator.command(5, mode_select(len(CACHING_ON)), data_out=CACHING_ON)).good
    await initiator.negotiate(5, *AGREED[agreed])
    return rig, initiator


async def _stray(rig: TargetRig, target: int, acks: int, after_ns: int) -> None:
    """One ACK pulse at the drive, so long after the bus has seen so many negations of ACK in data phases."""
    while acks:
        await FallingEdge(rig.dut.bus_ack)
        acks -= not int(rig.dut.bus_cd.value)
    await Timer(after_ns, "ns")
    rig.slot(target).rx.invert("ack")
    await Timer(PULSE_NS, "ns")
    rig.slot(target).rx.clear()


async def _write(initiator: InitiatorModel, way: str, lba: int) -> Any:
    return await initiator.command(5, write_10(lba), data_out=DATA, disc_priv=way == "disconnecting")


async def _judge(rig: TargetRig, initiator: InitiatorModel, result: Any, lba: int) -> None:
    """CHECK CONDITION or BUS FREE, sense data that say so, and the medium as it was."""
    assert result.status == Status.CHECK_CONDITION or (result.status is None and result.ended is Ended.BUS_FREE), result
    await rig.bus_free()
    rig.image(5, **{f"b{n}": DATA for n in range(lba)})
    assert await rig.sense(initiator, 5) == (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(way=WAYS, agreed=list(AGREED))
async def behind_the_data(dut: Any, way: str, agreed: str) -> None:
    """While the phase lines turn to STATUS or MESSAGE IN; then the same write without it."""
    rig, initiator = await _start(dut, way, agreed)
    for lba, after_ns in enumerate(LATE_NS):
        task = cocotb.start_soon(_stray(rig, 5, ACKS[agreed], after_ns))
        result = await _write(initiator, way, lba)
        assert task.done()
        await _judge(rig, initiator, result, lba)
        assert (await _write(initiator, way, lba)).good
    await rig.bus_free()
    rig.image(5, b0=DATA, b1=DATA)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(way=WAYS, agreed=["st", "dt"])
async def among_the_data(dut: Any, way: str, agreed: str) -> None:
    """The initiator acknowledges one transfer twice: at the first, in the middle, at the last one."""
    faults = Faults()
    rig, initiator = await _start(dut, way, agreed, faults)
    phase = Phase.DT_DATA_OUT if agreed == "dt" else Phase.DATA_OUT
    for lba, index in enumerate((0, BLOCK // 2, BLOCK - 2)):
        faults.add(Fault(FaultKind.EXTRA_ACK, phase, index))
        result = await _write(initiator, way, lba)
        assert not faults.pending
        await _judge(rig, initiator, result, lba)
        assert (await _write(initiator, way, lba)).good
    await rig.bus_free()
    rig.image(5, b0=DATA, b1=DATA, b2=DATA)
    await rig.finish(*(["DTR-14" if agreed == "dt" else "SYN-12"]))


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(agreed=["async16", "dt"])
async def behind_a_copy(dut: Any, agreed: str) -> None:
    """In a mirrored write, at the leader and at each participant: that copy is refused, the others are GOOD."""
    rig = await TargetRig(dut, overrides=dict.fromkeys((5, 4, 3), FULL)).start()
    initiator = rig.initiator(abilities=Abilities(True, 0x09, 31, dt=True))
    await rig.group(initiator, wide=False)
    for scsi_id, _ in GROUP:
        await initiator.negotiate(scsi_id, *AGREED[agreed])
    for rank, (scsi_id, _) in enumerate(GROUP):
        data = pattern(BLOCK, 20 + rank)
        task = cocotb.start_soon(_stray(rig, scsi_id, (rank + 1) * ACKS[agreed], LATE_NS[0]))
        result = await initiator.mirror_write(GROUP, 0, data)
        assert task.done()
        wanted = {one: Status.CHECK_CONDITION if one == scsi_id else Status.GOOD for one, _ in GROUP}
        assert statuses(result) == wanted, result
        await rig.bus_free()
        held = [one for one, _ in GROUP if rig.medium(one).block(0) == data]
        assert held == [one for one, _ in GROUP if one != scsi_id]
        assert await rig.sense(initiator, scsi_id) == (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
    result = await initiator.mirror_write(GROUP, 0, DATA)
    assert set(statuses(result).values()) == {Status.GOOD}
    await rig.bus_free()
    assert holders(rig, DATA) == [5, 4, 3]
    await rig.finish()
