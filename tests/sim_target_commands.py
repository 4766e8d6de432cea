"""Every command of the RTL target over the bus: data, status and sense data as the reference disk says, to the byte."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import cocotb

from cocotbext.scsi.constants import Asc, Opcode, SenseKey, Status
from cocotbext.scsi.models.initiator import InitiatorModel
from cocotbext.scsi.models.task import Result
from disk_rig import CACHING_OFF, CACHING_ON, SENSE_CDB, mode_select, mode_sense, random_cdb, ten
from helpers.disk_reference import Abilities, Answer, DataKind, DiskReference
from model_rig import pattern
from target_rig import BLANK, BLOCKS, INITIATOR, OTHER_INITIATOR, TargetRig

TARGET = 5
RANDOM_COMMANDS = 60


class CommandRig(TargetRig):
    """One target; what is sent goes to the reference disk as well, and every answer is compared."""

    def prepare(self, **changes: Any) -> None:
        """Two initiators and the reference of the target as it is after power-on."""
        self.reference = DiskReference(blocks=self.blocks, block_len=self.block_len, **changes)
        self.written: dict[int, bytes] = {}
        """Blocks that were written, by LBA."""
        self.kinds: Counter[DataKind] = Counter()
        self.hosts = {one: self.initiator(one) for one in (INITIATOR, OTHER_INITIATOR)}

    async def run(
        self, cdb: bytes, *, host: int = INITIATOR, lun: int = 0, data_out: bytes = b"", tag: int | None = None
    ) -> Answer:
        """One command; the answer, which is what the reference says."""
        expected = self.reference.command(host, lun, cdb, data_out)
        if expected.kind is DataKind.WRITE:
            data_out = pattern(expected.blocks * self.block_len, 3 + len(self.written))
        result = await self.hosts[host].command(TARGET, cdb, data_out=data_out, lun=lun, tag=tag)
        self._compare(expected, result, data_out, f"{cdb.hex()} LUN {lun} of {host}")
        return expected

    def _compare(self, expected: Answer, result: Result, data_out: bytes, what: str) -> None:
        assert result.status == expected.status, f"{what}: {result}, not {expected}"
        self.kinds[expected.kind] += 1
        data, sent = expected.data, 0
        if expected.kind is DataKind.READ:
            data = b"".join(self._block(expected.lba + n) for n in range(expected.blocks))
        elif expected.kind is DataKind.PARAMETERS:
            sent = expected.length
        elif expected.kind is DataKind.WRITE:
            sent = len(data_out)
            for n in range(expected.blocks):
                self.written[expected.lba + n] = data_out[n * self.block_len :][: self.block_len]
        assert result.data == data, f"{what}: {result.data.hex()}, not {data.hex()}"
        assert result.sent == sent, f"{what}: took {result.sent} bytes, not {sent}"

    def _block(self, lba: int) -> bytes:
        return self.written.get(lba, BLANK * self.block_len)

    async def sense(  # type: ignore[override]
        self, host: int = INITIATOR, lun: int = 0
    ) -> tuple[SenseKey, Asc]:
        """What REQUEST SENSE returns, compared to the byte."""
        data = (await self.run(SENSE_CDB, host=host, lun=lun)).data
        return SenseKey(data[2] & 0xF), Asc(int.from_bytes(data[12:14], "big"))

    async def quiet(self) -> None:
        """Both initiators take what waits for them."""
        for host in self.hosts:
            while (await self.sense(host))[0] != SenseKey.NO_SENSE:
                pass

    def check_medium(self) -> None:
        """The medium holds what was written and is blank elsewhere."""
        expected = b"".join(self._block(lba) for lba in range(self.blocks))
        assert self.medium(TARGET).path.read_bytes() == expected


async def start(dut: Any, *, abilities: Abilities | None = None, **fields: Any) -> CommandRig:
    """A target on the bench with these abilities."""
    can = abilities or Abilities()
    straps = {"wide": can.wide, "period": can.period, "dt": can.dt, "qas": can.qas}
    rig = CommandRig(dut, ids=(TARGET,), overrides={TARGET: straps}, **fields)
    await rig.start()
    rig.prepare(abilities=can)
    return rig


async def widen(rig: CommandRig, host: InitiatorModel) -> None:
    """16 bit; the command that goes along goes to the reference as well."""
    assert await host.negotiate_wide(TARGET)
    rig.reference.command(host.scsi_id, 0, bytes(6))


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def generated_data(dut: Any) -> None:
    """Every command that returns data, 8 and 16 bit, odd and even allocation lengths."""
    rig = await start(dut)
    assert await rig.sense() == (SenseKey.UNIT_ATTENTION, Asc.POWER_ON)
    await rig.quiet()
    for wide in (False, True):
        if wide:
            await widen(rig, rig.hosts[INITIATOR])
        for length in (0, 1, 2, 5, 18, 24, 31, 36, 57, 58, 255):
            await rig.run(bytes([0x12, 0, 0, 0, length, 0]))
            await rig.run(bytes([0x03, 0, 0, 0, length, 0]))
            await rig.run(mode_sense(0x3F, length))
        for control in range(3):
            await rig.run(mode_sense(0x08, control=control, first=8))
        await rig.run(bytes([0x12, 0, 0, 0, 36, 0]), lun=6)
        await rig.run(ten(0x25, 0, 0))
        await rig.run(ten(0x25, BLOCKS - 1, 1))
        await rig.run(bytes([0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0]))
    assert rig.kinds[DataKind.GENERATED] > 70
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def reads_and_writes(dut: Any) -> None:
    """Six and ten bytes, one block to all, with and without disconnection; a count of 0 is 256 blocks or none."""
    rig = await start(dut)
    await rig.quiet()
    await widen(rig, rig.hosts[INITIATOR])
    await rig.run(bytes([0x0A, 0, 0, 3, 2, 0]))
    await rig.run(bytes([0x08, 0, 0, 2, 4, 0]))
    await rig.run(ten(0x2A, BLOCKS - 1, 1, 0x18), tag=4)
    await rig.run(ten(0x28, 0, BLOCKS, 0x18), tag=5)
    for cdb in (ten(0x2A, BLOCKS, 0), ten(0x28, 0, 0)):
        assert (await rig.run(cdb)).status == Status.GOOD
    many, far = bytes([0x08, 0, 0, 0, 0, 0]), bytes([0x0A, 0x1F, 0xFF, 0xFF, 1, 0])
    for cdb in (many, far, ten(0x28, BLOCKS - 1, 2), ten(0x2A, BLOCKS + 1, 0)):
        assert (await rig.run(cdb)).status == Status.CHECK_CONDITION
        assert await rig.sense() == (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE)
    rig.check_medium()
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def write_cache(dut: Any) -> None:
    """MODE SELECT switches it, the other initiator learns of it, SYNCHRONIZE CACHE empties it, TARGET RESET ends it."""
    rig = await start(dut)
    await rig.quiet()
    for wide in (False, True):
        if wide:
            await widen(rig, rig.hosts[INITIATOR])
        assert (await rig.run(mode_select(24), data_out=CACHING_ON)).status == Status.GOOD
        assert (await rig.run(mode_sense(8))).data[14] == 0x05
        assert await rig.sense(OTHER_INITIATOR) == (SenseKey.UNIT_ATTENTION, Asc.MODE_PARAMETERS_CHANGED)
        await rig.run(ten(0x2A, 2, 3))
        await rig.run(ten(0x2A, 9, 1, 8))
        await rig.run(ten(0x35, 0, 0))
        rig.check_medium()
        await rig.run(ten(0x28, 2, 8 if wide else 3))
        await rig.run(ten(0x35, 0, BLOCKS, 2))
        bad = bytearray(CACHING_OFF)
        bad[7] = 1
        assert (await rig.run(mode_select(24), data_out=bytes(bad))).status == Status.CHECK_CONDITION
        assert await rig.sense() == (SenseKey.ILLEGAL_REQUEST, Asc.INVALID_FIELD_IN_PARAMETER_LIST)
        assert (await rig.run(mode_select(12), data_out=CACHING_OFF[:12])).status == Status.CHECK_CONDITION
        assert await rig.sense() == (SenseKey.ILLEGAL_REQUEST, Asc.PARAMETER_LIST_LENGTH_ERROR)
        assert rig.reference.cache
        assert (await rig.run(mode_select(24), data_out=CACHING_OFF)).status == Status.GOOD
        assert await rig.sense(OTHER_INITIATOR) == (SenseKey.UNIT_ATTENTION, Asc.MODE_PARAMETERS_CHANGED)
    assert rig.kinds[DataKind.SYNC] == 2
    await rig.finish()


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def random_commands(dut: Any) -> None:
    """Random CDBs from two initiators; sense data to the byte after each refusal; the medium at the end."""
    rng = random.Random(cocotb.RANDOM_SEED)
    rig = await start(dut)
    await widen(rig, rig.hosts[OTHER_INITIATOR])
    for _ in range(RANDOM_COMMANDS):
        cdb = random_cdb(rng, BLOCKS)
        host, lun = rng.choice(list(rig.hosts)), rng.choice([0, 0, 0, 0, 0, 1, 63])
        lists = rng.choice([CACHING_ON, CACHING_OFF]).ljust(32, b"\0")
        answer = await rig.run(cdb[: _length(cdb[0])], host=host, lun=lun, data_out=lists)
        if answer.status == Status.CHECK_CONDITION:
            await rig.sense(host, lun)
    await rig.run(ten(Opcode.SYNCHRONIZE_CACHE_10, 0, 0))
    await rig.quiet()
    await rig.run(ten(Opcode.SYNCHRONIZE_CACHE_10, 0, 0))
    rig.check_medium()
    assert len(rig.kinds) >= 4
    await rig.finish()


def _length(opcode: int) -> int:
    """Bytes of a CDB by its group."""
    return {1: 10, 2: 10, 4: 16, 5: 12}.get(opcode >> 5, 6)
