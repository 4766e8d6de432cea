"""Faults at each step of REPORT and NEXT, and the ways of repeating what failed (protocol 8, 15, 16)."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.constants import Message, Status
from cocotbext.scsi.models import Ended, Fault, FaultKind, Faults, Misbehaviour, Pace
from helpers.commands import write_10
from model_rig import BLOCK, DATA, GROUP, FlipInMessageOut, Rig, holders, pattern, statuses
from sim_models_extensions import BLOCKS, LATER, ON_MEDIUM, agree


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def reporter_is_silent(dut: Any) -> None:
    """It does not take: reclaim, again, then the next one; its status comes by reselection. Also as the last one."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id4={"misbehave": ["silent_reporter"]})
    await rig.group(initiator)
    await agree(initiator)
    for tag, order in enumerate(((5, 4, 3), (5, 3, 4))):
        result = await initiator.mirror_write(GROUP, 0, DATA, tag=tag, report=order)
        assert result.good
        assert (result.reported, result.statuses) == ([5, 3], [5, 3, 4])
    assert rig.notes().count("reclaimed") == 4
    assert holders(members) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def leader_reports_late(dut: Any) -> None:
    """The leader itself does not take, and reclaims; it puts off the take for its status, where that is soon enough."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id5={"misbehave": ["silent_reporter"]})
    await rig.group(initiator)
    await agree(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, report=True, switch_repeats=0)
    assert result.good
    assert (result.reported, result.statuses) == ([4, 3], [4, 3, 5])
    members[0].misbehave.clear()
    assert holders(members) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def wrong_parity_in_answers(dut: Any) -> None:
    """INITIATOR DETECTED ERROR after STATUS, MESSAGE PARITY ERROR after DISCONNECT and FAILED BLOCK: the same again."""
    rig = Rig(dut)
    faults = Faults()
    initiator, members = rig.initiator(), rig.members(id4={"faults": faults, "pace": Pace()})
    await rig.group(initiator)
    await agree(initiator)
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.STATUS))
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, report=True)
    assert result.good
    assert result.reported == [5, 4, 3]
    assert [text for phase, text in rig.phases() if phase is Phase.MSG_OUT].count("05") == 1
    members[1].misbehave.add(Misbehaviour.ALWAYS_DISCONNECTS)
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_IN))
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=2, report=True)
    assert result.good
    assert result.reported == [5, 3]
    members[1].misbehave.clear()
    members[1].medium.unwritable.add(9)
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_IN, 4))
    result = await initiator.mirror_write(GROUP, 4, BLOCKS[0], tag=3, report=True, series=LATER)
    assert (result.reported, result.results[4].failed_block) == ([5, 4, 3], 1)
    assert [text for phase, text in rig.phases() if phase is Phase.MSG_OUT].count("09") == 2
    assert len(faults.committed) == 3
    await rig.finish("PAR-02", "PAR-04")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def reporter_gives_up(dut: Any) -> None:
    """Wrong parity four times: its lines go, the leader reclaims, the status comes by reselection."""
    rig = Rig(dut)
    faults = {4: Faults(), 5: Faults()}
    initiator, members = rig.initiator(), rig.members(id4={"faults": faults[4]}, id5={"faults": faults[5]})
    await rig.group(initiator)
    await agree(initiator)
    for tag, scsi_id in enumerate((4, 5)):
        faults[scsi_id].add(Fault(FaultKind.BAD_PARITY, Phase.STATUS, times=4))
        result = await initiator.mirror_write(GROUP, 0, DATA, tag=tag, report=True, switch_repeats=0)
        assert len(faults[scsi_id].committed) == 4
        assert result.good
        assert result.statuses[-1] == scsi_id
        assert scsi_id not in result.reported
    assert holders(members) == [5, 4, 3]
    await rig.finish("PAR-04")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def damaged_reports(dut: Any) -> None:
    """REPORT damaged at the current target is resent; at the named one alone it does not take, and does next time."""
    rig = Rig(dut)
    faults = Faults()
    initiator, members = rig.initiator(faults=faults), rig.members()
    await rig.group(initiator)
    await agree(initiator)
    for tag, skip in enumerate((3, 4, 5, 6)):  # the three REPORTs and RELEASE
        faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT, 1, skip=skip))
        result = await initiator.mirror_write(GROUP, 0, DATA, tag=tag, report=True)
        assert result.good
        assert result.reported == [5, 4, 3]
        assert len(faults.committed) == tag + 1
    flip = FlipInMessageOut(dut, rig, port=2, nth=5)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=9, report=True)
    assert flip.struck
    assert result.good
    assert result.reported == [5, 4, 3]
    assert rig.notes().count("reclaimed") == 1
    assert not rig.of_kind(Kind.RESELECTION)
    assert holders(members) == [5, 4, 3]
    await rig.finish("PAR-01")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def damaged_next(dut: Any) -> None:
    """At the current target: resend. At the leader: it reclaims. At another participant: it is skipped from then on."""
    rig = Rig(dut)
    faults = Faults()
    initiator, members = rig.initiator(faults=faults), rig.members()
    await rig.group(initiator)
    await agree(initiator)
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT, 5, skip=1))
    result = await initiator.mirror_write(GROUP, 4, BLOCKS[0], tag=1, series=LATER, report=True)
    assert faults.committed
    assert result.good
    at_leader = FlipInMessageOut(dut, rig, port=1, nth=4)
    result = await initiator.mirror_write(GROUP, 4, BLOCKS[0], tag=2, series=LATER, report=True)
    assert at_leader.struck
    assert result.good
    assert rig.notes().count("reclaimed") == 1
    assert all(member.medium.written == ON_MEDIUM for member in members)
    for member in members:
        member.medium.written.clear()
    at_member = FlipInMessageOut(dut, rig, port=2, nth=4)
    result = await initiator.mirror_write(GROUP, 4, BLOCKS[0], tag=3, series=LATER, report=True)
    assert at_member.struck
    assert result.skipped == [4]
    assert members[1].medium.written == {4: BLOCKS[0]}
    assert members[0].medium.written == members[2].medium.written == ON_MEDIUM
    await rig.finish("PAR-01")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def full_buffer(dut: Any) -> None:
    """Whoever has no room yet does not take, be it the leader; the message is repeated until it does."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id5={"buffer_us": 20}, id4={"buffer_us": 20})
    await rig.group(initiator)
    await agree(initiator)
    result = await initiator.mirror_write(GROUP[:2], 4, BLOCKS[0], tag=1, series=LATER, report=True, switch_repeats=5)
    assert result.good
    assert "reclaimed" in rig.notes()
    assert members[0].medium.written == members[1].medium.written == ON_MEDIUM
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def cut_off(dut: Any) -> None:
    """A series that is released without REPORT, or loses the bus, has no status: nobody reselects."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    await agree(initiator)
    result = await initiator.mirror_write(GROUP, 4, BLOCKS[0], tag=1, series=LATER)
    assert (result.ended, {one.ended for one in result.results.values()}) == (Ended.RELEASED, {Ended.CUT_OFF})
    members[0].misbehave.add(Misbehaviour.DROPS_BSY)
    result = await initiator.mirror_write(GROUP, 4, BLOCKS[0], tag=2)
    assert result.ended is Ended.BUS_FREE
    await Timer(200, unit="us")
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [5]
    assert rig.notes().count("cut_off") == 1
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def bus_lost_between_reports(dut: Any) -> None:
    """What was not delivered comes by reselection."""
    rig = Rig(dut, allow_unexpected_free=True)
    faults = Faults()
    initiator, members = rig.initiator(), rig.members(id4={"faults": faults, "participant_stall_us": 200})
    await rig.group(initiator)
    await agree(initiator)
    faults.add(Fault(FaultKind.STOP, Phase.STATUS))
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, report=True)
    assert result.ended is Ended.BUS_FREE
    assert statuses(result) == dict.fromkeys((5, 4, 3), 0)
    assert result.reported == [5]
    assert holders(members) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def misbehaving_reporters(dut: Any) -> None:
    """A second status by reselection, a wrong FAILED BLOCK, too large an answer to CAPABILITY: each has its rule."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    await agree(initiator)
    members[1].misbehave.add(Misbehaviour.REPORTS_TWICE)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, report=True)
    assert result.good
    await Timer(60, unit="us")
    assert len(initiator.strangers) == 1
    members[1].misbehave.clear()
    members[1].misbehave.add(Misbehaviour.WRONG_FAILED_BLOCK)
    members[1].medium.unwritable.add(9)
    result = await initiator.mirror_write(GROUP, 4, BLOCKS[0], tag=2, series=LATER, report=True)
    assert result.results[4].failed_block == 15
    members[1].misbehave.add(Misbehaviour.WRONG_STATUS)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=3, report=True)
    assert statuses(result) == {5: 0, 4: Status.CHECK_CONDITION, 3: 0}
    members[1].misbehave.add(Misbehaviour.WRONG_CAPABILITY)
    result_4 = await initiator.capability(4, 0x01)
    assert result_4.extensions is None
    await rig.finish("MIR-32", "MIR-33", "MIR-34")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def repeated_from_the_leader(dut: Any) -> None:
    """Way A: the operation again, ending with FFh at the last unsuccessful participant; those after it take no part."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id4={"misbehave": ["silent_participant"]})
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert result.skipped == [4]
    members[1].misbehave.clear()
    start = len(rig.phases())
    assert (await initiator.mirror_write(GROUP[:2], 0, DATA, tag=1)).good
    out = [text for phase, text in rig.phases()[start:] if phase is Phase.MSG_OUT]
    assert out[1:] == ["2c01ff", "2e01"]
    assert holders(members) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def repeated_by_regrouping(dut: Any) -> None:
    """Way B, the seed's own example: drives 1 and 2 failed, drive 1 becomes leader, `.. 01`, then `.. 02 FF`."""
    rig = Rig(dut)
    silent = {"misbehave": ["silent_participant"]}
    initiator, members = rig.initiator(), rig.members(id4=silent, id3=silent)
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, switch_repeats=0)
    assert result.skipped == [4, 3]
    for member in members[1:]:
        member.misbehave.clear()
    start = len(rig.phases())
    assert (await initiator.mirror_write(GROUP[1:], 0, DATA, tag=1)).good
    out = [text for phase, text in rig.phases()[start:] if phase is Phase.MSG_OUT]
    assert out == [f"c02001{'01098a01'}{0:08x}{BLOCK:06x}", "2c02ff", "2e02"]
    assert holders(members) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def repeated_plainly(dut: Any) -> None:
    """Way C: an ordinary command for the one that failed."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id3={"misbehave": ["silent_participant"]})
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, switch_repeats=0)
    assert result.skipped == [3]
    assert (await initiator.command(3, write_10(0), data_out=DATA, tag=1)).good
    assert holders(members) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def what_is_rejected(dut: Any) -> None:
    """REPORT and NEXT without agreement or outside an operation, NEXT for another than the leader: MESSAGE REJECT."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, report=True, switch_repeats=0)
    assert result.good
    assert (result.reported, result.statuses) == ([], [5, 4, 3])
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=2, series=[(1, pattern())], switch_repeats=0)
    assert result.good
    assert holders(members) == [5, 4, 3]
    for message in (b"\x2d\x00", bytes((1, 6, 0x8B, 0, 0, 0, 0, 1))):
        result_5 = await initiator.message_out(5, b"\xc0", message)
        assert result_5.messages_in[0] == bytes([Message.MESSAGE_REJECT])
    assert rig.notes().count("rejected") >= 2
    await rig.finish("MIR-14", "MIR-30")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def damaged_read(dut: Any) -> None:
    """The initiator sees wrong parity in a copy: RESTORE POINTERS, the data again; four times: lines go, 0Bh/48h."""
    rig = Rig(dut)
    faults = Faults()
    initiator, members = rig.initiator(faults=faults), rig.members()
    await rig.group(initiator)
    for member in members:
        member.medium.write(0, DATA)
    for skip in range(3):
        faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_IN, 20, skip=skip))
        result = await initiator.mirror_read(GROUP, 0, BLOCK, tag=1)
        assert result.good
        assert result.differs == []
        assert len(faults.committed) == skip + 1
    for place, scsi_id in enumerate((5, 4)):
        faults.add(*(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_IN, 20, skip=place) for _ in range(4)))
        result = await initiator.mirror_read(GROUP, 0, BLOCK, tag=2, switch_repeats=0)
        assert not faults.pending
        assert statuses(result) == {5: 0, 4: 0, 3: 0} | {scsi_id: Status.CHECK_CONDITION}
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def message_after_the_status_damaged(dut: Any) -> None:
    """At the reporter alone, four times: its lines go, and its status comes a second time, by reselection."""
    rig = Rig(dut)
    faults = Faults()
    initiator, members = rig.initiator(), rig.members(id4={"faults": faults})
    await rig.group(initiator)
    await agree(initiator)
    faults.add(*(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_OUT, skip=1) for _ in range(4)))
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, report=True)
    assert not faults.pending
    assert result.good
    await Timer(60, unit="us")
    assert [task.target for task in initiator.strangers] == [4]
    assert holders(members) == [5, 4, 3]
    await rig.finish()
