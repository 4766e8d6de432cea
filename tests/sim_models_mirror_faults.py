"""Silent mirroring when something goes wrong: silent or stuck devices, wrong parity, rejected messages, aborts."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models import Ended, Fault, FaultKind, Faults, Misbehaviour
from cocotbext.scsi.models.messages import identify
from cocotbext.scsi.models.mirror_messages import MirrorOrder, switch_role
from model_rig import BLOCK, DATA, GROUP, FlipInMessageOut, Rig, holders, statuses


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def silent_participant(dut: Any) -> None:
    """It never takes: the leader reclaims twice, the others get their copy, rank counts those that took."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id4={"misbehave": ["silent_participant"]})
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5, 3], [4])
    assert statuses(result) == {5: 0, 4: None, 3: 0}
    assert result.results[4].ended is Ended.SKIPPED
    assert holders(members) == [5, 3]
    assert rig.notes().count("reclaimed") == 2
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def silent_last_participant(dut: Any) -> None:
    """Nobody is left: RELEASE goes to the leader itself."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id3={"misbehave": ["silent_participant"]})
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, switch_repeats=0)
    assert (result.ended, result.skipped) == (Ended.RELEASED, [3])
    assert holders(members) == [5, 4]
    assert (Phase.MSG_OUT, "2e00") in rig.phases()
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def switch_repeated(dut: Any) -> None:
    """A participant that missed its switch takes on the repetition."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id4={"misbehave": ["silent_participant"]})
    await rig.group(initiator)
    operation = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, tag=1))
    while not any(one.note == "reclaimed" for one in rig.monitor.transactions):
        await Timer(1, unit="us")
    members[1].misbehave.clear()
    result = await operation
    assert result.good
    assert result.order == [5, 4, 3]
    assert holders(members) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def late_take(dut: Any) -> None:
    """It takes when the leader has reclaimed: two drivers of the phase lines, which a rule names."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, _ = rig.initiator(), rig.members(id4={"misbehave": ["late_take"], "late_take_ns": 11_500})
    await rig.group(initiator)
    await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    await Timer(3, unit="us")
    rig.checker.finish(rig.sampler.now_ps())
    assert "DRV-01" in {one.rule for one in rig.checker.violations}


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def leader_misbehaves(dut: Any) -> None:
    """Holds BSY after RELEASE: the initiator resets the bus. Drops it early: unexpected BUS FREE, all release."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, members = rig.initiator(stall_us=2_000), rig.members()
    await rig.group(initiator)
    members[0].misbehave.add(Misbehaviour.DROPS_BSY)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert result.ended is Ended.BUS_FREE
    assert (result.results[4].ended, result.results[3].ended) == (Ended.BUS_FREE, Ended.NOT_REACHED)
    assert holders(members) == [5]
    members[0].misbehave.clear()
    members[0].misbehave.add(Misbehaviour.KEEPS_BSY)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert result.ended is Ended.TIMEOUT
    await Timer(1, unit="us")
    assert len(rig.of_kind(Kind.RESET)) == 1
    assert not any(one.good for one in result.results.values())
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def participant_keeps_lines(dut: Any) -> None:
    """It does not hand over: the leader's stall timer frees the bus; what is whole is reported."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, members = rig.initiator(), rig.members(id4={"misbehave": ["keeps_lines"]})
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert result.ended is Ended.BUS_FREE
    assert statuses(result) == {5: 0, 4: 0, 3: None}
    assert holders(members) == [5, 4]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def participant_stops(dut: Any) -> None:
    """In mid-data: its own timer ends, or the leader's; BUS FREE, its medium untouched."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, members = (
        rig.initiator(),
        rig.members(id4={"faults": Faults(Fault(FaultKind.STOP, Phase.DATA_OUT, 40))}),
    )
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert (result.ended, result.results[4].ended) == (Ended.BUS_FREE, Ended.BUS_FREE)
    assert statuses(result) == {5: 0, 4: None, 3: None}
    assert holders(members) == [5]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def initiator_stops(dut: Any) -> None:
    """In a participant's data: the timers free the bus, nothing half-written is kept."""
    rig = Rig(dut, allow_unexpected_free=True)
    faults = Faults()
    initiator, members = rig.initiator(faults=faults), rig.members()
    await rig.group(initiator)
    faults.add(Fault(FaultKind.STOP, Phase.DATA_OUT, 20, skip=1))
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert faults.committed
    assert result.ended is Ended.BUS_FREE
    assert holders(members) == [5]
    await rig.finish("HSK-03")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def bad_copy_is_reported_by_its_target(dut: Any) -> None:
    """Wrong parity in one copy, UNIT ATTENTION, a corrupted medium: one target each, the others unharmed."""
    rig = Rig(dut)
    faults = Faults()
    initiator, members = rig.initiator(faults=faults), rig.members()
    await rig.group(initiator)
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.DATA_OUT, 40, skip=1))
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert statuses(result) == {5: Status.GOOD, 4: Status.CHECK_CONDITION, 3: Status.GOOD}
    assert holders(members) == [5, 3]
    sense = (await initiator.command(4, bytes([3, 0, 0, 0, 18, 0]))).data
    assert (sense[2], sense[12] << 8 | sense[13]) == (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
    members[2].disk.reset(Asc.TARGET_RESET)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=2)
    assert statuses(result) == {5: Status.GOOD, 4: Status.GOOD, 3: Status.CHECK_CONDITION}
    result = await initiator.mirror_write(GROUP, 16, DATA, tag=3)
    assert statuses(result) == dict.fromkeys((5, 4, 3), Status.CHECK_CONDITION)
    assert holders(members) == [5, 4, 3]
    members[1].session.corrupts = True
    assert (await initiator.mirror_write(GROUP, 1, DATA, tag=4)).good
    assert members[1].medium.read(1) == bytes([DATA[0] ^ 0xFF]) + DATA[1:]
    await rig.finish("PAR-05")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def damaged_messages(dut: Any) -> None:
    """Wrong parity in MIRROR WRITE, SWITCH ROLE or RELEASE: resent, and the operation ends well."""
    rig = Rig(dut)
    faults = Faults()
    initiator, members = rig.initiator(faults=faults), rig.members()
    await rig.group(initiator)
    for tag, skip in enumerate((0, 1, 2, 3)):
        faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT, 1, skip=skip))
        result = await initiator.mirror_write(GROUP, 0, DATA, tag=tag)
        assert result.good
        assert len(faults.committed) == tag + 1
    assert holders(members) == [5, 4, 3]
    assert [one.resend for one in rig.of_kind(Kind.PHASE)].count(True) == 4
    await rig.finish("PAR-01")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def what_is_rejected(dut: Any) -> None:
    """Bad form, unknown group, no DiscPriv: MESSAGE REJECT, then an ordinary command; snoopers stay quiet."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    write = MirrorOrder(True, 0x00, 0, BLOCK, False)
    bad = (
        [identify(), write.encode()],
        [identify(disc_priv=True), MirrorOrder(True, 0x70, 0, BLOCK, False).encode()],
        [identify(disc_priv=True), MirrorOrder(True, 0x01, 0, BLOCK, False).encode()],
        [identify(disc_priv=True), bytes([1, 10]) + write.encode()[2:] + b"\xfe"],
        [identify(disc_priv=True), switch_role(0x01)],
        [identify(disc_priv=True), bytes([0x26, 0x00, 0xFE])],
    )
    for messages in bad:
        result = await initiator.message_out(5, *messages)
        assert result.ended is Ended.COMPLETE
        assert result.messages_in[0] == bytes([Message.MESSAGE_REJECT])
    assert holders(members) == []
    assert (await initiator.mirror_write(GROUP, 0, DATA)).good
    await rig.finish("MIR-13", "MIR-14", "MIR-16", "MIR-17")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def abort_in_operation(dut: Any) -> None:
    """ABORT TASK SET to the last participant: the leader frees the bus and nobody reports."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, ending_message=bytes([Message.ABORT_TASK_SET]))
    assert result.ended is Ended.ABORTED
    await Timer(200, unit="us")
    assert not any(member.pending for member in members)
    assert not rig.of_kind(Kind.RESELECTION)
    assert (await initiator.mirror_write(GROUP, 0, DATA)).good
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def damage_seen_by_one_snooper(dut: Any) -> None:
    """Only the participant sees SWITCH ROLE damaged: it does nothing, is reclaimed, and takes on the repetition."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    flip = FlipInMessageOut(dut, rig, port=2, nth=2)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert flip.struck
    assert result.good
    assert holders(members) == [5, 4, 3]
    assert rig.notes().count("reclaimed") == 1
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def order_damaged_at_one_snooper(dut: Any) -> None:
    """Only a member sees MIRROR WRITE damaged: it has no context, so that no switch can reach it."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    flip = FlipInMessageOut(dut, rig, port=3, nth=1)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert flip.struck
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5, 4], [3])
    assert holders(members) == [5, 4]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def release_damaged_at_the_leader(dut: Any) -> None:
    """Only the leader sees RELEASE damaged; FFh had been announced, so it frees the bus 10 us later."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    flip = FlipInMessageOut(dut, rig, port=1, nth=4)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert flip.struck
    assert result.good
    assert holders(members) == [5, 4, 3]
    release = next(one for one in rig.of_kind(Kind.PHASE) if one.note == "release")
    freed = next(one for one in rig.of_kind(Kind.BUS_FREE) if one.start_ps > release.end_ps)
    assert 10_000_000 <= freed.start_ps - release.end_ps <= 11_000_000
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def named_twice(dut: Any) -> None:
    """A participant that has been served ignores a second SWITCH ROLE; the leader reclaims."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    result = await initiator.mirror_write([*GROUP[:2], GROUP[1]], 0, DATA, tag=1, switch_repeats=0)
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5, 4], [4])
    assert holders(members) == [5, 4]
    assert [phase for phase, _ in rig.phases()].count(Phase.DATA_OUT) == 2
    await rig.finish()
