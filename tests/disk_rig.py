"""The disk of the RTL target on tests/models/disk_bench.v, with the reference disk beside it; CDBs to try on it."""

from __future__ import annotations

import random
from collections import Counter
from enum import IntEnum
from typing import Any

from cocotb.triggers import FallingEdge, RisingEdge, Timer

from cocotbext.scsi.constants import Asc, Opcode, SenseKey, Status
from helpers.disk_reference import Answer, DataKind, DiskReference, Sense

VERDICT_CLOCKS = 8
"""An answer takes no longer."""
COLLISION_CLOCKS = 16
"""... even when sense data from elsewhere keeps the store busy."""
SENSE_CDB = bytes([0x03, 0, 0, 0, 18, 0])
CACHING_ON = bytes([0, 0, 0, 0, 8, 18, 5]) + bytes(17)
CACHING_OFF = bytes([0, 0, 0, 0, 8, 18, 1]) + bytes(17)


class What(IntEnum):
    """Requests to the bench."""

    COMMAND = 0
    MIRROR = 1
    SENSE = 2
    DEFERRED = 3
    BUS_RESET = 4
    TARGET_RESET = 5
    POWER_ON = 6


RESETS = {What.BUS_RESET: Asc.BUS_RESET, What.TARGET_RESET: Asc.TARGET_RESET, What.POWER_ON: Asc.POWER_ON}


class DiskRig:
    """The disk under test and the reference, which sees the same events; every answer is compared."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.reference = DiskReference()
        self.told: Counter[Asc] = Counter()
        """Sense data that REQUEST SENSE returned."""
        self.kinds: Counter[DataKind] = Counter()
        for name in (
            "go",
            "collide",
            "initiator",
            "lun",
            "key",
            "code",
            "sense_initiator",
            "params",
            "halves",
            "together",
        ):
            self._set(name, 0)

    async def start(self, **fields: Any) -> DiskRig:
        """Power on with these properties of the medium and these abilities."""
        self.reference = DiskReference(**fields)
        one = self.reference
        self._set("blocks", one.blocks)
        self._set("block_len", one.block_len)
        self._set("wprot", one.write_protected)
        for name in ("wide", "period", "dt", "qas"):
            self._set(name, getattr(one.abilities, name))
        await Timer(50, "ns")
        await self.reset(What.POWER_ON)
        return self

    def _set(self, name: str, value: int) -> None:
        getattr(self.dut, f"{name}_i").value = int(value)

    async def _run(self, what: What, initiator: int = 0) -> None:
        self._set("what", what)
        self._set("initiator", initiator)
        self._set("go", 1)
        await RisingEdge(self.dut.ended_o)
        self._set("go", 0)
        await FallingEdge(self.dut.ended_o)

    async def reset(self, what: What) -> None:
        """One of the resets, at the disk and at the reference."""
        await self._run(what)
        self.reference.reset(RESETS[what])

    async def fail(self, initiator: int, key: SenseKey, asc: Asc, *, deferred: bool = False) -> None:
        """A command failed outside the disk."""
        self._set("key", key)
        self._set("code", asc)
        await self._run(What.DEFERRED if deferred else What.SENSE, initiator)
        self.reference.failed(initiator, Sense(key, asc, deferred=deferred))

    async def command(self, cdb: bytes, *, initiator: int = 0, lun: int = 0, parameters: bytes = b"") -> Answer:
        """A command; the answer, which is what the reference says."""
        self._set("lun", lun)
        self.dut.cdb_i.value = int.from_bytes(cdb[:10].ljust(10, b"\0"), "big")
        self.dut.params_i.value = int.from_bytes(parameters, "little")
        await self._run(What.COMMAND, initiator)
        expected = self.reference.command(initiator, lun, cdb, parameters)
        self._compare(expected, f"{cdb.hex()} {parameters.hex()} LUN {lun} of {initiator}")
        if cdb[0] == Opcode.REQUEST_SENSE and len(expected.data) == 18:
            self.told[Asc(int.from_bytes(expected.data[12:14], "big"))] += 1
        return expected

    async def mirrored(self, lba: int, length: int, *, initiator: int = 0, lun: int = 0) -> Answer:
        """A mirrored write; the answer, which is what the reference says."""
        self._set("lun", lun)
        self._set("lba", lba)
        self._set("len", length)
        await self._run(What.MIRROR, initiator)
        expected = self.reference.mirrored(initiator, lun, lba, length)
        self._compare(expected, f"mirrored write of {length} bytes at {lba}, LUN {lun} of {initiator}")
        return expected

    def _compare(self, expected: Answer, what: str) -> None:
        dut = self.dut
        kind = DataKind(int(dut.kind_o.value))
        status = Status(int(dut.status_o.value))
        assert (kind, status) == (expected.kind, expected.status), f"{what}: {kind!r} {status!r}, not {expected}"
        limit = COLLISION_CLOCKS if int(dut.collide_i.value) else VERDICT_CLOCKS
        assert int(dut.clocks_o.value) <= limit, f"{what}: {int(dut.clocks_o.value)} clocks"
        assert bool(int(dut.cache_o.value)) == self.reference.cache, what
        self.kinds[kind] += 1
        if kind is DataKind.GENERATED:
            length = int(dut.bytes_o.value)
            data = int(dut.data_o.value).to_bytes(64, "little")[:length]
            assert data == expected.data, f"{what}: {data.hex()}, not {expected.data.hex()}"
        elif kind is DataKind.PARAMETERS:
            assert int(dut.bytes_o.value) == expected.length, what
        elif kind in (DataKind.READ, DataKind.WRITE):
            found = int(dut.lba_o.value), int(dut.blocks_o.value)
            assert found == (expected.lba, expected.blocks), f"{what}: {found}, not {expected}"
            if kind is DataKind.WRITE:
                assert bool(int(dut.fua_o.value)) == expected.fua, what

    async def sense(self, initiator: int = 0, lun: int = 0) -> tuple[SenseKey, Asc]:
        """What REQUEST SENSE returns."""
        data = (await self.command(SENSE_CDB, initiator=initiator, lun=lun)).data
        return SenseKey(data[2]), Asc(int.from_bytes(data[12:14], "big"))

    async def refused(self, cdb: bytes, key: SenseKey, asc: Asc, **how: Any) -> None:
        """CHECK CONDITION with this sense data."""
        assert (await self.command(cdb, **how)).status == Status.CHECK_CONDITION, cdb.hex()
        where = {name: how[name] for name in ("initiator", "lun") if name in how}
        assert await self.sense(**where) == (key, asc), cdb.hex()

    async def quiet(self) -> None:
        """Every initiator takes what waits for it."""
        for initiator in range(16):
            while (await self.sense(initiator))[0] != SenseKey.NO_SENSE:
                pass


def mode_select(length: int, *, first: int = 0x10) -> bytes:
    """CDB of MODE SELECT(6)."""
    return bytes([0x15, first, 0, 0, length, 0])


def mode_sense(page: int, allocation: int = 255, *, control: int = 0, first: int = 0) -> bytes:
    """CDB of MODE SENSE(6)."""
    return bytes([0x1A, first, control << 6 | page, 0, allocation, 0])


def ten(opcode: int, lba: int, count: int, first: int = 0) -> bytes:
    """A 10-byte CDB with LBA and block count."""
    return bytes([opcode, first]) + lba.to_bytes(4, "big") + b"\0" + count.to_bytes(2, "big") + b"\0"


def random_cdb(rng: random.Random, blocks: int) -> bytes:
    """A CDB: mostly known commands with fields near their limits, some of them noise."""
    if rng.random() < 0.15:
        return rng.randbytes(12)
    often = [
        Opcode.READ_10,
        Opcode.WRITE_10,
        Opcode.READ_6,
        Opcode.WRITE_6,
        Opcode.MODE_SELECT_6,
        Opcode.SYNCHRONIZE_CACHE_10,
    ]
    opcode = rng.choice([*Opcode, *often, *often])
    cdb = bytearray(12)
    cdb[0] = opcode
    cdb[1] = rng.choice([0, 0, 0, 0, 8, 8, 0x10, 2, 1, rng.getrandbits(8)])
    if opcode >> 5 == 1:
        lba = rng.choice(
            [0, rng.randrange(blocks), blocks - 1, blocks, min(blocks + 1, 2**32 - 1), rng.getrandbits(32)]
        )
        count = rng.choice([0, 1, 1, 1, rng.randrange(1, 9), blocks - min(lba, blocks), rng.getrandbits(16)]) & 0xFFFF
        cdb[2:6] = (0 if opcode == Opcode.READ_CAPACITY_10 and rng.random() < 0.7 else lba).to_bytes(4, "big")
        cdb[7:9] = count.to_bytes(2, "big")
        cdb[9] = rng.choice([0, 0, 0, 0, 0xC0, 0x38, rng.getrandbits(8)])
    elif opcode >> 5 == 5:
        cdb[2] = rng.choice([0, 0, 2, 1, rng.getrandbits(8)])
        cdb[6:10] = rng.choice([0, 15, 16, 17, 255, 256, rng.getrandbits(32)]).to_bytes(4, "big")
    else:
        cdb[2] = rng.choice([0, 0x08, 0x3F, 0x48, 0x88, 0xC8, rng.getrandbits(8)])
        cdb[3] = rng.choice([0, 0, 0, rng.getrandbits(8)])
        cdb[4] = rng.choice([0, 4, 12, 18, 24, 32, 36, 255, rng.getrandbits(8)])
        cdb[5] = rng.choice([0, 0, 0, 0, 0xC0, rng.getrandbits(8)])
    return bytes(cdb)
