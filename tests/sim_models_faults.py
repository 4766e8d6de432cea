"""The Python models when something goes wrong: parity, stops, time-outs, RST, and messages out of order."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models import (
    Ended,
    Fault,
    FaultKind,
    Faults,
    Misbehaviour,
)
from cocotbext.scsi.models.messages import identify
from helpers.commands import cdb_6, read_10, write_10
from model_rig import TARGET, Rig, pattern, round_trip, sense_of


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def selection_timeout(dut: Any) -> None:
    """Nobody there; a target told not to answer; wrong parity in SELECTION: the bus is left free each time."""
    rig = Rig(dut)
    faults = Faults()
    initiator, target = rig.initiator(selection_timeout_us=300, faults=faults), rig.target()
    assert (await initiator.command(3, cdb_6(0))).ended is Ended.SELECTION_TIMEOUT
    target.misbehave.add(Misbehaviour.NO_SELECTION_ANSWER)
    assert (await initiator.command(TARGET, cdb_6(0))).ended is Ended.SELECTION_TIMEOUT
    target.misbehave.clear()
    faults.add(Fault(FaultKind.BAD_PARITY, None))
    assert (await initiator.command(TARGET, cdb_6(0))).ended is Ended.SELECTION_TIMEOUT
    assert target.selections == 0
    assert (await initiator.command(TARGET, cdb_6(0))).good
    assert [one.answered for one in rig.of_kind(Kind.SELECTION)] == [False, False, False, True]
    await rig.finish("SEL-02")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def status_too_late(dut: Any) -> None:
    """A target that reselects after the initiator gave its task up is served, and booked as a stranger."""
    rig = Rig(dut)
    initiator = rig.initiator(status_timeout_us=100)
    target = rig.target(disconnect=("status",))
    initiator.respond_to_reselection = False
    result = await initiator.command(TARGET, write_10(2), data_out=pattern(), disc_priv=True)
    assert result.ended is Ended.TIMEOUT
    initiator.respond_to_reselection = True
    while not initiator.strangers:
        await Timer(10, unit="us")
    assert [task.target for task in initiator.strangers] == [TARGET]
    assert target.medium.written == {2: pattern()}
    assert not target.pending
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reselection_given_up(dut: Any) -> None:
    """Nobody answers reselection: a bounded number of tries, then the target is an ordinary one again."""
    rig = Rig(dut)
    initiator = rig.initiator(respond_to_reselection=False, status_timeout_us=4_000)
    target = rig.target(disconnect=("status",))
    result = await initiator.command(TARGET, write_10(2), data_out=pattern(), disc_priv=True)
    assert result.ended is Ended.TIMEOUT
    assert [one.answered for one in rig.of_kind(Kind.RESELECTION)] == [False] * 4
    assert not target.pending
    assert (await initiator.command(TARGET, cdb_6(0))).good
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def parity_recovery(dut: Any) -> None:
    """One wrong byte in each phase: recovered as spi-facts 5.2 says, nothing wrong on the medium."""
    rig = Rig(dut)
    mine, its = Faults(), Faults()
    initiator, target = rig.initiator(faults=mine), rig.target(faults=its)
    for fault in (Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT), Fault(FaultKind.BAD_PARITY, Phase.COMMAND, 4)):
        mine.add(fault)
        await round_trip(initiator, target)
        assert mine.committed[-1] is fault
        target.medium.written.clear()
    retried = (
        (Fault(FaultKind.BAD_PARITY, Phase.STATUS), Message.INITIATOR_DETECTED_ERROR),
        (Fault(FaultKind.BAD_PARITY, Phase.MSG_IN), Message.MESSAGE_PARITY_ERROR),
        (Fault(FaultKind.BAD_PARITY, Phase.DATA_IN, 50), Message.INITIATOR_DETECTED_ERROR),
    )
    for fault, answer in retried:
        its.add(fault)
        results = await round_trip(initiator, target)
        assert its.committed[-1] is fault
        assert sum(result.parity_errors for result in results) == 1
        assert (Phase.MSG_OUT, f"{answer:02x}") in rig.phases()
        target.medium.written.clear()
    assert [one.resend for one in rig.of_kind(Kind.PHASE)].count(True) == 1
    mine.add(Fault(FaultKind.BAD_PARITY, Phase.DATA_OUT, 17))
    result = await initiator.command(TARGET, write_10(3), data_out=pattern())
    assert (result.ended, result.status) == (Ended.COMPLETE, Status.CHECK_CONDITION)
    assert await sense_of(initiator) == (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
    assert not target.medium.written
    await rig.finish("PAR-01", "PAR-02", "PAR-03", "PAR-04", "PAR-05", "PAR-06")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def parity_beyond_recovery(dut: Any) -> None:
    """Wrong again and again: COMMAND and DATA IN end in CHECK CONDITION, MESSAGE OUT in BUS FREE."""
    rig = Rig(dut, allow_unexpected_free=True)
    mine, its = Faults(), Faults()
    initiator, target = rig.initiator(faults=mine), rig.target(faults=its)
    mine.add(Fault(FaultKind.BAD_PARITY, Phase.COMMAND, times=2))
    assert (await initiator.command(TARGET, cdb_6(0))).status == Status.CHECK_CONDITION
    assert await sense_of(initiator) == (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
    its.add(Fault(FaultKind.BAD_PARITY, Phase.DATA_IN, 1, times=2))
    assert (await initiator.command(TARGET, read_10(0))).status == Status.CHECK_CONDITION
    assert await sense_of(initiator) == (SenseKey.ABORTED_COMMAND, Asc.INITIATOR_DETECTED_ERROR)
    mine.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT, times=4))
    assert (await initiator.command(TARGET, cdb_6(0))).ended is Ended.BUS_FREE
    await round_trip(initiator, target)
    await rig.finish("PAR-01", "PAR-03", "PAR-06")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def messages_out_of_order(dut: Any) -> None:
    """Unknown messages are rejected; no IDENTIFY or ATN kept ends in BUS FREE; so does ABORT TASK SET."""
    rig = Rig(dut, allow_unexpected_free=True)
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    rig.target()
    for unknown in (b"\x1a", b"\x2f\x05", b"\x01\x03\x90\x01\x02"):
        result = await initiator.message_out(TARGET, identify(), unknown)
        assert result.good
        assert result.messages_in[0] == bytes([Message.MESSAGE_REJECT])
    assert (await initiator.message_out(TARGET, bytes([Message.NO_OPERATION]))).ended is Ended.BUS_FREE
    aborted = await initiator.message_out(TARGET, identify(), bytes([Message.ABORT_TASK_SET]))
    assert aborted.ended is Ended.ABORTED
    faults.add(Fault(FaultKind.KEEP_ATN, Phase.MSG_OUT, 1))
    kept = await initiator.message_out(TARGET, identify(), bytes([Message.NO_OPERATION]))
    assert faults.committed
    assert kept.ended is Ended.BUS_FREE
    assert (await initiator.command(TARGET, cdb_6(0))).good
    await rig.finish("MSG-01", "MSG-03", "MSG-04", "ATN-07")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def wrong_byte_with_good_parity(dut: Any) -> None:
    """WRONG_BYTE changes what arrives and nothing else."""
    rig = Rig(dut)
    faults = Faults(Fault(FaultKind.WRONG_BYTE, Phase.DATA_OUT, 9, value=0xA5))
    initiator, target = rig.initiator(faults=faults), rig.target()
    assert (await initiator.command(TARGET, write_10(0), data_out=pattern())).good
    expected = bytearray(pattern())
    expected[9] = 0xA5
    assert target.medium.written == {0: bytes(expected)}
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def stops_and_delays(dut: Any) -> None:
    """Either side stops in mid-data: the other's timer ends it. A late strobe only takes time."""
    rig = Rig(dut, allow_unexpected_free=True)
    mine, its = Faults(), Faults()
    initiator, target = rig.initiator(faults=mine, stall_us=2_000), rig.target(faults=its, stall_us=500)
    mine.add(Fault(FaultKind.LATE, Phase.DATA_OUT, 5, delay_ns=40_000))
    its.add(Fault(FaultKind.LATE, Phase.DATA_OUT, 6, delay_ns=30_000))
    await round_trip(initiator, target)
    assert len(mine.committed) == len(its.committed) == 1
    written = [one for one in rig.of_kind(Kind.PHASE) if one.phase is Phase.DATA_OUT]
    assert written[0].end_ps - written[0].start_ps > 70_000_000
    target.medium.written.clear()
    mine.add(Fault(FaultKind.STOP, Phase.DATA_OUT, 40))
    assert (await initiator.command(TARGET, write_10(1), data_out=pattern())).ended is Ended.BUS_FREE
    assert not target.medium.written
    its.add(Fault(FaultKind.STOP, Phase.DATA_OUT, 40))
    assert (await initiator.command(TARGET, write_10(1), data_out=pattern())).ended is Ended.TIMEOUT
    await Timer(1, unit="us")
    assert len(rig.of_kind(Kind.RESET)) == 1
    assert (await initiator.command(TARGET, cdb_6(0))).status == Status.CHECK_CONDITION
    assert await sense_of(initiator) == (SenseKey.UNIT_ATTENTION, Asc.BUS_RESET)
    await round_trip(initiator, target)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def reset_in_data(dut: Any) -> None:
    """RST in a data phase: everyone releases within 800 ns, tasks end, agreements and half-written data are gone."""
    rig = Rig(dut, allow_unexpected_free=True)
    initiator, target = rig.initiator(), rig.target()
    assert await initiator.negotiate_wide(TARGET)
    command = cocotb.start_soon(initiator.command(TARGET, write_10(1), data_out=pattern()))
    await Timer(9, unit="us")
    assert rig.ports[1].drives("bsy")
    reset = cocotb.start_soon(rig.ports[3].assert_reset())
    await Timer(800, unit="ns")
    for port in rig.ports:
        assert not port.drives_data
        assert not any(port.drives(name) for name in ("bsy", "sel", "msg", "cd", "io", "req", "ack", "atn"))
    await reset
    assert (await command).ended is Ended.RESET
    assert not target.medium.written
    assert not initiator.agreements
    assert not target.session.agreements
    assert (await initiator.command(TARGET, cdb_6(0))).status == Status.CHECK_CONDITION
    assert await sense_of(initiator) == (SenseKey.UNIT_ATTENTION, Asc.BUS_RESET)
    await round_trip(initiator, target)
    await rig.finish()
