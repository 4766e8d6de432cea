"""Ordinary commands between RTL initiator and RTL drives, in the UVM environment."""

from __future__ import annotations

import pyuvm

from cocotbext.scsi.constants import Phase, Status
from silentmirror.model import Result
from system_uvm import BLOCKS, Case, SystemTest, make_test

ILLEGAL_REQUEST, UNIT_ATTENTION, NO_SENSE = 5, 6, 0
LBA_OUT_OF_RANGE, INVALID_OPCODE, POWER_ON, NOTHING = 0x2100, 0x2000, 0x2901, 0x0000
TEST_UNIT_READY = bytes(6)


def rw_10(opcode: int, lba: int, blocks: int = 1) -> bytes:
    """CDB of READ(10) (28h) or WRITE(10) (2Ah)."""
    return bytes([opcode, 0, *lba.to_bytes(4, "big"), 0, *blocks.to_bytes(2, "big"), 0])


class WriteAndReadBack(SystemTest):
    """WRITE(10) without and with disconnection, then READ(10) of the same, at both ends of the medium."""

    extents: tuple[tuple[int, int, bool], ...] = ((0, 1, False), (BLOCKS - 1, 1, True))
    """First block, blocks, whether the target may disconnect."""

    async def course(self) -> None:
        """Each target: write, read, compare."""
        await self.ready()
        size = self.case.block_len
        for target in self.case.ids:
            for lba, blocks, disc in self.extents:
                data = self.data(blocks * size, (target, lba))
                done, _ = await self.command(target, rw_10(0x2A, lba, blocks), data=data, disc=disc)
                assert (done.result, done.status, done.moved) == (Result.OK, Status.GOOD, len(data))
                self.write_expected(target, lba, data)
                done, found = await self.command(target, rw_10(0x28, lba, blocks), data_in=len(data))
                assert (done.result, done.status) == (Result.OK, Status.GOOD)
                assert found == data
        self.widths_are_as_agreed()

    def widths_are_as_agreed(self) -> None:
        """Every data phase of a block is 16 bit wide where both can do it, 8 bit elsewhere."""
        seen = self.env.bus.monitor.transactions
        blocks = [one for one in seen if one.phase in (Phase.DATA_OUT, Phase.DATA_IN) and len(one.data) >= 512]
        assert len(blocks) == 2 * len(self.extents) * len(self.case.ids)
        for one in blocks:
            assert one.wide == (self.case.wide and one.by not in self.case.narrow)


class SeveralBlocks(WriteAndReadBack):
    """The same with two blocks at once."""

    extents = ((0, 2, False), (BLOCKS - 2, 2, True))


class LastBlock(WriteAndReadBack):
    """The last block alone."""

    extents = ((BLOCKS - 1, 1, True),)


class DiskCommands(SystemTest):
    """UNIT ATTENTION at power-on, INQUIRY, READ CAPACITY, CHECK CONDITION and sense."""

    required = ("connections", "completions")

    async def course(self) -> None:
        """What a host asks a new disk, and two things that it must refuse."""
        (target,) = self.case.ids
        done, data = await self.command(target, bytes([0x12, 0, 0, 0, 36, 0]), data_in=36)
        assert (done.result, done.status) == (Result.OK, Status.GOOD)  # INQUIRY is answered whatever is pending
        assert data[0] == 0x00  # a direct access device that is there
        assert data[3] & 0xF == 2
        assert data[4] == 58 - 5  # up to byte 57: CLOCKING and QAS are in byte 56
        assert data[7] & 0x20  # WBUS16
        done, _ = await self.command(target, TEST_UNIT_READY)
        assert done.status == Status.CHECK_CONDITION
        assert await self.sense(target) == (UNIT_ATTENTION, POWER_ON)
        assert await self.sense(target) == (NO_SENSE, NOTHING)
        done, _ = await self.command(target, TEST_UNIT_READY)
        assert done.status == Status.GOOD
        done, data = await self.command(target, bytes([0x25, *bytes(9)]), data_in=8)
        assert done.status == Status.GOOD
        assert data == (BLOCKS - 1).to_bytes(4, "big") + self.case.block_len.to_bytes(4, "big")
        await self.refused(target, rw_10(0x28, BLOCKS), LBA_OUT_OF_RANGE)
        await self.refused(target, rw_10(0x28, BLOCKS - 1, 2), LBA_OUT_OF_RANGE)
        await self.refused(target, bytes([0x04, *bytes(5)]), INVALID_OPCODE)  # FORMAT UNIT
        done, _ = await self.command(target, TEST_UNIT_READY)
        assert done.status == Status.GOOD

    async def refused(self, target: int, cdb: bytes, code: int) -> None:
        """CHECK CONDITION without data, then the sense that explains it."""
        done, _ = await self.command(target, cdb)
        assert (done.result, done.status, done.moved) == (Result.OK, Status.CHECK_CONDITION, 0)
        assert await self.sense(target) == (ILLEGAL_REQUEST, code)


CASES: dict[str, tuple[type[SystemTest], Case]] = {
    "wide": (SeveralBlocks, Case((5,))),
    "narrow_initiator": (WriteAndReadBack, Case((5,), wide=False)),
    "narrow_drive_beside_wide": (WriteAndReadBack, Case((5, 0), narrow=(0,))),
    "block_2048": (LastBlock, Case((3,), block_len=2048)),
    "disk_commands": (DiskCommands, Case((5,))),
}
"""Course and case of each test."""

for _name, (_base, _case) in CASES.items():
    pyuvm.test()(make_test(_base, _name, _case))
