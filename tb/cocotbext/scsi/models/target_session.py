"""What a target does on the bus inside a connection: messages, command, data, status (spi-facts 5, 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..agreement import Agreement, Ppr, parse_negotiation
from ..constants import (
    IDENTIFY_DISCPRIV,
    IDENTIFY_LUN_MASK,
    Asc,
    Message,
    Phase,
    SenseKey,
    Status,
)
from .disk import Disk, cdb_length
from .faults import Faults
from .handshake import TargetHandshake
from .medium import Sense
from .message_receiver import FreeBusError, MessageReceiver
from .messages import identify, simple
from .mirror_messages import CODES
from .negotiation import Negotiator, Request
from .port import ScsiPort
from .strobes import StrobeStyle
from .target_strobes import TargetStrobes
from .target_task import Stage, TargetTask

_FREES_BUS = (
    Message.ABORT_TASK_SET,
    Message.TARGET_RESET,
    Message.ABORT_TASK,
    Message.CLEAR_TASK_SET,
    Message.CLEAR_ACA,
    Message.LOGICAL_UNIT_RESET,
)
_TAKEN_SILENTLY = (
    Message.NO_OPERATION,
    Message.INITIATOR_DETECTED_ERROR,
    Message.MESSAGE_PARITY_ERROR,
    Message.MESSAGE_REJECT,
)
_RETRIES = 3


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a target tries again, by RESTORE POINTERS, before CHECK CONDITION (spi-facts 5.2)."""

    data_in: int = 1
    """After INITIATOR DETECTED ERROR."""
    data_out: int = 0
    """After wrong parity or CRC."""


class TargetSession:
    """The connection that a target is in; the model keeps one and starts it anew for each connection."""

    def __init__(
        self,
        port: ScsiPort,
        disk: Disk,
        *,
        negotiator: Negotiator,
        stall_ns: int,
        faults: Faults,
        pauses: Iterator[float] | None,
        mirror: bool,
        style: StrobeStyle | None = None,
        group_sizes: Iterator[int] | None = None,
        retries: Retries | None = None,
    ) -> None:
        self.port = port
        self.disk = disk
        self.negotiator = negotiator
        self.retries = retries or Retries()
        self.link = TargetHandshake(port, faults=faults, stall_ns=stall_ns, pauses=pauses)
        self.strobes = TargetStrobes(self.link, style or StrobeStyle(), group_sizes)
        self.initiator = 0
        self.lun: int | None = None
        self.tag: int | None = None
        self.kind = Message.SIMPLE
        """SIMPLE, HEAD OF QUEUE or ORDERED."""
        self.disc_priv = False
        self.received: list[bytes] = []
        """Messages accepted in the last MESSAGE OUT phase."""
        self.on_free: Callable[[int, int], None] = lambda _initiator, _message: None
        """Told of a message that ends the connection (ABORT TASK .. TARGET RESET) before the bus goes free."""
        self.vendor: Callable[[bytes, bool], bool] = lambda _message, _last: False
        """Judges a vendor message; False rejects it."""
        self.corrupts = False
        """Store the complement of a task's first byte (asked for by name)."""
        pairs = frozenset({CODES.query, CODES.switch_role, CODES.report}) if mirror else frozenset()
        self._receiver = MessageReceiver(self.link, self._message, resends=_RETRIES, long_pairs=pairs)

    def start(self, initiator: int) -> None:
        """A new connection with this initiator."""
        self.initiator = initiator
        self.lun = self.tag = None
        self.kind = Message.SIMPLE
        self.disc_priv = False
        self.received = []
        self.negotiator.begin()

    @property
    def agreements(self) -> dict[int, Agreement]:
        """By the initiator's SCSI ID, as far as there was any negotiation."""
        return self.negotiator.agreements

    @property
    def agreement(self) -> Agreement:
        """How data go between this target and the present initiator."""
        return self.negotiator.of(self.initiator)

    def data_phase(self, *, out: bool) -> Phase:
        """The data phase of this agreement."""
        if self.agreement.is_dt:
            return Phase.DT_DATA_OUT if out else Phase.DT_DATA_IN
        return Phase.DATA_OUT if out else Phase.DATA_IN

    # -- messages -----------------------------------------------------------------------------------------------

    async def receive_messages(self) -> list[bytes]:
        """A MESSAGE OUT phase; returns the accepted messages. Raises FreeBusError where they end in BUS FREE."""
        self.received = []
        await self._receiver.run()
        return self.received

    async def answer_attention(self) -> list[bytes]:
        """MESSAGE OUT phases for as long as ATN is true."""
        messages: list[bytes] = []
        while self.link.attention:
            messages += await self.receive_messages()
        return messages

    async def reject(self) -> None:
        """MESSAGE REJECT."""
        await self._receiver.reject()

    async def send_message(self, message: bytes, sent: Callable[[], None] = lambda: None) -> bool:
        """A message in MESSAGE IN, again after MESSAGE PARITY ERROR; False if the initiator rejected it.

        `sent` is called when the last byte is through, before any answer to it is taken.
        """
        for _ in range(_RETRIES + 1):
            await self.send_bytes(message)
            sent()
            if not self.link.attention:
                return True
            answers = await self.answer_attention()
            if bytes([Message.MESSAGE_REJECT]) in answers:
                return False
            if bytes([Message.MESSAGE_PARITY_ERROR]) not in answers:
                return True
        raise FreeBusError

    async def request_qas(self) -> bool:
        """QAS REQUEST. False: BUS FREE is due, because the initiator rejected it or had it sent again."""
        request = bytes([Message.QAS_REQUEST])
        await self.send_bytes(request)
        if not self.link.attention:
            return True
        if bytes([Message.MESSAGE_PARITY_ERROR]) in await self.answer_attention():
            await self.send_message(request)
        return False

    async def send_bytes(self, message: bytes) -> None:
        """The bytes of a message in MESSAGE IN; ATN is left for later."""
        self.link.enter(Phase.MSG_IN)
        for byte in message:
            await self.link.send(bytes([byte]))

    async def _message(self, message: bytes, last: bool) -> bool:
        code = message[0]
        if code in _FREES_BUS:
            self.on_free(self.initiator, code)
            raise FreeBusError
        if code >= Message.IDENTIFY:
            return self._identify(message)
        if self.lun is None:
            # The first message after selection must be IDENTIFY or one that ends the connection (spi-facts 5.4).
            raise FreeBusError
        accepted = await self._understood(message, last=last)
        if accepted:
            self.received.append(message)
        return accepted

    async def _understood(self, message: bytes, *, last: bool) -> bool:
        code = message[0]
        if code in (Message.SIMPLE, Message.HEAD_OF_QUEUE, Message.ORDERED):
            self.kind, self.tag = Message(code), message[1]
        elif not last:
            # ATN should have been negated before the last ACK of any other message (spi-facts 5.1).
            return self._not_last(message)
        elif code in _TAKEN_SILENTLY:
            pass
        elif negotiation := parse_negotiation(message):
            return await self._negotiated(negotiation)
        else:
            return self.vendor(message, last)
        return True

    def _not_last(self, message: bytes) -> bool:
        """More bytes come after a message that should be the last: BUS FREE, unless it is not understood at all."""
        if message[0] in _TAKEN_SILENTLY or parse_negotiation(message):
            raise FreeBusError
        return False

    def _identify(self, message: bytes) -> bool:
        lun = message[0] & IDENTIFY_LUN_MASK
        if self.lun is not None and lun != self.lun:
            raise FreeBusError
        self.lun = lun
        self.disc_priv = bool(message[0] & IDENTIFY_DISCPRIV)
        self.received.append(message)
        return True

    async def _negotiated(self, message: Request) -> bool:
        """The initiator's answer to what this target asked, or its own question; False: MESSAGE REJECT."""
        negotiator = self.negotiator
        if negotiator.is_answer(message):
            return negotiator.take_answer(self.initiator, message)
        if not negotiator.abilities.understands(message):
            negotiator.refused(self.initiator, message)
            return False
        answer = negotiator.abilities.answer(message)
        if not await self.send_message(answer.encode(), lambda: negotiator.gave_answer(self.initiator, answer)):
            negotiator.refused(self.initiator, answer)
        return True

    async def negotiate(self, *requests: Request) -> None:
        """Ask the initiator for all that this target can do, or for `requests`.

        MESSAGE REJECT, or no answer, to PPR is followed by WDTR and SDTR.
        """
        negotiator = self.negotiator
        left = list(requests or negotiator.abilities.requests())
        while left:
            request = left.pop(0)
            negotiator.ask(request)
            await self.send_message(request.encode())
            if negotiator.asked is None:
                # Answered, or the initiator has asked something else instead.
                continue
            negotiator.rejected(self.initiator)
            if isinstance(request, Ppr):
                left += negotiator.abilities.older_requests()

    # -- command, data, status ----------------------------------------------------------------------------------

    async def receive_command(self) -> bytes | None:
        """COMMAND phase, once more after RESTORE POINTERS if parity is wrong; None: wrong again."""
        for attempt in range(2):
            if attempt:
                await self.send_message(bytes([Message.RESTORE_POINTERS]))
            self.link.enter(Phase.COMMAND)
            cdb, good = await self.link.receive()
            length = cdb_length(cdb[0])
            while len(cdb) < length:
                byte, parity = await self.link.receive()
                cdb += byte
                good = good and parity
            await self.answer_attention()
            if good:
                return cdb
        return None

    async def receive_data(self, task: TargetTask, length: int) -> bool:
        """DATA OUT up to `length` bytes in all; False: wrong parity or CRC. ATN is left for later."""
        agreement, good = self.agreement, True
        if task.pointer >= length:
            return True
        self.link.enter(self.data_phase(out=True))
        if agreement.is_sync:
            data, good = await self.strobes.receive(agreement, length - task.pointer)
            task.received += data
            task.pointer += len(data)
        while task.pointer < length:
            data, parity = await self.link.receive(wide=agreement.wide)
            task.received += data
            task.pointer += len(data)
            good = good and parity
        del task.received[length:]
        return good

    async def send_data(self, task: TargetTask, length: int) -> None:
        """DATA IN up to `length` bytes in all. ATN is left for later."""
        agreement, data = self.agreement, task.transfer.data_in
        size = 2 if agreement.wide else 1
        if task.pointer >= length:
            return
        self.link.enter(self.data_phase(out=False))
        if agreement.is_sync:
            await self.strobes.send(agreement, data[task.pointer : length])
            task.pointer += -(-(length - task.pointer) // size) * size
        while task.pointer < length:
            await self.link.send(data[task.pointer : task.pointer + size], wide=agreement.wide)
            task.pointer += size

    async def move_data(self, task: TargetTask, length: int) -> None:
        """The data of a task up to `length`, with recovery by RESTORE POINTERS or CHECK CONDITION (spi-facts 5.2)."""
        out = bool(task.transfer.out_len)
        for attempts_left in reversed(range((self.retries.data_out if out else self.retries.data_in) + 1)):
            good = await (self._move_out(task, length) if out else self._move_in(task, length))
            if good:
                return
            if attempts_left:
                await self.restore_pointers(task)
        asc = Asc.PARITY_ERROR if out else Asc.INITIATOR_DETECTED_ERROR
        task.fail(Sense(SenseKey.ABORTED_COMMAND, asc), self.disk.sense)

    async def _move_out(self, task: TargetTask, length: int) -> bool:
        good = await self.receive_data(task, length)
        await self.answer_attention()
        return good

    async def _move_in(self, task: TargetTask, length: int) -> bool:
        await self.send_data(task, length)
        if bytes([Message.INITIATOR_DETECTED_ERROR]) in await self.answer_attention():
            return False
        if task.pointer > length:
            task.pointer = length
            await self.send_message(bytes([Message.IGNORE_WIDE_RESIDUE, 1]))
        return True

    async def restore_pointers(self, task: TargetTask) -> None:
        """RESTORE POINTERS: the data begin again where they were last saved."""
        await self.send_message(bytes([Message.RESTORE_POINTERS]))
        task.restore()

    async def save_pointer(self, task: TargetTask) -> bool:
        """SAVE DATA POINTER; False if the initiator rejects it."""
        if not await self.send_message(bytes([Message.SAVE_DATA_POINTER])):
            return False
        task.saved = task.pointer
        return True

    async def send_status(self, task: TargetTask) -> None:
        """STATUS and TASK COMPLETE, with the task's notice between them."""
        for attempt in range(_RETRIES + 1):
            self.link.enter(Phase.STATUS)
            await self.link.send(bytes([task.status]))
            if bytes([Message.INITIATOR_DETECTED_ERROR]) not in await self.answer_attention():
                break
            if attempt == _RETRIES:
                raise FreeBusError
            await self.send_message(bytes([Message.RESTORE_POINTERS]))
        if task.notice:
            await self.send_message(task.notice)
        await self.send_message(bytes([Message.TASK_COMPLETE]))

    async def reconnect(self, task: TargetTask) -> None:
        """First messages after a reselection, with which the initiator restores its pointers."""
        if task.stage is Stage.DATA:
            task.restore()
        self.lun, self.tag, self.disc_priv = task.lun, task.tag, task.disc_priv
        await self.send_message(identify(task.lun))
        if task.tag is not None:
            await self.send_message(simple(task.tag))

    def finish_data(self, task: TargetTask) -> None:
        """All data has been moved: the disk takes what came, unless something was wrong."""
        task.stage = Stage.STATUS
        if task.status != Status.GOOD:
            return
        sense = task.transfer.sense
        if sense is None and task.transfer.out_len:
            if self.corrupts:
                task.received[0] ^= 0xFF
            sense = self.disk.finish(task.initiator, task.transfer, bytes(task.received))
        if sense is not None:
            task.fail(sense, self.disk.sense)
