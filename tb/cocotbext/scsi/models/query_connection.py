"""The connections of MIRROR QUERY and MIRROR CAPABILITY: every outcome of protocol 4 and 14."""

from __future__ import annotations

from collections.abc import Iterable

from .connection import Connection, Host
from .mirror_messages import CODES, Extensions, capability, parse_capability, query
from .task import Ended, Task


class QueryConnection(Connection):
    """Recognises MIRROR ACCEPT; any other outcome is served as in an ordinary connection and is no error."""

    def __init__(self, host: Host, target: int, task: Task, messages: Iterable[bytes], *, yz: int) -> None:
        super().__init__(host, target, task, messages)
        self._answer = query(yz)

    def message(self, message: bytes) -> bool:
        """ACCEPT with the identity that was offered; with another one it is rejected."""
        if message[0] != CODES.query:
            return super().message(message)
        if message != self._answer or self.task is None:
            return False
        self.task.result.accepted = True
        self.ending = Ended.COMPLETE
        return True


class CapabilityConnection(Connection):
    """Recognises the answer to MIRROR CAPABILITY; any other outcome means no extensions and is no error."""

    def __init__(
        self, host: Host, target: int, task: Task, messages: Iterable[bytes], *, yz: int, offer: Extensions
    ) -> None:
        super().__init__(host, target, task, [*messages, capability(yz, offer)])
        self._yz = yz
        self._offer = offer

    def message(self, message: bytes) -> bool:
        """What both have; an answer for another identity, or with more than was offered, is rejected."""
        answer = parse_capability(message)
        if answer is None or self.task is None:
            return super().message(message)
        if answer[0] != self._yz or not answer[1].within(self._offer):
            return False
        self.task.result.extensions = answer[1]
        self.ending = Ended.COMPLETE
        return True
