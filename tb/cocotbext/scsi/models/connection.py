"""One connection of the initiator, from selection or reselection to BUS FREE: it follows the target's phases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from ..constants import IDENTIFY_LUN_MASK, Extended, Message, Phase, message_length
from ..messages import is_extended
from .handshake import InitiatorHandshake, StalledError
from .messages import wdtr
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
_ATN_GAP_NS = 400
_NO_OPERATION = bytes([Message.NO_OPERATION])


class Host(Protocol):
    """What a connection needs of the initiator it belongs to."""

    wide: bool
    handshake: InitiatorHandshake
    agreements: dict[int, bool]
    """Per target: 16-bit transfers agreed."""
    max_resends: int
    """How often a MESSAGE OUT phase is sent again before NO OPERATION answers."""

    def find_task(self, target: int, lun: int, tag: int | None) -> Task | None:
        """The outstanding task of that nexus."""

    def reselected_for(self, stranger: Task) -> None:
        """A target has come back with a nexus that has no outstanding task."""


class Connection:
    """Follows the phases for one task; subclasses add what mirroring changes."""

    def __init__(self, host: Host, target: int, task: Task | None, messages: Iterable[bytes]) -> None:
        """`task` is None on reselection, until the target's messages name it; `messages` go out after selection."""
        self.host = host
        self.target = target
        self.task = task
        self.link = host.handshake
        self.ending: Ended | None = None
        """What BUS FREE will mean; None: unexpected."""
        self._outgoing: list[list[bytes]] = []
        if first := list(messages):
            self._outgoing.append(first)
        self._sending: list[bytes] = []
        self._message = 0
        self._byte = 0
        self._sent_whole = False
        self._resends = 0
        self._partial = bytearray()
        self._deaf = False
        self._reselected_lun: int | None = None
        self._asked_wdtr = False
        self._phase: Phase | None = None
        self._index = 0
        self._handlers: dict[Phase, Callable[[], Awaitable[None]]] = {
            Phase.MSG_OUT: self._message_out,
            Phase.MSG_IN: self._message_in,
            Phase.COMMAND: self._command,
            Phase.STATUS: self._status,
            Phase.DATA_OUT: self._data_out,
            Phase.DATA_IN: self._data_in,
        }

    async def follow(self) -> Ended:
        """Serve the target until the bus is free. Raises BusResetError after RST."""
        port = self.link.port
        try:
            with port.connection():
                while True:
                    phase = await self.link.next_req()
                    if phase is not self._phase:
                        self._leave_phase(phase)
                    handler = self._handlers.get(phase)
                    if handler is None:
                        # A DT phase: nobody has agreed to it. It is not answered.
                        return Ended.TIMEOUT
                    await handler()
        except BusFreedError:
            port.release()
            return self.ending or Ended.BUS_FREE
        except StalledError:
            return Ended.TIMEOUT

    def _leave_phase(self, phase: Phase) -> None:
        if self._phase is Phase.MSG_OUT and self._sent_whole:
            self._sending = []
        if phase is Phase.MSG_OUT:
            self._deaf = False
        self._phase = phase
        self._index = 0

    # -- MESSAGE OUT --------------------------------------------------------------------------------------------

    def attention(self, *messages: bytes) -> None:
        """Assert ATN and have these messages sent in one MESSAGE OUT phase when the target comes for them."""
        self.link.raise_atn()
        self._outgoing.append(list(messages))

    async def _message_out(self) -> None:
        if self._sending and self._sent_whole:
            self._asked_again()
        elif not self._sending:
            self._sending = self._outgoing.pop(0) if self._outgoing else [_NO_OPERATION]
            self._resends = 0
            self._rewind()
        message = self._sending[self._message]
        ends_message = self._byte == len(message) - 1
        last = ends_message and self._message == len(self._sending) - 1
        await self.link.give(Phase.MSG_OUT, self._index, message[self._byte : self._byte + 1], last=last)
        self._index += 1
        self._byte += 1
        if ends_message:
            self._sent_message(message)
        if last:
            self._sent_whole = True
            self.messages_sent(self._sending)
            if self._outgoing:
                # More to say: ATN again, once the target has seen it false at the end of this phase.
                await self.link.port.delay(_ATN_GAP_NS)
                self.link.raise_atn()
        elif ends_message:
            self._message += 1
            self._byte = 0

    def _asked_again(self) -> None:
        """REQ again after a byte taken with ATN false: the target asks for all bytes of the phase again."""
        self._rewind()
        self._resends += 1
        if self._resends > self.host.max_resends:
            self._sending = [_NO_OPERATION]
        else:
            self.link.raise_atn()

    def _rewind(self) -> None:
        self._message = self._byte = self._index = 0
        self._sent_whole = False

    def _sent_message(self, message: bytes) -> None:
        if is_extended(message, Extended.WDTR):
            self._asked_wdtr = True
        if message[0] in _ENDS_IN_BUS_FREE and len(message) == 1:
            self.ending = Ended.ABORTED

    def messages_sent(self, messages: list[bytes]) -> None:
        """The last byte of a MESSAGE OUT phase has been acknowledged (again, after a resend)."""

    def _drop_rejected(self) -> None:
        """MESSAGE REJECT inside a MESSAGE OUT: go on after the rejected message, or with NO OPERATION."""
        if not self._sending or self._sent_whole:
            return
        rest = self._sending[self._message + (self._byte > 0) :]
        self._sending = rest or [_NO_OPERATION]
        self._rewind()

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

    def _note(self, message: bytes) -> None:
        if self.task is not None:
            self.task.result.messages_in.append(message)

    def _parity_error(self, answer: Message) -> None:
        if self.task is not None:
            self.task.result.parity_errors += 1
        self.ending = None
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
        if is_extended(message, Extended.WDTR):
            return self._wide(message[3])
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
        self._drop_rejected()
        if self._asked_wdtr:
            self._asked_wdtr = False
            self.host.agreements[self.target] = False

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

    def _wide(self, exponent: int) -> bool:
        if self._asked_wdtr:
            self._asked_wdtr = False
            self.host.agreements[self.target] = exponent >= 1 and self.host.wide
            return exponent <= 1
        agreed = min(exponent, int(self.host.wide))
        self.host.agreements[self.target] = bool(agreed)
        self.attention(wdtr(agreed))
        return True

    # -- COMMAND, STATUS, DATA ----------------------------------------------------------------------------------

    def wide_with(self, target: int) -> bool:
        """Data transfers with this target are 16 bit."""
        return self.host.agreements.get(target, False)

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
        else:
            self._parity_error(Message.INITIATOR_DETECTED_ERROR)
        await self.link.finish(Phase.STATUS)

    async def _data_out(self) -> None:
        task, wide = self._known_task(), self.wide_with(self.target)
        size = 2 if wide else 1
        pointer = task.data_pointer
        data = task.data_out[pointer : pointer + size] or b"\0"
        task.data_pointer += size
        task.result.sent = task.data_pointer
        if pointer < len(task.data_out) <= task.data_pointer:
            self.data_ends()
        await self.link.give(Phase.DATA_OUT, self._index, data, wide=wide)
        self._index += size

    async def _data_in(self) -> None:
        task, wide = self._known_task(), self.wide_with(self.target)
        data, good = await self.link.take(Phase.DATA_IN, self._index, wide=wide)
        self._index += len(data)
        del task.data_in[task.data_pointer :]
        task.data_in += data
        task.data_pointer += len(data)
        if not good:
            self._parity_error(Message.INITIATOR_DETECTED_ERROR)
        if task.data_pointer == self.expected_in():
            self.data_ends()
        await self.link.finish(Phase.DATA_IN)

    def expected_in(self) -> int | None:
        """Bytes of DATA IN that the initiator knows to come; None where the target decides."""
        return None

    def data_ends(self) -> None:
        """REQ of the last transfer of the data has been seen; ACK has not been negated."""
