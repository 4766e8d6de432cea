"""Faults in mirrored operations: RST, one wrong bit, silence, a stuck line, at every moment that a timeline shows.

A point is an operation (`op`, `mode`) and one fault of one device's saboteur: `device` (SCSI ID), `side` (`tx`: what it
drives, `rx`: what it sees), `kind` (`invert`, `stick0`, `stick1`, `silence`), `wire`, `at_ns` after the host's SUBMIT,
`hold_ns` (None: until the operation is over), `busy_us` (how long the bus is busy in this operation without faults),
`where`, in words.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cocotbext.scsi.wires import CONTROL, NAMES
from silentmirror.bench.config import CLK_PERIOD_PS

from .mirror_operations import GROUP, INITIATOR
from .timeline import Timeline
from .watch import RESET_HOLD_US

Spec = dict[str, Any]

DEVICES: Final = (INITIATOR, *(scsi_id for scsi_id, _ in GROUP))
BYSTANDER: Final = 6
"""Asserts RST."""
RST_EVERY: Final = 4
"""Clocks of the initiator between points."""
RST_OPERATION, RST_MODE, WINDOW_MODES = "write", "fast40", ("async16", "fast40", "fast80")
_CLK_NS: Final = CLK_PERIOD_PS / 1000
_HOLDS_NS: Final = (13, 60, 250, 700)
"""A wrong bit lasts as long as a glitch, a synchronous transfer, an asynchronous one, a few of them."""
_STUCK: Final = 2
"""Points of each device in each of its states."""


def _at(timeline: Timeline, at_ns: float, where: str, **fault: Any) -> Spec:
    head = {"op": timeline.operation, "mode": timeline.mode, "at_ns": round(at_ns, 3)}
    return {**head, "busy_us": round(timeline.busy_ns / 1000, 1), "where": where, **fault}


def _rst(timeline: Timeline, at_ns: float, where: str) -> Spec:
    hold_ns = RESET_HOLD_US * 1000
    return _at(timeline, at_ns, where, kind="stick1", device=BYSTANDER, side="tx", wire="rst", hold_ns=hold_ns)


def rst(timelines: Sequence[Timeline], _rng: random.Random) -> Iterator[Spec]:
    """RST at every fourth clock of the initiator, from the host's SUBMIT to the last BUS FREE."""
    for one in timelines:
        if (one.operation, one.mode) == (RST_OPERATION, RST_MODE):
            for clock in range(0, int(one.length_ns / _CLK_NS) + 1, RST_EVERY):
                yield _rst(one, clock * _CLK_NS, f"clock {clock}")


def rst_in_window(timelines: Sequence[Timeline], _rng: random.Random) -> Iterator[Spec]:
    """RST at every clock of each hand-over and of the release."""
    for one in timelines:
        if one.mode in WINDOW_MODES:
            for window in one.windows:
                first, last = (int(edge / _CLK_NS) for edge in (window.start_ns, window.end_ns))
                for clock in range(first, last + 1):
                    yield _rst(one, clock * _CLK_NS, f"{window.name}, clock {clock - first}")


def wrong_bit(timelines: Sequence[Timeline], rng: random.Random) -> Iterator[Spec]:
    """One wire is wrong for a moment in every phase of every mode: for everybody, and for one device only.

    For everybody: at the device that drives it in this phase, when no other does, or else at one that should be quiet.
    """
    for one in timelines:
        drives = {(drive.phase, drive.wire): drive for drive in one.drives}
        for phase in (span for span in one.phases if span.start_ns > 0):
            for wire in NAMES:
                drive = drives.get((phase.name, wire))
                spans = [(phase.start_ns, max(phase.start_ns, phase.end_ns))] if drive is None else drive.spans
                driver = rng.choice(DEVICES) if drive is None else drive.device
                for device, side in ((driver, "tx"), (rng.choice(DEVICES), "rx")):
                    at_ns = _in(spans, rng)
                    fault = {"kind": "invert", "device": device, "side": side, "wire": wire}
                    yield _at(one, at_ns, phase.name, **fault, hold_ns=rng.choice(_HOLDS_NS))


def _in(spans: Sequence[tuple[float, float]], rng: random.Random) -> float:
    """A moment in one of the spans, all alike."""
    start, end = rng.choices(spans, [end - start + 1e-3 for start, end in spans])[0]
    return rng.uniform(start, end)


def silence(timelines: Sequence[Timeline], _rng: random.Random) -> Iterator[Spec]:
    """A device drives nothing from the moment on at which one of its units enters a state."""
    for one in timelines:
        for moment in one.moments:
            where = f"{moment.unit} {moment.state}"
            fault: Spec = {"kind": "silence", "device": moment.device, "side": "tx", "wire": "all", "hold_ns": None}
            yield _at(one, moment.at_ns + _CLK_NS, where, **fault)


def stuck(timelines: Sequence[Timeline], rng: random.Random) -> Iterator[Spec]:
    """A control line sticks at either level, at a device's driver or receiver, from such a moment on."""
    for one in timelines:
        for moment in one.moments:
            where = f"{moment.unit} {moment.state}"
            for _ in range(_STUCK):
                fault: Spec = {"kind": rng.choice(("stick0", "stick1")), "wire": rng.choice(CONTROL)}
                fault |= {"device": moment.device, "side": rng.choice(("tx", "rx")), "hold_ns": None}
                yield _at(one, moment.at_ns + _CLK_NS, where, **fault)


CLASSES: Final = {
    "mirror rst": rst,
    "mirror rst in a window": rst_in_window,
    "mirror wrong bit": wrong_bit,
    "mirror silence": silence,
    "mirror stuck line": stuck,
}
"""Each gives all points of its class, for all operations and modes."""
