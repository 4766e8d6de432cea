"""Mirrored operations that are broken off anywhere, with every driver of every slot written down as it changes."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ReadOnly
from cocotb.utils import get_sim_time

from silentmirror.faults.mirror_operations import INITIATOR
from silentmirror.faults.mirror_player import SLOT_OF, MirrorPlayer
from silentmirror.faults.points import Point

RECORD_FILE = "drivers.txt"
SPAN_NS = (100.0, 45_000.0)
"""From SUBMIT past the end of the operation."""
FAULTS = (
    {"kind": "stick1", "side": "tx", "wire": "rst", "hold_ns": 25_000},
    {"kind": "invert", "side": "rx", "wire": "req", "hold_ns": 13},
)


async def _write_down(dut: Any, file: Path) -> None:
    """One line a change: time in ps, all drivers."""
    with file.open("w", encoding="utf-8") as out:
        while True:
            await dut.drv_all.value_change
            await ReadOnly()
            out.write(f"{get_sim_time('ps')} {dut.drv_all.value}\n")


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def broken_off_anywhere(dut: Any) -> None:
    """Whatever comes of it: the record counts."""
    rng = random.Random(cocotb.RANDOM_SEED)
    player = MirrorPlayer(dut, cocotb.RANDOM_SEED, "write", os.environ["MODE"])
    await player.start()
    writer = cocotb.start_soon(_write_down(dut, Path(RECORD_FILE)))
    for fault in FAULTS:
        device = rng.choice([INITIATOR, *SLOT_OF])
        spec: dict[str, Any] = {
            **fault,
            "device": device,
            "at_ns": rng.uniform(*SPAN_NS),
            "busy_us": 100.0,
        }
        cocotb.log.info("%s at %s, %.1f ns after SUBMIT", fault["kind"], device, spec["at_ns"])
        await player.play(Point(0, "gate", spec))
    writer.cancel()
