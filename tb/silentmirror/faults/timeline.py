"""When things happen in a mirrored operation without faults: what the points of the campaign are placed by."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

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


@dataclass
class Timeline:
    """One operation in one transfer mode."""

    operation: str
    mode: str
    length_ns: float = 0.0
    """To the last BUS FREE."""
    connection_ns: float = 0.0
    """Longest time that the bus is busy without a break."""
    phases: list[Span] = field(default_factory=list)
    """What the bus does, one after the other, gaps excluded."""
    windows: list[Span] = field(default_factory=list)
    """Hand-overs, each from the end of SWITCH ROLE to the first REQ after it, and the release to BUS FREE."""
    moments: list[Moment] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @staticmethod
    def from_json(content: dict[str, Any]) -> Timeline:
        """From plain values."""
        spans = {name: [Span(**one) for one in content[name]] for name in ("phases", "windows")}
        return Timeline(**{**content, **spans, "moments": [Moment(**one) for one in content["moments"]]})
