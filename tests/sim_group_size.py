"""Size (protocol 4, 5): 1 to 15 members, 16 groups, a drive in several of them, mixed agreements, bystanders."""

from __future__ import annotations

import os
from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.models import Medium, TargetModel
from cocotbext.scsi.transaction import Transfer
from group_rig import ASYNC_8, FAST_20, FAST_40, FAST_80, GroupRig, ids_beside, rng
from helpers.commands import read_10, write_10
from initiator_rig import NOT_CAPABLE, Host
from system_rig import BLOCK, pattern

ALL_SIZES = range(1, int(os.environ.get("GROUP_SIZES", "8")) + 1)
"""Members of one operation, in `every_size`: 8 unless the environment's GROUP_SIZES says 15."""
KINDS: tuple[tuple[dict[str, Any], Transfer, bool], ...] = (
    (FAST_80, Transfer.DT, True),
    (ASYNC_8, Transfer.ASYNC, False),
    (FAST_40, Transfer.ST, True),
    (FAST_20, Transfer.ST, True),
    ({}, Transfer.ASYNC, True),
    ({**FAST_20, "wide": False}, Transfer.ST, False),
)
"""What a drive can do, how its data move then, and whether 16 bit wide."""
QUICK = [number for number, (_, transfer, wide) in enumerate(KINDS) if wide and transfer is not Transfer.ASYNC]


def quick(ids: tuple[int, ...]) -> dict[int, int]:
    """An index of `KINDS` for each drive, of the quick ones in turn."""
    return {scsi_id: QUICK[place % len(QUICK)] for place, scsi_id in enumerate(ids)}


def mixed(ids: tuple[int, ...]) -> dict[int, int]:
    """An index of `KINDS` for each drive: each of them once, the quick ones in turn for all others."""
    return {scsi_id: place if place < len(KINDS) else QUICK[place % len(QUICK)] for place, scsi_id in enumerate(ids)}


def copies_as_agreed(rig: GroupRig, kinds: dict[int, int]) -> list[int]:
    """Each copy since the mark was moved as its target can; returns the targets in the order of the copies."""
    served = []
    for one in rig.of_kind(Kind.PHASE):
        if one.phase not in (Phase.DATA_OUT, Phase.DT_DATA_OUT):
            continue
        assert one.by is not None
        _, transfer, wide = KINDS[kinds[one.by]]
        assert (one.transfer, one.wide, len(one.data)) == (transfer, wide, BLOCK), rig.story(one)
        served.append(one.by)
    return served


async def start(dut: Any, ids: tuple[int, ...], **fields: Any) -> tuple[GroupRig, Host, dict[int, int]]:
    """A host and drives with mixed agreements; `quickly`: the transfers are not the subject."""
    kinds = quick(ids) if fields.pop("quickly", False) else mixed(ids)
    overrides = {scsi_id: KINDS[kind][0] for scsi_id, kind in kinds.items()}
    for scsi_id, changes in fields.pop("overrides", {}).items():
        overrides[scsi_id] = {**overrides[scsi_id], **changes}
    rig = await GroupRig(dut, ids=ids, overrides=overrides, **fields).start()
    (host,) = await rig.all_hosts()
    return rig, host, kinds


@cocotb.test(timeout_time=60, timeout_unit="ms")
async def every_size(dut: Any) -> None:
    """Operations with one member, two, ... of a group as large as the largest, in random order."""
    ids = ids_beside(1, max(ALL_SIZES))
    rig, host, kinds = await start(dut, ids, quickly=True)
    await rig.join(host, 9, ids)
    draw = rng("sizes")
    for size in ALL_SIZES:
        order = draw.sample(range(len(ids)), size)
        await rig.mark()
        await rig.write_all(host, 9, order, size, salt=size, tag=size)
        await rig.quiet()
        assert copies_as_agreed(rig, kinds) == [ids[z] for z in order]
    await rig.finish()


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def fifteen_mixed(dut: Any) -> None:
    """15 members with every kind of agreement in one operation."""
    ids = ids_beside(1)
    rig, host, kinds = await start(dut, ids)
    assert set(kinds.values()) == set(range(len(KINDS)))
    await rig.join(host, 0, ids)
    order = rng("fifteen").sample(range(15), 15)
    print(f"order {order}")
    await rig.mark()
    await rig.write_all(host, 0, order, 5, tag=0x15)
    await rig.quiet()
    assert copies_as_agreed(rig, kinds) == [ids[z] for z in order]
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [ids[z] for z in order]
    await rig.finish()


@cocotb.test(timeout_time=60, timeout_unit="ms")
async def sixteen_groups(dut: Any) -> None:
    """All 16 groups of one initiator at once, the drives in many of them with another ID in each; a write to each."""
    ids = (5, 4, 3, 0)
    rig, host, _ = await start(dut, ids, quickly=True)
    draw = rng("groups")
    chosen = {group: draw.sample(ids, draw.randint(1, 4)) for group in range(16)}
    chosen[15] = list(ids)
    for group, members in chosen.items():
        await rig.join(host, group, members)
    assert max(sum(scsi_id in members for members in chosen.values()) for scsi_id in ids) >= 4
    for group in draw.sample(range(16), 16):
        order = draw.sample(range(len(chosen[group])), draw.randint(1, len(chosen[group])))
        await rig.write_all(host, group, order, group, tag=group)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def a_drive_in_four_groups(dut: Any) -> None:
    """One drive leads two groups, follows in two; leaving one, and a new ID in another, do not touch the rest."""
    ids = (5, 4, 3)
    rig, host, _ = await start(dut, ids)
    for group, members in enumerate(((5, 4), (5, 3, 4), (4, 5), (3, 4, 5))):
        await rig.join(host, group, members)
    for group, order in enumerate(((0, 1), (0, 2, 1), (0, 1), (2, 0, 1))):
        await rig.write_all(host, group, order, group)
    assert (await host.query(5, 0x0F)).result == 0
    await rig.join(host, 1, (3, 5))
    for group, order in ((1, (1, 0)), (2, (1, 0)), (3, (1, 2, 0))):
        await rig.write_all(host, group, order, 4 + group, salt="again")
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def bystanders(dut: Any) -> None:
    """A drive that is not asked, one without the ability and one that is a Python model drive no line meanwhile.

    They decline when they are asked, and are ordinary drives before and after.
    """
    ids, capable, legacy, model = (5, 4, 3, 0, 1), 0, 1, 2
    rig, host, kinds = await start(dut, ids, overrides={legacy: {"mirror": False}}, python=(model,))
    stranger = TargetModel(rig.port(model), model, Medium(blocks=16))
    members = (5, 4, 3)
    await rig.join(host, 0, members)
    for scsi_id in (legacy, model):
        declined = await host.query(scsi_id, 0x03)
        assert declined.result == NOT_CAPABLE
    for scsi_id in (capable, legacy, model):
        await plain(rig, host, scsi_id, 1)
    await rig.mark()
    watching = rig.watch(capable, legacy, model)
    for lba, order in enumerate(((0, 1, 2), (2, 0), (1, 2, 0), (1,))):
        await rig.write_all(host, 0, order, 2 + lba)
    await rig.quiet()
    assert set(copies_as_agreed(rig, kinds)) == set(members)
    assert watching.samples > 1000
    assert not watching.driven, rig.story(watching.driven)
    untouched = dict(stranger.medium.written)
    assert list(untouched) == [1]
    for scsi_id in (capable, legacy, model):
        await plain(rig, host, scsi_id, 7)
    assert set(watching.driven) == {capable, legacy, model}
    assert {lba: data for lba, data in stranger.medium.written.items() if lba != 7} == untouched
    await rig.finish()


async def plain(rig: GroupRig, host: Host, scsi_id: int, lba: int) -> None:
    """An ordinary write, read back."""
    data = pattern(salt=("plain", scsi_id, lba))
    await host.load(data)
    assert (await host.command(scsi_id, write_10(lba), data_out=BLOCK)).good
    assert (await host.command(scsi_id, read_10(lba), data_in=BLOCK, addr=1024)).good
    assert await host.unload(BLOCK, 1024) == data
    if scsi_id in rig.ids:
        rig.wrote([scsi_id], lba, data)
