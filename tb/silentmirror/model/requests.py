"""What a host can ask of an initiator: one dataclass per kind of descriptor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True)
class Request:
    """What every descriptor carries. `tag` names the descriptor at the host; it goes on the bus only when `tagged`."""

    initiator: int
    """SCSI ID of the initiator that is asked."""
    tag: int
    tagged: bool = False
    disc_priv: bool = False
    lun: int = 0


@dataclass(frozen=True)
class QueryRequest(Request):
    """MIRROR QUERY to one target: join the group as `z`, or leave it (z = 15)."""

    target: int = 0
    group: int = 0
    z: int = 0
    last: bool = False


@dataclass(frozen=True)
class CommandRequest(Request):
    """An ordinary command. `data` goes out; `data_in` bytes are accepted in."""

    target: int = 0
    cdb: bytes = b""
    data: bytes = b""
    data_in: int = 0


class Policy(IntEnum):
    """MIRROR.POLICY: what is done about members that fail (protocol 8)."""

    NONE = 0
    AUTO = 1
    """C for one failure, B for several."""
    FROM_LEADER = 2
    """A: again from the leader to the last unsuccessful one."""
    REGROUP = 3
    """B: the unsuccessful ones by themselves."""
    PLAIN = 4
    """C: each unsuccessful one by an ordinary command."""


@dataclass(frozen=True)
class Mirroring:
    """How a mirrored command is carried out: its further blocks, and what its failures lead to."""

    more: tuple[int, ...] = ()
    """LBA of block 1, 2, ... of the command; block 0 is at its `lba`."""
    policy: Policy = Policy.NONE
    rounds: int = 0
    """Most repetitions of the whole command."""
    series: int = 1
    """Most blocks in one connection."""
    block_bytes: int = 512
    """Logical block of the members, for the commands of PLAIN."""


@dataclass(frozen=True)
class MirrorWriteRequest(Request):
    """A mirrored write to the members `order` (z, in the order of service). `data`: all blocks, one after the other."""

    group: int = 0
    order: tuple[int, ...] = ()
    lba: int = 0
    data: bytes = b""
    how: Mirroring = Mirroring()

    @property
    def length(self) -> int:
        """Bytes of one block of the command."""
        return len(self.data) // (1 + len(self.how.more))


@dataclass(frozen=True)
class MirrorReadRequest(Request):
    """A mirrored read of blocks of `length` bytes from the members `order` (z, in the order of service)."""

    group: int = 0
    order: tuple[int, ...] = ()
    lba: int = 0
    length: int = 0
    how: Mirroring = Mirroring()


MirrorRequest = MirrorWriteRequest | MirrorReadRequest


@dataclass(frozen=True)
class CapabilityRequest(Request):
    """MIRROR CAPABILITY to one enrolled member: which extensions both have (protocol 14)."""

    target: int = 0
    group: int = 0
    z: int = 0
    status: bool = False
    """What the initiator offers: status in the connection."""
    blocks: int = 0
    """Most blocks in a series, 0 for no series."""
