"""Silent mirroring with Python models on both sides, judged by monitor, checker and mirror rules."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.constants import Message
from cocotbext.scsi.models import Ended, Misbehaviour, TargetModel
from helpers.commands import write_10
from model_rig import BLOCK, DATA, GROUP, INITIATOR, Rig, holders, pattern


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def worked_example(dut: Any) -> None:
    """Section 12 to the byte, phase by phase, 8 bit."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(block_len=512)
    block = pattern(512)
    for scsi_id, yz in GROUP:
        assert (await initiator.query(scsi_id, yz, last=yz == 2)).accepted
    result = await initiator.mirror_write(GROUP, 0, block, tag=1)
    assert result.good
    assert (result.order, result.statuses) == ([5, 4, 3], [5, 4, 3])
    assert all(member.medium.written == {0: block} for member in members)
    out, inward = Phase.MSG_OUT, Phase.MSG_IN
    discovery = [(out, "c02600"), (inward, "2600"), (out, "c02601"), (inward, "2601"), (out, "c02602ff")]
    write = [(out, "c020010109 8a00000000000002 00".replace(" ", "")), (Phase.DATA_OUT, block.hex())]
    switches = [(out, "2c01"), (Phase.DATA_OUT, block.hex()), (out, "2c02ff"), (Phase.DATA_OUT, block.hex())]
    status = [(inward, "802001"), (Phase.STATUS, "00"), (inward, "00")]
    assert rig.phases() == [*discovery, (inward, "2602"), *write, *switches, (out, "2e02"), *(3 * status)]
    by = [one.by for one in rig.of_kind(Kind.PHASE)]
    assert by == [5, 5, 4, 4, 3, 3, 5, 5, 5, 4, 4, 3, 3, *(3 * [5]), *(3 * [4]), *(3 * [3])]
    assert rig.notes() == [
        *(3 * ["query", "accept"]),
        *("mirror_write", "leader_data", "switch_role", "hand_over", "switch_role", "hand_over", "release"),
        *(3 * ["mirror_status", "mirror_complete"]),
    ]
    await rig.finish()
    for rule in ("MIR-01", "MIR-02", "MIR-03"):
        assert rig.checker.rules[rule].evaluations


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def any_order_and_width(dut: Any) -> None:
    """Another leader, another order, 8 and 16 bit mixed in one operation; untagged."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id4={"wide": False})
    for scsi_id, yz in GROUP:
        await initiator.negotiate_wide(scsi_id)
        assert (await initiator.query(scsi_id, yz)).accepted
    assert {one: agreed.wide for one, agreed in initiator.agreements.items()} == {5: True, 4: False, 3: True}
    result = await initiator.mirror_write([GROUP[2], GROUP[1], GROUP[0]], 0, DATA)
    assert result.good
    assert (result.order, result.statuses) == ([3, 4, 5], [3, 4, 5])
    assert holders(members) == [5, 4, 3]
    assert [one.wide for one in rig.of_kind(Kind.PHASE) if one.phase is Phase.DATA_OUT] == [True, False, True]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def single_member(dut: Any) -> None:
    """The leader is also the last: FFh in MIRROR WRITE, RELEASE to itself."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator, 1)
    result = await initiator.mirror_write(GROUP[:1], 5, DATA, tag=9)
    assert result.good
    assert holders(members, 5) == [5]
    assert (Phase.MSG_OUT, "2e00") in rig.phases()
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def mirrored_read(dut: Any) -> None:
    """Each participant sends its own copy."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    copies = {member.scsi_id: pattern(step=member.scsi_id) for member in members}
    for member in members:
        member.medium.write(2, copies[member.scsi_id])
    result = await initiator.mirror_read(GROUP, 2, BLOCK, tag=3)
    assert result.good
    assert {scsi_id: one.data for scsi_id, one in result.results.items()} == copies
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def long_cables(dut: Any) -> None:
    """12 m to each device, with a participant that stays silent: the windows hold at both ends of the cable."""
    rig = Rig(dut, cable_ns=60)
    initiator, members = rig.initiator(), rig.members(id4={"misbehave": ["silent_participant"]})
    await rig.group(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert (result.order, result.skipped) == ([5, 3], [4])
    members[1].misbehave.clear()
    assert (await initiator.mirror_write(GROUP, 0, DATA, tag=2)).good
    assert (await initiator.mirror_read(GROUP, 0, BLOCK, tag=3)).good
    assert holders(members) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def operations_in_a_row(dut: Any) -> None:
    """Two operations asked for at once: the second yields to the statuses that the first is owed."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    tasks = [cocotb.start_soon(initiator.mirror_write(GROUP, n, pattern(step=n + 3), tag=n)) for n in range(3)]
    for task in tasks:
        assert (await task).good
    for member in members:
        assert member.medium.written == {n: pattern(step=n + 3) for n in range(3)}
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def discovery_outcomes(dut: Any) -> None:
    """Every outcome of section 4: no error, no enrolment, and the target works on."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator = rig.initiator()
    (member,) = rig.members(1)
    legacy = TargetModel(rig.ports[2], 4)
    seen = {}
    for name in ("query_reject", "query_bus_free", "query_command", "query_message_out", "wrong_accept"):
        member.misbehave.add(Misbehaviour(name))
        result = await initiator.query(5, 0x00, last=True)
        member.misbehave.clear()
        assert not result.accepted
        seen[name] = result.ended
        assert (await initiator.command(5, write_10(0), data_out=DATA)).good
    declined = await initiator.query(4, 0x01, last=True)
    assert (declined.accepted, declined.ended) == (False, Ended.COMPLETE)
    assert declined.messages_in[0] == bytes([Message.MESSAGE_REJECT])
    assert seen == dict.fromkeys(seen, Ended.COMPLETE) | {
        "query_bus_free": Ended.BUS_FREE,
        "wrong_accept": Ended.BUS_FREE,
    }
    # FFh was not sent to the stranger: NO OPERATION took its place.
    phases = rig.phases()
    assert phases[-6:-3] == [(Phase.MSG_OUT, "c02601"), (Phase.MSG_IN, "07"), (Phase.MSG_OUT, "08")]
    assert not member.member.identities  # type: ignore[union-attr]
    assert legacy.selections == 1
    assert "accept" not in rig.notes()
    await rig.finish("MSG-01", "MIR-18")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def enrolments_end(dut: Any) -> None:
    """By a new query, by leaving, when another target accepts the identity, and by RST."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(2)
    first, second = (model.member for model in members)
    assert first is not None
    assert second is not None
    await initiator.query(5, 0x31)
    await initiator.query(5, 0x42, last=True)
    assert first.identities == {(INITIATOR, 3): (1, False), (INITIATOR, 4): (2, True)}
    await initiator.query(5, 0x30)
    assert first.identities[INITIATOR, 3] == (0, False)
    await initiator.query(5, 0x4F)
    assert first.identities == {(INITIATOR, 3): (0, False)}
    await initiator.query(4, 0x30)
    assert (first.identities, second.identities) == ({}, {(INITIATOR, 3): (0, False)})
    await rig.ports[3].assert_reset()
    await Timer(1, unit="us")
    assert second.identities == {}
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def status_order(dut: Any) -> None:
    """A member without a status holds the next one up for the hold-off only; one out of turn comes first."""
    rig = Rig(dut)
    initiator, members = rig.initiator(status_timeout_us=300), rig.members()
    await rig.group(initiator)
    members[1].misbehave.add(Misbehaviour.NO_STATUS)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert result.statuses == [5, 3]
    assert result.results[4].ended is Ended.TIMEOUT
    members[1].misbehave.clear()
    members[2].misbehave.add(Misbehaviour.OUT_OF_TURN)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=2)
    assert result.good
    assert [one.contenders for one in rig.of_kind(Kind.ARBITRATION)][-3:] == [[5, 3], [4, 3], [3]]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def strangers_stay_out(dut: Any) -> None:
    """A member that is not named, and one of the same identity in another group, never drive a line."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator, 2)
    assert (await initiator.query(3, 0x11)).accepted
    result = await initiator.mirror_write(GROUP[:2], 0, DATA, tag=1)
    assert result.good
    assert holders(members) == [5, 4]
    assert members[2].selections == 1
    assert members[2].reselections == 0
    await rig.finish()
