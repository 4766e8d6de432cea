"""Splitting the bytes of a message phase into messages, and what they do to the width of an agreement."""

from __future__ import annotations

from collections.abc import Sequence

from .constants import EXTENDED_LENGTH, Extended, Message, Phase, message_length


def split_messages(data: Sequence[int]) -> list[bytes]:
    """The messages in the bytes of one phase; a last one that is cut short is returned as it is."""
    messages: list[bytes] = []
    rest = bytes(data)
    while rest:
        length = message_length(rest) or len(rest)
        messages.append(rest[:length])
        rest = rest[length:]
    return messages


def is_extended(message: bytes, code: Extended) -> bool:
    """A complete extended message with this code and its standard length."""
    return len(message) == 2 + EXTENDED_LENGTH[code] and message[:3] == bytes((1, EXTENDED_LENGTH[code], code))


def asked_width(message: bytes) -> int | None:
    """The transfer width exponent (0 = 8 bit, 1 = 16 bit) that a WDTR or PPR names; None for other messages."""
    if is_extended(message, Extended.WDTR):
        return message[3]
    if is_extended(message, Extended.PPR):
        return message[6]
    return None


class WidthAgreements:
    """Which initiator/target pairs have agreed on 16 bit, as the messages on the bus tell (spi-facts 7).

    An agreement is a WDTR or PPR in one direction and its answer in the other; MESSAGE REJECT of either leaves (or
    makes) it 8 bit. RST ends all agreements, TARGET RESET those of its target.
    """

    def __init__(self) -> None:
        self._wide: set[tuple[int, int]] = set()
        self._asked: dict[tuple[int, int], tuple[bool, int]] = {}
        self._answer: tuple[tuple[int, int], bool] | None = None
        """The pair whose negotiation was just answered, and whether by the target."""

    def wide(self, initiator: int | None, target: int | None) -> bool:
        """The pair transfers data 16 bit wide."""
        return (initiator, target) in self._wide

    def agree(self, initiator: int, target: int, wide: bool) -> None:
        """State an agreement made where no one listened."""
        if wide:
            self._wide.add((initiator, target))
        else:
            self._wide.discard((initiator, target))

    def reset(self) -> None:
        """RST: all agreements end."""
        self._wide.clear()
        self.end_connection()

    def end_connection(self) -> None:
        """BUS FREE: a question without an answer lapses."""
        self._asked.clear()
        self._answer = None

    def observe(self, initiator: int | None, target: int | None, phase: Phase, data: bytes) -> None:
        """Take the bytes of one error-free message phase between a pair."""
        if initiator is None or target is None:
            return
        pair = (initiator, target)
        for message in split_messages(data):
            exponent = asked_width(message)
            if exponent is not None:
                self._negotiate(pair, phase.is_in, exponent)
                continue
            if message[0] == Message.MESSAGE_REJECT:
                self._reject(pair, phase.is_in)
            elif message[0] == Message.TARGET_RESET and not phase.is_in:
                self._wide = {(who, whom) for who, whom in self._wide if whom != target}
            self._answer = None

    def _negotiate(self, pair: tuple[int, int], from_target: bool, exponent: int) -> None:
        asked = self._asked.get(pair)
        if asked is None or asked[0] == from_target:
            self._asked[pair] = (from_target, exponent)
            return
        del self._asked[pair]
        self._answer = (pair, from_target)
        self.agree(*pair, wide=min(asked[1], exponent) >= 1)

    def _reject(self, pair: tuple[int, int], from_target: bool) -> None:
        """MESSAGE REJECT of a question, or of the answer that came just before: 8 bit."""
        asked = self._asked.get(pair)
        if asked is not None and asked[0] != from_target:
            del self._asked[pair]
            self.agree(*pair, wide=False)
        elif self._answer == (pair, not from_target):
            self.agree(*pair, wide=False)
