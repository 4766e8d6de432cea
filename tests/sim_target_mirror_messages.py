"""Messages of silent mirroring: damaged, rejected, ending the operation, and whom they concern; RTL targets."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import ASYNC_8, Period
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.messages import identify, wdtr
from cocotbext.scsi.models.mirror_messages import (
    Extensions,
    MirrorOrder,
    capability,
    next_block,
    release,
    report,
    switch_role,
)
from cocotbext.scsi.models.task import Ended
from helpers.commands import cdb_6
from model_rig import pattern
from target_rig import BLOCK, GROUP, OTHER_INITIATOR, TargetRig, holders, statuses

DATA = pattern(BLOCK)
READY = cdb_6(0x00)
PARITY = (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_at_a_snooper(dut: Any) -> None:
    """Only target 4 sees wrong parity: in MIRROR WRITE, and is skipped; in SWITCH ROLE, and takes at the second."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, tag=1))
    await rig.phase_begins(Phase.MSG_OUT)
    rig.slot(4).rx.invert("dbp0")
    await rig.phase_begins(Phase.DATA_OUT)
    rig.slot(4).rx.clear()
    result = await task
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5, 3], [4])
    assert holders(rig, DATA) == [5, 3]
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, tag=2))
    await rig.phase_begins(Phase.DATA_OUT)
    await rig.phase_begins(Phase.MSG_OUT)
    rig.slot(4).rx.invert("dbp0")
    await rig.phase_begins(Phase.MSG_IN)
    rig.slot(4).rx.clear()
    result = await task
    assert result.good, result
    assert result.order == [5, 4, 3]
    assert rig.notes().count("reclaimed") == 3
    assert holders(rig, DATA) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_messages(dut: Any) -> None:
    """Wrong parity on the wires in MIRROR WRITE, either SWITCH ROLE or RELEASE: resent, and the operation ends well."""
    rig = await TargetRig(dut).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator)
    for tag, skip in enumerate((0, 1, 2, 3)):
        faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_OUT, 1, skip=skip))
        result = await initiator.mirror_write(GROUP, 0, DATA, tag=tag)
        assert result.good, result
        assert len(faults.committed) == tag + 1
    assert holders(rig, DATA) == [5, 4, 3]
    assert [one.resend for one in rig.of_kind(Kind.PHASE)].count(True) == 4
    assert "reclaimed" not in rig.notes()
    await rig.finish("PAR-01")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def switch_beyond_repair(dut: Any) -> None:
    """A participant cannot read SWITCH ROLE in four tries: it lets its lines go, the leader reclaims."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator(max_resends=5)
    await rig.group(initiator)
    task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, tag=1))
    await rig.phase_begins(Phase.DATA_OUT, 2)
    rig.slot(4).rx.invert("dbp0")
    await rig.phase_begins(Phase.MSG_IN)
    rig.slot(4).rx.clear()
    result = await task
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [5, 4, 3], [])
    assert statuses(result) == {5: 0, 4: Status.CHECK_CONDITION, 3: 0}
    assert await rig.sense(initiator, 4) == PARITY
    assert holders(rig, DATA) == [5, 3]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_copy(dut: Any) -> None:
    """Wrong parity in one copy: that target alone reports it, its medium untouched."""
    rig = await TargetRig(dut).start()
    faults = Faults()
    initiator = rig.initiator(faults=faults)
    await rig.group(initiator)
    for skip, scsi_id in enumerate((5, 4, 3)):
        faults.add(Fault(FaultKind.BAD_PARITY, Phase.DATA_OUT, 40, skip=skip))
        result = await initiator.mirror_write(GROUP, 0, DATA, tag=1)
        assert statuses(result) == {5: 0, 4: 0, 3: 0} | {scsi_id: Status.CHECK_CONDITION}
        assert await rig.sense(initiator, scsi_id) == PARITY
        if skip == 0:
            assert holders(rig, DATA) == [4, 3]
    assert not faults.pending
    await rig.finish("PAR-05")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def what_is_rejected(dut: Any) -> None:
    """Bad form, unknown group, another's identity, no DiscPriv: MESSAGE REJECT; snoopers stay quiet."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    disc = identify(disc_priv=True)
    write = MirrorOrder(True, 0x00, 0, BLOCK, False)
    bad = (
        [identify(), write.encode()],
        [disc, MirrorOrder(True, 0x70, 0, BLOCK, False).encode()],
        [disc, MirrorOrder(True, 0x01, 0, BLOCK, False).encode()],
        [disc, MirrorOrder(True, 0x00, 0, 0, False).encode()],
        [disc, MirrorOrder(False, 0x00, 0, 0, False).encode()],
        [identify(), MirrorOrder(False, 0x00, 0, BLOCK, False).encode()],
        [disc, bytes([1, 10]) + write.encode()[2:] + b"\xfe"],
        [disc, switch_role(0x01)],
        [disc, release(0x00)],
        [disc, report(0x00)],
        [disc, next_block(0x00, 1)],
        [disc, capability(0x01, Extensions())],
        [disc, capability(0x00, Extensions())[:-1] + bytes(2)],
        [disc, bytes([0x26, 0x00, 0xFE])],
    )
    for messages in bad:
        result = await initiator.message_out(5, *messages)
        assert result.ended is Ended.COMPLETE, messages
        assert result.messages_in[0] == bytes([Message.MESSAGE_REJECT]), messages
    assert holders(rig, DATA) == []
    assert (await initiator.mirror_write(GROUP, 0, DATA)).good
    await rig.finish("MIR-12", "MIR-13", "MIR-14", "MIR-16", "MIR-17")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def rejected_within_the_operation(dut: Any) -> None:
    """RELEASE for another yz, a second MIRROR WRITE, WDTR, QUERY, NO OPERATION: nobody acts, RELEASE ends well."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    second = MirrorOrder(True, 0x02, 5, BLOCK, True).encode()
    wrong = (release(0x00), second, b"\x26\x03", b"\x08", wdtr(0))
    for tag, message in enumerate(wrong):
        result = await initiator.mirror_write(GROUP, 0, DATA, tag=tag, ending_message=message)
        assert rig.phases().count((Phase.MSG_IN, "07")) == tag + 1, f"{message.hex()}\n{rig.monitor.last()}"
        assert result.good, result
    assert holders(rig, DATA) == [5, 4, 3]
    await rig.finish("MIR-14", "MIR-15", "MIR-16")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def aborts(dut: Any) -> None:
    """Each message that ends the operation: the leader frees the bus and no member reports."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator(status_timeout_us=150)
    await rig.group(initiator)
    for rig_medium in (rig.medium(5), rig.medium(4), rig.medium(3)):
        rig_medium.set_latency(60_000)
    for code in (0x06, 0x0D, 0x0E, 0x17):
        result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, ending_message=bytes([code]))
        assert result.ended is Ended.ABORTED, hex(code)
        await Timer(150, unit="us")
        assert not rig.of_kind(Kind.RESELECTION), hex(code)
    assert holders(rig, DATA) == [5, 4, 3]
    result = await initiator.mirror_write(GROUP, 0, DATA, tag=1, ending_message=bytes([Message.TARGET_RESET]))
    assert result.ended is Ended.ABORTED
    await Timer(150, unit="us")
    assert not rig.of_kind(Kind.RESELECTION)
    assert (await initiator.command(3, READY)).status == Status.CHECK_CONDITION
    initiator.agreements[3] = ASYNC_8  # as after any reset
    assert await rig.sense(initiator, 3) == (SenseKey.UNIT_ATTENTION, Asc.TARGET_RESET)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def damaged_release(dut: Any) -> None:
    """Only the leader sees RELEASE damaged. FFh announced it: the bus is freed after 10 us. It did not: reclaim."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.group(initiator)
    for announced in (True, False):
        task = cocotb.start_soon(initiator.mirror_write(GROUP, 0, DATA, tag=1))
        if not announced:
            await rig.phase_begins(Phase.DATA_OUT, 2)
            await rig.phase_begins(Phase.MSG_OUT)
            rig.slot(5).rx.invert("dbp0")
            await rig.phase_begins(Phase.DATA_OUT)
        else:
            await rig.phase_begins(Phase.DATA_OUT, 3)
        rig.slot(5).rx.invert("dbp0")
        if announced:
            await rig.bus_free()
            assert rig.notes()[-1] == "release"
        else:
            await rig.phase_begins(Phase.MSG_IN)
        rig.slot(5).rx.clear()
        result = await task
        assert result.good, result
    assert rig.notes().count("reclaimed") == 1
    assert holders(rig, DATA) == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def enrolments(dut: Any) -> None:
    """Replaced by a query, ended by leaving, dropped when another accepts the identity; 16 in all."""
    rig = await TargetRig(dut, period=Period.FAST_40).start()
    initiator = rig.initiator()
    await rig.ready(initiator)
    for scsi_id in rig.ids:
        await initiator.negotiate(scsi_id)

    async def leads(scsi_id: int, yz: int) -> bool:
        """The target accepts a mirrored write as this identity."""
        result = await initiator.mirror_write([(scsi_id, yz)], 0, DATA)
        assert result.good == (result.order == [scsi_id])
        return result.good

    assert (await initiator.query(5, 0x31)).accepted
    assert await leads(5, 0x31)
    assert (await initiator.query(5, 0x42, last=True)).accepted
    assert (await initiator.query(5, 0x30)).accepted
    assert (not await leads(5, 0x31), await leads(5, 0x30), await leads(5, 0x42)) == (True, True, True)
    assert (await initiator.query(5, 0x4F)).accepted
    assert not await leads(5, 0x42)
    assert (await initiator.query(4, 0x30)).accepted
    assert (not await leads(5, 0x30), await leads(4, 0x30)) == (True, True)
    for group in range(16):
        assert (await initiator.query(3, group << 4 | 5)).accepted
    second = rig.initiator(OTHER_INITIATOR)
    assert not (await second.query(3, 0x95)).accepted
    assert (await initiator.query(3, 0x15)).accepted
    assert (await initiator.query(3, 0x1F)).accepted
    assert (await second.query(3, 0x95)).accepted
    assert (await leads(3, 0x15), await leads(3, 0xF5)) == (False, True)
    await rig.finish("MIR-16")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def strangers_stay_out(dut: Any) -> None:
    """Members that are not named, or named for another initiator or group: never a line, never the medium."""
    rig = await TargetRig(dut, period=Period.FAST_40, ids=(5, 4, 3, 2)).start()
    first, second = rig.initiator(), rig.initiator(OTHER_INITIATOR)
    await rig.group(first, 2)
    await rig.ready(first, 3, 2)
    await rig.ready(second)
    for scsi_id in (4, 2):
        await second.negotiate(scsi_id)
    assert (await first.query(3, 0x11)).accepted
    assert (await second.query(2, 0x01)).accepted
    assert (await second.query(4, 0x00)).accepted
    result = await first.mirror_write(GROUP[:2], 0, DATA, tag=1)
    assert result.good
    assert holders(rig, DATA) == [5, 4]
    result = await second.mirror_write([(4, 0x00), (2, 0x01)], 0, DATA, tag=1)
    assert result.good, result
    assert holders(rig, DATA) == [5, 4, 2]
    await rig.finish()
