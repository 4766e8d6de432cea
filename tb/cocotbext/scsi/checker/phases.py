"""PHS and SEQ: which information phases come when, and what they carry (spi-facts 2, 9)."""

from __future__ import annotations

from typing import Final

from ..constants import Phase, Status
from ..wires import ACK, M_ACK, M_REQ, REQ, SEL
from .connection import Transfer
from .family import Family
from .rule import CheckerOptions, RuleSpec
from .tracker import BusTracker

_CDB_LENGTH: Final = {0: 6, 1: 10, 2: 10, 4: 16, 5: 12}
"""Bytes of a command by group code; groups 3, 6 and 7 are reserved or vendor specific (spi-facts 9)."""
_STATUS_CODES: Final = frozenset(int(status) for status in Status)


class PhaseRules(Family):
    """PHS."""

    SPECS = (
        RuleSpec(
            "PHS-01",
            "MSG, C/D, I/O stand for a bus settle delay, SEL being false, before the first REQ of a phase",
            "spi-facts 2",
            400,
        ),
        RuleSpec("PHS-02", "MSG, C/D, I/O change only while REQ and ACK are false", "spi-facts 2"),
        RuleSpec(
            "PHS-03",
            "the first phase after SELECTION is MESSAGE OUT (with ATN) or COMMAND (without)",
            "spi-facts 2 transitions",
        ),
        RuleSpec("PHS-04", "the first phase after RESELECTION is MESSAGE IN", "spi-facts 2 transitions"),
        RuleSpec("PHS-05", "a DT DATA phase needs an agreement on DT", "spi-facts 2 table, 7"),
        RuleSpec("PHS-06", "an ST DATA phase needs an agreement without DT", "spi-facts 2 table, 7"),
    )

    def on_req_rise(self) -> None:
        bus = self.bus
        if bus.connected:
            self.rules["PHS-02"].require(True)

    def on_phase_lines(self) -> None:
        bus = self.bus
        if not bus.connected:
            return
        asking = bus.value & M_REQ and bus.t_rise[REQ] < bus.now
        acknowledging = bus.value & M_ACK and bus.t_rise[ACK] < bus.now
        if asking or acknowledging:
            self.rules["PHS-02"].require(False, slot=bus.conn.owner_slot if bus.conn else None)

    def on_phase(self) -> None:
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        ready = max(bus.t_lines, bus.t_fall[SEL])
        self.rules["PHS-01"].minimum(bus.now - ready, slot=conn.owner_slot)
        if conn.phase is not None and Phase(conn.phase).is_data:
            dt = bus.agreed_now.is_dt and bus.agreed_now.is_sync
            if conn.phase in (Phase.DT_DATA_OUT, Phase.DT_DATA_IN):
                self.rules["PHS-05"].require(dt, slot=conn.owner_slot)
            else:
                self.rules["PHS-06"].require(not dt, slot=conn.owner_slot)
        if conn.previous is not None:
            return
        if conn.reselection:
            self.rules["PHS-04"].require(conn.phase == Phase.MSG_IN, slot=conn.owner_slot)
        else:
            wanted = Phase.MSG_OUT if conn.attention else Phase.COMMAND
            self.rules["PHS-03"].require(conn.phase == wanted, slot=conn.owner_slot)


class SequenceRules(Family):
    """SEQ."""

    SPECS = (
        RuleSpec("SEQ-01", "COMMAND carries as many bytes as the group code says", "spi-facts 9 CDBs"),
        RuleSpec("SEQ-02", "STATUS is one byte", "spi-facts 9 status"),
        RuleSpec("SEQ-03", "STATUS is followed by MESSAGE IN, or MESSAGE OUT when ATN is true", "spi-facts 2, 5.1"),
        RuleSpec("SEQ-04", "the status byte is a defined one", "spi-facts 9 status"),
    )

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._cdb = bytearray()
        self._cdb_ok = True
        self._interrupted = False
        """A MESSAGE OUT came before all bytes of the command (spi-facts 5.1)."""
        self._status_atn = False

    def on_byte(self, transfer: Transfer) -> None:
        if transfer.phase == Phase.COMMAND:
            if not transfer.index and not self._interrupted:
                self._cdb.clear()
                self._cdb_ok = True
            self._interrupted = False
            self._cdb.append(transfer.byte)
            self._cdb_ok &= transfer.low_ok or not self.options.parity
        elif transfer.phase == Phase.STATUS:
            self._status_atn = transfer.atn
            self.rules["SEQ-02"].require(not transfer.index)
            if transfer.low_ok or not self.options.parity:
                self.rules["SEQ-04"].require(transfer.byte in _STATUS_CODES, f"status {transfer.byte:02X}h")

    def on_phase(self) -> None:
        conn = self.bus.conn
        assert conn is not None
        slot = conn.owner_slot
        if conn.previous == Phase.STATUS:
            wanted = (Phase.MSG_IN, Phase.MSG_OUT) if self._status_atn else (Phase.MSG_IN,)
            self.rules["SEQ-03"].require(conn.phase in wanted, slot=slot)
        if conn.previous == Phase.COMMAND and self._cdb and self._cdb_ok:
            length = _CDB_LENGTH.get(self._cdb[0] >> 5)
            self._interrupted = conn.phase == Phase.MSG_OUT and length is not None and len(self._cdb) < length
            if length is not None and not self._interrupted:
                self.rules["SEQ-01"].require(
                    len(self._cdb) == length, f"{len(self._cdb)} bytes, not {length}", slot=slot
                )

    def on_connected(self) -> None:
        self._interrupted = False
