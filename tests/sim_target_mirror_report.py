"""Extensions of silent mirroring with RTL targets: who has them, and status in the connection (protocol 14 and 15)."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import Period
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.mirror_messages import NO_EXTENSIONS, Extensions, next_block, switch_role
from cocotbext.scsi.models.task import Ended
from model_rig import pattern
from target_rig import BLOCK, GROUP, TargetRig, holders, statuses

DATA = pattern(BLOCK)
ALL_GOOD = {5: 0, 4: 0, 3: 0}


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def who_has_what(dut: Any) -> None:
    """The answer holds what both have; a drive without extensions rejects; it ends with a query and with leaving."""
    straps: dict[int, dict[str, Any]] = {5: {}, 4: {"mirror_ext": 1}, 3: {"mirror_ext": 2}, 2: {"mirror_ext": 0}}
    rig = await TargetRig(dut, period=Period.FAST_40, ids=(5, 4, 3, 2), overrides=straps).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    for number, scsi_id in enumerate(rig.ids):
        assert (await initiator.capability(scsi_id, number)).extensions is None
        assert (await initiator.query(scsi_id, number)).accepted
    offers = (
        Extensions(3, 16),
        Extensions(3, 255),
        Extensions(3, 5),
        Extensions(2, 3),
        Extensions(1, 0),
        Extensions(0, 0),
    )
    for offer in offers:
        for number, (scsi_id, flags) in enumerate(((5, 3), (4, 1), (3, 2))):
            answer = (await initiator.capability(scsi_id, number, offer)).extensions
            agreed = flags & offer.flags
            assert answer == Extensions(agreed, min(16, offer.blocks) if agreed & 2 else 0), (scsi_id, offer)
    assert (await initiator.capability(2, 3)).extensions is None
    assert (await initiator.capability(5, 1)).extensions is None
    assert NO_EXTENSIONS == Extensions(0, 0)
    # what was agreed ends with a new query: REPORT is rejected, the status comes by reselection
    assert (await initiator.capability(5, 0)).extensions == Extensions()
    result = await initiator.mirror_write([(5, 0)], 0, DATA, report=True)
    assert (result.good, result.reported) == (True, [5])
    assert (await initiator.query(5, 0)).accepted
    result = await initiator.mirror_write([(5, 0)], 1, DATA, report=True, switch_repeats=0)
    assert (result.good, result.reported) == (True, [])
    await rig.finish("MIR-30")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def all_in_the_connection(dut: Any) -> None:
    """Statuses in the order asked for, also of the current target; no reselection; the next operation at once."""
    rig = await TargetRig(dut).start()
    initiator = rig.initiator()
    await rig.group(initiator, extended=True)
    for lba, order in enumerate(((5, 4, 3), (3, 5, 4), (4, 3, 5))):
        skip = len(rig.phases())
        result = await initiator.mirror_write(GROUP, lba, DATA, report=order, tag=1)
        assert result.good, result
        assert result.reported == list(order)
        yz = {scsi_id: number for number, (scsi_id, _) in enumerate(GROUP)}
        asked = [f"2d{yz[scsi_id]:02x}" + ("ff" if scsi_id == order[-1] else "") for scsi_id in order]
        tail = [one for text in asked for one in ((Phase.MSG_OUT, text), (Phase.STATUS, "00"))]
        assert rig.phases()[skip:][-7:] == [*tail, (Phase.MSG_OUT, f"2e{yz[order[-1]]:02x}")]
    result = await initiator.mirror_read(GROUP, 1, BLOCK, report=True)
    assert result.good, result
    assert [one.data for one in result.results.values()] == [DATA] * 3
    assert not rig.of_kind(Kind.RESELECTION)
    for scsi_id, _ in GROUP:
        rig.image(scsi_id, b0=DATA, b1=DATA, b2=DATA)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def waits_for_the_medium(dut: Any) -> None:
    """3 us of latency: the take is put off within its window. 60 us: DISCONNECT, and reselection in that order."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator, extended=True)
    rig.medium(3).set_latency(3_000)
    result = await initiator.mirror_write(GROUP, 0, DATA, report=True, tag=1)
    assert (result.good, result.reported) == (True, [5, 4, 3])
    assert "reclaimed" not in rig.notes()
    for scsi_id in (4, 3):
        rig.medium(scsi_id).set_latency(60_000 if scsi_id == 3 else 50_000)
    result = await initiator.mirror_write(GROUP, 1, DATA, report=(3, 5, 4), tag=2)
    assert result.good, result
    assert (result.reported, result.statuses) == ([5], [5, 3, 4])
    assert rig.phases().count((Phase.MSG_IN, "04")) == 2
    assert len(rig.of_kind(Kind.RESELECTION)) == 2
    for scsi_id, _ in GROUP:
        rig.image(scsi_id, b0=DATA, b1=DATA)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def done_meanwhile(dut: Any) -> None:
    """The medium is done while DISCONNECT is being said, for every 150 ns of it: the status comes by reselection."""
    rig = await TargetRig(dut, period=Period.FAST_40, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.group(initiator, 1, extended=True)
    postponed = 0
    for tag, latency in enumerate(range(2_400, 4_800, 150)):
        rig.medium(5).set_latency(latency)
        result = await initiator.mirror_write(GROUP[:1], tag % 16, DATA, report=True, tag=tag)
        assert result.good, (latency, result)
        postponed += not result.reported
    assert 4 <= postponed <= 14, postponed
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def bad_news(dut: Any) -> None:
    """CHECK CONDITION in the connection: medium error of the leader, a damaged copy of a participant; sense follows."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator, extended=True)
    rig.medium(5).fail_next()
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.DATA_OUT, 40, skip=1))
    result = await initiator.mirror_write(GROUP, 7, DATA, report=True, tag=1)
    check = Status.CHECK_CONDITION
    assert statuses(result) == {5: check, 4: check, 3: 0}
    assert result.reported == [5, 4, 3]
    data = await rig.sense_data(initiator, 5)
    assert (data[2] & 0xF, data[12]) == (SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR >> 8)
    assert (data[0], data[3:7]) == (0xF0, bytes([0, 0, 0, 7]))
    assert (await rig.sense_data(initiator, 4))[12] == Asc.PARITY_ERROR >> 8
    assert holders(rig, DATA, 7) == [3]
    await rig.finish("PAR-05")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_status(dut: Any) -> None:
    """The initiator cannot read the status: again, three times; then the lines go, and it comes by reselection."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator, extended=True)
    for times, reported in ((1, [5, 4, 3]), (3, [5, 4, 3]), (4, [5, 3])):
        skip = len(rig.phases())
        for _ in range(times):
            faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.STATUS, 0, skip=1))
        result = await initiator.mirror_write(GROUP, times, DATA, report=True, tag=1, switch_repeats=0)
        assert not faults.pending
        assert (result.good, result.reported) == (True, reported), result
        assert rig.phases()[skip:].count((Phase.STATUS, "00")) == 3 + times
    assert len(rig.of_kind(Kind.RESELECTION)) == 1
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_disconnect(dut: Any) -> None:
    """MESSAGE PARITY ERROR after DISCONNECT: again, three times; then the lines go; it reselects in any case."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator, extended=True)
    rig.medium(4).set_latency(120_000)
    for times in (1, 4):
        skip = len(rig.phases())
        for _ in range(times):
            faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_IN, 0))
        result = await initiator.mirror_write(GROUP, times, DATA, report=True, tag=1, switch_repeats=0)
        assert not faults.pending
        assert (result.good, result.reported) == (True, [5, 3]), result
        assert rig.phases()[skip:].count((Phase.MSG_IN, "04")) == min(times + 1, 4)
    assert len(rig.of_kind(Kind.RESELECTION)) == 2
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_report(dut: Any) -> None:
    """REPORT damaged for all: resend. At the one it names: reclaim, and again. At a bystander: nothing."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator, extended=True)
    for lba, skip in enumerate((3, 4, 5, 6)):
        faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT, 1, skip=skip))
        result = await initiator.mirror_write(GROUP, lba, DATA, report=True, tag=1)
        assert not faults.pending
        assert (result.good, result.reported) == (True, [5, 4, 3]), result
    assert "reclaimed" not in rig.notes()
    for lba, (deaf, reclaims) in enumerate(((4, 1), (3, 0)), 4):
        before = rig.notes().count("reclaimed")
        task = cocotb.start_soon(initiator.mirror_write(GROUP, lba, DATA, report=True, tag=1))
        await rig.phase_begins(Phase.STATUS)
        await rig.phase_begins(Phase.MSG_OUT)
        rig.slot(deaf).rx.invert("dbp0")
        await rig.phase_begins(Phase.MSG_IN if reclaims else Phase.STATUS)
        rig.slot(deaf).rx.clear()
        result = await task
        assert (result.good, result.reported) == (True, [5, 4, 3]), result
        assert rig.notes().count("reclaimed") == before + reclaims
    assert not rig.of_kind(Kind.RESELECTION)
    await rig.finish("PAR-01")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_after_the_status(dut: Any) -> None:
    """The participant cannot read the message after its status: its lines go, it reports once more by reselection."""
    rig = await TargetRig(dut, period=Period.FAST_40, allow_unexpected_free=True).start()
    initiator = rig.initiator(max_resends=5)
    await rig.group(initiator, extended=True)
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, report=True, tag=1))
    await rig.phase_begins(Phase.STATUS, 2)
    rig.slot(4).rx.invert("dbp0")
    await rig.phase_begins(Phase.MSG_IN)
    rig.slot(4).rx.clear()
    result = await task
    assert result.good, result
    await Timer(200, unit="us")
    assert len(rig.of_kind(Kind.RESELECTION)) == 1
    assert holders(rig, DATA) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def not_taken(dut: Any) -> None:
    """A member without a copy, one that has reported, a dead one: the leader reclaims, RELEASE ends well."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator(status_timeout_us=300)
    await rig.group(initiator, extended=True)
    result = await initiator.mirror_write(GROUP[:2], 0, DATA, report=(5, 5, 4), tag=1, switch_repeats=0)
    assert (result.good, result.reported) == (True, [5, 4]), result
    assert rig.notes().count("reclaimed") == 1
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 1, DATA, report=True, tag=1))
    await rig.phase_begins(Phase.STATUS)
    rig.slot(4).stop_clock()
    result = await task
    assert (result.ended, result.reported) == (Ended.RELEASED, [5, 3])
    assert statuses(result) == {5: 0, 4: None, 3: 0}
    assert rig.notes().count("reclaimed") == 3
    await rig.finish("MIR-35")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def freed_before_delivery(dut: Any) -> None:
    """The leader loses BSY while the second status is out: the first is delivered, two come by reselection."""
    rig = await TargetRig(dut, period=Period.FAST_40, allow_unexpected_free=True).start()
    initiator = rig.initiator()
    await rig.group(initiator, extended=True)
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, report=True, tag=1))
    await rig.phase_begins(Phase.STATUS, 2)
    await RisingEdge(dut.bus_ack)
    rig.slot(5).tx.stick("bsy", 0)
    await Timer(1500, unit="ns")
    rig.slot(5).tx.clear()
    result = await task
    assert result.ended is Ended.BUS_FREE
    assert (result.reported, statuses(result)) == ([5], ALL_GOOD)
    assert len(rig.of_kind(Kind.RESELECTION)) == 2
    assert holders(rig, DATA) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def no_more_copies(dut: Any) -> None:
    """After a REPORT, SWITCH ROLE and NEXT are rejected; after ABORT TASK nobody reports."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator(status_timeout_us=150)
    await rig.group(initiator, extended=True)
    for lba, message in enumerate((switch_role(1), next_block(0, 9))):
        skip = len(rig.phases())
        result = await initiator.mirror_write(GROUP, lba, DATA, report=True, tag=1, ending_message=message)
        assert result.good, result
        assert (Phase.MSG_IN, "07") in rig.phases()[skip:]
    result = await initiator.mirror_write(
        GROUP, 2, DATA, report=(5, 4), tag=1, ending_message=bytes([Message.ABORT_TASK])
    )
    assert result.ended is Ended.ABORTED
    await Timer(150, unit="us")
    assert not rig.of_kind(Kind.RESELECTION)
    assert (await initiator.mirror_write(GROUP, 3, DATA, report=True, tag=1)).good
    await rig.finish("MIR-28", "MIR-29")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reset_at_the_statuses(dut: Any) -> None:
    """RST before a take, in STATUS and after DISCONNECT: all released, nothing reported afterwards."""
    rig = await TargetRig(dut, period=Period.FAST_40, allow_unexpected_free=True).start()
    initiator = rig.initiator()
    for phase, times, wait_ns in ((Phase.MSG_OUT, 4, 1_200), (Phase.STATUS, 2, 30), (Phase.MSG_IN, 1, 800)):
        await rig.group(initiator, extended=True)
        if phase is Phase.MSG_IN:
            rig.medium(5).set_latency(100_000)
        task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, report=True, tag=1))
        await rig.phase_begins(phase, times)
        await Timer(wait_ns + 1, unit="ns")
        await rig.reset_bus()
        result = await task
        assert statuses(result)[3] is None
        await Timer(150, unit="us")
    assert not rig.of_kind(Kind.RESELECTION)
    await rig.finish()
