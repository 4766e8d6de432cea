"""What a must-fail case of a checker rule is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cocotbext.scsi.checker import Level

from .wire_script import Fault, Script


@dataclass(frozen=True)
class Case:
    """How to make one rule fail, and only it."""

    legal: Callable[[], Script]
    faults: Sequence[Fault] = ()
    """Applied to the legal scenario through the saboteurs of the slots."""
    faulty: Callable[[], Script] | None = None
    """Where the fault is longer than an edge: the scenario with a port that misbehaves, played instead."""
    unknown: Fault | None = None
    """A port drives X instead of the level given."""
    level: Level = Level.SPI3


def stick(legal: Callable[[], Script], *faults: tuple[int, str, int, str, str]) -> Case:
    """Wires of slots held at a level between two marks of the legal scenario."""
    return Case(legal, tuple(Fault(*fault) for fault in faults))
