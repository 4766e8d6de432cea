"""What all rule families share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from .rule import CheckerOptions, Rule, RuleSpec
from .tracker import BusTracker


class Family:
    """Rules about one subject. A subclass lists them in `SPECS` and binds to tracker events by `on_<event>` methods."""

    SPECS: ClassVar[Sequence[RuleSpec]] = ()

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        self.bus = bus
        self.options = options
        self.rules = {spec.id: Rule(spec, bus, options) for spec in self.SPECS}
        bus.bind(self)

    def meet(self, families: Mapping[type[Family], Family]) -> None:
        """Called once when all families are there; for a plug-in that takes over part of another's work."""
