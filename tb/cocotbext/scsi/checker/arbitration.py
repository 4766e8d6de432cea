"""ARB: how devices compete for the bus (spi-facts 4.1)."""

from __future__ import annotations

from typing import Final

from ..constants import PRIORITY
from ..wires import DB, M_ACK, M_ATN, M_BSY, M_DB, M_PHASE, M_REQ, M_SEL, SEL, SLOTS
from .connection import BusState
from .family import Family
from .rule import Level, RuleSpec

_OTHERS: Final = M_PHASE | M_REQ | M_ACK | M_ATN


class ArbitrationRules(Family):
    """See the module."""

    SPECS = (
        RuleSpec(
            "ARB-01",
            "BSY is asserted no sooner than bus settle + bus free delay after BSY and SEL became false",
            "spi-facts 4.1 steps 1-2",
            1200,
        ),
        RuleSpec(
            "ARB-02",
            "a device joins an arbitration within the bus set delay of the first BSY",
            "spi-facts 4.1 step 3, 3.1",
            {Level.SCSI2: 1800, Level.SPI2: 1800, Level.SPI3: 1600},
            upper=True,
            needs_drivers=True,
        ),
        RuleSpec(
            "ARB-03",
            "an arbitrating device drives one ID bit, and only together with BSY",
            "spi-facts 4.1 step 3",
            needs_drivers=True,
        ),
        RuleSpec("ARB-04", "MSG, C/D, I/O, REQ, ACK and ATN stay false in ARBITRATION", "spi-facts 1 driver map"),
        RuleSpec("ARB-05", "SEL follows the winner's own BSY by the arbitration delay", "spi-facts 4.1 step 4", 2400),
        RuleSpec("ARB-06", "the highest ID on the bus wins", "spi-facts 4.1 step 4", needs_drivers=True),
        RuleSpec(
            "ARB-07",
            "the winner changes no signal for bus clear + bus settle after it asserted SEL",
            "spi-facts 4.1 step 6",
            1200,
        ),
        RuleSpec(
            "ARB-08",
            "losers release BSY and ID within the bus clear delay of SEL",
            "spi-facts 4.1 step 5",
            800,
            upper=True,
            needs_drivers=True,
        ),
        RuleSpec("ARB-09", "an arbitration ends with SEL: the winner goes on", "spi-facts 4.1 step 5"),
        RuleSpec("ARB-10", "only a device that takes part in the arbitration asserts SEL", "spi-facts 4.1 step 4"),
    )

    _winner_done = False
    """The winner's first change after SEL has been judged."""

    def on_arbitration(self) -> None:
        bus = self.bus
        if bus.free_since is not None:
            self.rules["ARB-01"].minimum(bus.now - bus.free_since, slot=_lowest(bus.bsy_slots))
        self.rules["ARB-04"].require(not bus.value & _OTHERS)
        self._winner_done = False

    def on_drive(self, slot: int, before: int, after: int) -> None:
        bus = self.bus
        state = bus.state
        if state is BusState.ARBITRATION:
            if after & (M_BSY | M_DB):
                ids = (after & M_DB).bit_count()
                self.rules["ARB-03"].require(after & M_BSY and ids <= 1, slot=slot)
            if after & ~before & M_BSY and bus.now > bus.t_arbitration:
                self.rules["ARB-02"].maximum(bus.now - bus.t_arbitration, slot=slot)
        elif state is BusState.WON and after & ~before & M_BSY:
            self.rules["ARB-02"].maximum(bus.now - bus.t_arbitration, slot=slot)
        conn = bus.conn
        if conn is None or slot != conn.winner_slot or self._winner_done or not (before ^ after) & ~M_SEL:
            return
        if state in (BusState.WON, BusState.SELECTION, BusState.RESELECTION):
            self._winner_done = True
            self.rules["ARB-07"].minimum(bus.now - bus.t_rise[SEL], slot=slot)

    def on_won(self) -> None:
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        rules = self.rules
        rules["ARB-09"].require(True)
        slot = conn.winner_slot
        if not bus.has_drivers:
            rules["ARB-05"].minimum(bus.now - bus.t_arbitration)
            rules["ARB-10"].require(True)
            return
        for each in range(SLOTS):
            if bus.bsy_slots >> each & 1 and bus.t_bsy_slot[each] < bus.now:
                rules["ARB-03"].require((bus.drive[each] & M_DB).bit_count() == 1, slot=each)
        takes_part = slot is not None and bus.bsy_slots >> slot & 1
        rules["ARB-10"].require(takes_part, slot=slot)
        if slot is None or not takes_part:
            return
        rules["ARB-05"].minimum(bus.now - bus.t_bsy_slot[slot], slot=slot)
        own = (bus.drive[slot] & M_DB) >> DB
        if own.bit_count() == 1:
            there = (bus.value & M_DB) >> DB
            rules["ARB-06"].require(own == _highest(there), slot=slot)
        self._expect_losers_gone(slot)

    def _expect_losers_gone(self, winner: int) -> None:
        bus = self.bus
        losers = bus.bsy_slots & ~(1 << winner)
        rule = self.rules["ARB-08"]

        def judge() -> None:
            for slot in range(SLOTS):
                if losers >> slot & 1:
                    rule.require(not bus.drive[slot] & (M_BSY | M_SEL | M_DB), slot=slot)

        if losers:
            bus.after(rule.limit_ps, judge)

    def on_dropped(self) -> None:
        self.rules["ARB-09"].require(False)

    def on_stray_select(self) -> None:
        self.rules["ARB-10"].require(False, slot=_lowest(self.bus.sel_slots))

    def _risen(self) -> None:
        """A signal that only the winner may assert, and not yet."""
        bus = self.bus
        if bus.state is BusState.ARBITRATION and bus.t_arbitration < bus.now:
            self.rules["ARB-04"].require(False)
        elif bus.state is BusState.WON and not bus.has_drivers:
            self.rules["ARB-07"].minimum(bus.now - bus.t_rise[SEL])

    on_msg_rise = on_cd_rise = on_req_rise = on_ack_rise = on_atn_rise = on_io_rise = _risen

    def on_data(self, changed: int) -> None:
        bus = self.bus
        if bus.state is BusState.WON and not bus.has_drivers and changed & bus.value & M_DB:
            self.rules["ARB-07"].minimum(bus.now - bus.t_rise[SEL])


def _highest(ids: int) -> int:
    return next((1 << scsi_id for scsi_id in PRIORITY if ids >> scsi_id & 1), 0)


def _lowest(slots: int) -> int | None:
    return (slots & -slots).bit_length() - 1 if slots else None
