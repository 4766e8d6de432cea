"""Which transfer agreement each initiator and target have, as the messages on the bus tell (spi-facts 6 and 7).

An agreement is made by a WDTR, SDTR or PPR of one side and the same message of the other. It needs no wires and no
simulator: whoever reads the messages of a bus feeds them to it.
"""

from __future__ import annotations

from .agreement import ASYNC_8, WIDTH_8, Agreement, Option, Ppr, Sdtr, Wdtr, parse_negotiation
from .constants import EXTENDED_LENGTH, Extended, Message


class AgreementTracker:
    """Follows the negotiations of one connection at a time and keeps the agreements of all pairs.

    * An answer makes the agreement at once. MESSAGE REJECT right after it, or right after the question, falls back:
      of WDTR to 8 bit asynchronous, of SDTR to asynchronous with the width kept, of PPR to 8 bit asynchronous.
    * MESSAGE PARITY ERROR right after a message of the target takes that message back; it comes again.
    * The values are those of the answer, but never more than was asked (PCOMP_EN, which each side states for the
      other's transmitter, is the answer's). Options other than QAS need 16 bit and an offset.
    * A question without an answer lapses with the connection, and with a question of another kind.
    """

    def __init__(self) -> None:
        self._agreed: dict[tuple[int, int], Agreement] = {}
        self._pair: tuple[int, int] | None = None
        self._question: tuple[bool, Wdtr | Sdtr | Ppr] | None = None
        """Who asked (True: the initiator), and what."""
        self._last: tuple[bool, Extended, bytes] | None = None
        """The negotiation message that was the last of all messages: direction, code, bytes."""
        self._before: tuple[Agreement, tuple[bool, Wdtr | Sdtr | Ppr]] | None = None
        """Agreement and question before the answer that was the last of all messages."""

    def of(self, initiator: int, target: int) -> Agreement:
        """What the pair has agreed on; 8 bit asynchronous where it has not."""
        return self._agreed.get((initiator, target), ASYNC_8)

    def agree(self, initiator: int, target: int, agreement: Agreement) -> None:
        """State an agreement made where no one listened."""
        self._agreed[initiator, target] = agreement

    def begin(self, initiator: int, target: int) -> None:
        """A connection is up between this pair."""
        self._pair = (initiator, target)
        self._clear_exchange()

    def end(self) -> None:
        """The connection is over (BUS FREE, or after 55h): an unfinished exchange is void."""
        self._pair = None
        self._clear_exchange()

    def reset(self, target: int | None = None) -> None:
        """RST, which ends all agreements, or TARGET RESET, which ends those of its target."""
        self._agreed = {pair: one for pair, one in self._agreed.items() if target not in (None, pair[1])}
        self._clear_exchange()

    def message(self, out: bool, message: bytes) -> None:
        """Take the next message of the connection, `out` from the initiator.

        It is whole, with right parity, in order, and not one that the receiver had sent again: of a MESSAGE OUT phase
        that is repeated (spi-facts 5.2) only the repetition counts. A negotiation message that the receiver cut short
        after its code is to be given too: it makes no agreement, but can be rejected.
        """
        if self._pair is None or not message:
            return
        code = _negotiation_code(message)
        if code is not None:
            self._negotiate(out, code, message)
            return
        if message[0] == Message.MESSAGE_REJECT:
            self._reject(out)
        elif out and message[0] == Message.MESSAGE_PARITY_ERROR:
            self._take_back()
        elif out and message[0] == Message.TARGET_RESET:
            self.reset(self._pair[1])
        self._last = self._before = None

    def _clear_exchange(self) -> None:
        self._question = self._last = self._before = None

    def _negotiate(self, out: bool, code: Extended, message: bytes) -> None:
        if self._before is not None and self._last == (out, code, message):
            return  # The answer once more.
        assert self._pair is not None
        self._before, self._last = None, (out, code, message)
        said, question = parse_negotiation(message), self._question
        if said is None:
            return
        if question is not None and question[0] is not out and type(question[1]) is type(said):
            before = self.of(*self._pair)
            self._before, self._question = (before, question), None
            self._agreed[self._pair] = _settled(before, question[1], said)
        else:
            self._question = (out, said)

    def _reject(self, out: bool) -> None:
        """MESSAGE REJECT counts for the message right before it, if that was a negotiation of the other side."""
        if self._last is None or self._last[0] is out:
            return
        assert self._pair is not None
        self._question = None
        self._agreed[self._pair] = _fallen_back(self.of(*self._pair), self._last[1])

    def _take_back(self) -> None:
        """MESSAGE PARITY ERROR: the target's message right before it did not arrive."""
        if self._last is None or self._last[0]:
            return
        assert self._pair is not None
        if self._before is not None:
            self._agreed[self._pair], self._question = self._before
        elif self._question is not None and not self._question[0]:
            self._question = None


def _negotiation_code(message: bytes) -> Extended | None:
    """WDTR, SDTR or PPR, be it cut short after its code."""
    if len(message) < 3 or message[0] != Message.EXTENDED or message[2] not in list(Extended):
        return None
    code = Extended(message[2])
    return code if message[1] == EXTENDED_LENGTH[code] and len(message) <= 2 + message[1] else None


def _fallen_back(before: Agreement, code: Extended) -> Agreement:
    """What holds after MESSAGE REJECT of such a message."""
    if code is Extended.SDTR:
        return before.after_sdtr(0, 0)
    return before.after_wdtr(WIDTH_8)


def _settled(before: Agreement, asked: Wdtr | Sdtr | Ppr, answer: Wdtr | Sdtr | Ppr) -> Agreement:
    """What a question and its answer, of one kind, make."""
    match asked, answer:
        case Wdtr(), Wdtr():
            return before.after_wdtr(min(asked.exponent, answer.exponent))
        case Sdtr(), Sdtr():
            return before.after_sdtr(max(asked.period, answer.period), min(asked.offset, answer.offset))
        case Ppr(), Ppr():
            return _ppr_settled(asked, answer)
    raise TypeError(f"{answer} is no answer to {asked}")


def _ppr_settled(asked: Ppr, answer: Ppr) -> Agreement:
    offset, exponent = min(asked.offset, answer.offset), min(asked.exponent, answer.exponent)
    options = (asked.options | Option.PCOMP_EN) & answer.options
    if not offset or not exponent:
        options &= Option.QAS
    return Ppr(max(asked.period, answer.period), offset, exponent, options).agreement()
