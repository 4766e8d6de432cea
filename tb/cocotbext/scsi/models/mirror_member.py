"""A target's part in silent mirroring: enrolment, hand-over, copy, report, leading (protocol 4 to 6, 9, 14 to 16)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from ..constants import Asc, Message, Phase, SenseKey, Status
from ..wires import M_ACK, M_ATN, M_PHASE, M_REQ
from .handshake import StalledError
from .medium import Sense
from .message_receiver import FreeBusError
from .mirror_listener import MirrorListener
from .mirror_messages import (
    CODES,
    Z_LEAVE,
    Extensions,
    MirrorOrder,
    capability,
    failed_block,
    parse_capability,
    parse_next,
    parse_order,
    parse_pair,
    query,
    switch_role,
)
from .mirror_operation import CopyHost, Hand, Operation
from .misbehaviour import Misbehaviour
from .port import now_ps
from .target_session import TargetSession
from .target_task import TargetTask
from .timing import MirrorTiming

_HANDED: Final = M_PHASE | M_REQ | M_ACK | M_ATN
"""Lines that are false when the phase lines are free to be taken, or the bus to be released."""
_RETRIES: Final = 3
_COMPLAINTS: Final = (Message.INITIATOR_DETECTED_ERROR, Message.MESSAGE_PARITY_ERROR)
_NO_SUCH_BLOCK: Final = 0x0F


def _handed(lines: int) -> bool:
    return not lines & _HANDED


class _Turn(Enum):
    """What a leader that holds BSY for others has to do next."""

    RELEASE = auto()
    RECLAIM = auto()
    TAKE = auto()


class MirrorMember(MirrorListener):
    """Takes part in mirrored operations; the target model gives it the bus when it is named or selected."""

    def __init__(
        self,
        session: TargetSession,
        timing: MirrorTiming,
        host: CopyHost,
        *,
        extensions: Extensions,
        misbehave: Collection[Misbehaviour],
        stall_ns: int,
        late_take_ns: int,
        buffer_ns: int,
    ) -> None:
        """`extensions`: what this drive can do, flags 0 for one that does not know MIRROR CAPABILITY."""
        super().__init__(session, host, misbehave=misbehave, winner_sample_ns=timing.winner_sample, buffer_ns=buffer_ns)
        self.link = session.link
        self.port = session.port
        self.timing = timing
        self.extensions = extensions
        self._stall_ns = stall_ns
        self._late_take_ns = late_take_ns

    # -- enrolment ----------------------------------------------------------------------------------------------

    async def enrol(self, yz: int, *, last: bool) -> None:
        """Answer MIRROR QUERY with ACCEPT and go to BUS FREE; the answer counts when its last ACK is negated."""
        initiator = self.session.initiator
        self.leave(initiator, yz)
        answer = yz ^ 1 if Misbehaviour.WRONG_ACCEPT in self.misbehave else yz
        if await self.session.send_message(query(answer)) and yz & 0xF != Z_LEAVE:
            self.identities[initiator, yz >> 4] = (yz & 0xF, last)
        raise FreeBusError

    async def agree(self, yz: int, offer: Extensions) -> None:
        """Answer MIRROR CAPABILITY and go to BUS FREE; with ATN at the last ACK of the answer nothing is agreed."""
        key = self.session.initiator, yz >> 4
        self.agreed.pop(key, None)
        if Misbehaviour.CAPABILITY_BUS_FREE in self.misbehave:
            raise FreeBusError
        answer = agreed = self.extensions.both(offer)
        if Misbehaviour.WRONG_CAPABILITY in self.misbehave:
            answer = Extensions(blocks=offer.blocks + 1)
        await self.session.send_bytes(capability(yz, answer))
        if not self.link.attention:
            self.agreed[key] = agreed
        raise FreeBusError

    # -- form of vendor messages --------------------------------------------------------------------------------

    def well_formed(self, message: bytes, last: bool) -> bool:
        """Judge a vendor message to this target; MESSAGE REJECT answers bad form (protocol 3, 14 to 16)."""
        initiator, operation = self.session.initiator, self._current_operation()
        order, offer = parse_order(message), parse_capability(message)
        if not last:
            return False
        if order is not None:
            return self.session.disc_priv and self.holds(initiator, order.yz)
        if offer is not None:
            knows = bool(self.extensions.flags) and Misbehaviour.CAPABILITY_REJECT not in self.misbehave
            return knows and operation is None and self.holds(initiator, offer[0])
        if parse_pair(message, CODES.query):
            return True
        return operation is not None and self._leads_on(message, operation)

    def _leads_on(self, message: bytes, operation: Operation) -> bool:
        """A message to the current target of an operation: SWITCH ROLE, NEXT, REPORT, RELEASE."""
        agreed = operation.extensions
        copies_over = operation.reporting
        following = parse_next(message)
        if following is not None:
            return agreed.series and not copies_over and following[0] == operation.order.yz
        switch = parse_pair(message, CODES.switch_role)
        if switch:
            return not copies_over and self.knows_group(operation.initiator, switch[0])
        report = parse_pair(message, CODES.report)
        if report:
            return agreed.status and self.knows_group(operation.initiator, report[0])
        release = parse_pair(message, CODES.release)
        return bool(release and self.holds(operation.initiator, release[0]))

    def _current_operation(self) -> Operation | None:
        """The operation in which this target has had a copy."""
        return self.operation if self.operation and self.operation.task else None

    # -- taking part --------------------------------------------------------------------------------------------

    async def take_over(self) -> None:
        """The messages have named this member: wait for its window, take, give what it was named for, pass on."""
        operation, hand = self.operation, self.hand
        self.take_wanted = False
        if operation is None or not await self._window_opens(operation, hand):
            return
        self.session.start(operation.initiator)
        self.session.lun, self.session.tag = operation.lun, operation.tag
        self.session.disc_priv = operation.disc_priv
        with self.port.connection():
            await self._serve(operation)

    async def _serve(self, operation: Operation) -> bytes:
        """Take the phase lines for a copy or a report; returns the message that passes them on, the lines released."""
        if operation.reporting:
            return await self._report(operation)
        self.link.take_over(self.session.data_phase(out=operation.order.write), self.port.phase_since)
        return await self._after_copy(operation, await self._copy(operation))

    async def _window_opens(self, operation: Operation, hand: Hand) -> bool:
        """The phase lines are this member's to take; False: drop the switch."""
        port, timing, task = self.port, self.timing, operation.task
        if Misbehaviour.LATE_TAKE in self.misbehave:
            await port.delay_until(hand.t0 + self._late_take_ns * 1000)
            return True
        earliest = hand.t0 + timing.take_min * 1000
        if operation.reporting and task is not None and task.ready_ps <= hand.t0 + timing.report_wait * 1000:
            earliest = max(earliest, task.ready_ps)
        while True:
            left = (hand.t0 - now_ps()) // 1000 + timing.take_max
            if left <= timing.quiet or not await port.wait(_handed, left - timing.quiet):
                return False
            wait = max(timing.quiet, (earliest - now_ps()) // 1000)
            if await port.hold(_handed, wait):
                return self.hand is hand and not hand.req_since
            if self.hand is not hand or hand.req_since:
                return False

    async def _copy(self, operation: Operation) -> TargetTask:
        """This member's data phase, which the lines show already. The first REQ of its first copy gives the rank."""
        session, task = self.session, operation.task
        operation.begin_block()
        if task is None:
            task = operation.task = self.host.make_copy(operation, operation.taken if operation.valid else 0)
        else:
            task.start_again(self.host.copy_block(operation))
        if operation.order.write:
            if not await session.receive_data(task, operation.order.length) and task.status == Status.GOOD:
                task.fail(Sense(SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR), session.disk.sense)
        else:
            if Misbehaviour.DIFFERING_COPY in self.misbehave:
                data = task.transfer.data_in
                task.transfer.data_in = bytes([data[0] ^ 0xFF]) + data[1:]
            await self.port.delay_until(operation.heard_ps + task.pace.before_data * 1000)
            await session.send_data(task, operation.order.length)
        operation.served = True
        session.finish_data(task)
        self._block_done(operation, task)
        return task

    def _block_done(self, operation: Operation, task: TargetTask) -> None:
        """Note the first failure, and when the status will be known."""
        self.copied_ps = now_ps()
        task.ready_ps = now_ps() + task.pace.before_status * 1000
        if task.status != Status.GOOD and operation.failed is None:
            operation.failed = operation.block
            sense = self.session.disk.sense.get(operation.initiator)
            if sense is not None and sense.information is None and operation.extensions.series:
                self.session.disk.sense[operation.initiator] = replace(sense, information=operation.lba)
        if operation.failed is not None and operation.series:
            block = _NO_SUCH_BLOCK if Misbehaviour.WRONG_FAILED_BLOCK in self.misbehave else operation.failed
            z = self.identities.get((operation.initiator, operation.order.yz >> 4), (0, False))[0]
            task.notice = failed_block(operation.order.yz & 0xF0 | z, block)

    async def _after_copy(self, operation: Operation, task: TargetTask) -> bytes:
        """Hold the data phase until ATN; returns the message that passes the lines on, or MESSAGE PARITY ERROR.

        After INITIATOR DETECTED ERROR the data of a read come again, three times at most; then the lines go.
        """
        retries = _RETRIES
        while True:
            message = await self._handed_on()
            if message[0] != Message.INITIATOR_DETECTED_ERROR:
                return message
            if not operation.order.write and retries:
                retries -= 1
                await self.session.restore_pointers(task)
                await self.session.send_data(task, operation.order.length)
                continue
            task.fail(Sense(SenseKey.ABORTED_COMMAND, Asc.INITIATOR_DETECTED_ERROR), self.session.disk.sense)
            self._block_done(operation, task)
            if not operation.order.write:
                self.link.leave()
                return message

    async def _handed_on(self) -> bytes:
        """Hold the phase until ATN, take the messages; returns the one that passes the lines on, with them released.

        A complaint of the initiator about what it has just received is returned with the lines kept.
        """
        while True:
            if not await self.link.wait_attention(self.link.stall_ns):
                raise StalledError
            for message in await self.session.receive_messages():
                if message[0] in _COMPLAINTS:
                    return message
                pair = any(parse_pair(message, code) for code in (CODES.switch_role, CODES.report, CODES.release))
                if pair or parse_next(message):
                    if Misbehaviour.KEEPS_LINES in self.misbehave:
                        await self.port.wait(lambda _: False)
                    self.link.leave()
                    return message

    # -- status in the connection -------------------------------------------------------------------------------

    async def _report(self, operation: Operation) -> bytes:
        """STATUS, or DISCONNECT where it is not known yet; again on a complaint, three times at most (protocol 15)."""
        task, link = operation.task, self.link
        if task is None:
            raise RuntimeError("a report without a copy")
        known = task.ready_ps <= now_ps() and Misbehaviour.ALWAYS_DISCONNECTS not in self.misbehave
        rank, message = operation.disconnects, b""
        self.link.take_over(Phase.STATUS if known else Phase.MSG_IN, self.port.phase_since)
        for _ in range(_RETRIES + 1):
            if not known:
                await self.session.send_bytes(bytes([Message.DISCONNECT]))
            else:
                if message[:1] != bytes([Message.MESSAGE_PARITY_ERROR]):
                    link.enter(Phase.STATUS)
                    await link.send(bytes([self._status(task)]))
                if task.notice and not link.attention:
                    await self.session.send_bytes(task.notice)
            operation.reported = True
            message = await self._handed_on()
            if message[0] not in _COMPLAINTS:
                break
        else:
            link.leave()
            return message
        if known:
            operation.delivered = parse_pair(message, CODES.report) is not None or message[0] == CODES.release
        else:
            task.rank = rank
        return message

    def _status(self, task: TargetTask) -> int:
        if Misbehaviour.WRONG_STATUS in self.misbehave:
            return Status.CHECK_CONDITION if task.status == Status.GOOD else Status.GOOD
        return task.status

    # -- leading ------------------------------------------------------------------------------------------------

    async def lead(self, order: MirrorOrder) -> None:
        """This target was selected for the operation: take the first copy, then hold BSY to the end."""
        operation = self.operation
        if operation is None or operation.order != order:
            raise FreeBusError
        self.link.enter(self.session.data_phase(out=order.write))
        message = await self._after_copy(operation, await self._copy(operation))
        while not parse_pair(message, CODES.release):
            if message[0] == Message.MESSAGE_PARITY_ERROR and self.link.phase is not None:
                raise FreeBusError
            turn = await self._next_turn(operation)
            if turn is _Turn.RELEASE:
                break
            message = await (self._reclaim(order.yz) if turn is _Turn.RECLAIM else self._serve(operation))
        await self._let_go()

    async def _reclaim(self, yz: int) -> bytes:
        """The participant is dead or did not understand: say RECLAIMED and be the current target again (section 6)."""
        self.link.take_over(Phase.MSG_IN, self.port.phase_since)
        for _ in range(_RETRIES):
            await self.session.send_bytes(switch_role(yz))
            message = await self._handed_on()
            if message[0] != Message.MESSAGE_PARITY_ERROR:
                return message
        raise FreeBusError

    async def _next_turn(self, operation: Operation) -> _Turn:
        """Hold BSY while others drive the phase lines."""
        port, timing = self.port, self.timing
        self.active_ps = now_ps()
        while True:
            hand = self.hand
            if hand.released:
                return _Turn.RELEASE
            if self.take_wanted:
                self.take_wanted = False
                if await self._window_opens(operation, hand):
                    return _Turn.TAKE
            if hand.req_since:
                await self._follow(hand)
                continue
            left = (hand.t0 - now_ps()) // 1000 + timing.reclaim
            if await port.wait(lambda _, hand=hand: hand.req_since or self.hand is not hand, max(left, 0)):  # type: ignore[misc]
                continue
            if not port.is_set(M_PHASE):
                return _Turn.RELEASE if not hand.good and operation.last_announced else _Turn.RECLAIM
            await self._follow(hand)

    async def _follow(self, hand: Hand) -> None:
        """Wait for the next MESSAGE OUT to end, watched by the stall timer."""
        if Misbehaviour.DROPS_BSY in self.misbehave:
            raise FreeBusError
        while self.hand is hand:
            left = (self.active_ps - now_ps()) // 1000 + self._stall_ns
            if left <= 0:
                raise StalledError
            await self.port.wait(lambda _: self.hand is not hand, left)

    async def _let_go(self) -> None:
        """Release BSY once the lines have been false long enough."""
        if Misbehaviour.KEEPS_BSY in self.misbehave:
            await self.port.wait(lambda _: False)
        while not await self.port.hold(_handed, self.timing.release_quiet):
            if not await self.port.wait(_handed, self._stall_ns):
                raise StalledError
        raise FreeBusError
