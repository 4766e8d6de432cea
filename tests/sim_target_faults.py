"""Faults at an ordinary RTL target: damaged bytes, refused messages and commands, stops, resets."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.messages import identify, wdtr
from cocotbext.scsi.models.task import Ended
from helpers.commands import cdb_6, read_10, write_10
from model_rig import pattern
from target_rig import BLOCK, BLOCKS, TargetRig

DATA = pattern(BLOCK)
READY = cdb_6(0x00)
PARITY = (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
DETECTED = (SenseKey.ABORTED_COMMAND, Asc.INITIATOR_DETECTED_ERROR)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def refused_commands(dut: Any) -> None:
    """Each with its sense data, no data phase and nothing on the medium."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    rig.medium(5).set_write_protect(True)
    refused = {
        read_10(BLOCKS): (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE),
        read_10(BLOCKS - 1, 2): (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE),
        write_10(0xFFFF_FFFF): (SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE),
        write_10(0): (SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED),
        cdb_6(0x1B): (SenseKey.ILLEGAL_REQUEST, Asc.INVALID_OPCODE),
        bytes((0xA3,)) + bytes(11): (SenseKey.ILLEGAL_REQUEST, Asc.INVALID_OPCODE),
        bytes((0x88,)) + bytes(15): (SenseKey.ILLEGAL_REQUEST, Asc.INVALID_OPCODE),
        bytes((0x12, 1, 0, 0, 36, 0)): (SenseKey.ILLEGAL_REQUEST, Asc.INVALID_FIELD_IN_CDB),
    }
    for cdb, sense in refused.items():
        result = await initiator.command(5, cdb, data_out=DATA)
        assert (result.status, result.sent, result.data) == (Status.CHECK_CONDITION, 0, b""), cdb.hex()
        assert await rig.sense(initiator, 5) == sense, cdb.hex()
    for lun in (1, 7, 8, 63):
        assert (await initiator.command(5, READY, lun=lun)).status == Status.CHECK_CONDITION
        assert await rig.sense(initiator, 5) == (SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
        assert await rig.sense(initiator, 5, lun=lun) == (SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
    rig.image(5)
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def medium_errors(dut: Any) -> None:
    """Reading, writing while connected, and writing while disconnected."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    assert await initiator.negotiate_wide(5)
    cases: tuple[tuple[bytes, int | None, Asc], ...] = (
        (read_10(3), None, Asc.UNRECOVERED_READ_ERROR),
        (write_10(3), None, Asc.WRITE_ERROR),
        (write_10(3), 5, Asc.WRITE_ERROR),
    )
    for cdb, tag, asc in cases:
        rig.medium(5).fail_next()
        result = await initiator.command(5, cdb, data_out=DATA, tag=tag)
        assert (result.ended, result.status) == (Ended.COMPLETE, Status.CHECK_CONDITION)
        assert result.reselections == (tag is not None)
        assert await rig.sense(initiator, 5) == (SenseKey.MEDIUM_ERROR, asc)
    rig.image(5)
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def rejected_messages(dut: Any) -> None:
    """Unknown messages of each length, and all vendor messages of mirroring, at a drive that does not know them."""
    rig = await TargetRig(dut, ids=(5, 4), overrides={5: {"mirror": False}}).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    stranger = bytes.fromhex("01098A000C060C06000200")
    unknown = [
        b"\x1a",
        b"\x04",
        b"\x2f\x05",
        bytes.fromhex("0103900102"),
        bytes.fromhex("010602" + 5 * "06"),
        bytes.fromhex("0104010C0800"),
        bytes.fromhex("010504190008010000")[:7],
    ]
    vendor = [b"\x26\x00", b"\x2c\x01", b"\x2e\x00", stranger, bytes.fromhex("010988000C060C06000200")]
    for message in unknown + vendor:
        result = await initiator.message_out(5, identify(disc_priv=True), message)
        assert result.good, message.hex()
        assert result.messages_in == [bytes([Message.MESSAGE_REJECT]), b"\0"], message.hex()
    for message in unknown:
        result = await initiator.message_out(4, identify(), message)
        assert result.messages_in == [bytes([Message.MESSAGE_REJECT]), b"\0"], message.hex()
    query = await initiator.query(5, 0x00, last=True)
    assert (query.accepted, query.ended) == (False, Ended.COMPLETE)
    rig.image(5)
    await rig.finish("MIR-14", "MIR-16", "MSG-03", "MSG-04")


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def message_order(dut: Any) -> None:
    """No IDENTIFY first, another LUN in a second one, an abort: BUS FREE. NO OPERATION changes nothing."""
    rig = await TargetRig(dut, ids=(5,), allow_unexpected_free=True).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    assert (await initiator.message_out(5, bytes([Message.NO_OPERATION]))).ended is Ended.BUS_FREE
    assert (await initiator.message_out(5, wdtr(1))).ended is Ended.BUS_FREE
    assert (await initiator.message_out(5, identify(), identify(1))).ended is Ended.BUS_FREE
    assert (await initiator.message_out(5, identify(), bytes([Message.NO_OPERATION]))).good
    assert (await initiator.message_out(5, identify(), bytes([Message.MESSAGE_REJECT]))).good
    for code in (0x06, 0x0C, 0x0D, 0x0E, 0x17):
        assert (await initiator.message_out(5, identify(), bytes([code]))).ended is Ended.ABORTED, code
        if code == Message.TARGET_RESET:
            assert (await initiator.command(5, READY)).status == Status.CHECK_CONDITION
            assert await rig.sense(initiator, 5) == (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET)
    assert (await initiator.command(5, READY)).good
    await rig.finish("MSG-01", "MSG-08")


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def damaged_out(dut: Any) -> None:
    """Wrong parity from the initiator: MESSAGE OUT and COMMAND are sent again, DATA OUT ends in CHECK CONDITION."""
    rig = await TargetRig(dut, ids=(5,), allow_unexpected_free=True).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.ready(initiator)
    for times in (1, 3):
        faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT, 0, times=times))
        assert (await initiator.command(5, READY, tag=3)).good
    assert [one.resend for one in rig.of_kind(Kind.PHASE)].count(True) == 4
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT, 1, times=4))
    assert (await initiator.command(5, READY, tag=3)).ended is Ended.BUS_FREE
    assert await rig.sense(initiator, 5) == (SenseKey.ABORTED_COMMAND, Asc.MESSAGE_ERROR)
    for index in (0, 4, 5):
        faults.add(Fault(FaultKind.BAD_PARITY, Phase.COMMAND, index, times=3))
        result = await initiator.command(5, READY)
        assert (result.good, result.messages_in) == (True, [b"\x03", b"\x03", b"\x03", b"\0"])
    for index in (0, 4, 9):
        faults.add(Fault(FaultKind.BAD_PARITY, Phase.COMMAND, index, times=4))
        assert (await initiator.command(5, write_10(1), data_out=DATA)).status == Status.CHECK_CONDITION
        assert await rig.sense(initiator, 5) == PARITY
    for wide, index in ((False, 0), (False, 511), (True, 254)):
        if wide:
            assert await initiator.negotiate_wide(5)
        for tag in (None, 1):
            faults.add(Fault(FaultKind.BAD_PARITY, Phase.DATA_OUT, index))
            result = await initiator.command(5, write_10(1), data_out=DATA, tag=tag)
            assert (result.status, result.sent) == (Status.CHECK_CONDITION, BLOCK)
            assert await rig.sense(initiator, 5) == PARITY
    assert not faults.pending
    rig.image(5)
    assert (await initiator.command(5, write_10(1), data_out=DATA)).good
    rig.image(5, b1=DATA)
    await rig.finish("PAR-01", "PAR-03", "PAR-05")


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def damaged_at_the_target_only(dut: Any) -> None:
    """The wires are right, the target sees DB(15) wrong: refused when 16 bit, no matter when 8 bit."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    for wide, status in ((False, Status.GOOD), (True, Status.CHECK_CONDITION)):
        if wide:
            assert await initiator.negotiate_wide(5)
        task = cocotb.start_soon(initiator.command(5, write_10(1 + wide), data_out=DATA))
        await rig.phase_begins(Phase.DATA_OUT)
        rig.slot(5).rx.stick("db15", 1)
        assert (await task).status == status
        rig.slot(5).rx.clear()
    assert await rig.sense(initiator, 5) == PARITY
    rig.image(5, b1=DATA)
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def damaged_in(dut: Any) -> None:
    """The initiator sees wrong parity: message, status or data come again, data three times at most."""
    rig = await TargetRig(dut, ids=(5,)).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.ready(initiator)
    faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.STATUS))
    assert (await initiator.command(5, READY)).good
    faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_IN))
    assert (await initiator.command(5, READY)).good
    faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_IN, 2))
    result = await initiator.command(5, READY, messages=[wdtr(1)])
    assert result.good
    assert result.messages_in[:1] == [wdtr(1)]
    faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_IN))
    result = await initiator.command(5, write_10(2), data_out=DATA, tag=2)
    assert (result.good, result.reselections, result.messages_in[0]) == (True, 1, b"\x04")
    for index in (0, 200, 510):
        faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_IN, index))
        result = await initiator.command(5, read_10(2))
        assert (result.good, result.data, result.messages_in[0]) == (True, DATA, b"\x03")
    faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_IN, 510, times=4))
    assert (await initiator.command(5, read_10(2))).status == Status.CHECK_CONDITION
    assert await rig.sense(initiator, 5) == DETECTED
    assert not faults.pending
    rig.image(5, b2=DATA)
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def odd_length_wide(dut: Any) -> None:
    """Five bytes over 16 bit: IGNORE WIDE RESIDUE; a target that cannot do 16 bit says so."""
    rig = await TargetRig(dut, ids=(5, 4), overrides={4: {"wide": False}}).start()
    initiator = rig.initiator()
    assert await initiator.negotiate_wide(5)
    result = await initiator.command(5, cdb_6(0x12, 5))
    assert result.good
    assert len(result.data) == 5
    assert bytes([Message.IGNORE_WIDE_RESIDUE, 1]) in result.messages_in
    assert not await initiator.negotiate_wide(4)
    assert (Phase.MSG_IN, "01020300") in rig.phases()
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def selections_not_answered(dut: Any) -> None:
    """Wrong parity, three IDs, somebody else's ID: no answer. Then, without ATN, straight to COMMAND."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    rig.slot(5).rx.invert("dbp0")
    assert (await initiator.command(5, READY)).ended is Ended.SELECTION_TIMEOUT
    rig.slot(5).rx.clear()
    rig.slot(5).rx.stick("db2", 1)
    rig.slot(5).rx.invert("dbp0")
    assert (await initiator.command(5, READY)).ended is Ended.SELECTION_TIMEOUT
    rig.slot(5).rx.clear()
    assert (await initiator.command(3, READY)).ended is Ended.SELECTION_TIMEOUT
    assert (await initiator.command(5, READY, atn=False)).good
    assert [phase for phase, _ in rig.phases()][-3:] == [Phase.COMMAND, Phase.STATUS, Phase.MSG_IN]
    assert (await initiator.command(5, bytes((0, 0x20, 0, 0, 0, 0)), atn=False)).status == Status.CHECK_CONDITION
    assert await rig.sense(initiator, 5) == (SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
    assert [one.answered for one in rig.of_kind(Kind.SELECTION)] == [True] + [False] * 3 + [True] * 3
    await rig.finish("SEL-05")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def initiator_stops(dut: Any) -> None:
    """In every phase: the stall timer frees the bus, and the target is an ordinary one again."""
    rig = await TargetRig(dut, ids=(5,), overrides={5: {"stall_us": 30}}, allow_unexpected_free=True).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.ready(initiator)
    for phase in (Phase.MSG_OUT, Phase.COMMAND, Phase.DATA_OUT, Phase.STATUS, Phase.MSG_IN):
        faults.add(Fault(FaultKind.STOP, phase, 0))
        result = await initiator.command(5, write_10(4), data_out=DATA)
        assert result.ended is Ended.BUS_FREE, phase
        assert not faults.pending
        rig.image(5, **({} if phase in (Phase.MSG_OUT, Phase.COMMAND, Phase.DATA_OUT) else {"b4": DATA}))
    faults.add(Fault(FaultKind.STOP, Phase.DATA_IN, 100))
    assert (await initiator.command(5, read_10(4))).ended is Ended.BUS_FREE
    assert (await initiator.command(5, read_10(4))).data == DATA
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reset_at_every_moment(dut: Any) -> None:
    """RST in each stage of a write: all released, UNIT ATTENTION, 8 bit again, and nothing reported."""
    rig = await TargetRig(dut, ids=(5,), allow_unexpected_free=True).start()
    initiator = rig.initiator()
    phases = {"message": Phase.MSG_OUT, "command": Phase.COMMAND, "data": Phase.DATA_OUT, "status": Phase.STATUS}
    moments = ("selection", "message", "command", "data", "disconnected", "reselection", "status")
    for stage, moment in enumerate(moments):
        await rig.ready(initiator)
        assert await initiator.negotiate_wide(5)
        rig.medium(5).set_latency(30_000)
        task = cocotb.start_soon(initiator.command(5, write_10(stage), data_out=DATA, tag=1))
        if moment == "selection":
            await Timer(5100, unit="ns")
        elif moment in phases:
            await rig.phase_begins(phases[moment])
            await Timer(1, unit="us")
        else:
            await rig.phase_begins(Phase.MSG_IN)
            await Timer(5, unit="us")
            if moment == "reselection":
                await RisingEdge(dut.bus_sel)
                await Timer(1300, unit="ns")
        await rig.reset_bus()
        result = await task
        assert (result.ended, result.status) == (Ended.RESET, 0 if moment == "status" else None), moment
        await Timer(80, unit="us")
        assert (await initiator.command(5, READY)).status == Status.CHECK_CONDITION
        assert await rig.sense(initiator, 5) == (SenseKey.UNIT_ATTENTION, Asc.BUS_RESET)
        assert not initiator.strangers, moment
    assert len(rig.of_kind(Kind.RESET)) == 7
    rig.image(5, b4=DATA, b5=DATA, b6=DATA)
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def bsy_lost(dut: Any) -> None:
    """BSY does not reach the bus any more: the target sees BUS FREE and lets go of everything within 1.2 us."""
    rig = await TargetRig(dut, ids=(5,), allow_unexpected_free=True).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    task = cocotb.start_soon(initiator.command(5, write_10(4), data_out=DATA))
    await rig.phase_begins(Phase.DATA_OUT)
    await Timer(2, unit="us")
    rig.slot(5).tx.stick("bsy", 0)
    await Timer(1200, unit="ns")
    assert int(dut.drv_all.value) >> 27 * 2 & (1 << 27) - 1 == 0
    assert (await task).ended is Ended.BUS_FREE
    rig.slot(5).tx.clear()
    await rig.bus_free()
    assert (await initiator.command(5, READY)).good
    rig.image(5)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reselection_given_up(dut: Any) -> None:
    """Nobody answers: four calls, then the target is an ordinary one again; its sense data tell."""
    rig = await TargetRig(dut, ids=(5,), overrides={5: {"sel_timeout_us": 40}}).start()
    initiator = rig.initiator(respond_to_reselection=False, status_timeout_us=1200)
    await rig.ready(initiator)
    result = await initiator.command(5, write_10(2), data_out=DATA, disc_priv=True)
    assert result.ended is Ended.TIMEOUT
    assert [one.answered for one in rig.of_kind(Kind.RESELECTION)] == [False] * 4
    assert await rig.sense(initiator, 5) == (SenseKey.ABORTED_COMMAND, Asc.RESELECT_FAILURE)
    rig.image(5, b2=DATA)
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def two_initiators(dut: Any) -> None:
    """IDs 7 and 12 at the same target: each its own unit attention, sense data and width; both disconnect."""
    rig = await TargetRig(dut, ids=(5,)).start()
    first, second = rig.initiator(), rig.initiator(12)
    await rig.ready(first)
    assert (await second.command(5, READY)).status == Status.CHECK_CONDITION
    assert (await first.command(5, cdb_6(0x1B))).status == Status.CHECK_CONDITION
    assert await rig.sense(second, 5) == (SenseKey.UNIT_ATTENTION, Asc.POWER_ON)
    assert await rig.sense(first, 5) == (SenseKey.ILLEGAL_REQUEST, Asc.INVALID_OPCODE)
    assert await second.negotiate_wide(5)
    other = pattern(BLOCK, 5)
    tasks = [
        cocotb.start_soon(first.command(5, write_10(1), data_out=DATA)),
        cocotb.start_soon(second.command(5, write_10(2), data_out=other)),
    ]
    assert all([(await task).good for task in tasks])
    assert (await second.command(5, write_10(3), data_out=other, tag=9)).reselections == 1
    rig.image(5, b1=DATA, b2=other, b3=other)
    data = [one.wide for one in rig.of_kind(Kind.PHASE) if one.phase is Phase.DATA_OUT]
    assert sorted(data) == [False, True, True]
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def long_cables(dut: Any) -> None:
    """12 m to each device: write with disconnection and read, 16 bit."""
    rig = await TargetRig(dut, ids=(5,), cable_ns=60).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    assert await initiator.negotiate_wide(5)
    assert (await initiator.command(5, write_10(2), data_out=DATA, tag=4)).reselections == 1
    assert (await initiator.command(5, read_10(2))).data == DATA
    await rig.finish()
