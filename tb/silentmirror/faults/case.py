"""The in-simulator side of the campaign: plays the points of one batch until one fails."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.utils import get_sim_time

from .points import MIRROR, Point
from .summary import MIRROR_TIMES
from .watch import PointFailed

BATCH_VARIABLE = "SILENTMIRROR_FAULTS_BATCH"
OUTCOME_FILE = "outcome.jsonl"


def _player(dut: Any, first: Point) -> Any:
    seed, side = cocotb.RANDOM_SEED, first.side
    if side == MIRROR:
        from .mirror_player import MirrorPlayer

        return MirrorPlayer(dut, seed, first.spec["op"], first.spec["mode"])
    if side in ("target", "group"):
        from .bad_initiator import Player

        return Player(dut, seed, group=side == "group")
    if side == "initiator":
        from .bad_target import TargetPlayer

        return TargetPlayer(dut, seed)
    from .bad_host import RegisterPlayer

    return RegisterPlayer(dut, seed)


@cocotb.test()
async def batch(dut: Any) -> None:
    """One line of the outcome a point: its number, what failed (null: nothing), whether it came to pass, times."""
    file = Path(os.environ[BATCH_VARIABLE])
    points = [Point.from_json(one) for one in json.loads(file.read_text(encoding="utf-8"))]
    player = _player(dut, points[0])
    await player.start()
    with (file.parent / OUTCOME_FILE).open("w", encoding="utf-8") as lines:
        for point in points:
            begun_ns, begun_s = get_sim_time("ns"), time.monotonic()
            failure, struck = None, False
            try:
                struck = await player.play(point)
            except PointFailed as failed:
                failure = str(failed)
            outcome: dict[str, Any] = {"number": point.number, "failure": failure, "struck": struck}
            outcome["sim_ns"] = round(get_sim_time("ns") - begun_ns)
            if point.side == MIRROR:
                for name in MIRROR_TIMES:
                    value = getattr(player, name)
                    outcome[name] = None if value is None else round(max(value, 0.0), 1)
            outcome["wall_s"] = round(time.monotonic() - begun_s, 2)
            lines.write(json.dumps(outcome) + "\n")
            lines.flush()
            if failure is not None:
                break
