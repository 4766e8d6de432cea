"""SEL and RSL: SELECTION and RESELECTION (spi-facts 4.2, 4.3). A winner that asserts I/O reselects."""

from __future__ import annotations

from typing import Final

from ..wires import ATN, BSY, DB, IO, M_ACK, M_BSY, M_CD, M_DATA, M_DB, M_MSG, M_REQ, SEL, odd_parity
from .connection import BusState
from .family import Family
from .rule import Level, RuleSpec

_SELECTING: Final = (BusState.SELECTION, BusState.RESELECTION)
_TWO_DESKEW: Final = 90
"""Two system deskew delays, ns (spi-facts 3.1)."""
_FROM_SETTLED: Final = "spi-facts 4.2 step 2"


class SelectionRules(Family):
    """Rules that hold in both directions, and those of SELECTION."""

    SPECS = (
        RuleSpec("SEL-01", "the bus carries the winner's ID and just one other", "spi-facts 4.2 steps 1, 4"),
        RuleSpec("SEL-02", "the two IDs carry odd parity in each byte that has a bit set", "spi-facts 1 parity"),
        RuleSpec("SEL-03", "IDs and parity stand two deskew delays before BSY is released", _FROM_SETTLED, _TWO_DESKEW),
        RuleSpec(
            "SEL-04",
            "ATN stands two deskew delays before BSY is released, after QAS before the target's ID",
            "spi-facts 5.1, 4.4 step 8",
            _TWO_DESKEW,
        ),
        RuleSpec("SEL-05", "a device is selected with ATN (SPI-2 and later)", "spi-facts 2 transitions"),
        RuleSpec(
            "SEL-06",
            "the answer comes no sooner than bus settle after BSY went, after QAS after the other ID came",
            "spi-facts 4.2 step 4, 4.4 step 8",
            400,
        ),
        RuleSpec("SEL-07", "SEL stays for two deskew delays after the answer", "spi-facts 4.2 step 5", _TWO_DESKEW),
        RuleSpec(
            "SEL-08",
            "IDs and parity do not change from the release of BSY, in QAS from the other ID,"
            " to two deskew delays after the answer",
            "spi-facts 4.2 steps 1-5, 4.4 step 8",
            _TWO_DESKEW,
        ),
        RuleSpec(
            "SEL-09", "MSG, C/D, REQ, ACK (in SELECTION I/O) stay false while SEL is true", "spi-facts 4.2 step 6"
        ),
        RuleSpec(
            "SEL-10",
            "without an answer SEL stays for selection abort + two deskew delays after the IDs were taken off",
            "spi-facts 4.2 timeout (b)",
            200_090,
        ),
        RuleSpec(
            "SEL-11",
            "no answer comes later than the selection abort time after the IDs were taken off",
            "spi-facts 4.2 step 4",
            200_000,
            upper=True,
        ),
        RuleSpec(
            "SEL-12",
            "the device that answers is the one that was addressed",
            "spi-facts 4.2 step 4",
            needs_drivers=True,
        ),
    )

    def on_selecting(self) -> None:
        bus = self.bus
        rules = self.rules
        ids = (bus.value & M_DB) >> DB
        conn = bus.conn
        assert conn is not None
        own = conn.winner_id is None or ids >> conn.winner_id & 1
        rules["SEL-01"].require(ids.bit_count() == 2 and own, slot=conn.winner_slot)
        if self.options.parity:
            rules["SEL-02"].require(_parity_ok(bus.value), slot=conn.winner_slot)
        if not conn.by_qas:
            rules["SEL-03"].minimum(bus.now - max(bus.t_low, bus.t_high), slot=conn.winner_slot)
        if conn.reselection:
            return
        if conn.with_atn:
            rules["SEL-04"].minimum(bus.now - bus.t_rise[ATN], slot=conn.winner_slot)
        if self.options.level >= Level.SPI2:
            rules["SEL-05"].require(conn.with_atn, slot=conn.winner_slot)

    def on_answered(self) -> None:
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        self.rules["SEL-06"].minimum(bus.now - bus.t_selecting, slot=conn.partner_slot)
        if bus.abort_since is not None:
            self.rules["SEL-11"].maximum(bus.now - bus.abort_since, slot=conn.partner_slot)
        if bus.has_drivers:
            slot = conn.partner_slot
            known = None if slot is None else bus.slot_ids.get(slot)
            self.rules["SEL-12"].require(slot is not None and known in (None, conn.partner_id), slot=slot)

    def on_connected(self) -> None:
        bus = self.bus
        self.rules["SEL-07"].minimum(bus.now - bus.t_rise[BSY])
        self.rules["SEL-08"].require(True)
        self.rules["SEL-09"].require(True)

    def on_failed(self) -> None:
        bus = self.bus
        since = bus.abort_since
        self.rules["SEL-10"].minimum(0 if since is None else bus.now - since)

    def on_data(self, _changed: int) -> None:
        bus = self.bus
        if bus.state not in _SELECTING or bus.t_selecting == bus.now:
            return
        if bus.answered:
            self.rules["SEL-08"].minimum(bus.now - bus.t_rise[BSY])
        elif bus.value & M_DATA:
            self.rules["SEL-08"].require(False)

    def _risen(self) -> None:
        bus = self.bus
        selecting = bus.state in _SELECTING and bus.t_selecting < bus.now
        if selecting and bus.value & (M_MSG | M_CD | M_REQ | M_ACK):
            self.rules["SEL-09"].require(False)

    on_msg_rise = on_cd_rise = on_req_rise = on_ack_rise = _risen

    def on_io_rise(self) -> None:
        bus = self.bus
        if bus.state is BusState.SELECTION and bus.t_selecting < bus.now:
            self.rules["SEL-09"].require(False)


class ReselectionRules(Family):
    """Rules of RESELECTION alone."""

    SPECS = (
        RuleSpec("RSL-01", "I/O stands two deskew delays before BSY is released", "spi-facts 4.3 step 1", _TWO_DESKEW),
        RuleSpec(
            "RSL-02",
            "the target asserts BSY itself two deskew delays before it releases SEL",
            "spi-facts 4.3 step 3",
            _TWO_DESKEW,
            needs_drivers=True,
        ),
        RuleSpec("RSL-03", "I/O stays true until SEL is false", "spi-facts 4.3 step 3"),
        RuleSpec("RSL-04", "the initiator holds BSY until SEL is false", "spi-facts 4.3 step 4", needs_drivers=True),
        RuleSpec(
            "RSL-05",
            "the initiator has released BSY before it acknowledges anything",
            "spi-facts 4.3 step 4",
            needs_drivers=True,
        ),
    )

    _first_ack = False

    def on_selecting(self) -> None:
        bus = self.bus
        conn = bus.conn
        if bus.state is BusState.RESELECTION and conn is not None and not conn.by_qas:
            self.rules["RSL-01"].minimum(bus.now - bus.t_rise[IO])

    def on_io_fall(self) -> None:
        bus = self.bus
        if bus.state is BusState.RESELECTION:
            self.rules["RSL-03"].require(False)

    def on_connected(self) -> None:
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        self._first_ack = conn.reselection
        if not conn.reselection:
            return
        self.rules["RSL-03"].require(True)
        if not bus.has_drivers:
            return
        slot = conn.winner_slot
        if slot is not None:
            own = bus.now - bus.t_bsy_slot[slot] if bus.bsy_slots >> slot & 1 else 0
            self.rules["RSL-02"].minimum(own, slot=slot)
        self.rules["RSL-04"].require(True)

    def on_drive(self, slot: int, before: int, after: int) -> None:
        bus = self.bus
        conn = bus.conn
        if bus.state is BusState.RESELECTION and conn is not None and slot == conn.partner_slot:
            self.rules["RSL-04"].require(not before & ~after & M_BSY or not bus.value >> SEL & 1, slot=slot)

    def on_ack_rise(self) -> None:
        bus = self.bus
        if self._first_ack and bus.connected and bus.has_drivers:
            self._first_ack = False
            conn = bus.conn
            assert conn is not None
            slot = conn.initiator_slot
            if slot is not None:
                self.rules["RSL-05"].require(not bus.bsy_slots >> slot & 1, slot=slot)


def _parity_ok(value: int) -> bool:
    """Odd parity in each byte that has any line set; a byte of which nothing is driven is not checked."""
    for byte, parity in ((value >> DB & 0xFF, value >> 25 & 1), (value >> (DB + 8) & 0xFF, value >> 26 & 1)):
        if (byte or parity) and odd_parity(byte) != parity:
            return False
    return True
