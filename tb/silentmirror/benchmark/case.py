"""The in-simulator side of the benchmark: carries out one job, leaves the transcript and the checker's verdict."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TextIO

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi.bus import ScsiBus
from cocotbext.scsi.checker import Checker
from cocotbext.scsi.constants import Opcode, Status
from cocotbext.scsi.monitor import ScsiMonitor
from cocotbext.scsi.sampler import Sampler
from cocotbext.scsi.transaction import Transaction
from silentmirror.bench import Bench
from silentmirror.env import descriptor
from silentmirror.env.port import HostPort
from silentmirror.env.sequences import write_10
from silentmirror.mirror_rules import MirrorRules, mirror_options
from silentmirror.model import CommandRequest, Result

from .cases import BLOCK, DRIVES, INITIATOR, JOB_VARIABLE, OUTCOME_FILE, TRANSCRIPT_FILE, Job

_WRITE_CACHE_ON = bytes([0, 0, 0, 0, 0x08, 0x12, 0x05, *bytes(17)])
"""Mode parameters: header, caching page with WCE and RCD."""
_MODE_SELECT = bytes([Opcode.MODE_SELECT_6, 0x10, 0, 0, len(_WRITE_CACHE_ON), 0])
_DATA = bytes(range(256)) * (BLOCK // 256)
_WRITE = write_10(1, 1)
_READ = bytes([Opcode.READ_10]) + _WRITE[1:]
REPEATS = 2
"""Equal commands in a row: from the second on the initiator waits for the bus when it becomes free."""


class Host:
    """Commands to the initiator, handed over ahead of time so that the bus is never left idle by the host."""

    def __init__(self, port: HostPort) -> None:
        self.port = port
        self.failures: list[str] = []
        self._tag = 0

    async def start(self, job: Job, offset: int) -> None:
        """Give the initiator its identity and abilities; forgets what was agreed before."""
        fastest = min(drive.period for drive in DRIVES if drive.period)
        await self.port.write_fields("CONFIG", OWN_ID=INITIATOR)
        await self.port.write_fields("ABILITY", PERIOD=fastest, OFFSET=offset, DT=1, QAS=int(job.qas))
        await self.port.write_fields("CONFIG", OWN_ID=INITIATOR, WIDE=1, ENABLE=1)

    async def run(self, target: int, cdb: bytes, *, count: int, data: bytes = b"", data_in: int = 0) -> None:
        """The same command `count` times, handed over as fast as the initiator takes them; notes what is not GOOD."""
        if data:
            await self.port.load(0, data)
        for _ in range(count):
            self._tag = self._tag % 255 + 1
            request = CommandRequest(INITIATOR, self._tag, True, False, 0, target, cdb, data, data_in)
            words = descriptor.encode(request, 0)
            await self.port.wait_status("READY", 1)
            await self.port.write_from(descriptor.FIRST, words)
            await self.port.write("SUBMIT", 1)
        for _ in range(count):
            await self._completion(target, cdb)

    async def _completion(self, target: int, cdb: bytes) -> None:
        while not (head := await self.port.read_fields("CPL0"))["VALID"]:
            await self.port.wait_irq()
            await self.port.write_fields("IRQ_STATUS", COMPLETION=1)
        tail = await self.port.read_fields("CPL1")
        attention = cdb[0] == Opcode.TEST_UNIT_READY and head["STATUS"] == Status.CHECK_CONDITION
        if tail["RESULT"] != Result.OK or (head["STATUS"] != Status.GOOD and not attention):
            told = f"{Result(tail['RESULT']).name}, status {head['STATUS']:02X}h"
            self.failures.append(f"{cdb.hex()} to target {target}: {told}")


@cocotb.test()
async def measure(dut: Any) -> None:
    """All drives, all offsets of the job: writes and reads of one block, several in a row."""
    job = Job.load(Path(os.environ[JOB_VARIABLE]))
    for drive in DRIVES:
        job.medium(drive).write_bytes(bytes(16 * BLOCK))
    bench = Bench(dut, job.bench())
    await bench.start()
    checker = Checker(
        mirror_options(cable_ns=max(slot.cable_ns for slot in bench.config.slots.values())), [MirrorRules]
    )
    bus = ScsiBus(dut, packed="bus_all", drivers="drv_all")
    sampler = Sampler(bus, checker)
    with (job.path / TRANSCRIPT_FILE).open("w", encoding="utf-8") as lines:
        monitor = ScsiMonitor(bus, sampler, callback=lambda one: _note(lines, one))
        host = Host(HostPort(dut, bench.prefix(0)))
        await host.port.write_fields("IRQ_ENABLE", MASK=1)
        for offset in job.offsets:
            await host.start(job, offset)
            await (work(host) if len(job.offsets) == 1 else probe(host))
        await Timer(2, "us")
        monitor.flush()
        checker.finish(sampler.now_ps())
    found = [*host.failures, *map(str, checker.violations)]
    outcome = {"failures": found, **checker.report()}
    (job.path / OUTCOME_FILE).write_text(json.dumps(outcome), encoding="utf-8")
    assert not found, "\n".join(found)


async def work(host: Host) -> None:
    """Each drive: the unit attention taken, agreements made, then writes and reads in a row."""
    for drive in DRIVES:
        await host.run(drive.scsi_id, bytes(6), count=2)
        # The medium's time is not the bus's: GOOD may come once the data is in the drive's buffer.
        await host.run(drive.scsi_id, _MODE_SELECT, count=1, data=_WRITE_CACHE_ON)
        await host.run(drive.scsi_id, _WRITE, count=1 + REPEATS, data=_DATA)
        await host.run(drive.scsi_id, _READ, count=REPEATS, data_in=BLOCK)


async def probe(host: Host) -> None:
    """One write and one read of each drive that can do more than asynchronous transfers."""
    for drive in (one for one in DRIVES if one.period):
        await host.run(drive.scsi_id, bytes(6), count=1)
        await host.run(drive.scsi_id, _WRITE, count=1, data=_DATA)
        await host.run(drive.scsi_id, _READ, count=1, data_in=BLOCK)


def _note(lines: TextIO, one: Transaction) -> None:
    lines.write(json.dumps(one.to_json()) + "\n")
