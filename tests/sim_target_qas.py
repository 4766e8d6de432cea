"""QAS at the RTL target: the 55h and what follows it, by whom the bus is taken, and when the bus goes free."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, Timer
from cocotb.utils import get_sim_time

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import Option, Period
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.initiator import InitiatorModel
from cocotbext.scsi.models.mirror_messages import Extensions
from cocotbext.scsi.models.negotiation import Abilities
from helpers.commands import cdb_6, write_10
from model_rig import pattern
from target_rig import BLOCK, GROUP, INITIATOR, OTHER_INITIATOR, TargetRig, holders

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


QUICK: dict[str, Any] = {"qas": True, "period": Period.FAST_80, "offset": 31, "dt": True}
QUICK_HOST = Abilities(True, Period.FAST_80, 31, dt=True, qas=True)
MEMBERS, BESIDE = (5, 4, 3), 2


async def _two_quick_hosts(dut: Any) -> tuple[TargetRig, InitiatorModel, InitiatorModel]:
    """QAS agreed between one initiator and its three members, and between another, which knows them too, and a drive.

    To the other initiator the members have other IDs in the group.
    """
    ids = (*MEMBERS, BESIDE)
    rig = await TargetRig(dut, ids=ids, overrides=dict.fromkeys(ids, QUICK)).start()
    hosts = rig.initiator(abilities=QUICK_HOST), rig.initiator(OTHER_INITIATOR, abilities=QUICK_HOST)
    for host, scsi_id in ((hosts[0], 5), (hosts[0], 4), (hosts[0], 3), (hosts[1], BESIDE)):
        await rig.ready(host, scsi_id)
        assert Option.QAS in (await host.negotiate(scsi_id)).options
    for (scsi_id, yz), other in zip(GROUP, (0x02, 0x00, 0x01), strict=True):
        assert (await hosts[0].query(scsi_id, yz)).accepted
        assert (await hosts[0].capability(scsi_id, yz)).extensions == Extensions()
        assert (await hosts[1].query(scsi_id, other)).accepted
    return rig, *hosts


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(report=(False, True))
async def around_a_mirrored_write(dut: Any, report: bool) -> None:
    """A 55h in front: all who snooped that connection take the next one for a new one, of another initiator.

    Behind: none, though an initiator waits that could take the bus by it, and the last target has agreed on it.
    """
    rig, first, second = await _two_quick_hosts(dut)
    before = cocotb.start_soon(second.command(BESIDE, READY))
    await rig.phase_begins(Phase.COMMAND)
    writing = cocotb.start_soon(first.mirror_write(GROUP, 6, DATA, tag=1, report=report))
    await rig.phase_begins(Phase.DT_DATA_OUT)
    after = cocotb.start_soon(second.command(BESIDE, READY))
    result = await writing
    assert (result.good, result.order, result.statuses) == (True, [5, 4, 3], [5, 4, 3]), rig.monitor.last(60)
    assert (await before).good
    assert (await after).good
    rig.monitor.flush()
    seen = list(rig.monitor.transactions)
    place = next(n for n, one in enumerate(seen) if one.note == "mirror_write")
    won = next(one for one in reversed(seen[:place]) if one.kind is Kind.ARBITRATION)
    assert (won.qas, won.winner) == (True, INITIATOR), rig.monitor.last(60)
    ended = next(n for n, one in enumerate(seen) if n > place and one.kind in (Kind.BUS_FREE, Kind.ARBITRATION))
    assert seen[ended].kind is Kind.BUS_FREE, rig.monitor.last(60)
    assert not any(one.data.endswith(b"\x55") for one in seen[place:ended] if one.phase is Phase.MSG_IN)
    asked = next(one for one in seen[ended:] if one.kind is Kind.ARBITRATION)
    assert not asked.qas
    assert OTHER_INITIATOR in asked.contenders, rig.monitor.last(60)
    assert holders(rig, DATA, 6) == list(MEMBERS)
    await rig.finish()
