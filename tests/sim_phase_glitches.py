"""Phase lines that the initiator hears wrong for a moment, amid a mirrored write."""

from __future__ import annotations

import os
import random
from typing import Any

import cocotb

from silentmirror.faults.mirror_operations import INITIATOR
from silentmirror.faults.mirror_player import MirrorPlayer, Progress
from silentmirror.faults.points import Point

UNHEARD_NS = (13, 60)
HEARD_NS = (250, 700)
LINES = ("cd", "msg", "io")
POINTS = 2
"""Of each line, for each of the two kinds."""
SPAN_NS = {"async16": (4_000.0, 100_000.0), "fast40": (4_000.0, 33_000.0)}
"""From the selection to RELEASE, all three copies among it."""


class Listener(MirrorPlayer):
    """Remembers who was GOOD, operation by operation."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.good: list[int] = []

    async def _judge(self, progress: Progress, lba: int, data: bytes) -> None:
        self.good.append(sum(one.good for one in progress.members.values()))
        await super()._judge(progress, lba, data)


async def _play(player: Listener, rng: random.Random, wire: str, hold_ns: int) -> int:
    """How many members were GOOD; what play() raises names the moment."""
    spec: dict[str, Any] = {"kind": "invert", "device": INITIATOR, "side": "rx", "wire": wire, "hold_ns": hold_ns}
    spec |= {"at_ns": rng.uniform(*SPAN_NS[os.environ["MODE"]]), "busy_us": 100.0}
    cocotb.log.info("%s wrong for %d ns, %.1f ns after SUBMIT", wire, hold_ns, spec["at_ns"])
    assert await player.play(Point(0, "phase line", spec))
    return player.good[-2]


async def _started(dut: Any) -> tuple[Listener, random.Random]:
    player = Listener(dut, cocotb.RANDOM_SEED, "write", os.environ["MODE"])
    await player.start()
    return player, random.Random(cocotb.RANDOM_SEED)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def glitches_are_not_heard(dut: Any) -> None:
    """All copies are GOOD; but DB is released as soon as I/O is true, so that a drive may have seen wrong parity."""
    player, rng = await _started(dut)
    good = {
        wire: [await _play(player, rng, wire, hold) for hold in UNHEARD_NS for _ in range(POINTS // 2)]
        for wire in LINES
    }
    assert good["cd"] == good["msg"] == [3] * POINTS
    assert sum(good["io"]) >= 2 * POINTS


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def another_phase_is_no_data(dut: Any) -> None:
    """A line that is wrong for longer ends a copy or not: nobody is GOOD without the data."""
    player, rng = await _started(dut)
    for wire in LINES:
        for hold in HEARD_NS:
            for _ in range(POINTS // 2):
                await _play(player, rng, wire, hold)
