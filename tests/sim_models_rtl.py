"""A mirror group of one RTL target and one Python target, driven by the Python initiator, on the bench."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Sampler, ScsiBus, ScsiMonitor
from cocotbext.scsi.checker import Checker, CheckerOptions
from cocotbext.scsi.models import Ended, InitiatorModel, Medium, Misbehaviour, ScsiPort, TargetModel
from helpers.commands import cdb_6, read_10
from model_rig import pattern
from silentmirror.bench import Bench, BenchConfig, Kind, SlotConfig
from silentmirror.mirror_rules import VENDOR, MirrorRules
from silentmirror.report import evaluations

INITIATOR, RTL, PYTHON = 7, 5, 4
"""SCSI IDs."""
CABLE_NS = 20


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def each_leads_the_other(dut: Any) -> None:
    """RTL and Python member lead in turn; then the Python member is silent and the RTL leader reclaims."""
    slots = {
        2: SlotConfig(Kind.TARGET, RTL, cable_ns=CABLE_NS),
        14: SlotConfig(Kind.PYTHON, INITIATOR, cable_ns=CABLE_NS),
        15: SlotConfig(Kind.PYTHON, PYTHON, cable_ns=CABLE_NS),
    }
    bench = Bench(dut, BenchConfig(slots))
    await bench.start()
    checker = Checker(CheckerOptions(vendor=VENDOR, cable_ns=CABLE_NS), [MirrorRules])
    bus = ScsiBus(dut, packed="bus_all", drivers="drv_all")
    sampler = Sampler(bus, checker)
    monitor = ScsiMonitor(bus, sampler)
    initiator = InitiatorModel(ScsiPort(dut, bench.python_prefix(14)), INITIATOR)
    member = TargetModel(ScsiPort(dut, bench.python_prefix(15)), PYTHON, Medium(blocks=16), mirror=True)
    for yz, scsi_id in enumerate((RTL, PYTHON)):
        await initiator.command(scsi_id, cdb_6(0))  # takes the UNIT ATTENTION of power-on, where there is one
        assert await initiator.negotiate_wide(scsi_id)
        assert (await initiator.query(scsi_id, yz, last=yz == 1)).accepted
    data = [pattern(512, step) for step in (3, 5, 7)]
    group = [(RTL, 0x00), (PYTHON, 0x01)]
    results = [await initiator.mirror_write(group, 0, data[0], tag=1)]
    results.append(await initiator.mirror_write(group[::-1], 1, data[1], tag=2))
    assert [result.good for result in results] == [True, True], results
    assert [result.order for result in results] == [[RTL, PYTHON], [PYTHON, RTL]]
    assert [result.statuses for result in results] == [[RTL, PYTHON], [PYTHON, RTL]]
    member.misbehave.add(Misbehaviour.SILENT_PARTICIPANT)
    result = await initiator.mirror_write(group, 2, data[2], tag=3, switch_repeats=0)
    assert (result.ended, result.order, result.skipped) == (Ended.RELEASED, [RTL], [PYTHON])
    assert result.results[RTL].good
    read = await initiator.command(RTL, read_10(0, 3))
    assert read.data == b"".join(data)
    assert member.medium.written == {0: data[0], 1: data[1]}
    await Timer(3, unit="us")
    monitor.flush()
    checker.finish(sampler.now_ps())
    evaluations.note(checker)
    assert checker.rules["MIR-08"].evaluations
    assert not checker.violations, f"{checker.violations}\n{monitor.last()}"
