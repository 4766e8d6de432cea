"""Mirrored reads (protocol 9) with RTL on both sides: copies compared, one that differs, one that cannot be read."""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from group_rig import FAST_20, FAST_40, FAST_80, READ_ADDR, GroupRig, MemberResult
from helpers.commands import read_10, write_10
from initiator_rig import ABORTED, CHECK_CONDITION, DIFFERS, MIRROR_READ, OK, TASK_MANAGEMENT, Host
from system_rig import BLOCK, pattern

IDS = (5, 4, 3)
GROUP = 6
NARROW = {**FAST_20, "wide": False}
GOOD = MemberResult(OK)
MEDIUM_ERROR, UNREAD = 0x03, 0x1100
COPIES = (Phase.DATA_IN, Phase.DT_DATA_IN)


async def start(
    dut: Any, lba: int | tuple[int, ...], agreements: tuple[dict[str, Any], ...] = (FAST_80, NARROW, FAST_40)
) -> tuple[GroupRig, Host, bytes]:
    """Three drives, with agreements of three kinds if not told otherwise, that hold the same blocks."""
    overrides = dict(zip(IDS, agreements, strict=True))
    rig = await GroupRig(dut, ids=IDS, overrides=overrides).start()
    (host,) = await rig.all_hosts()
    await rig.join(host, GROUP, IDS)
    data = await rig.write_all(host, GROUP, (0, 1, 2), lba)
    await rig.mark()
    return rig, host, data


def senders(rig: GroupRig) -> list[int | None]:
    """Who sent a copy since the mark, in order."""
    return [one.by for one in rig.of_kind(Kind.PHASE) if one.phase in COPIES and len(one.data) == BLOCK]


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def copies_are_compared(dut: Any) -> None:
    """Alike in any order and subset; then one drive holds something else and is named, or leads and all others are."""
    rig, host, data = await start(dut, 3)
    for order in ((0, 1, 2), (2, 0, 1), (1,), (1, 2)):
        await rig.mark()
        found, read = await rig.mirror_read(host, GROUP, order, 3, tag=3)
        assert found == dict.fromkeys(order, GOOD)
        assert read == data
        assert senders(rig) == [IDS[z] for z in order]
    other = bytearray(data)
    other[BLOCK - 1] ^= 1
    await host.load(bytes(other))
    assert (await host.command(4, write_10(3), data_out=BLOCK)).good
    rig.wrote([4], 3, bytes(other))
    await rig.mark()
    found, read = await rig.mirror_read(host, GROUP, (0, 1, 2), 3, policy="AUTO", rounds=3)
    assert found == {0: GOOD, 1: MemberResult(DIFFERS), 2: GOOD}, rig.story(found)
    assert read == data
    assert senders(rig) == [5, 4, 3]  # a difference is told, not repeated
    found, read = await rig.mirror_read(host, GROUP, (1, 2, 0), 3)
    assert found == {1: GOOD, 2: MemberResult(DIFFERS), 0: MemberResult(DIFFERS)}, rig.story(found)
    assert read == bytes(other)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def one_cannot_read(dut: Any) -> None:
    """The first copy or a later one fails: CHECK CONDITION; with repetition the next one leads and the data is good."""
    rig, host, data = await start(dut, 2)
    rig.medium(4).fail_next()
    found, read = await rig.mirror_read(host, GROUP, (0, 1, 2), 2)
    assert found == {0: GOOD, 1: MemberResult(OK, CHECK_CONDITION), 2: GOOD}, rig.story(found)
    assert read == data
    assert await rig.sense(host, 4) == (MEDIUM_ERROR, UNREAD)
    await rig.mark()
    rig.medium(5).fail_next()
    found, read = await rig.mirror_read(host, GROUP, (0, 1, 2), 2, policy="AUTO", rounds=1)
    await rig.quiet()
    assert found == dict.fromkeys((0, 1, 2), GOOD), rig.story(found)
    assert read == data
    assert senders(rig) == [5, 4, 3, 4, 3, 5]
    await rig.mark()
    rig.medium(3).fail_next()
    found, read = await rig.mirror_read(host, GROUP, (0, 1, 2), 2, policy="AUTO", rounds=1)
    await rig.quiet()
    assert found == dict.fromkeys((0, 1, 2), GOOD), rig.story(found)
    assert read == data
    assert senders(rig)[:3] == [5, 4, 3]
    assert senders(rig)[-1] == 3
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def leader_fails_the_repetition(dut: Any) -> None:
    """A member fails at first and is good in the repetition, in which the leader fails: the good copies are kept."""
    lbas = (3, 5)
    rig, host, data = await start(dut, lbas, (FAST_80,) * 3)

    async def later() -> None:
        await rig.until(note="release")
        rig.medium(5).fail_next()

    for blocks in (1, 2):
        await rig.mark()
        rig.medium(4).fail_next()
        failing = cocotb.start_soon(later())
        found, read = await rig.mirror_read(host, GROUP, (0, 1, 2), lbas[:blocks], policy="AUTO", rounds=1)
        assert failing.done()
        assert read == data[: blocks * BLOCK], blocks
        assert found == {0: MemberResult(OK, CHECK_CONDITION), 1: GOOD, 2: GOOD}, rig.story(found)
        assert rig.moved == blocks * BLOCK
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def aborted_leader(dut: Any) -> None:
    """The host aborts the leader's task: the other member's copy is read again, by an ordinary READ(10)."""
    rig, host, data = await start(dut, 3, (FAST_80,) * 3)
    await host.port.write("YIELD_NS", 0)
    await rig.mark()
    await host.send_mirror_write(
        (0, 1), 3, BLOCK, group=GROUP, tag=7, opcode=MIRROR_READ, policy="AUTO", rounds=1, addr=READ_ADDR
    )
    await host.send_management(5, "ABORT_TASK", tag=7)
    management, done = [await host.next_completion() for _ in range(2)]
    assert (management.opcode, management.result) == (TASK_MANAGEMENT, OK), management
    assert [(one.result, one.good) for one in done.members] == [(ABORTED, False), (OK, True)], rig.story(done)
    assert await host.unload(BLOCK, READ_ADDR) == data
    await rig.quiet()
    assert [one.target for one in rig.of_kind(Kind.SELECTION)] == [5, 5, 4], rig.story()
    assert [(by, text) for phase, by, text in rig.phases() if phase is Phase.COMMAND] == [(4, read_10(3).hex())]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def several_blocks(dut: Any) -> None:
    """Blocks that lie apart, block by block, and in one connection where all have agreed on that."""
    rig, host, _ = await start(dut, 0)
    lbas = (9, 1, 14)
    data = await rig.write_all(host, GROUP, (1, 2, 0), lbas)
    await rig.mark()
    found, read = await rig.mirror_read(host, GROUP, (2, 0, 1), lbas)
    assert found == dict.fromkeys((2, 0, 1), GOOD), rig.story(found)
    assert read == data
    assert len(rig.of_kind(Kind.SELECTION)) == len(lbas)
    assert await rig.agree(host, GROUP) == dict.fromkeys(range(3), 3)
    await rig.mark()
    found, read = await rig.mirror_read(host, GROUP, (0, 2, 1), lbas, series=16)
    assert found == dict.fromkeys((0, 1, 2), GOOD), rig.story(found)
    assert read == data
    await rig.quiet()
    assert len(rig.of_kind(Kind.SELECTION)) == 1
    assert senders(rig) == [5, 3, 4] * len(lbas)
    wrong = pattern(BLOCK, "wrong")
    await host.load(wrong)
    assert (await host.command(3, write_10(14), data_out=BLOCK)).good
    rig.wrote([3], 14, wrong)
    found, read = await rig.mirror_read(host, GROUP, (0, 2, 1), lbas, series=16)
    assert found == {0: GOOD, 1: GOOD, 2: MemberResult(DIFFERS, block=2)}, rig.story(found)
    assert read == data
    await rig.finish()
