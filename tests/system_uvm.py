"""System tests in the UVM environment: a case as data, judged by scoreboard (reference model), checker and media."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import with_timeout

from cocotbext.scsi.constants import Status
from silentmirror.bench import TARGET_IDS, BenchConfig, SlotConfig
from silentmirror.bench import Kind as SlotKind
from silentmirror.env import EnvConfig, HostCompletion, HostSequence, HostSettings, MirrorTest
from silentmirror.model import CommandRequest, MirrorWriteRequest, QueryRequest, Request, Result

INITIATOR = 7
GROUP = 0
BLOCKS = 8
_TARGET_SLOTS = (*range(2, 16), 1)
_LIMIT_MS = 20
_IN = 12288
"""Byte address in the block buffer for what comes in."""


@dataclass(frozen=True)
class Write:
    """A mirrored write: z of the members in the order of service, first block, blocks."""

    order: tuple[int, ...]
    lba: int = 0
    blocks: int = 1
    tagged: bool = True


@dataclass(frozen=True)
class Case:
    """A bus and what is done on it."""

    ids: Sequence[int] = (5, 4, 3)
    """SCSI IDs of the targets; those that know mirroring become members z = 0, 1, ... in this order."""
    narrow: Sequence[int] = ()
    """Targets that can do 8 bit only."""
    legacy: Sequence[int] = ()
    """Targets that know no mirroring: asked all the same."""
    outside: Sequence[int] = ()
    """Targets that are not asked to join."""
    wide: bool = True
    """The initiator offers 16 bit."""
    block_len: int = 512
    cables: dict[int, float] = field(default_factory=dict)
    """One-way cable delay in ns by SCSI ID."""
    writes: Sequence[Write] = (Write((0, 1, 2)),)

    @property
    def members(self) -> list[int]:
        """SCSI IDs in the order of z."""
        return [scsi_id for scsi_id in self.ids if scsi_id not in (*self.legacy, *self.outside)]


def first_ids(count: int) -> tuple[int, ...]:
    """SCSI IDs of `count` drives in the usual order."""
    return TARGET_IDS[:count]


class SystemTest(MirrorTest):
    """Media with a pattern of their own for each drive; `scenario` of a subclass; media compared afterwards."""

    case: Case = Case()
    required: tuple[str, ...] = ("connections", "completions", "blocks")
    """Comparisons of the scoreboard that must have been made."""

    def make_config(self) -> EnvConfig:
        """Slots and media of the case."""
        case = self.case
        folder = Path("media")
        folder.mkdir(exist_ok=True)
        slots = {0: SlotConfig(SlotKind.INITIATOR, INITIATOR, wide=case.wide, cable_ns=case.cables.get(INITIATOR, 0))}
        self.expected: dict[int, bytearray] = {}
        for slot, scsi_id in zip(_TARGET_SLOTS, case.ids, strict=False):
            image = folder / f"{scsi_id}.img"
            image.write_bytes(self.data(BLOCKS * case.block_len, f"medium {scsi_id}"))
            self.expected[scsi_id] = bytearray(image.read_bytes())
            slots[slot] = SlotConfig(
                SlotKind.TARGET,
                scsi_id,
                wide=scsi_id not in case.narrow,
                mirror=scsi_id not in case.legacy,
                cable_ns=case.cables.get(scsi_id, 0),
                medium=image,
                block_len=case.block_len,
            )
        settings = HostSettings(INITIATOR, wide=case.wide)
        return EnvConfig(BenchConfig(slots, cocotb.RANDOM_SEED), hosts={0: settings}, required=self.required)

    def data(self, length: int, salt: object) -> bytes:
        """Bytes that differ from seed to seed and from use to use."""
        return random.Random(f"{type(self).__name__} {cocotb.RANDOM_SEED} {salt}").randbytes(length)

    async def course(self) -> None:
        """What this test does."""
        raise NotImplementedError

    async def scenario(self) -> None:
        """The course, with a limit in simulated time; then the media."""
        await with_timeout(self.course(), _LIMIT_MS, "ms")

    def check_phase(self) -> None:
        """Every byte of every medium."""
        assert self.expected
        for scsi_id, expected in self.expected.items():
            found = self.env.bench.medium(self.env.config.bench.slot_of_id(scsi_id)).path.read_bytes()
            size = self.case.block_len
            assert len(found) == len(expected) == BLOCKS * size
            wrong = [n for n in range(BLOCKS) if found[n * size :][:size] != expected[n * size :][:size]]
            assert not wrong, f"medium of {scsi_id}: block(s) {wrong} are not what they must be"

    # -- what hosts do ----------------------------------------------------------------------------------------------

    def tag(self) -> int:
        """A tag that is free."""
        return self.sequencer.take_tag()

    async def do(self, request: Request, address: int = 0) -> list[HostCompletion]:
        """Submit and wait."""
        done: list[HostCompletion] = await (await self._host().submit(request, address)).wait()
        return done

    async def command(self, target: int, cdb: bytes, *, data: bytes = b"", data_in: int = 0, disc: bool = False) -> Any:
        """An ordinary command; returns completion and data in."""
        host = self._host()
        if data:
            await host.load(_IN, data)
        request = CommandRequest(
            INITIATOR, self.tag(), tagged=disc, disc_priv=disc, target=target, cdb=cdb, data=data, data_in=data_in
        )
        (done,) = await self.do(request, _IN)
        taken = await host.unload(_IN, data_in) if data_in and done.moved == data_in else b""
        return done, taken

    async def sense(self, target: int) -> tuple[int, int]:
        """Sense key and ASC/ASCQ."""
        done, data = await self.command(target, bytes([0x03, 0, 0, 0, 18, 0]), data_in=18)
        assert (done.result, done.status) == (Result.OK, Status.GOOD)
        return data[2] & 0xF, data[12] << 8 | data[13]

    async def ready(self) -> None:
        """Take the unit attention of each target; negotiates on the way."""
        for scsi_id in self.case.ids:
            assert await self.sense(scsi_id) == (6, 0x2901)

    async def enrol(self) -> None:
        """QUERY to the targets in order: members get z = 0, 1, ...; a legacy target is asked for the next z."""
        members = self.case.members
        for scsi_id in self.case.ids:
            if scsi_id in self.case.outside:
                continue
            z = sum(one in members for one in self.case.ids[: self.case.ids.index(scsi_id)])
            last = scsi_id == members[-1]
            query = QueryRequest(INITIATOR, self.tag(), disc_priv=True, target=scsi_id, group=GROUP, z=z, last=last)
            (done,) = await self.do(query)
            assert done.result is (Result.OK if scsi_id in members else Result.NOT_CAPABLE)

    async def mirror(self, write: Write) -> None:
        """A mirrored write that must end GOOD everywhere."""
        data = self.data(write.blocks * self.case.block_len, write)
        await self._host().load(0, data)
        request = MirrorWriteRequest(
            INITIATOR, self.tag(), write.tagged, True, group=GROUP, order=write.order, lba=write.lba, data=data
        )
        (done,) = await self.do(request)
        assert (done.result, done.status) == (Result.OK, Status.GOOD)
        assert set(done.members) == set(write.order)
        for z in write.order:
            self.write_expected(self.case.members[z], write.lba, data)

    def write_expected(self, scsi_id: int, lba: int, data: bytes) -> None:
        """A medium must hold `data` from block `lba` on."""
        start = lba * self.case.block_len
        self.expected[scsi_id][start : start + len(data)] = data

    def _host(self) -> HostSequence:
        """A sequence to call the host's operations on."""
        sequence = HostSequence("host")
        sequence.sequencer = self.sequencer
        return sequence


def make_test(base: type[SystemTest], name: str, case: Case) -> type[SystemTest]:
    """A test class called `name` of a course and a case, for `pyuvm.test()`."""
    return type(name, (base,), {"case": case, "__doc__": f"{base.__doc__} {case}", "__module__": base.__module__})
