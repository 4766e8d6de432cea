"""QAS: quick arbitration and selection (spi-facts 4.4, protocol 13).

t0 is the moment at which MSG, C/D and I/O are all false after the 55h. Fairness is judged as far as it holds in every
reading: a device that has won a QAS against others of lower priority stays out until each of these has won or no longer
asks.
"""

from __future__ import annotations

from typing import Final

from ..agreement import Option
from ..constants import PRIORITY, Message
from ..wires import DB, DBP, M_BSY, M_DATA, M_DB, M_SEL, SEL, SLOTS
from .connection import BusState
from .family import Family
from .messages import ReadMessage
from .rule import CheckerOptions, RuleSpec
from .tracker import BusTracker

_FACTS: Final = "spi-facts 4.4"
_RELEASE: Final = 200
"""QAS release delay, ns (spi-facts 3.1)."""
_ASSERTION: Final = 200
"""QAS assertion delay, ns (spi-facts 3.1)."""
_ARBITRATION: Final = 1000
"""QAS arbitration delay, ns (spi-facts 3.1)."""
_PARITY: Final = 3 << DBP
_WON: Final = (BusState.QAS_WON, BusState.SELECTION, BusState.RESELECTION)


class QasRules(Family):
    """See the module."""

    SPECS = (
        RuleSpec("QAS-01", "55h comes only to an initiator that has agreed on QAS", _FACTS),
        RuleSpec(
            "QAS-02",
            "the initiator has released all but its ID within the QAS release delay of its last ACK",
            f"{_FACTS} step 3, 3.1",
            _RELEASE,
            upper=True,
            needs_drivers=True,
        ),
        RuleSpec(
            "QAS-03",
            "MSG, C/D, I/O are released within the QAS release delay of the last ACK",
            f"{_FACTS} step 3, 3.1",
            _RELEASE,
            upper=True,
        ),
        RuleSpec("QAS-04", "data is false at t0: the 55h is gone, and no ID comes before", f"{_FACTS} steps 2, 4"),
        RuleSpec(
            "QAS-05",
            "an ID is asserted within the QAS assertion delay of t0",
            f"{_FACTS} step 4, 3.1",
            _ASSERTION,
            upper=True,
        ),
        RuleSpec(
            "QAS-06",
            "a device that takes part in QAS drives one ID bit, and no BSY",
            f"{_FACTS} step 4",
            needs_drivers=True,
        ),
        RuleSpec("QAS-07", "SEL comes the QAS arbitration delay after t0", f"{_FACTS} step 5, 3.1", _ARBITRATION),
        RuleSpec("QAS-08", "the highest ID on the bus wins QAS", f"{_FACTS} step 5", needs_drivers=True),
        RuleSpec("QAS-09", "only a device that has agreed on QAS takes part in it", _FACTS),
        RuleSpec(
            "QAS-10", "a winner stays out until those that it beat have won or no longer ask", "spi-facts 4.1, 4.4"
        ),
        RuleSpec(
            "QAS-11",
            "the winner changes no signal for the QAS arbitration delay after it asserted SEL",
            f"{_FACTS} step 6, 3.1",
            _ARBITRATION,
        ),
        RuleSpec(
            "QAS-12",
            "losers release their IDs within the QAS release delay of SEL",
            f"{_FACTS} step 5, 3.1",
            _RELEASE,
            upper=True,
            needs_drivers=True,
        ),
        RuleSpec(
            "QAS-13",
            "the target releases BSY within the QAS release delay of SEL",
            f"{_FACTS} step 6, 3.1",
            _RELEASE,
            upper=True,
        ),
        RuleSpec(
            "QAS-14",
            "without SEL the target holds BSY for two QAS arbitration delays after t0",
            f"{_FACTS} step 7",
            2 * _ARBITRATION,
        ),
        RuleSpec(
            "QAS-15",
            "without SEL BSY goes within the QAS release delay of that",
            f"{_FACTS} step 7, 3.1",
            2 * _ARBITRATION + _RELEASE,
            upper=True,
        ),
        RuleSpec("QAS-16", "MSG, C/D, I/O, REQ, ACK and ATN are not asserted anew from the 55h to SEL", _FACTS),
        RuleSpec("QAS-17", "the winner goes on to (re)selection", f"{_FACTS} step 8"),
    )

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._round = 0
        """Number of the present QAS: timers of an earlier one are void."""
        self._since = 0
        """Negation of the last ACK."""
        self._winner_done = False
        self._beaten: dict[int, int] = {}
        """IDs (bit n = ID n) that a winner has yet to let pass, by the winner's ID."""

    # -- 55h to t0 --------------------------------------------------------------------------------------------------

    def on_message(self, message: ReadMessage) -> None:
        if message.code == Message.QAS_REQUEST and message.incoming and message.parity_ok:
            agreed = self.bus.agreement()
            conn = self.bus.conn
            slot = None if conn is None else conn.owner_slot
            self.rules["QAS-01"].require(agreed is None or agreed.options & Option.QAS, slot=slot)

    def on_qas(self) -> None:
        """The connection is over."""
        bus = self.bus
        self._round += 1
        now_round = self._round
        self._winner_done = False
        conn = bus.conn
        assert conn is not None
        initiator, target = conn.initiator_slot, conn.target_slot

        def judge_initiator() -> None:
            if self._round == now_round:
                self._judge_initiator(initiator)

        def judge_target() -> None:
            if self._round == now_round and bus.t_qas is None:
                rule = self.rules["QAS-03"]
                rule.maximum(rule.limit_ps + 1, slot=target)

        bus.after(self.rules["QAS-02"].limit_ps, judge_initiator)
        bus.after(self.rules["QAS-03"].limit_ps, judge_target)
        self._since = bus.now

    def _judge_initiator(self, slot: int | None) -> None:
        bus = self.bus
        if bus.has_drivers and slot is not None:
            own = bus.slot_ids.get(slot)
            its_id = 0 if own is None or bus.t_qas is None else 1 << (DB + own) | _PARITY
            self.rules["QAS-02"].require(not bus.drive[slot] & ~its_id, slot=slot)

    def on_qas_open(self) -> None:
        """t0."""
        bus = self.bus
        conn = bus.qas_conn
        assert conn is not None
        now_round = self._round
        if bus.now - self._since <= self.rules["QAS-03"].limit_ps:
            self.rules["QAS-03"].require(True)
        slot = next((each for each in range(SLOTS) if bus.data_slots >> each & 1), None)
        self.rules["QAS-04"].require(not bus.value & M_DATA, slot=slot)

        def judge_end() -> None:
            if self._round == now_round and bus.state is BusState.QAS:
                rule = self.rules["QAS-15"]
                rule.maximum(rule.limit_ps + 1, slot=conn.target_slot)

        bus.after(self.rules["QAS-15"].limit_ps, judge_end)

    def _risen(self) -> None:
        bus = self.bus
        if bus.state is BusState.QAS and bus.now > self._since:
            self.rules["QAS-16"].require(False)
        elif bus.state is BusState.QAS_WON and not bus.has_drivers:
            self._judge_winner(None)

    on_msg_rise = on_cd_rise = on_io_rise = on_req_rise = on_ack_rise = on_atn_rise = _risen

    # -- contenders -------------------------------------------------------------------------------------------------

    def on_drive(self, slot: int, before: int, after: int) -> None:
        bus = self.bus
        conn = bus.conn
        moved = (before ^ after) & ~(M_SEL | M_BSY)  # the sender of the 55h may win itself, and releases BSY on SEL
        if bus.state is BusState.QAS and bus.t_qas is not None:
            new = after & ~before
            if new & (M_DB | M_BSY):
                bits = (after & M_DB) >> DB
                self.rules["QAS-06"].require(bits.bit_count() == 1 and not new & M_BSY, slot=slot)
                if bits.bit_count() == 1 and new & M_DB:
                    bus.slot_ids.setdefault(slot, bits.bit_length() - 1)
                    self._contender(bits.bit_length() - 1, slot)
        elif bus.state in _WON and conn is not None and conn.by_qas and slot == conn.winner_slot and moved:
            self._judge_winner(slot)

    def on_data(self, changed: int) -> None:
        """Without a per-driver view: IDs as they come on the bus."""
        bus = self.bus
        new = (changed & bus.value & M_DB) >> DB
        if bus.has_drivers or not new:
            return
        if bus.state is BusState.QAS and bus.t_qas is not None:
            for scsi_id in range(16):
                if new >> scsi_id & 1:
                    self._contender(scsi_id, None)
        elif bus.conn is not None and bus.conn.by_qas and bus.t_selecting == bus.now:
            self._judge_winner(None)

    def _contender(self, scsi_id: int, slot: int | None) -> None:
        """A device asks for the bus."""
        bus = self.bus
        assert bus.t_qas is not None
        self.rules["QAS-05"].maximum(bus.now - bus.t_qas, slot=slot)
        self.rules["QAS-09"].require((scsi_id if slot is None else slot) in bus.qas_members, slot=slot)
        self.rules["QAS-10"].require(not self._beaten.get(scsi_id), slot=slot)

    # -- the winner -------------------------------------------------------------------------------------------------

    def on_qas_won(self) -> None:
        bus = self.bus
        conn = bus.conn
        old = bus.qas_conn
        assert conn is not None
        assert old is not None
        slot = conn.winner_slot
        rules = self.rules
        rules["QAS-07"].minimum(0 if bus.t_qas is None else bus.now - bus.t_qas, slot=slot)
        rules["QAS-16"].require(True)
        there = (bus.value & M_DB) >> DB
        highest = next((scsi_id for scsi_id in PRIORITY if there >> scsi_id & 1), None)
        if bus.has_drivers and slot is not None:
            own = (bus.drive[slot] & M_DB) >> DB
            rules["QAS-08"].require(highest is not None and own == 1 << highest, slot=slot)
        if highest is not None:
            self._settle_beaten(highest, there)
            self._beaten[highest] = there & _below(highest)
        now_round = self._round

        def judge_losers() -> None:
            if self._round == now_round:
                for each in range(SLOTS):
                    if losers >> each & 1:
                        rules["QAS-12"].require(not bus.drive[each] & M_DATA, slot=each)

        def judge_target() -> None:
            if self._round == now_round:
                rules["QAS-13"].require(not bus.value & M_BSY, slot=old.target_slot)

        losers = 0 if slot is None else bus.data_slots & ~(1 << slot)
        if losers:
            bus.after(rules["QAS-12"].limit_ps, judge_losers)
        bus.after(rules["QAS-13"].limit_ps, judge_target)

    def _judge_winner(self, slot: int | None) -> None:
        if not self._winner_done:
            self._winner_done = True
            self.rules["QAS-11"].minimum(self.bus.now - self.bus.t_rise[SEL], slot=slot)

    def on_selecting(self) -> None:
        conn = self.bus.conn
        if conn is not None and conn.by_qas:
            self.rules["QAS-17"].require(True)
            self._judge_winner(conn.winner_slot)

    def on_qas_dropped(self) -> None:
        self.rules["QAS-17"].require(False)

    def on_qas_closed(self) -> None:
        """Nobody wanted the bus."""
        bus = self.bus
        conn = bus.qas_conn
        slot = None if conn is None else conn.target_slot
        waited = 0 if bus.t_qas is None else bus.now - bus.t_qas
        self.rules["QAS-14"].minimum(waited, slot=slot)
        if waited <= self.rules["QAS-15"].limit_ps:
            self.rules["QAS-15"].require(True)
        self.rules["QAS-16"].require(True)
        self._settle_beaten(None, 0)

    # -- fairness ---------------------------------------------------------------------------------------------------

    def on_won(self) -> None:
        """Whoever wins a normal arbitration, or does not ask in it, need not be waited for any more."""
        bus = self.bus
        there = (bus.value & M_DB) >> DB
        self._settle_beaten(next((scsi_id for scsi_id in PRIORITY if there >> scsi_id & 1), None), there)

    def on_reset(self) -> None:
        self._round += 1
        self._beaten.clear()

    def _settle_beaten(self, winner: int | None, there: int) -> None:
        waiting = there if winner is None else there & ~(1 << winner)
        self._beaten = {scsi_id: ids & waiting for scsi_id, ids in self._beaten.items()}


def _below(scsi_id: int) -> int:
    """IDs of lower priority, bit n = ID n."""
    place = PRIORITY.index(scsi_id)
    return sum(1 << lower for lower in PRIORITY[place + 1 :])
