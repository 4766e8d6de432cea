"""The main job with a fault in each of two ways, through the saboteurs: neither can be told by parity.

Two inverted bits in a byte leave its parity as it was: no device notices, only comparisons do.
"""

from __future__ import annotations

import pyuvm

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.transaction import Transaction
from silentmirror.bench import Slot
from silentmirror.sim.job import MainJobTest

HEARS_WRONG = 4
"""SCSI ID of the drive that hears wrong data in the silent way, in its first copy."""
SAYS_WRONG = 5
"""SCSI ID of the drive whose first status of a write is on the bus as 03h in the normal way."""
BITS = ("db0", "db1")


class DamagedTest(MainJobTest):
    """Watches the bus and sets the saboteurs at the right phase, once."""

    async def scenario(self) -> None:
        """The job, with an eye on the bus."""
        self.done = False
        watch = {"silent": self._damage_data, "normal": self._damage_status}.get(self.job.way)
        if watch is not None:
            self.env.bus.monitor.add_callback(watch)
        await super().scenario()

    def _slot(self, scsi_id: int) -> Slot:
        return self.env.bench.slot(self.env.config.bench.slot_of_id(scsi_id))

    def _damage_data(self, transaction: Transaction) -> None:
        rx = self._slot(HEARS_WRONG).rx
        if transaction.note == "switch_role" and not self.done:
            self.done = True
            rx.invert(BITS)
        elif transaction.note == "hand_over" and transaction.by == HEARS_WRONG:
            rx.clear()

    def _damage_status(self, transaction: Transaction) -> None:
        tx = self._slot(SAYS_WRONG).tx
        if transaction.phase is Phase.DATA_OUT and transaction.by == SAYS_WRONG and not self.done:
            self.done = True
            tx.invert(BITS)
        elif transaction.phase is Phase.STATUS:
            tx.clear()


Damaged = pyuvm.test()(DamagedTest)
