"""Plays the points of `to_registers`: a host that writes what it should not, then gives a good command."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import Timer

from .host import DRIVE, query
from .host_player import HostPlayer
from .points import Point
from .to_registers import BUFFER
from .watch import PointFailed

_RESTORED = frozenset({"registers written anywhere", "registers configuration"})
"""Classes after which the host sets the initiator up anew."""
_UNREPORTED = _RESTORED | {"registers management"}
"""Classes that may end a write without telling its status: what it had sent may be on the medium."""


class RegisterPlayer(HostPlayer):
    """The initiator with a drive that behaves, and a host that does not."""

    async def start(self) -> None:
        """Also enrol the drive, so that a mirrored write can go wrong later than at its first check. All of the block
        buffer is loaded: what has never been written is unknown in simulation.
        """
        await super().start()
        await self.host.load(0, self.pattern(BUFFER))
        await self._enrol()

    async def play(self, point: Point) -> bool:
        """The bad accesses, what may come of them, and the good command; true, since nothing keeps a host from them.

        Raises:
            PointFailed: see docs/testplan.md.
        """
        host = self.host
        await host.port.write("LOAD_ADDR", 0)
        host.completions.clear()
        await self.over(self._bad(point), "bad input")
        if point.name in _RESTORED:
            await host.set_up()
        await host.port.write("TASK", 0)
        await self.watch.until(lambda: not self.medium.busy, "medium")
        await self._judge(strict=point.name not in _UNREPORTED)
        await self.good_command(point.number)
        if point.name in _RESTORED:
            await self._enrol()
        return True

    async def _bad(self, point: Point) -> None:
        for access in point.spec["accesses"]:
            await self._access(*access)
        if (await self.host.port.read_fields("CONFIG"))["ENABLE"]:
            await self.host.drain()
        while (await self.host.port.read_fields("STATUS"))["UNLOAD_BUSY"]:
            await Timer(1, "us")
        self.host.port.discard()

    async def _access(self, kind: str, *what: Any) -> None:
        port = self.host.port
        if kind == "write":
            await port.poke(what[0], bytes.fromhex(what[1]))
        elif kind == "read":
            await port.peek(what[0], what[1])
        elif kind == "submit":
            await port.write("SUBMIT", 1)
        elif kind == "pause":
            await Timer(what[0], "ns")
        elif kind == "descriptor":
            for name, value in what[0].items():
                await port.write(name, value)
        elif kind == "frame":
            await self.host.load(what[1], self.pattern(what[0]))
        else:
            await port.unload(what[1], what[0])

    async def _judge(self, *, strict: bool) -> None:
        """A block has changed only to data of the block buffer, and with a GOOD where one must have been told."""
        told = any(one.good and one.target == DRIVE for one in self.host.completions)
        changed = self.image.changes()
        # What a READ has brought into the buffer the host does not know.
        known = self.host.buffer
        if not all(block in known for block in changed.values()):
            known = known + await self.over(self.host.port.unload(0, BUFFER), "a look at the block buffer")
        allowed = {lba: [block] for lba, block in changed.items() if block in known}
        self.image.judge(allowed if told or not strict else {}, {}, "bad input")

    async def _enrol(self) -> None:
        done = await self.over(self.host.outcome(query(DRIVE, 0, last=True)), "enrolment")
        if done[-1].result:
            raise PointFailed(f"enrolment: {done[-1].result.name}")
