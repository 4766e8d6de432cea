"""The protocol checker: a subscriber of wire samples that evaluates named rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..wires import Wires, names_of
from .arbitration import ArbitrationRules
from .attention import AttentionRules
from .busfree import BusFreeRules, ResetRules
from .double import DoubleTransitionRules
from .drivers import DriverRules, WireRules
from .family import Family
from .handshake import HandshakeRules, ParityRules, TurnaroundRules
from .message_rules import MessageRules
from .negotiation import NegotiationRules
from .phases import PhaseRules, SequenceRules
from .qas import QasRules
from .rule import CheckerOptions, Rule, RuleSpec, Violation
from .selection import ReselectionRules, SelectionRules
from .stream import Stream
from .synchronous import SynchronousRules
from .tracker import BusTracker

FAMILIES: Final[tuple[type[Family], ...]] = (
    ArbitrationRules,
    QasRules,
    SelectionRules,
    ReselectionRules,
    PhaseRules,
    SequenceRules,
    HandshakeRules,
    SynchronousRules,
    DoubleTransitionRules,
    TurnaroundRules,
    ParityRules,
    AttentionRules,
    DriverRules,
    BusFreeRules,
    ResetRules,
    MessageRules,
    NegotiationRules,
    WireRules,
)
"""Rule families of the standard, in the order in which they are reported."""


class Checker:
    """Evaluates every rule on the samples it is given. It changes nothing and stops nothing: call `assert_clean`.

    Args:
        options: Level, cable allowance, vendor messages.
        plugins: Further families, for example of a vendor protocol. Each meets the others once
            (`Family.meet`), so that it can take over what it judges itself.

    Raises:
        ValueError: two rules have one id.
    """

    def __init__(self, options: CheckerOptions | None = None, plugins: Sequence[type[Family]] = ()) -> None:
        self.options = options or CheckerOptions()
        self.bus = BusTracker(self.options)
        self.families: dict[type[Family], Family] = {}
        self.rules: dict[str, Rule] = {}
        for kind in (*FAMILIES, *plugins):
            family = kind(self.bus, self.options)
            self.families[kind] = family
            for rule_id, rule in family.rules.items():
                if rule_id in self.rules:
                    raise ValueError(f"two rules are called {rule_id}")
                self.rules[rule_id] = rule
        for family in self.families.values():
            family.meet(self.families)
        for dt, judge in ((False, SynchronousRules), (True, DoubleTransitionRules)):
            stream = self.families[judge]
            assert isinstance(stream, Stream)
            if self.options.parity or not dt:  # without parity lines there is no P_CRCA
                self.bus.judges[dt] = stream
        self._wires = self.rules["GEN-01"]
        self._unsettled = ~0  # wires never known so far: a core before its reset

    def sample(self, wires: Wires) -> None:
        """Take one settled sample."""
        self._unsettled &= wires.unknown
        if stray := wires.unknown & ~self._unsettled:
            self._refuse(stray, wires.time_ps)
        else:
            self._wires.evaluations += 1
        self.bus.sample(wires)

    def finish(self, time_ps: int) -> None:
        """Evaluate what falls due before `time_ps`, the end of the test; nothing on the bus may change after it."""
        self.bus.expire(time_ps + 1)
        self.bus.flush()
        if self._unsettled > 0:
            self._refuse(self._unsettled, time_ps)

    def _refuse(self, unknown: int, time_ps: int) -> None:
        self.bus.now = time_ps
        self._wires.require(False, f"X or Z on {' '.join(names_of(unknown))}")

    @property
    def violations(self) -> list[Violation]:
        """Every violation so far, in order of time."""
        return sorted((found for rule in self.rules.values() for found in rule.violations), key=lambda v: v.time_ps)

    def applies(self, rule: Rule) -> bool:
        """False for a rule whose evidence this bus does not show."""
        if (rule.id.startswith(("PAR-", "DTR-")) or rule.id == "SEL-02") and not self.options.parity:
            return False
        return self.bus.has_drivers or not rule.spec.needs_drivers

    def report(self) -> dict[str, Any]:
        """Counts, and for each rule what it says and what it found; `rules` counts those that apply here."""
        per_rule = {
            rule.id: {
                "text": rule.spec.text,
                "source": rule.spec.source,
                "limit_ns": rule.limit_ns,
                "limits_ns": {speed.value: limit for speed, limit in (rule.spec.limits_ns or {}).items()},
                "applicable": self.applies(rule),
                "evaluations": rule.evaluations,
                "violations": [str(found) for found in rule.violations],
            }
            for rule in self.rules.values()
        }
        return {
            "rules": sum(self.applies(rule) for rule in self.rules.values()),
            "evaluations": sum(rule.evaluations for rule in self.rules.values()),
            "violations": sum(len(rule.violations) for rule in self.rules.values()),
            "per_rule": per_rule,
        }

    def assert_clean(self) -> None:
        """AssertionError when a rule was violated, or when nothing was evaluated at all."""
        found = self.violations
        assert not found, f"{len(found)} violation(s) of bus rules:\n" + "\n".join(map(str, found[:20]))
        assert any(rule.evaluations for rule in self.rules.values() if rule.id != "GEN-01"), "no rule was evaluated"


def rule_specs(plugins: Sequence[type[Family]] = ()) -> list[RuleSpec]:
    """Every rule there is, in the order of the reports."""
    return [spec for kind in (*FAMILIES, *plugins) for spec in kind.SPECS]
