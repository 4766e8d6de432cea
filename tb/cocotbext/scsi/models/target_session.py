"""What a target does on the bus inside a connection: messages, command, data, status (spi-facts 5, 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..constants import (
    IDENTIFY_DISCPRIV,
    IDENTIFY_LUN_MASK,
    Asc,
    Extended,
    Message,
    Phase,
    SenseKey,
    Status,
)
from ..messages import is_extended
from .disk import Disk, cdb_length
from .faults import Faults
from .handshake import TargetHandshake
from .medium import Sense
from .message_receiver import FreeBusError, MessageReceiver
from .messages import identify, sdtr, simple, wdtr
from .mirror_messages import CODES
from .port import ScsiPort
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


class TargetSession:
    """The connection that a target is in; the model keeps one and starts it anew for each connection."""

    def __init__(
        self,
        port: ScsiPort,
        disk: Disk,
        *,
        wide: bool,
        stall_ns: int,
        faults: Faults,
        pauses: Iterator[int] | None,
        mirror: bool,
    ) -> None:
        self.port = port
        self.disk = disk
        self.wide = wide
        self.link = TargetHandshake(port, faults=faults, stall_ns=stall_ns, pauses=pauses)
        self.agreements: dict[int, bool] = {}
        """Per initiator: 16-bit transfers agreed."""
        self.initiator = 0
        self.lun: int | None = None
        self.tag: int | None = None
        self.disc_priv = False
        self.received: list[bytes] = []
        """Messages accepted in the last MESSAGE OUT phase."""
        self.on_free: Callable[[int, int], None] = lambda _initiator, _message: None
        """Told of a message that ends the connection (ABORT TASK .. TARGET RESET) before the bus goes free."""
        self.vendor: Callable[[bytes, bool], bool] = lambda _message, _last: False
        """Judges a vendor message; False rejects it."""
        self.corrupts = False
        """Store the complement of a task's first byte (asked for by name)."""
        pairs = frozenset({CODES.query, CODES.switch_role}) if mirror else frozenset()
        self._receiver = MessageReceiver(self.link, self._message, resends=_RETRIES, long_pairs=pairs)

    def start(self, initiator: int) -> None:
        """A new connection with this initiator."""
        self.initiator = initiator
        self.lun = self.tag = None
        self.disc_priv = False
        self.received = []

    @property
    def is_wide(self) -> bool:
        """Data transfers with the present initiator are 16 bit."""
        return self.agreements.get(self.initiator, False)

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

    async def send_message(self, message: bytes) -> bool:
        """A message in MESSAGE IN, again after MESSAGE PARITY ERROR; False if the initiator rejected it."""
        for _ in range(_RETRIES + 1):
            await self.send_bytes(message)
            if not self.link.attention:
                return True
            answers = await self.answer_attention()
            if bytes([Message.MESSAGE_REJECT]) in answers:
                return False
            if bytes([Message.MESSAGE_PARITY_ERROR]) not in answers:
                return True
        raise FreeBusError

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
            self.tag = message[1]
        elif not last:
            # ATN should have been negated before the last ACK of any other message (spi-facts 5.1).
            return self._not_last(message)
        elif code in _TAKEN_SILENTLY:
            pass
        elif is_extended(message, Extended.WDTR):
            await self._negotiate_width(message[3])
        elif is_extended(message, Extended.SDTR):
            await self.send_message(sdtr(message[3], 0))
        else:
            return self.vendor(message, last)
        return True

    def _not_last(self, message: bytes) -> bool:
        """More bytes come after a message that should be the last: BUS FREE, unless it is not understood at all."""
        if message[0] in _TAKEN_SILENTLY or is_extended(message, Extended.WDTR) or is_extended(message, Extended.SDTR):
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

    async def _negotiate_width(self, exponent: int) -> None:
        agreed = min(exponent, int(self.wide))
        accepted = await self.send_message(wdtr(agreed))
        self.agreements[self.initiator] = bool(agreed) and accepted

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
        """DATA OUT up to `length` bytes in all; False: a byte had wrong parity. ATN is left for later."""
        wide, good = self.is_wide, True
        self.link.enter(Phase.DATA_OUT)
        while task.pointer < length:
            data, parity = await self.link.receive(wide=wide)
            task.received += data
            task.pointer += len(data)
            good = good and parity
        del task.received[length:]
        return good

    async def send_data(self, task: TargetTask, length: int) -> None:
        """DATA IN up to `length` bytes in all. ATN is left for later."""
        wide, data = self.is_wide, task.transfer.data_in
        size = 2 if wide else 1
        if task.pointer >= length:
            return
        self.link.enter(Phase.DATA_IN)
        while task.pointer < length:
            await self.link.send(data[task.pointer : task.pointer + size], wide=wide)
            task.pointer += size

    async def move_data(self, task: TargetTask, length: int) -> None:
        """The data of a task up to `length`, with recovery by RESTORE POINTERS or CHECK CONDITION (spi-facts 5.2)."""
        aborted = SenseKey.ABORTED_COMMAND
        if task.transfer.out_len:
            if not await self.receive_data(task, length):
                task.fail(Sense(aborted, Asc.PARITY_ERROR), self.disk.sense)
            await self.answer_attention()
            return
        for attempt in range(2):
            await self.send_data(task, length)
            if bytes([Message.INITIATOR_DETECTED_ERROR]) not in await self.answer_attention():
                await self._ignore_residue(task, length)
                return
            if attempt == 0:
                await self.send_message(bytes([Message.RESTORE_POINTERS]))
                task.pointer = 0
        task.fail(Sense(aborted, Asc.INITIATOR_DETECTED_ERROR), self.disk.sense)

    async def _ignore_residue(self, task: TargetTask, length: int) -> None:
        if task.pointer > length:
            task.pointer = length
            await self.send_message(bytes([Message.IGNORE_WIDE_RESIDUE, 1]))

    async def send_status(self, task: TargetTask) -> None:
        """STATUS and TASK COMPLETE."""
        for attempt in range(_RETRIES + 1):
            self.link.enter(Phase.STATUS)
            await self.link.send(bytes([task.status]))
            if bytes([Message.INITIATOR_DETECTED_ERROR]) not in await self.answer_attention():
                break
            if attempt == _RETRIES:
                raise FreeBusError
            await self.send_message(bytes([Message.RESTORE_POINTERS]))
        await self.send_message(bytes([Message.TASK_COMPLETE]))

    async def reconnect(self, task: TargetTask) -> None:
        """First messages after a reselection."""
        self.lun, self.tag, self.disc_priv = task.lun, task.tag, task.disc_priv
        await self.send_message(identify(task.lun))
        if task.tag is not None:
            await self.send_message(simple(task.tag))

    def finish_data(self, task: TargetTask) -> None:
        """All data has been moved: put it on the medium, unless something was wrong."""
        task.stage = Stage.STATUS
        if task.status == Status.GOOD and task.transfer.sense is not None:
            task.fail(task.transfer.sense, self.disk.sense)
        elif task.status == Status.GOOD and task.transfer.out_len:
            if self.corrupts:
                task.received[0] ^= 0xFF
            self.disk.medium.write(task.transfer.lba, bytes(task.received))
