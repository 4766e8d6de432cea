"""Sequence items of the host agent: one per host action, never per byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cocotb.triggers import Event
from pyuvm import uvm_sequence_item

from silentmirror.model import Request, Result


@dataclass(frozen=True)
class MemberResult:
    """What became of one member of a mirrored command, as the host reads it from CPL_M0 to CPL_M7."""

    result: Result
    status: int
    block: int
    """The first block that failed."""

    @property
    def good(self) -> bool:
        """All of it."""
        return self.result is Result.OK and self.status == 0


@dataclass(frozen=True)
class HostCompletion:
    """One completion as the host reads it from CPL0 and CPL1."""

    time_ns: float
    initiator: int
    opcode: int
    tag: int
    target: int
    rank: int
    last: bool
    result: Result
    detail: int
    status: int
    moved: int
    """Data bytes."""
    members: dict[int, MemberResult] = field(default_factory=dict)
    """Of a mirrored command: by z, those that it named."""


class LoadItem(uvm_sequence_item):
    """Put data into the block buffer at an even byte address."""

    def __init__(self, address: int, data: bytes) -> None:
        super().__init__("load")
        self.address = address
        self.data = data


class UnloadItem(uvm_sequence_item):
    """Fetch bytes from the block buffer; `data` holds them afterwards."""

    def __init__(self, address: int, length: int) -> None:
        super().__init__("unload")
        self.address = address
        self.length = length
        self.data = b""


class RegisterItem(uvm_sequence_item):
    """Write registers, in order; (name, word) each."""

    def __init__(self, *writes: tuple[str, int]) -> None:
        super().__init__("registers")
        self.writes = writes


class SubmitItem(uvm_sequence_item):
    """Hand a descriptor over. The item is done for the sequence when the initiator has taken it; `wait` awaits its end.

    `after`: items that must have completed first; the descriptor is written meanwhile, so that the bus need not wait.
    """

    def __init__(self, request: Request, address: int, after: Sequence[SubmitItem] = ()) -> None:
        super().__init__("submit")
        self.request = request
        self.address = address
        self.after = tuple(after)
        self.completions: list[HostCompletion] = []
        self._ended = Event()

    @property
    def good(self) -> bool:
        """Every completion is OK with status GOOD."""
        return bool(self.completions) and all(c.result is Result.OK and c.status == 0 for c in self.completions)

    def complete(self, completion: HostCompletion) -> None:
        """Add a completion; the last one of the descriptor ends the item."""
        self.completions.append(completion)
        if completion.last:
            self._ended.set()

    async def wait(self) -> list[HostCompletion]:
        """All completions, once the last one is there."""
        await self._ended.wait()
        return self.completions
