"""When things happen in a mirrored operation without faults: what the points of the campaign are placed by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

_INITIATOR: Final = 7
"""SCSI ID."""
SLACK_NS: Final = 1_000
"""Added to an operation's length where it bounds one that a fault has disturbed."""


@dataclass(frozen=True)
class Span:
    """Something that lasts, in nanoseconds from the host's SUBMIT."""

    name: str
    start_ns: float
    end_ns: float


@dataclass(frozen=True)
class Moment:
    """A device's unit enters a state for the first time in the operation."""

    device: int
    """SCSI ID."""
    unit: str
    state: str
    at_ns: float

    @property
    def full(self) -> str:
        """Kind of device, unit and state."""
        return f"{'initiator' if self.device == _INITIATOR else 'drive'} {self.unit} {self.state}"


@dataclass(frozen=True)
class Drive:
    """Who asserts a wire in a phase, and when it does so alone or not at all: what it drives is then what all see."""

    phase: str
    """Name of the phase's span."""
    wire: str
    device: int
    """SCSI ID of the one that asserts it for the longest time."""
    spans: list[tuple[float, float]]
    """Times in the phase in which no other device asserts it, from and to."""


@dataclass
class Timeline:
    """One operation in one transfer mode."""

    operation: str
    mode: str
    length_ns: float = 0.0
    """To the last BUS FREE."""
    busy_ns: float = 0.0
    """Time that the bus is busy in all."""
    phases: list[Span] = field(default_factory=list)
    """What the bus does, one after the other, gaps excluded."""
    windows: list[Span] = field(default_factory=list)
    """Hand-overs, each from the end of SWITCH ROLE, NEXT or REPORT to the first REQ after it, and the release to BUS
    FREE.
    """
    moments: list[Moment] = field(default_factory=list)
    drives: list[Drive] = field(default_factory=list)
    """For each phase, the wires that somebody asserts in it."""
    states: list[str] = field(default_factory=list)
    """All named states of the initiator and of a drive, reached or not, as `Moment.full` tells them."""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @staticmethod
    def from_json(content: dict[str, Any]) -> Timeline:
        """From plain values."""
        spans = {name: [Span(**one) for one in content[name]] for name in ("phases", "windows")}
        moments = [Moment(**one) for one in content["moments"]]
        drives = [Drive(**{**one, "spans": [(a, b) for a, b in one["spans"]]}) for one in content["drives"]]
        return Timeline(**{**content, **spans, "moments": moments, "drives": drives})


def states(timelines: Sequence[Timeline]) -> tuple[list[str], list[str]]:
    """Named states: those that are entered in one of the operations, and those that are not."""
    known = {name for one in timelines for name in one.states}
    entered = {moment.full for one in timelines for moment in one.moments} & known
    return sorted(entered), sorted(known - entered)
