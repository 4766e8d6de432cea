"""The points of a campaign: each a distinct bad input, derived from seed and number. Needs no simulator."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from . import to_group, to_initiator, to_mirror, to_registers, to_target

Spec = dict[str, Any]
"""What a point does, as plain JSON values."""
Generator = Callable[[random.Random], Spec]

SIDES: Final[dict[str, dict[str, Generator]]] = {
    "target": to_target.CLASSES,
    "group": to_group.CLASSES,
    "initiator": to_initiator.CLASSES,
    "registers": to_registers.CLASSES,
}
"""Classes of points by what they are done to: a drive, a group of drives, the initiator's bus side or host side."""

_ROUND: Final = [name for classes in SIDES.values() for name in classes]
"""Classes take turns."""
MIRROR: Final = "mirror"
_SIDE_OF: Final = {
    **{name: side for side, classes in SIDES.items() for name in classes},
    **dict.fromkeys(to_mirror.CLASSES, MIRROR),
}
_ATTEMPTS: Final = 1000


@dataclass(frozen=True)
class Point:
    """One bad input."""

    number: int
    name: str
    """Its class."""
    spec: Spec

    @property
    def side(self) -> str:
        """What it is done to."""
        return _SIDE_OF[self.name]

    @property
    def key(self) -> str:
        """Equal for equal inputs, whatever their numbers."""
        return f"{self.name} {json.dumps(self.spec, sort_keys=True)}"

    def to_json(self) -> dict[str, Any]:
        """For the job file of a simulation."""
        return asdict(self)

    @staticmethod
    def from_json(content: dict[str, Any]) -> Point:
        """From a job file."""
        return Point(**content)


def plan(seed: int, count: int) -> list[Point]:
    """The first `count` points of a seed, all distinct; a longer plan begins with the shorter one."""
    points: list[Point] = []
    seen: set[str] = set()
    for number in range(count):
        name = _ROUND[number % len(_ROUND)]
        point = _distinct(seed, number, name, seen)
        seen.add(point.key)
        points.append(point)
    return points


def _distinct(seed: int, number: int, name: str, seen: set[str]) -> Point:
    generate = SIDES[_SIDE_OF[name]][name]
    for attempt in range(_ATTEMPTS):
        rng = random.Random(f"silentmirror faults {seed} {number} {attempt}")
        point = Point(number, name, generate(rng))
        if point.key not in seen:
            return point
    raise ValueError(f"class {name} has no further point for number {number}")


def batches(points: list[Point], size: int) -> list[list[Point]]:
    """Points of one side each, `size` a simulation; those of a longer plan begin with the same."""
    found = []
    for side in SIDES:
        mine = [point for point in points if point.side == side]
        found += [mine[start : start + size] for start in range(0, len(mine), size)]
    return found
