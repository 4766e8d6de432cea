"""Mirrored commands of the RTL initiator: many blocks, ways of repeating, results by member, bad descriptors."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.models.faults import Fault, FaultKind
from cocotbext.scsi.models.misbehaviour import Misbehaviour
from cocotbext.scsi.models.target import TargetModel
from helpers.commands import write_10
from helpers.scripted_target import ScriptedTarget
from initiator_rig import (
    ABORTED,
    BAD_DESCRIPTOR,
    BLOCK,
    CHECK_CONDITION,
    GOOD,
    MEMBERS,
    OK,
    PROTOCOL,
    RESET,
    SEL_TIMEOUT,
    SKIPPED,
    TARGET,
    Completion,
    Host,
    InitiatorRig,
    pattern,
)

LBA = 4
OUT, DATA = Phase.MSG_OUT, Phase.DATA_OUT
CONTINUES, ENDS = "c0{tag}01098a{yz}{lba:08x}000200", "c0{tag}010a8a{yz}{lba:08x}000200ff"
"""MESSAGE OUT to the leader of an operation with one block: with more participants to come, with itself alone."""


def spoil(member: TargetModel, times: int = 1, skip: int = 0) -> None:
    """Let a member see wrong parity in a copy (CHECK CONDITION), that often, after good ones."""
    member.faults.add(Fault(FaultKind.SEE_BAD_PARITY, DATA, 8, times=times, skip=skip))


async def ready(rig: InitiatorRig, count: int = 3, **options: Any) -> tuple[Host, list[TargetModel], bytes]:
    """Host and enrolled members, a block in the buffer."""
    members = rig.members(count)
    host = await rig.host(**options)
    await rig.enrol(host, count)
    data = pattern()
    await host.load(data)
    return host, members, data


def results(done: Completion) -> list[tuple[int, int, int]]:
    """(result, status, block) of each member as ordered."""
    return [(one.result, one.status, one.block) for one in done.members]


def said(rig: InitiatorRig) -> list[str]:
    """Mirroring messages and CDBs, in hexadecimal."""
    return [text for phase, text in rig.phases() if phase is Phase.COMMAND or (phase is OUT and len(text) > 4)]


ALL_GOOD = (OK, GOOD, 0)
FAILED = (OK, CHECK_CONDITION, 0)


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(policy=["REGROUP", "AUTO"])
async def example_of_the_seed(dut: Any, policy: str) -> None:
    """Section 8: drives 1 and 2 failed, drive 1 becomes the leader: MIRROR WRITE with yz 01, then 2C 02 FF."""
    rig = InitiatorRig(dut, fast=True)
    host, members, data = await ready(rig)
    before = len(rig.phases())
    for member in members[1:]:
        spoil(member)
    done = await host.mirror_write([0, 1, 2], LBA, BLOCK, tag=9, policy=policy, rounds=1)
    assert results(done) == [ALL_GOOD] * 3, done
    assert (done.good, done.target, done.rank, done.moved) == (True, 4, 3, BLOCK)
    copy = (DATA, data.hex())

    def status(code: str) -> list[tuple[Phase, str]]:
        return [(Phase.MSG_IN, "802009"), (Phase.STATUS, code), (Phase.MSG_IN, "00")]

    assert rig.phases()[before:] == [
        *((OUT, "c0200901098a0000000004000200"), copy, (OUT, "2c01"), copy, (OUT, "2c02ff"), copy, (OUT, "2e02")),
        *(status("00") + status("02") + status("02")),
        *((OUT, "c0200901098a0100000004000200"), copy, (OUT, "2c02ff"), copy, (OUT, "2e02")),
        *(status("00") + status("00")),
    ]
    assert all(member.medium.read(LBA) == data for member in members)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def from_the_leader(dut: Any) -> None:
    """Way A: again from the leader on, ending at the last unsuccessful one, which is marked with FFh."""
    rig = InitiatorRig(dut, fast=True)
    host, members, data = await ready(rig)
    spoil(members[1])
    before = len(rig.phases())
    done = await host.mirror_write([0, 1, 2], LBA, BLOCK, policy="FROM_LEADER", rounds=3)
    assert results(done) == [ALL_GOOD] * 3, done
    copies = [text for phase, text in rig.phases()[before:] if phase is OUT]
    leader = CONTINUES.format(tag="", yz="00", lba=LBA)
    assert copies == [leader, "2c01", "2c02ff", "2e02", leader, "2c01ff", "2e01"]
    assert [member.medium.read(LBA) == data for member in members] == [True] * 3
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(policy=["PLAIN", "AUTO"])
async def plain_for_one(dut: Any, policy: str) -> None:
    """Way C: an ordinary WRITE(10) of the block to the member that failed."""
    rig = InitiatorRig(dut, fast=True)
    host, members, data = await ready(rig)
    spoil(members[1])
    await rig_mark(rig)
    done = await host.mirror_write([2, 1, 0], LBA, BLOCK, tag=3, policy=policy, rounds=1)
    assert results(done) == [ALL_GOOD] * 3, done
    assert rig.phases()[-5:] == [
        *((OUT, "c02003"), (Phase.COMMAND, "2a000000000400000100"), (DATA, data.hex())),
        *((Phase.STATUS, "00"), (Phase.MSG_IN, "00")),
    ], rig.phases()[-9:]
    assert [one.target for one in rig.of_kind(Kind.SELECTION)][-2:] == [3, 4]
    assert all(member.medium.read(LBA) == data for member in members)
    await rig.finish()


async def rig_mark(rig: InitiatorRig) -> None:
    """Nothing on the bus for a while."""
    await Timer(5, "us")
    assert rig.phases()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(policy=["PLAIN", "REGROUP", "FROM_LEADER"])
async def rounds_are_bounded(dut: Any, policy: str) -> None:
    """Members that fail for ever: as many repetitions as the host allows, then the result of each."""
    rig = InitiatorRig(dut, fast=True)
    host, members, data = await ready(rig)
    for member in members[:2]:
        spoil(member, times=20)
    for rounds in (0, 2):
        committed = [len(member.faults.committed) for member in members[:2]]
        done = await host.mirror_write([0, 1, 2], LBA, BLOCK, tag=3, policy=policy, rounds=rounds)
        assert results(done) == [FAILED, FAILED, ALL_GOOD], done
        assert (done.result, done.status, done.rank, done.moved) == (MEMBERS, CHECK_CONDITION, 1, BLOCK)
        now = [len(member.faults.committed) for member in members[:2]]
        assert [a - b for a, b in zip(now, committed, strict=True)] == [1 + rounds] * 2
    assert [member.medium.read(LBA) == data for member in members] == [False, False, True]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def nothing_is_repeated_unasked(dut: Any) -> None:
    """Policy NONE, whatever ROUNDS says."""
    rig = InitiatorRig(dut, fast=True)
    host, members, _ = await ready(rig)
    spoil(members[2])
    before = len(rig.of_kind(Kind.SELECTION))
    done = await host.mirror_write([0, 1, 2], LBA, BLOCK, rounds=15)
    assert results(done) == [ALL_GOOD, ALL_GOOD, FAILED], done
    assert len(rig.of_kind(Kind.SELECTION)) == before + 1
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def absent_leader_goes_last(dut: Any) -> None:
    """A leader that gives no status stands last in the regrouped operation; then it is tried by itself."""
    rig = InitiatorRig(dut, fast=True)
    host, members, data = await ready(rig, RETRIES=0)
    members[0].misbehave.add(Misbehaviour.NO_SELECTION_ANSWER)
    members[0].misbehave.add(Misbehaviour.SILENT_PARTICIPANT)
    before = len(said(rig))
    done = await host.mirror_write([0, 1, 2], LBA, BLOCK, policy="AUTO", rounds=2)
    assert results(done) == [(SEL_TIMEOUT, 0, 0), ALL_GOOD, ALL_GOOD], done
    assert (done.result, done.target) == (MEMBERS, 5)
    assert said(rig)[before:] == [CONTINUES.format(tag="", yz="01", lba=LBA), "2c00ff"]
    assert [member.medium.read(LBA) == data for member in members] == [False, True, True]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def many_blocks(dut: Any) -> None:
    """One command for blocks that lie apart: block by block without extensions, each from its place in the buffer."""
    rig = InitiatorRig(dut, fast=True)
    host, members, _ = await ready(rig)
    blocks = {9: pattern(step=3), 2: pattern(step=5), 12: pattern(step=11), 3: pattern(step=13)}
    await host.load(b"".join(blocks.values()), 1024)
    before = len(said(rig))
    done = await host.mirror_write([1, 0, 2], list(blocks), BLOCK, addr=1024, series=16)
    assert results(done) == [ALL_GOOD] * 3, done
    assert (done.moved, done.target, done.rank) == (4 * BLOCK, 4, 3)
    for member in members:
        assert all(member.medium.read(lba) == block for lba, block in blocks.items())
    leaders = [text for text in said(rig)[before:] if text.startswith("c0")]
    assert leaders == [CONTINUES.format(tag="", yz="01", lba=lba) for lba in blocks]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def sixteen_blocks(dut: Any) -> None:
    """The most that a command can have, to a group of one; then a single block: the list is empty again."""
    rig = InitiatorRig(dut, fast=True)
    host, members, _ = await ready(rig, 1)
    lbas = [(7 * n) % 16 for n in range(16)]
    await host.load(b"".join(pattern(step=2 * n + 1) for n in range(16)))
    done = await host.mirror_write([0], lbas, BLOCK)
    assert (done.good, done.moved) == (True, 16 * BLOCK)
    assert [members[0].medium.read(lba) for lba in lbas] == [pattern(step=2 * n + 1) for n in range(16)]
    done = await host.mirror_write([0], LBA, BLOCK, BLOCKS=2)
    assert done.result == BAD_DESCRIPTOR
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def first_block_that_failed(dut: Any) -> None:
    """A member that fails for good in one block is left out of those after it; BLOCK tells which."""
    rig = InitiatorRig(dut, fast=True)
    host, members, _ = await ready(rig)
    blocks = {9: pattern(step=3), 2: pattern(step=5), 12: pattern(step=11)}
    await host.load(b"".join(blocks.values()))
    spoil(members[0], skip=1)
    done = await host.mirror_write([0, 1, 2], list(blocks), BLOCK)
    assert results(done) == [(OK, CHECK_CONDITION, 1), ALL_GOOD, ALL_GOOD], done
    assert (done.result, done.status, done.rank, done.moved) == (MEMBERS, CHECK_CONDITION, 2, 3 * BLOCK)
    written = [[member.medium.read(lba) == block for lba, block in blocks.items()] for member in members]
    assert written == [[True, False, False], [True] * 3, [True] * 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def plain_for_a_later_block(dut: Any) -> None:
    """Way C in the third block: its LBA, its place in the buffer, and the command goes on."""
    rig = InitiatorRig(dut, fast=True)
    host, members, _ = await ready(rig)
    blocks = {9: pattern(step=3), 2: pattern(step=5), 12: pattern(step=11), 1: pattern(step=7)}
    await host.load(b"".join(blocks.values()), 512)
    spoil(members[2], skip=2)
    done = await host.mirror_write([0, 1, 2], list(blocks), BLOCK, addr=512, policy="AUTO", rounds=1)
    assert results(done) == [ALL_GOOD] * 3, done
    assert rig.cdbs() == ["2a000000000c00000100"]
    for member in members:
        assert all(member.medium.read(lba) == block for lba, block in blocks.items())
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def members_that_do_not_take(dut: Any) -> None:
    """SKIPPED is a failure like any other: regrouped, and told with the block if it stays."""
    rig = InitiatorRig(dut, fast=True)
    host, members, _ = await ready(rig, RETRIES=0)
    await host.load(pattern() + pattern(step=9))
    members[1].misbehave.add(Misbehaviour.SILENT_PARTICIPANT)
    done = await host.mirror_write([0, 1, 2], [LBA, 5], BLOCK, policy="REGROUP", rounds=1)
    # As the leader of the repetition it is not silent; for the second block no round is left.
    assert results(done) == [ALL_GOOD, (SKIPPED, 0, 1), ALL_GOOD], done
    assert [member.medium.read(LBA) == pattern() for member in members] == [True] * 3
    assert [member.medium.read(5) == pattern(step=9) for member in members] == [True, False, True]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def reset_ends_it(dut: Any) -> None:
    """RST while statuses are owed: no repetition, no further block, RESET for whom no status had come."""
    rig = InitiatorRig(dut, fast=True)
    host, members, _ = await ready(rig)
    await host.load(pattern() + pattern(step=9))
    spoil(members[0])
    before = len(rig.of_kind(Kind.SELECTION))
    await host.send_mirror_write([0, 1, 2], [LBA, 5], BLOCK, policy="AUTO", rounds=5)
    while len(rig.of_kind(Kind.RESELECTION)) < 2:
        await Timer(1, "us")
    await host.port.write("CONTROL", 1)
    done = await host.next_completion()
    assert results(done)[0] == FAILED
    assert [one.result for one in done.members[1:]] == [RESET, RESET]
    assert await host.read("STATUS", "OUTSTANDING") == 0
    assert len(rig.of_kind(Kind.SELECTION)) == before + 1
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def aborted_is_not_repeated(dut: Any) -> None:
    """What the host itself ends stays ended."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(2, id4={"misbehave": [Misbehaviour.NO_STATUS]})
    host = await rig.host()
    await rig.enrol(host, 2)
    await host.load(pattern())
    await host.send_mirror_write([0, 1], LBA, BLOCK, tag=6, policy="AUTO", rounds=5)
    while len(rig.of_kind(Kind.RESELECTION)) < 1:
        await Timer(1, "us")
    assert await host.read("STATUS", "OUTSTANDING") == 1
    await host.send_management(4, "ABORT_TASK", tag=6)
    both = {one.opcode: one for one in [await host.next_completion() for _ in range(2)]}
    assert results(both[3]) == [ALL_GOOD, (ABORTED, 0, 0)]
    assert both[4].result == OK
    assert members[0].medium.written
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def bad_descriptors(dut: Any) -> None:
    """Each thing that a mirrored command must not ask for is refused with one completion; nothing goes on the bus."""
    rig = InitiatorRig(dut, fast=True)
    host, _, _ = await ready(rig, 2)
    size = await host.read("CAPS", "BUF_BYTES_256") * 256
    await host.load(pattern(size // 8), size - size // 8)
    seen = len(rig.of_kind(Kind.SELECTION))
    cases: list[tuple[list[int], int | list[int], int, dict[str, Any]]] = [
        ([], LBA, BLOCK, {}),
        ([0, 1, 0], LBA, BLOCK, {}),
        ([0, 5], LBA, BLOCK, {}),
        ([15], LBA, BLOCK, {}),
        ([0], LBA, 0, {}),
        ([0], LBA, BLOCK, {"addr": 1}),
        ([0], LBA, BLOCK, {"addr": size}),
        ([0], LBA, size + 2, {}),
        ([0], [1, 2, 3], size // 2, {}),
        ([0], LBA, BLOCK, {"BLOCKS": 17}),
        ([0], LBA, BLOCK, {"BLOCKS": 2}),
        ([0], [1, 2], BLOCK, {"BLOCKS": 4}),
        ([0], LBA, BLOCK, {"series": 17}),
        ([0], LBA, BLOCK, {"POLICY": 5}),
        ([0], LBA, BLOCK - 2, {"policy": "PLAIN"}),
        ([0], LBA, BLOCK, {"policy": "AUTO", "BLOCK_SIZE": 1}),
        ([0], LBA, BLOCK, {"group": 1}),
    ]
    for order, lba, length, options in cases:
        done = await host.mirror_write(order, lba, length, **options)
        assert (done.result, done.members, done.moved, done.rank) == (BAD_DESCRIPTOR, (), 0, 0), (order, options)
        assert await host.read("STATUS", "OUTSTANDING") == 0
    assert len(rig.of_kind(Kind.SELECTION)) == seen
    assert (await host.mirror_write([0, 1], [LBA, 1], size // 16, addr=size - size // 8)).members
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def commands_go_on_meanwhile(dut: Any) -> None:
    """A mirrored command of many blocks and ordinary ones share the bus; all end well, each counted once."""
    rig = InitiatorRig(dut, fast=True)
    host, members, _ = await ready(rig, 2)
    other = rig.target_at(3, 1)
    blocks = {lba: pattern(step=lba + 3) for lba in (9, 2, 12)}
    await host.load(b"".join(blocks.values()))
    await host.send_mirror_write([0, 1], list(blocks), BLOCK, tag=1)
    await host.send_mirror_write([1], 7, BLOCK, tag=2)
    for tag in (3, 4, 5):
        await host.send_command(1, write_10(tag), data_out=BLOCK, tag=tag)
    assert 1 <= await host.read("STATUS", "OUTSTANDING") <= 5
    done = {one.tag: one for one in [await host.next_completion() for _ in range(5)]}
    assert all(one.good for one in done.values()), done
    for member in members:
        assert all(member.medium.read(lba) == block for lba, block in blocks.items())
    assert members[1].medium.read(7) == blocks[9]
    assert sorted(other.medium.written) == [3, 4, 5]
    await rig.finish()


async def lazy_member(rig: InitiatorRig) -> tuple[Host, ScriptedTarget]:
    """A drive that is enrolled as z 0 and then does what the test says; a block is in the buffer."""
    host, target = await rig.scripted()

    async def accepts() -> None:
        await target.selected()
        await target.say(0x26, 0x00)
        target.free()

    serving = cocotb.start_soon(accepts())
    assert (await host.query(TARGET, 0x00, last=True)).result == OK
    await serving
    await host.load(pattern())
    return host, target


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def good_without_a_copy(dut: Any) -> None:
    """GOOD in the mirrored connection from a drive that has not asked for the block: it cannot have written it."""
    rig = InitiatorRig(dut)
    host, target = await lazy_member(rig)
    serving = cocotb.start_soon(target.selected())
    await host.send_mirror_write([0], LBA, BLOCK)
    assert (await serving).hex() == ENDS.format(tag="", yz="00", lba=LBA)
    await target.complete()
    done = await host.next_completion()
    assert [(one.result, one.good) for one in done.members] == [(PROTOCOL, False)], done
    assert done.result == MEMBERS
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(taken=[100, BLOCK])
async def good_after_a_part_of_a_plain_write(dut: Any, taken: int) -> None:
    """The ordinary WRITE(10) for a member that failed ends with GOOD: true only if all of the block went."""
    rig = InitiatorRig(dut)
    host, target = await lazy_member(rig)
    await host.send_mirror_write([0], LBA, BLOCK, policy="PLAIN", rounds=1)
    await target.selected()
    await target.complete(CHECK_CONDITION)
    await target.selected()
    assert await target.command() == write_10(LBA)
    assert await target.take(DATA, taken) == pattern()[:taken]
    await target.complete()
    done = await host.next_completion()
    assert [one.result for one in done.members] == [OK if taken == BLOCK else PROTOCOL], done
    assert done.good == (taken == BLOCK)
    await rig.finish()
