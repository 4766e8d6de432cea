"""QAS at the RTL target: the 55h and what follows it, by whom the bus is taken, and when the bus goes free."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, Timer
from cocotb.utils import get_sim_time

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import Option
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.negotiation import Abilities
from helpers.commands import cdb_6, write_10
from model_rig import pattern
from target_rig import BLOCK, OTHER_INITIATOR, TargetRig

DATA = pattern(BLOCK)
READY = cdb_6(0x00)
QAS = Abilities(True, qas=True)
OVERRIDES: dict[int, dict[str, Any]] = {5: {"qas": True}, 4: {"qas": True}}


def _arbitrations(rig: TargetRig) -> list[bool]:
    """Of each arbitration so far: was it by QAS?"""
    rig.monitor.flush()
    return [one.qas for one in rig.of_kind(Kind.ARBITRATION)]


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def after_status_and_disconnect(dut: Any) -> None:
    """55h after TASK COMPLETE and after DISCONNECT; the next in line takes the bus from there, else it goes free."""
    rig = await TargetRig(dut, ids=(5,), overrides=OVERRIDES).start()
    initiator = rig.initiator(abilities=QAS)
    await rig.ready(initiator)
    assert (Phase.MSG_IN, "0055") not in rig.phases()
    assert (await initiator.negotiate(5)).options == Option.QAS
    first = cocotb.start_soon(initiator.command(5, READY))
    second = cocotb.start_soon(initiator.command(5, write_10(2), data_out=DATA, tag=1))
    assert (await first).good
    assert (await second).good
    assert rig.phases().count((Phase.MSG_IN, "0055")) >= 2
    assert rig.phases().count((Phase.MSG_IN, "0455")) == 1
    assert any(_arbitrations(rig))
    rig.image(5, b2=DATA)
    await rig.bus_free()
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def release(dut: Any) -> None:
    """All but BSY go within 200 ns of ACK; nobody asserts SEL: BSY goes 2000 ns after the phase lines."""
    rig = await TargetRig(dut, ids=(5,), overrides=OVERRIDES).start()
    initiator = rig.initiator(abilities=QAS)
    await rig.ready(initiator)
    await initiator.negotiate(5)
    task = cocotb.start_soon(initiator.command(5, READY))
    await rig.phase_begins(Phase.STATUS)
    for _ in range(3):  # STATUS, TASK COMPLETE, 55h
        await FallingEdge(dut.bus_ack)
    acknowledged = get_sim_time("ps")
    await FallingEdge(dut.bus_msg)
    released = get_sim_time("ps")
    assert released - acknowledged <= 200_000
    await Timer(20, unit="ns")
    assert int(dut.drv_all.value) >> 27 * 2 & (1 << 27) - 1 == 1, "BSY alone"
    await FallingEdge(dut.bus_bsy)
    assert 2_000_000 <= get_sim_time("ps") - released <= 2_200_000
    assert (await task).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def only_as_agreed(dut: Any) -> None:
    """No 55h to an initiator without QAS; one that refuses it, or sees it damaged, gets an ordinary BUS FREE."""
    rig = await TargetRig(dut, ids=(5,), overrides=OVERRIDES, allow_unexpected_free=True).start()
    faults = Faults()
    first, second = rig.initiator(abilities=QAS, faults=faults), rig.initiator(OTHER_INITIATOR)
    await rig.ready(first)
    await rig.ready(second)
    await first.negotiate(5)
    before = rig.phases().count((Phase.MSG_IN, "0055"))
    assert (await second.command(5, READY)).good
    assert rig.phases().count((Phase.MSG_IN, "0055")) == before
    first.accept_qas = False
    assert (await first.command(5, READY)).good
    assert rig.phases()[-1] == (Phase.MSG_OUT, "07")
    first.accept_qas = True
    faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_IN, 1))
    assert (await first.command(5, READY)).good
    assert not faults.pending
    assert rig.phases()[-3:] == [(Phase.MSG_IN, "0055"), (Phase.MSG_OUT, "09"), (Phase.MSG_IN, "55")]
    assert (await first.command(5, READY)).good
    assert not any(_arbitrations(rig))
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def two_drives(dut: Any) -> None:
    """One drive's 55h lets the other one reselect by QAS."""
    rig = await TargetRig(dut, ids=(5, 4), overrides=OVERRIDES).start()
    initiator = rig.initiator(abilities=QAS)
    for target in rig.ids:
        await rig.ready(initiator, target)
        assert (await initiator.negotiate(target)).options == Option.QAS
    rig.medium(4).set_latency(25_000)
    first = cocotb.start_soon(initiator.command(4, write_10(1), data_out=DATA, tag=1))
    await rig.phase_begins(Phase.MSG_IN)
    seconds = [cocotb.start_soon(initiator.command(5, READY)) for _ in range(6)]
    assert all([(await task).good for task in seconds])
    assert (await first).good
    assert _arbitrations(rig).count(True) >= 3
    rig.image(4, b1=DATA)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reset_while_open(dut: Any) -> None:
    """RST while the target holds BSY alone: released, and QAS is agreed no more."""
    rig = await TargetRig(dut, ids=(5,), overrides=OVERRIDES, allow_unexpected_free=True).start()
    initiator = rig.initiator(abilities=QAS)
    await rig.ready(initiator)
    await initiator.negotiate(5)
    task = cocotb.start_soon(initiator.command(5, READY))
    await rig.phase_begins(Phase.STATUS)
    await RisingEdge(dut.bus_msg)
    await FallingEdge(dut.bus_msg)
    await Timer(700, unit="ns")
    await rig.reset_bus()
    await task
    await rig.ready(initiator)
    before = rig.phases().count((Phase.MSG_IN, "0055"))
    assert (await initiator.command(5, READY)).good
    assert rig.phases().count((Phase.MSG_IN, "0055")) == before
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def own_request(dut: Any) -> None:
    """The drive that sent the 55h wants the bus itself, for a task that is ready: it takes part as others do."""
    rig = await TargetRig(dut, ids=(5,), overrides=OVERRIDES).start()
    initiator = rig.initiator(abilities=QAS)
    await rig.ready(initiator)
    await initiator.negotiate(5)
    rig.medium(5).set_latency(6_000)
    writes = [cocotb.start_soon(initiator.command(5, write_10(n), data_out=DATA, tag=n)) for n in range(3)]
    assert all([(await task).good for task in writes])
    rig.image(5, b0=DATA, b1=DATA, b2=DATA)
    await rig.finish()
    by_drive = [one for one in rig.of_kind(Kind.ARBITRATION) if one.qas and one.winner == 5]
    assert by_drive, rig.monitor.last(60)
