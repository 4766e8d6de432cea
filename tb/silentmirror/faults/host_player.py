"""What the points of the initiator have in common: its host, a good drive beside it, the good command."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import cocotb
from cocotb.triggers import Timer

from silentmirror.bench import Bench, BenchConfig, Kind, SlotConfig
from silentmirror.env.port import HostPort

from .bad_initiator import drive_slot
from .host import BAD_TARGET, DRIVE, INITIATOR, Completion, Host, command
from .image import Image, pattern
from .to_target import BLOCK, BLOCKS, read_10, write_10
from .watch import COMPLETION_US, INITIATOR_BOUND_US, BusWatch, PointFailed, TimedPort

_HOST_SLOT, _DRIVE_SLOT, _PORT_SLOT = 0, 2, 14
_TRIES = 8
_PAUSE_US = 20
_READ_AT = 8192


class HostPlayer:
    """The initiator under test, a drive that behaves, and a Python port for a target that does not."""

    def __init__(self, dut: Any, seed: int) -> None:
        slots = {
            _HOST_SLOT: SlotConfig(Kind.INITIATOR, INITIATOR),
            _DRIVE_SLOT: drive_slot(DRIVE, offset=127, period=0x09, dt=True),
            _PORT_SLOT: SlotConfig(Kind.PYTHON, BAD_TARGET),
        }
        self.dut = dut
        self.bench = Bench(dut, BenchConfig(slots, seed))
        self._serial = 0

    async def start(self) -> None:
        """Start the bench, the host, and see a good command through."""
        await self.bench.start()
        self.port = TimedPort(self.dut, self.bench.python_prefix(_PORT_SLOT))
        self.watch = BusWatch(self.dut, self.port, INITIATOR_BOUND_US, COMPLETION_US)
        self.host = Host(HostPort(self.dut, self.bench.prefix(_HOST_SLOT)))
        self.medium = self.bench.medium(_DRIVE_SLOT)
        self.image = Image(self.medium.path, f"drive {DRIVE}")
        await self.host.set_up()
        await self.good_command(0)

    async def good_command(self, number: int) -> None:
        """The drive writes a block and reads it back; nothing is left over. Raises PointFailed."""
        await self.make_ready()
        lba, data = number % BLOCKS, self.pattern(BLOCK)
        await self.host.load(0, data)
        done = await self.over(
            self.host.outcome(command(DRIVE, bytes.fromhex(write_10(lba, 1)), data=data)), "good write"
        )
        self._expect(done, "good write")
        read = command(DRIVE, bytes.fromhex(read_10(lba, 1)), data_in=BLOCK)
        done = await self.over(self.host.outcome(read, _READ_AT), "good read")
        self._expect(done, "good read")
        if await self.host.port.unload(_READ_AT, BLOCK) != data:
            raise PointFailed("good read: other data")
        await self.watch.until(lambda: not self.medium.busy, "medium")
        self.image.judge({lba: [data]}, {lba: data}, "good command")
        if await self.host.take() is not None:
            raise PointFailed("a completion more than there were descriptors")
        self.watch.quiet("after the good command")

    async def make_ready(self) -> None:
        """TEST UNIT READY until sense data of what has been are out of the way."""
        for _ in range(_TRIES):
            done = await self.over(self.host.outcome(command(DRIVE, bytes(6))), "TEST UNIT READY")
            if done[-1].good:
                return
            await Timer(_PAUSE_US, "us")
        raise PointFailed(f"the drive is not ready: {done[-1]}")

    async def over(self, job: Coroutine[Any, Any, Any], what: str) -> Any:
        """The result of `job`, within the bounds."""
        task = cocotb.start_soon(job)
        try:
            await self.watch.until(task.done, what)
        except PointFailed:
            task.cancel()
            raise
        return task.result()

    def pattern(self, length: int) -> bytes:
        """Data that have not been there before."""
        self._serial += 1
        return pattern(self._serial, length)

    @staticmethod
    def _expect(done: list[Completion], what: str) -> None:
        if not done[-1].good:
            raise PointFailed(f"{what}: {done[-1].result.name}, status {done[-1].status:02X}h")
