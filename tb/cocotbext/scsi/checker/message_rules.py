"""MSG: well-formed messages in a legal order (spi-facts 5.2, 5.4, 6)."""

from __future__ import annotations

from typing import Final

from ..constants import IDENTIFY_DISCPRIV, IDENTIFY_LUN_MASK, Extended, Message, Phase
from .family import Family
from .messages import ReadMessage
from .rule import CheckerOptions, Level, RuleSpec
from .tracker import BusTracker

_IDENTIFY: Final = 0x80
_FIRST_OUT: Final = frozenset({Message.ABORT_TASK_SET, Message.TARGET_RESET})
_TAGS_OUT: Final = frozenset({Message.SIMPLE, Message.HEAD_OF_QUEUE, Message.ORDERED, Message.ACA})
_OUT_ALL: Final = frozenset({0x01, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0C, 0x0D, 0x0E, 0x11, 0x20, 0x21, 0x22})
_IN_ALL: Final = frozenset({0x00, 0x01, 0x02, 0x03, 0x04, 0x07, 0x0A, 0x0B, 0x20, 0x23})
_CODES: Final = {
    (Level.SCSI2, False): _OUT_ALL | {0x0F, 0x10},
    (Level.SCSI2, True): _IN_ALL | {0x0F},
    (Level.SPI2, False): _OUT_ALL | {0x12, 0x13, 0x16, 0x17, 0x24},
    (Level.SPI2, True): _IN_ALL,
    (Level.SPI3, False): _OUT_ALL | {0x16, 0x17, 0x24},
    (Level.SPI3, True): _IN_ALL | {0x55},
}
"""First bytes below 80h that a level defines, by direction (spi-facts 6 table; True = IN)."""
_EXTENDED: Final = {0x00: (5, (True,)), 0x01: (3, (False, True)), 0x03: (2, (False, True)), 0x04: (6, (False, True))}
"""Extended codes: length byte and directions allowed (True = IN)."""


class MessageRules(Family):
    """See the module. A message with wrong parity is judged by PAR alone: nobody acts on it."""

    SPECS = (
        RuleSpec(
            "MSG-01",
            "the first message after SELECTION is IDENTIFY, ABORT TASK SET or TARGET RESET",
            "spi-facts 5.4, 6",
        ),
        RuleSpec("MSG-02", "the first message after RESELECTION is IDENTIFY", "spi-facts 4.3 step 5"),
        RuleSpec("MSG-03", "message codes are defined for their direction and level", "spi-facts 6 table"),
        RuleSpec("MSG-04", "an extended message has the length and the direction of its code", "spi-facts 6 extended"),
        RuleSpec(
            "MSG-05",
            "a MESSAGE phase ends with a whole message, unless the receiver objects",
            "spi-facts 6 MESSAGE REJECT, 5.2",
        ),
        RuleSpec("MSG-06", "a tag follows IDENTIFY directly, in the same phase", "spi-facts 6 order"),
        RuleSpec("MSG-07", "IDENTIFY from a target has DiscPriv 0", "spi-facts 6 IDENTIFY"),
        RuleSpec("MSG-08", "a second IDENTIFY in a connection names the same LUN", "spi-facts 5.4"),
        RuleSpec("MSG-09", "MESSAGE PARITY ERROR comes only straight after MESSAGE IN", "spi-facts 5.2"),
        RuleSpec(
            "MSG-10",
            "IGNORE WIDE RESIDUE ignores one byte, and comes directly after a 16-bit DATA IN phase",
            "spi-facts 6 table",
        ),
    )

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._lun: int | None = None
        self._previous: int | None = None
        """First byte of the message before, in the same phase."""
        self._in_before = False

    def on_connected(self) -> None:
        self._lun = None
        self._previous = None

    def on_phase(self) -> None:
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        self._previous = None
        self._in_before = conn.previous == Phase.MSG_IN
        reader = bus.reader
        if conn.previous == Phase.MSG_IN:
            objected = conn.phase == Phase.MSG_OUT
        elif conn.previous == Phase.MSG_OUT and reader.phase_parity_ok:
            objected = conn.phase == Phase.MSG_IN or not reader.taken_with_atn
        else:
            return
        self.rules["MSG-05"].require(not reader.pending or objected, slot=conn.owner_slot)

    def on_resend(self) -> None:
        self._previous = None

    def on_message(self, message: ReadMessage) -> None:
        previous, self._previous = self._previous, message.code
        conn = self.bus.conn
        assert conn is not None
        first = conn.previous is None and not message.in_phase
        if not message.parity_ok:
            return
        slot = conn.owner_slot if message.incoming else conn.initiator_slot
        shown = f"message {message.data.hex(' ').upper()}"
        if first and not conn.reselection and not message.incoming:
            self.rules["MSG-01"].require(message.code >= _IDENTIFY or message.code in _FIRST_OUT, shown, slot)
        elif first and conn.reselection and message.incoming:
            self.rules["MSG-02"].require(message.code >= _IDENTIFY, shown, slot)
        if message.code >= _IDENTIFY:
            self._identify(message, shown, slot)
        else:
            self._code(message, shown, slot)
        if message.code in _TAGS_OUT:
            self.rules["MSG-06"].require(previous is not None and previous >= _IDENTIFY, shown, slot)
        if message.code == Message.IGNORE_WIDE_RESIDUE and message.incoming:
            self._residue(message, shown, slot)
        if message.code == Message.MESSAGE_PARITY_ERROR:
            self.rules["MSG-09"].require(self._in_before, shown, slot)

    def _residue(self, message: ReadMessage, shown: str, slot: int | None) -> None:
        conn = self.bus.conn
        agreed = self.bus.agreement()
        assert conn is not None
        after_data = conn.previous in (Phase.DATA_IN, Phase.DT_DATA_IN) and not message.in_phase
        wide = agreed is None or agreed.wide
        self.rules["MSG-10"].require(after_data and wide and message.data[1] == 1, shown, slot)

    def _identify(self, message: ReadMessage, shown: str, slot: int | None) -> None:
        if message.incoming:
            self.rules["MSG-07"].require(not message.code & IDENTIFY_DISCPRIV, shown, slot)
        lun = message.code & (0x07 if self.options.level is Level.SCSI2 else IDENTIFY_LUN_MASK)
        if self._lun is not None:
            self.rules["MSG-08"].require(lun == self._lun, shown, slot)
        self._lun = lun

    def _code(self, message: ReadMessage, shown: str, slot: int | None) -> None:
        vendor = self.options.vendor
        allowed = message.code in _CODES[self.options.level, message.incoming] or message.code in vendor.two_byte
        self.rules["MSG-03"].require(allowed, shown, slot)
        code = message.extended_code
        if message.code != Message.EXTENDED or code in vendor.extended:
            return
        if code is None or (code == Extended.PPR and self.options.level < Level.SPI3):
            code = -1
        length, directions = _EXTENDED.get(code, (0, ()))
        self.rules["MSG-04"].require(message.data[1] == length and message.incoming in directions, shown, slot)
