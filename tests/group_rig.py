"""Groups of any size on the bench of `system_rig`: who is in which group, mirrored commands by one helper, bystanders.

Every mirrored command of the tests `sim_group_*` goes through `GroupRig.mirror_write`, so that what the host sees of
one is told in one place. Results of members are kept by z, the member's ID in its group.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cocotb

from cocotbext.scsi.wires import M_ALL, WIDTH, Wires
from initiator_rig import GOOD, MEMBERS, MIRROR_CAPABILITY, MIRROR_READ, NOT_CAPABLE, OK, Host
from silentmirror.bench import TARGET_IDS
from system_rig import BLOCK, SystemRig, pattern

FAST_80: dict[str, Any] = {"period": 0x09, "offset": 63, "dt": True}
FAST_40: dict[str, Any] = {"period": 0x0A, "offset": 31}
FAST_20: dict[str, Any] = {"period": 0x0C, "offset": 15}
ASYNC_8: dict[str, Any] = {"wide": False}
EVERYTHING: dict[str, int] = {"period": 0x09, "offset": 63, "dt": 1}
"""What an initiator offers that can do all that the bench's devices can."""
READ_ADDR = 8192
"""Where in the block buffer mirrored reads put their data."""


@dataclass(frozen=True)
class MemberResult:
    """How a mirrored command ended for one member."""

    result: int
    status: int = GOOD
    block: int = 0
    """The first block that failed."""

    @property
    def good(self) -> bool:
        """It has done its part of all blocks, and said so."""
        return self.result == OK and self.status == GOOD


class Bystanders:
    """Sampler subscriber: when any of some slots drove any of the 27 lines."""

    def __init__(self, slots: Mapping[int, int]) -> None:
        self._masks = {scsi_id: M_ALL << WIDTH * slot for scsi_id, slot in slots.items()}
        self.samples = 0
        self.driven: dict[int, int] = {}
        """SCSI ID to the time in ps of the first sample in which it drove a line."""

    def sample(self, wires: Wires) -> None:
        """Take one sample."""
        assert wires.drivers is not None
        self.samples += 1
        for scsi_id, mask in self._masks.items():
            if wires.drivers & mask:
                self.driven.setdefault(scsi_id, wires.time_ps)


def ids_beside(initiators: int, count: int = 15) -> tuple[int, ...]:
    """SCSI IDs of drives that are free beside the initiators 7, 6, 2, in the bench's usual order."""
    taken = (7, 6, 2)[:initiators]
    return tuple(scsi_id for scsi_id in TARGET_IDS if scsi_id not in taken)[:count]


@dataclass
class GroupRig(SystemRig):
    """See the module. `start` it first."""

    groups: dict[tuple[int, int], dict[int, int]] = field(default_factory=dict)
    """(initiator's SCSI ID, group) to SCSI ID by z."""
    moved: int = 0
    """BYTES of the last mirrored command that has `ended`."""

    async def all_hosts(self, **registers: int) -> list[Host]:
        """The hosts of all initiators, each known to every drive: unit attentions taken, transfers agreed."""
        settings: dict[str, Any] = {**EVERYTHING, **registers}
        hosts = [await self.host(number, **settings) for number in range(self.hosts)]
        for host in hosts:
            await self.ready(host)
        return hosts

    async def join(self, host: Host, group: int, ids: Sequence[int]) -> None:
        """QUERY to each: z is its place in `ids`."""
        assert 0 < len(ids) <= 15
        await self.enrol(host, [(scsi_id, group << 4 | z) for z, scsi_id in enumerate(ids)])
        self.groups[host.scsi_id, group] = dict(enumerate(ids))

    async def agree(self, host: Host, group: int, *, status: bool = True, series: bool = True) -> dict[int, int]:
        """MIRROR CAPABILITY to each member; by z the flags agreed on, 0 where the member declines."""
        ability = host.regs["ABILITY"].unpack(await host.read("ABILITY"))
        ability |= {"MIRROR_STATUS": int(status), "MIRROR_SERIES": int(series)}
        await host.port.write_fields("ABILITY", **ability)
        agreed = {}
        for z, target in self.groups[host.scsi_id, group].items():
            op = {"OPCODE": MIRROR_CAPABILITY, "TARGET": target, "GROUP": group, "Z": z}
            await host.submit(op, DATA_LEN=0)
            done = await host.next_completion()
            assert (done.opcode, done.target) == (MIRROR_CAPABILITY, target)
            assert done.result in (OK, NOT_CAPABLE), self.story(done)
            agreed[z] = done.detail if done.result == OK else 0
        return agreed

    async def mirror_write(
        self,
        host: Host,
        group: int,
        order: Sequence[int],
        lba: int | Sequence[int],
        data: bytes,
        *,
        addr: int = 0,
        **options: Any,
    ) -> dict[int, MemberResult]:
        """A mirrored write to the members `order` (z, the leader first); what became of each.

        One block, or one for each number of `lba`. `options`: tag, policy, rounds, series of the host.
        """
        await host.load(data, addr)
        await self.post(host, group, order, lba, data, addr=addr, **options)
        return await self.ended(host, group, order)

    async def post(
        self, host: Host, group: int, order: Sequence[int], lba: int | Sequence[int], data: bytes, **options: Any
    ) -> None:
        """Hand a mirrored write of `data`, which is in the buffer, over."""
        length = len(data) // (1 if isinstance(lba, int) else len(lba))
        await host.send_mirror_write(order, lba, length, group=group, **options)

    async def mirror_read(
        self,
        host: Host,
        group: int,
        order: Sequence[int],
        lba: int | Sequence[int],
        *,
        addr: int = READ_ADDR,
        **options: Any,
    ) -> tuple[dict[int, MemberResult], bytes]:
        """A mirrored read of one block, or of one for each number of `lba`: what became of each member, the data."""
        length = self.block_len
        await host.send_mirror_write(order, lba, length, group=group, addr=addr, opcode=MIRROR_READ, **options)
        found = await self.ended(host, group, order)
        return found, await host.unload(length * (1 if isinstance(lba, int) else len(lba)), addr)

    async def ended(self, host: Host, group: int, order: Sequence[int]) -> dict[int, MemberResult]:
        """The result of the mirrored command that was handed over, for each member of its order."""
        done = await host.next_completion()
        self.moved = done.moved
        members = self.groups[host.scsi_id, group]
        assert [(one.z, one.target) for one in done.members] == [(z, members[z]) for z in order], self.story(done)
        found = {
            one.z: MemberResult(one.result, one.status if one.result == OK else GOOD, one.block) for one in done.members
        }
        good = sum(one.good for one in found.values())
        assert (done.result, done.rank) == (OK if good == len(order) else MEMBERS, good), self.story(done)
        return found

    async def write_all(
        self,
        host: Host,
        group: int,
        order: Sequence[int],
        lba: int | Sequence[int],
        *,
        salt: object = "",
        **options: Any,
    ) -> bytes:
        """A mirrored write, GOOD at every member of `order`; their media are expected to hold it.

        One block, or one for each number of `lba`.
        """
        lbas = [lba] if isinstance(lba, int) else list(lba)
        data = pattern(self.block_len * len(lbas), ("mirrored", host.scsi_id, group, tuple(lbas), salt))
        found = await self.mirror_write(host, group, order, lba, data, **options)
        assert set(found) == set(order)
        assert all(one.good for one in found.values()), self.story(found)
        members = self.groups[host.scsi_id, group]
        self.hold([members[z] for z in order], lbas, data)
        return data

    def hold(self, ids: Sequence[int], lbas: Sequence[int], data: bytes) -> None:
        """These media must hold the blocks of `data` at these places."""
        for number, lba in enumerate(lbas):
            self.wrote(ids, lba, data[number * self.block_len :][: self.block_len])

    def watch(self, *ids: int) -> Bystanders:
        """From now on: does one of these devices drive anything?"""
        watching = Bystanders({scsi_id: self.bench.config.slot_of_id(scsi_id) for scsi_id in ids})
        self.sampler.subscribe(watching)
        return watching


def rng(salt: object = "") -> random.Random:
    """Random numbers of this test's seed."""
    return random.Random(f"group {cocotb.RANDOM_SEED} {salt}")


__all__ = [
    "ASYNC_8",
    "BLOCK",
    "EVERYTHING",
    "FAST_20",
    "FAST_40",
    "FAST_80",
    "Bystanders",
    "GroupRig",
    "MemberResult",
    "ids_beside",
    "rng",
]
