"""The RTL target as an ordinary disk, driven by the Python initiator, judged by monitor and checker."""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.constants import Asc, Status
from helpers.commands import cdb_6, read_10, write_10
from model_rig import pattern
from target_rig import BLOCK, BLOCKS, TargetRig


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def unit_attention(dut: Any) -> None:
    """TEST UNIT READY reports power on once; REQUEST SENSE tells what it was."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    assert (await initiator.command(5, cdb_6(0x00))).status == Status.CHECK_CONDITION
    assert await rig.sense(initiator, 5) == (6, Asc.POWER_ON)
    assert (await initiator.command(5, cdb_6(0x00))).good
    assert await rig.sense(initiator, 5) == (0, 0)
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def inquiry_and_capacity(dut: Any) -> None:
    """INQUIRY passes a unit attention by and honours the allocation length; READ CAPACITY tells the last LBA."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    result = await initiator.command(5, cdb_6(0x12, 96))
    assert result.good
    assert result.data == bytes((0, 0, 3, 2, 53, 0, 0, 0x22)) + b"SILENT  MIRROR DISK     0001" + bytes(22)
    assert (await initiator.command(5, cdb_6(0x12, 5))).data == result.data[:5]
    assert (await initiator.command(5, cdb_6(0x12, 0))).data == b""
    absent = await initiator.command(5, cdb_6(0x12, 36), lun=3)
    assert absent.good
    assert absent.data[0] == 0x7F
    await rig.ready(initiator)
    capacity = await initiator.command(5, bytes((0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
    assert capacity.good
    assert capacity.data == (BLOCKS - 1).to_bytes(4, "big") + BLOCK.to_bytes(4, "big")
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def write_and_read(dut: Any) -> None:
    """Blocks go to the medium and come back, 8 bit and, after WDTR, 16 bit; more than the sector buffer holds, too."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    one = pattern(BLOCK, 3)
    assert (await initiator.command(5, write_10(2), data_out=one)).good
    rig.image(5, b2=one)
    assert (await initiator.command(5, read_10(2))).data == one
    assert await initiator.negotiate_wide(5)
    many = pattern(9 * BLOCK, 11)
    assert (await initiator.command(5, write_10(4, 9), data_out=many)).good
    blocks = {f"b{4 + n}": many[n * BLOCK : (n + 1) * BLOCK] for n in range(9)}
    rig.image(5, b2=one, **blocks)
    result = await initiator.command(5, read_10(4, 9))
    assert result.good
    assert result.data == many
    assert (await initiator.command(5, read_10(0, 0))).good
    data = [one for one in rig.of_kind(Kind.PHASE) if one.phase in (Phase.DATA_OUT, Phase.DATA_IN)]
    assert {one.wide for one in data if len(one.data) == BLOCK} == {False}
    assert {one.wide for one in data if len(one.data) > BLOCK} == {True}
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def disconnecting_write(dut: Any) -> None:
    """With DiscPriv and a tag a write disconnects after its data and comes back with its status."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    assert await initiator.negotiate_wide(5)
    data = pattern(BLOCK)
    result = await initiator.command(5, write_10(7), data_out=data, tag=0x31)
    assert result.good
    assert result.reselections == 1
    rig.image(5, b7=data)
    tail = [(Phase.MSG_IN, "04"), (Phase.MSG_IN, "802031"), (Phase.STATUS, "00"), (Phase.MSG_IN, "00")]
    assert rig.phases()[-4:] == tail
    untagged = await initiator.command(5, write_10(8), data_out=data, disc_priv=True)
    assert untagged.good
    assert untagged.reselections == 1
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def disconnect_rejected(dut: Any) -> None:
    """The initiator reads another message and rejects it: the target stays until the medium is done."""
    rig = await TargetRig(dut, ids=(5,)).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    rig.medium(5).set_latency(20_000)
    task = cocotb.start_soon(initiator.command(5, write_10(7), data_out=pattern(BLOCK), tag=0x31))
    await rig.phase_begins(Phase.DATA_OUT)
    rig.host_slot.rx.invert(("db3", "db4"))
    await rig.phase_begins(Phase.MSG_OUT)
    rig.host_slot.rx.clear()
    result = await task
    assert (result.good, result.reselections) == (True, 0)
    assert rig.phases()[-4:] == [
        (Phase.MSG_IN, "04"),
        (Phase.MSG_OUT, "07"),
        (Phase.STATUS, "00"),
        (Phase.MSG_IN, "00"),
    ]
    rig.image(5, b7=pattern(BLOCK))
    await rig.finish()
