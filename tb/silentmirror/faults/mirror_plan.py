"""The points of the campaign of faults in mirrored operations, all that the timelines give, in an order of the seed."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final

from .points import Point
from .timeline import Timeline
from .to_mirror import CLASSES

_STRIDE: Final = 3


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
    """The class's points, the first one last, without those that are a fault of `seen` under another name.

    Operations and modes take turns as long as they have points left, and each class begins with others. `seen` takes
    up what is new.
    """
    rng = random.Random(f"silentmirror mirror faults {seed} {name}")
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for spec in CLASSES[name](timelines, rng):
        fault = json.dumps({key: value for key, value in spec.items() if key != "where"}, sort_keys=True)
        if fault not in seen:
            seen.add(fault)
            kinds.setdefault((spec["op"], spec["mode"]), []).append(spec)
    for one in kinds.values():
        rng.shuffle(one)
    first = list(CLASSES).index(name) * _STRIDE
    turns = [list(kinds.values())[(first + n) % len(kinds)] for n in range(len(kinds))]
    return [spec for row in zip_longest(*turns) for spec in row if spec is not None][::-1]


def batches(points: Sequence[Point], size: int) -> list[list[Point]]:
    """Points of one operation and one transfer mode each, `size` a simulation; all kinds from the beginning on."""
    groups: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        groups.setdefault((point.spec["op"], point.spec["mode"]), []).append(point)
    found = [group[start : start + size] for group in groups.values() for start in range(0, len(group), size)]
    return sorted(found, key=lambda batch: batch[0].number)
