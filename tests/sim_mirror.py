"""Mirrored writes to groups of all sizes, orders, widths and block lengths, in the UVM environment."""

from __future__ import annotations

import pyuvm

from silentmirror.model import Result
from system_uvm import Case, SystemTest, Write, first_ids, make_test

LEGACY = 6


class MirroredWrites(SystemTest):
    """Enrol, then write as the case says."""

    async def course(self) -> None:
        """Nothing but mirrored writes."""
        await self.ready()
        await self.enrol()
        for write in self.case.writes:
            await self.mirror(write)


class LegacyAmongMembers(SystemTest):
    """A drive that knows no mirroring declines, stays as it is, and is still a drive."""

    async def course(self) -> None:
        """Mirrored writes around it, then an ordinary write and read of its own, then another mirrored write."""
        await self.ready()
        await self.enrol()
        first, second = self.case.writes
        await self.mirror(first)
        block = self.data(self.case.block_len, "ordinary")
        done, _ = await self.command(LEGACY, bytes([0x2A, 0, 0, 0, 0, 3, 0, 0, 1, 0]), data=block)
        assert (done.result, done.status) == (Result.OK, 0)
        self.write_expected(LEGACY, 3, block)
        done, data = await self.command(LEGACY, bytes([0x28, 0, 0, 0, 0, 3, 0, 0, 1, 0]), data_in=len(block))
        assert (done.result, done.status, data) == (Result.OK, 0, block)
        await self.mirror(second)


CASES: dict[str, tuple[type[SystemTest], Case]] = {
    "one": (MirroredWrites, Case(first_ids(1), writes=(Write((0,), 3),))),
    "two": (MirroredWrites, Case(first_ids(2), writes=(Write((0, 1), 7),))),
    "three": (MirroredWrites, Case(writes=(Write((0, 1, 2), 1),))),
    "other_orders": (MirroredWrites, Case(writes=(Write((2, 0, 1), 1), Write((1, 2, 0), 0, tagged=False)))),
    "subsets": (MirroredWrites, Case(writes=(Write((0, 2), 4), Write((1,), 5), Write((2, 1), 6)))),
    "two_blocks": (MirroredWrites, Case(first_ids(2), writes=(Write((0, 1), 5, blocks=2),))),
    "eight_bit": (MirroredWrites, Case(wide=False)),
    "mixed_width": (MirroredWrites, Case(narrow=(4,), writes=(Write((0, 1, 2), 2), Write((1, 2, 0), 3)))),
    "narrow_drives": (MirroredWrites, Case(first_ids(2), narrow=(5, 4), writes=(Write((1, 0)),))),
    "block_1024": (MirroredWrites, Case(first_ids(2), block_len=1024, writes=(Write((0, 1), 7),))),
    "block_4096": (MirroredWrites, Case(first_ids(2), block_len=4096, writes=(Write((1, 0), 1),))),
    "legacy_among_members": (
        LegacyAmongMembers,
        Case((5, LEGACY, 4, 3), legacy=(LEGACY,), writes=(Write((0, 1, 2), 3), Write((2, 1), 4))),
    ),
    "figure_1": (MirroredWrites, Case((5, 4, 2, 1, 3), legacy=(2,), outside=(1,), writes=(Write((0, 1, 2), 4),))),
    "cables_of_25_m": (MirroredWrites, Case(cables={7: 62.0, 5: 0.0, 4: 62.0, 3: 31.0})),
    "leader_far_away": (MirroredWrites, Case(cables={7: 0.0, 5: 62.0, 4: 1.0, 3: 47.5}, narrow=(4,))),
}
"""Course and case of each test."""
LARGE: dict[str, tuple[type[SystemTest], Case]] = {
    "eight": (MirroredWrites, Case(first_ids(8), writes=(Write(tuple(range(8)), 2),))),
    "fifteen": (MirroredWrites, Case(first_ids(15), writes=(Write((7, *range(7), *range(8, 15)), 6),))),
}
"""Groups that make a simulation slow; one block."""

for _name, (_base, _case) in {**CASES, **LARGE}.items():
    pyuvm.test()(make_test(_base, _name, _case))
