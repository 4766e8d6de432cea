"""How one device comes by the bus: normal arbitration or QAS, with the fairness rule."""

from __future__ import annotations

from ..wires import M_BSY, M_SEL
from .arbitration import arbitrate
from .fairness import Fairness
from .negotiation import Negotiator
from .port import M_FREE, ScsiPort, now_ps
from .qas import QasWatcher, arbitrate_quickly


class Arbiter:
    """Arbitrates for one device."""

    def __init__(self, port: ScsiPort, own_id: int, negotiator: Negotiator, *, fair: bool) -> None:
        """`fair`: the fairness rule in normal arbitration, too; in QAS it always holds."""
        self.lost = 0
        """Arbitrations that somebody else won."""
        self.deferred = 0
        """Normal arbitrations that were left to others by the fairness rule."""
        self.by_qas = False
        """The last arbitration that was won was a QAS."""
        self._port = port
        self._own_id = own_id
        self._negotiator = negotiator
        self._fair = fair
        self._fairness = Fairness(port, own_id) if fair or negotiator.abilities.qas else None
        self._qas = QasWatcher(port) if negotiator.abilities.qas else None

    def may_start(self, lines: int) -> bool:
        """BUS FREE, or a QAS that this device may take part in."""
        return bool(lines & M_FREE) or self._qas_since() is not None

    def _qas_since(self) -> int | None:
        qas, fairness = self._qas, self._fairness
        if qas is None or qas.opened_at is None or not self._negotiator.qas_enabled:
            return None
        late = now_ps() - qas.opened_at > (self._port.timing.qas_assertion_delay - self._port.timing.cable_skew) * 1000
        return None if late or (fairness is not None and fairness.owed) else qas.opened_at

    async def win(self) -> bool:
        """Take part in the arbitration that may start now. True: won, SEL is asserted, signals may be changed."""
        opened_at = self._qas_since()
        if opened_at is not None:
            won = await arbitrate_quickly(self._port, self._own_id, opened_at)
        elif await self._defers():
            self.deferred += 1
            return False
        else:
            won = await arbitrate(self._port, self._own_id)
        self.by_qas = won and opened_at is not None
        self.lost += not won
        return won

    async def _defers(self) -> bool:
        """By the fairness rule somebody else goes first. Those who no longer ask are forgotten."""
        port, fairness = self._port, self._fairness
        if not self._fair or fairness is None or not fairness.owed:
            return False
        timing = port.timing
        since = port.free_at // 1000 + timing.bus_free_delay + timing.bus_set_delay
        if await port.wait(lambda lines: bool(lines & (M_BSY | M_SEL)), max(since - now_ps() // 1000, 0)):
            return True
        fairness.owed.clear()
        return False
