"""Status in the connection and many blocks in one (protocol 14 to 16) with RTL on both sides.

Groups in which all, some or none have the abilities, WCE on and off, splitting by MIRROR.SERIES, another initiator's
turn.
"""

from __future__ import annotations

import itertools
from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase, Transaction
from disk_rig import CACHING_ON, mode_select
from group_rig import FAST_80, GroupRig, MemberResult, rng
from helpers.commands import write_10
from initiator_rig import CHECK_CONDITION, OK, Host
from system_rig import BLOCK, pattern

IDS = (5, 4, 3)
GROUP = 2
GOOD = MemberResult(OK)
STATUS, BOTH = 1, 3
"""Flags of MIRROR CAPABILITY, and values of a slot's `mirror_ext`."""
ORDER = (0, 1, 2)
WHO = {"all": (BOTH,) * 3, "no_series": (BOTH, STATUS, BOTH), "one_less": (BOTH, 0, BOTH), "none": (0,) * 3}
"""What each drive can do."""


async def start(dut: Any, *abilities: int, **fields: Any) -> tuple[GroupRig, list[Host]]:
    """Three drives in a group, with these abilities (default: both each); the first host's group."""
    given = zip(IDS, abilities or (BOTH,) * 3, strict=True)
    overrides = {scsi_id: {**FAST_80, "mirror_ext": ability} for scsi_id, ability in given}
    rig = await GroupRig(dut, ids=IDS, overrides=overrides, **fields).start()
    hosts = await rig.all_hosts()
    await rig.join(hosts[0], GROUP, IDS)
    return rig, hosts


async def caching(rig: GroupRig, host: Host, *ids: int) -> None:
    """WCE on."""
    for scsi_id in ids:
        await host.load(CACHING_ON)
        done = await host.command(scsi_id, mode_select(len(CACHING_ON)), data_out=len(CACHING_ON))
        assert done.good, rig.story(done)


def operations(rig: GroupRig) -> list[list[str]]:
    """Since the mark: what was said and done in each mirrored connection."""
    found: list[list[str]] = []
    for one in rig.seen:
        if one.note in ("mirror_write", "mirror_read"):
            found.append([])
        if one.note is not None and found:
            found[-1].append(str(one.note))
    return found


def count(rig: GroupRig, note: str) -> int:
    """How often something was said or done since the mark."""
    return rig.notes().count(note)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def status_in_the_connection(dut: Any) -> None:
    """Cached: every status is delivered by REPORT, nobody reselects. From the medium: DISCONNECT, then reselections."""
    rig, (host,) = await start(dut)
    assert await rig.agree(host, GROUP, series=False) == dict.fromkeys(ORDER, STATUS)
    for scsi_id in IDS:
        rig.medium(scsi_id).set_latency(60_000)
    await rig.mark()
    await rig.write_all(host, GROUP, (2, 0, 1), 1, tag=1)
    await rig.quiet()
    assert (count(rig, "reported"), count(rig, "postponed")) == (0, 3), rig.story()
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [3, 5, 4]
    await caching(rig, host, *IDS)
    await rig.mark()
    await rig.write_all(host, GROUP, (1, 2, 0), 2, tag=2)
    await rig.quiet()
    assert (count(rig, "reported"), count(rig, "postponed")) == (3, 0), rig.story()
    assert not rig.of_kind(Kind.RESELECTION)
    assert len(rig.of_kind(Kind.BUS_FREE)) == 1
    await rig.quiet()
    while any(rig.medium(scsi_id).busy for scsi_id in IDS):
        await Timer(1, "us")
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def some_cached_some_not(dut: Any) -> None:
    """One answers at once, one says DISCONNECT and comes back alone."""
    rig, (host,) = await start(dut)
    await rig.agree(host, GROUP)
    await caching(rig, host, 5, 3)
    rig.medium(4).set_latency(60_000)
    await rig.mark()
    await rig.write_all(host, GROUP, ORDER, 4)
    await rig.quiet()
    assert (count(rig, "reported"), count(rig, "postponed")) == (2, 1), rig.story()
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [4]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(who=list(WHO))
async def who_has_them(dut: Any, who: str) -> None:
    """All, some, none: an extension is used in operations of members that all have it, in no other."""
    abilities = WHO[who]
    rig, (host,) = await start(dut, *abilities)
    assert await rig.agree(host, GROUP) == dict(enumerate(abilities))
    lbas = (8, 2, 11)
    for order in (ORDER, (2, 0)):
        flags = [abilities[z] for z in order]
        await rig.mark()
        await rig.write_all(host, GROUP, order, lbas, salt=order, series=16)
        await rig.quiet()
        found = operations(rig)
        assert len(found) == (1 if all(one == BOTH for one in flags) else len(lbas)), rig.story(found)
        for one in found:
            assert one.count("next_block") == (len(lbas) - 1 if len(found) == 1 else 0)
            assert one.count("report") == (len(order) if all(flags) else 0)
        assert count(rig, "mirror_status") + count(rig, "reported") == len(order) * len(found)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def split_by_the_host(dut: Any) -> None:
    """A command of any number of blocks goes in connections of at most MIRROR.SERIES blocks, all media alike."""
    rig, (host,) = await start(dut)
    await rig.agree(host, GROUP)
    draw = rng("split")
    for blocks, series, sizes in ((16, 16, [16]), (5, 2, [2, 2, 1]), (3, 1, [1] * 3), (2, 0, [1] * 2), (2, 9, [2])):
        lbas = draw.sample(range(rig.blocks), blocks)
        order = draw.sample(ORDER, 3 if blocks == 16 else 2)
        await rig.mark()
        await rig.write_all(host, GROUP, order, lbas, salt=(blocks, series), series=series)
        await rig.quiet()
        assert [1 + one.count("next_block") for one in operations(rig)] == sizes, rig.story((blocks, series))
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def first_block_that_fails(dut: Any) -> None:
    """Blocks before it are written, those after it are not; the host is told which; a repetition mends all of it."""
    rig, (host,) = await start(dut)
    await rig.agree(host, GROUP)
    lbas = (6, 7, 99, 8)
    data = pattern(BLOCK * len(lbas), "beyond")
    found = await rig.mirror_write(host, GROUP, ORDER, lbas, data, series=16)
    assert found == dict.fromkeys(ORDER, MemberResult(OK, CHECK_CONDITION, 2)), rig.story(found)
    assert rig.moved == 2 * BLOCK
    rig.hold(IDS, lbas[:2], data[: 2 * BLOCK])
    await rig.quiet()
    assert count(rig, "failed_block") == 3, rig.story()
    rig.compare_media()
    lbas = (1, 3, 5, 7)
    await rig.mark()
    damaging = cocotb.start_soon(bad_copy(rig, 4, lbas[2]))
    await rig.write_all(host, GROUP, ORDER, lbas, salt="mended", series=16, policy="AUTO", rounds=1)
    assert damaging.done()
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(lbas=[(1,), (3, 4)])
async def first_report_damaged(dut: Any, lbas: tuple[int, ...]) -> None:
    """The leader alone cannot read the first REPORT: it takes the bus back and is asked again; nobody is failed.

    The copies were not the end of the operation: the FFh that lets the leader release the bus is in the last REPORT.
    """
    rig, (host,) = await start(dut)
    await rig.agree(host, GROUP)
    await caching(rig, host, *IDS)
    await rig.mark()
    copies = len(lbas) * len(ORDER)  # a MESSAGE OUT phase before each copy
    damaging = cocotb.start_soon(rig.damage(5, Phase.MSG_OUT, 1, copies))
    await rig.write_all(host, GROUP, ORDER, lbas, series=16)
    assert damaging.done()
    await rig.quiet()
    said = [text for phase, _, text in rig.phases() if phase is Phase.MSG_OUT]
    assert [text for text in said if text.startswith("2c")] == ["2c21", "2c22"] * len(lbas), rig.story(said)
    reports = [text for text in said if text.startswith("2d")]
    assert len(reports) > len(ORDER), rig.story(said)
    assert [text.endswith("ff") for text in reports] == [False] * (len(reports) - 1) + [True], rig.story(said)
    assert not rig.of_kind(Kind.RESELECTION)
    await rig.finish()


async def bad_copy(rig: GroupRig, scsi_id: int, lba: int) -> None:
    """A drive's copy of the block with this LBA is damaged on its way."""
    while True:
        seen = await rig.until(note="next_block")
        if int.from_bytes(seen.data[-4:], "big") == lba:
            break
    while (await rig.until(note="switch_role")).data[1] & 0xF != IDS.index(scsi_id):
        pass
    await rig.req()
    rig.slot(scsi_id).rx.invert("db3")
    await Timer(300, "ns")
    rig.slot(scsi_id).rx.clear()


@cocotb.test(timeout_time=30, timeout_unit="ms")
@cocotb.parametrize(mirroring=(0, 1))
async def others_get_the_bus(dut: Any, mirroring: int) -> None:
    """An initiator that waits during a long command gets the bus after the connection that is on, at most one series.

    The one of lower priority loses the first arbitration; with fairness it has its turn after that connection.
    """
    rig, hosts = await start(dut, hosts=2)
    busy, other = hosts[mirroring], hosts[1 - mirroring]
    if mirroring:
        await rig.join(busy, GROUP, IDS)
    for host in hosts:
        config = host.regs["CONFIG"].unpack(await host.read("CONFIG"))
        await host.port.write_fields("CONFIG", **{**config, "FAIR": 1})
    await rig.agree(busy, GROUP)
    await caching(rig, busy, *IDS)
    await rig.sense(other, 5)  # parameters have changed
    series, blocks = 2, 10
    lbas = list(range(blocks))
    data = pattern(BLOCK * blocks, "long")
    single = pattern(BLOCK, "single")
    await busy.load(data)
    await other.load(single)
    await rig.mark()
    await rig.post(busy, GROUP, ORDER, lbas, data, series=series)
    for _ in range(2):  # in the middle of the second connection
        await rig.until(note="next_block")
        await rig.until(note="release")
    await rig.until(note="mirror_write")
    await other.send_command(5, write_10(15), data_out=BLOCK, disc=True, tag=1)
    assert (await other.next_completion()).good
    found = await rig.ended(busy, GROUP, ORDER)
    assert found == dict.fromkeys(ORDER, GOOD), rig.story(found)
    rig.hold(IDS, lbas, data)
    rig.wrote([5], 15, single)
    await rig.quiet()
    order = [one.initiator for one in rig.of_kind(Kind.SELECTION)]
    assert order.count(busy.scsi_id) == blocks // series
    assert order.index(other.scsi_id) == (3 if other.scsi_id > busy.scsi_id else 4), rig.story(order)
    assert longest(rig.seen) <= series
    await rig.finish()


def longest(seen: list[Transaction]) -> int:
    """Most blocks between two selections."""
    marks = [one.kind is Kind.SELECTION for one in seen]
    groups = itertools.groupby(zip(itertools.accumulate(marks), seen, strict=True), key=lambda pair: pair[0])
    return max(sum(one.note in ("mirror_write", "next_block") for _, one in group) for _, group in groups)
