"""What a rule of the checker is: a sentence, a limit, where it comes from, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from .limits import Limits

if TYPE_CHECKING:
    from .tracker import BusTracker


class Level(IntEnum):
    """Standard whose limits apply where they differ (spi-facts 3.1, 3.5)."""

    SCSI2 = 2
    SPI2 = 3
    SPI3 = 4
    """SPI-3 and later."""


@dataclass(frozen=True)
class VendorMessages:
    """Message codes outside the standard that a project uses and the checker must not call reserved."""

    two_byte: frozenset[int] = frozenset()
    """First bytes out of the reserved two-byte range 25h-2Fh."""
    extended: frozenset[int] = frozenset()
    """Codes of extended messages."""
    optional_last: int | None = None
    """A vendor message of two bytes may be followed by this byte, which then belongs to it."""


@dataclass(frozen=True)
class CheckerOptions:
    """What the checker must know about the bus that it watches."""

    level: Level = Level.SPI3
    cable_ns: float = 0.0
    """Longest one-way delay between a device and the point of observation; upper limits grow by twice this."""
    parity: bool = True
    """False for a bus without parity lines: the rules about parity and DT data groups then do not apply."""
    vendor: VendorMessages = field(default_factory=VendorMessages)
    allow_unexpected_free: bool = False
    """True where a test provokes an unexpected BUS FREE (spi-facts 5.4): counted, but no violation."""


@dataclass(frozen=True)
class RuleSpec:
    """One rule. `limit_ns` may differ by level; `upper` tells a maximum from a minimum.

    Where the agreement decides, the limit is `limits_ns` (by speed class) or `limit_text`.
    """

    id: str
    text: str
    source: str
    limit_ns: float | Mapping[Level, float] | None = None
    upper: bool = False
    needs_drivers: bool = False
    """The evidence is who drives a wire, which a design without a per-driver view does not show."""
    limits_ns: Limits | None = None
    """Lower limits by speed class, where that decides."""
    limit_text: str = ""
    """The limit in words, where the agreement gives it."""

    def limit_at(self, level: Level) -> float | None:
        """The limit in ns at a level."""
        return self.limit_ns[level] if isinstance(self.limit_ns, Mapping) else self.limit_ns


@dataclass(frozen=True)
class Violation:
    """One finding. `measured_ns` is None for rules that are no time limit."""

    rule: str
    time_ps: int
    text: str
    measured_ns: float | None = None
    slot: int | None = None
    scsi_id: int | None = None

    def __str__(self) -> str:
        who = "" if self.slot is None else f" slot {self.slot}"
        who += "" if self.scsi_id is None else f" (SCSI ID {self.scsi_id})"
        measured = "" if self.measured_ns is None else f", measured {self.measured_ns:g} ns"
        return f"{self.time_ps / 1000:.3f} ns {self.rule}{who}: {self.text}{measured}"


class Rule:
    """A rule at work: counts how often it was evaluated and keeps what violated it."""

    def __init__(self, spec: RuleSpec, bus: BusTracker, options: CheckerOptions) -> None:
        self.spec = spec
        self.id = spec.id
        self.evaluations = 0
        self.violations: list[Violation] = []
        limit = spec.limit_at(options.level)
        self.limit_ns = limit
        allowance = 2 * options.cable_ns if spec.upper else 0.0
        self.limit_ps = round(((limit or 0.0) + allowance) * 1000)
        """The limit as applied, with the cable allowance of upper limits."""
        self._bus = bus

    def minimum(self, measured_ps: int, what: str = "", slot: int | None = None) -> None:
        """Evaluate a lower limit."""
        self.evaluations += 1
        if measured_ps < self.limit_ps:
            self._found(what or self.spec.text, measured_ps, slot)

    def maximum(self, measured_ps: int, what: str = "", slot: int | None = None) -> None:
        """Evaluate an upper limit."""
        self.evaluations += 1
        if measured_ps > self.limit_ps:
            self._found(what or self.spec.text, measured_ps, slot)

    def require(self, holds: object, what: str = "", slot: int | None = None) -> None:
        """Evaluate a condition."""
        self.evaluations += 1
        if not holds:
            self._found(what or self.spec.text, None, slot)

    def found(self, measured_ps: int | None = None, what: str = "", slot: int | None = None) -> None:
        """Report a violation whose evaluation is counted elsewhere."""
        self._found(what or self.spec.text, measured_ps, slot)

    def _found(self, what: str, measured_ps: int | None, slot: int | None) -> None:
        measured = None if measured_ps is None else measured_ps / 1000
        scsi_id = None if slot is None else self._bus.slot_ids.get(slot)
        self.violations.append(Violation(self.id, self._bus.now, what, measured, slot, scsi_id))
