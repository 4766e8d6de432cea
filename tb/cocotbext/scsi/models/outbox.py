"""The initiator's side of MESSAGE OUT: what waits to be said, sending it, sending it again (spi-facts 5.1, 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..constants import Message, Phase
from .handshake import InitiatorHandshake

_ATN_GAP_NS: Final = 400
_NO_OPERATION: Final = bytes([Message.NO_OPERATION])


class Outbox:
    """Groups of messages, each for one MESSAGE OUT phase, and the one that is being sent."""

    def __init__(
        self,
        link: InitiatorHandshake,
        *,
        max_resends: int,
        sent: Callable[[bytes], None],
        sent_all: Callable[[list[bytes]], None],
    ) -> None:
        """`sent` hears of each message whose last byte is through, `sent_all` of each group (again after a resend)."""
        self._link = link
        self._max_resends = max_resends
        self._sent = sent
        self._sent_all = sent_all
        self._waiting: list[list[bytes]] = []
        self._sending: list[bytes] = []
        self._message = 0
        self._byte = 0
        self._index = 0
        self._whole = False
        self._resends = 0

    def add(self, *messages: bytes) -> None:
        """Have these sent in one phase; ATN is up already, or will be with the selection."""
        self._waiting.append(list(messages))

    def attention(self, *messages: bytes) -> None:
        """Assert ATN and have these messages sent in one MESSAGE OUT phase when the target comes for them."""
        self._link.raise_atn()
        self.add(*messages)

    def holds(self, *messages: bytes) -> bool:
        """These wait to be sent, as one phase."""
        return list(messages) in self._waiting

    async def send_byte(self) -> None:
        """Answer one REQ in MESSAGE OUT."""
        if self._sending and self._whole:
            self._asked_again()
        elif not self._sending:
            self._sending = self._waiting.pop(0) if self._waiting else [_NO_OPERATION]
            self._resends = 0
            self._rewind()
        message = self._sending[self._message]
        ends_message = self._byte == len(message) - 1
        last = ends_message and self._message == len(self._sending) - 1
        await self._link.give(Phase.MSG_OUT, self._index, message[self._byte : self._byte + 1], last=last)
        self._index += 1
        self._byte += 1
        if ends_message:
            self._sent(message)
        if last:
            self._whole = True
            self._sent_all(self._sending)
            if self._waiting:
                # More to say: ATN again, once the target has seen it false at the end of this phase.
                await self._link.port.delay(_ATN_GAP_NS)
                self._link.raise_atn()
        elif ends_message:
            self._message += 1
            self._byte = 0

    def phase_left(self) -> None:
        """The target goes on to another phase: it has what was sent whole."""
        self._index = 0
        if self._whole:
            self._sending = []

    def drop_rejected(self) -> None:
        """MESSAGE REJECT inside a MESSAGE OUT: go on after the rejected message, or with NO OPERATION."""
        if not self._sending or self._whole:
            return
        rest = self._sending[self._message + (self._byte > 0) :]
        self._sending = rest or [_NO_OPERATION]
        self._rewind()

    def _asked_again(self) -> None:
        """REQ again after a byte taken with ATN false: the target asks for all bytes of the phase again."""
        self._rewind()
        self._resends += 1
        if self._resends > self._max_resends:
            self._sending = [_NO_OPERATION]
        else:
            self._link.raise_atn()

    def _rewind(self) -> None:
        self._message = self._byte = self._index = 0
        self._whole = False
