"""The Python initiator and target models against each other: ordinary commands, disconnection, arbitration."""

from __future__ import annotations

import random
from itertools import cycle
from typing import Any

import cocotb
import pytest
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.constants import Asc, Message, Opcode, SenseKey, Status
from cocotbext.scsi.models import BusResetError, InitiatorModel
from cocotbext.scsi.models.messages import identify, sdtr
from helpers.commands import cdb_6, read_10, write_10
from model_rig import BLOCK, TARGET, Rig, pattern, round_trip, sense_of


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def narrow_round_trip(dut: Any) -> None:
    """Two blocks, 8 bit."""
    rig = Rig(dut)
    await round_trip(rig.initiator(), rig.target(), blocks=2)
    await rig.finish()
    assert not any(one.wide for one in rig.of_kind(Kind.PHASE))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def wide_round_trip(dut: Any) -> None:
    """WDTR, then two blocks, 16 bit; the phases of the write are those of the standard, in order."""
    rig = Rig(dut)
    initiator, target = rig.initiator(), rig.target()
    assert await initiator.negotiate_wide(TARGET)
    before = len(rig.phases())
    await round_trip(initiator, target, blocks=2)
    assert [phase for phase, _ in rig.phases()[before : before + 5]] == [
        Phase.MSG_OUT,
        Phase.COMMAND,
        Phase.DATA_OUT,
        Phase.STATUS,
        Phase.MSG_IN,
    ]
    assert rig.phases()[before + 2][1] == pattern(2 * BLOCK).hex()
    assert [one.wide for one in rig.of_kind(Kind.PHASE) if one.phase in (Phase.DATA_OUT, Phase.DATA_IN)] == [True, True]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def narrow_target_answers_wdtr(dut: Any) -> None:
    """A target that cannot do 16 bit answers exponent 0; an SDTR is answered with offset 0."""
    rig = Rig(dut)
    initiator, target = rig.initiator(), rig.target(wide=False)
    assert not await initiator.negotiate_wide(TARGET)
    assert (Phase.MSG_IN, "01020300") in rig.phases()
    result = await initiator.message_out(TARGET, identify(), sdtr(0x32, 8))
    assert result.good
    assert result.messages_in[0] == sdtr(0x32, 0)
    await round_trip(initiator, target)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def odd_length_wide(dut: Any) -> None:
    """Five bytes of INQUIRY over 16 bit: IGNORE WIDE RESIDUE takes the sixth away."""
    rig = Rig(dut)
    initiator = rig.initiator()
    rig.target()
    assert await initiator.negotiate_wide(TARGET)
    result = await initiator.command(TARGET, cdb_6(Opcode.INQUIRY, 5))
    assert result.good
    assert len(result.data) == 5
    assert bytes([Message.IGNORE_WIDE_RESIDUE, 1]) in result.messages_in
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def minimal_disk(dut: Any) -> None:
    """UNIT ATTENTION at the start, capacity, identity, and sense data for what is refused."""
    rig = Rig(dut)
    initiator, target = rig.initiator(), rig.target(unit_attention=True)
    ready = cdb_6(Opcode.TEST_UNIT_READY)
    assert (await initiator.command(TARGET, cdb_6(Opcode.INQUIRY, 36))).data[8:14] == b"COCOTB"
    assert (await initiator.command(TARGET, ready)).status == Status.CHECK_CONDITION
    assert await sense_of(initiator) == (SenseKey.UNIT_ATTENTION, Asc.POWER_ON)
    assert (await initiator.command(TARGET, ready)).good
    assert await sense_of(initiator) == (SenseKey.NO_SENSE, Asc.NONE)
    capacity = await initiator.command(TARGET, bytes([Opcode.READ_CAPACITY_10]) + bytes(9))
    assert capacity.data == bytes([0, 0, 0, 15, 0, 0, 0, BLOCK])
    target.medium.write_protected = True
    refused = {
        read_10(16): (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE),
        read_10(15, 2): (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE),
        write_10(0): (SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED),
        cdb_6(0x1D): (SenseKey.ILLEGAL_REQUEST, Asc.INVALID_OPCODE),
    }
    for cdb, sense in refused.items():
        result = await initiator.command(TARGET, cdb, data_out=pattern())
        assert (result.status, result.sent, result.data) == (Status.CHECK_CONDITION, 0, b"")
        assert await sense_of(initiator) == sense
    assert (await initiator.command(TARGET, ready, lun=3)).status == Status.CHECK_CONDITION
    assert await sense_of(initiator) == (SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
    assert (await initiator.command(TARGET, read_10(0, 0))).good
    target.disk.reset(Asc.TARGET_RESET)
    assert (await initiator.command(TARGET, ready)).status == Status.CHECK_CONDITION
    assert await sense_of(initiator) == (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET)
    assert not target.medium.written
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def disconnection(dut: Any) -> None:
    """At every point, tagged and not; SAVE DATA POINTER in mid-transfer; two tasks at once."""
    rig = Rig(dut)
    initiator, target = rig.initiator(), rig.target(disconnect=("data", "middle", "status"))
    assert await initiator.negotiate_wide(TARGET)
    for options in ({"disc_priv": True}, {"tag": 0x21}):
        for result in await round_trip(initiator, target, **options):
            assert result.reselections == 3
            assert result.messages_in.count(bytes([Message.DISCONNECT])) == 3
            assert result.messages_in.count(bytes([Message.SAVE_DATA_POINTER])) == 1
    data = [pattern(step=3), pattern(step=5)]
    tasks = [cocotb.start_soon(initiator.command(TARGET, write_10(n), data_out=data[n], tag=n + 1)) for n in range(2)]
    results = [await task for task in tasks]
    assert all(result.good for result in results)
    assert [target.medium.read(n) for n in range(2)] == data
    assert target.reselections == 18
    assert len(rig.of_kind(Kind.RESELECTION)) == 18
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def no_disconnection_without_permission(dut: Any) -> None:
    """Without DiscPriv the target stays."""
    rig = Rig(dut)
    initiator, target = rig.initiator(), rig.target(disconnect=("data", "status"))
    assert all(result.reselections == 0 for result in await round_trip(initiator, target))
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def two_initiators(dut: Any) -> None:
    """Both arbitrate for the same BUS FREE: ID 7 wins, ID 6 loses, waits and is served."""
    rig = Rig(dut)
    first, target = rig.initiator(), rig.target()
    second = InitiatorModel(rig.ports[2], 6)
    await Timer(2, unit="us")
    tasks = [
        cocotb.start_soon(second.command(TARGET, write_10(1), data_out=pattern(step=3))),
        cocotb.start_soon(first.command(TARGET, write_10(2), data_out=pattern(step=5))),
    ]
    for task in tasks:
        assert (await task).good
    arbitrations = rig.of_kind(Kind.ARBITRATION)
    assert [(one.contenders, one.winner) for one in arbitrations] == [([7, 6], 7), ([6], 6)]
    assert (first.arbitrations_lost, second.arbitrations_lost) == (0, 1)
    assert target.medium.written == {1: pattern(step=3), 2: pattern(step=5)}
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def selection_without_attention(dut: Any) -> None:
    """As before SCSI-2: straight to COMMAND, LUN 0."""
    rig = Rig(dut)
    initiator = rig.initiator()
    rig.target()
    assert (await initiator.command(TARGET, cdb_6(0), atn=False)).good
    assert [phase for phase, _ in rig.phases()] == [Phase.COMMAND, Phase.STATUS, Phase.MSG_IN]
    await rig.finish("SEL-05")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def long_cables(dut: Any) -> None:
    """12 m to each device: ordinary write and read, with disconnection, 16 bit."""
    rig = Rig(dut, cable_ns=60)
    initiator, target = rig.initiator(), rig.target(disconnect=("middle", "status"))
    assert await initiator.negotiate_wide(TARGET)
    await round_trip(initiator, target, tag=4)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def paused_handshakes(dut: Any) -> None:
    """Pauses on both sides, regular and random, change times and nothing else."""
    rig = Rig(dut)
    rng = random.Random(cocotb.RANDOM_SEED)
    initiator = rig.initiator(pauses=(rng.randrange(0, 500) for _ in range(10_000)))
    target = rig.target(pauses=cycle((0, 0, 10, 700)))
    assert await initiator.negotiate_wide(TARGET)
    await round_trip(initiator, target)
    await rig.finish()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def port_alone(dut: Any) -> None:
    """A missing signal is named; waits time out; nothing can be driven between a reset and its acknowledgement."""
    rig = Rig(dut)
    port = rig.ports[0]
    with pytest.raises(AttributeError, match="py9_bsy_o"):
        type(port)(dut, "py9")
    assert not await port.wait(lambda _: False, 700)
    port.drive_data(0x1234, 2)
    await Timer(1, unit="ns")
    assert port.read_data() == (0x1234, 2)
    assert rig.ports[2].read_data() == (0x1234, 2)
    await rig.ports[3].assert_reset()
    assert not port.drives_data
    with pytest.raises(BusResetError):
        await port.wait(lambda _: True)
    with pytest.raises(BusResetError):
        await port.delay(10)
    with pytest.raises(BusResetError):
        port.drive(bsy=1)
    port.acknowledge_reset()
    port.drive(bsy=1)
    port.drive(bsy=0)
