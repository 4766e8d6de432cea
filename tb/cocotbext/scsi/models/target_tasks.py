"""The course of ordinary tasks on a target: from COMMAND, over disconnections, to TASK COMPLETE."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import cocotb
from cocotb.triggers import Timer

from ..agreement import Option
from ..constants import Asc, Message, SenseKey, Status
from ..wires import M_PHASE, M_SEL
from .disk import Disk
from .medium import Sense
from .message_receiver import FreeBusError
from .misbehaviour import Misbehaviour
from .port import ScsiPort, now_ps
from .target_session import TargetSession
from .target_task import BreakKind, DataBreak, Pace, Stage, TargetTask
from .task_order import BreakPolicy, PacePolicy, TaskOrder
from .task_set import TaskSet, Verdict


@dataclass(frozen=True, slots=True)
class Queueing:
    """How a target keeps its tasks."""

    depth: int | None = None
    """Tasks that may wait off the bus; one more gets TASK SET FULL or BUSY. None: any number."""
    parallel: int | None = None
    """Tasks that may have started; None: any number."""
    order: TaskOrder | None = None
    """Chooses among SIMPLE tasks; None: as they came."""
    hold_after_check: bool = True
    """After CHECK CONDITION no queued task of that initiator starts before it sends a command."""


class TaskServer:
    """Takes commands in a connection and carries tasks on; the target model adds when there is a connection."""

    def __init__(
        self,
        session: TargetSession,
        *,
        queueing: Queueing,
        pace: Pace | PacePolicy,
        disconnect: Iterable[str],
        breaks: Iterable[DataBreak] | BreakPolicy,
        misbehave: Collection[Misbehaviour],
        use_qas: bool,
        write_back_us: int | None,
    ) -> None:
        """See `TargetModel`."""
        self.session = session
        self.port: ScsiPort = session.port
        self.disk: Disk = session.disk
        self.misbehave = set(misbehave)
        self.disconnect = frozenset(disconnect)
        self.breaks: tuple[DataBreak, ...] | BreakPolicy = breaks if callable(breaks) else tuple(breaks)
        self.use_qas = use_qas
        self.passed_on = 0
        """Connections that ended in QAS REQUEST instead of BUS FREE."""
        modes = self.disk.modes
        self.tasks = TaskSet(
            depth=queueing.depth,
            parallel=queueing.parallel,
            order=queueing.order,
            unrestricted=lambda: modes.unrestricted,
        )
        self.pending = self.tasks.tasks
        """Tasks that are off the bus: queued, or waiting to reselect."""
        self.refused = 0
        """Commands that ended with TASK SET FULL or BUSY."""
        self._current: TargetTask | None = None
        self._hold_after_check = queueing.hold_after_check
        self._pace: PacePolicy = pace if callable(pace) else lambda _: pace
        self._write_back_us = write_back_us
        self._writing_back = False

    # -- coming -------------------------------------------------------------------------------------------------

    async def command(self) -> None:
        """COMMAND, and the task as far as it goes in this connection."""
        session = self.session
        cdb = await session.receive_command()
        task = TargetTask(
            session.initiator,
            session.lun or 0,
            session.tag,
            session.disc_priv,
            session.kind,
            cdb or b"",
            stage=Stage.QUEUED,
        )
        self._current = task
        if cdb is None:
            self._abort(task, Asc.PARITY_ERROR)
        else:
            await self._admit(task)
        if task.stage is Stage.DATA:
            await self._wait(task, "data", task.pace.before_data)
        await self.go_on(task)

    async def _admit(self, task: TargetTask) -> None:
        """Refuse, start or queue a task that has just come. Raises FreeBusError when it is queued."""
        verdict = self.tasks.admit(task)
        if verdict is Verdict.OVERLAPPED:
            self._abort(task, Asc.OVERLAPPED_COMMANDS)
            return
        if verdict is Verdict.FULL:
            self._refuse(task, self.tasks.full_status(task))
            return
        self.disk.arrive(task.initiator, task.lun, task.cdb)
        if self.tasks.next_to_start(task) is task or (not task.disc_priv and self.tasks.may_start(task)):
            self._start(task)
            return
        if task.disc_priv:
            await self._disconnect(task)
        self._refuse(task, Status.BUSY)

    def _abort(self, task: TargetTask, asc: Asc) -> None:
        task.fail(Sense(SenseKey.ABORTED_COMMAND, asc), self.disk.sense)

    def _refuse(self, task: TargetTask, status: Status) -> None:
        self.refused += 1
        task.status, task.stage = status, Stage.STATUS

    def _start(self, task: TargetTask) -> None:
        task.stage = Stage.DATA
        task.pace = Pace() if task.asks_for_sense else self._pace(task)
        task.ready_ps = now_ps() + task.pace.before_data * 1000
        task.transfer = self.disk.start(task.initiator, task.lun, task.cdb)
        task.breaks = self._breaks_of(task)

    def start_queued(self) -> None:
        """Start the tasks whose turn it is."""
        while (task := self.tasks.next_to_start()) is not None:
            self._start(task)

    # -- going on -----------------------------------------------------------------------------------------------

    async def go_on(self, task: TargetTask) -> None:
        """The rest of a task, from its present stage. Raises FreeBusError at the end of the connection."""
        self._current = task
        session = self.session
        if task.stage is Stage.DATA:
            length = task.transfer.out_len or len(task.transfer.data_in)
            while task.breaks and task.stage is Stage.DATA:
                await self._move_to_break(task, task.breaks.pop(0))
            if length and task.stage is Stage.DATA:
                await session.move_data(task, length)
            session.finish_data(task)
            self._write_back_later()
            await self._wait(task, "status", task.pace.before_status)
        await session.send_status(task)
        if task.status == Status.CHECK_CONDITION:
            self._checked(task)
        await self._pass_on()
        raise FreeBusError

    def _breaks_of(self, task: TargetTask) -> list[DataBreak]:
        """The interruptions of a new task, in order."""
        length = task.transfer.out_len or len(task.transfer.data_in)
        wanted = self.breaks(task) if callable(self.breaks) else self.breaks
        breaks = [one for one in wanted if one.at < length]
        if "middle" in self.disconnect:
            breaks.append(DataBreak(length // 2))
        burst = self.disk.modes.burst
        if burst:
            breaks += [DataBreak(at) for at in range(burst, length, burst)]
        return sorted(breaks, key=lambda one: one.at)

    async def _move_to_break(self, task: TargetTask, one: DataBreak) -> None:
        session = self.session
        at = one.at & ~1 if session.agreement.wide else one.at
        if at <= task.pointer or (one.kind in (BreakKind.SAVE, BreakKind.LOSE) and not task.disc_priv):
            return
        await session.move_data(task, at)
        if task.stage is not Stage.DATA:
            return
        if one.kind is BreakKind.RESTORE:
            await session.restore_pointers(task)
            return
        saved = one.kind is BreakKind.LOSE or await session.save_pointer(task)
        if saved and one.kind is not BreakKind.PAUSE:
            await self._disconnect(task)

    async def _wait(self, task: TargetTask, where: str, time_ns: int) -> None:
        """Disconnect here if that is wanted and permitted; the task goes on after a reselection. Else wait here."""
        task.ready_ps = now_ps() + time_ns * 1000
        leave = bool(time_ns) or where in self.disconnect or (where == "data" and self.disk.modes.disconnect_at_once)
        if leave and task.disc_priv:
            await self._disconnect(task)
        if time_ns:
            await self.port.delay(time_ns)

    async def _disconnect(self, task: TargetTask) -> None:
        if await self.session.send_message(bytes([Message.DISCONNECT])):
            self.tasks.add(task)
            await self._pass_on()
            raise FreeBusError

    async def _pass_on(self) -> None:
        """After TASK COMPLETE or DISCONNECT: QAS, where it is agreed on. Returns when BSY is to be released."""
        session, port = self.session, self.port
        if (
            not (session.agreement.options & Option.QAS and self.use_qas)
            and Misbehaviour.QAS_UNASKED not in self.misbehave
        ):
            return
        if not await session.request_qas():
            return
        session.link.leave()
        await port.wait(lambda lines: not lines & M_PHASE)
        self.passed_on += 1
        await port.wait(lambda lines: bool(lines & M_SEL), 2 * port.timing.qas_arbitration_delay)
        await port.delay(port.timing.reaction_time)
        if Misbehaviour.QAS_KEEPS_BSY in self.misbehave:
            await port.wait(lambda _: False)

    # -- ends ---------------------------------------------------------------------------------------------------

    def connection_over(self) -> None:
        """The bus is free; a task that was on it and is not kept has ended, one way or another."""
        task, self._current = self._current, None
        if task is not None and task not in self.pending:
            self.tasks.ended(task)

    def _checked(self, task: TargetTask) -> None:
        gone = self.tasks.failed(task, self.disk.modes.queue_errors, hold=self._hold_after_check)
        self._tell_cleared(gone, task.initiator)

    def _tell_cleared(self, gone: list[TargetTask], but: int) -> None:
        """UNIT ATTENTION for those whose tasks somebody else has ended."""
        self.disk.conditions.attention(Asc.COMMANDS_CLEARED, only={task.initiator for task in gone}, but=but)

    def manage(self, initiator: int, message: int) -> None:
        """ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET of the logical unit of this connection."""
        lun = self.session.lun
        if lun is None:
            # Only an I_T nexus: there is nothing that the message could mean.
            return
        gone = self.tasks.manage(message, initiator, lun, self.session.tag)
        if message == Message.LOGICAL_UNIT_RESET and not lun:
            self.tasks.held.clear()
            self.disk.reset(Asc.TARGET_RESET)
        else:
            self._tell_cleared(gone, initiator)

    def _write_back_later(self) -> None:
        if self._write_back_us is not None and self.disk.cache.dirty and not self._writing_back:
            self._writing_back = True
            cocotb.start_soon(self._write_back(self._write_back_us))

    async def _write_back(self, time_us: int) -> None:
        await Timer(time_us, unit="us")
        self._writing_back = False
        self.disk.flush()
