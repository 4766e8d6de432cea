"""The in-simulator side of the reference run: one operation without faults, written down as a timeline. Icarus."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cocotb
from cocotb.handle import HierarchyObject
from cocotb.triggers import ValueChange
from cocotb.utils import get_sim_time

from cocotbext.scsi import Kind, Phase, Sampler, ScsiBus, ScsiMonitor, Transaction
from silentmirror.mirror import MirrorAnnotator, Note
from silentmirror.options import ROOT

from .drives import Drivers
from .mirror_player import SLOT_OF, MirrorPlayer
from .reference_runs import TIMELINE_FILE, VARIABLE
from .timeline import SLACK_NS, Moment, Span, Timeline

_STATES: Final = ("state_q", "in_state_q", "step_q", "mode_q")
"""Names of state registers."""
_HAND_OVERS: Final = (Note.SWITCH_ROLE, Note.NEXT_BLOCK, Note.REPORT, Note.RELEASE)
"""Messages with which the phase lines change hands."""


@cocotb.test()
async def reference(dut: Any) -> None:
    """The second operation after the start: the first one has left everything as later ones find it."""
    operation, mode = os.environ[VARIABLE].split()
    player = MirrorPlayer(dut, cocotb.RANDOM_SEED, operation, mode)
    await player.start()
    await player.good_operation()
    bus = ScsiBus(dut, packed="bus_all", drivers="drv_all")
    drivers = Drivers(SLOT_OF)
    monitor = ScsiMonitor(bus, Sampler(bus, drivers))
    monitor.add_annotator(MirrorAnnotator())
    states = [_Unit(*unit) for unit in _units(dut)]
    assert states
    player.on_submit = [state.begin for state in states]
    await player.good_operation()
    monitor.flush()
    timeline = _timeline(operation, mode, player.submitted_ns, list(monitor.transactions))
    timeline.moments = sorted((one for state in states for one in state.moments), key=lambda one: one.at_ns)
    timeline.states = sorted({name for state in states for name in state.names})
    timeline.drives = list(drivers.drives([one for one in timeline.phases if one.start_ns > 0], player.submitted_ns))
    Path(TIMELINE_FILE).write_text(json.dumps(timeline.to_json()), encoding="utf-8")


def _timeline(operation: str, mode: str, zero_ns: float, seen: list[Transaction]) -> Timeline:
    """Spans and windows from what the monitor saw."""
    found = Timeline(operation, mode)

    def span(name: str, start_ps: int, end_ps: int) -> Span:
        return Span(name, start_ps / 1000 - zero_ns, end_ps / 1000 - zero_ns)

    busy_ps = None
    for number, one in enumerate(seen):
        name = one.phase.name if one.phase is not None else one.kind.value
        found.phases.append(span(f"{number} {name}", one.phase_ps or one.start_ps, one.end_ps))
        if one.note in _HAND_OVERS and one.last_ack_ps:
            after = seen[number + 1]
            end_ps = after.first_req_ps if after.first_req_ps else after.end_ps
            found.windows.append(span(f"{number} {one.note}", one.last_ack_ps, end_ps))
        if one.kind is Kind.BUS_FREE:
            if busy_ps is not None:
                found.busy_ns += (one.start_ps - busy_ps) / 1000 + SLACK_NS
            busy_ps = None
        elif busy_ps is None:
            busy_ps = one.start_ps
    assert sum(one.phase in (Phase.DATA_OUT, Phase.DT_DATA_OUT, Phase.DATA_IN, Phase.DT_DATA_IN) for one in seen) >= 3
    assert seen[-1].kind is Kind.BUS_FREE
    found.length_ns = found.phases[-1].end_ns
    return found


# -- states of the devices -------------------------------------------------------------------------------------------


class _Unit:
    """One state register of a device."""

    def __init__(self, device: int, path: str, module: str, handle: Any) -> None:
        self.moments: list[Moment] = []
        self._device, self._handle = device, handle
        self._path = path if handle._name == _STATES[0] else f"{path}.{handle._name}"
        self._names = _names_of(module, handle._name, len(handle.value))

    @property
    def names(self) -> list[str]:
        """Of all states that have one, as `Moment.full` tells them."""
        return [Moment(self._device, self._path, name, 0.0).full for name in self._names.values()]

    def begin(self) -> None:
        """From now on, for the rest of the test."""
        cocotb.start_soon(self._follow(get_sim_time("ns")))

    async def _follow(self, zero_ns: float) -> None:
        seen = set()
        while True:
            value = int(self._handle.value)
            if value not in seen:
                seen.add(value)
                name = self._names.get(value, str(value))
                self.moments.append(Moment(self._device, self._path, name, get_sim_time("ns") - zero_ns))
            await ValueChange(self._handle)


def _units(dut: Any) -> Iterator[tuple[int, str, str, Any]]:
    for device, number in SLOT_OF.items():
        slot = dut.slot[number]
        top = slot.g_initiator.u_initiator if number == 0 else slot.g_target.u_target
        yield from ((device, *unit) for unit in _walk(top, ""))


def _walk(scope: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """Path, module and handle of each state register below."""
    for child in scope:
        name = child._name
        if name in _STATES:
            yield path, scope._def_name, child
        elif isinstance(child, HierarchyObject) and name.startswith("u_"):
            yield from _walk(child, f"{path}.{name}" if path else name)


def _names_of(module: str, register: str, width: int) -> dict[int, str]:
    """State names by value: a module's first localparams of the register's width that count from 0.

    A register `in_state_q` has names that begin with IN.
    """
    (file,) = (ROOT / "hdl").rglob(f"{module}.v")
    names: dict[int, str] = {}
    start = register.removesuffix("state_q").upper() if register in _STATES[:2] else ""
    for name, value in re.findall(rf"localparam ([A-Z][A-Z0-9_]*) = {width}'d(\d+);", file.read_text(encoding="utf-8")):
        if name.startswith(start):
            names.setdefault(int(value), name)
    return names
