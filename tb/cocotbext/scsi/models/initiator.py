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

from ..agreement import Agreement, Wdtr
from ..constants import Message
from ..wires import M_BSY, M_SEL
from .arbiter import Arbiter
from .arbitration import answer_selection, being_selected, detect_selection, select
from .connection import Connection
from .faults import Faults
from .handshake import InitiatorHandshake
from .initiator_strobes import InitiatorStrobes
from .messages import identify, simple, tagged
from .mirror_connection import MirrorConnection, MirrorResult
from .mirror_messages import Extensions, MirrorOrder, query
from .mirror_plan import Block, Participant
from .negotiation import Abilities, Negotiator, Request
from .port import M_FREE, BusFreedError, BusResetError, ScsiPort, now_ps
from .query_connection import CapabilityConnection, QueryConnection
from .strobes import StrobeStyle
from .task import Abort, Ended, Result, Task

_Job = Callable[[], Coroutine[Any, Any, None]]


class InitiatorModel:
    """An initiator. Calls may run side by side; they take the bus one after the other."""

    def __init__(
        self,
        port: ScsiPort,
        scsi_id: int,
        *,
        wide: bool = True,
        abilities: Abilities | None = None,
        style: StrobeStyle | None = None,
        faults: Faults | None = None,
        pauses: Iterator[float] | None = None,
        stall_us: int = 4_000,
        selection_timeout_us: int | None = None,
        status_timeout_us: int = 20_000,
        reset_on_stall: bool = True,
        max_resends: int = 3,
        respond_to_reselection: bool = True,
        accept_qas: bool = True,
        fair: bool = False,
    ) -> None:
        """`abilities` default to asynchronous transfers, 16 bit if `wide`. `stall_us`: a connection in which the target
        does nothing for so long ends in RST (or, without `reset_on_stall`, is left as it is). `status_timeout_us`
        bounds the wait for a disconnected task. Without `accept_qas` it rejects QAS REQUEST although it has agreed to
        it. `fair`: the fairness rule in normal arbitration.
        """
        self.port = port
        self.scsi_id = scsi_id
        self.negotiator = Negotiator(abilities or Abilities(wide=wide))
        self.faults = faults or Faults()
        self.handshake = InitiatorHandshake(port, faults=self.faults, stall_ns=stall_us * 1000, pauses=pauses)
        self.arbiter = Arbiter(port, scsi_id, self.negotiator, fair=fair)
        self.accept_qas = accept_qas
        self.strobes = InitiatorStrobes(self.handshake, style or StrobeStyle())
        self.max_resends = max_resends
        self.respond_to_reselection = respond_to_reselection
        self.reset_on_stall = reset_on_stall
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
        kind: Message = Message.SIMPLE,
        disc_priv: bool = False,
        abort: Abort | None = None,
        messages: Sequence[bytes] = (),
        requests: Sequence[Request] = (),
        atn: bool = True,
    ) -> Result:
        """One ordinary command, to its status. `kind` of tag: SIMPLE, HEAD OF QUEUE or ORDERED. `messages` follow
        IDENTIFY and tag, then `requests` are negotiated; `atn=False` selects without ATN.
        """
        task = Task(target, lun, tag, bytes(cdb), data_out, abort)
        head = [identify(lun, disc_priv=disc_priv or tag is not None)]
        if tag is not None:
            head.append(tagged(kind, tag))
        connection = Connection(self, target, task, [*head, *messages] if atn else [], requests=requests)
        return await self.connect(connection, task, atn=atn)

    async def manage(self, target: int, message: Message, *, lun: int = 0, tag: int | None = None) -> Result:
        """ABORT TASK (with the task's tag), ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET or TARGET RESET.

        Once the bus is free after it, the result has ended with ABORTED, and so have the tasks of this initiator that
        it names and that had not ended before.
        """
        head = [identify(lun)] if tag is None else [identify(lun, disc_priv=True), simple(tag)]
        task = Task(target, lun)
        connection = Connection(self, target, task, [*head, bytes([message])])
        self._submit(lambda: self._connect_manage(connection, task, message, tag))
        return await self._status_of(task)

    def outstanding(self, target: int, lun: int = 0) -> set[int | None]:
        """Tags (None: untagged) of the tasks at a logical unit that have not ended."""
        return {task.tag for task in self._tasks if (task.target, task.lun) == (target, lun)}

    async def message_out(self, target: int, *messages: bytes, cdb: Sequence[int] = bytes(6)) -> Result:
        """Select with ATN and send exactly these messages; a target that then asks for a command gets `cdb`."""
        task = Task(target, cdb=bytes(cdb))
        connection = Connection(self, target, task, messages)
        return await self.connect(connection, task)

    async def connect(self, connection: Connection, task: Task, *, atn: bool = True) -> Result:
        """Select for a connection that the caller has made for `task`, which need not be as the standard wants it."""
        self._submit(lambda: self._connect_one(connection, task, atn=atn))
        return await self._status_of(task)

    async def connect_mirror(self, connection: MirrorConnection, tasks: list[Task]) -> MirrorResult:
        """The same for a mirrored operation and the tasks of its participants, the leader first."""
        result = MirrorResult(results={task.target: task.result for task in tasks})
        self._submit(lambda: self._connect_mirror(connection, tasks, result))
        for task in tasks:
            await self._status_of(task)
        return result

    async def negotiate_wide(self, target: int) -> bool:
        """WDTR with TEST UNIT READY; True if 16 bit was agreed."""
        return (await self.negotiate(target, Wdtr(int(self.negotiator.abilities.wide)))).wide

    async def negotiate(self, target: int, *requests: Request) -> Agreement:
        """Ask for all that this initiator can do, or for `requests`, with TEST UNIT READY; returns what then holds.

        MESSAGE REJECT of PPR is followed by WDTR and SDTR.
        """
        await self.command(target, bytes(6), requests=requests or self.negotiator.abilities.requests())
        return self.negotiator.of(target)

    async def query(self, target: int, yz: int, *, last: bool = False, lun: int = 0) -> Result:
        """MIRROR QUERY; `accepted` in the result tells whether the target enrolled."""
        task = Task(target, lun)
        connection = QueryConnection(self, target, task, [identify(lun, disc_priv=True), query(yz, last=last)], yz=yz)
        return await self.connect(connection, task)

    async def capability(self, target: int, yz: int, offer: Extensions | None = None, *, lun: int = 0) -> Result:
        """MIRROR CAPABILITY, both extensions unless told otherwise; `extensions` in the result is what was agreed."""
        task = Task(target, lun)
        head = [identify(lun, disc_priv=True)]
        connection = CapabilityConnection(self, target, task, head, yz=yz, offer=offer or Extensions())
        return await self.connect(connection, task)

    async def mirror_write(
        self,
        order: Sequence[tuple[int, int]],
        lba: int,
        data: bytes,
        *,
        series: Sequence[tuple[int, bytes]] = (),
        report: bool | Sequence[int] = False,
        tag: int | None = None,
        lun: int = 0,
        switch_repeats: int = 1,
        ending_message: bytes | None = None,
    ) -> MirrorResult:
        """Write `data` to the participants `(SCSI ID, yz)`, the leader first, and collect their statuses.

        `series`: (LBA, data) of further blocks in the same connection. `report`: ask for the statuses before RELEASE,
        in the order of the copies or of these SCSI IDs. Whoever was reclaimed is named again `switch_repeats` times.
        `ending_message` replaces RELEASE. Whether the participants have agreed on extensions is the caller's business.
        """
        message = MirrorOrder(True, order[0][1], lba, len(data), len(order) == 1)
        parts = [Participant(Task(target, lun, tag, data_out=data, yz=yz), yz) for target, yz in order]
        later = [Block(*block) for block in series]
        return await self._mirror(parts, message, later, report, switch_repeats, ending_message)

    async def mirror_read(
        self,
        order: Sequence[tuple[int, int]],
        lba: int,
        length: int,
        *,
        series: Sequence[int] = (),
        report: bool | Sequence[int] = False,
        tag: int | None = None,
        lun: int = 0,
        switch_repeats: int = 1,
    ) -> MirrorResult:
        """Read `length` bytes from each participant, and as many from each LBA of `series`; see `mirror_write`.

        The copies are in the results; `differs` names those that are not like the first one.
        """
        message = MirrorOrder(False, order[0][1], lba, length, len(order) == 1)
        parts = [Participant(Task(target, lun, tag, yz=yz), yz) for target, yz in order]
        later = [Block(block) for block in series]
        result = await self._mirror(parts, message, later, report, switch_repeats, None)
        copies = [(target, result.results[target].data) for target in result.order]
        result.differs = [target for target, data in copies if data != copies[0][1]]
        return result

    async def reset(self) -> None:
        """Assert RST for the reset hold time."""
        await self.port.assert_reset()

    @property
    def agreements(self) -> dict[int, Agreement]:
        """By the target's SCSI ID, as far as there was any negotiation."""
        return self.negotiator.agreements

    @property
    def arbitrations_lost(self) -> int:
        """Arbitrations that somebody else won."""
        return self.arbiter.lost

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
        self,
        parts: list[Participant],
        message: MirrorOrder,
        later: Sequence[Block],
        report: bool | Sequence[int],
        switch_repeats: int,
        ending_message: bytes | None,
    ) -> MirrorResult:
        tasks = [part.task for part in parts]
        leader = tasks[0]
        head = [identify(leader.lun, disc_priv=True)]
        if leader.tag is not None:
            head.append(simple(leader.tag))
        wanted = [task.target for task in tasks] if report is True else report or ()
        connection = MirrorConnection(
            self,
            parts,
            [*head, message.encode()],
            length=message.length,
            switch_repeats=switch_repeats,
            ending_message=ending_message,
            later=later,
            reporters=[part for target in wanted for part in parts if part.task.target == target],
        )
        result = await self.connect_mirror(connection, tasks)
        others = [task for task in tasks if task.result.status is not None and task.target not in result.reported]
        others.sort(key=lambda task: task.result.ended_ps)
        result.statuses = [*result.reported, *(task.target for task in others)]
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
        return bool(self._jobs) and self.arbiter.may_start(lines)

    async def _start_job(self) -> None:
        port = self.port
        if self._tasks and port.is_set(M_FREE):
            # Statuses are owed: leave this BUS FREE to the targets first (silent-mirroring 7).
            left = port.timing.yield_time - (now_ps() - port.free_at) // 1000
            if left > 0 and await port.wait(lambda lines: bool(lines & (M_BSY | M_SEL)), left):
                return
        if await self.arbiter.win():
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
            self.port,
            self.scsi_id,
            connection.target,
            atn=atn,
            timeout_ns=self._timeout_ns,
            faults=self.faults,
            after_qas=self.arbiter.by_qas,
        ):
            return Ended.SELECTION_TIMEOUT
        ending = await connection.follow()
        if ending is Ended.TIMEOUT:
            await self._stalled()
        return ending

    async def _connect_one(self, connection: Connection, task: Task, *, atn: bool = True) -> None:
        self._settle(task, await self._connect(connection, [task], atn=atn))

    async def _connect_manage(self, connection: Connection, task: Task, message: Message, tag: int | None) -> None:
        await self._connect_one(connection, task)
        if task.result.ended is not Ended.ABORTED:
            return
        if message is Message.TARGET_RESET:
            self.negotiator.forget(task.target)
        for other in list(self._tasks):
            same_unit = (other.target, other.lun) == (task.target, task.lun)
            named = other.target == task.target if message is Message.TARGET_RESET else same_unit
            if named and (message is not Message.ABORT_TASK or other.tag == tag):
                self._settle(other, Ended.ABORTED)

    async def _connect_mirror(self, connection: MirrorConnection, tasks: list[Task], result: MirrorResult) -> None:
        result.ended = Ended.RESET
        try:
            result.ended = await self._connect(connection, tasks)
            connection.end(freed=result.ended in (Ended.RELEASED, Ended.BUS_FREE))
        finally:
            result.reported = [part.task.target for part in connection.reported]
            result.order = [part.task.target for part in connection.taken]
            result.skipped = [part.task.target for part in connection.skipped]
        for task in tasks:
            self._settle(task, connection.ending_of(task, result.ended))

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
        self.negotiator.reset()
        port.acknowledge_reset()
        port.release()
