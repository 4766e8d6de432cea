"""Faults in silent mirroring with RTL targets: who takes, who reclaims, who frees the bus, what is reported."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import ASYNC_8, Period
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.messages import identify
from cocotbext.scsi.models.task import Ended
from helpers.commands import write_10
from model_rig import pattern
from target_rig import BLOCK, BLOCKS, GROUP, TargetRig, holders, statuses

DATA = pattern(BLOCK)
SHORT = {scsi_id: {"stall_us": 100, "part_stall_us": 40} for scsi_id, _ in GROUP}
"""Stall timers that a simulation can wait for."""


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def dead_participant(dut: Any) -> None:
    """Its clock stands still: the leader reclaims at every try, the others get a copy, RELEASE goes to the leader."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    rig.slot(4).stop_clock()
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5, 3], [4])
    assert statuses(result) == {5: 0, 4: None, 3: 0}
    assert rig.notes().count("reclaimed") == 2
    assert (Phase.MSG_IN, "2c00") in rig.phases()
    result = await initiator.mirror_write([GROUP[0], GROUP[2], GROUP[1]], 0, DATA, tag=2, switch_repeats=0)
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5, 3], [4])
    assert (Phase.MSG_OUT, "2e00") in rig.phases()
    assert holders(rig, DATA) == [5, 3]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def handled_as_a_disk_does(dut: Any) -> None:
    """UNIT ATTENTION, write protect, LBA or LEN too large, medium error: taken, dropped, CHECK CONDITION."""
    rig = await TargetRig(dut, period=Period.FAST_40, ids=(5, 4)).start()
    initiator = rig.initiator()
    group = GROUP[:2]
    await rig.group(initiator, 2)
    await initiator.message_out(4, identify(), bytes([Message.TARGET_RESET]))
    await initiator.query(4, 0x01, last=True)
    initiator.agreements[4] = ASYNC_8
    result = await initiator.mirror_write(group, 0, DATA, tag=1)
    assert statuses(result) == {5: 0, 4: Status.CHECK_CONDITION}
    assert await rig.sense(initiator, 4) == (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET)
    assert (await initiator.negotiate(4)).period == Period.FAST_40
    rig.medium(5).set_write_protect(True)
    result = await initiator.mirror_write(group, 1, DATA, tag=1)
    assert statuses(result) == {5: Status.CHECK_CONDITION, 4: 0}
    assert await rig.sense(initiator, 5) == (SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED)
    rig.medium(5).set_write_protect(False)
    rig.medium(4).fail_next()
    result = await initiator.mirror_write(group, 2, DATA, tag=1)
    assert statuses(result) == {5: 0, 4: Status.CHECK_CONDITION}
    assert await rig.sense(initiator, 4) == (SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR)
    for lba, blocks, asc in ((BLOCKS, 1, Asc.LBA_OUT_OF_RANGE), (0, 9, Asc.INVALID_FIELD_IN_CDB)):
        result = await initiator.mirror_write(group, lba, pattern(blocks * BLOCK), tag=1)
        assert statuses(result) == dict.fromkeys((5, 4), Status.CHECK_CONDITION)
        for scsi_id in (5, 4):
            assert await rig.sense(initiator, scsi_id) == (SenseKey.ILLEGAL_REQUEST, asc)
    result = await initiator.mirror_write(group, 0, DATA, lun=2)
    assert statuses(result) == dict.fromkeys((5, 4), Status.CHECK_CONDITION)
    rig.image(5, b0=DATA, b2=DATA)
    rig.image(4, b1=DATA)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def no_room_for_the_context(dut: Any) -> None:
    """A member that still has a task does not take; a leader that has one frees the bus."""
    rig = await TargetRig(dut, period=Period.FAST_40, allow_unexpected_free=True).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    rig.medium(4).set_latency(300_000)
    busy = cocotb.start_soon(initiator.command(4, write_10(9), data_out=DATA, tag=0x70))
    await rig.phase_begins(Phase.MSG_IN)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, switch_repeats=0)
    assert (result.order, result.skipped) == ([5, 3], [4])
    leader = await initiator.mirror_write([GROUP[1], GROUP[0]], 0, DATA, tag=2)
    assert (leader.ended, leader.order) == (Ended.BUS_FREE, [])
    assert (await busy).good
    rig.image(4, b9=DATA)
    for scsi_id in (5, 3):
        rig.image(scsi_id, b0=DATA)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def participant_stops(dut: Any) -> None:
    """Its REQ does not come through in mid-data: BUS FREE by the leader's timer, its medium untouched."""
    rig = await TargetRig(dut, overrides=SHORT, allow_unexpected_free=True).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, tag=1))
    await rig.phase_begins(Phase.DATA_OUT, 2)
    await Timer(3, unit="us")
    await FallingEdge(dut.bus_req)
    rig.slot(4).tx.stick("req", 0)
    result = await task
    assert (result.ended, result.results[4].ended) == (Ended.BUS_FREE, Ended.BUS_FREE)
    rig.slot(4).tx.clear()
    assert statuses(result) == {5: 0, 4: None, 3: None}
    assert holders(rig, DATA) == [5]
    assert (await initiator.mirror_write(GROUP, 0, DATA, tag=2)).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def initiator_stops(dut: Any) -> None:
    """In the leader's data, in a participant's and at its end: the timers free the bus, nothing half-written kept."""
    rig = await TargetRig(dut, overrides=SHORT, allow_unexpected_free=True).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator)
    for skip, index, kept in ((0, 20, []), (1, 20, [5]), (1, 510, [5])):
        faults.add(Fault(FaultKind.STOP, Phase.DATA_OUT, index, skip=skip))
        result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
        assert not faults.pending
        assert result.ended is Ended.BUS_FREE
        assert holders(rig, DATA) == kept
        assert [scsi_id for scsi_id, status in statuses(result).items() if status is not None] == kept
    await rig.finish("HSK-03")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def leader_drops_bsy(dut: Any) -> None:
    """In a participant's data: all release within 800 ns of BUS FREE; what is whole is reported."""
    rig = await TargetRig(dut, period=Period.FAST_40, allow_unexpected_free=True).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, tag=1))
    await rig.phase_begins(Phase.DATA_OUT, 2)
    await Timer(3, unit="us")
    rig.slot(5).tx.stick("bsy", 0)
    await Timer(1200, unit="ns")
    assert int(dut.bus_all.value) == 0
    rig.slot(5).tx.clear()
    result = await task
    assert result.ended is Ended.BUS_FREE
    assert statuses(result) == {5: 0, 4: None, 3: None}
    assert holders(rig, DATA) == [5]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def served_member_named_again(dut: Any) -> None:
    """A member that has its copy ignores a second SWITCH ROLE, the leader too; RELEASE after the reclaim ends well."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    order = [GROUP[0], GROUP[1], GROUP[1], GROUP[0], GROUP[2]]
    result = await initiator.mirror_write(order, 0, DATA, tag=1, switch_repeats=0)
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5, 4, 3], [4, 5])
    assert rig.notes().count("reclaimed") == 2
    assert holders(rig, DATA) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def dead_predecessor(dut: Any) -> None:
    """Rank 1 never reports: rank 2 goes after the hold-off, which runs on the free bus only."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator(status_timeout_us=300)
    await rig.group(initiator)
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, tag=1))
    await rig.phase_begins(Phase.DATA_OUT, 3)
    await rig.bus_free()
    rig.slot(4).stop_clock()
    result = await task
    assert result.statuses == [5, 3]
    assert result.results[4].ended is Ended.TIMEOUT
    selections = rig.of_kind(Kind.RESELECTION)[-2:]
    assert 50_000_000 < selections[1].start_ps - selections[0].end_ps < 80_000_000
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reset_in_the_operation(dut: Any) -> None:
    """RST in a copy, at a hand-over, at a reclaim and before status: released, enrolments gone, nothing reported."""
    rig = await TargetRig(dut, period=Period.FAST_40, allow_unexpected_free=True).start()
    initiator = rig.initiator()
    for lba, (phase, times, wait_ns) in enumerate(
        ((Phase.DATA_OUT, 1, 700), (Phase.DATA_OUT, 2, 0), (Phase.MSG_OUT, 2, 450), (Phase.DATA_OUT, 3, 40_000))
    ):
        await rig.group(initiator)
        task = cocotb.start_soon(initiator.mirror_write(GROUP, lba, DATA, tag=1))
        await rig.phase_begins(phase, times)
        await Timer(wait_ns + 1, unit="ns")
        await rig.reset_bus()
        result = await task
        assert Status.GOOD not in statuses(result).values() or lba == 3
        refused = await initiator.mirror_write(GROUP, 10, DATA, tag=2)
        assert refused.order == []
        await Timer(100, unit="us")
    for scsi_id in rig.ids:
        assert rig.medium(scsi_id).block(10) == rig.medium(scsi_id).block(11)
    await rig.finish("MIR-16")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def long_cables(dut: Any) -> None:
    """12 m to each device: the windows hold at both ends of the cable, also with a dead participant."""
    rig = await TargetRig(dut, period=Period.FAST_40, ids=(5, 4), cable_ns=60).start()
    initiator = rig.initiator()
    await rig.group(initiator, 2)
    rig.slot(4).stop_clock()
    result = await initiator.mirror_write(GROUP[:2], 0, DATA, tag=1, switch_repeats=0)
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5], [4])
    rig.slot(4).start_clock()
    assert (await initiator.mirror_write(GROUP[:2], 0, DATA, tag=2)).good
    assert holders(rig, DATA) == [5, 4]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def attention_at_the_wrong_time(dut: Any) -> None:
    """ATN comes while nobody has taken: the leader reclaims all the same."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    rig.slot(4).stop_clock()
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, tag=1, switch_repeats=0))
    await rig.phase_begins(Phase.DATA_OUT)
    await rig.phase_begins(Phase.MSG_OUT)
    await RisingEdge(dut.bus_ack)
    await RisingEdge(dut.bus_ack)
    await Timer(1, unit="us")
    initiator.handshake.raise_atn()
    result = await task
    assert (result.ended, result.order) == (Ended.RELEASED, [5, 3])
    assert holders(rig, DATA) == [5, 3]
    await rig.finish()
