"""One connection of the initiator, from selection or reselection to BUS FREE: it follows the target's phases."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from ..agreement import Agreement, Option, Ppr, parse_negotiation
from ..constants import IDENTIFY_LUN_MASK, Message, Phase, message_length
from .handshake import InitiatorHandshake, StalledError
from .initiator_strobes import InitiatorStrobes
from .mirror_messages import parse_failed
from .negotiation import Negotiator, Request
from .outbox import Outbox
from .port import BusFreedError
from .task import Ended, Task

_ENDS_IN_BUS_FREE = frozenset(
    {
        Message.ABORT_TASK_SET,
        Message.TARGET_RESET,
        Message.ABORT_TASK,
        Message.CLEAR_TASK_SET,
        Message.CLEAR_ACA,
        Message.LOGICAL_UNIT_RESET,
    }
)


class Host(Protocol):
    """What a connection needs of the initiator it belongs to."""

    handshake: InitiatorHandshake
    strobes: InitiatorStrobes
    negotiator: Negotiator
    accept_qas: bool
    max_resends: int
    """How often a MESSAGE OUT phase is sent again before NO OPERATION answers."""

    def find_task(self, target: int, lun: int, tag: int | None) -> Task | None:
        """The outstanding task of that nexus."""

    def reselected_for(self, stranger: Task) -> None:
        """A target has come back with a nexus that has no outstanding task."""


class _GivenUpError(Exception):
    """The target sent QAS REQUEST: the connection is over, the bus is not free."""


class Connection:
    """Follows the phases for one task; subclasses add what mirroring changes."""

    outbox_type: type[Outbox] = Outbox
    """What sends the messages: subclasses may take another."""

    def __init__(
        self,
        host: Host,
        target: int,
        task: Task | None,
        messages: Iterable[bytes],
        *,
        requests: Iterable[Request] = (),
    ) -> None:
        """`task` is None on reselection, until the target's messages name it; `messages` go out after selection, the
        first of `requests` with them, each of the others once the one before has been answered.
        """
        self.host = host
        self.target = target
        self.task = task
        self.link = host.handshake
        self.ending: Ended | None = None
        """What BUS FREE will mean; None: unexpected."""
        self.outbox = self.outbox_type(
            self.link, max_resends=host.max_resends, sent=self._sent_message, sent_all=self.messages_sent
        )
        self._requests = deque(requests)
        first = list(messages)
        if self._requests:
            first.append(self._requests.popleft().encode())
        if first:
            self.outbox.add(*first)
        self._partial = bytearray()
        self._deaf = False
        self._reselected_lun: int | None = None
        self._answering: Request | None = None
        self._qas_requests = 0
        self._counts_from = 0
        self._phase: Phase | None = None
        self._index = 0
        self._handlers: dict[Phase, Callable[[], Awaitable[None]]] = {
            Phase.MSG_OUT: self.outbox.send_byte,
            Phase.MSG_IN: self._message_in,
            Phase.COMMAND: self._command,
            Phase.STATUS: self._status,
            Phase.DATA_OUT: self._data,
            Phase.DATA_IN: self._data,
            Phase.DT_DATA_OUT: self._data,
            Phase.DT_DATA_IN: self._data,
        }

    async def follow(self) -> Ended:
        """Serve the target until the bus is free or passed on by QAS. Raises BusResetError after RST."""
        port, host = self.link.port, self.host
        host.negotiator.begin()
        try:
            with port.connection():
                while True:
                    host.strobes.arm(self.agreement)
                    phase = await self.link.next_req()
                    if phase is not self._phase:
                        self._leave_phase(phase)
                    if phase.is_data and (phase >= Phase.DT_DATA_OUT) != self.agreement.is_dt:
                        # Nobody has agreed to this kind of data phase. It is not answered.
                        return Ended.TIMEOUT
                    await self._handlers[phase]()
        except (BusFreedError, _GivenUpError):
            port.release()
            return self.ending or Ended.BUS_FREE
        except StalledError:
            return Ended.TIMEOUT
        finally:
            host.strobes.disarm()
            host.negotiator.begin()

    def _leave_phase(self, phase: Phase) -> None:
        self.outbox.phase_left()
        if phase is Phase.MSG_OUT:
            self._deaf = False
        self._phase = phase
        self._index = 0

    # -- MESSAGE OUT --------------------------------------------------------------------------------------------

    def attention(self, *messages: bytes) -> None:
        """Assert ATN and have these messages sent in one MESSAGE OUT phase when the target comes for them."""
        self.outbox.attention(*messages)

    def _sent_message(self, message: bytes) -> None:
        negotiation = parse_negotiation(message)
        if negotiation is not None and negotiation == self._answering:
            self.host.negotiator.gave_answer(self.target, negotiation)
        elif negotiation is not None:
            self.host.negotiator.ask(negotiation)
        if message[0] in _ENDS_IN_BUS_FREE and len(message) == 1:
            self.ending = Ended.ABORTED

    def messages_sent(self, messages: list[bytes]) -> None:
        """The last byte of a MESSAGE OUT phase has been acknowledged (again, after a resend)."""

    # -- MESSAGE IN ---------------------------------------------------------------------------------------------

    async def _message_in(self) -> None:
        byte, good = await self.link.take(Phase.MSG_IN, self._index)
        self._index += 1
        if self._deaf:
            # The rest of a message with a bad byte; MESSAGE PARITY ERROR has it sent again as a whole.
            pass
        elif good:
            self._partial += byte
            if message_length(self._partial) == len(self._partial):
                message = bytes(self._partial)
                self._partial.clear()
                self._note(message)
                if not self.message(message):
                    self.attention(bytes([Message.MESSAGE_REJECT]))
        else:
            self._partial.clear()
            self._deaf = True
            self._parity_error(Message.MESSAGE_PARITY_ERROR)
        await self.link.finish(Phase.MSG_IN)
        if self._qas_requests == 1 and not self._deaf and not self.link.port.drives("atn"):
            raise _GivenUpError

    def _note(self, message: bytes) -> None:
        if self.task is not None:
            self.task.result.messages_in.append(message)

    def _parity_error(self, answer: Message) -> None:
        if self.task is not None:
            self.task.result.parity_errors += 1
        if not self.agreement.options & Option.QAS:
            self.ending = None
        if not self.outbox.holds(bytes([answer])):
            self.attention(bytes([answer]))

    def message(self, message: bytes) -> bool:
        """Act on a message from the target, before ACK is negated; False: reject it."""
        code = message[0]
        if code >= Message.IDENTIFY:
            return self._identified(code & IDENTIFY_LUN_MASK)
        if code == Message.SIMPLE and self._reselected_lun is not None:
            return self._attach(message[1])
        if code == Message.MESSAGE_REJECT:
            self.rejected()
            return True
        negotiation, failed = parse_negotiation(message), parse_failed(message)
        if negotiation is not None:
            return self._negotiated(negotiation)
        if failed is not None and self.task is not None and failed[0] == self.task.yz:
            self.task.result.failed_block = failed[1]
            return True
        if code == Message.QAS_REQUEST:
            return self._given_up()
        return self._about_task(code, self._known_task())

    def _known_task(self) -> Task:
        """The task of this connection; a target that came back for nothing gets one that is nobody's."""
        if self.task is None:
            self.task = Task(self.target, self._reselected_lun or 0)
            self.host.reselected_for(self.task)
        return self.task

    def _about_task(self, code: int, task: Task) -> bool:
        if code == Message.TASK_COMPLETE:
            self.ending = Ended.COMPLETE
        elif code == Message.DISCONNECT:
            self.ending = Ended.DISCONNECTED
        elif code == Message.SAVE_DATA_POINTER:
            task.saved_pointer = task.data_pointer
        elif code == Message.RESTORE_POINTERS:
            task.restore_pointers()
        elif code == Message.IGNORE_WIDE_RESIDUE:
            del task.data_in[-1:]
            task.data_pointer -= 1
        else:
            return False
        return True

    def rejected(self) -> None:
        """The target sent MESSAGE REJECT."""
        self.outbox.drop_rejected()
        refused = self.host.negotiator.rejected(self.target)
        if isinstance(refused, Ppr):
            self._requests.extend(self.host.negotiator.abilities.older_requests())
        if refused is not None:
            self._ask_next()

    def _identified(self, lun: int) -> bool:
        self._reselected_lun = lun
        self._attach(None)
        return True

    def _attach(self, tag: int | None) -> bool:
        found = self.host.find_task(self.target, self._reselected_lun or 0, tag)
        if found is not None:
            self.task = found
            # A good IDENTIFY on reselection restores the pointers (spi-facts 5.2).
            found.restore_pointers()
            found.result.reselections += 1
        return found is not None or tag is None

    def _negotiated(self, message: Request) -> bool:
        """A negotiation message of the target: the answer to ours, or its own question."""
        negotiator = self.host.negotiator
        if negotiator.is_answer(message):
            agreed = negotiator.take_answer(self.target, message)
            if agreed:
                self._ask_next()
            return agreed
        if not negotiator.abilities.understands(message):
            negotiator.refused(self.target, message)
            return False
        self._requests.clear()
        self._answering = negotiator.abilities.answer(message)
        self.attention(self._answering.encode())
        return True

    def _ask_next(self) -> None:
        self._answering = None
        if self._requests:
            self.attention(self._requests.popleft().encode())

    def _given_up(self) -> bool:
        """QAS REQUEST: permitted where it was agreed, after TASK COMPLETE or DISCONNECT. A second one opens nothing."""
        self._qas_requests += 1
        agreed = bool(self.host.negotiator.of(self.target).options & Option.QAS) and self.host.accept_qas
        return agreed and self.ending in (Ended.COMPLETE, Ended.DISCONNECTED)

    # -- COMMAND, STATUS, DATA ----------------------------------------------------------------------------------

    @property
    def agreement(self) -> Agreement:
        """How data go between the initiator and the device that drives the phases."""
        return self.host.negotiator.of(self.target)

    async def _command(self) -> None:
        task = self._known_task()
        byte = task.cdb[task.command_pointer : task.command_pointer + 1] or b"\0"
        await self.link.give(Phase.COMMAND, self._index, byte)
        self._index += 1
        task.command_pointer += 1

    async def _status(self) -> None:
        byte, good = await self.link.take(Phase.STATUS, self._index)
        self._index += 1
        if good:
            self._known_task().result.status = byte[0]
            self.status_came()
        else:
            self._parity_error(Message.INITIATOR_DETECTED_ERROR)
        await self.link.finish(Phase.STATUS)

    def status_came(self) -> None:
        """A status byte is in the result; its ACK has not been negated."""

    async def _data(self) -> None:
        """A synchronous or DT phase to its end, or one asynchronous transfer."""
        phase, agreement = self._phase, self.agreement
        if phase is None:
            raise RuntimeError("no phase")
        self._counts_from = self._known_task().data_pointer
        if agreement.is_sync:
            await self.host.strobes.follow(phase, agreement, self)
            return
        size = 2 if agreement.wide else 1
        if phase.is_in:
            data, good = await self.link.take(phase, self._index, wide=agreement.wide)
            self.take_in(data, good=good)
            self.moved()
            await self.link.finish(phase)
        else:
            data = self.give_out(size)
            self.moved()
            await self.link.give(phase, self._index, data, wide=agreement.wide)
        self._index += size

    def give_out(self, size: int) -> bytes:
        """The next bytes of DATA OUT; zeros beyond the end."""
        task = self._known_task()
        data = task.data_out[task.data_pointer : task.data_pointer + size] or b"\0"
        task.data_pointer += size
        task.result.sent = task.data_pointer
        return data

    def take_in(self, data: bytes, *, good: bool) -> None:
        """Bytes of DATA IN."""
        task = self._known_task()
        del task.data_in[task.data_pointer :]
        task.data_in += data
        task.data_pointer += len(data)
        if not good:
            self._parity_error(Message.INITIATOR_DETECTED_ERROR)

    def data_failed(self) -> None:
        """Wrong CRC, or a group of data without CRC."""
        self._parity_error(Message.INITIATOR_DETECTED_ERROR)

    def data_lost(self) -> None:
        """The target broke a rule of the data phases: nobody knows what was transferred, so the task is aborted."""
        self.attention(bytes([Message.ABORT_TASK]))

    def moved(self) -> None:
        """A transfer is through but for its ACK; in DT phases a whole group."""
        task, before = self._known_task(), self._counts_from
        self._counts_from = task.data_pointer
        if task.abort is not None and task.data_pointer >= task.abort.after:
            self.attention(bytes([task.abort.message]))
            task.abort = None
        expected = self.expected_in() if self._phase is not None and self._phase.is_in else len(task.data_out)
        if expected is not None and before < expected <= task.data_pointer:
            self.data_ends()

    def expected_in(self) -> int | None:
        """Bytes of DATA IN that the initiator knows to come; None where the target decides."""
        return None

    def data_ends(self) -> None:
        """REQ of the last transfer of the data has been seen; ACK has not been negated."""
