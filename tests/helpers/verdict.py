"""What the checker says of a wire script, without a simulator."""

from __future__ import annotations

from collections.abc import Sequence

from cocotbext.scsi.agreement import Agreement
from cocotbext.scsi.checker import Checker, CheckerOptions
from silentmirror.mirror_rules import MirrorRules, mirror_options

from .playback import samples
from .wire_script import IDS, Fault, Script


def check(
    script: Script,
    options: CheckerOptions | None = None,
    faults: Sequence[Fault] = (),
    drivers: bool = True,
    agreements: Sequence[tuple[int, int, Agreement]] = (),
) -> Checker:
    """A checker that has seen a whole script and 3 us of idle bus after it.

    `agreements` hold from the beginning: slot of the initiator, slot of the target, what they have agreed.
    """
    checker = Checker(options or mirror_options(), [MirrorRules])
    for initiator, target, agreement in agreements:
        pair = (initiator, target) if drivers else (IDS[initiator], IDS[target])
        checker.bus.agree(*pair, agreement)
    last = 0
    for wires in samples(script, faults, drivers):
        checker.sample(wires)
        last = wires.time_ps
    checker.finish(last + 3_000_000)
    return checker


def violated(checker: Checker) -> set[str]:
    """Ids of the rules that were violated."""
    return {found.rule for found in checker.violations}
