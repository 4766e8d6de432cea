"""Any member first, the others in any order, any subset (protocol 8): RTL initiator, RTL drives, media compared."""

from __future__ import annotations

import itertools
import os
from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from group_rig import FAST_80, GroupRig, ids_beside, rng

RUNS = int(os.environ.get("GROUP_ORDERS", "2"))
"""Random orders of each large group."""
COUNTS = [int(text) for text in os.environ.get("GROUP_COUNTS", "0").split(",")]
"""Members of these groups; 0: from 9 to 14, as the seed says. `sim_group_size` has the smaller ones, and 15."""
LARGE = (9, 14)
GROUP = 3


def order_on_the_bus(rig: GroupRig) -> list[int]:
    """SCSI IDs in the order in which they took their copies since the mark."""
    wanted = (Phase.DATA_OUT, Phase.DT_DATA_OUT)
    return [one.by for one in rig.of_kind(Kind.PHASE) if one.phase in wanted and one.by is not None]


async def written(rig: GroupRig, host: Any, ids: tuple[int, ...], order: tuple[int, ...], lba: int) -> None:
    """One mirrored write in this order; on the bus are the leader's selection, the copies, the statuses."""
    await rig.mark()
    await rig.write_all(host, GROUP, order, lba, salt=order, tag=lba + 1)
    await rig.quiet()
    named = [ids[z] for z in order]
    assert order_on_the_bus(rig) == named, rig.story()
    (selection,) = rig.of_kind(Kind.SELECTION)
    assert (selection.initiator, selection.target) == (host.scsi_id, named[0])
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == named


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def every_order_of_three(dut: Any) -> None:
    """All 15 ways to choose one, two or three of three members in order."""
    ids = (5, 4, 3)
    rig = await GroupRig(dut, ids=ids, overrides=dict.fromkeys(ids, FAST_80)).start()
    (host,) = await rig.all_hosts()
    await rig.join(host, GROUP, ids)
    orders = [order for count in (1, 2, 3) for order in itertools.permutations(range(3), count)]
    assert len(orders) == 15
    for lba, order in enumerate(orders):
        await written(rig, host, ids, order, lba)
    rig.compare_media()
    await rig.finish()


@cocotb.test(timeout_time=40, timeout_unit="ms")
@cocotb.parametrize(count=COUNTS)
async def random_orders(dut: Any, count: int) -> None:
    """Subsets of a larger group, from the seed; the first is the whole group."""
    count = count or rng("members").randint(*LARGE)
    print(f"{count} members")
    ids = ids_beside(1, count)
    rig = await GroupRig(dut, ids=ids, overrides=dict.fromkeys(ids, FAST_80)).start()
    (host,) = await rig.all_hosts()
    await rig.join(host, GROUP, ids)
    draw = rng(count)
    for lba in range(RUNS):
        members = count if lba == 0 else draw.randint(2, count)
        order = tuple(draw.sample(range(count), members))
        print(f"order {order}")
        await written(rig, host, ids, order, lba % rig.blocks)
    await rig.finish()
