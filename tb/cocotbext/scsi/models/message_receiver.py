"""The target's side of a MESSAGE OUT phase: collecting, resend after wrong parity, rejecting (spi-facts 5.2, 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..constants import Message, Phase, message_length
from .handshake import TargetHandshake

Handler = Callable[[bytes, bool], Awaitable[bool]]
"""Acts on one message; the flag says that ATN was negated before its last ACK. False: answer MESSAGE REJECT."""


class FreeBusError(Exception):
    """The target decides to go to BUS FREE."""


class MessageReceiver:
    """Takes all bytes until ATN is false and hands complete messages to a handler, each once."""

    def __init__(
        self, link: TargetHandshake, handler: Handler, *, resends: int, long_pairs: frozenset[int] = frozenset()
    ) -> None:
        """`long_pairs`: codes of two-byte messages that have a third byte when ATN is still true after the second."""
        self._link = link
        self._handler = handler
        self._resends = resends
        self._long_pairs = long_pairs
        self._acted = 0

    async def run(self) -> None:
        """One MESSAGE OUT phase. Raises FreeBusError when parity stays wrong after the permitted resends."""
        self._acted = 0
        for _ in range(self._resends + 1):
            if await self._collect():
                return
        raise FreeBusError

    async def _collect(self) -> bool:
        link, message, good, complete = self._link, bytearray(), True, 0
        link.enter(Phase.MSG_OUT)
        link.index = 0
        attention = True
        while attention:
            byte, parity = await link.receive()
            attention = link.attention
            good = good and parity
            message += byte
            if not good or not self._is_complete(message, attention=attention):
                continue
            complete += 1
            if complete > self._acted:
                self._acted = complete
                if not await self._handler(bytes(message), not attention):
                    await self.reject()
                attention = link.attention
                if attention:
                    link.enter(Phase.MSG_OUT)
            message.clear()
        if good and message:
            await self.reject()
        return good

    def _is_complete(self, message: bytearray, *, attention: bool) -> bool:
        length = message_length(message)
        if message[0] in self._long_pairs and attention:
            length = 3
        return length is not None and len(message) >= length

    async def reject(self) -> None:
        """MESSAGE REJECT in a MESSAGE IN phase."""
        self._link.enter(Phase.MSG_IN)
        await self._link.send(bytes([Message.MESSAGE_REJECT]))
