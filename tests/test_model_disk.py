"""The disk of the target model by itself, and compared with the reference disk of the RTL's tests."""

from __future__ import annotations

import random

import pytest

from cocotbext.scsi.constants import Asc, Opcode, SenseKey, Status
from cocotbext.scsi.models import Abilities, Medium, Sense
from cocotbext.scsi.models.disk import Disk, cdb_length
from cocotbext.scsi.models.disk.unit import Sink
from helpers.disk_reference import DataKind, DiskReference

BLOCK = 32
BLOCKS = 16
READY = bytes(6)
WRITE_CACHE = bytes([0x08, 18, 0x04, *bytes(17)])
NO_CACHE = bytes([0x08, 18, *bytes(18)])
HEADER = bytes(4)
Answered = tuple[Status, bytes, Sense | None]


class Bench:
    """A disk and what a target does around it."""

    def __init__(self, *, unit_attention: bool = False, started: bool = True) -> None:
        self.medium = Medium(BLOCKS, BLOCK)
        self.disk = Disk(self.medium, unit_attention=unit_attention, started=started)

    def run(self, cdb: bytes, data: bytes = b"", *, initiator: int = 7, lun: int = 0) -> Answered:
        """One command to its status; the sense data is left to be fetched, and returned."""
        disk = self.disk
        disk.arrive(initiator, lun, cdb)
        transfer = disk.start(initiator, lun, cdb)
        sense = transfer.sense
        if sense is None and transfer.out_len:
            sense = disk.finish(initiator, transfer, data[: transfer.out_len].ljust(transfer.out_len, b"\0"))
        if sense is None:
            return Status.GOOD, transfer.data_in, None
        disk.sense[initiator] = sense
        return Status.CHECK_CONDITION, b"", sense

    def good(self, cdb: bytes, data: bytes = b"", *, initiator: int = 7) -> bytes:
        """A command that ends with GOOD."""
        status, data_in, sense = self.run(cdb, data, initiator=initiator)
        assert status is Status.GOOD, sense
        return data_in

    def refused(self, cdb: bytes, data: bytes = b"", *, initiator: int = 7, lun: int = 0) -> tuple[SenseKey, Asc]:
        """A command that ends with CHECK CONDITION; its sense data are fetched."""
        status, _, sense = self.run(cdb, data, initiator=initiator, lun=lun)
        assert status is Status.CHECK_CONDITION, cdb.hex()
        assert sense is not None
        fetched = self.good(request_sense(), initiator=initiator)
        assert fetched == sense.encode()
        assert self.good(request_sense(), initiator=initiator)[2] == SenseKey.NO_SENSE
        return sense.key, sense.asc

    def cache(self, *, initiator: int = 7) -> None:
        """WCE on."""
        self.good(mode_select(24), HEADER + WRITE_CACHE, initiator=initiator)


def request_sense(room: int = 18) -> bytes:
    """REQUEST SENSE."""
    return bytes([Opcode.REQUEST_SENSE, 0, 0, 0, room, 0])


def mode_select(length: int) -> bytes:
    """MODE SELECT(6)."""
    return bytes([Opcode.MODE_SELECT_6, 0x10, 0, 0, length, 0])


def mode_sense(page: int, control: int = 0, *, room: int = 255, dbd: bool = True) -> bytes:
    """MODE SENSE(6)."""
    return bytes([Opcode.MODE_SENSE_6, dbd << 3, control << 6 | page, 0, room, 0])


def ten(opcode: int, lba: int, count: int, first: int = 0) -> bytes:
    """A ten-byte command with an address."""
    return bytes([opcode, first, *lba.to_bytes(4, "big"), 0, *count.to_bytes(2, "big"), 0])


def six(opcode: int, lba: int, count: int) -> bytes:
    """READ(6) or WRITE(6)."""
    return bytes([opcode, *lba.to_bytes(3, "big"), count, 0])


def blocks(count: int, step: int = 3) -> bytes:
    """Data of so many blocks."""
    return bytes((n * step + 1) & 0xFF for n in range(count * BLOCK))


def test_blocks_by_six_and_ten_bytes() -> None:
    bench = Bench()
    bench.good(six(Opcode.WRITE_6, 2, 3), blocks(3))
    assert bench.good(ten(Opcode.READ_10, 2, 3)) == blocks(3)
    bench.good(ten(Opcode.WRITE_10, 2, 1), blocks(1, 5))
    assert bench.good(six(Opcode.READ_6, 2, 1)) == blocks(1, 5)
    assert bench.good(ten(Opcode.READ_10, 15, 0)) == b""
    out_of_range = (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE)
    assert bench.refused(six(Opcode.READ_6, 0, 0)) == out_of_range  # 256 blocks
    assert bench.refused(ten(Opcode.WRITE_10, 15, 2), blocks(2)) == out_of_range
    assert bench.run(ten(Opcode.READ_10, 14, 3))[2] == Sense(*out_of_range, information=16)
    assert sorted(bench.medium.written) == [2, 3, 4]
    big = Disk(Medium(256, BLOCK))
    assert len(big.start(7, 0, six(Opcode.READ_6, 0, 0)).data_in) == 256 * BLOCK


def test_sense_data() -> None:
    assert Sense(SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR, 0x123456, deferred=True).encode() == bytes.fromhex(
        "f10003001234560a000000000c0000000000"
    )
    field = Sense(SenseKey.ILLEGAL_REQUEST, Asc.INVALID_FIELD_IN_CDB, field=2)
    assert field.encode() == bytes.fromhex("700005000000000a00000000240000c00002")
    bench = Bench()
    bench.run(b"\x1d" + bytes(5))
    assert bench.good(request_sense(4)) == bytes([0x70, 0, 5, 0])
    bench.run(b"\x1d" + bytes(5))
    bench.good(READY)
    assert bench.good(request_sense())[2] == SenseKey.NO_SENSE
    assert bench.good(request_sense(), initiator=6)[2] == SenseKey.NO_SENSE


@pytest.mark.parametrize(
    ("cdb", "asc"),
    [
        (b"\x1d" + bytes(5), Asc.INVALID_OPCODE),
        (bytes([0, 0, 0, 0, 0, 1]), Asc.INVALID_FIELD_IN_CDB),  # Link
        (ten(Opcode.READ_10, 0, 1, 1), Asc.INVALID_FIELD_IN_CDB),  # RelAdr
        (ten(Opcode.VERIFY_10, 0, 1, 1), Asc.INVALID_FIELD_IN_CDB),
        (ten(Opcode.VERIFY_10, 16, 1), Asc.LBA_OUT_OF_RANGE),
        (ten(Opcode.SYNCHRONIZE_CACHE_10, 16, 0), Asc.LBA_OUT_OF_RANGE),
        (bytes([Opcode.READ_CAPACITY_10, 0, 0, 0, 0, 1, 0, 0, 0, 0]), Asc.INVALID_FIELD_IN_CDB),
        (bytes([Opcode.INQUIRY, 0, 0x80, 0, 36, 0]), Asc.INVALID_FIELD_IN_CDB),
        (bytes([Opcode.INQUIRY, 1, 0x81, 0, 36, 0]), Asc.INVALID_FIELD_IN_CDB),
        (bytes([Opcode.INQUIRY, 2, 0, 0, 36, 0]), Asc.INVALID_FIELD_IN_CDB),
        (bytes([Opcode.REQUEST_SENSE, 1, 0, 0, 18, 0]), Asc.INVALID_FIELD_IN_CDB),
        (mode_sense(0x01), Asc.INVALID_FIELD_IN_CDB),
        (mode_sense(0x08, 3), Asc.SAVING_PARAMETERS_NOT_SUPPORTED),
        (bytes([Opcode.MODE_SENSE_6, 0, 8, 1, 255, 0]), Asc.INVALID_FIELD_IN_CDB),
        (bytes([Opcode.MODE_SELECT_6, 0x11, 0, 0, 24, 0]), Asc.INVALID_FIELD_IN_CDB),
        (mode_select(3), Asc.PARAMETER_LIST_LENGTH_ERROR),
        (bytes([Opcode.START_STOP_UNIT, 0, 0, 0, 3, 0]), Asc.INVALID_FIELD_IN_CDB),  # LOEJ
        (bytes([Opcode.START_STOP_UNIT, 0, 0, 0, 0x10, 0]), Asc.INVALID_FIELD_IN_CDB),
        (bytes([Opcode.REPORT_LUNS, 0, 3, 0, 0, 0, 0, 0, 0, 16, 0, 0]), Asc.INVALID_FIELD_IN_CDB),
        (bytes([Opcode.REPORT_LUNS, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0]), Asc.INVALID_FIELD_IN_CDB),
    ],
)
def test_refusals(cdb: bytes, asc: Asc) -> None:
    assert Bench().refused(cdb, bytes(255)) == (SenseKey.ILLEGAL_REQUEST, asc)


def test_other_units() -> None:
    bench = Bench()
    for cdb in (READY, ten(Opcode.READ_10, 0, 1), b"\x1d" + bytes(5), mode_sense(8)):
        assert bench.refused(cdb, lun=3) == (SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
    luns = bytes([Opcode.REPORT_LUNS, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    assert bench.refused(luns, lun=3) == (SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
    assert bench.run(bytes([Opcode.INQUIRY, 0, 0, 0, 36, 0]), lun=3)[1][0] == 0x7F
    sense = bench.run(request_sense(), lun=3)[1]
    assert (sense[2], sense[12]) == (SenseKey.ILLEGAL_REQUEST, 0x25)
    assert bench.good(luns) == bytes([0, 0, 0, 8]) + bytes(12)
    assert bench.good(bytes([Opcode.REPORT_LUNS, 0, 1, 0, 0, 0, 0, 0, 0, 16, 0, 0])) == bytes(8)


def test_inquiry() -> None:
    def inquire(can: Abilities, page: int | None = None) -> bytes:
        disk = Disk(Medium(), abilities=can, serial="A7")
        return disk.start(7, 0, bytes([Opcode.INQUIRY, page is not None, page or 0, 0, 255, 0])).data_in

    plain = inquire(Abilities(wide=False))
    assert (len(plain), plain[4], plain[7], plain[56]) == (58, 53, 0x02, 0)
    full = inquire(Abilities(wide=True, offset=63, dt=True, qas=True))
    assert (full[7], full[56]) == (0x32, 0x0E)
    assert inquire(Abilities(), 0x00) == bytes([0, 0, 0, 3, 0x00, 0x80, 0x83])
    assert inquire(Abilities(), 0x80) == b"\0\x80\0\2A7"
    identification = inquire(Abilities(), 0x83)
    assert identification[:8] == bytes([0, 0x83, 0, 30, 2, 1, 0, 26])
    assert identification[8:] == b"COCOTB  TARGET MODEL    A7"


def test_mode_pages() -> None:
    bench = Bench()
    everything = bench.good(mode_sense(0x3F, dbd=False))
    assert everything[0] == len(everything) - 1 == 3 + 8 + 16 + 20 + 12
    assert everything[1:4] == bytes([0, 0x10, 8])
    assert everything[4:12] == bytes([0, 0, 0, BLOCKS, 0, 0, 0, BLOCK])
    assert [everything[at] for at in (12, 28, 48)] == [0x02, 0x08, 0x0A]
    assert bench.good(mode_sense(0x08, 1))[4:] == bytes([8, 18, 5, *bytes(17)])
    bench.medium.write_protected = True
    assert bench.good(mode_sense(0x08))[:4] == bytes([23, 0, 0x90, 0])
    bench.medium.write_protected = False
    bench.cache()
    assert bench.good(mode_sense(0x08))[6] == 4
    assert bench.good(mode_sense(0x08, 2))[6] == 0
    assert bench.refused(READY, initiator=3) == (SenseKey.UNIT_ATTENTION, Asc.MODE_PARAMETERS_CHANGED)
    bench.good(READY)
    bench.good(READY, initiator=3)
    bench.cache()  # no change
    bench.good(READY, initiator=3)
    control = bytes([0x0A, 10, 0, 0x12, 0x08, *bytes(7)])
    burst = bytes([0x02, 14, *bytes(8), 0, 3, 0, 0, 0, 0])
    bench.good(mode_select(4 + 8 + 12 + 16), HEADER[:3] + b"\x08" + everything[4:12] + control + burst)
    modes = bench.disk.modes
    assert (modes.unrestricted, modes.queue_errors, modes.burst, modes.write_protected) == (True, 1, 1536, True)
    assert bench.refused(ten(Opcode.WRITE_10, 0, 1), blocks(1)) == (SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED)
    bench.disk.reset(Asc.BUS_RESET)
    assert (modes.unrestricted, modes.queue_errors, modes.burst, modes.write_protected) == (False, 0, 0, False)
    assert not modes.write_cache


@pytest.mark.parametrize(
    ("parameters", "asc"),
    [
        (HEADER + WRITE_CACHE[:-1], Asc.PARAMETER_LIST_LENGTH_ERROR),
        (HEADER + WRITE_CACHE + b"\x0a", Asc.PARAMETER_LIST_LENGTH_ERROR),
        (b"\0\0\0\x08" + bytes(7), Asc.PARAMETER_LIST_LENGTH_ERROR),
        (b"\0\1\0\0", Asc.INVALID_FIELD_IN_PARAMETER_LIST),
        (b"\0\0\0\4" + bytes(4), Asc.INVALID_FIELD_IN_PARAMETER_LIST),
        (b"\0\0\0\x08" + bytes(8), Asc.INVALID_FIELD_IN_PARAMETER_LIST),  # block length 0
        (HEADER + b"\x08\x0a" + bytes(10), Asc.INVALID_FIELD_IN_PARAMETER_LIST),
        (HEADER + WRITE_CACHE[:5] + b"\x01" + WRITE_CACHE[6:], Asc.INVALID_FIELD_IN_PARAMETER_LIST),
        (HEADER + WRITE_CACHE + b"\x0a\x0a\0\x20" + bytes(8), Asc.INVALID_FIELD_IN_PARAMETER_LIST),  # QAM
        (HEADER + WRITE_CACHE + b"\x0a\x0a\0\x04" + bytes(8), Asc.INVALID_FIELD_IN_PARAMETER_LIST),  # QErr
        (HEADER + b"\x01\x0a" + bytes(10), Asc.INVALID_FIELD_IN_PARAMETER_LIST),
    ],
)
def test_parameter_list_refused_as_a_whole(parameters: bytes, asc: Asc) -> None:
    bench = Bench()
    before = bench.good(mode_sense(0x3F))
    assert bench.refused(mode_select(len(parameters)), parameters) == (SenseKey.ILLEGAL_REQUEST, asc)
    assert bench.good(mode_sense(0x3F)) == before
    bench.good(READY, initiator=3)


def test_write_cache() -> None:
    bench = Bench()
    bench.cache()
    bench.good(ten(Opcode.WRITE_10, 1, 4), blocks(4))
    assert not bench.medium.written
    assert bench.good(ten(Opcode.READ_10, 1, 4)) == blocks(4)
    assert not bench.medium.written
    bench.good(ten(Opcode.SYNCHRONIZE_CACHE_10, 1, 1))
    assert sorted(bench.medium.written) == [1]
    bench.good(ten(Opcode.READ_10, 2, 1, 0x08))  # FUA
    assert sorted(bench.medium.written) == [1, 2]
    bench.good(ten(Opcode.WRITE_10, 3, 1, 0x08), blocks(1, 9))
    assert bench.medium.read(3) == blocks(1, 9)
    bench.good(ten(Opcode.VERIFY_10, 4, 1))
    assert sorted(bench.medium.written) == [1, 2, 3, 4]
    bench.good(six(Opcode.WRITE_6, 9, 1), blocks(1))
    bench.good(mode_select(24), HEADER + NO_CACHE)
    assert bench.medium.read(9) == blocks(1)
    bench.good(ten(Opcode.WRITE_10, 10, 1), blocks(1))
    assert bench.medium.read(10) == blocks(1)
    bench.cache()
    bench.good(ten(Opcode.WRITE_10, 11, 1), blocks(1))
    bench.disk.power_on()
    assert 11 not in bench.medium.written
    assert bench.refused(READY) == (SenseKey.UNIT_ATTENTION, Asc.POWER_ON)


def test_cache_gives_way_to_what_came_later() -> None:
    bench = Bench()
    bench.cache()
    bench.good(ten(Opcode.WRITE_10, 1, 2), blocks(2))
    bench.good(ten(Opcode.WRITE_10, 1, 1, 0x08), blocks(1, 9))
    bench.good(ten(Opcode.WRITE_10, 2, 1), blocks(1, 11))
    bench.disk.flush()
    assert bench.medium.read(1, 2) == blocks(1, 9) + blocks(1, 11)
    assert not bench.disk.cache.dirty


def test_medium_errors() -> None:
    bench = Bench()
    bench.medium.unwritable |= {3, 5}
    bench.medium.unreadable |= {6}
    write_error = Sense(SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR, 3)
    assert bench.run(ten(Opcode.WRITE_10, 2, 2), blocks(2))[2] == write_error
    assert bench.run(ten(Opcode.READ_10, 5, 2))[2] == Sense(SenseKey.MEDIUM_ERROR, Asc.UNRECOVERED_READ_ERROR, 6)
    assert bench.run(ten(Opcode.VERIFY_10, 5, 2))[2] == Sense(SenseKey.MEDIUM_ERROR, Asc.UNRECOVERED_READ_ERROR, 6)
    bench.cache()
    # Its own SYNCHRONIZE CACHE tells the initiator at once.
    bench.good(ten(Opcode.WRITE_10, 3, 1), blocks(1))
    assert bench.run(ten(Opcode.SYNCHRONIZE_CACHE_10, 0, 0))[2] == write_error
    bench.good(ten(Opcode.SYNCHRONIZE_CACHE_10, 0, 0))
    # Written in the background, a failure is a deferred error of the initiator that wrote.
    bench.good(READY)
    bench.good(ten(Opcode.WRITE_10, 4, 2), blocks(2))
    bench.disk.flush()
    assert bench.medium.read(4) == blocks(2)[:BLOCK]
    bench.good(bytes([Opcode.INQUIRY, 0, 0, 0, 36, 0]))
    assert bench.run(ten(Opcode.WRITE_10, 0, 1), blocks(1))[2] == Sense(
        SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR, 5, deferred=True
    )
    assert bench.good(request_sense())[0] == 0xF1
    assert not {0, 5} & bench.medium.written.keys()
    bench.good(READY)


def test_verify_compares() -> None:
    bench = Bench()
    bench.good(ten(Opcode.WRITE_10, 3, 2), blocks(2))
    bench.good(ten(Opcode.VERIFY_10, 3, 2, 2), blocks(2))
    assert bench.disk.start(7, 0, ten(Opcode.VERIFY_10, 3, 2, 2)).sink is Sink.COMPARE
    wrong = blocks(2)[:-1] + b"\xee"
    assert bench.run(ten(Opcode.VERIFY_10, 3, 2, 2), wrong)[2] == Sense(SenseKey.MISCOMPARE, Asc.MISCOMPARE, 4)
    assert bench.medium.read(3, 2) == blocks(2)
    bench.good(ten(Opcode.VERIFY_10, 3, 0, 2))
    # It is the medium that is compared, after what is cached has gone there.
    bench.cache()
    bench.good(ten(Opcode.WRITE_10, 5, 1), blocks(1))
    bench.good(ten(Opcode.VERIFY_10, 5, 1, 2), blocks(1))
    assert bench.medium.read(5) == blocks(1)


def test_stopped() -> None:
    bench = Bench()
    bench.cache()
    bench.good(ten(Opcode.WRITE_10, 1, 1), blocks(1))
    bench.good(bytes([Opcode.START_STOP_UNIT, 0, 0, 0, 0, 0]))
    assert bench.medium.read(1) == blocks(1)
    for cdb in (READY, ten(Opcode.READ_10, 1, 1), ten(Opcode.VERIFY_10, 1, 1), ten(Opcode.WRITE_10, 1, 1)):
        assert bench.refused(cdb, blocks(1)) == (SenseKey.NOT_READY, Asc.START_REQUIRED)
    bench.good(mode_sense(0x08))
    bench.good(bytes([Opcode.START_STOP_UNIT, 0, 0, 0, 1, 0]))
    assert bench.good(ten(Opcode.READ_10, 1, 1)) == blocks(1)
    assert Bench(started=False).refused(READY) == (SenseKey.NOT_READY, Asc.START_REQUIRED)


def test_unit_attention() -> None:
    bench = Bench(unit_attention=True)
    bench.good(bytes([Opcode.INQUIRY, 0, 0, 0, 36, 0]))
    assert bench.refused(READY) == (SenseKey.UNIT_ATTENTION, Asc.POWER_ON)
    bench.good(READY)
    assert bench.good(request_sense(), initiator=3)[12:14] == b"\x29\x01"
    bench.good(READY, initiator=3)
    bench.cache()
    bench.disk.conditions.attention(Asc.COMMANDS_CLEARED, only={3})
    for asc in (Asc.MODE_PARAMETERS_CHANGED, Asc.COMMANDS_CLEARED):
        assert bench.run(READY, initiator=3)[2] == Sense(SenseKey.UNIT_ATTENTION, asc)
    bench.good(READY, initiator=3)
    bench.cache()
    bench.disk.reset(Asc.TARGET_RESET)
    for initiator in (3, 7, 15):
        assert bench.refused(READY, initiator=initiator) == (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET)
        bench.good(READY, initiator=initiator)


def _random_cdb(rng: random.Random) -> bytes:
    """Any of the commands that both disks know, often with something wrong about it."""
    opcode = rng.choice([one for one in Opcode if one not in _MODEL_ALONE] + [0x1D, 0x5F])
    cdb = bytearray(cdb_length(opcode))
    cdb[0] = opcode
    cdb[1] = rng.choice([0, 0, 0, 8, 0x10, 2, 1])
    if len(cdb) == 6:
        cdb[2:4] = rng.choice([0, 0, 1, BLOCKS - 1, 0x0800, 0x8800]).to_bytes(2, "big")
        cdb[4] = rng.choice([0, 1, 2, 8, 18, 255])
    else:
        cdb[2:6] = rng.choice([0, 0, 0, BLOCKS - 1, BLOCKS, rng.getrandbits(32)]).to_bytes(4, "big")
        cdb[7:9] = rng.choice([0, 1, 2, BLOCKS, 0xFFFF]).to_bytes(2, "big")
    cdb[-1] = rng.choice([0] * 12 + [1, 2, 4] if len(cdb) < 12 else [0])
    return bytes(cdb)


_MODEL_ALONE = (Opcode.MODE_SELECT_6, Opcode.START_STOP_UNIT, Opcode.VERIFY_10)
"""What the reference does not know, or (pages) knows less of."""


def _other_by_choice(cdb: bytes) -> bool:
    """The two disks differ on purpose: vital product data, well-known units."""
    return (cdb[0] == Opcode.INQUIRY and bool(cdb[1] & 1)) or (cdb[0] == Opcode.REPORT_LUNS and cdb[2] == 1)


def test_agrees_with_the_reference(seed: int) -> None:
    """Status, sense data, lengths and addresses of the two disks, which know nothing of each other."""
    rng = random.Random(seed)
    bench, reference = Bench(unit_attention=True), DiskReference(BLOCKS, BLOCK)
    compared: dict[tuple[Opcode | int, Status], int] = {}
    for _ in range(6000):
        if rng.random() < 0.01:
            bench.disk.reset(Asc.BUS_RESET)
            reference.reset(Asc.BUS_RESET)
        bench.medium.write_protected = reference.write_protected = rng.random() < 0.2
        initiator, cdb = rng.choice((0, 7, 15)), _random_cdb(rng)
        if _other_by_choice(cdb):
            continue
        expected = reference.command(initiator, 0, cdb)
        status, data, _ = bench.run(cdb, initiator=initiator)
        assert status == expected.status, cdb.hex()
        if cdb[0] == Opcode.REQUEST_SENSE:
            assert data[:15] == expected.data[:15], cdb.hex()
        elif cdb[0] in (Opcode.READ_CAPACITY_10, Opcode.REPORT_LUNS):
            assert data == expected.data, cdb.hex()
        elif expected.kind is DataKind.READ:
            assert len(data) == expected.blocks * BLOCK, cdb.hex()
        elif cdb[0] == Opcode.INQUIRY:
            assert len(data) == len(expected.data), cdb.hex()
        compared[cdb[0], status] = compared.get((cdb[0], status), 0) + 1
    for opcode in Opcode:
        if opcode not in _MODEL_ALONE:
            assert compared[opcode, Status.GOOD] > 20, opcode
            assert compared[opcode, Status.CHECK_CONDITION] > 5, opcode
