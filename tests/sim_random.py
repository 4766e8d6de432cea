"""Random traffic through the whole environment: every request is judged by the scoreboard against the reference model.

Three drives that know mirroring, an 8-bit drive that does not, and actions drawn from the seed: discovery in changing
groups, extensions agreed on or not, mirrored writes and reads in changing order, with blocks that lie apart, with media
that fail and repetitions, ordinary writes that disconnect or not, reads, refused commands, bus reset.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import cocotb
import pyuvm
from cocotb.triggers import Timer

from cocotbext.scsi.constants import Opcode, Status
from silentmirror.bench import Medium, standard_config
from silentmirror.env import DiscoverSequence, EnvConfig, HostSequence, MirrorTest, SubmitItem, write_10
from silentmirror.env.items import RegisterItem
from silentmirror.model import (
    CapabilityRequest,
    CommandRequest,
    Mirroring,
    MirrorReadRequest,
    MirrorRequest,
    MirrorWriteRequest,
    Policy,
    QueryRequest,
    ReferenceModel,
    Result,
)

MEMBERS = (5, 4, 3)
LEGACY = 6
TARGETS = (*MEMBERS, LEGACY)
BLOCK = 512
BLOCKS = 32
ACTIONS = 16
DATA, BACK = 0, 8192
ONCE = Mirroring()
"""Byte addresses in the block buffer: for what goes out, for what comes in."""


class RandomSequence(HostSequence):
    """Draws actions; each leaves nothing outstanding."""

    def __init__(self, model: ReferenceModel, medium_of: Callable[[int], Medium]) -> None:
        super().__init__("random")
        self.model = model
        self.medium_of = medium_of
        self.rng = random.Random(cocotb.RANDOM_SEED)
        self.groups: dict[int, tuple[int, ...]] = {}
        """Group number -> its members by z."""

    async def body(self) -> None:
        """Unit attentions first, so that most of what follows is good; every action at least once."""
        await self.clear_attention()
        await self.discover()
        actions: list[Callable[[], Awaitable[None]]] = [
            self.discover,
            self.query_legacy,
            self.mirror_write,
            self.mirror_write,
            self.mirror_beyond,
            self.mirror_scattered,
            self.mirror_read,
            self.mirror_repeated,
            self.capability,
            self.write,
            self.writes_that_disconnect,
            self.read,
            self.refused,
            self.not_a_member,
            self.reset,
        ]
        drawn = actions + self.rng.choices(actions, k=ACTIONS - len(actions))
        self.rng.shuffle(drawn)
        for action in drawn:
            await action()

    async def clear_attention(self) -> None:
        for target in TARGETS:
            assert (await self.command(target, bytes(6))).status == Status.CHECK_CONDITION
            await self.sense(target)

    async def sense(self, target: int) -> None:
        await self.command(target, bytes([Opcode.REQUEST_SENSE, 0, 0, 0, 18, 0]), data_in=18, address=BACK)

    async def discover(self) -> None:
        group = self.rng.randrange(16)
        members = tuple(self.rng.sample(MEMBERS, self.rng.randint(1, 3)))
        sequence = DiscoverSequence(members, group)
        await sequence.start(self.sequencer)
        assert [c.result for c in sequence.completions] == [Result.OK] * len(members)
        self.groups[group] = members

    async def query_legacy(self) -> None:
        request = QueryRequest(self.initiator, self.sequencer.take_tag(), disc_priv=True, target=LEGACY, group=1, z=9)
        (completion,) = await (await self.submit(request)).wait()
        assert completion.result is Result.NOT_CAPABLE

    async def mirror_write(self) -> None:
        item = await self.post_mirror_write(self.rng.randrange(BLOCKS), 1)
        await item.wait()
        assert item.good

    async def mirror_beyond(self) -> None:
        """Beyond the medium: the data are taken, CHECK CONDITION comes from every member, sense explains it."""
        item = await self.post_mirror_write(BLOCKS - 1, 2)
        (completion,) = await item.wait()
        assert isinstance(item.request, MirrorRequest)
        for z, member in completion.members.items():
            assert member.status == Status.CHECK_CONDITION
            await self.sense(self.groups[item.request.group][z])

    async def mirror_scattered(self) -> None:
        """Up to four blocks that lie apart, by one command."""
        lba, *more = self.rng.sample(range(BLOCKS), self.rng.randint(2, 4))
        item = await self.post_mirror_write(lba, 1 + len(more), Mirroring(tuple(more), series=self.rng.randint(1, 4)))
        await item.wait()
        assert item.good

    async def mirror_repeated(self) -> None:
        """Some media fail once; the host lets it be repeated or not."""
        failing = self.rng.sample(MEMBERS, self.rng.randint(1, 2))
        for target in failing:
            self.fail_next(target, 1)
        how = Mirroring(policy=self.rng.choice(list(Policy)), rounds=self.rng.randint(0, 2))
        await (await self.post_mirror_write(self.rng.randrange(BLOCKS), 1, how)).wait()
        for target in failing:
            self.fail_next(target, 0)
            await self.sense(target)

    async def mirror_read(self) -> None:
        """Copies are alike or not: the model knows."""
        group, order = self.some_members()
        lba, *more = self.rng.sample(range(BLOCKS), self.rng.randint(1, 3))
        how = Mirroring(tuple(more), self.rng.choice(list(Policy)), 1, self.rng.randint(1, 4))
        tag = self.sequencer.take_tag()
        request = MirrorReadRequest(
            self.initiator, tag, True, True, group=group, order=order, lba=lba, length=BLOCK, how=how
        )
        (completion,) = await (await self.submit(request, BACK)).wait()
        assert completion.members
        leader = self.model.targets[self.groups[group][order[0]]].medium
        assert await self.unload(BACK, BLOCK) == leader.read(lba)

    async def capability(self) -> None:
        """What the initiator offers changes; all members of a group are asked."""
        await self._item(RegisterItem(("ABILITY", self.rng.choice([0, 1, 3]) << 24)))
        group = self.rng.choice(list(self.groups))
        for z, target in enumerate(self.groups[group]):
            tag = self.sequencer.take_tag()
            request = CapabilityRequest(self.initiator, tag, disc_priv=True, target=target, group=group, z=z)
            (completion,) = await (await self.submit(request)).wait()
            assert completion.result is Result.OK

    def some_members(self) -> tuple[int, tuple[int, ...]]:
        """A group, and some z of it in any order."""
        group = self.rng.choice(list(self.groups))
        members = range(len(self.groups[group]))
        return group, tuple(self.rng.sample(members, self.rng.randint(1, len(members))))

    def fail_next(self, target: int, count: int) -> None:
        """Let the next blocks of a drive end in an error, on the bench and in the model."""
        self.medium_of(target).fail_next(count)
        self.model.targets[target].medium.fail_next(count)

    async def post_mirror_write(self, lba: int, blocks: int, how: Mirroring = ONCE) -> SubmitItem:
        group, order = self.some_members()
        data = self.rng.randbytes(blocks * BLOCK)
        await self.load(DATA, data)
        tag = self.sequencer.take_tag()
        tagged = self.rng.random() < 0.8
        request = MirrorWriteRequest(
            self.initiator, tag, tagged, True, group=group, order=order, lba=lba, data=data, how=how
        )
        return await self.submit(request, DATA)

    async def write(self) -> None:
        target, lba, data = self.rng.choice(TARGETS), self.rng.randrange(BLOCKS), self.rng.randbytes(BLOCK)
        await self.load(DATA, data)
        tag = self.sequencer.take_tag()
        item = await self.submit(
            CommandRequest(self.initiator, tag, target=target, cdb=write_10(lba, 1), data=data), DATA
        )
        await item.wait()
        assert item.good

    async def writes_that_disconnect(self) -> None:
        """To several drives, all posted before any status."""
        data = self.rng.randbytes(BLOCK)
        await self.load(DATA, data)
        items = []
        for target in self.rng.sample(TARGETS, self.rng.randint(1, len(TARGETS))):
            tag, cdb = self.sequencer.take_tag(), write_10(self.rng.randrange(BLOCKS), 1)
            request = CommandRequest(self.initiator, tag, True, True, target=target, cdb=cdb, data=data)
            items.append(await self.submit(request, DATA))
        for item in items:
            await item.wait()
            assert item.good

    async def read(self) -> None:
        target, lba = self.rng.choice(TARGETS), self.rng.randrange(BLOCKS)
        cdb = bytes([Opcode.READ_10, 0, *lba.to_bytes(4, "big"), 0, 0, 1, 0])
        completion = await self.command(target, cdb, data_in=BLOCK, address=BACK)
        assert completion.status == Status.GOOD
        assert await self.unload(BACK, BLOCK) == self.model.targets[target].medium.read(lba)

    async def refused(self) -> None:
        """An operation code that the drive does not know, or a block that it does not have."""
        target = self.rng.choice(TARGETS)
        cdb = self.rng.choice([bytes([0x1B, 0, 0, 0, 0, 0]), write_10(BLOCKS, 1)])
        completion = await self.command(target, cdb)
        assert completion.status == Status.CHECK_CONDITION
        await self.sense(target)

    async def not_a_member(self) -> None:
        """A mirrored write that names an identity nobody holds: refused by the initiator, nothing on the bus."""
        group = self.rng.choice(list(self.groups))
        tag, data = self.sequencer.take_tag(), bytes(BLOCK)
        request = MirrorWriteRequest(self.initiator, tag, True, True, group=group, order=(0, 14), lba=0, data=data)
        (completion,) = await (await self.submit(request, DATA)).wait()
        assert completion.result is Result.BAD_DESCRIPTOR

    async def reset(self) -> None:
        """RST: enrolments, agreements and quiet are gone."""
        await self._item(RegisterItem(("CONTROL", 1)))
        await Timer(40, "us")
        self.groups.clear()
        await self.clear_attention()
        await self.discover()


class RandomTrafficTest(MirrorTest):
    """The environment with four drives."""

    def make_config(self) -> EnvConfig:
        """Media with content of their own; the last drive is 8 bit wide and knows no mirroring."""
        media = {}
        rng = random.Random(f"media {cocotb.RANDOM_SEED}")
        for slot in range(2, 6):
            media[slot] = Path(f"medium{slot}.img").resolve()
            media[slot].write_bytes(rng.randbytes(BLOCKS * BLOCK))
        return EnvConfig(
            standard_config(
                4,
                seed=cocotb.RANDOM_SEED,
                media=media,
                cable_ns=rng.choice([0.0, 5.0, 15.0]),
                overrides={5: {"mirror": False, "wide": False}},
            ),
            transcript=Path("bus.jsonl").resolve(),
        )

    async def scenario(self) -> None:
        """The traffic, then the whole media against the model."""
        model = self.env.scoreboard.model
        bench = self.env.bench
        await RandomSequence(model, lambda scsi_id: bench.medium(bench.config.slot_of_id(scsi_id))).start(
            self.sequencer
        )
        for target in model.targets.values():
            slot = self.env.config.bench.slot_of_id(target.scsi_id)
            assert self.env.bench.medium(slot).path.read_bytes() == target.medium.read(0, BLOCKS)
        self.logger.info("compared: %s", dict(self.env.scoreboard.compared))


RandomTraffic = pyuvm.test()(RandomTrafficTest)
