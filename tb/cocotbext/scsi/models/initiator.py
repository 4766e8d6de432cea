"""A Python initiator on a bus slot: it behaves by the standard; whatever else it shall do is asked for by name.

port = ScsiPort(dut, "py0")
initiator = InitiatorModel(port, 7)
result = await initiator.command(5, cdb, data_out=data, tag=1)
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import cocotb
from cocotb.triggers import Timer

from ..constants import Opcode
from ..wires import M_BSY, M_SEL
from .arbitration import answer_selection, arbitrate, being_selected, detect_selection, select
from .connection import Connection
from .faults import Faults
from .handshake import InitiatorHandshake
from .messages import identify, simple, wdtr
from .mirror_connection import MirrorConnection, MirrorResult, Participant
from .mirror_messages import MirrorOrder, query
from .port import M_FREE, BusFreedError, BusResetError, ScsiPort, now_ps
from .query_connection import QueryConnection
from .task import Ended, Result, Task

_Job = Callable[[], Coroutine[Any, Any, None]]


class InitiatorModel:
    """An initiator. Calls may run side by side; they take the bus one after the other."""

    def __init__(
        self,
        port: ScsiPort,
        scsi_id: int,
        *,
        wide: bool = True,
        faults: Faults | None = None,
        pauses: Iterator[int] | None = None,
        stall_us: int = 4_000,
        selection_timeout_us: int | None = None,
        status_timeout_us: int = 20_000,
        reset_on_stall: bool = True,
        max_resends: int = 3,
        respond_to_reselection: bool = True,
    ) -> None:
        """`stall_us`: a connection in which the target does nothing for so long ends in RST (or, without
        `reset_on_stall`, is left as it is). `status_timeout_us` bounds the wait for a disconnected task.
        """
        self.port = port
        self.scsi_id = scsi_id
        self.wide = wide
        self.faults = faults or Faults()
        self.handshake = InitiatorHandshake(port, faults=self.faults, stall_ns=stall_us * 1000, pauses=pauses)
        self.agreements: dict[int, bool] = {}
        self.max_resends = max_resends
        self.respond_to_reselection = respond_to_reselection
        self.reset_on_stall = reset_on_stall
        self.arbitrations_lost = 0
        self.strangers: list[Task] = []
        """Tasks for which a target reselected though none was outstanding."""
        self._timeout_ns = (
            port.timing.selection_timeout_delay if selection_timeout_us is None else selection_timeout_us * 1000
        )
        self._status_timeout_ns = status_timeout_us * 1000
        self._jobs: list[_Job] = []
        self._tasks: list[Task] = []
        cocotb.start_soon(self._run())

    # -- what a test calls --------------------------------------------------------------------------------------

    async def command(
        self,
        target: int,
        cdb: Sequence[int],
        *,
        data_out: bytes = b"",
        lun: int = 0,
        tag: int | None = None,
        disc_priv: bool = False,
        messages: Sequence[bytes] = (),
        atn: bool = True,
    ) -> Result:
        """One ordinary command, to its status. `messages` follow IDENTIFY and tag; `atn=False` selects without ATN."""
        task = Task(target, lun, tag, bytes(cdb), data_out)
        head = [identify(lun, disc_priv=disc_priv or tag is not None)]
        if tag is not None:
            head.append(simple(tag))
        connection = Connection(self, target, task, [*head, *messages] if atn else [])
        self._submit(lambda: self._connect_one(connection, task, atn=atn))
        return await self._status_of(task)

    async def message_out(self, target: int, *messages: bytes, cdb: Sequence[int] = bytes(6)) -> Result:
        """Select with ATN and send exactly these messages; a target that then asks for a command gets `cdb`."""
        task = Task(target, cdb=bytes(cdb))
        connection = Connection(self, target, task, messages)
        self._submit(lambda: self._connect_one(connection, task))
        return await self._status_of(task)

    async def negotiate_wide(self, target: int) -> bool:
        """WDTR with TEST UNIT READY; True if 16 bit was agreed."""
        await self.command(target, bytes([Opcode.TEST_UNIT_READY, 0, 0, 0, 0, 0]), messages=[wdtr(int(self.wide))])
        return self.agreements.get(target, False)

    async def query(self, target: int, yz: int, *, last: bool = False, lun: int = 0) -> Result:
        """MIRROR QUERY; `accepted` in the result tells whether the target enrolled."""
        task = Task(target, lun)
        connection = QueryConnection(self, target, task, [identify(lun, disc_priv=True), query(yz, last=last)], yz=yz)
        self._submit(lambda: self._connect_one(connection, task))
        return await self._status_of(task)

    async def mirror_write(
        self,
        order: Sequence[tuple[int, int]],
        lba: int,
        data: bytes,
        *,
        tag: int | None = None,
        lun: int = 0,
        switch_repeats: int = 1,
        ending_message: bytes | None = None,
    ) -> MirrorResult:
        """Write `data` to the participants `(SCSI ID, yz)`, the leader first, and collect their statuses.

        A participant that was reclaimed is named again `switch_repeats` times. `ending_message` replaces RELEASE.
        """
        message = MirrorOrder(True, order[0][1], lba, len(data), len(order) == 1)
        parts = [Participant(Task(target, lun, tag, data_out=data), yz) for target, yz in order]
        return await self._mirror(parts, message, switch_repeats, ending_message)

    async def mirror_read(
        self,
        order: Sequence[tuple[int, int]],
        lba: int,
        length: int,
        *,
        tag: int | None = None,
        lun: int = 0,
        switch_repeats: int = 1,
    ) -> MirrorResult:
        """Read `length` bytes from each participant; the copies are in the results."""
        message = MirrorOrder(False, order[0][1], lba, length, len(order) == 1)
        parts = [Participant(Task(target, lun, tag), yz) for target, yz in order]
        return await self._mirror(parts, message, switch_repeats, None)

    async def reset(self) -> None:
        """Assert RST for the reset hold time."""
        await self.port.assert_reset()

    # -- requests -----------------------------------------------------------------------------------------------

    def find_task(self, target: int, lun: int, tag: int | None) -> Task | None:
        """The outstanding task of a nexus."""
        for task in self._tasks:
            if (task.target, task.lun, task.tag) == (target, lun, tag):
                return task
        return None

    def reselected_for(self, stranger: Task) -> None:
        """Book a reselection for which there is no task (too late, or never asked for)."""
        self.strangers.append(stranger)

    def _submit(self, job: _Job) -> None:
        self._jobs.append(job)
        self.port.kick()

    async def _status_of(self, task: Task) -> Result:
        """The result, once the task is over, or TIMEOUT when a disconnected task takes too long."""
        if task.result.ended is None:
            await task.done.wait()
        return task.result

    async def _mirror(
        self, parts: list[Participant], message: MirrorOrder, switch_repeats: int, ending_message: bytes | None
    ) -> MirrorResult:
        tasks = [part.task for part in parts]
        leader = tasks[0]
        head = [identify(leader.lun, disc_priv=True)]
        if leader.tag is not None:
            head.append(simple(leader.tag))
        connection = MirrorConnection(
            self,
            parts,
            [*head, message.encode()],
            length=message.length,
            switch_repeats=switch_repeats,
            ending_message=ending_message,
        )
        result = MirrorResult(results={task.target: task.result for task in tasks})
        self._submit(lambda: self._connect_mirror(connection, tasks, result))
        for task in tasks:
            await self._status_of(task)
        reported = [task for task in tasks if task.result.status is not None]
        result.statuses = [task.target for task in sorted(reported, key=lambda task: task.result.ended_ps)]
        return result

    # -- the one task that owns the port ------------------------------------------------------------------------

    async def _run(self) -> None:
        port = self.port
        while True:
            try:
                await port.wait(self._something_to_do)
                if port.is_set(M_SEL):
                    await self._be_reselected()
                else:
                    await self._start_job()
            except BusFreedError:
                port.release()
            except BusResetError:
                await self._after_reset()

    def _something_to_do(self, lines: int) -> bool:
        if self.respond_to_reselection and being_selected(lines, reselection=True):
            return True
        return bool(self._jobs and lines & M_FREE)

    async def _start_job(self) -> None:
        port = self.port
        if self._tasks:
            # Statuses are owed: leave this BUS FREE to the targets first (silent-mirroring 7).
            left = port.timing.yield_time - (now_ps() - port.free_at) // 1000
            if left > 0 and await port.wait(lambda lines: bool(lines & (M_BSY | M_SEL)), left):
                return
        if not await arbitrate(port, self.scsi_id):
            self.arbitrations_lost += 1
            return
        await self._jobs.pop(0)()

    async def _be_reselected(self) -> None:
        port = self.port
        selected = await detect_selection(port, self.scsi_id, reselection=True)
        if selected is None:
            await port.wait(lambda lines: not being_selected(lines, reselection=True))
            return
        if not await answer_selection(port, keep_bsy=False):
            return
        connection = Connection(self, selected.by, None, [])
        ending = await connection.follow()
        task = connection.task
        if ending is Ended.TIMEOUT:
            await self._stalled()
        if task is not None:
            self._settle(task, ending)

    async def _connect(self, connection: Connection, tasks: list[Task], *, atn: bool = True) -> Ended:
        self._tasks += tasks
        if not await select(
            self.port, self.scsi_id, connection.target, atn=atn, timeout_ns=self._timeout_ns, faults=self.faults
        ):
            return Ended.SELECTION_TIMEOUT
        ending = await connection.follow()
        if ending is Ended.TIMEOUT:
            await self._stalled()
        return ending

    async def _connect_one(self, connection: Connection, task: Task, *, atn: bool = True) -> None:
        self._settle(task, await self._connect(connection, [task], atn=atn))

    async def _connect_mirror(self, connection: MirrorConnection, tasks: list[Task], result: MirrorResult) -> None:
        result.ended = Ended.RESET
        try:
            result.ended = await self._connect(connection, tasks)
        finally:
            result.order = [part.task.target for part in connection.taken]
            result.skipped = [part.task.target for part in connection.skipped]
        for task in tasks:
            self._settle(task, self._ending_of(task, connection, result))

    @staticmethod
    def _ending_of(task: Task, connection: MirrorConnection, result: MirrorResult) -> Ended:
        """What the end of a mirrored connection means to one participant."""
        if result.ended is Ended.ABORTED:
            return Ended.ABORTED
        if any(part.task is task for part in connection.taken):
            return Ended.DISCONNECTED
        if any(part.task is task for part in connection.skipped):
            return Ended.SKIPPED
        if task is connection.task and result.ended not in (None, Ended.RELEASED):
            return result.ended
        return Ended.NOT_REACHED

    def _settle(self, task: Task, ending: Ended) -> None:
        """Book the end of a connection to its task."""
        if ending is Ended.DISCONNECTED:
            cocotb.start_soon(self._bound(task))
            return
        if task in self._tasks:
            self._tasks.remove(task)
        task.finish(ending)

    async def _bound(self, task: Task) -> None:
        """End a disconnected task whose status never comes."""
        await Timer(self._status_timeout_ns, unit="ns")
        if task.result.ended is None:
            self._settle(task, Ended.TIMEOUT)

    async def _stalled(self) -> None:
        if self.reset_on_stall:
            await self.port.assert_reset()
        self.port.release()

    async def _after_reset(self) -> None:
        port = self.port
        for task in list(self._tasks):
            self._settle(task, Ended.RESET)
        self.agreements.clear()
        port.acknowledge_reset()
        port.release()
