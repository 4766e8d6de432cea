"""What a host can ask of an initiator: one dataclass per kind of descriptor."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True)
class MirrorWriteRequest(Request):
    """A mirrored write of `data` at block `lba` to the members `order` (z, in the order of service)."""

    group: int = 0
    order: tuple[int, ...] = ()
    lba: int = 0
    data: bytes = b""
