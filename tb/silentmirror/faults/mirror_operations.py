"""The mirrored operations that the fault campaign plays, and the group and transfer modes it plays them with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from silentmirror.model import Mirroring, MirrorReadRequest, MirrorWriteRequest, Policy, Request

from .to_target import BLOCK

GROUP: Final = ((5, 0), (4, 1), (3, 2))
"""SCSI ID and z of the drives, the leader first (Table 1)."""
ORDER: Final = tuple(z for _, z in GROUP)
INITIATOR: Final = 7


@dataclass(frozen=True)
class Mode:
    """How data move: the initiator's ability, which is what all drives agree to."""

    wide: bool
    period: int = 0
    offset: int = 0
    dt: bool = False


MODES: Final[dict[str, Mode]] = {
    "async8": Mode(wide=False),
    "async16": Mode(wide=True),
    "fast20": Mode(wide=True, period=0x0C, offset=31),
    "fast40": Mode(wide=True, period=0x0A, offset=31),
    "fast80": Mode(wide=True, period=0x09, offset=63, dt=True),
}


@dataclass(frozen=True)
class Operation:
    """One mirrored operation of the host."""

    request: Callable[[int, bytes, int], Request]
    """From first block, data (of one copy) and tag."""
    blocks: int = 1
    """Of one copy."""
    writes: bool = True
    """Changes the media; otherwise the data come to the host."""
    status: bool = False
    """Members have agreed on status in the connection."""
    series: bool = False
    """... and on many blocks in one."""
    fails: tuple[tuple[int, int], ...] = ()
    """SCSI ID and how many writes a medium refuses before it takes them: the initiator repeats what failed."""
    modes: tuple[str, ...] = ("fast40",)
    """Transfer modes that it is played in."""

    @property
    def size(self) -> int:
        """Bytes of one copy."""
        return self.blocks * BLOCK


_SERIES: Final = 3


def _write(lba: int, data: bytes, tag: int) -> Request:
    how = Mirroring(more=tuple(range(lba + 1, lba + len(data) // BLOCK)), series=_SERIES)
    return MirrorWriteRequest(INITIATOR, tag, True, True, 0, 0, ORDER, lba, data, how)


def _repeated(lba: int, data: bytes, tag: int) -> Request:
    how = Mirroring(policy=Policy.AUTO, rounds=3, block_bytes=BLOCK)
    return MirrorWriteRequest(INITIATOR, tag, True, True, 0, 0, ORDER, lba, data, how)


def _read(lba: int, data: bytes, tag: int) -> Request:
    return MirrorReadRequest(INITIATOR, tag, True, True, 0, 0, ORDER, lba, len(data))


OPERATIONS: Final[dict[str, Operation]] = {
    "write": Operation(_write, modes=tuple(MODES)),
    "read": Operation(_read, writes=False),
    "status": Operation(_write, status=True),
    "series": Operation(_write, _SERIES, status=True, series=True),
    # Two members fail and are served again together, then one of them by an ordinary command.
    "repeated": Operation(_repeated, fails=((4, 1), (3, 2))),
}
