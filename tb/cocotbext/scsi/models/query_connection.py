"""The connection of a MIRROR QUERY: every outcome of silent-mirroring section 4."""

from __future__ import annotations

from collections.abc import Iterable

from .connection import Connection, Host
from .mirror_messages import CODES, query
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
