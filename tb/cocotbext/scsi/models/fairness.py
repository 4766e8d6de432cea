"""The fairness rule of arbitration: let those of lower priority through that were seen to lose (spi-facts 4.1)."""

from __future__ import annotations

from ..constants import PRIORITY, ids_by_priority
from ..wires import M_BSY, M_SEL
from .port import ScsiPort


class Fairness:
    """The fairness register of one device; it looks at DB where an arbitration ends, at the assertion of SEL."""

    def __init__(self, port: ScsiPort, own_id: int) -> None:
        self.owed: set[int] = set()
        """IDs that go first."""
        self._port = port
        self._own_id = own_id
        self._lower = set(PRIORITY[PRIORITY.index(own_id) + 1 :])
        port.observe(self)

    def lines_changed(self, lines: int, changed: int) -> None:
        """Follow the arbitrations. A device that asked itself and lost owes nobody more than before."""
        if not changed & lines & M_SEL or not lines & M_BSY:
            return
        ids = ids_by_priority(self._port.read_data()[0])
        losers = self._lower & set(ids[1:])
        self.owed = self.owed & losers if self._own_id in ids[1:] else losers
