"""The points of the campaign of faults in mirrored operations, all that the timelines give, in an order of the seed."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from .points import Point
from .timeline import Timeline
from .to_mirror import CLASSES


def plan(seed: int, timelines: Sequence[Timeline], count: int | None = None) -> list[Point]:
    """The first `count` points (None: all), all distinct; classes take turns as long as they have points left."""
    seen: set[str] = set()
    left = {name: _shuffled(name, seed, timelines, seen) for name in CLASSES}
    points: list[Point] = []
    while any(left.values()) and (count is None or len(points) < count):
        for name, specs in left.items():
            if specs:
                points.append(Point(len(points), name, specs.pop()))
    return points if count is None else points[:count]


def _shuffled(name: str, seed: int, timelines: Sequence[Timeline], seen: set[str]) -> list[dict[str, Any]]:
    """The class's points, without those that are a fault of `seen` under another name; it takes up what is new."""
    rng = random.Random(f"silentmirror mirror faults {seed} {name}")
    found: list[dict[str, Any]] = []
    for spec in CLASSES[name](timelines, rng):
        fault = json.dumps({key: value for key, value in spec.items() if key != "where"}, sort_keys=True)
        if fault not in seen:
            seen.add(fault)
            found.append(spec)
    rng.shuffle(found)
    return found


def batches(points: Sequence[Point], size: int) -> list[list[Point]]:
    """Points of one operation and one transfer mode each, `size` a simulation; all kinds from the beginning on."""
    groups: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        groups.setdefault((point.spec["op"], point.spec["mode"]), []).append(point)
    found = [group[start : start + size] for group in groups.values() for start in range(0, len(group), size)]
    return sorted(found, key=lambda batch: batch[0].number)
