"""Synchronous and DT data phases of the Python models against each other, measured at the bus."""

from __future__ import annotations

import random
from itertools import cycle, repeat
from typing import Any

import cocotb
import pytest

from cocotbext.scsi.agreement import Agreement, Option, Sdtr, Wdtr
from cocotbext.scsi.constants import Message, Opcode
from cocotbext.scsi.models import Abilities, InitiatorModel, Medium, StrobeStyle, TargetModel
from cocotbext.scsi.models.strobe_timing import strobe_timing
from helpers.commands import cdb_6, read_10, write_10
from helpers.strobe_meter import Measured
from model_rig import BLOCK, TARGET, Rig, pattern, round_trip

# Factor: transfer period, then transmit assertion and negation, set-up and hold in ns (spi-facts 3.3, 3.4 and 7).
ST = {
    0x0A: (25, 8, 9.25, 9.25),
    0x0B: (30.3, 8, 9.25, 9.25),
    0x0C: (50, 15, 11.5, 16.5),
    0x0D: (52, 15, 11.5, 16.5),
    0x18: (96, 15, 11.5, 16.5),
    0x19: (100, 30, 23, 33),
    0x31: (196, 30, 23, 33),
    0x32: (200, 80, 23, 53),
    0xFF: (1020, 80, 23, 53),
}
DT = {
    0x09: (12.5, 11.5, 4.8, 4.8),
    0x0A: (25, 23, 9.6, 9.6),
    0x0B: (30.3, 23, 9.6, 9.6),
    0x0C: (50, 46, 19.2, 19.2),
    0x19: (100, 92, 38.4, 38.4),
    0x40: (256, 92, 38.4, 38.4),
}
# pCRC set-up and hold in ns, the larger of each pair (3.4).
PCRC = {
    0x09: (14.8, 4.8),
    0x0A: (19.6, 9.6),
    0x0B: (19.6, 9.6),
    0x0C: (29.2, 19.2),
    0x19: (48.4, 38.4),
    0x40: (48.4, 38.4),
}


def in_time(one: Measured, period: int, offset: int, *, dt: bool) -> None:
    """A phase with as many ACKs as REQs that keeps the agreement and the transmit minima."""
    nominal, width, setup, hold = (round(value * 1000) for value in (DT if dt else ST)[period])
    assert one.reqs > 0
    assert one.owed == 0
    assert 0 < one.offset <= offset, one
    assert min(one.req_period, one.ack_period) >= nominal
    assert one.width >= width
    assert one.setup >= setup
    assert one.hold >= hold
    if dt:
        crca_setup, crca_hold = (round(value * 1000) for value in PCRC[period])
        assert one.crca_setup >= crca_setup
        assert one.crca_hold >= crca_hold


def pair(rig: Rig, abilities: Abilities, **target: Any) -> tuple[InitiatorModel, TargetModel]:
    """Initiator and target with the same abilities."""
    return rig.initiator(abilities=abilities), rig.target(abilities=abilities, **target)


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(exact=[False, True])
async def st_periods(dut: Any, exact: bool) -> None:
    """Every class and its borders, 8 and 16 bit in turn, with strobes of half a period and with minimal ones."""
    rig = Rig(dut)
    style = StrobeStyle(exact=exact)
    initiator = rig.initiator(style=style)
    target = rig.target(style=style)
    for number, period in enumerate(ST):
        wide = number % 2 == 0
        initiator.negotiator.abilities = target.session.negotiator.abilities = Abilities(wide, period, offset=5)
        agreed = await initiator.negotiate(TARGET, Wdtr(int(wide)), Sdtr(period, 5))
        assert agreed == Agreement(period, 5, wide) == target.session.agreements[7]
        target.medium.written.clear()
        await round_trip(initiator, target)
        for one in rig.meter.phases[-2:]:
            in_time(one, period, 5, dt=False)
            assert one.reqs == (BLOCK // 2 if wide else BLOCK)
            assert one.req_period == round(ST[period][0] * 1000)
    assert len(rig.meter.phases) == 2 * len(ST)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(exact=[False, True])
async def dt_periods(dut: Any, exact: bool) -> None:
    """Every class: 32 words, so a group without pad; P_CRCA in time."""
    rig = Rig(dut)
    style = StrobeStyle(exact=exact)
    initiator, target = rig.initiator(style=style), rig.target(style=style)
    for period in DT:
        initiator.negotiator.abilities = target.session.negotiator.abilities = Abilities(True, period, 6, dt=True)
        assert await initiator.negotiate(TARGET) == Agreement(period, 6, True, Option.DT)
        target.medium.written.clear()
        await round_trip(initiator, target)
        for one in rig.meter.phases[-2:]:
            in_time(one, period, 6, dt=True)
            assert one.reqs == BLOCK // 2 + 2
    assert [one.phase for one in rig.meter.phases] == [4, 5] * len(DT)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(dt=[False, True])
async def offsets_over_long_cables(dut: Any, dt: bool) -> None:
    """25 m: a small offset is used up and slows the phase down, a large one lets it run at the agreed rate."""
    rig = Rig(dut, cable_ns=62)
    period, fastest = (0x09, 12_500) if dt else (0x0A, 25_000)
    initiator, target = pair(rig, Abilities(True, period, dt=dt))
    used = {}
    for offset in (1, 2, 3, 5, 40, 127, 255):
        both = Abilities(True, period, offset, dt=dt)
        initiator.negotiator.abilities = target.session.negotiator.abilities = both
        assert (await initiator.negotiate(TARGET)).offset == offset
        target.medium.written.clear()
        await round_trip(initiator, target)
        for one in rig.meter.phases[-2:]:
            in_time(one, period, offset, dt=dt)
            used[offset] = one.offset
            words = one.sender[: BLOCK // 2]
            assert (words[-1] - words[0] == fastest * (len(words) - 1)) == (offset >= 40)
    assert [used[offset] for offset in (1, 2, 3, 5)] == [1, 2, 3, 5], used
    assert used[40] == used[127] == used[255] < 40
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(
    abilities=[
        Abilities(False, 0x0A, 4),
        Abilities(True, 0x0A, 4),
        Abilities(True, 0x09, 9, dt=True),
    ]
)
async def lengths(dut: Any, abilities: Abilities) -> None:
    """1 to 9 bytes of INQUIRY: pads and residues; the parity or CRC of the unused byte is right."""
    rig = Rig(dut)
    initiator, _ = pair(rig, abilities)
    await initiator.negotiate(TARGET)
    whole = (await initiator.command(TARGET, cdb_6(Opcode.INQUIRY, 36))).data
    assert len(whole) == 36
    for length in range(1, 10):
        result = await initiator.command(TARGET, cdb_6(Opcode.INQUIRY, length))
        assert result.good
        assert result.parity_errors == 0
        assert result.data == whole[:length]
        residue = bytes([Message.IGNORE_WIDE_RESIDUE, 1]) in result.messages_in
        assert residue == (abilities.wide and length % 2 == 1)
        words = (length + 1) // 2
        transfers = words + words % 2 + 2 if abilities.dt else words if abilities.wide else length
        assert rig.meter.phases[-1].reqs == transfers
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def group_sizes(dut: Any) -> None:
    """Groups of any size, with and without pad, both directions, over a cable, under a small and a large offset."""
    rig = Rig(dut, cable_ns=20)
    rng = random.Random(cocotb.RANDOM_SEED)
    sizes = [rng.choice((2, 4, 6, 10, 14, 30, 63, 64)) for _ in range(200)]
    initiator, target = pair(rig, Abilities(True, 0x09, 3, dt=True), group_sizes=iter(sizes))
    for offset in (3, 60):
        both = Abilities(True, 0x09, offset, dt=True)
        initiator.negotiator.abilities = target.session.negotiator.abilities = both
        await initiator.negotiate(TARGET)
        target.medium.written.clear()
        await round_trip(initiator, target, blocks=3)
        for one in rig.meter.phases[-2:]:
            in_time(one, 0x09, offset, dt=True)
            assert one.reqs > 3 * BLOCK // 2 + 2
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(dt=[False, True])
async def jitter(dut: Any, dt: bool) -> None:
    """Pauses of fractions of nanoseconds to microseconds before strobes of either side."""
    rig = Rig(dut)
    rng = random.Random(cocotb.RANDOM_SEED)
    abilities = Abilities(True, 0x09 if dt else 0x0A, 5, dt=dt)
    initiator = rig.initiator(
        abilities=abilities, pauses=(rng.choice((0, 0, 0, 0.35, 3.7, 41, 900)) for _ in repeat(0))
    )
    target = rig.target(abilities=abilities, pauses=cycle((0, 0, 0.125, 12.4, 0, 350)), group_sizes=repeat(22))
    await initiator.negotiate(TARGET)
    await round_trip(initiator, target, blocks=2)
    for one in rig.meter.phases:
        in_time(one, abilities.period, 5, dt=dt)
        assert max(b - a for a, b in zip(one.sender, one.sender[1:], strict=False)) > 300_000
    assert any(one.offset == 5 for one in rig.meter.phases)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def mixed_abilities(dut: Any) -> None:
    """Four drives on one bus, each by its own agreement, and again after each other's."""
    rig = Rig(dut, cable_ns=5)
    initiator = rig.initiator(abilities=Abilities(True, 0x09, 31, dt=True))
    drives = {
        6: Abilities(wide=False),
        5: Abilities(True, 0x0C, 15),
        4: Abilities(True, 0x0A, 31),
        3: Abilities(True, 0x09, 62, dt=True),
    }
    targets = {
        scsi_id: TargetModel(port, scsi_id, Medium(16, BLOCK), abilities=abilities)
        for port, (scsi_id, abilities) in zip(rig.ports[1:], drives.items(), strict=True)
    }
    agreed = {scsi_id: await initiator.negotiate(scsi_id) for scsi_id in drives}
    assert agreed == {
        6: Agreement(),
        5: Agreement(0x0C, 15, True),
        4: Agreement(0x0A, 31, True),
        3: Agreement(0x09, 31, True, Option.DT),
    }
    for lba in range(2):
        for scsi_id, target in targets.items():
            data = pattern(step=3 + scsi_id + 2 * lba)
            assert (await initiator.command(scsi_id, write_10(lba), data_out=data)).good
            read = await initiator.command(scsi_id, read_10(lba))
            assert read.good
            assert read.data == target.medium.written[lba] == data
    for one, period in zip(rig.meter.phases[2:8], (0x0C, 0x0C, 0x0A, 0x0A, 0x09, 0x09), strict=True):
        in_time(one, period, 31, dt=period == 0x09)
    assert [one.phase for one in rig.meter.phases] == [0, 1, 0, 1, 0, 1, 4, 5] * 2
    await rig.finish()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def no_such_timing(dut: Any) -> None:
    """09h is no factor of ST transfers."""
    Rig(dut)
    with pytest.raises(ValueError, match="09h"):
        strobe_timing(Agreement(0x09, 4, True))
