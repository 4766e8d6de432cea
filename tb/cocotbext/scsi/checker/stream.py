"""What the judges of synchronous data phases share.

Such a phase has an edge every few nanoseconds. `step` looks at each sample and keeps all state in whole picoseconds;
the other families hear nothing of the strobes in it. Evaluations are counted edge by edge as two numbers only, and
added to the rules when the phase is over (`flush`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..agreement import Agreement
from ..wires import ACK, M_ACK, M_DATA, M_IO, M_REQ, REQ, SLOTS, WIDTH
from .connection import Connection
from .drivers import DriverRules
from .family import Family
from .handshake import ParityRules
from .limits import UNLIMITED, strobe_period_ps
from .lines import NEVER
from .rule import CheckerOptions, Rule
from .tracker import BusTracker

_NO_LIMIT: Final = 1 << 62


class Stream(Family):
    """A judge of one kind of data phase; see the module. `BusTracker` calls `begin`, `step` and `end`."""

    DATA = M_DATA
    """Wires that carry data, as far as a sender of data drives them."""
    EXTRA_TARGET = 0
    """Data wires that the target drives in both directions."""

    strangers: int = 0
    """Bits of the per-driver view that no party of this phase may change."""

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._sent_by_target = False
        self._sender: int | None = None
        self._target: int | None = None
        self._initiator: int | None = None
        self._reqs = self._acks = 0
        """Strobes so far: assertions, or edges where both count."""
        self._counted = (0, 0)
        """How many of them have been added to the rules."""
        self._spoiled = False
        """An ACK came out of turn: the counts mean nothing any more."""
        self._period = self._offset = 0
        self._t_req_rise = self._t_req_fall = self._t_ack_rise = self._t_ack_fall = NEVER
        self._t_data = self._t_strobe = NEVER
        """Last change of the data wires in use; last strobe that took data."""
        self._intruder: int | None = None
        """A slot that drives data though it is not the sender."""
        self._driver_rule: Rule
        self._parity_rules: Mapping[str, Rule]

    def meet(self, families: Mapping[type[Family], Family]) -> None:
        self._driver_rule = families[DriverRules].rules["DRV-04"]
        self._parity_rules = families[ParityRules].rules

    def begin(self, conn: Connection, agreement: Agreement) -> None:
        """The first REQ of a phase is there, and not yet looked at."""
        bus = self.bus
        self._sent_by_target = bool(bus.value & M_IO)
        self._target, self._initiator = conn.owner_slot, conn.initiator_slot
        self._sender = self._target if self._sent_by_target else self._initiator
        self._reqs = self._acks = 0
        self._counted = (0, 0)
        self._spoiled = False
        self._period = strobe_period_ps(agreement)
        self._offset = _NO_LIMIT if agreement.offset == UNLIMITED else agreement.offset
        self._t_req_rise = self._t_req_fall = self._t_ack_rise = self._t_ack_fall = NEVER
        self._t_strobe = NEVER
        self._t_data = max(bus.t_low, bus.t_high) if agreement.wide else bus.t_low
        self.strangers = self._strangers()
        self.look()

    def _strangers(self) -> int:
        everything = (1 << SLOTS * WIDTH) - 1
        if self._target is None or self._initiator is None:
            return everything
        by_target = M_REQ | self.EXTRA_TARGET | (M_DATA if self._sent_by_target else 0)
        by_initiator = M_ACK | (0 if self._sent_by_target else M_DATA & ~self.EXTRA_TARGET)
        return everything & ~(by_target << self._target * WIDTH) & ~(by_initiator << self._initiator * WIDTH)

    def look(self) -> None:
        """Somebody drives or has let go of what he should not drive: see who is left."""
        bus = self.bus
        self._intruder = None
        if bus.has_drivers and self._sender is not None:
            slots = (slot for slot in range(SLOTS) if bus.drive[slot] & self.DATA and slot != self._sender)
            self._intruder = next(slots, None)

    def step(self, now: int, value: int, changed: int) -> None:
        """One sample in which REQ, ACK or data changed."""
        raise NotImplementedError

    def stamp(self) -> None:
        """Tell the tracker when the wires that only this judge has followed last changed."""
        bus = self.bus
        for bit, rose, fell in (
            (REQ, self._t_req_rise, self._t_req_fall),
            (ACK, self._t_ack_rise, self._t_ack_fall),
        ):
            bus.t_rise[bit] = max(bus.t_rise[bit], rose)
            bus.t_fall[bit] = max(bus.t_fall[bit], fell)
        bus.t_low = max(bus.t_low, self._t_data)
        bus.t_high = max(bus.t_high, self._t_data)

    def end(self, whole: bool) -> None:
        """The phase is over; `whole`: because the target went on, not because the bus was lost."""
        if whole:
            self._end_whole()
        self.flush()

    def _end_whole(self) -> None:
        """Judge the phase as a whole."""
        raise NotImplementedError

    def flush(self) -> None:
        """Add what was counted to the evaluations of the rules."""
        reqs, acks = self._reqs - self._counted[0], self._acks - self._counted[1]
        self._counted = (self._reqs, self._acks)
        self._count(reqs, acks)

    def _count(self, reqs: int, acks: int) -> None:
        raise NotImplementedError

    @property
    def transferred(self) -> int:
        """Bytes of data so far."""
        raise NotImplementedError
