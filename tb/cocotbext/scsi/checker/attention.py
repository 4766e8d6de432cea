"""ATN: when the initiator raises and drops attention, and how the target answers (spi-facts 5.1)."""

from __future__ import annotations

from typing import Final

from ..constants import Message, Phase
from ..wires import ACK, ATN, M_ACK, M_ATN, REQ
from .connection import Transfer
from .family import Family
from .limits import DT_ATN_SETUP, ST_ATN_SETUP, in_ps, speed_of
from .messages import ReadMessage
from .rule import RuleSpec

_TWO_DESKEW: Final = 90
"""Two system deskew delays, ns; also the asynchronous ATN transmit setup time (spi-facts 3.3)."""
_LAST_OF_PHASE: Final = frozenset(
    {
        Message.INITIATOR_DETECTED_ERROR,
        Message.ABORT_TASK_SET,
        Message.MESSAGE_REJECT,
        Message.NO_OPERATION,
        Message.MESSAGE_PARITY_ERROR,
        Message.TARGET_RESET,
        Message.ABORT_TASK,
        Message.CLEAR_TASK_SET,
        Message.CLEAR_ACA,
        Message.LOGICAL_UNIT_RESET,
        Message.DISCONNECT,
        Message.EXTENDED,
    }
)
"""MESSAGE OUT codes that demand ATN false before their last ACK (spi-facts 6, fifth column)."""


class AttentionRules(Family):
    """See the module."""

    SPECS = (
        RuleSpec(
            "ATN-01",
            "ATN raised within the last transfer of a phase stands two deskew delays before that ACK is negated",
            "spi-facts 5.1, 3.3",
            _TWO_DESKEW,
        ),
        RuleSpec(
            "ATN-02",
            "ATN is dropped two deskew delays before the ACK of the last MESSAGE OUT byte",
            "spi-facts 5.1",
            _TWO_DESKEW,
        ),
        RuleSpec("ATN-03", "in MESSAGE OUT ATN changes only while ACK is false", "spi-facts 5.1"),
        RuleSpec("ATN-04", "ATN stays true until the last byte of a message", "spi-facts 5.1"),
        RuleSpec("ATN-05", "a phase that ended with ATN true in time is followed by MESSAGE OUT", "spi-facts 5.1"),
        RuleSpec("ATN-06", "a MESSAGE IN that ended with ATN true is followed by no other message", "spi-facts 5.1"),
        RuleSpec("ATN-07", "ATN is dropped by the end of a message that must be the last", "spi-facts 6 table"),
        RuleSpec(
            "ATN-08",
            "ST synchronous: ATN raised within the last transfer stands its setup time before that ACK is negated",
            "spi-facts 5.1, 3.3",
            limits_ns=ST_ATN_SETUP,
        ),
        RuleSpec(
            "ATN-09",
            "DT: ATN raised within the last transfer stands its setup time before that ACK is negated",
            "spi-facts 5.1, 3.4",
            limits_ns=DT_ATN_SETUP,
        ),
    )

    _setup: int | None = None
    """How long ATN stood at the last ACK negation of the current phase; None where it was false then."""
    _in_transfer = False
    """ATN rose within the last transfer: between the last ACK's assertion and negation, in synchronous data phases
    from the last assertion of REQ on."""
    _rule = "ATN-01"
    _limit_ps = 1000 * _TWO_DESKEW
    """What ATN owed at the last ACK negation, and under which rule."""
    _message_ended = False

    def on_connected(self) -> None:
        self._setup = None
        self._in_transfer = False
        self._message_ended = False

    def on_ack_fall(self) -> None:
        bus = self.bus
        if not bus.connected:
            return
        rose = bus.t_rise[ATN]
        atn = bus.value & M_ATN
        if bus.synchronous_now:
            self._setup = None
            return
        self._setup = bus.now - rose if atn else None
        self._in_transfer = bool(atn) and bus.t_rise[ACK] <= rose
        self._rule, self._limit_ps = "ATN-01", self.rules["ATN-01"].limit_ps

    def on_streamed(self, _transferred: int) -> None:
        """A synchronous data phase is over: how long did ATN stand at its last ACK?"""
        bus = self.bus
        rose, ended = bus.t_rise[ATN], bus.t_fall[ACK]
        agreed = bus.agreed_now
        speed = speed_of(agreed)
        assert speed is not None
        self._setup = ended - rose if bus.value & M_ATN and rose <= ended else None
        self._in_transfer = self._setup is not None and bus.t_rise[REQ] <= rose
        self._rule = "ATN-09" if agreed.is_dt else "ATN-08"
        self._limit_ps = in_ps(DT_ATN_SETUP if agreed.is_dt else ST_ATN_SETUP, speed)

    def on_message(self, message: ReadMessage) -> None:
        if message.incoming:
            self._message_ended = True
            return
        if message.code in _LAST_OF_PHASE and message.parity_ok and not self._is_vendor(message):
            self.rules["ATN-07"].require(not message.atn, f"message {message.data.hex(' ').upper()}")

    def _is_vendor(self, message: ReadMessage) -> bool:
        return message.extended_code in self.options.vendor.extended

    def on_byte(self, transfer: Transfer) -> None:
        """A byte taken with ATN false is the last of its phase: it must complete a message."""
        reader = self.bus.reader
        if transfer.phase == Phase.MSG_OUT and reader.phase_parity_ok:
            self.rules["ATN-04"].require(transfer.atn or not reader.pending)

    def on_ack_rise(self) -> None:
        bus = self.bus
        if not bus.connected or bus.lines != Phase.MSG_OUT:
            return
        self.rules["ATN-03"].require(True)
        dropped = bus.t_fall[ATN]
        if not bus.value & M_ATN and dropped >= bus.t_fall[ACK]:
            self.rules["ATN-02"].minimum(bus.now - dropped, slot=bus.conn.initiator_slot if bus.conn else None)

    def _changed(self) -> None:
        bus = self.bus
        if bus.connected and bus.lines == Phase.MSG_OUT and bus.value & M_ACK and bus.t_rise[ACK] < bus.now:
            self.rules["ATN-03"].require(False)

    on_atn_rise = on_atn_fall = _changed

    def on_phase(self) -> None:
        """The phase before has ended: was ATN in time for its end, and did the target heed it?"""
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        setup = self._setup
        if conn.previous is None or setup is None:
            return
        in_time = setup >= self._limit_ps
        if self._in_transfer and conn.previous != Phase.MSG_OUT:
            rule = self.rules[self._rule]
            rule.evaluations += 1
            if not in_time:
                rule.found(setup, slot=conn.initiator_slot)
        if conn.previous != Phase.MSG_OUT and in_time and bus.value & M_ATN:
            self.rules["ATN-05"].require(conn.phase == Phase.MSG_OUT, slot=conn.owner_slot)

    def on_req_rise(self) -> None:
        bus = self.bus
        conn = bus.conn
        ended, self._message_ended = self._message_ended, False
        if not ended or not bus.connected or conn is None or conn.phase != Phase.MSG_IN:
            return
        setup = self._setup
        if conn.transfers and (setup is None or setup >= self.rules["ATN-01"].limit_ps):
            self.rules["ATN-06"].require(setup is None or not bus.value & M_ATN, slot=conn.owner_slot)
