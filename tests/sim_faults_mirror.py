"""A point of the campaign of faults in mirrored operations fails when the group does not do what it must."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import cocotb
import pytest
from cocotb.triggers import RisingEdge, Timer

from silentmirror.faults.host import Completion, Member
from silentmirror.faults.mirror_operations import GROUP
from silentmirror.faults.mirror_player import SLOT_OF, MirrorPlayer
from silentmirror.faults.points import Point
from silentmirror.faults.to_target import BLOCK
from silentmirror.faults.watch import PointFailed
from silentmirror.model import Result

HARMLESS: dict[str, Any] = {
    "op": "write",
    "mode": "fast40",
    "at_ns": 9_000.0,
    "busy_us": 60.0,
    "where": "leader's data",
    "kind": "invert",
    "device": 3,
    "side": "rx",
    "wire": "db15",
    "hold_ns": 13,
}
"""A data bit of the leader's copy is wrong where a participant sees it."""
RST: dict[str, Any] = {"device": 6, "kind": "stick1", "side": "tx", "wire": "rst", "hold_ns": 25_000}


async def _ready(dut: Any, operation: str = "write") -> MirrorPlayer:
    player = MirrorPlayer(dut, cocotb.RANDOM_SEED, operation, "fast40")
    await player.start()
    return player


async def _started(dut: Any) -> MirrorPlayer:
    player = await _ready(dut)
    assert await player.play(_point())
    assert player.free_us is not None
    assert player.busy_us is not None
    assert 5 < player.free_us < 40
    assert player.free_us - 1 < player.busy_us < 60
    return player


def _point(**other: Any) -> Point:
    return Point(1, "mirror wrong bit", {**HARMLESS, **other})


async def _fails(player: MirrorPlayer, message: str, **other: Any) -> None:
    with pytest.raises(PointFailed, match=message):
        await player.play(_point(**other))


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def faults_show(dut: Any) -> None:
    """A wrong bit in a copy, a silent participant, RST: the host is told, and the bus is free when it must be."""
    player = await _started(dut)
    assert await player.play(_point(device=5))
    assert await player.play(_point(device=4, kind="silence", side="tx", wire="all", hold_ns=None, at_ns=18_000.0))
    assert player.free_us is not None
    assert player.free_us > 40, "the leader's stall timer has to run out"
    resets = player.rules.resets
    assert await player.play(_point(**RST))
    assert player.rules.resets == resets + 1
    assert not await player.play(_point(at_ns=200_000.0)), "after the end"


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def fault_without_effect(dut: Any) -> None:
    """A wire that another device asserts or that nobody does, at a driver; what is there anyway, at a receiver."""
    player = await _ready(dut)
    assert not await player.play(_point(side="tx", wire="bsy")), "the leader keeps BSY"
    assert not await player.play(_point(side="tx", wire="atn", kind="stick0"))
    assert not await player.play(_point(side="rx", wire="bsy", kind="stick1"))


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def bus_is_kept(dut: Any) -> None:
    """BSY comes back four times: no time is beyond the bound, all of them together are."""
    player = await _ready(dut)
    cocotb.start_soon(_take_again(player, 4))
    await _fails(player, r"the bus is busy for 4[78]\d\.\d us, bound 471\.2 us")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def rules_are_broken(dut: Any) -> None:
    """A participant drives C/D as well, in an operation without a fault; the leader stands still while RST is true."""
    player = await _ready(dut)
    cocotb.start_soon(_drive_too(player))
    with pytest.raises(PointFailed, match=r"slots \[2, 4\] drive MSG, C/D, I/O or REQ at once"):
        await player.good_operation()
    player.rules.broken.clear()
    cocotb.start_soon(_stop(player, 12_000, 5, start_ns=10_000))
    await _fails(player, r"driven by slots \[2\] 8\d\d ns after the beginning of RST", **RST, at_ns=12_500.0)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def good_with_a_spoilt_copy(dut: Any) -> None:
    """Two bits of a byte are wrong in the last copy of a read, as parity does not show, and the host hears GOOD."""
    player = await _ready(dut, "read")
    cocotb.start_soon(_spoil_last_copy(player))
    take = player.host.take

    async def good() -> Completion | None:
        one = await take()
        members = tuple(Member(Result.OK, 0) for _ in one.members) if one is not None else ()
        return one and replace(one, members=members)

    with patch.object(player.host, "take", good):
        await _fails(player, "GOOD of 3, but its copy on the wires", at_ns=200.0)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def good_without_data(dut: Any) -> None:
    """A drive's medium loses what it had reported as GOOD."""
    player = await _started(dut)
    path = player.media[4].path
    player.images[4].path = path.with_name("copy")
    player.images[4].path.write_bytes(path.read_bytes())
    await _fails(player, "GOOD, but block . of drive 4 does not hold the data")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def another_block_changes(dut: Any) -> None:
    """A block that the operation has nothing to do with."""
    player = await _started(dut)
    with player.media[3].path.open("r+b") as file:
        file.seek(7 * BLOCK)
        file.write(b"spoilt")
    await _fails(player, "block 7 of drive 3 has changed")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def next_operation_fails(dut: Any) -> None:
    """The medium refuses a block of the operation without a fault."""
    player = await _started(dut)
    await player.play(_point())
    cocotb.start_soon(_fail_next(player, 3))
    await _fails(player, "the operation without a fault: 3: OK 02h")


async def _stop(player: MirrorPlayer, delay_ns: int, *devices: int, start_ns: int | None = None) -> None:
    await Timer(delay_ns, "ns")
    for device in devices:
        player.bench.slot(SLOT_OF[device]).stop_clock()
    if start_ns is not None:
        await Timer(start_ns, "ns")
        for device in devices:
            player.bench.slot(SLOT_OF[device]).start_clock()


async def _take_again(player: MirrorPlayer, times: int) -> None:
    """Once the operation is over, BSY for 150 us at a time."""
    await RisingEdge(player.dut.bus_bsy)
    free = 0
    while free < 10:
        await Timer(1, "us")
        free = 0 if int(player.dut.bus_bsy.value) else free + 1
    bystander = player.bench.slot(14).tx
    for _ in range(times):
        bystander.stick("bsy", 1)
        await Timer(150, "us")
        bystander.clear()
        await Timer(15, "us")


async def _drive_too(player: MirrorPlayer) -> None:
    """Beside the leader, which drives it."""
    await RisingEdge(player.dut.bus_cd)
    await Timer(200, "ns")
    drive = player.bench.slot(SLOT_OF[3]).tx
    drive.stick("cd", 1)
    await Timer(50, "ns")
    drive.clear()


async def _spoil_last_copy(player: MirrorPlayer) -> None:
    """For the words of about 500 ns."""
    last = SLOT_OF[3]
    while not (int(player.dut.drv_io.value) >> last & 1 and not int(player.dut.bus_cd.value)):
        await Timer(200, "ns")
    await Timer(2, "us")
    player.bench.slot(last).tx.invert(("db0", "db1"))
    await Timer(500, "ns")
    player.bench.slot(last).tx.clear()


async def _fail_next(player: MirrorPlayer, drive: int) -> None:
    """The copy that follows the leader's next but one; each request says anew what is to fail."""
    leader = player.media[GROUP[0][0]]
    before = leader.writes
    while leader.writes < before + 2:
        await Timer(1, "us")
    player.media[drive].fail_next(1)
