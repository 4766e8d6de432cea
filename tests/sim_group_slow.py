"""Mirrored commands to drives whose media take longer than the initiator's questions: nobody fails, all wait or go on.

No repetition is asked for (policy NONE): what has no error needs none.
"""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from group_rig import FAST_80, GroupRig
from helpers.commands import read_10
from initiator_rig import Host
from sim_group_extensions import caching, operations
from system_rig import BLOCK, pattern

GROUP, OTHER_GROUP = 2, 9
LEADER_FIRST = (0, 1)


async def start(dut: Any, ids: tuple[int, ...], latency_ns: int) -> tuple[GroupRig, Host]:
    """Drives of this latency; the first two are a group."""
    overrides = {scsi_id: {**FAST_80, "mirror_ext": 3} for scsi_id in ids}
    rig = await GroupRig(dut, ids=ids, overrides=overrides).start()
    (host,) = await rig.all_hosts()
    await rig.join(host, GROUP, ids[:2])
    for scsi_id in ids:
        rig.medium(scsi_id).set_latency(latency_ns)
    return rig, host


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def leader_waits_for_its_medium(dut: Any) -> None:
    """Write cache on, two blocks, a connection for each: the second comes while the first goes to the media."""
    rig, host = await start(dut, (5, 4), 100_000)
    await rig.agree(host, GROUP, series=False)
    await caching(rig, host, 5, 4)
    await rig.mark()
    await rig.write_all(host, GROUP, LEADER_FIRST, (1, 2))
    await rig.quiet()
    assert len(operations(rig)) == 2, rig.story()
    while any(rig.medium(scsi_id).busy for scsi_id in rig.ids):
        await rig.quiet()
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def series_ends_early(dut: Any) -> None:
    """Write cache off: the second block's turn comes too soon for the media; the rest goes in further connections."""
    rig, host = await start(dut, (5, 4), 60_000)
    await rig.agree(host, GROUP)
    await rig.mark()
    lbas = (1, 6, 3)
    await rig.write_all(host, GROUP, LEADER_FIRST, lbas, series=16)
    assert rig.moved == len(lbas) * BLOCK
    await rig.quiet()
    assert len(operations(rig)) > 1, rig.story()
    await rig.finish()


def begun(rig: GroupRig) -> dict[int, int]:
    """By tag: when the bus was last selected for that command."""
    found: dict[int, int] = {}
    selected = 0
    for one in rig.seen:
        if one.kind is Kind.SELECTION:
            selected = one.start_ps
        if one.kind is Kind.PHASE and one.phase is Phase.MSG_OUT and one.data[0] & 0xC0 == 0xC0:
            found[one.data[2]] = selected
    return found


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def one_operation_of_a_drive(dut: Any) -> None:
    """Two mirrored commands to one group: the second waits until every drive has told its status of the first.

    A mirrored command to another drive and an ordinary one, handed over after it, do not wait.
    """
    rig, host = await start(dut, (5, 4, 3), 40_000)
    await rig.join(host, OTHER_GROUP, (3,))
    await rig.mark()
    data = pattern(BLOCK, "of all")
    await host.load(data)
    for tag, group, order in ((1, GROUP, LEADER_FIRST), (2, GROUP, LEADER_FIRST), (3, OTHER_GROUP, (0,))):
        await rig.post(host, group, order, tag, data, tag=tag)
        rig.wrote((5, 4) if group == GROUP else (3,), tag, data)
    await host.send_command(3, read_10(9), data_in=BLOCK, addr=8192, disc=True, tag=4)
    done = [await host.next_completion() for _ in range(4)]
    assert all(one.good for one in done), rig.story(done)
    await rig.quiet()
    times = begun(rig)
    first_over = status_told(rig, 1)
    assert times[2] > first_over > max(times[3], times[4]), rig.story((times, first_over))
    await rig.finish()


def status_told(rig: GroupRig, tag: int) -> int:
    """When the last status of this tag was over."""
    named, last = b"", 0
    for one in rig.of_kind(Kind.PHASE):
        if one.phase is Phase.MSG_IN:
            named = one.data
        if one.phase is Phase.STATUS and named == bytes([0x80, 0x20, tag]):
            last = one.end_ps
    return last
