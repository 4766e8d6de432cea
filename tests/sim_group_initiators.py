"""Three RTL initiators with groups of their own on the same drives, mirroring while the others do what they like.

Two use the same group number. Each host draws mirrored writes, ordinary writes and reads from the seed, one at a time;
a drive that had no room for a mirrored write is served again. What the media may hold then is worked out from the
hosts' view alone: which writes ended before which began.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import Any

import cocotb
from cocotb.triggers import Timer
from cocotb.utils import get_sim_time

from cocotbext.scsi import Kind
from group_rig import FAST_20, FAST_40, FAST_80, GroupRig, rng
from helpers.commands import read_10, write_10
from helpers.history import History, Written
from initiator_rig import BUS_FREE, GOOD, OK, SKIPPED, Host
from system_rig import BLOCK

IDS = (5, 4, 3, 0)
GROUPS: dict[int, dict[int, tuple[int, ...]]] = {
    7: {1: (5, 4, 3), 2: (0, 3)},
    6: {1: (4, 5, 0), 9: (3, 5)},
    2: {7: (3, 0, 4)},
}
"""By initiator: members of its groups by z. Group 1 is there twice: overlapping drives, other IDs in the group."""
OWN_BLOCKS = {7: range(5), 6: range(5, 10), 2: range(10, 15)}
SHARED_BLOCK = 15
ACTIONS = int(os.environ.get("GROUP_ACTIONS", "5"))
"""What each host does."""
DRAWS = range(int(os.environ.get("GROUP_DRAWS", "1")))
BUSY, TASK_SET_FULL = 0x08, 0x28
NO_ROOM = (SKIPPED, BUS_FREE)
"""Results of a member that had no room for the operation: it has written nothing."""
TRIES = 40
READ_ADDR = 4096


@dataclass
class Actor:
    """One host and its random actions."""

    rig: GroupRig
    host: Host
    history: History
    draw: random.Random
    mirrored: int = 0
    repeated: int = 0
    found: list[tuple[int, int, Written]] = field(default_factory=list)
    """Reads to be judged at the end, when all writes are known: SCSI ID, block, what came and when."""

    async def run(self) -> None:
        """A mirrored write to each group first, then as drawn."""
        for group in GROUPS[self.host.scsi_id]:
            await self.mirror(group)
        for _ in range(ACTIONS - len(GROUPS[self.host.scsi_id])):
            await self.draw.choice((self.mirror, self.mirror, self.write, self.read))()
            await Timer(self.draw.randrange(1, 20_000), "ns")

    def block(self) -> tuple[int, bytes]:
        """Where to write, and what."""
        lba = self.draw.choice((*OWN_BLOCKS[self.host.scsi_id], SHARED_BLOCK))
        return lba, self.draw.randbytes(BLOCK)

    async def mirror(self, group: int | None = None) -> None:
        """A mirrored write in any order to any subset, until every member of it has said GOOD."""
        host = self.host
        if group is None:
            group = self.draw.choice(list(GROUPS[host.scsi_id]))
        members = GROUPS[host.scsi_id][group]
        left = self.draw.sample(range(len(members)), self.draw.randint(2, len(members)))
        lba, data = self.block()
        for _ in range(TRIES):
            began = get_sim_time()
            found = await self.rig.mirror_write(host, group, left, lba, data, tag=self.draw.randrange(256))
            for z, one in found.items():
                assert one.good or one.result in NO_ROOM, self.rig.story((host.scsi_id, found))
                if one.good:
                    self.history.add(members[z], lba, Written(began, get_sim_time(), data))
            left = [z for z in left if not found[z].good]
            if not left:
                self.mirrored += 1
                return
            self.repeated += 1
            await Timer(self.draw.randrange(20_000, 80_000), "ns")
        raise AssertionError(self.rig.story(f"initiator {host.scsi_id}: {left} of group {group} never had room"))

    async def write(self) -> None:
        """An ordinary write to any drive."""
        target = self.draw.choice(IDS)
        lba, data = self.block()
        await self.host.load(data)
        began = get_sim_time()
        await self.until_good(target, write_10(lba), data_out=BLOCK)
        self.history.add(target, lba, Written(began, get_sim_time(), data))

    async def read(self) -> None:
        """A block of any drive."""
        target, lba = self.draw.choice(IDS), self.draw.randrange(16)
        began = get_sim_time()
        await self.until_good(target, read_10(lba), data_in=BLOCK, addr=READ_ADDR)
        ended = get_sim_time()
        self.found.append((target, lba, Written(began, ended, await self.host.unload(BLOCK, READ_ADDR))))

    async def until_good(self, target: int, cdb: bytes, **options: Any) -> None:
        """An ordinary command, again while the drive has too much to do."""
        tagged = self.draw.random() < 0.7
        for _ in range(TRIES):
            tag = self.draw.randrange(256) if tagged else None
            done = await self.host.command(target, cdb, disc=tagged, tag=tag, **options)
            assert done.result == OK, self.rig.story(done)
            if done.status == GOOD:
                return
            assert done.status in (BUSY, TASK_SET_FULL), self.rig.story(done)
            await Timer(self.draw.randrange(20_000, 80_000), "ns")
        raise AssertionError(self.rig.story(f"target {target} is busy for ever"))


@cocotb.test(timeout_time=60, timeout_unit="ms")
@cocotb.parametrize(number=DRAWS)
async def at_the_same_time(dut: Any, number: int) -> None:
    """Everybody at once; then every block of every drive is what one of the possible orders of writes makes it."""
    kinds: tuple[dict[str, Any], ...] = (FAST_80, FAST_40, FAST_20, {})
    draw = rng(f"initiators {number}")
    qas = draw.random() < 0.5
    overrides = {scsi_id: {**kind, "qas": qas} for scsi_id, kind in zip(IDS, kinds, strict=True)}
    rig = await GroupRig(dut, ids=IDS, hosts=3, overrides=overrides, allow_unexpected_free=True).start()
    history = History({scsi_id: rig.medium(scsi_id).path.read_bytes() for scsi_id in IDS}, BLOCK)
    hosts = await rig.all_hosts(qas=int(qas))
    for host in hosts:
        for group, members in GROUPS[host.scsi_id].items():
            await rig.join(host, group, members)
    await rig.mark()
    actors = [Actor(rig, host, history, rng(f"{number} {host.scsi_id}")) for host in hosts]
    for running in [cocotb.start_soon(actor.run()) for actor in actors]:
        await running
    await rig.quiet()
    verdict(rig, history, actors)
    await rig.finish()


def verdict(rig: GroupRig, history: History, actors: list[Actor]) -> None:
    """The media, the reads, and that there was a contest."""
    judged = 0
    now = get_sim_time()
    for scsi_id in IDS:
        for lba in range(rig.blocks):
            found = rig.medium(scsi_id).block(lba)
            assert found in history.possible(scsi_id, lba, now, now), f"block {lba} of {scsi_id} is nobody's"
            judged += (scsi_id, lba) in history.writes
            rig.wrote([scsi_id], lba, found)
    assert judged >= 10
    for actor in actors:
        assert actor.mirrored >= len(GROUPS[actor.host.scsi_id])
        for scsi_id, lba, read in actor.found:
            possible = history.possible(scsi_id, lba, read.began, read.ended)
            assert read.data in possible, f"{actor.host.scsi_id} read {lba} of {scsi_id}"
    contests = [one for one in rig.of_kind(Kind.ARBITRATION) if len({7, 6, 2} & set(one.contenders)) > 1]
    assert contests
    told = [(one.mirrored, one.repeated, len(one.found)) for one in actors]
    print(f"mirrored, repeated, read by each: {told}; {judged} blocks written, {len(contests)} contests")
