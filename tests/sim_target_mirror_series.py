"""Many blocks in one connection with RTL targets: NEXT, one status, FAILED BLOCK (protocol 16)."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import Period
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.initiator import InitiatorModel
from cocotbext.scsi.models.mirror_connection import MirrorResult
from cocotbext.scsi.models.task import Ended
from disk_rig import CACHING_ON, mode_select
from helpers.commands import cdb_6
from model_rig import pattern
from target_rig import BLOCK, GROUP, TargetRig, statuses

CHECK = Status.CHECK_CONDITION
LBAS = (2, 9, 4, 7)
BLOCKS = [(lba, pattern(BLOCK, lba + 1)) for lba in LBAS]
HELD = {f"b{lba}": data for lba, data in BLOCKS}


def first(count: int) -> dict[str, bytes]:
    """What a medium holds after the first blocks of the series."""
    return {f"b{lba}": data for lba, data in BLOCKS[:count]}


async def write(initiator: InitiatorModel, count: int = 4, **options: Any) -> MirrorResult:
    """The first blocks as one series to all members, with status in the connection unless told otherwise."""
    options = {"report": True, "tag": 1, "switch_repeats": 0, **options}
    return await initiator.mirror_write(GROUP, *BLOCKS[0], series=BLOCKS[1:count], **options)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def scattered_blocks(dut: Any) -> None:
    """Four blocks to three drives and back again in one connection each, one status; one drive alone."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator, extended=True)
    skip = len(rig.phases())
    result = await write(initiator)
    assert (result.good, result.reported) == (True, [5, 4, 3]), result
    said = [hexed for phase, hexed in rig.phases()[skip:] if phase is Phase.MSG_OUT]
    later = ["2c01", "2c02"]
    blocks = [one for lba in LBAS[1:] for one in (f"01068b00{lba:08x}", *later)]
    assert said == ["c0200101098a00000000020002" + "00", *later, *blocks, "2d00", "2d01", "2d02ff", "2e02"]
    for scsi_id, _ in GROUP:
        rig.image(scsi_id, **HELD)
    result = await initiator.mirror_read(GROUP, LBAS[0], BLOCK, series=LBAS[1:], report=True)
    assert (result.good, result.reported, result.differs) == (True, [5, 4, 3], []), result
    assert result.results[3].data == b"".join(data for _, data in BLOCKS)
    result = await initiator.mirror_write(GROUP[1:2], 0, BLOCKS[0][1], series=[(1, BLOCKS[1][1])], report=True)
    assert (result.good, result.reported) == (True, [4]), result
    rig.image(4, **HELD, b0=BLOCKS[0][1], b1=BLOCKS[1][1])
    assert not rig.of_kind(Kind.RESELECTION)
    assert "reclaimed" not in rig.notes()
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def first_failed_block(dut: Any) -> None:
    """A medium error in block 1 of one drive: block 0 is written, 2 and 3 are not; FAILED BLOCK, INFORMATION."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator, extended=True)
    for failing, tag in ((5, 1), (3, 2)):
        task = cocotb.start_soon(write(initiator, tag=tag))
        await rig.phase_begins(Phase.DATA_OUT, 4)
        rig.medium(failing).fail_next()
        result = await task
        assert statuses(result) == {5: 0, 4: 0, 3: 0} | {failing: CHECK}
        assert (result.reported, result.results[failing].failed_block) == ([5, 4, 3], 1)
        data = await rig.sense_data(initiator, failing)
        assert (data[0], data[2] & 0xF) == (0xF0, SenseKey.MEDIUM_ERROR)
        assert data[3:7] == LBAS[1].to_bytes(4, "big")
        if failing == 5:
            rig.image(5, **first(1))
    rig.image(4, **HELD)
    rig.image(3, **HELD)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def failed_reads(dut: Any) -> None:
    """LBA beyond the end in block 2: zeros from there on. After DISCONNECT it is told by reselection."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator, extended=True)
    assert (await write(initiator)).good
    wrong = (LBAS[1], 16, LBAS[2])
    result = await initiator.mirror_read(GROUP, LBAS[0], BLOCK, series=wrong, report=True, tag=1)
    assert statuses(result) == dict.fromkeys((5, 4, 3), CHECK)
    good = BLOCKS[0][1] + BLOCKS[1][1]
    for scsi_id, _ in GROUP:
        one = result.results[scsi_id]
        assert (one.failed_block, one.data) == (2, good + bytes(2 * BLOCK))
        assert await rig.sense(initiator, scsi_id) == (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE)
    task = cocotb.start_soon(write(initiator, 2, tag=3))
    await rig.phase_begins(Phase.DATA_OUT, 6)
    rig.medium(3).set_latency(60_000)
    rig.medium(3).fail_next()
    result = await task
    assert statuses(result) == {5: 0, 4: 0, 3: CHECK}
    assert (result.reported, result.results[3].failed_block) == ([5, 4], 1)
    assert len(rig.of_kind(Kind.RESELECTION)) == 1
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def busy_buffer(dut: Any) -> None:
    """A medium that is not done when its drive is named: put off within the window, else reclaimed and repeated."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator, extended=True)
    rig.medium(5).set_latency(3_000)
    result = await write(initiator)
    assert (result.good, result.reported) == (True, [5, 4, 3]), result
    assert "reclaimed" not in rig.notes()
    rig.medium(5).set_latency(90_000)
    result = await write(initiator, 2, switch_repeats=9, tag=2)
    assert result.good, result
    assert rig.notes().count("reclaimed") >= 1
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_block(dut: Any) -> None:
    """Wrong parity in block 1 of one drive: it is not written, nor those after it; 0Bh/47h."""
    rig = await TargetRig(dut).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator, extended=True)
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.DATA_OUT, 40, skip=4))
    result = await write(initiator)
    assert not faults.pending
    assert statuses(result) == {5: 0, 4: CHECK, 3: 0}
    assert result.results[4].failed_block == 1
    data = await rig.sense_data(initiator, 4)
    assert (data[0], data[12], data[3:7]) == (0xF0, Asc.PARITY_ERROR >> 8, LBAS[1].to_bytes(4, "big"))
    rig.image(5, **HELD)
    rig.image(4, **first(1))
    rig.image(3, **HELD)
    await rig.finish("PAR-05")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_next(dut: Any) -> None:
    """NEXT damaged for all: resend. At the leader: reclaim, and again. At another: skipped from there on."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator, extended=True)
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT, 5, skip=1))
    result = await write(initiator)
    assert not faults.pending
    assert (result.good, rig.notes().count("reclaimed")) == (True, 0), result
    for deaf, skipped in ((5, []), (4, [4])):
        before = rig.notes().count("reclaimed")
        task = cocotb.start_soon(write(initiator, tag=deaf, switch_repeats=1))
        await rig.phase_begins(Phase.DATA_OUT, 3)
        await rig.phase_begins(Phase.MSG_OUT)
        rig.slot(deaf).rx.invert("dbp0")
        await rig.phase_begins(Phase.MSG_IN if deaf == 5 else Phase.DATA_OUT)
        rig.slot(deaf).rx.clear()
        result = await task
        assert (result.ended, result.skipped) == (Ended.RELEASED, skipped)
        assert statuses(result) == {5: 0, 4: 0, 3: 0}
        assert rig.notes().count("reclaimed") == before + (1 if deaf == 5 else 2)
    await rig.finish("PAR-01")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def cut_off(dut: Any) -> None:
    """BUS FREE in block 1, RELEASE without a REPORT, ABORT TASK: no status, no reselection; the next series works."""
    rig = await TargetRig(dut, period=Period.FAST_40, allow_unexpected_free=True).start()
    initiator = rig.initiator(status_timeout_us=200)
    await rig.group(initiator, extended=True)
    task = cocotb.start_soon(write(initiator))
    await rig.phase_begins(Phase.DATA_OUT, 5)
    await RisingEdge(dut.bus_ack)
    rig.slot(5).tx.stick("bsy", 0)
    await Timer(1500, unit="ns")
    rig.slot(5).tx.clear()
    result = await task
    assert (result.ended, result.reported) == (Ended.BUS_FREE, [])
    result = await write(initiator, 2, report=False)
    assert (result.ended, result.reported) == (Ended.RELEASED, [])
    result = await write(initiator, 3, report=False, ending_message=bytes([Message.ABORT_TASK]))
    assert result.ended is Ended.ABORTED
    await Timer(200, unit="us")
    assert not rig.of_kind(Kind.RESELECTION)
    result = await write(initiator)
    assert result.good, result
    for scsi_id, _ in GROUP:
        rig.image(scsi_id, **HELD)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def write_cache(dut: Any) -> None:
    """WCE = 1: GOOD while the medium is at work, alone and in a series; an error is a deferred one."""
    rig = await TargetRig(dut, period=Period.FAST_40, ids=(5, 4, 3)).start()
    initiator = rig.initiator()
    await rig.group(initiator, extended=True)
    for scsi_id, _ in GROUP:
        assert (await initiator.command(scsi_id, mode_select(len(CACHING_ON)), data_out=CACHING_ON)).good
        rig.medium(scsi_id).set_latency(40_000)
    result = await initiator.mirror_write(GROUP, 12, BLOCKS[0][1], report=True, tag=1)
    assert (result.good, result.reported) == (True, [5, 4, 3]), result
    assert [rig.medium(scsi_id).block(12) == BLOCKS[0][1] for scsi_id in (5, 4, 3)][2] is False
    await Timer(60, unit="us")
    for scsi_id, _ in GROUP:
        rig.image(scsi_id, b12=BLOCKS[0][1])
    rig.medium(4).fail_next()
    result = await initiator.mirror_write(GROUP, 13, BLOCKS[1][1], tag=1)
    assert result.good, result
    await Timer(60, unit="us")
    assert (await initiator.command(4, cdb_6(0x00))).status == CHECK
    data = await rig.sense_data(initiator, 4)
    assert (data[0] & 0x7F, data[2] & 0xF) == (0x71, SenseKey.MEDIUM_ERROR)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reset_in_a_series(dut: Any) -> None:
    """RST at NEXT and in block 1: all released, no status; after it the members know nothing of the extensions."""
    rig = await TargetRig(dut, period=Period.FAST_40, allow_unexpected_free=True).start()
    initiator = rig.initiator()
    for phase, times, wait_ns in ((Phase.MSG_OUT, 4, 700), (Phase.DATA_OUT, 5, 900)):
        await rig.group(initiator, extended=True)
        task = cocotb.start_soon(write(initiator))
        await rig.phase_begins(phase, times)
        await Timer(wait_ns + 1, unit="ns")
        await rig.reset_bus()
        result = await task
        assert set(statuses(result).values()) == {None}
        await Timer(100, unit="us")
    assert not rig.of_kind(Kind.RESELECTION)
    await rig.group(initiator)
    result = await write(initiator, 1)
    assert (result.good, result.reported) == (True, []), result
    await rig.finish("MIR-30")
