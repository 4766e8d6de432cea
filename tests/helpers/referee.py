"""The independent referee of an in-simulator test: monitor, checker with the mirror rules, and the verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase, Sampler, ScsiBus, ScsiMonitor, Transaction
from cocotbext.scsi.checker import Checker, CheckerOptions
from silentmirror.mirror import MirrorAnnotator
from silentmirror.mirror_rules import MirrorRules
from silentmirror.report import evaluations


class Referee:
    """Watches the bus of `dut` (`bus_all`, `drv_all`) from `attach` on; test rigs derive from it."""

    checker: Checker
    sampler: Sampler
    monitor: ScsiMonitor

    def attach(self, dut: Any, options: CheckerOptions, callback: Callable[[Transaction], None] | None = None) -> None:
        """Start to watch; `callback` gets each transaction."""
        bus = ScsiBus(dut, packed="bus_all", drivers="drv_all", wake="drv_all")
        self.checker = Checker(options, [MirrorRules])
        self.sampler = Sampler(bus, self.checker)
        self.monitor = ScsiMonitor(bus, self.sampler, callback=callback)
        self.monitor.add_annotator(MirrorAnnotator())

    def notes(self) -> list[str]:
        """What the bus transactions so far mean to silent mirroring."""
        self.monitor.flush()
        return [str(one.note) for one in self.monitor.transactions if one.note is not None]

    def of_kind(self, kind: Kind) -> list[Transaction]:
        """The transactions of one kind so far."""
        return [one for one in self.monitor.transactions if one.kind is kind]

    async def finish(self, *violated: str) -> None:
        """Let the bus settle; exactly these rules must have been violated."""
        await Timer(3, unit="us")
        self.judge(*violated)

    def judge(self, *violated: str) -> None:
        """Exactly these rules must have been violated, something must have been checked, and the bus was free once."""
        self.monitor.flush()
        self.checker.finish(self.sampler.now_ps())
        evaluations.note(self.checker)
        found = {one.rule for one in self.checker.violations}
        listed = "\n".join(str(one) for one in self.checker.violations[:8])
        assert found == set(violated), f"violated: {sorted(found)}\n{listed}\n{self.monitor.last(30)}"
        assert sum(rule.evaluations for rule in self.checker.rules.values()) > 0
        assert self.of_kind(Kind.BUS_FREE)


class PhaseReferee(Referee):
    """A referee that also tells the phases in short."""

    def phases(self) -> list[tuple[Phase, str]]:
        """Phase and bytes (hex) of each information phase so far."""
        self.monitor.flush()
        return [(one.phase, one.data.hex()) for one in self.of_kind(Kind.PHASE) if one.phase is not None]
