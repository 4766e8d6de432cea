"""The disk of the RTL target by itself: every answer against the reference disk."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from cocotbext.scsi.constants import Asc, Opcode, SenseKey, Status
from disk_rig import CACHING_OFF, CACHING_ON, RESETS, SENSE_CDB, DiskRig, What, mode_select, mode_sense, random_cdb, ten
from helpers.disk_reference import Abilities, DataKind, Sense

RANDOM_COMMANDS = 3000
RANDOM_LISTS = 400


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def generated_data(dut: Any) -> None:
    """Each command that returns data, at every allocation length, for several media and abilities."""
    media = [(16, 512, False), (0x0123_4567, 1024, True), (0x00FE_DCBA, 2048, False), (2**32 - 1, 4096, True)]
    slow, fast = Abilities(False, 0, False, False), Abilities(True, 9, True, True)
    abilities = [Abilities(), slow, Abilities(True, 10, False, True), fast]
    for (blocks, block_len, wprot), can in zip(media, abilities, strict=True):
        rig = await DiskRig(dut).start(blocks=blocks, block_len=block_len, write_protected=wprot, abilities=can)
        await rig.quiet()
        for length in [*range(66), 255]:
            await rig.command(bytes([0x12, 0, 0, 0, length, 0]))
            await rig.command(bytes([0x12, 0, 0, 0, length, 0]), lun=3)
            await rig.command(bytes([0x12, 0, 0, 1, length, 0]))
            await rig.command(bytes([0x03, 0, 0, 0, length, 0]))
            await rig.command(bytes([0x03, 0, 0, 0, length, 0]), lun=5)
            for control in range(3):
                await rig.command(mode_sense(0x08, length, control=control))
                await rig.command(mode_sense(0x3F, length, control=control, first=0x08))
            await rig.command(bytes([0xA0, 0, 2 * (length & 1), 0, 0, 0, 0, 0, 0, length, 0, 0]))
        assert (await rig.command(ten(0x25, 0, 0))).data[:4] == (blocks - 1).to_bytes(4, "big")
        assert (await rig.command(ten(0x25, blocks - 1, 1))).data[4:] == block_len.to_bytes(4, "big")
        assert rig.kinds[DataKind.GENERATED] > 600


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def known_bytes(dut: Any) -> None:
    """Data typed from the standard's layouts, so that reference and disk cannot err together."""
    rig = await DiskRig(dut).start(blocks=0x12345, block_len=512, abilities=Abilities(True, 9, True, True))
    inquiry = (await rig.command(bytes([0x12, 0, 0, 0, 255, 0]))).data
    assert inquiry[:8].hex(" ") == "00 00 03 02 35 00 00 32"
    assert inquiry[8:36] == b"SILENT  MIRROR DISK     0001"
    assert (len(inquiry), inquiry[56]) == (58, 0x0E)
    assert (await rig.command(SENSE_CDB)).data.hex(" ") == "70 00 06 00 00 00 00 0a 00 00 00 00 29 01 00 00 00 00"
    assert (await rig.command(ten(0x25, 0, 0))).data.hex(" ") == "00 01 23 44 00 00 02 00"
    mode = (await rig.command(mode_sense(0x08))).data
    assert mode.hex(" ") == "1f 00 10 08 00 01 23 45 00 00 02 00 08 12 01" + 17 * " 00"
    assert (await rig.command(mode_sense(0x3F, control=1, first=8))).data.hex(
        " "
    ) == "17 00 10 00 08 12 04" + 17 * " 00"
    luns = (await rig.command(bytes([0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]))).data
    assert luns.hex(" ") == "00 00 00 08" + 12 * " 00"
    await rig.command(ten(0x28, 0x12344, 2))
    assert (await rig.command(SENSE_CDB)).data.hex(" ") == "f0 00 05 00 01 23 45 0a 00 00 00 00 21 00 00 00 00 00"
    await rig.fail(0, SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR, deferred=True)
    assert (await rig.command(SENSE_CDB)).data.hex(" ") == "71 00 03 00 00 00 00 0a 00 00 00 00 0c 00 00 00 00 00"


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def refusals(dut: Any) -> None:
    """Every refusal with its sense data."""
    rig = await DiskRig(dut).start(blocks=0x20_0000)
    await rig.quiet()
    illegal = SenseKey.ILLEGAL_REQUEST
    for opcode in set(range(256)) - set(Opcode):
        await rig.refused(bytes([opcode]) + bytes(9), illegal, Asc.INVALID_OPCODE)
    lun_cdb = bytes([0, 0, 0, 0, 0, 0])
    for lun in range(1, 64):
        await rig.refused(lun_cdb, illegal, Asc.LUN_NOT_SUPPORTED, lun=lun)
    fields = [
        *(bytes([op, 0, 0, 0, 0, 1 << bit]) for op in (0, 3, 8, 10, 0x12, 0x15) for bit in range(3)),
        *(bytes([0x1A, 0, 8, 0, 9, 1 << bit]) for bit in range(3)),
        *(ten(op, 0, 0)[:9] + bytes([1 << bit]) for op in (0x25, 0x28, 0x2A, 0x35) for bit in range(3)),
        *(ten(op, 0, 1, 1) for op in (0x25, 0x28, 0x2A, 0x35)),
        *(bytes([0x12, first, page, 0, 36, 0]) for first, page in ((1, 0), (1, 0x80), (2, 0), (0, 0x83))),
        bytes([3, 1, 0, 0, 18, 0]),
        ten(0x25, 1, 0),
        bytes([0x15, 0x11, 0, 0, 24, 0]),
        *(bytes([0x1A, 0, page, 0, 24, 0]) for page in range(64) if page not in (0x08, 0x3F)),
        bytes([0x1A, 0, 8, 1, 24, 0]),
        bytes([0x1A, 0, 0x3F, 0xFF, 24, 0]),
        *(bytes([0xA0, 0, 0, 0, 0, 0, 0, 0, 0, length, 0, 0]) for length in range(16)),
        *(bytes([0xA0, 0, report, 0, 0, 0, 0, 0, 1, 0, 0, 0]) for report in range(256) if report not in (0, 2)),
    ]
    for cdb in fields:
        await rig.refused(cdb, illegal, Asc.INVALID_FIELD_IN_CDB)
    for page in (0x08, 0x3F):
        await rig.refused(mode_sense(page, control=3), illegal, Asc.SAVING_PARAMETERS_NOT_SUPPORTED)
    for length in set(range(256)) - {0, 4, 12, 24, 32}:
        await rig.refused(mode_select(length), illegal, Asc.PARAMETER_LIST_LENGTH_ERROR)
    end = 0x20_0000
    for lba, count in (
        (end, 1),
        (end - 1, 2),
        (end + 1, 0),
        (2**32 - 1, 1),
        (2**32 - 1, 0xFFFF),
        (end - 0xFFFE, 0xFFFF),
    ):
        for opcode in (0x28, 0x2A, 0x35):
            await rig.refused(ten(opcode, lba, count), illegal, Asc.LBA_OUT_OF_RANGE)
    await rig.refused(ten(0x35, end, 0), illegal, Asc.LBA_OUT_OF_RANGE)
    await rig.refused(ten(0x25, end, 1), illegal, Asc.LBA_OUT_OF_RANGE)
    await rig.refused(bytes([0x08, 0x1F, 0xFF, 0x01, 0, 0]), illegal, Asc.LBA_OUT_OF_RANGE)
    for first in (0x00, 0xE0):
        assert (await rig.command(bytes([0x08, first | 0x1F, 0xFF, 0x00, 0, 0]))).blocks == 256
    dut.wprot_i.value = 1
    rig.reference.write_protected = True
    for cdb in (ten(0x2A, 0, 1), ten(0x2A, 0, 0), bytes([0x0A, 0, 0, 0, 1, 0])):
        await rig.refused(cdb, SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED)
    assert (await rig.mirrored(0, 512)).status == Status.CHECK_CONDITION
    assert await rig.sense() == (SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def mirrored_writes(dut: Any) -> None:
    """Whole blocks that fit the buffer, on the medium and of the LUN that exists."""
    for block_len in (512, 1024, 2048, 4096):
        rig = await DiskRig(dut).start(block_len=block_len)
        assert (await rig.mirrored(0, block_len)).status == Status.CHECK_CONDITION
        await rig.quiet()
        for length in (block_len, 4096, 0, 1, 511, 512, 1024, 2048, 4095, 4097, 8192, 0xFF_FFFF, 0x80_0000):
            for lba in (0, 8, 15, 16, 2**32 - 1):
                await rig.mirrored(lba, length)
                await rig.sense()
        await rig.mirrored(3, block_len, lun=1)
        assert await rig.sense() == (SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
        assert rig.kinds[DataKind.WRITE] >= 3


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def unit_attentions(dut: Any) -> None:
    """Once for each initiator, by CHECK CONDITION or by REQUEST SENSE; INQUIRY and REPORT LUNS pass them by."""
    rig = await DiskRig(dut).start()
    ready = bytes(6)
    for what, asc in (
        (What.POWER_ON, Asc.POWER_ON),
        (What.BUS_RESET, Asc.BUS_RESET),
        (What.TARGET_RESET, Asc.TARGET_RESET),
    ):
        await rig.reset(what)
        for initiator in range(16):
            assert (await rig.command(bytes([0x12, 0, 0, 0, 36, 0]), initiator=initiator)).data
            assert (await rig.command(bytes([0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0]), initiator=initiator)).data
            assert (await rig.command(SENSE_CDB, initiator=initiator, lun=7)).data[12] == 0x25
            await rig.refused(ready, SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED, initiator=initiator, lun=7)
            # sense data comes before the unit attention
            assert await rig.sense(initiator) == (SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
            if initiator % 3 == 0:
                assert await rig.sense(initiator) == (SenseKey.UNIT_ATTENTION, asc)
            elif initiator % 3 == 1:
                await rig.refused(ready, SenseKey.UNIT_ATTENTION, asc, initiator=initiator)
            else:
                await rig.refused(bytes([0xFF, *bytes(9)]), SenseKey.UNIT_ATTENTION, asc, initiator=initiator)
            assert await rig.sense(initiator) == (SenseKey.NO_SENSE, Asc.NONE)
            assert (await rig.command(ready, initiator=initiator)).status == Status.GOOD
    await rig.reset(What.BUS_RESET)
    await rig.reset(What.TARGET_RESET)
    assert await rig.sense(4) == (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def sense_data_waits(dut: Any) -> None:
    """For its initiator, until REQUEST SENSE or the next command of that initiator for this LUN; a reset ends it."""
    rig = await DiskRig(dut).start()
    await rig.quiet()
    error = (SenseKey.MEDIUM_ERROR, Asc.UNRECOVERED_READ_ERROR)
    parity = (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
    await rig.fail(3, *error)
    await rig.fail(9, *parity)
    await rig.refused(bytes([0xFF, *bytes(9)]), SenseKey.ILLEGAL_REQUEST, Asc.INVALID_OPCODE, initiator=5)
    assert (await rig.command(bytes(6), initiator=3, lun=2)).status == Status.CHECK_CONDITION
    assert await rig.sense(3, lun=2) == (SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
    assert await rig.sense(3) == error
    assert await rig.sense(3) == (SenseKey.NO_SENSE, Asc.NONE)
    assert (await rig.command(bytes(6), initiator=9)).status == Status.GOOD
    assert await rig.sense(9) == (SenseKey.NO_SENSE, Asc.NONE)
    await rig.fail(9, *parity)
    await rig.command(bytes([0x12, 0, 0, 0, 36, 0]), initiator=9)
    assert await rig.sense(9) == (SenseKey.NO_SENSE, Asc.NONE)
    await rig.fail(9, *parity)
    await rig.reset(What.BUS_RESET)
    assert await rig.sense(9) == (SenseKey.UNIT_ATTENTION, Asc.BUS_RESET)
    assert await rig.sense(9) == (SenseKey.NO_SENSE, Asc.NONE)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def deferred_errors(dut: Any) -> None:
    """The next command that is not always answered is not carried out but tells; a reset does not silence it."""
    rig = await DiskRig(dut).start()
    await rig.quiet()
    error = (SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR)
    await rig.fail(6, *error, deferred=True)
    await rig.fail(6, SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
    assert await rig.sense(6) == (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
    assert (await rig.command(bytes(6), initiator=7)).status == Status.GOOD
    assert (await rig.command(bytes([0x12, 0, 0, 0, 36, 0]), initiator=6)).data
    assert (await rig.command(ten(0x2A, 0, 1), initiator=6)).status == Status.CHECK_CONDITION
    data = (await rig.command(SENSE_CDB, initiator=6)).data
    assert (data[0], data[2], data[12]) == (0x71, SenseKey.MEDIUM_ERROR, 0x0C)
    assert (await rig.command(bytes(6), initiator=6)).status == Status.GOOD
    await rig.fail(6, *error, deferred=True)
    await rig.fail(1, *error, deferred=True)
    await rig.reset(What.BUS_RESET)
    assert await rig.sense(6) == (SenseKey.UNIT_ATTENTION, Asc.BUS_RESET)
    assert await rig.sense(6) == error
    assert await rig.sense(6) == (SenseKey.NO_SENSE, Asc.NONE)
    await rig.reset(What.POWER_ON)
    assert await rig.sense(1) == (SenseKey.UNIT_ATTENTION, Asc.POWER_ON)
    assert await rig.sense(1) == (SenseKey.NO_SENSE, Asc.NONE)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def mode_select_changes_the_cache(dut: Any) -> None:
    """WCE goes on and off; the other initiators learn of it once; what MODE SENSE gave is accepted back."""
    rig = await DiskRig(dut).start(blocks=0x0100_0001, block_len=2048, write_protected=True)
    await rig.quiet()
    await rig.command(mode_select(24), parameters=CACHING_ON, initiator=2)
    assert int(dut.cache_o.value) == 1
    assert (await rig.command(mode_sense(8), initiator=2)).data[14] == 0x05
    assert (await rig.command(mode_sense(8, control=2), initiator=2)).data[14] == 0x01
    await rig.refused(bytes(6), SenseKey.UNIT_ATTENTION, Asc.MODE_PARAMETERS_CHANGED, initiator=1)
    assert await rig.sense(0) == (SenseKey.UNIT_ATTENTION, Asc.MODE_PARAMETERS_CHANGED)
    await rig.quiet()
    await rig.command(mode_select(24), parameters=CACHING_ON, initiator=3)
    assert await rig.sense(0) == (SenseKey.NO_SENSE, Asc.NONE)
    echo = (await rig.command(mode_sense(8))).data
    await rig.command(mode_select(32), parameters=echo)
    await rig.command(mode_select(32), parameters=echo[:5] + bytes(3) + echo[8:14] + b"\x01" + echo[15:])
    assert int(dut.cache_o.value) == 0
    for length in (0, 4, 12):
        answer = await rig.command(mode_select(length), parameters=echo if length == 12 else bytes(4))
        assert answer.status == Status.GOOD
    await rig.quiet()
    await rig.command(mode_select(24), parameters=CACHING_ON, initiator=3)
    await rig.reset(What.TARGET_RESET)
    assert int(dut.cache_o.value) == 0
    assert await rig.sense(0) == (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET)
    assert await rig.sense(0) == (SenseKey.NO_SENSE, Asc.NONE)


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def bad_parameter_lists(dut: Any) -> None:
    """Each bit of a good list inverted: refused, unless it may be set; then random lists of each length."""
    rig = await DiskRig(dut).start(blocks=0x23_4567, block_len=1024)
    await rig.quiet()
    ours = (await rig.command(mode_sense(8))).data
    refused = 0
    for good in (CACHING_OFF, b"\0" + ours[1:]):
        for bit in range(8 * len(good)):
            dut.together_i.value = bit & 1
            dut.halves_i.value = bit >> 1 & 1
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            cache = rig.reference.cache
            answer = await rig.command(mode_select(len(good)), parameters=bytes(bad))
            refused += answer.status == Status.CHECK_CONDITION
            assert answer.status == Status.GOOD or rig.reference.cache == cache
            await rig.sense()
    # of 24 + 32 bytes: mode data length and device-specific byte are passed over, WCE may be set
    assert refused == 8 * (24 + 32) - 2 * (8 + 8 + 1)
    for _ in range(RANDOM_LISTS):
        given = bytearray(random.choice([CACHING_ON, CACHING_OFF, ours]).ljust(32, b"\0"))
        for _ in range(random.choice([0, 0, 1, 2, 5])):
            given[random.randrange(32)] = random.choice([0, 8, random.getrandbits(8)])
        dut.together_i.value = random.getrandbits(1)
        dut.halves_i.value = random.getrandbits(1)
        await rig.command(mode_select(random.choice([4, 12, 24, 32])), parameters=bytes(given))
        await rig.sense(random.randrange(16))
        await rig.sense()
    assert rig.told[Asc.INVALID_FIELD_IN_PARAMETER_LIST] > refused
    assert rig.told[Asc.PARAMETER_LIST_LENGTH_ERROR] > 10
    assert rig.told[Asc.MODE_PARAMETERS_CHANGED] > 10


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def sense_from_elsewhere_during_a_verdict(dut: Any) -> None:
    """Neither of the two is lost when sense data for another initiator arrives while a refusal is being stored."""
    rig = await DiskRig(dut).start()
    await rig.quiet()
    dut.sense_initiator_i.value = 11
    dut.key_i.value = SenseKey.MEDIUM_ERROR
    dut.code_i.value = Asc.WRITE_ERROR
    dut.collide_i.value = 1
    assert (await rig.command(bytes([0xFF, *bytes(9)]), initiator=4)).status == Status.CHECK_CONDITION
    dut.collide_i.value = 0
    rig.reference.failed(11, Sense(SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR))
    assert await rig.sense(4) == (SenseKey.ILLEGAL_REQUEST, Asc.INVALID_OPCODE)
    assert await rig.sense(11) == (SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def random_commands(dut: Any) -> None:
    """Random CDBs, lists, mirrored writes, errors and resets from all initiators: the answer is the reference's."""
    rng = random.Random(cocotb.RANDOM_SEED)
    sent: set[bytes] = set()
    for blocks, block_len in ((16, 512), (0x1234, 1024), (0x20_0000, 2048), (2**32 - 1, 4096)):
        rig = await DiskRig(dut).start(blocks=blocks, block_len=block_len, write_protected=block_len == 2048)
        for _ in range(RANDOM_COMMANDS // 4):
            initiator = rng.choice([0, 7, 7, 15, rng.randrange(16)])
            lun = rng.choice([0, 0, 0, 0, 0, 0, 0, 1, 8, rng.randrange(64)])
            await _disturb(rig, rng)
            if rng.random() < 0.1:
                await rig.mirrored(
                    rng.choice([0, blocks - 1, blocks, rng.getrandbits(32)]),
                    rng.choice([block_len, 4096, 512, 0, rng.getrandbits(24)]),
                    initiator=initiator,
                    lun=lun,
                )
                continue
            cdb = random_cdb(rng, blocks)
            sent.add(cdb)
            parameters = bytearray(rng.choice([CACHING_ON, CACHING_OFF]).ljust(32, b"\0"))
            if rng.random() < 0.3:
                parameters[rng.randrange(32)] = rng.getrandbits(8)
            dut.together_i.value = rng.getrandbits(1)
            dut.halves_i.value = rng.getrandbits(1)
            answer = await rig.command(cdb, initiator=initiator, lun=lun, parameters=bytes(parameters))
            if answer.status == Status.CHECK_CONDITION and rng.random() < 0.7:
                await rig.sense(initiator, lun)
        kinds = set(DataKind) - ({DataKind.WRITE} if block_len == 2048 else set())
        assert {kind for kind, seen in rig.kinds.items() if seen >= 2} == kinds, rig.kinds
    assert len(sent) >= 2000


async def _disturb(rig: DiskRig, rng: random.Random) -> None:
    """Now and then something happens beside the commands."""
    chance = rng.random()
    if chance < 0.03:
        asc = rng.choice([Asc.WRITE_ERROR, Asc.UNRECOVERED_READ_ERROR])
        await rig.fail(rng.choice([0, 7, 15]), SenseKey.MEDIUM_ERROR, asc, deferred=rng.random() < 0.5)
    elif chance < 0.04:
        await rig.reset(rng.choice(list(RESETS)))
