"""The in-simulator side of the benchmark's jobs: carries one out, leaves the transcript and the checker's verdict."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi.bus import ScsiBus
from cocotbext.scsi.checker import Checker
from cocotbext.scsi.constants import Opcode
from cocotbext.scsi.monitor import ScsiMonitor
from cocotbext.scsi.sampler import Sampler
from cocotbext.scsi.transaction import Transaction
from silentmirror.bench import Bench, BenchConfig
from silentmirror.env.port import HostPort
from silentmirror.env.sequences import write_10
from silentmirror.mirror_rules import MirrorRules, mirror_options
from silentmirror.report import evaluations

from .cases import BLOCK, JOB_VARIABLE, OUTCOME_FILE, TEST_UNIT_READY, TRANSCRIPT_FILE, Drive, Job
from .host import Host

_DATA = bytes(range(256)) * (BLOCK // 256)
_WRITE = write_10(1, 1)
_READ = bytes([Opcode.READ_10]) + _WRITE[1:]
REPEATS = 2
"""Equal commands in a row: from the second on the initiator waits for the bus when it becomes free."""


async def observe(dut: Any, config: BenchConfig, folder: Path, play: Callable[[Host], Awaitable[None]]) -> None:
    """Start the bench and let `play` use the initiator in slot 0 while monitor and checker watch.

    Leaves transcript and outcome in `folder`; fails with whatever a command or the checker found wrong.
    """
    bench = Bench(dut, config)
    await bench.start()
    cable_ns = max(slot.cable_ns for slot in config.slots.values())
    checker = Checker(mirror_options(cable_ns=cable_ns), [MirrorRules])
    bus = ScsiBus(dut, packed="bus_all", drivers="drv_all")
    sampler = Sampler(bus, checker)
    with (folder / TRANSCRIPT_FILE).open("w", encoding="utf-8") as lines:
        monitor = ScsiMonitor(bus, sampler, callback=lambda one: _note(lines, one), keep=1)
        host = Host(HostPort(dut, bench.prefix(0)))
        await play(host)
        await Timer(2, "us")
        monitor.flush()
        checker.finish(sampler.now_ps())
        evaluations.note(checker)
    found = [*host.failures, *map(str, checker.violations)]
    outcome = {"failures": found, **checker.report()}
    (folder / OUTCOME_FILE).write_text(json.dumps(outcome), encoding="utf-8")
    assert not found, "\n".join(found)


@cocotb.test()
async def measure(dut: Any) -> None:
    """All drives, all offsets of the job: writes and reads of one block, several in a row."""
    job = Job.load(Path(os.environ[JOB_VARIABLE]))
    for drive in job.drives:
        job.medium(drive).write_bytes(bytes(16 * BLOCK))

    async def play(host: Host) -> None:
        fastest = min(drive.period for drive in job.drives if drive.period)
        for offset in job.offsets:
            await host.start({"PERIOD": fastest, "OFFSET": offset, "DT": 1, "QAS": int(job.qas)})
            await (work(host, job.drives) if len(job.offsets) == 1 else probe(host, job.drives))

    await observe(dut, job.bench(), job.path, play)


async def work(host: Host, drives: Iterable[Drive]) -> None:
    """Each drive: made ready, then writes and reads in a row."""
    for drive in drives:
        await host.make_ready(drive.scsi_id)
        await host.run(drive.scsi_id, _WRITE, count=1 + REPEATS, data=_DATA)
        await host.run(drive.scsi_id, _READ, count=REPEATS, data_in=BLOCK)


async def probe(host: Host, drives: Iterable[Drive]) -> None:
    """One write and one read of each drive that can do more than asynchronous transfers."""
    for drive in (one for one in drives if one.period):
        await host.run(drive.scsi_id, TEST_UNIT_READY)
        await host.run(drive.scsi_id, _WRITE, data=_DATA)
        await host.run(drive.scsi_id, _READ, data_in=BLOCK)


def _note(lines: TextIO, one: Transaction) -> None:
    lines.write(json.dumps(one.to_json()) + "\n")
