"""Who asserts which wire when: recorded in a reference run, summed up for each phase of its timeline."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from cocotbext.scsi.wires import NAMES, WIDTH, Wires

from .timeline import Drive, Span

Times = list[tuple[float, float]]

_LEAST_NS: Final = 30.0
"""Shorter times are not taken: a later run may be a few clocks off."""


class Drivers:
    """Sampler subscriber: from when to when each device asserts each wire."""

    def __init__(self, slots: Mapping[int, int]) -> None:
        """`slots`: slot of each SCSI ID."""
        self._slots = slots
        self._before = 0
        self._since: dict[tuple[int, int], int] = {}
        self._times: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def sample(self, wires: Wires) -> None:
        """Take one sample."""
        assert wires.drivers is not None
        changed, self._before = wires.drivers ^ self._before, wires.drivers
        if not changed:
            return
        for device, slot in self._slots.items():
            mine = changed >> slot * WIDTH & (1 << WIDTH) - 1
            while mine:
                wire = (mine & -mine).bit_length() - 1
                mine &= mine - 1
                if wires.drivers >> slot * WIDTH + wire & 1:
                    self._since[device, wire] = wires.time_ps
                else:
                    self._times.setdefault((device, wire), []).append((self._since[device, wire], wires.time_ps))

    def drives(self, phases: Sequence[Span], zero_ns: float) -> Iterator[Drive]:
        """For each phase each wire that is asserted in it. `zero_ns`: where the phases' times count from."""
        times = {key: [(a / 1000 - zero_ns, b / 1000 - zero_ns) for a, b in one] for key, one in self._times.items()}
        for phase in phases:
            for number, name in enumerate(NAMES):
                mine = {device: _within(times.get((device, number), []), phase) for device in self._slots}
                device = max(mine, key=lambda one: sum(b - a for a, b in mine[one]))
                if mine[device]:
                    others = [span for one, spans in mine.items() if one != device for span in spans]
                    yield Drive(phase.name, name, device, _without(phase, others))


def _within(times: Times, phase: Span) -> Times:
    first = bisect_left(times, phase.start_ns, key=lambda one: one[1])
    found = []
    for start, end in times[first:]:
        if start >= phase.end_ns:
            break
        found.append((max(start, phase.start_ns), min(end, phase.end_ns)))
    return found


def _without(phase: Span, others: Times) -> Times:
    """What the others leave of a phase; all of it if that is nothing."""
    edges = [phase.start_ns]
    for start, end in sorted(others):
        edges[-1:] = [edges[-1], max(start, edges[-1]), max(end, edges[-1])]
    edges.append(phase.end_ns)
    left = [(a, b) for n, (a, b) in enumerate(pairwise(edges)) if n % 2 == 0 and b - a > _LEAST_NS]
    return left or [(phase.start_ns, phase.end_ns)]
