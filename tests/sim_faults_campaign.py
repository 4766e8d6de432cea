"""A point of the campaign fails when the device keeps the bus, loses data or writes what it must not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cocotb
import pytest
from cocotb.triggers import Timer

from silentmirror.faults.bad_host import RegisterPlayer
from silentmirror.faults.bad_initiator import Player
from silentmirror.faults.bad_target import TargetPlayer
from silentmirror.faults.points import Point, plan
from silentmirror.faults.to_target import BLOCK, BLOCKS, command, point, write_10
from silentmirror.faults.watch import PointFailed

DRIVE_SLOT, INITIATOR_SLOT = 2, 0


def nothing_bad(number: int = 1) -> Point:
    """A write without any fault."""
    return Point(number, "target reserved opcode", point(command(write_10(3, 1), BLOCK), agree="wide"))


async def fails(player: Any, bad: Point, message: str) -> None:
    """The point fails, and says so."""
    with pytest.raises(PointFailed, match=message):
        await player.play(bad)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def drive_keeps_the_bus(dut: Any) -> None:
    """BSY of the drive sticks."""
    player = Player(dut, cocotb.RANDOM_SEED, group=False)
    await player.start()
    await player.play(nothing_bad())
    player.bench.slot(DRIVE_SLOT).tx.stick(("bsy",), 1)
    await fails(player, nothing_bad(2), "the bus is busy|still busy")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def medium_changes(dut: Any) -> None:
    """A block that nobody wrote."""
    player = Player(dut, cocotb.RANDOM_SEED, group=False)
    await player.start()
    await player.play(nothing_bad())
    with player.images[5].path.open("r+b") as file:
        file.seek(6 * BLOCK)
        file.write(b"spoilt")
    await fails(player, nothing_bad(2), "block 6 of drive 5 has changed without a write")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def good_command_fails(dut: Any) -> None:
    """The medium refuses the block of the good write."""
    player = Player(dut, cocotb.RANDOM_SEED, group=False)
    await player.start()
    bad = Point(1, "target reserved opcode", point(command("000000000000")))
    await player.play(bad)
    player.bench.medium(DRIVE_SLOT).fail_next(1)
    await fails(player, bad, "good write to drive 5: complete, status 2")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def initiator_keeps_the_bus(dut: Any) -> None:
    """The initiator's clock stops in mid-command: no completion, no RST."""
    player = TargetPlayer(dut, cocotb.RANDOM_SEED)
    await player.start()
    bad = next(one for one in plan(1, 500) if one.name == "initiator target stops" and one.spec["then"] == "stall")
    await player.play(bad)
    _after(12_000, player.bench.slot(INITIATOR_SLOT).stop_clock)
    await fails(player, bad, "busy|not over")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def initiator_writes_unasked(dut: Any) -> None:
    """A block changes although no descriptor was good."""
    player = RegisterPlayer(dut, cocotb.RANDOM_SEED)
    await player.start()
    bad = Point(1, "registers descriptor", {"accesses": [["read", 0, 4]]})
    await player.play(bad)
    with player.image.path.open("r+b") as file:
        file.seek((BLOCKS - 1) * BLOCK)
        file.write(bytes(8))
    await fails(player, bad, f"block {BLOCKS - 1} of drive 4 has changed without a write")


def _after(delay_ns: int, act: Callable[[], None]) -> None:
    async def wait() -> None:
        await Timer(delay_ns, "ns")
        act()

    cocotb.start_soon(wait())
