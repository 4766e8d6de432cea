"""Status in the connection and many blocks in one, with Python models on both sides (protocol 14 to 16)."""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.constants import Message, Status
from cocotbext.scsi.models import Ended, Extensions, InitiatorModel, Misbehaviour, Pace
from cocotbext.scsi.models.mirror_messages import NO_EXTENSIONS, SERIES, STATUS
from model_rig import BLOCK, DATA, GROUP, Rig, holders, pattern, statuses

BLOCKS = [pattern(step=step) for step in (3, 5, 7)]
LATER = [(9, BLOCKS[1]), (2, BLOCKS[2])]
"""Scattered, in no order."""
ON_MEDIUM = {4: BLOCKS[0], 9: BLOCKS[1], 2: BLOCKS[2]}


async def agree(initiator: InitiatorModel, count: int = 3) -> None:
    """Have the group's members agree on both extensions."""
    for scsi_id, yz in GROUP[:count]:
        result = await initiator.capability(scsi_id, yz)
        assert result.extensions == Extensions(), result


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def capability_outcomes(dut: Any) -> None:
    """The answer is what both have; every other outcome is no extensions and no error; a query ends what was agreed."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, members = (
        rig.initiator(),
        rig.members(id4={"extensions": Extensions(STATUS, 0)}, id3={"extensions": NO_EXTENSIONS}),
    )
    await rig.group(initiator)
    assert (await initiator.capability(5, 0x00, Extensions(STATUS | SERIES, 4))).extensions == Extensions(3, 4)
    assert (await initiator.capability(5, 0x00, Extensions(STATUS | SERIES, 99))).extensions == Extensions(3, 16)
    assert (await initiator.capability(5, 0x00, Extensions(STATUS, 0))).extensions == Extensions(STATUS, 0)
    assert (await initiator.capability(4, 0x01)).extensions == Extensions(STATUS, 0)
    for scsi_id, yz in ((3, 0x02), (5, 0x01), (5, 0x10)):
        refused = await initiator.capability(scsi_id, yz)
        assert (refused.extensions, refused.ended) == (None, Ended.COMPLETE)
        assert refused.messages_in[0] == bytes([Message.MESSAGE_REJECT])
    member = members[0].member
    assert member is not None
    assert member.agreed == {(7, 0): Extensions(STATUS, 0)}
    members[0].misbehave.add(Misbehaviour.CAPABILITY_BUS_FREE)
    freed = await initiator.capability(5, 0x00)
    assert (freed.extensions, freed.ended, member.agreed) == (None, Ended.BUS_FREE, {})
    members[0].misbehave.clear()
    members[0].misbehave.add(Misbehaviour.CAPABILITY_REJECT)
    assert (await initiator.capability(5, 0x00)).extensions is None
    members[0].misbehave.clear()
    assert (await initiator.capability(5, 0x00)).extensions == Extensions()
    assert (await initiator.query(5, 0x00)).accepted
    assert (member.identities, member.agreed) == ({(7, 0): (0, False)}, {})
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def status_in_the_connection(dut: Any) -> None:
    """Everybody answers at once: one connection, no reselection, to the byte."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    await agree(initiator)
    start = len(rig.phases())
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, report=True)
    assert result.good
    assert (result.order, result.reported, result.statuses) == ([5, 4, 3], [5, 4, 3], [5, 4, 3])
    assert holders(members) == [5, 4, 3]
    out, status = Phase.MSG_OUT, (Phase.STATUS, "00")
    data = (Phase.DATA_OUT, DATA.hex())
    assert rig.phases()[start:] == [
        (out, "c020010109 8a00000000000000 40".replace(" ", "")),
        *(data, (out, "2c01"), data, (out, "2c02"), data),
        *((out, "2d00"), status, (out, "2d01"), status, (out, "2d02ff"), status, (out, "2e02")),
    ]
    assert not rig.of_kind(Kind.RESELECTION)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def any_order_of_reports(dut: Any) -> None:
    """The current target reports first, the leader last; another leader; one member alone; RELEASE to the last."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    await agree(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, report=(3, 4, 5))
    assert result.good
    assert result.reported == [3, 4, 5]
    assert rig.phases()[-1] == (Phase.MSG_OUT, "2e00")
    result = await initiator.mirror_write([GROUP[2], GROUP[0]], 0, DATA, report=(5, 3))
    assert result.good
    assert (result.order, result.reported) == ([3, 5], [5, 3])
    result = await initiator.mirror_write(GROUP[1:2], 0, DATA, tag=7, report=True)
    assert result.good
    assert holders(members) == [5, 4, 3]
    assert not rig.of_kind(Kind.RESELECTION)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def status_not_known_yet(dut: Any) -> None:
    """A slow medium says DISCONNECT and reselects when it is done, in the order of the DISCONNECTs."""
    rig = Rig(dut)
    slow = {"pace": Pace(0, 15_000)}
    initiator, members = rig.initiator(), rig.members(id5=slow, id3=slow)
    await rig.group(initiator)
    await agree(initiator)
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, report=(3, 4, 5))
    assert result.good
    assert (result.order, result.reported, result.statuses) == ([5, 4, 3], [4], [4, 3, 5])
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [3, 5]
    assert rig.phases().count((Phase.MSG_IN, "04")) == 2
    assert holders(members) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def series_of_blocks(dut: Any) -> None:
    """Three scattered blocks in one connection, one status for all; then the same read back."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members()
    await rig.group(initiator)
    await agree(initiator)
    start = len(rig.phases())
    result = await initiator.mirror_write(GROUP, 4, BLOCKS[0], tag=1, series=LATER, report=True)
    assert result.good
    assert all(member.medium.written == ON_MEDIUM for member in members)
    out = [text for phase, text in rig.phases()[start:] if phase is Phase.MSG_OUT]
    copies = ["2c01", "2c02", "0106 8b00 00000009", "2c01", "2c02", "01068b0000000002", "2c01", "2c02"]
    assert out[1:] == [*(text.replace(" ", "") for text in copies), "2d00", "2d01", "2d02ff", "2e02"]
    read = await initiator.mirror_read(GROUP[::-1], 4, BLOCK, tag=1, series=(9, 2), report=True)
    assert read.good
    assert (read.order, read.differs) == ([3, 4, 5], [])
    assert {one.data for one in read.results.values()} == {b"".join(BLOCKS)}
    single = await initiator.mirror_write(GROUP[:1], 4, BLOCKS[1], series=[(5, BLOCKS[2])], report=True)
    assert single.good
    assert members[0].medium.written == ON_MEDIUM | {4: BLOCKS[1], 5: BLOCKS[2]}
    assert not rig.of_kind(Kind.RESELECTION)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def failed_block(dut: Any) -> None:
    """The first block that fails is named; blocks before it are written, those after it are not."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id3={"pace": Pace(0, 30_000)})
    await rig.group(initiator)
    await agree(initiator)
    for member in members[1:]:
        member.medium.unwritable = {9}
    result = await initiator.mirror_write(GROUP, 4, BLOCKS[0], tag=1, series=LATER, report=True)
    assert result.ended is Ended.RELEASED
    assert statuses(result) == {5: 0, 4: Status.CHECK_CONDITION, 3: Status.CHECK_CONDITION}
    assert {scsi_id: one.failed_block for scsi_id, one in result.results.items()} == {5: None, 4: 1, 3: 1}
    assert result.reported == [5, 4]
    assert members[0].medium.written == ON_MEDIUM
    assert members[1].medium.written == members[2].medium.written == {4: BLOCKS[0]}
    for scsi_id in (4, 3):
        sense = (await initiator.command(scsi_id, bytes([3, 0, 0, 0, 18, 0]))).data
        assert (sense[0], sense[3:7].hex()) == (0xF0, "00000009")
    assert rig.phases().count((Phase.MSG_IN, "01038d0101")) == 1
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def differing_copy(dut: Any) -> None:
    """A participant sends another block than the first one; one cannot read it, sends zeros and says so."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id4={"misbehave": ["differing_copy"]})
    await rig.group(initiator)
    for member in members:
        member.medium.write(2, DATA)
    result = await initiator.mirror_read(GROUP, 2, BLOCK, tag=1)
    assert result.good
    assert result.differs == [4]
    members[1].misbehave.clear()
    members[2].medium.unreadable.add(2)
    result = await initiator.mirror_read(GROUP, 2, BLOCK, tag=2)
    assert statuses(result) == {5: 0, 4: 0, 3: Status.CHECK_CONDITION}
    assert result.differs == [3]
    assert result.results[3].data == bytes(BLOCK)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def slow_medium_of_a_read(dut: Any) -> None:
    """It takes in time and holds DATA IN without REQ until its block is there."""
    rig = Rig(dut)
    initiator, members = rig.initiator(), rig.members(id4={"pace": Pace(40_000, 0)})
    await rig.group(initiator)
    for member in members:
        member.medium.write(2, DATA)
    result = await initiator.mirror_read(GROUP, 2, BLOCK, tag=1)
    assert result.good
    assert result.differs == []
    order, copies = [one for one in rig.of_kind(Kind.PHASE) if one.note in ("mirror_read", "hand_over")][:2]
    assert copies.first_req_ps is not None
    assert copies.phase_ps is not None
    assert copies.first_req_ps - order.end_ps >= 39_000_000
    assert copies.first_req_ps - copies.phase_ps >= 30_000_000
    await rig.finish()
