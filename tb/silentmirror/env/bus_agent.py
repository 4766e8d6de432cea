"""UVM agent of the bus: passive; wires to annotated transactions, and the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TextIO

from pyuvm import uvm_agent, uvm_analysis_port

from cocotbext.scsi.bus import ScsiBus
from cocotbext.scsi.checker import Checker
from cocotbext.scsi.monitor import ScsiMonitor
from cocotbext.scsi.sampler import Sampler
from cocotbext.scsi.transaction import Transaction
from silentmirror.mirror import MirrorAnnotator
from silentmirror.mirror_rules import MirrorRules, mirror_options


class BusAgent(uvm_agent):
    """Monitor with mirror annotation, and checker, on one sampler. Analysis port: `transactions`.

    `transcript`: file that takes each transaction as a line of JSON, or None. `must_be_clean`: a violated rule fails
    the test; False where a test provokes violations and judges them itself.
    """

    dut: Any
    transcript: Path | None = None
    cable_ns: float = 0.0
    must_be_clean: bool = True

    def build_phase(self) -> None:
        """Create the analysis port."""
        super().build_phase()
        self.transactions = uvm_analysis_port("transactions", self)
        self.checker = Checker(mirror_options(cable_ns=self.cable_ns), [MirrorRules])
        self._lines: TextIO | None = None

    def start(self) -> None:
        """Begin to watch; call it when the bench is out of reset."""
        if self.transcript is not None:
            self._lines = self.transcript.open("w", encoding="utf-8")
        bus = ScsiBus(self.dut, packed="bus_all", drivers="drv_all")
        self.sampler = Sampler(bus, self.checker)
        self.monitor = ScsiMonitor(bus, self.sampler, callback=self._deliver)
        self.monitor.add_annotator(MirrorAnnotator())

    def extract_phase(self) -> None:
        """Deliver what is still open, let the checker finish, close the transcript."""
        self.monitor.flush()
        self.checker.finish(self.sampler.now_ps())
        if self._lines is not None:
            self._lines.close()
            self._lines = None

    def check_phase(self) -> None:
        """The rules' verdict; it also fails when no rule was evaluated."""
        if self.must_be_clean:
            self.checker.assert_clean()

    def _deliver(self, transaction: Transaction) -> None:
        if self._lines is not None:
            self._lines.write(json.dumps(transaction.to_json()) + "\n")
        self.transactions.write(transaction)
