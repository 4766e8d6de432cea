"""A target's part in silent mirroring: enrolment, snooping, hand-over, leading (silent-mirroring 3 to 7, 10)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from ..constants import IDENTIFY_LUN_MASK, Asc, Message, Phase, SenseKey
from ..wires import M_ACK, M_ATN, M_PHASE, M_REQ
from .handshake import StalledError
from .medium import Sense
from .message_receiver import FreeBusError
from .mirror_messages import (
    CODES,
    Z_LEAVE,
    MirrorOrder,
    parse_order,
    parse_pair,
    query,
    split_vendor,
    switch_role,
)
from .misbehaviour import Misbehaviour
from .port import now_ps
from .snooper import Snooper
from .target_session import TargetSession
from .target_task import Stage, TargetTask
from .timing import MirrorTiming

_HANDED: Final = M_PHASE | M_REQ | M_ACK | M_ATN
"""Lines that are false when the phase lines are free to be taken, or the bus to be released."""
_RETRIES: Final = 3
_DISCARDS: Final = (
    Message.ABORT_TASK,
    Message.ABORT_TASK_SET,
    Message.CLEAR_TASK_SET,
    Message.LOGICAL_UNIT_RESET,
    Message.TARGET_RESET,
)


def _handed(lines: int) -> bool:
    return not lines & _HANDED


@dataclass(slots=True)
class Operation:
    """Context of a mirrored operation, as this member snooped it."""

    order: MirrorOrder
    initiator: int
    lun: int
    tag: int | None
    disc_priv: bool
    valid: bool = False
    """The leader has asked for data."""
    taken: int = 0
    """Participants that asked for data so far."""
    last_announced: bool = False
    task: TargetTask | None = None
    """This member's own copy, once it took."""


@dataclass(slots=True)
class _Hand:
    """The last MESSAGE OUT phase that ended on the wires."""

    t0: int = 0
    good: bool = True
    switched: bool = False
    released: bool = False
    req_since: bool = False
    """REQ was seen after it."""


class MirrorMember:
    """Enrolments and the present operation of one target."""

    def __init__(
        self,
        session: TargetSession,
        timing: MirrorTiming,
        *,
        misbehave: Collection[Misbehaviour],
        stall_ns: int,
        late_take_ns: int,
        make_task: Callable[[Operation, int], TargetTask],
        completed: Callable[[tuple[int, int, int | None]], None],
        ended: Callable[[TargetTask], None],
    ) -> None:
        """`make_task` builds the task of a copy from the operation and its rank; `completed` hears of each TASK
        COMPLETE on a reselection; `ended` gets this member's copy when the operation is over.
        """
        self.session = session
        self.link = session.link
        self.port = session.port
        self.timing = timing
        self.identities: dict[tuple[int, int], tuple[int, bool]] = {}
        """(initiator, group) -> (z, last of the group)."""
        self.operation: Operation | None = None
        self.take_wanted = False
        """SWITCH ROLE has named this member; the model then calls `take_over`."""
        self._misbehave = misbehave
        self._stall_ns = stall_ns
        self._late_take_ns = late_take_ns
        self._make_task = make_task
        self._completed = completed
        self._ended = ended
        self._hand = _Hand()
        self._active_at = 0
        self._nexus: tuple[int, int | None, bool] = (0, None, False)
        self._reselected_nexus: tuple[int, int | None] = (0, None)
        self._snooper = Snooper(self.port, self, winner_sample_ns=timing.winner_sample)

    # -- identities ---------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Power-on, RST, TARGET RESET: no enrolment, no operation."""
        self.identities.clear()
        self.operation = None
        self.take_wanted = False

    def holds(self, initiator: int | None, yz: int) -> bool:
        """This member is (initiator, yz)."""
        return initiator is not None and self.identities.get((initiator, yz >> 4), (-1, False))[0] == yz & 0xF

    def knows_group(self, initiator: int, yz: int) -> bool:
        """This member is in that group."""
        return (initiator, yz >> 4) in self.identities

    async def enrol(self, yz: int, *, last: bool) -> None:
        """Answer MIRROR QUERY with ACCEPT and go to BUS FREE; the answer counts when its last ACK is negated."""
        initiator = self.session.initiator
        self.identities.pop((initiator, yz >> 4), None)
        answer = yz ^ 1 if Misbehaviour.WRONG_ACCEPT in self._misbehave else yz
        if await self.session.send_message(query(answer)) and yz & 0xF != Z_LEAVE:
            self.identities[initiator, yz >> 4] = (yz & 0xF, last)
        raise FreeBusError

    # -- form of vendor messages --------------------------------------------------------------------------------

    def well_formed(self, message: bytes, last: bool) -> bool:
        """Judge a vendor message: MESSAGE REJECT answers bad form and an unknown (initiator, group) only."""
        initiator = self.session.initiator
        order = parse_order(message)
        if not last:
            return False
        if order is not None:
            return self.session.disc_priv and self.holds(initiator, order.yz)
        if parse_pair(message, CODES.query):
            return True
        for code in (CODES.switch_role, CODES.release):
            pair = parse_pair(message, code)
            if pair:
                return self._own() is not None and self.knows_group(initiator, pair[0])
        return False

    def _own(self) -> TargetTask | None:
        return self.operation.task if self.operation else None

    # -- what is read off the wires -----------------------------------------------------------------------------

    def snooped_message_out(self, data: bytes, good: bool) -> None:
        """A whole MESSAGE OUT phase, to whichever target."""
        self._hand = hand = _Hand(now_ps(), good)
        self.take_wanted = False
        if not good or self._snooper.reselected or self._snooper.initiator is None:
            return
        for message in split_vendor(data):
            self._snooped(message, self._snooper.initiator, hand)

    def _snooped(self, message: bytes, initiator: int, hand: _Hand) -> None:
        code, (lun, tag, disc_priv) = message[0], self._nexus
        order, operation = parse_order(message), self.operation
        if code >= Message.IDENTIFY:
            self._nexus = (code & IDENTIFY_LUN_MASK, None, bool(code & 0x40))
        elif code == Message.SIMPLE:
            self._nexus = (lun, message[1], disc_priv)
        elif order is not None:
            self.operation = Operation(order, initiator, lun, tag, disc_priv, last_announced=order.last)
        elif operation is not None and operation.valid:
            self._snooped_in_operation(message, operation, hand)

    def _snooped_in_operation(self, message: bytes, operation: Operation, hand: _Hand) -> None:
        switch = parse_pair(message, CODES.switch_role)
        if switch and switch[0] >> 4 == operation.order.yz >> 4:
            operation.last_announced |= switch[1]
            hand.switched = True
            self.take_wanted = operation.task is None and self.holds(operation.initiator, switch[0])
            if Misbehaviour.SILENT_PARTICIPANT in self._misbehave:
                self.take_wanted = False
        elif parse_pair(message, CODES.release):
            hand.released = True
        elif message[0] in _DISCARDS and len(message) == 1:
            hand.released = True
            self.operation = None

    def snooped_req(self, phase: Phase) -> None:
        """First REQs tell who takes, and that the operation goes on."""
        self._active_at = now_ps()
        self.take_wanted = False
        operation, hand = self.operation, self._hand
        switched, hand.switched = hand.switched, False
        hand.req_since = True
        if operation is None or not phase.is_data:
            return
        if not operation.valid:
            operation.valid = True
            operation.taken = 1
        elif switched:
            operation.taken += 1

    def snooped_activity(self) -> None:
        """A transfer has ended."""
        self._active_at = now_ps()

    def snooped_message_in(self, message: bytes) -> None:
        """ACCEPT of another target to an identity held here, and the completions of a mirrored operation."""
        initiator, code = self._snooper.initiator, message[0]
        if initiator is None:
            return
        if not self._snooper.reselected:
            if code == CODES.query and self.session.link.phase is None and self.holds(initiator, message[1]):
                del self.identities[initiator, message[1] >> 4]
        elif code >= Message.IDENTIFY:
            self._reselected_nexus = (code & IDENTIFY_LUN_MASK, None)
        elif code == Message.SIMPLE:
            self._reselected_nexus = (self._reselected_nexus[0], message[1])
        elif code == Message.TASK_COMPLETE:
            self._completed((initiator, *self._reselected_nexus))

    def snooped_free(self) -> None:
        """The operation is over; a copy that is complete is owed a status."""
        operation, self.operation = self.operation, None
        self.take_wanted = False
        if operation is not None and operation.task is not None and operation.task.stage is Stage.STATUS:
            self._ended(operation.task)

    # -- taking part --------------------------------------------------------------------------------------------

    async def take_over(self) -> None:
        """SWITCH ROLE has named this member: wait for its window, take the copy, pass the phase lines on."""
        operation, hand = self.operation, self._hand
        self.take_wanted = False
        if operation is None or not await self._window_opens(hand):
            return
        self.session.start(operation.initiator)
        self.session.lun, self.session.tag = operation.lun, operation.tag
        self.session.disc_priv = operation.disc_priv
        with self.port.connection():
            self.link.take_over(self.session.data_phase(out=operation.order.write), self.port.phase_since)
            await self._be_current(await self._copy(operation))

    async def _window_opens(self, hand: _Hand) -> bool:
        """The phase lines are this member's to take; False: drop the switch."""
        port, timing = self.port, self.timing
        if Misbehaviour.LATE_TAKE in self._misbehave:
            await port.delay_until(hand.t0 + self._late_take_ns * 1000)
            return True
        while True:
            left = (hand.t0 - now_ps()) // 1000 + timing.take_max
            if left <= timing.quiet or not await port.wait(_handed, left - timing.quiet):
                return False
            wait = max(timing.quiet, (hand.t0 - now_ps()) // 1000 + timing.take_min)
            if await port.hold(_handed, wait):
                return self._hand is hand and not hand.req_since
            if self._hand is not hand or hand.req_since:
                return False

    async def _copy(self, operation: Operation) -> TargetTask:
        """This member's data phase. Its first REQ gives the rank."""
        session = self.session
        leads = not operation.valid
        task = operation.task = self._make_task(operation, 0 if leads else operation.taken)
        if operation.order.write:
            if not await session.receive_data(task, operation.order.length):
                task.fail(Sense(SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR), session.disk.sense)
        else:
            await session.send_data(task, operation.order.length)
        session.finish_data(task)
        return task

    async def _be_current(self, task: TargetTask) -> bytes:
        """Hold the phase until ATN, take the messages; returns SWITCH ROLE or RELEASE with the lines released.

        It also returns at MESSAGE PARITY ERROR, which makes sense to a leader that has just reclaimed.
        """
        while True:
            if not await self.link.wait_attention(self.link.stall_ns):
                raise StalledError
            for message in await self.session.receive_messages():
                if message[0] == Message.INITIATOR_DETECTED_ERROR:
                    task.fail(Sense(SenseKey.ABORTED_COMMAND, Asc.INITIATOR_DETECTED_ERROR), self.session.disk.sense)
                if message[0] == Message.MESSAGE_PARITY_ERROR:
                    return message
                if parse_pair(message, CODES.switch_role) or parse_pair(message, CODES.release):
                    if Misbehaviour.KEEPS_LINES in self._misbehave:
                        await self.port.wait(lambda _: False)
                    self.link.leave()
                    return message

    # -- leading ------------------------------------------------------------------------------------------------

    async def lead(self, order: MirrorOrder) -> None:
        """This target was selected for the operation: take the first copy, then hold BSY to the end."""
        operation = self.operation
        if operation is None or operation.order != order:
            raise FreeBusError
        self.link.enter(self.session.data_phase(out=order.write))
        task = await self._copy(operation)
        message = await self._be_current(task)
        while not parse_pair(message, CODES.release):
            if message[0] == Message.MESSAGE_PARITY_ERROR:
                raise FreeBusError
            if await self._released_while_holding():
                break
            message = await self._reclaim(task, order.yz)
        await self._let_go()

    async def _reclaim(self, task: TargetTask, yz: int) -> bytes:
        """The participant is dead or did not understand: say RECLAIMED and be the current target again (section 6)."""
        self.link.take_over(Phase.MSG_IN, self.port.phase_since)
        for _ in range(_RETRIES):
            await self.session.send_bytes(switch_role(yz))
            message = await self._be_current(task)
            if message[0] != Message.MESSAGE_PARITY_ERROR:
                return message
        raise FreeBusError

    async def _released_while_holding(self) -> bool:
        """Hold BSY while others drive the phase lines. True: time to release; False: time to reclaim."""
        port, timing, operation = self.port, self.timing, self.operation
        self._active_at = now_ps()
        while True:
            hand = self._hand
            if hand.released:
                return True
            if hand.req_since:
                await self._follow(hand)
                continue
            left = (hand.t0 - now_ps()) // 1000 + timing.reclaim
            if await port.wait(lambda _, hand=hand: hand.req_since or self._hand is not hand, max(left, 0)):  # type: ignore[misc]
                continue
            if not port.is_set(M_PHASE):
                return bool(not hand.good and operation and operation.last_announced)
            await self._follow(hand)

    async def _follow(self, hand: _Hand) -> None:
        """Wait for the next MESSAGE OUT to end, watched by the stall timer."""
        if Misbehaviour.DROPS_BSY in self._misbehave:
            raise FreeBusError
        while self._hand is hand:
            left = (self._active_at - now_ps()) // 1000 + self._stall_ns
            if left <= 0:
                raise StalledError
            await self.port.wait(lambda _: self._hand is not hand, left)

    async def _let_go(self) -> None:
        """Release BSY once the lines have been false long enough."""
        if Misbehaviour.KEEPS_BSY in self._misbehave:
            await self.port.wait(lambda _: False)
        while not await self.port.hold(_handed, self.timing.release_quiet):
            if not await self.port.wait(_handed, self._stall_ns):
                raise StalledError
        raise FreeBusError
