"""QAS between the Python models: steps and times at the bus, fairness, refusals, and who may not take part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import Agreement, Option
from cocotbext.scsi.constants import Message
from cocotbext.scsi.models import (
    Abilities,
    Fault,
    FaultKind,
    Faults,
    InitiatorModel,
    Medium,
    Misbehaviour,
    TargetModel,
)
from cocotbext.scsi.wires import M_ATN, M_BSY, M_DB, M_PHASE, M_REQ, M_SEL, Wires
from helpers.commands import cdb_6, read_10, write_10
from model_rig import BLOCK, TARGET, Rig, pattern

QAS = Abilities(True, 0x09, 15, dt=True, qas=True)
ASYNC_QAS = Abilities(True, qas=True)
READY = cdb_6(0x00)
REQUEST = bytes([Message.QAS_REQUEST])


@dataclass
class Quick:
    """One QAS phase at the bus, ps; None for what did not happen."""

    start: int
    """MSG, C/D and I/O false."""
    ids: int = 0
    """Most IDs that asked."""
    asked: int | None = None
    last_asked: int | None = None
    sel: int | None = None
    bsy_false: int | None = None
    atn: int | None = None
    partner: int | None = None
    """First change of DB that adds an ID 900 ns or more after SEL."""


class QuickWatch:
    """A subscriber of the sampler that finds QAS phases by BSY alone staying after a MESSAGE IN phase."""

    def __init__(self) -> None:
        self.found: list[Quick] = []
        self._now: Quick | None = None
        self._before = 0

    def sample(self, wires: Wires) -> None:
        """One settled sample."""
        value, time, before = wires.value, wires.time_ps, self._before
        changed, self._before = value ^ before, value
        if (
            changed & M_PHASE
            and not value & (M_PHASE | M_REQ | M_SEL)
            and value & M_BSY
            and before & M_PHASE == M_PHASE
        ):
            self._now = Quick(time)
            self.found.append(self._now)
        if self._now is not None:
            self._follow(self._now, value, changed, time)

    def _follow(self, now: Quick, value: int, changed: int, time: int) -> None:
        if changed & value & M_DB:
            if now.sel is None:
                now.asked = now.asked or time
                now.last_asked = time
                now.ids = max(now.ids, ((value & M_DB) >> 9).bit_count())
            elif time - now.sel > 900_000:
                now.partner = now.partner or time
        if changed & value & M_SEL:
            now.sel = time
        if changed & M_BSY and not value & M_BSY:
            now.bsy_false = time
        if changed & value & M_ATN:
            now.atn = time
        if value & M_REQ or (now.bsy_false is not None and (now.sel is None or value & M_BSY)):
            self._now = None


class QasRig(Rig):
    """A rig that watches QAS phases."""

    def __init__(self, dut: Any, **options: Any) -> None:
        super().__init__(dut, **options)
        self.quick = QuickWatch()
        self.sampler.subscribe(self.quick)

    def judge(self, *violated: str) -> None:
        """Every QAS phase kept the times of spi-facts 4.4 and protocol 13."""
        for one in self.quick.found:
            in_order(one)
        super().judge(*violated)


def in_order(one: Quick) -> None:
    """The steps of a QAS phase in the standard's times."""
    assert one.bsy_false is not None
    if one.sel is None:
        assert one.asked is None
        assert one.bsy_false - one.start >= 2_000_000
        return
    assert one.asked is not None
    assert one.last_asked is not None
    assert one.partner is not None, one
    assert one.last_asked - one.start <= 200_000
    assert one.sel - one.start >= 1_000_000
    assert one.sel <= one.bsy_false <= one.sel + 1_000_000
    assert one.partner - one.sel >= 1_000_000
    if one.atn is not None and one.atn <= one.partner:
        assert one.partner - one.atn >= 90_000


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(cable_ns=[0, 25])
async def next_command(dut: Any, cable_ns: int) -> None:
    """Three commands in a row: the second and third follow without BUS FREE, after the last nobody asks."""
    rig = QasRig(dut, cable_ns=cable_ns)
    initiator, target = rig.initiator(abilities=QAS), rig.target(abilities=QAS)
    assert await initiator.negotiate(TARGET) == Agreement(0x09, 15, True, Option.DT | Option.QAS)
    await Timer(5, unit="us")
    before = len(rig.of_kind(Kind.BUS_FREE)), len(rig.quick.found)
    commands = [
        cocotb.start_soon(initiator.command(TARGET, write_10(0), data_out=pattern())),
        cocotb.start_soon(initiator.command(TARGET, read_10(0))),
        cocotb.start_soon(initiator.command(TARGET, READY)),
    ]
    results = [await one for one in commands]
    assert all(result.good for result in results)
    assert results[1].data == target.medium.written[0] == pattern()
    assert all(REQUEST in result.messages_in for result in results)
    await Timer(5, unit="us")
    assert target.passed_on == 4
    assert [one.sel is None for one in rig.quick.found[before[1] :]] == [False, False, True]
    assert len(rig.of_kind(Kind.BUS_FREE)) == before[0] + 1
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def disconnected_tasks(dut: Any) -> None:
    """DISCONNECT is followed by QAS REQUEST, and reselection can win a QAS, from whichever contender."""
    rig = QasRig(dut)
    initiator = rig.initiator(abilities=QAS)
    ids = (5, 4, 3)
    targets = [
        TargetModel(
            rig.ports[n + 1], scsi_id, Medium(16, BLOCK), abilities=QAS, disconnect=("data", "middle", "status")
        )
        for n, scsi_id in enumerate(ids)
    ]
    for target in targets:
        await initiator.negotiate(target.scsi_id)
    data = {scsi_id: pattern(step=scsi_id) for scsi_id in ids}
    commands = [
        cocotb.start_soon(initiator.command(scsi_id, write_10(2), data_out=data[scsi_id], tag=scsi_id))
        for scsi_id in ids
    ]
    for one in commands:
        result = await one
        assert result.good
        assert result.reselections == 3
    assert {one.scsi_id: one.medium.written for one in targets} == {scsi_id: {2: data[scsi_id]} for scsi_id in ids}
    assert any(one.ids == 2 for one in rig.quick.found)
    assert sum(one.sel is not None for one in rig.quick.found) >= 5
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def fairness(dut: Any) -> None:
    """Three initiators want the bus again and again: by QAS each gets it in turn, whatever its priority."""
    rig = QasRig(dut)
    target = rig.target(abilities=ASYNC_QAS)
    initiators = [InitiatorModel(rig.ports[n], own, abilities=ASYNC_QAS) for n, own in ((0, 7), (2, 6), (3, 4))]
    for one in initiators:
        assert (await one.negotiate(TARGET)).options == Option.QAS
    await Timer(5, unit="us")
    before = len(rig.of_kind(Kind.SELECTION))
    commands = [cocotb.start_soon(one.command(TARGET, READY)) for _ in range(3) for one in initiators]
    for command in commands:
        assert (await command).good
    order = [one.initiator for one in rig.of_kind(Kind.SELECTION)[before:]]
    assert order == [7, 6, 4] * 3, order
    await Timer(5, unit="us")
    assert target.passed_on == 12
    assert {one.ids for one in rig.quick.found} == {0, 1, 2, 3}
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(fair=[False, True])
async def fairness_in_normal_arbitration(dut: Any, fair: bool) -> None:
    """An option there: without it the highest ID has the bus as long as it likes."""
    rig = QasRig(dut)
    rig.target()
    initiators = [InitiatorModel(rig.ports[n], own, fair=fair) for n, own in ((0, 7), (2, 6), (3, 4))]
    commands = [cocotb.start_soon(one.command(TARGET, READY)) for _ in range(3) for one in initiators]
    for command in commands:
        assert (await command).good
    order = [one.initiator for one in rig.of_kind(Kind.SELECTION)]
    assert order == ([7, 6, 4] * 3 if fair else [7, 7, 7, 6, 6, 6, 4, 4, 4]), order
    assert (initiators[0].arbiter.deferred > 0) == fair
    assert not rig.quick.found
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def strangers_to_qas(dut: Any) -> None:
    """Who has no agreement with QAS waits for BUS FREE; a target without it can be selected by QAS all the same."""
    rig = QasRig(dut)
    initiator = rig.initiator(abilities=ASYNC_QAS)
    other = InitiatorModel(rig.ports[2], 6)
    rig.target(abilities=ASYNC_QAS)
    plain = TargetModel(rig.ports[3], 3, Medium(16, BLOCK))
    await initiator.negotiate(TARGET)
    await Timer(5, unit="us")
    before = len(rig.of_kind(Kind.SELECTION))
    first = cocotb.start_soon(initiator.command(TARGET, READY))
    await Timer(6, unit="us")
    commands = [
        cocotb.start_soon(other.command(TARGET, READY)),
        cocotb.start_soon(initiator.command(3, READY)),
    ]
    for command in (first, *commands):
        assert (await command).good
    pairs = [(one.initiator, one.target) for one in rig.of_kind(Kind.SELECTION)[before:]]
    assert pairs == [(7, 5), (7, 3), (6, 5)]
    assert plain.passed_on == 0
    assert sum(one.sel is not None for one in rig.quick.found) == 1
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def refused(dut: Any) -> None:
    """QAS REQUEST is rejected where it is not agreed or not wanted; one that came twice opens nothing."""
    rig = QasRig(dut)
    faults = Faults()
    initiator, target = rig.initiator(abilities=ASYNC_QAS, faults=faults), rig.target(abilities=ASYNC_QAS)
    target.misbehave.add(Misbehaviour.QAS_UNASKED)
    result = await initiator.command(TARGET, READY)
    assert result.good
    assert (Phase.MSG_OUT, "07") in rig.phases()
    target.misbehave.clear()
    await initiator.negotiate(TARGET)
    rejections = rig.phases().count((Phase.MSG_OUT, "07"))
    initiator.accept_qas = False
    assert (await initiator.command(TARGET, READY)).good
    assert rig.phases().count((Phase.MSG_OUT, "07")) == rejections + 1
    initiator.accept_qas = True
    found = len(rig.quick.found)
    faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_IN, 1))
    commands = [cocotb.start_soon(initiator.command(TARGET, READY)) for _ in range(2)]
    for command in commands:
        assert (await command).good
    assert faults.committed
    assert (Phase.MSG_OUT, "09") in rig.phases()
    await Timer(5, unit="us")
    assert len(rig.quick.found) == found + 1
    target.use_qas = False
    passed_on = target.passed_on
    assert (await initiator.command(TARGET, READY)).good
    assert target.passed_on == passed_on
    await rig.finish("QAS-01")


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def winner_without_bus(dut: Any) -> None:
    """The target keeps BSY although SEL is up: the winner's selection has nobody who answers, and RST ends it."""
    rig = QasRig(dut)
    initiator = rig.initiator(abilities=ASYNC_QAS, stall_us=200)
    target = rig.target(abilities=ASYNC_QAS)
    await initiator.negotiate(TARGET)
    await Timer(5, unit="us")
    target.misbehave.add(Misbehaviour.QAS_KEEPS_BSY)
    commands = [cocotb.start_soon(initiator.command(TARGET, READY)) for _ in range(2)]
    results = [await command for command in commands]
    assert [result.good for result in results] == [True, False]
    target.misbehave.clear()
    rig.quick.found.clear()
    await Timer(30, unit="us")
    assert len(rig.of_kind(Kind.RESET)) == 1
    assert not initiator.agreements
    await initiator.command(TARGET, READY)
    assert (await initiator.command(TARGET, READY)).good
    await Timer(3, unit="us")
