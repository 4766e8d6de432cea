"""The RTL target's parameter lists and write cache: when GOOD comes, who uses the buffer, where a late error goes."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Phase
from cocotbext.scsi.constants import Asc, SenseKey, Status
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.initiator import InitiatorModel
from disk_rig import CACHING_OFF, CACHING_ON, mode_select
from helpers.commands import cdb_6, read_10, write_10
from model_rig import pattern
from target_rig import BLANK, BLOCK, OTHER_INITIATOR, TargetRig

DATA = pattern(BLOCK)
READY = cdb_6(0x00)
FUA = 0x08
SYNC = bytes((0x35, *bytes(9)))


async def _select(initiator: InitiatorModel, parameters: bytes) -> int | None:
    """Status of MODE SELECT with this parameter list."""
    result = await initiator.command(5, mode_select(len(parameters)), data_out=parameters)
    assert result.sent == len(parameters)
    return result.status


def _forced(cdb: bytes) -> bytes:
    """The same with FUA."""
    return bytes((cdb[0], cdb[1] | FUA)) + cdb[2:]


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def parameter_lists(dut: Any) -> None:
    """8 and 16 bit wide; one with wrong parity changes nothing, a wrong one is refused."""
    rig = await TargetRig(dut, ids=(5,)).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.ready(initiator)
    mode_sense = bytes((0x1A, 8, 8, 0, 255, 0))
    off = (await initiator.command(5, mode_sense)).data
    assert await _select(initiator, CACHING_ON) == Status.GOOD
    on = (await initiator.command(5, mode_sense)).data
    assert (on[4:6], on[6] ^ off[6]) == (off[4:6], 4)
    assert await initiator.negotiate_wide(5)
    faults.add(Fault(FaultKind.BAD_PARITY, Phase.DATA_OUT, 6))
    assert await _select(initiator, CACHING_OFF) == Status.CHECK_CONDITION
    assert await rig.sense(initiator, 5) == (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
    assert (await initiator.command(5, mode_sense)).data == on
    assert await _select(initiator, CACHING_OFF[:4] + b"\x3e" + CACHING_OFF[5:]) == Status.CHECK_CONDITION
    assert (await rig.sense(initiator, 5))[0] == SenseKey.ILLEGAL_REQUEST
    assert await _select(initiator, CACHING_OFF) == Status.GOOD
    assert (await initiator.command(5, mode_sense)).data == off
    await rig.finish("PAR-05")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def cached_writes(dut: Any) -> None:
    """GOOD before the medium has it; FUA, SYNCHRONIZE CACHE and the next user of the buffer wait, nothing else."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    assert await _select(initiator, CACHING_ON) == Status.GOOD
    rig.medium(5).set_latency(60_000)
    other = pattern(BLOCK, 9)
    for tag in (None, 1):
        assert (await initiator.command(5, write_10(1), data_out=DATA, tag=tag)).good
        assert rig.medium(5).block(1) == BLANK * BLOCK
        ready = await initiator.command(5, READY, tag=tag)
        assert (ready.good, ready.reselections) == (True, 0)
        assert rig.medium(5).block(1) == BLANK * BLOCK
        second = await initiator.command(5, write_10(2), data_out=other, tag=tag)
        assert (second.good, second.reselections) == (True, int(tag is not None))
        assert (rig.medium(5).block(1), rig.medium(5).block(2)) == (DATA, BLANK * BLOCK)
        synced = await initiator.command(5, SYNC, tag=tag)
        assert (synced.good, synced.reselections) == (True, int(tag is not None))
        assert rig.medium(5).block(2) == other
        forced = await initiator.command(5, _forced(write_10(3)), data_out=other, tag=tag)
        assert forced.good
        rig.image(5, b1=DATA, b2=other, b3=other)
        assert (await initiator.command(5, write_10(4), data_out=DATA, tag=tag)).good
        assert (await initiator.command(5, read_10(4), tag=tag)).data == DATA
        for lba in (1, 2, 3, 4):
            assert (await initiator.command(5, _forced(write_10(lba)), data_out=BLANK * BLOCK)).good
        rig.image(5)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def late_errors(dut: Any) -> None:
    """An error after GOOD: deferred, for the initiator that wrote; SYNCHRONIZE CACHE tells of it itself."""
    rig = await TargetRig(dut, ids=(5,)).start()
    first, second = rig.initiator(), rig.initiator(OTHER_INITIATOR)
    await rig.ready(first)
    await rig.ready(second)
    assert await _select(first, CACHING_ON) == Status.GOOD
    assert (await second.command(5, READY)).status == Status.CHECK_CONDITION  # mode parameters changed
    rig.medium(5).set_latency(20_000)
    rig.medium(5).fail_next()
    assert (await first.command(5, write_10(1), data_out=DATA)).good
    await Timer(40, unit="us")
    assert (await second.command(5, READY)).good
    assert (await first.command(5, READY)).status == Status.CHECK_CONDITION
    result = await first.command(5, cdb_6(0x03, 18))
    assert (result.data[0] & 0x7F, result.data[2] & 0xF) == (0x71, SenseKey.MEDIUM_ERROR)
    assert result.data[12] << 8 | result.data[13] == Asc.WRITE_ERROR
    assert (await first.command(5, READY)).good
    rig.medium(5).fail_next()
    assert (await first.command(5, write_10(1), data_out=DATA)).good
    assert (await first.command(5, SYNC)).status == Status.CHECK_CONDITION
    assert await rig.sense(first, 5) == (SenseKey.MEDIUM_ERROR, Asc.WRITE_ERROR)
    rig.image(5)
    await rig.finish()
