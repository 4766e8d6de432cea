"""Many commands at once from one initiator: tags, a limit, and another try where a target has no room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cocotb
from cocotb.triggers import Event, Timer

from ..constants import Message, Status
from .initiator import InitiatorModel
from .task import Ended, Result

_NO_ROOM = (Status.TASK_SET_FULL, Status.BUSY)


@dataclass(slots=True)
class Job:
    """One command of a workload."""

    target: int
    cdb: bytes
    data_out: bytes = b""
    lun: int = 0
    tagged: bool = True
    """Untagged jobs for one logical unit go one after the other, as their nexus is the same."""
    kind: Message = Message.SIMPLE
    disc_priv: bool = True
    tag: int | None = None
    """The tag that it got."""
    refusals: int = 0
    """How often it ended with TASK SET FULL or BUSY."""
    result: Result = field(default_factory=Result)


class Workload:
    """Keeps up to `outstanding` commands going, in the order of the jobs as far as tags allow."""

    def __init__(
        self,
        initiator: InitiatorModel,
        *,
        outstanding: int = 16,
        tags: Iterable[int] = range(256),
        retries: int = 100,
        pause_us: int = 20,
    ) -> None:
        """`tags` may be used at each logical unit. A job that was refused for want of room is sent again after
        `pause_us`, at most `retries` times.
        """
        self.initiator = initiator
        self.ended: list[Job] = []
        """Jobs in the order in which they ended."""
        self.peak = 0
        """The most commands that were outstanding at once."""
        self._tags = tuple(tags)
        self._limit = outstanding
        self._retries = retries
        self._pause_us = pause_us
        self._going: list[Job] = []
        self._room = Event()

    async def run(self, jobs: Iterable[Job]) -> list[Job]:
        """Send all jobs; returns them, in their order, when the last has ended."""
        jobs = list(jobs)
        running = []
        for job in jobs:
            while not self._take(job):
                self._room.clear()
                await self._room.wait()
            self.peak = max(self.peak, len(self._going))
            running.append(cocotb.start_soon(self._send(job)))
        for one in running:
            await one
        return jobs

    def _take(self, job: Job) -> bool:
        if len(self._going) >= self._limit:
            return False
        nexus = (job.target, job.lun)
        used = {one.tag for one in self._going if (one.target, one.lun) == nexus}
        free: Iterable[int | None] = self._tags if job.tagged else (None,)
        tag = next((one for one in free if one not in used), -1)
        if tag == -1:
            return False
        job.tag = tag
        self._going.append(job)
        return True

    async def _send(self, job: Job) -> None:
        for _ in range(self._retries + 1):
            job.result = await self.initiator.command(
                job.target,
                job.cdb,
                data_out=job.data_out,
                lun=job.lun,
                tag=job.tag,
                kind=job.kind,
                disc_priv=job.disc_priv,
            )
            if job.result.ended is not Ended.COMPLETE or job.result.status not in _NO_ROOM:
                break
            job.refusals += 1
            await Timer(self._pause_us, unit="us")
        self._going.remove(job)
        self.ended.append(job)
        self._room.set()
