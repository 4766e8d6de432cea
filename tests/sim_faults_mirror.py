"""A point of the campaign of faults in mirrored operations fails when the group does not do what it must."""

from __future__ import annotations

from typing import Any

import cocotb
import pytest
from cocotb.triggers import Timer

from silentmirror.faults.mirror_player import SLOT_OF, MirrorPlayer
from silentmirror.faults.points import Point
from silentmirror.faults.to_target import BLOCK
from silentmirror.faults.watch import PointFailed

HARMLESS: dict[str, Any] = {
    "op": "write",
    "mode": "fast40",
    "at_ns": 9_000.0,
    "connection_us": 40.0,
    "where": "leader's data",
    "kind": "invert",
    "device": 3,
    "side": "rx",
    "wire": "db15",
    "hold_ns": 13,
}
"""A data bit of the leader's copy is wrong where a participant sees it."""


async def _started(dut: Any) -> MirrorPlayer:
    player = MirrorPlayer(dut, cocotb.RANDOM_SEED, "write", "fast40")
    await player.start()
    assert await player.play(_point())
    assert player.free_us is not None
    assert 10 < player.free_us < 40
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
    assert await player.play(_point(device=6, kind="stick1", side="tx", wire="rst", hold_ns=25_000))
    assert not await player.play(_point(at_ns=200_000.0))


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def bus_is_kept(dut: Any) -> None:
    """The leader stands still with BSY true, and so does the initiator, which should have ended it with RST."""
    player = await _started(dut)
    cocotb.start_soon(_stop(player, 12_000, 5, 7))
    await _fails(player, "the bus is busy for")


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


async def _stop(player: MirrorPlayer, delay_ns: int, *devices: int) -> None:
    await Timer(delay_ns, "ns")
    for device in devices:
        player.bench.slot(SLOT_OF[device]).stop_clock()


async def _fail_next(player: MirrorPlayer, drive: int) -> None:
    """The block after the next one."""
    before = player.media[drive].writes
    while player.media[drive].writes == before:
        await Timer(1, "us")
    player.media[drive].fail_next(1)
