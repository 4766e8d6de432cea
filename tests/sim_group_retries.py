"""Repeating what failed (protocol 8) with RTL on both sides: ways A, B, C and automatic, with failing drives."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from group_rig import FAST_40, GroupRig, MemberResult
from initiator_rig import CHECK_CONDITION, OK, SEL_TIMEOUT, SKIPPED, Host
from system_rig import BLOCK, pattern

IDS = (5, 4, 3)
GROUP = 0
GOOD = MemberResult(OK)
CHECK = MemberResult(OK, CHECK_CONDITION)
WAYS = {
    ("FROM_LEADER", (4,)): [5, 4],
    ("FROM_LEADER", (4, 3)): [5, 4, 3],
    ("REGROUP", (5,)): [5],
    ("REGROUP", (5, 3)): [5, 3],
    ("PLAIN", (4, 3)): [4, 3],
    ("AUTO", (3,)): [3],
    ("AUTO", (5, 4)): [5, 4],
}
"""By policy and failing drives: who gets the data again, in order."""


async def start(dut: Any, *, allow_unexpected_free: bool = False) -> tuple[GroupRig, Host]:
    """Three drives in a group."""
    timers = {"part_stall_us": 30, "stall_us": 80, "holdoff_us": 20}
    rig = await GroupRig(
        dut,
        ids=IDS,
        overrides=dict.fromkeys(IDS, FAST_40),
        timers=timers,
        allow_unexpected_free=allow_unexpected_free,
    ).start()
    (host,) = await rig.all_hosts(HANG_TIMEOUT_US=300, STATUS_TIMEOUT_US=300, SEL_TIMEOUT_US=40, RETRIES=1)
    await rig.join(host, GROUP, IDS)
    await rig.mark()
    return rig, host


def served(rig: GroupRig) -> list[int | None]:
    """Who took a copy since the mark, in order."""
    return [one.by for one in rig.of_kind(Kind.PHASE) if one.phase is Phase.DATA_OUT and len(one.data) == BLOCK]


def said(rig: GroupRig) -> list[tuple[int | None, str]]:
    """MESSAGE OUT phases since the mark: to whom, bytes."""
    return [(by, text) for phase, by, text in rig.phases() if phase is Phase.MSG_OUT]


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def example_of_the_seed(dut: Any) -> None:
    """Drives 1 and 2 failed: drive 1 becomes the leader, `.. 01`, then `.. 02 FF`; to the byte."""
    rig, host = await start(dut)
    for scsi_id in (4, 3):
        rig.medium(scsi_id).fail_next()
    await rig.write_all(host, GROUP, (0, 1, 2), 0, tag=1, policy="AUTO", rounds=1)
    await rig.quiet()
    assert said(rig) == [
        (5, "c0200101098a0000000000000200"),
        (5, "2c01"),
        (4, "2c02ff"),
        (3, "2e02"),
        (4, "c0200101098a0100000000000200"),
        (4, "2c02ff"),
        (3, "2e02"),
    ], rig.story()
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [5, 4, 3, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def medium_errors(dut: Any) -> None:
    """Each way: the drives that could not write get the data again as it says, and then all is GOOD."""
    rig, host = await start(dut)
    for lba, ((policy, failing), again) in enumerate(WAYS.items()):
        await rig.mark()
        for scsi_id in failing:
            rig.medium(scsi_id).fail_next()
        await rig.write_all(host, GROUP, (0, 1, 2), lba, tag=lba, policy=policy, rounds=1)
        await rig.quiet()
        assert served(rig) == [5, 4, 3, *again], rig.story((policy, failing))
        commands = [one.by for one in rig.of_kind(Kind.PHASE) if one.phase is Phase.COMMAND]
        plain = policy == "PLAIN" or (policy == "AUTO" and len(failing) == 1)
        assert commands == (list(failing) if plain else [])
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def parity_errors(dut: Any) -> None:
    """A byte damaged on its way into one drive: that copy is dropped and repeated."""
    rig, host = await start(dut)
    for lba, (policy, place) in enumerate((("FROM_LEADER", 1), ("REGROUP", 2), ("PLAIN", 0), ("AUTO", 1))):
        await rig.mark()
        damaging = cocotb.start_soon(rig.damage(IDS[place], Phase.DATA_OUT, 100, place))
        await rig.write_all(host, GROUP, (0, 1, 2), lba, policy=policy, rounds=1)
        assert damaging.done()
        await rig.quiet()
        again = [*IDS[: place + 1]] if policy == "FROM_LEADER" else [IDS[place]]
        assert served(rig) == [5, 4, 3, *again], rig.story(policy)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def bounded(dut: Any) -> None:
    """A medium that goes on failing: as many repetitions as the host allows, none with NONE or no rounds left."""
    rig, host = await start(dut)
    for lba, (policy, rounds, passes) in enumerate((("NONE", 3, 1), ("AUTO", 0, 1), ("AUTO", 2, 3), ("REGROUP", 3, 4))):
        await rig.mark()
        rig.medium(4).fail_next(100)
        data = pattern(BLOCK, ("bounded", lba))
        found = await rig.mirror_write(host, GROUP, (0, 1, 2), lba, data, policy=policy, rounds=rounds)
        rig.medium(4).fail_next(0)
        assert found == {0: GOOD, 1: CHECK, 2: GOOD}, rig.story(found)
        rig.wrote([5, 3], lba, data)
        await rig.quiet()
        assert served(rig).count(4) == passes, rig.story(policy)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def dead_members(dut: Any) -> None:
    """A drive that is silent: skipped, tried again as the way says, told to the host; one that comes back is served."""
    rig, host = await start(dut, allow_unexpected_free=True)
    results = {"FROM_LEADER": SKIPPED, "REGROUP": SEL_TIMEOUT, "PLAIN": SEL_TIMEOUT}
    rig.slot(4).tx.silence()
    for lba, (policy, result) in enumerate(results.items()):
        data = pattern(BLOCK, ("dead", lba))
        found = await rig.mirror_write(host, GROUP, (0, 1, 2), lba, data, policy=policy, rounds=1)
        assert found == {0: GOOD, 1: MemberResult(result), 2: GOOD}, rig.story((policy, found))
        rig.wrote([5, 3], lba, data)
    rig.slot(4).tx.clear()
    await rig.quiet()
    await rig.write_all(host, GROUP, (0, 1, 2), 3, salt="alive")
    await rig.mark()
    rig.slot(4).tx.silence()
    cocotb.start_soon(revive(rig))
    await rig.write_all(host, GROUP, (0, 1, 2), 4, salt="revived", policy="AUTO", rounds=2)
    await rig.quiet()
    assert served(rig) == [5, 3, 4], rig.story()
    await rig.finish()


async def revive(rig: GroupRig) -> None:
    """The silent drive is heard again when the others have their copies."""
    await rig.until(note="release")
    await Timer(1, "us")
    rig.slot(4).tx.clear()
