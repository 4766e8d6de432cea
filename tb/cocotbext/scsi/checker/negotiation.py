"""NEG: how two devices agree on their transfers (spi-facts 6, 7).

A message with wrong parity is judged by PAR alone, and one that is not well formed by MSG-04.
"""

from __future__ import annotations

from typing import Final

from ..agreement import WIDTH_16, Option, Period, Ppr, Sdtr, Wdtr, parse_negotiation
from ..constants import Message
from .family import Family
from .messages import ReadMessage
from .rule import CheckerOptions, Level, RuleSpec
from .tracker import BusTracker

_SOURCE = "spi-facts 7"
_FAST_160: Final = 0x08
_SPI3_OPTIONS: Final = Option.IU | Option.DT | Option.QAS
Question = Wdtr | Sdtr | Ppr


class NegotiationRules(Family):
    """See the module."""

    SPECS = (
        RuleSpec("NEG-01", "the answer's transfer period is not shorter than what was asked", _SOURCE),
        RuleSpec("NEG-02", "the answer's offset is not larger than what was asked", _SOURCE),
        RuleSpec("NEG-03", "the answer's width is not larger than what was asked", _SOURCE),
        RuleSpec("NEG-04", "the answer sets no option but PCOMP_EN that was not asked for", _SOURCE),
        RuleSpec("NEG-05", "no reserved transfer period, width or byte in a negotiation", _SOURCE),
        RuleSpec("NEG-06", "period, offset, width and options of PPR are a combination of the table", _SOURCE),
        RuleSpec("NEG-07", "WDTR does not follow SDTR in a connection, which it would undo", _SOURCE),
    )

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._question: Question | None = None
        self._asked_in = False
        """The question came from the target."""
        self._sdtr = False
        """An SDTR was answered in this connection."""

    def on_connected(self) -> None:
        self._question = None
        self._sdtr = False

    def on_resend(self) -> None:
        """MESSAGE OUT begins again: what was asked in it is asked again."""
        if not self._asked_in:
            self._question = None

    def on_message(self, message: ReadMessage) -> None:
        if not message.parity_ok:
            return
        if message.code == Message.MESSAGE_REJECT:
            self._question = None
        said = parse_negotiation(message.data)
        if said is None:
            return
        self._values(said, message)
        question = self._question
        if question is not None and self._asked_in != message.incoming and type(question) is type(said):
            self._question = None
            self._compare(question, said, message)
            self._sdtr |= isinstance(said, Sdtr)
        else:
            self._question, self._asked_in = said, message.incoming
            if isinstance(said, Wdtr):
                self.rules["NEG-07"].require(not self._sdtr, *self._who(message))

    def _compare(self, asked: Question, said: Question, message: ReadMessage) -> None:
        rules = self.rules
        who = self._who(message)
        if isinstance(asked, Sdtr | Ppr) and isinstance(said, Sdtr | Ppr):
            if said.offset:
                rules["NEG-01"].require(said.period >= asked.period, *who)
            rules["NEG-02"].require(said.offset <= asked.offset, *who)
        if isinstance(asked, Wdtr | Ppr) and isinstance(said, Wdtr | Ppr):
            rules["NEG-03"].require(said.exponent <= asked.exponent, *who)
        if isinstance(asked, Ppr) and isinstance(said, Ppr):
            rules["NEG-04"].require(not said.options & ~(asked.options | Option.PCOMP_EN), *who)

    def _values(self, said: Question, message: ReadMessage) -> None:
        """What one message names, by itself."""
        known = True
        if isinstance(said, Wdtr | Ppr):
            widest = WIDTH_16 if self.options.level >= Level.SPI3 else WIDTH_16 + 1
            known = said.exponent <= widest
        if isinstance(said, Sdtr):
            known &= not said.offset or said.period >= Period.FAST_40
        elif isinstance(said, Ppr):
            known &= not message.data[4] and (not said.offset or said.period >= _FAST_160)
        self.rules["NEG-05"].require(known, *self._who(message))
        if isinstance(said, Ppr) and known:
            self.rules["NEG-06"].require(_combination(said), *self._who(message))

    def _who(self, message: ReadMessage) -> tuple[str, int | None]:
        conn = self.bus.conn
        slot = None if conn is None else conn.owner_slot if message.incoming else conn.initiator_slot
        return f"message {message.data.hex(' ').upper()}", slot


def _combination(ppr: Ppr) -> bool:
    """The table of valid combinations (spi-facts 7)."""
    options = ppr.options & ~Option.PCOMP_EN
    if not ppr.offset:
        return not options & ~Option.QAS
    if not options:
        return ppr.period >= Period.FAST_40
    if ppr.exponent != WIDTH_16 or not options & Option.DT:
        return False
    if not options & Option.IU:
        return ppr.period >= Period.FAST_80 and not options & ~_SPI3_OPTIONS
    return True
