"""Extensions of silent mirroring: RTL targets and a Python target in one group, driven by the Python initiator."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi.agreement import Period
from cocotbext.scsi.checker import CheckerOptions
from cocotbext.scsi.constants import Status
from cocotbext.scsi.models import Extensions, InitiatorModel, Medium, Misbehaviour, ScsiPort, TargetModel
from cocotbext.scsi.models.negotiation import Abilities
from cocotbext.scsi.transaction import Kind as Happened
from helpers.commands import cdb_6, read_10
from helpers.referee import Referee
from model_rig import pattern
from silentmirror.bench import Bench, BenchConfig, Kind, SlotConfig
from silentmirror.mirror_rules import VENDOR

INITIATOR, FIRST, SECOND, PYTHON = 7, 5, 3, 4
"""SCSI IDs."""
GROUP = ((FIRST, 0), (PYTHON, 1), (SECOND, 2))
CABLE_NS = 20
LENGTH = 512
OFFSET = 31


class MixedGroup(Referee):
    """Two RTL members, a Python member between them, a Python initiator, and the referee.

    `period`: of Fast-40 or the like; 0 for asynchronous transfers.
    """

    def __init__(self, dut: Any, period: int = 0) -> None:
        self.dut = dut
        self.abilities = Abilities(period=period, offset=OFFSET if period else 0)
        slots = {
            slot: SlotConfig(Kind.TARGET, scsi_id, period=period, offset=OFFSET if period else 0, cable_ns=CABLE_NS)
            for slot, scsi_id in ((2, FIRST), (3, SECOND))
        }
        slots |= {14: SlotConfig(Kind.PYTHON, INITIATOR, cable_ns=CABLE_NS)}
        slots |= {15: SlotConfig(Kind.PYTHON, PYTHON, cable_ns=CABLE_NS)}
        self.bench = Bench(dut, BenchConfig(slots))

    async def start(self) -> None:
        """Everybody enrolled, transfers and both extensions agreed on."""
        await self.bench.start()
        self.attach(self.dut, CheckerOptions(vendor=VENDOR, cable_ns=CABLE_NS))
        port = ScsiPort(self.dut, self.bench.python_prefix(14))
        self.initiator = InitiatorModel(port, INITIATOR, abilities=self.abilities)
        member_port = ScsiPort(self.dut, self.bench.python_prefix(15))
        self.member = TargetModel(member_port, PYTHON, Medium(blocks=16), mirror=True, abilities=self.abilities)
        for scsi_id, yz in GROUP:
            await self.initiator.command(scsi_id, cdb_6(0))  # takes the UNIT ATTENTION of power-on, where there is one
            if self.abilities.period:
                assert (await self.initiator.negotiate(scsi_id)).period == self.abilities.period
            else:
                assert await self.initiator.negotiate_wide(scsi_id)
            assert (await self.initiator.query(scsi_id, yz, last=yz == len(GROUP) - 1)).accepted
            result = await self.initiator.capability(scsi_id, yz)
            assert result.extensions == Extensions(), (scsi_id, result)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def reports_and_series(dut: Any) -> None:
    """A block led by the Python member, a series led by RTL and read back; every medium holds what was sent."""
    rig = MixedGroup(dut, Period.FAST_40)
    await rig.start()
    blocks = [pattern(LENGTH, step) for step in (3, 5, 7)]
    one = await rig.initiator.mirror_write([GROUP[1], GROUP[2], GROUP[0]], 1, blocks[0], tag=1, report=True)
    assert one.good, one
    many = await rig.initiator.mirror_write(GROUP, 12, blocks[1], tag=2, series=[(4, blocks[2])], report=True)
    assert many.good, many
    assert rig.member.medium.written == {1: blocks[0], 12: blocks[1], 4: blocks[2]}
    read = await rig.initiator.mirror_read(GROUP, 12, LENGTH, tag=3, series=[4], report=True)
    assert read.good, read
    assert (read.order, read.differs) == ([FIRST, PYTHON, SECOND], [])
    assert read.results[FIRST].data == blocks[1] + blocks[2]
    for scsi_id in (FIRST, SECOND):
        assert (await rig.initiator.command(scsi_id, read_10(1))).data == blocks[0]
    await rig.finish()
    for rule in ("MIR-24", "MIR-27", "MIR-31", "MIR-32"):
        assert rig.checker.rules[rule].evaluations, rule


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def members_that_do_not_take(dut: Any) -> None:
    """The Python member is silent for a report, then for copies: RTL leaders reclaim."""
    rig = MixedGroup(dut, Period.FAST_40)
    await rig.start()
    data = pattern(LENGTH)
    rig.member.misbehave.add(Misbehaviour.SILENT_REPORTER)
    result = await rig.initiator.mirror_write(GROUP, 1, data, tag=1, report=True, switch_repeats=0)
    assert result.good, result
    assert PYTHON not in result.reported
    rig.member.misbehave.clear()
    rig.member.misbehave.add(Misbehaviour.SILENT_PARTICIPANT)
    series = [(9, data), (4, data)]
    result = await rig.initiator.mirror_write(GROUP, 2, data, tag=2, series=series, report=True, switch_repeats=0)
    assert result.skipped == [PYTHON]
    assert [result.results[one].status for one in (FIRST, SECOND)] == [Status.GOOD] * 2
    rig.member.misbehave.clear()
    rig.member.misbehave.add(Misbehaviour.ALWAYS_DISCONNECTS)
    result = await rig.initiator.mirror_write(GROUP, 3, data, tag=3, report=True)
    assert result.good, result
    assert PYTHON not in result.reported
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def cut_off(dut: Any) -> None:
    """A series without REPORT: nobody reselects."""
    rig = MixedGroup(dut)
    await rig.start()
    data = pattern(LENGTH)
    before = len(rig.of_kind(Happened.RESELECTION))
    await rig.initiator.mirror_write(GROUP, 1, data, tag=1, series=[(2, data)])
    await Timer(100, unit="us")
    assert len(rig.of_kind(Happened.RESELECTION)) == before
    await rig.finish()
