"""Mirrored reads from RTL targets, driven by the Python initiator (protocol 9)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import Period
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.negotiation import Abilities
from cocotbext.scsi.models.task import Ended
from model_rig import pattern
from target_rig import BLANK, BLOCK, BLOCKS, GROUP, TargetRig, statuses

DATA = pattern(BLOCK)
ZEROS = bytes(BLOCK)
SHORT = {scsi_id: {"stall_us": 100, "part_stall_us": 40} for scsi_id, _ in GROUP}
"""Stall timers that a simulation can wait for."""


def copies(result: Any) -> dict[int, bytes]:
    """The copy of each participant."""
    return {scsi_id: one.data for scsi_id, one in result.results.items()}


def fill(rig: TargetRig, lba: int = 0, data: bytes = DATA, *ids: int) -> None:
    """Have the media hold a block before the drives look at it."""
    for scsi_id in ids or rig.ids:
        with rig.medium(scsi_id).path.open("r+b") as image:
            image.seek(lba * rig.block_len)
            image.write(data)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def three_copies(dut: Any) -> None:
    """Each participant sends its own block; one differs; statuses in rank order; any order."""
    rig = await TargetRig(dut).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    fill(rig, 3)
    other = pattern(BLOCK, 9)
    fill(rig, 3, other, 4)
    result = await initiator.mirror_read(GROUP, 3, BLOCK, tag=1)
    assert result.good, result
    assert (result.order, result.statuses, result.differs) == ([5, 4, 3], [5, 4, 3], [4])
    assert copies(result) == {5: DATA, 4: other, 3: DATA}
    out = [(phase, hexed) for phase, hexed in rig.phases() if phase is Phase.MSG_OUT][-4:]
    assert [hexed for _, hexed in out] == ["c02001010988000000000300" + "0200", "2c01", "2c02ff", "2e02"]
    result = await initiator.mirror_read([GROUP[2], GROUP[0]], 2, 2 * BLOCK)
    assert result.good, result
    assert copies(result) == dict.fromkeys((3, 5), BLANK * BLOCK + DATA)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def mixed_agreements(dut: Any) -> None:
    """8-bit asynchronous, Fast-40 and Fast-80 DT in one operation: reads and writes."""
    straps: dict[int, dict[str, Any]] = {
        5: {"wide": False},
        4: {"period": 10, "offset": 31},
        3: {"period": 9, "offset": 31, "dt": True},
    }
    rig = await TargetRig(dut, overrides=straps).start()
    can = Abilities(period=Period.FAST_80, offset=31, dt=True)
    initiator = rig.initiator(abilities=can)
    await rig.ready(initiator)
    for scsi_id, yz in GROUP:
        await initiator.negotiate(scsi_id)
        assert (await initiator.query(scsi_id, yz)).accepted
    assert initiator.agreements[4].is_sync
    assert initiator.agreements[3].is_dt
    for order in (GROUP, GROUP[::-1]):
        lba = order[0][1]
        result = await initiator.mirror_write(order, lba, DATA, tag=1)
        assert result.good, result
        result = await initiator.mirror_read(order, lba, BLOCK, tag=2)
        assert result.good, result
        assert copies(result) == dict.fromkeys((5, 4, 3), DATA)
    kinds = {one.phase for one in rig.of_kind(Kind.PHASE)}
    assert {Phase.DATA_IN, Phase.DT_DATA_IN, Phase.DATA_OUT, Phase.DT_DATA_OUT} <= kinds
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def read_ahead(dut: Any) -> None:
    """All media are asked when MIRROR READ is heard: three at 30 us each take little more than one."""
    slow = {scsi_id: {"medium_latency_ns": 30_000} for scsi_id, _ in GROUP}
    rig = await TargetRig(dut, period=Period.FAST_40, overrides=slow).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    fill(rig, 1)
    result = await initiator.mirror_read(GROUP, 1, BLOCK, tag=1)
    assert result.good, result
    assert copies(result) == dict.fromkeys((5, 4, 3), DATA)
    phases = [one for one in rig.of_kind(Kind.PHASE) if one.phase is Phase.DATA_IN][-3:]
    waits = [later.start_ps - before.end_ps for before, later in pairwise(phases)]
    assert len(waits) == 2
    assert max(waits) < 10_000_000, waits
    # the members that were not named have read for nothing, and go on with other work
    rig.medium(4).set_latency(120_000)
    result = await initiator.mirror_read(GROUP[:1], 2, BLOCK, tag=1)
    assert result.good, result
    result = await initiator.mirror_write(GROUP[::-1][1:], 5, DATA, tag=2)
    assert result.good, result
    result = await initiator.mirror_write(GROUP, 5, DATA, tag=2)
    assert result.good, result
    assert [rig.medium(scsi_id).block(5) for scsi_id in rig.ids] == [DATA] * 3
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def slow_medium(dut: Any) -> None:
    """I/O is asserted within the window, REQ comes when the medium is ready; beyond the stall timer the lines go."""
    slow = {4: {"medium_latency_ns": 30_000, **SHORT[4]}, 5: SHORT[5], 3: SHORT[3]}
    rig = await TargetRig(dut, period=Period.FAST_40, overrides=slow, allow_unexpected_free=True).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    fill(rig)
    result = await initiator.mirror_read(GROUP, 0, BLOCK, tag=1)
    assert result.good, result
    assert "reclaimed" not in rig.notes()
    assert not rig.checker.violations
    rig.medium(4).set_latency(150_000)
    result = await initiator.mirror_read(GROUP, 0, BLOCK, tag=1, switch_repeats=0)
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5, 3], [4])
    assert "reclaimed" in rig.notes()
    result = await initiator.mirror_read(GROUP[1:], 0, BLOCK, tag=2)
    assert result.ended is Ended.BUS_FREE
    await Timer(200, unit="us")
    rig.medium(4).set_latency(100)
    result = await initiator.mirror_read(GROUP, 0, BLOCK, tag=3)
    assert result.good, result
    assert copies(result) == dict.fromkeys((5, 4, 3), DATA)
    await rig.finish("MIR-25")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def what_cannot_be_read(dut: Any) -> None:
    """Medium error, LBA beyond the end, LEN too long, unit attention: zeros in full length, and CHECK CONDITION."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    fill(rig)
    for failing in GROUP:
        rig.medium(failing[0]).fail_next()
        result = await initiator.mirror_read(GROUP, 0, BLOCK, tag=1)
        assert statuses(result) == {5: 0, 4: 0, 3: 0} | {failing[0]: Status.CHECK_CONDITION}
        assert copies(result) == dict.fromkeys((5, 4, 3), DATA) | {failing[0]: ZEROS}
        sense = (SenseKey.MEDIUM_ERROR, Asc.UNRECOVERED_READ_ERROR)
        assert await rig.sense(initiator, failing[0]) == sense
    wrong = ((BLOCKS, 1, Asc.LBA_OUT_OF_RANGE), (0, 9, Asc.INVALID_FIELD_IN_CDB))
    for lba, blocks, asc in wrong:
        result = await initiator.mirror_read(GROUP[:2], lba, blocks * BLOCK, tag=1)
        assert statuses(result) == dict.fromkeys((5, 4), Status.CHECK_CONDITION)
        assert copies(result) == dict.fromkeys((5, 4), ZEROS * blocks)
        for scsi_id in (5, 4):
            assert await rig.sense(initiator, scsi_id) == (SenseKey.ILLEGAL_REQUEST, asc)
    await initiator.manage(4, Message.TARGET_RESET)
    assert (await initiator.query(4, 0x01)).accepted
    # a member that only listens keeps its unit attention
    assert (await initiator.mirror_read([GROUP[0], GROUP[2]], 0, BLOCK, tag=1)).good
    result = await initiator.mirror_read(GROUP, 0, BLOCK, tag=1)
    assert statuses(result) == {5: 0, 4: Status.CHECK_CONDITION, 3: 0}
    assert await rig.sense(initiator, 4) == (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_on_the_way(dut: Any) -> None:
    """The initiator sees wrong parity in one copy: RESTORE POINTERS, the data again; four times: 0Bh/48h."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator)
    fill(rig)
    for skip in range(3):
        faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_IN, 20, skip=skip))
        result = await initiator.mirror_read(GROUP, 0, BLOCK, tag=1)
        assert result.good, result
        assert copies(result) == dict.fromkeys((5, 4, 3), DATA)
        assert not faults.pending
    assert rig.phases().count((Phase.MSG_IN, "03")) == 3
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def spoiled(dut: Any) -> None:
    """Four times wrong parity at the initiator: the lines go, 0Bh/48h by reselection; the others are not concerned."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator)
    fill(rig)
    for _ in range(4):
        faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_IN, 20, skip=1))
    result = await initiator.mirror_read(GROUP, 0, BLOCK, tag=1)
    assert not faults.pending
    assert statuses(result) == {5: 0, 4: Status.CHECK_CONDITION, 3: 0}
    assert await rig.sense(initiator, 4) == (SenseKey.ABORTED_COMMAND, Asc.INITIATOR_DETECTED_ERROR)
    assert (await initiator.mirror_read(GROUP, 0, BLOCK, tag=1)).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reset_in_a_read(dut: Any) -> None:
    """RST while a participant waits for its medium, and in its data: all released; the same read works afterwards."""
    rig = await TargetRig(dut, period=Period.FAST_40, allow_unexpected_free=True).start()
    initiator = rig.initiator()
    for latency, wait_ns in ((60_000, 3_000), (100, 9_000)):
        await rig.group(initiator, wide=False)
        rig.medium(4).set_latency(latency)
        task = cocotb.start_soon(initiator.mirror_read(GROUP, 0, BLOCK, tag=1))
        await rig.phase_begins(Phase.DATA_IN)
        await rig.phase_begins(Phase.MSG_OUT)
        await Timer(wait_ns, unit="ns")
        await rig.reset_bus()
        result = await task
        assert set(statuses(result).values()) == {None}
        await Timer(100, unit="us")
    await rig.group(initiator)
    assert (await initiator.mirror_read(GROUP, 0, BLOCK, tag=1)).good
    await rig.finish()
