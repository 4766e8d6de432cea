"""Sequences of the host: initialisation, discovery, and the three ways to mirror an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pyuvm import uvm_sequence

from cocotbext.scsi.constants import Opcode, SenseKey, Status
from silentmirror.model import CommandRequest, MirrorWriteRequest, QueryRequest, Request, Result

from .host_agent import HostSequencer
from .items import HostCompletion, LoadItem, RegisterItem, SubmitItem, UnloadItem

SENSE_BYTES = 18
CAPACITY_BYTES = 8


class SequenceError(AssertionError):
    """A drive or the initiator answered a sequence with something that it cannot go on from."""


def write_10(lba: int, blocks: int) -> bytes:
    """CDB of WRITE(10)."""
    return bytes([Opcode.WRITE_10, 0, *lba.to_bytes(4, "big"), 0, *blocks.to_bytes(2, "big"), 0])


class HostSequence(uvm_sequence):
    """What all host sequences share: load, submit, and a command that is waited for."""

    sequencer: HostSequencer

    @property
    def initiator(self) -> int:
        """SCSI ID of the initiator that this sequence runs on."""
        return self.sequencer.initiator

    async def load(self, address: int, data: bytes) -> None:
        """Put data into the block buffer."""
        await self._item(LoadItem(address, data))

    async def unload(self, address: int, length: int) -> bytes:
        """Fetch data from the block buffer."""
        item = UnloadItem(address, length)
        await self._item(item)
        return item.data

    async def submit(self, request: Request, address: int = 0, after: Sequence[SubmitItem] = ()) -> SubmitItem:
        """Hand a descriptor over; returns when the initiator has taken it."""
        item = SubmitItem(request, address, after)
        await self._item(item)
        return item

    async def command(self, target: int, cdb: bytes, *, data_in: int = 0, address: int = 0) -> HostCompletion:
        """An ordinary command that stays connected; returns its completion. SequenceError unless its RESULT is OK."""
        request = CommandRequest(self.initiator, self.sequencer.take_tag(), target=target, cdb=cdb, data_in=data_in)
        (completion,) = await (await self.submit(request, address)).wait()
        if completion.result is not Result.OK:
            raise SequenceError(f"command {cdb.hex()} to target {target}: {completion.result.name}")
        return completion

    async def _item(self, item: object) -> None:
        await self.start_item(item)
        await self.finish_item(item)


@dataclass(frozen=True)
class HostSettings:
    """Registers that a host sets once. Timers are chosen for simulation: they bound a hang and never end a good run."""

    own_id: int = 7
    wide: bool = True
    sel_timeout_us: int = 300
    hang_timeout_us: int = 2000
    status_timeout_us: int = 4000


class ConfigureSequence(HostSequence):
    """Give the initiator its identity and put it on the bus."""

    def __init__(self, settings: HostSettings) -> None:
        super().__init__("configure")
        self.settings = settings

    async def body(self) -> None:
        """CONFIG last: it starts the bus side."""
        settings = self.settings
        config = settings.own_id | settings.wide << 4 | 1 << 5
        await self._item(
            RegisterItem(
                ("SEL_TIMEOUT_US", settings.sel_timeout_us),
                ("HANG_TIMEOUT_US", settings.hang_timeout_us),
                ("STATUS_TIMEOUT_US", settings.status_timeout_us),
                ("CONFIG", config),
            )
        )


class InitialiseSequence(HostSequence):
    """Per target: TEST UNIT READY (the initiator adds WDTR by itself), sense of the UNIT ATTENTION, READ CAPACITY."""

    def __init__(self, targets: Sequence[int], blocks: int, block_bytes: int, address: int = 0) -> None:
        super().__init__("initialise")
        self.targets = targets
        self.geometry = (blocks - 1).to_bytes(4, "big") + block_bytes.to_bytes(4, "big")
        self.address = address
        """Byte address in the block buffer for what comes in."""

    async def body(self) -> None:
        """One target after the other."""
        for target in self.targets:
            await self._clear_attention(target)
            cdb = bytes([Opcode.READ_CAPACITY_10, *bytes(9)])
            done = await self.command(target, cdb, data_in=CAPACITY_BYTES, address=self.address)
            answer = await self.unload(self.address, CAPACITY_BYTES)
            if done.status != Status.GOOD or answer != self.geometry:
                raise SequenceError(f"target {target}: READ CAPACITY says {answer.hex()}, not {self.geometry.hex()}")

    async def _clear_attention(self, target: int) -> None:
        ready = bytes(6)
        if (await self.command(target, ready)).status == Status.CHECK_CONDITION:
            cdb = bytes([Opcode.REQUEST_SENSE, 0, 0, 0, SENSE_BYTES, 0])
            await self.command(target, cdb, data_in=SENSE_BYTES, address=self.address)
            sense = await self.unload(self.address, SENSE_BYTES)
            if sense[2] & 0xF != SenseKey.UNIT_ATTENTION:
                raise SequenceError(f"target {target}: sense {sense.hex()} is no UNIT ATTENTION")
            if (await self.command(target, ready)).status != Status.GOOD:
                raise SequenceError(f"target {target} is not ready")


class DiscoverSequence(HostSequence):
    """Discovery of Table 1: QUERY to each target, leader first, the last indicator to the last."""

    def __init__(self, targets: Sequence[int], group: int = 0) -> None:
        super().__init__("discover")
        self.targets = targets
        self.group = group
        self.completions: list[HostCompletion] = []

    async def body(self) -> None:
        """z counts up from 0 in the order given."""
        for z, target in enumerate(self.targets):
            last = z == len(self.targets) - 1
            tag = self.sequencer.take_tag()
            request = QueryRequest(self.initiator, tag, disc_priv=True, target=target, group=self.group, z=z, last=last)
            self.completions += await (await self.submit(request)).wait()


Post = Callable[["MirrorImageSequence", int, bytes], Iterator[Request]]
"""The requests that mirror one block: (sequence, LBA, data)."""


def post_silent(sequence: MirrorImageSequence, lba: int, data: bytes) -> Iterator[Request]:
    """One mirrored write to the whole group."""
    yield MirrorWriteRequest(
        sequence.initiator,
        sequence.sequencer.take_tag(),
        tagged=True,
        disc_priv=True,
        group=0,
        order=tuple(range(len(sequence.targets))),
        lba=lba,
        data=data,
    )


def post_normal(sequence: MirrorImageSequence, lba: int, data: bytes) -> Iterator[Request]:
    """An ordinary write to each target; no target may disconnect."""
    cdb = write_10(lba, 1)
    for target in sequence.targets:
        yield CommandRequest(sequence.initiator, sequence.sequencer.take_tag(), target=target, cdb=cdb, data=data)


def post_normal_disconnect(sequence: MirrorImageSequence, lba: int, data: bytes) -> Iterator[Request]:
    """An ordinary tagged write to each target; targets disconnect after the data and come back with their status."""
    cdb = write_10(lba, 1)
    for target in sequence.targets:
        tag = sequence.sequencer.take_tag()
        yield CommandRequest(sequence.initiator, tag, tagged=True, disc_priv=True, target=target, cdb=cdb, data=data)


WAYS: dict[str, Post] = {
    "silent": post_silent,
    "normal": post_normal,
    "normal_disconnect": post_normal_disconnect,
}
"""The ways to mirror, in the order of report and table."""


class MirrorImageSequence(HostSequence):
    """Write an image block by block to every target.

    A block begins when all statuses of the one before are in. The next block's data is loaded while the current one is
    on the bus, the same in all ways. `lead_in` is run when the first block is in the buffer, so that the host makes no
    gap between initialisation and data; it may use the buffer behind one block. `begun` is called after it.
    """

    def __init__(
        self,
        way: str,
        targets: Sequence[int],
        blocks: Sequence[bytes],
        progress: Callable[[int], None] | None = None,
        first_lba: int = 0,
        lead_in: Sequence[HostSequence] = (),
        begun: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(f"mirror_{way}")
        self.post = WAYS[way]
        self.targets = targets
        self.blocks = blocks
        self.progress = progress or (lambda _done: None)
        self.first_lba = first_lba
        self.lead_in = lead_in
        self.begun = begun or (lambda: None)
        self.items: list[SubmitItem] = []

    async def body(self) -> None:
        """Blocks in order; two buffers take turns."""
        size = len(self.blocks[0])
        await self.load(0, self.blocks[0])
        for sequence in self.lead_in:
            await sequence.start(self.sequencer)
        self.begun()
        before: list[SubmitItem] = []
        for index, data in enumerate(self.blocks):
            address = index % 2 * size
            current: list[SubmitItem] = []
            for request in self.post(self, self.first_lba + index, data):
                current.append(await self.submit(request, address, after=before if not current else ()))
                if len(current) == 1:
                    self.progress(index)
                    if index + 1 < len(self.blocks):
                        await self.load((index + 1) % 2 * size, self.blocks[index + 1])
            self.items += current
            before = current
        for item in before:
            await item.wait()
        self.progress(len(self.blocks))
