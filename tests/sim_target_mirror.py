"""RTL targets as members of a silent-mirroring group, driven by the Python initiator."""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from helpers.commands import cdb_6, read_10
from model_rig import pattern
from target_rig import BLOCK, GROUP, TargetRig

DATA = pattern(BLOCK)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def worked_example(dut: Any) -> None:
    """Section 12 to the byte, phase by phase, by whom; statuses in rank order."""
    rig = await TargetRig(dut).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    skip = len(rig.phases())
    for scsi_id, yz in GROUP:
        assert (await initiator.query(scsi_id, yz, last=yz == 2)).accepted
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
    assert result.good, result
    assert (result.order, result.statuses) == ([5, 4, 3], [5, 4, 3])
    for scsi_id, _ in GROUP:
        rig.image(scsi_id, b0=DATA)
    out, inward = Phase.MSG_OUT, Phase.MSG_IN
    discovery = [
        (out, "c02600"),
        (inward, "2600"),
        (out, "c02601"),
        (inward, "2601"),
        (out, "c02602ff"),
        (inward, "2602"),
    ]
    write = [(out, "c0200101098a0000000000000200"), (Phase.DATA_OUT, DATA.hex())]
    switches = [(out, "2c01"), (Phase.DATA_OUT, DATA.hex()), (out, "2c02ff"), (Phase.DATA_OUT, DATA.hex())]
    status = [(inward, "802001"), (Phase.STATUS, "00"), (inward, "00")]
    assert rig.phases()[skip:] == [*discovery, *write, *switches, (out, "2e02"), *(3 * status)]
    by = [one.by for one in rig.of_kind(Kind.PHASE)][skip:]
    assert by == [5, 5, 4, 4, 3, 3, 5, 5, 5, 4, 4, 3, 3, *(3 * [5]), *(3 * [4]), *(3 * [3])]
    assert rig.notes() == [
        *(3 * ["query", "accept"]),
        *("mirror_write", "leader_data", "switch_role", "hand_over", "switch_role", "hand_over", "release"),
        *(3 * ["mirror_status", "mirror_complete"]),
    ]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def any_order_and_width(dut: Any) -> None:
    """Another leader and order, two of three, 8 and 16 bit mixed, untagged; a drive beside that knows nothing."""
    rig = await TargetRig(dut, ids=(5, 4, 3, 6), overrides={4: {"wide": False}, 6: {"mirror": False}}).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    for scsi_id, yz in GROUP:
        await initiator.negotiate_wide(scsi_id)
        assert (await initiator.query(scsi_id, yz)).accepted
    assert {one: agreed.wide for one, agreed in initiator.agreements.items()} == {5: True, 4: False, 3: True}
    legacy = await initiator.query(6, 0x03)
    assert not legacy.accepted
    result = await initiator.mirror_write([GROUP[2], GROUP[1], GROUP[0]], 3, DATA)
    assert result.good, result
    assert (result.order, result.statuses) == ([3, 4, 5], [3, 4, 5])
    other = pattern(2 * BLOCK, 5)
    result = await initiator.mirror_write([GROUP[1], GROUP[0]], 8, other, tag=7)
    assert result.good, result
    assert (result.order, result.statuses) == ([4, 5], [4, 5])
    for scsi_id in (5, 4):
        rig.image(scsi_id, b3=DATA, b8=other[:BLOCK], b9=other[BLOCK:])
    rig.image(3, b3=DATA)
    rig.image(6)
    assert (await initiator.command(6, cdb_6(0x00))).good
    assert (await initiator.command(3, read_10(3))).data == DATA
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def single_member(dut: Any) -> None:
    """The leader is also the last: FFh in MIRROR WRITE, RELEASE to itself."""
    rig = await TargetRig(dut, ids=(5, 4)).start()
    initiator = rig.initiator()
    await rig.group(initiator, 1)
    result = await initiator.mirror_write(GROUP[:1], 5, DATA, tag=9)
    assert result.good, result
    rig.image(5, b5=DATA)
    rig.image(4)
    assert (Phase.MSG_OUT, "2e00") in rig.phases()
    await rig.finish()
