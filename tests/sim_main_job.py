"""The main job with one fault: what the first participant hears of its data is wrong, parity right."""

from __future__ import annotations

import pyuvm

from cocotbext.scsi.transaction import Transaction
from silentmirror.sim.job import MainJobTest

VICTIM = 4
"""SCSI ID of the drive that hears wrong data."""


class DamagedDataTest(MainJobTest):
    """In the silent way DB(0) and DB(1) are inverted at one drive while it takes its first copy.

    Two inverted bits in a byte leave its parity as it was: no drive can tell, only a comparison of the media.
    """

    async def scenario(self) -> None:
        """The job, with an eye on the bus."""
        self.done = self.job.way != "silent"
        self.env.bus.monitor.add_callback(self._watch)
        await super().scenario()

    def _watch(self, transaction: Transaction) -> None:
        rx = self.env.bench.slot(self.env.config.bench.slot_of_id(VICTIM)).rx
        if transaction.note == "switch_role" and not self.done:
            self.done = True
            rx.invert(["db0", "db1"])
        elif transaction.note == "hand_over" and transaction.by == VICTIM:
            rx.clear()


DamagedData = pyuvm.test()(DamagedDataTest)
