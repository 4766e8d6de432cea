"""Protocol checker for a parallel SCSI bus.

checker = Checker(CheckerOptions(cable_ns=20))
Sampler(bus, checker)
...
checker.finish(now_ps)
checker.assert_clean()
"""

from .checker import FAMILIES, Checker, rule_specs
from .family import Family
from .messages import ReadMessage
from .rule import CheckerOptions, Level, Rule, RuleSpec, VendorMessages, Violation
from .tracker import BusTracker

__all__ = [
    "FAMILIES",
    "BusTracker",
    "Checker",
    "CheckerOptions",
    "Family",
    "Level",
    "ReadMessage",
    "Rule",
    "RuleSpec",
    "VendorMessages",
    "Violation",
    "rule_specs",
]
