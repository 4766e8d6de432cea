"""A Python target on a bus slot: a minimal disk that behaves by the standard, optionally a silent-mirroring member.

port = ScsiPort(dut, "py1")
target = TargetModel(port, 5, Medium(blocks=64), mirror=True)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cocotb

from ..constants import Asc, Message, SenseKey, Status
from ..wires import M_ATN, M_SEL
from .arbiter import Arbiter
from .arbitration import answer_selection, being_selected, detect_selection, reselect
from .disk import Disk, Transfer
from .faults import Faults
from .handshake import StalledError
from .medium import Medium, Sense
from .message_receiver import FreeBusError
from .mirror_member import MirrorMember
from .mirror_messages import CODES, Extensions, parse_capability, parse_order, parse_pair
from .mirror_operation import Operation
from .misbehaviour import Misbehaviour
from .negotiation import Abilities, Negotiator, Request
from .port import M_FREE, BusFreedError, BusResetError, ScsiPort, now_ps
from .strobes import StrobeStyle
from .target_session import Retries, TargetSession
from .target_task import DataBreak, Pace, Stage, TargetTask
from .target_tasks import Queueing, TaskServer
from .task_order import BreakPolicy, PacePolicy
from .timing import MirrorTiming

_RESELECTION_TRIES = 4
"""Reselections without an answer after which a task is given up."""


class TargetModel(TaskServer):
    """A target; it runs from construction on."""

    def __init__(
        self,
        port: ScsiPort,
        scsi_id: int,
        medium: Medium | None = None,
        *,
        wide: bool = True,
        abilities: Abilities | None = None,
        negotiate: bool = False,
        style: StrobeStyle | None = None,
        group_sizes: Iterator[int] | None = None,
        retries: Retries | None = None,
        breaks: Iterable[DataBreak] | BreakPolicy = (),
        mirror: bool = False,
        mirror_timing: MirrorTiming | None = None,
        extensions: Extensions | None = None,
        buffer_us: int = 0,
        disconnect: Iterable[str] = (),
        queueing: Queueing | None = None,
        pace: Pace | PacePolicy | None = None,
        write_back_us: int | None = None,
        unit_attention: bool = False,
        started: bool = True,
        use_qas: bool = True,
        fair: bool = False,
        misbehave: Iterable[Misbehaviour | str] = (),
        faults: Faults | None = None,
        pauses: Iterator[float] | None = None,
        stall_us: int = 1_000,
        participant_stall_us: int = 400,
        reselection_timeout_us: int = 300,
        late_take_ns: int = 12_000,
    ) -> None:
        """`abilities` default to asynchronous transfers, 16 bit if `wide`; with `negotiate` the target asks for them in
        the first command of each initiator after a reset. `group_sizes`: bytes of each DT data group. `breaks`
        interrupt the data of every ordinary command. `disconnect`: where an ordinary command with DiscPriv leaves the
        bus: "data" (before it), "middle" (in it), "status" (before it). `pace`: how long tasks take. `write_back_us`:
        what WCE keeps off the medium is written so long after it came, else at SYNCHRONIZE CACHE and the like.
        `stall_us`: how long the target waits for the initiator, and a leader for anything. Where QAS is agreed on,
        connections end in QAS REQUEST, unless `use_qas` is false (it may be changed at any time). `fair`: the fairness
        rule in normal arbitration. `extensions`: what a member answers to MIRROR CAPABILITY, both by default; flags 0
        for one that does not know it. `pace` holds for mirrored copies too: data of a read, status. `buffer_us`: how
        long a member's buffer stays full after each block.
        """
        abilities = abilities or Abilities(wide=wide)
        self.faults = faults or Faults()
        session = TargetSession(
            port,
            Disk(medium or Medium(), unit_attention=unit_attention, abilities=abilities, started=started),
            negotiator=Negotiator(abilities),
            stall_ns=stall_us * 1000,
            faults=self.faults,
            pauses=pauses,
            mirror=mirror,
            style=style,
            group_sizes=group_sizes,
            retries=retries,
        )
        super().__init__(
            session,
            queueing=queueing or Queueing(),
            pace=pace or Pace(),
            disconnect=disconnect,
            breaks=breaks,
            misbehave={Misbehaviour(name) for name in misbehave},
            use_qas=use_qas,
            write_back_us=write_back_us,
        )
        self.scsi_id = scsi_id
        self.medium = self.disk.medium
        self.negotiate = negotiate
        self._requests: tuple[Request, ...] = ()
        self.selections = 0
        self.reselections = 0
        self._reselection_timeout_ns = reselection_timeout_us * 1000
        self._leader_stall_ns = stall_us * 1000
        self._participant_stall_ns = participant_stall_us * 1000
        self.arbiter = Arbiter(port, scsi_id, self.session.negotiator, fair=fair)
        self.session.corrupts = Misbehaviour.CORRUPTS_DATA in self.misbehave
        self.session.on_free = self._told_to_free
        self._holdoff_ps = (mirror_timing or MirrorTiming()).status_holdoff * 1000
        self.member: MirrorMember | None = None
        if mirror:
            self.member = MirrorMember(
                self.session,
                mirror_timing or MirrorTiming(),
                self,
                extensions=extensions or Extensions(),
                misbehave=self.misbehave,
                stall_ns=self._leader_stall_ns,
                late_take_ns=late_take_ns,
                buffer_ns=buffer_us * 1000,
            )
            self.session.vendor = self.member.well_formed
        cocotb.start_soon(self._run())

    @property
    def arbitrations_lost(self) -> int:
        """Arbitrations that somebody else won."""
        return self.arbiter.lost

    def ask_next(self, *requests: Request) -> None:
        """Negotiate these in the next connection in which an initiator has sent its messages."""
        self._requests = requests

    # -- main loop ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        port = self.port
        while True:
            try:
                await self._idle()
                if port.is_set(M_SEL):
                    await self._be_selected()
                elif self.member is not None and self.member.take_wanted:
                    self.session.link.stall_ns = self._participant_stall_ns
                    await self.member.take_over()
                else:
                    await self._reselect()
            except BusResetError:
                await self._after_reset()
            except (BusFreedError, FreeBusError, StalledError):
                pass
            port.release()
            self.connection_over()
            self.session.link.phase = None
            self.session.link.stall_ns = self._leader_stall_ns

    async def _idle(self) -> None:
        """Wait for a selection, a switch that names this member, or a free bus with something to report."""
        port = self.port
        while True:
            self.start_queued()
            if self._called(port.lines) or self._may_reselect(port.lines):
                return
            free, since = port.is_set(M_FREE), now_ps()
            await port.wait(
                lambda lines, free=free: (
                    self._called(lines)  # type: ignore[misc]
                    or bool(self.pending and (bool(lines & M_FREE) != free or (not free and self._may_reselect(lines))))
                ),
                self._patience_ns(free=free),
            )
            if free:
                for task in self.pending:
                    task.waited_ps += now_ps() - since

    def _patience_ns(self, *, free: bool) -> int | None:
        """How long nothing can become due by time alone."""
        now = now_ps()
        ready = self.tasks.next_ready_ps(now)
        left = [] if ready is None else [ready - now]
        if free:
            left += [self._holdoff_ps - task.waited_ps for task in self.pending if task.rank is not None]
        return max(min(left) // 1000, 0) + 1 if left else None

    def _may_reselect(self, lines: int) -> bool:
        return self._due() is not None and self.arbiter.may_start(lines)

    def _called(self, lines: int) -> bool:
        if being_selected(lines, reselection=False):
            return True
        return self.member is not None and self.member.take_wanted

    def _due(self) -> TargetTask | None:
        """The waiting task whose turn it is; statuses of mirrored copies first (silent-mirroring 7)."""
        out_of_turn = Misbehaviour.OUT_OF_TURN in self.misbehave
        for task in self.pending:
            if (
                task.rank is not None
                and task.ready_ps <= now_ps()
                and (out_of_turn or task.completions >= task.rank or task.waited_ps >= self._holdoff_ps)
            ):
                return task
        return self.tasks.next_to_reconnect(now_ps())

    async def _after_reset(self) -> None:
        self._reset(Asc.BUS_RESET)
        self.session.negotiator.reset()
        self.port.acknowledge_reset()

    def _reset(self, asc: Asc) -> None:
        self.tasks.clear()
        self.disk.reset(asc)
        if self.member is not None:
            self.member.forget()

    # -- connections --------------------------------------------------------------------------------------------

    async def _be_selected(self) -> None:
        port = self.port
        selected = await detect_selection(port, self.scsi_id, reselection=False)
        if selected is None or Misbehaviour.NO_SELECTION_ANSWER in self.misbehave:
            await port.wait(lambda lines: not being_selected(lines, reselection=False))
            return
        if not await answer_selection(port, keep_bsy=True):
            return
        self.selections += 1
        session = self.session
        session.start(selected.by)
        with port.connection():
            attention = port.is_set(M_ATN)
            await session.link.begin(reselected=False)
            if attention:
                await self._first_messages()
            else:
                session.lun = 0
            await self.command()

    async def _first_messages(self) -> None:
        session, member = self.session, self.member
        messages = await session.receive_messages()
        while session.link.attention:
            messages += await session.receive_messages()
        if session.lun is None:
            raise FreeBusError
        vendor = messages[-1] if messages else b""
        asked = parse_pair(vendor, CODES.query)
        if member is not None and asked is not None and await self._discovery_goes_on():
            await member.enrol(asked[0], last=asked[1])
        offer = parse_capability(vendor)
        if member is not None and offer is not None:
            await member.agree(*offer)
        order = parse_order(vendor)
        if member is not None and order is not None:
            await member.lead(order)
        if self._requests or (self.negotiate and session.initiator not in session.agreements):
            requests, self._requests = self._requests, ()
            await session.negotiate(*requests)

    async def _discovery_goes_on(self) -> bool:
        """True unless this target is asked for another outcome of MIRROR QUERY; False: a command comes next."""
        session = self.session
        if Misbehaviour.QUERY_REJECT in self.misbehave:
            await session.reject()
        elif Misbehaviour.QUERY_BUS_FREE in self.misbehave:
            raise FreeBusError
        elif Misbehaviour.QUERY_MESSAGE_OUT in self.misbehave:
            while bytes([Message.NO_OPERATION]) not in await session.receive_messages():
                pass
        return not self.misbehave & {
            Misbehaviour.QUERY_REJECT,
            Misbehaviour.QUERY_COMMAND,
            Misbehaviour.QUERY_MESSAGE_OUT,
        }

    async def _reselect(self) -> None:
        port, task = self.port, self._due()
        if task is None:
            return
        if not await self.arbiter.win():
            return
        if not await reselect(port, self.scsi_id, task.initiator, timeout_ns=self._reselection_timeout_ns):
            task.failures += 1
            if task.failures >= _RESELECTION_TRIES and task in self.pending:
                self.tasks.remove(task)
                self.tasks.ended(task)
            return
        self.reselections += 1
        self.tasks.remove(task)
        session = self.session
        session.start(task.initiator)
        with port.connection():
            await session.link.begin(reselected=True)
            await session.reconnect(task)
            await self.go_on(task)

    def _told_to_free(self, initiator: int, message: int) -> None:
        """ABORT TASK .. TARGET RESET: drop what it names."""
        if message == Message.TARGET_RESET:
            self._reset(Asc.TARGET_RESET)
            self.session.negotiator.reset()
        else:
            self.manage(initiator, message)

    # -- mirrored copies ----------------------------------------------------------------------------------------

    def make_copy(self, operation: Operation, rank: int) -> TargetTask:
        """The task of a mirrored copy, with the transfer of its first block."""
        task = TargetTask(operation.initiator, operation.lun, operation.tag, operation.disc_priv, rank=rank)
        task.pace = self._pace(task)
        attention = self.disk.unit_attention(operation.initiator)
        if attention:
            task.transfer = Transfer(sense=attention)
        elif any(task.nexus == other.nexus for other in self.pending):
            task.transfer = Transfer(sense=Sense(SenseKey.ABORTED_COMMAND, Asc.OVERLAPPED_COMMANDS))
        else:
            task.transfer = self._copy_transfer(operation)
        self._fill(operation, task.transfer)
        return task

    def copy_block(self, operation: Operation) -> Transfer:
        """The transfer of a further block; nothing is read or written any more once one has failed (protocol 16)."""
        transfer = Transfer() if operation.failed is not None else self._copy_transfer(operation)
        self._fill(operation, transfer)
        return transfer

    def _copy_transfer(self, operation: Operation) -> Transfer:
        order, block = operation.order, self.medium.block_len
        if order.length % block:
            return Transfer(sense=Sense(SenseKey.ILLEGAL_REQUEST, Asc.INVALID_FIELD_IN_CDB))
        return self.disk.blocks(operation.lba, order.length // block, write=order.write)

    @staticmethod
    def _fill(operation: Operation, transfer: Transfer) -> None:
        """LEN bytes are sent in any case, zeros where there is nothing to send (protocol 9)."""
        if not operation.order.write:
            transfer.data_in = transfer.data_in or bytes(operation.order.length)

    def copy_ended(self, task: TargetTask) -> None:
        """This target owes the status of a copy."""
        if Misbehaviour.NO_STATUS in self.misbehave:
            return
        if Misbehaviour.WRONG_STATUS in self.misbehave:
            task.status = Status.CHECK_CONDITION if task.status == Status.GOOD else Status.GOOD
        task.stage = Stage.STATUS
        self.tasks.add(task)
        self.port.kick()

    def copy_completed(self, nexus: tuple[int, int, int | None]) -> None:
        """TASK COMPLETE on a reselection: one predecessor less, if it is of the same operation."""
        for task in self.pending:
            if task.nexus == nexus and task.rank is not None:
                task.completions += 1
                task.waited_ps = 0
