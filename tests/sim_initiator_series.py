"""Mirrored commands of the RTL initiator with extensions, and mirrored reads: passes, results by member and block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.models.faults import Fault, FaultKind
from cocotbext.scsi.models.mirror_messages import SERIES, STATUS, Extensions
from cocotbext.scsi.models.target import TargetModel
from initiator_rig import (
    BAD_DESCRIPTOR,
    BLOCK,
    CHECK_CONDITION,
    DIFFERS,
    GOOD,
    GROUP,
    MEMBERS,
    NOT_CAPABLE,
    OK,
    Completion,
    Host,
    InitiatorRig,
    pattern,
)

BOTH = STATUS | SERIES
LBAS = (9, 2, 12, 3, 7)
ALL_GOOD = (OK, GOOD, 0)
BAD = b"\xee" * BLOCK


async def ready(
    rig: InitiatorRig, *, agree: Sequence[int] = (BOTH,) * 3, offer: int = BOTH, **options: Any
) -> tuple[Host, list[TargetModel]]:
    """Three members, enrolled; each is asked for extensions and agrees on what is expected of it."""
    members = rig.members(3, **options)
    host = await rig.host(extensions=offer)
    await rig.enrol(host)
    for (scsi_id, yz), flags in zip(GROUP, agree, strict=True):
        done = await host.capability(scsi_id, yz)
        assert (done.result, done.detail) == (OK if flags or not offer else NOT_CAPABLE, flags), done
    return host, members


def results(done: Completion) -> list[tuple[int, int, int]]:
    """(result, status, block) of each member as ordered."""
    return [(one.result, one.status, one.block) for one in done.members]


def operations(rig: InitiatorRig) -> list[int]:
    """LBA of block 0 of each mirrored connection."""
    found = [bytes.fromhex(text) for phase, text in rig.phases() if phase is Phase.MSG_OUT and "8a" in text[:12]]
    return [int.from_bytes(one[one.index(0x8A) + 2 :][:4], "big") for one in found]


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def a_command_in_series(dut: Any) -> None:
    """Five blocks, two a connection at most: three connections, no reselection, each block in its place."""
    rig = InitiatorRig(dut, fast=True)
    host, members = await ready(rig)
    blocks = {lba: pattern(step=2 * lba + 1) for lba in LBAS}
    await host.load(b"".join(blocks.values()), 2048)
    done = await host.mirror_write([1, 2, 0], LBAS, BLOCK, addr=2048, series=2)
    assert results(done) == [ALL_GOOD] * 3, done
    assert (done.moved, done.target, done.rank) == (5 * BLOCK, 4, 3)
    assert operations(rig) == [9, 12, 7]
    assert not rig.of_kind(Kind.RESELECTION)
    for member in members:
        assert all(member.medium.read(lba) == block for lba, block in blocks.items())
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(third=[(BOTH, 4), (STATUS, 0), (0, 0)])
async def the_least_of_all(dut: Any, third: tuple[int, int]) -> None:
    """Blocks in a connection, and whether statuses come in it, follow from what every participant can do."""
    rig = InitiatorRig(dut, fast=True)
    able = {"extensions": Extensions(*third)}
    host, members = await ready(rig, agree=(BOTH, BOTH, third[0]), id3=able)
    blocks = {lba: pattern(step=2 * lba + 1) for lba in LBAS}
    await host.load(b"".join(blocks.values()))
    done = await host.mirror_write([0, 1, 2], LBAS, BLOCK, series=16)
    assert results(done) == [ALL_GOOD] * 3, done
    assert operations(rig) == ([9, 7] if third[0] == BOTH else list(LBAS))
    assert len(rig.of_kind(Kind.RESELECTION)) == (0 if third[0] else 3 * len(LBAS))
    before = len(operations(rig))
    done = await host.mirror_write([1, 0], LBAS[:2], BLOCK, series=16)
    assert results(done) == [ALL_GOOD] * 2, done
    assert len(operations(rig)) - before == 1  # those two can have both in one
    assert all(member.medium.read(lba) == block for member in members for lba, block in blocks.items())
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def capability_of_a_stranger(dut: Any) -> None:
    """A z that is not enrolled, or is another drive: BAD_DESCRIPTOR, nothing on the bus."""
    rig = InitiatorRig(dut, fast=True)
    rig.members(2)
    host = await rig.host(extensions=BOTH)
    await rig.enrol(host, 2)
    before = len(rig.of_kind(Kind.SELECTION))
    for scsi_id, yz in ((4, 0x00), (3, 0x02), (5, 0x10)):
        assert (await host.capability(scsi_id, yz)).result == BAD_DESCRIPTOR
    assert len(rig.of_kind(Kind.SELECTION)) == before
    assert (await host.capability(4, 0x01)).detail == BOTH
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(policy=["NONE", "PLAIN", "REGROUP"])
async def a_block_of_a_series_fails(dut: Any, policy: str) -> None:
    """The third block at one member: told with its number, or the connection's blocks again for that member."""
    rig = InitiatorRig(dut, fast=True)
    host, members = await ready(rig)
    blocks = {lba: pattern(step=2 * lba + 1) for lba in LBAS}
    await host.load(b"".join(blocks.values()))
    members[1].faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_OUT, 8, skip=3))
    done = await host.mirror_write([0, 1, 2], LBAS, BLOCK, series=2, policy=policy, rounds=1)
    kept = policy != "NONE"
    assert results(done) == [ALL_GOOD, ALL_GOOD if kept else (OK, CHECK_CONDITION, 3), ALL_GOOD], done
    assert (done.result, done.moved) == (OK if kept else MEMBERS, 5 * BLOCK)
    written = [members[1].medium.read(lba) == block for lba, block in blocks.items()]
    assert written == ([True] * 5 if kept else [True, True, True, False, False])
    plain = ["2a000000000c00000100", "2a000000000300000100"]
    assert rig.cdbs() == (plain if policy == "PLAIN" else [])
    for member in (members[0], members[2]):
        assert all(member.medium.read(lba) == block for lba, block in blocks.items())
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(offer=[0, STATUS, BOTH])
async def read(dut: Any, offer: int) -> None:
    """Copies are compared; one that differs is told with its block and left out of what follows."""
    rig = InitiatorRig(dut, fast=True)
    host, members = await ready(rig, offer=offer, agree=(offer,) * 3)
    blocks = {lba: pattern(step=2 * lba + 1) for lba in LBAS}
    for member in members:
        for lba, block in blocks.items():
            member.medium.write(lba, block)
    done = await host.mirror_read([2, 0, 1], LBAS, BLOCK, addr=512, series=3)
    assert results(done) == [ALL_GOOD] * 3, done
    assert (done.moved, done.target) == (5 * BLOCK, 3)
    assert await host.unload(5 * BLOCK, 512) == b"".join(blocks.values())
    members[1].medium.write(3, BAD)
    done = await host.mirror_read([2, 0, 1], [2, 3, 7], BLOCK, series=3, policy="AUTO", rounds=3)
    assert results(done) == [ALL_GOOD, ALL_GOOD, (DIFFERS, 0, 1)], done
    assert (done.result, done.moved) == (MEMBERS, 3 * BLOCK)
    assert await host.unload(3 * BLOCK) == blocks[2] + blocks[3] + blocks[7]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(offer=[0, BOTH])
async def blocks_nobody_has(dut: Any, offer: int) -> None:
    """An LBA beyond the media: CHECK CONDITION from everybody; the blocks before it are good."""
    rig = InitiatorRig(dut, fast=True)
    host, members = await ready(rig, offer=offer, agree=(offer,) * 3)
    for member in members:
        member.medium.write(4, pattern(step=4))
    done = await host.mirror_read([0, 1, 2], [4, 16, 5], BLOCK, series=4)
    assert results(done) == [(OK, CHECK_CONDITION, 1)] * 3, done
    assert await host.unload(BLOCK) == pattern(step=4)
    await rig.finish()
