"""HSK, TRN and PAR: the asynchronous handshake, its data, and who gives way at a change of direction.

A data phase under a synchronous agreement is left out of HSK: its REQ and ACK are not interlocked, and SYN or DTR
judge it.
"""

from __future__ import annotations

from typing import Final

from ..constants import Phase
from ..wires import ACK, DBP, IO, M_ACK, M_CD, M_DATA, M_IO, M_REQ, REQ, SLOTS
from .connection import Transfer
from .family import Family
from .lines import M_HIGH, M_LOW
from .rule import Level, RuleSpec

_SETUP: Final = {Level.SCSI2: 55, Level.SPI2: 55, Level.SPI3: 45}
"""Deskew plus cable skew below SPI-3, one system deskew delay from SPI-3 on (spi-facts 3.5)."""
_SNOOP: Final = 50
"""QAS non-DATA phase REQ(ACK) period, ns (spi-facts 3.1)."""


M_PCRCA: Final = 1 << DBP
"""DB(P_CRCA) of DT data phases, otherwise DB(P0)."""


class HandshakeRules(Family):
    """HSK."""

    SPECS = (
        RuleSpec("HSK-01", "REQ is asserted only while ACK is false", "spi-facts 3.5"),
        RuleSpec("HSK-02", "ACK is asserted only while REQ is true", "spi-facts 3.5"),
        RuleSpec("HSK-03", "REQ is negated only while ACK is true", "spi-facts 3.5"),
        RuleSpec("HSK-04", "ACK is negated only while REQ is false", "spi-facts 3.5"),
        RuleSpec("HSK-05", "IN: data and parity stand for the setup time before REQ", "spi-facts 3.5", _SETUP),
        RuleSpec("HSK-06", "IN: data and parity are held until ACK", "spi-facts 3.5"),
        RuleSpec("HSK-07", "OUT: data and parity stand for the setup time before ACK", "spi-facts 3.5", _SETUP),
        RuleSpec("HSK-08", "OUT: data and parity are held until REQ is negated", "spi-facts 3.5"),
        RuleSpec(
            "HSK-09",
            "an initiator with QAS asserts ACK late enough after REQ for others to read along (not in DATA)",
            "spi-facts 3.5, 3.1",
            _SNOOP,
        ),
        RuleSpec(
            "HSK-10",
            "an initiator with QAS holds ACK long enough for others to read along (not in DATA)",
            "spi-facts 3.5, 3.1",
            _SNOOP,
        ),
    )

    def on_req_rise(self) -> None:
        bus = self.bus
        if not bus.connected or bus.synchronous_now:
            return
        rules = self.rules
        rules["HSK-01"].require(not bus.value & M_ACK)
        if bus.value & M_IO:
            rules["HSK-05"].minimum(bus.now - self._data_since())

    def on_ack_rise(self) -> None:
        bus = self.bus
        if not bus.connected or bus.synchronous_now:
            return
        rules = self.rules
        rules["HSK-02"].require(bus.value & M_REQ)
        if not bus.value & M_REQ:
            return
        if self._is_snooped():
            rules["HSK-09"].minimum(bus.now - bus.t_rise[REQ], slot=bus.conn.initiator_slot if bus.conn else None)
        if bus.value & M_IO:
            rules["HSK-06"].require(True)
        else:
            rules["HSK-07"].minimum(bus.now - self._data_since())

    def on_req_fall(self) -> None:
        bus = self.bus
        if bus.connected and not bus.synchronous_now:
            self.rules["HSK-03"].require(bus.value & M_ACK)
            if not bus.value & M_IO and bus.value & M_ACK:
                self.rules["HSK-08"].require(True)

    def on_ack_fall(self) -> None:
        bus = self.bus
        if bus.connected and not bus.synchronous_now:
            self.rules["HSK-04"].require(not bus.value & M_REQ)
            if not bus.value & M_REQ and self._is_snooped():
                slot = bus.conn.initiator_slot if bus.conn else None
                self.rules["HSK-10"].minimum(bus.now - bus.t_rise[ACK], slot=slot)

    def _is_snooped(self) -> bool:
        """The initiator has agreed on QAS with somebody, and this is no DATA phase."""
        bus = self.bus
        pair = bus.pair() if bus.qas_members and bus.value & M_CD else None
        return pair is not None and pair[0] in bus.qas_members

    def on_data(self, changed: int) -> None:
        bus = self.bus
        value = bus.value
        if not value & M_REQ or not bus.connected:
            return
        if not changed & (M_LOW | M_HIGH if bus.wide_now else M_LOW) or bus.synchronous_now:
            return
        if value & M_IO:
            if not value & M_ACK and bus.t_rise[REQ] < bus.now:
                self.rules["HSK-06"].require(False)
        elif value & M_ACK and bus.t_rise[ACK] < bus.now:
            self.rules["HSK-08"].require(False)

    def _data_since(self) -> int:
        """Last change of the lines that carry data now."""
        bus = self.bus
        return max(bus.t_low, bus.t_high) if bus.wide_now else bus.t_low


class TurnaroundRules(Family):
    """TRN. A reselecting target has asserted I/O long before; its first phase is no turn-around."""

    SPECS = (
        RuleSpec(
            "TRN-01",
            "OUT to IN: the initiator has released data within the data release delay of I/O",
            "spi-facts 2",
            400,
            upper=True,
        ),
        RuleSpec(
            "TRN-02",
            "OUT to IN: the target drives data no sooner than data release + bus settle after I/O",
            "spi-facts 2",
            800,
        ),
        RuleSpec(
            "TRN-03",
            "IN to OUT: the target releases data within a system deskew delay of negating I/O",
            "spi-facts 2",
            45,
            upper=True,
            needs_drivers=True,
        ),
    )

    _turned = False
    """I/O was asserted in this connection and the target has driven no data since."""

    def on_connected(self) -> None:
        self._turned = False

    def on_io_rise(self) -> None:
        bus = self.bus
        if not bus.connected:
            return
        self._turned = True
        bus.after(self.rules["TRN-01"].limit_ps, self._judge_initiator)

    def _judge_initiator(self) -> None:
        bus = self.bus
        if not bus.connected or not bus.value & M_IO:
            return
        rule = self.rules["TRN-01"]
        slot = bus.conn.initiator_slot if bus.conn else None
        if bus.has_drivers:
            rule.require(slot is None or not bus.data_slots >> slot & 1, slot=slot)
        elif self._turned:
            rule.require(not bus.value & M_DATA)

    def on_data(self, changed: int) -> None:
        """Without a per-driver view the first data line asserted after the release must be the target's."""
        bus = self.bus
        late_enough = bus.now - bus.t_rise[IO] > self.rules["TRN-01"].limit_ps
        if self._turned and not bus.has_drivers and bus.connected and changed & bus.value and late_enough:
            self._judge_target(None)

    def on_drive(self, slot: int, before: int, after: int) -> None:
        bus = self.bus
        waiting = self._turned and bus.connected and bus.value & M_IO
        if waiting and after & ~before & M_DATA and self._is_target(slot):
            self._judge_target(slot)

    def _judge_target(self, slot: int | None) -> None:
        self._turned = False
        self.rules["TRN-02"].minimum(self.bus.now - self.bus.t_rise[IO], slot=slot)

    def on_io_fall(self) -> None:
        bus = self.bus
        self._turned = False
        if not bus.connected or not bus.has_drivers:
            return
        owner = self._driving_target(M_DATA)
        rule = self.rules["TRN-03"]
        since = bus.now

        def judge() -> None:
            if bus.connected and bus.t_fall[IO] == since:
                of_target = M_PCRCA if bus.lines == Phase.DT_DATA_OUT else 0
                slot = self._driving_target(M_DATA & ~of_target)
                rule.require(slot is None, slot=owner if slot is None else slot)

        bus.after(rule.limit_ps, judge)

    def _driving_target(self, data: int) -> int | None:
        """A slot other than the initiator's that drives one of these wires."""
        slots = (slot for slot in range(SLOTS) if self.bus.drive[slot] & data and self._is_target(slot))
        return next(slots, None)

    def _is_target(self, slot: int) -> bool:
        conn = self.bus.conn
        return conn is not None and slot != conn.initiator_slot


class ParityRules(Family):
    """PAR: odd parity of every byte that is transferred. One rule a kind of phase.

    ST synchronous data is judged strobe by strobe in SYN; DT data has no parity.
    """

    SPECS = (
        RuleSpec("PAR-01", "odd parity in MESSAGE OUT", "spi-facts 1 parity"),
        RuleSpec("PAR-02", "odd parity in MESSAGE IN", "spi-facts 1 parity"),
        RuleSpec("PAR-03", "odd parity in COMMAND", "spi-facts 1 parity"),
        RuleSpec("PAR-04", "odd parity in STATUS", "spi-facts 1 parity"),
        RuleSpec("PAR-05", "odd parity of DB(7-0) in DATA OUT", "spi-facts 1 parity"),
        RuleSpec("PAR-06", "odd parity of DB(7-0) in DATA IN", "spi-facts 1 parity"),
        RuleSpec("PAR-07", "odd parity of DB(15-8) in 16-bit DATA phases", "spi-facts 1 parity"),
    )

    _BY_PHASE: Final = {
        Phase.MSG_OUT: "PAR-01",
        Phase.MSG_IN: "PAR-02",
        Phase.COMMAND: "PAR-03",
        Phase.STATUS: "PAR-04",
        Phase.DATA_OUT: "PAR-05",
        Phase.DATA_IN: "PAR-06",
    }

    def on_byte(self, transfer: Transfer) -> None:
        bus = self.bus
        rule_id = self._BY_PHASE.get(Phase(transfer.phase))
        if rule_id is None or not self.options.parity:
            return
        conn = bus.conn
        sender = None if conn is None else conn.owner_slot if transfer.phase & 1 else conn.initiator_slot
        self.rules[rule_id].require(transfer.low_ok, "" if transfer.low_ok else f"byte {transfer.byte:02X}h", sender)
        if bus.wide_now:
            good = transfer.high_ok
            self.rules["PAR-07"].require(good, "" if good else f"byte {transfer.value >> 8:02X}h", sender)
