"""What a member of a mirror group makes of what it snoops: enrolments, operation, its turn (protocol 4 to 7, 10)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ..constants import IDENTIFY_LUN_MASK, Message, Phase
from .mirror_messages import (
    CODES,
    NO_EXTENSIONS,
    Extensions,
    parse_next,
    parse_order,
    parse_pair,
    split_vendor,
)
from .mirror_operation import CopyHost, Hand, Operation
from .misbehaviour import Misbehaviour
from .port import now_ps
from .snooper import Snooper
from .target_session import TargetSession
from .target_task import Stage

_DISCARDS: Final = (
    Message.ABORT_TASK,
    Message.ABORT_TASK_SET,
    Message.CLEAR_TASK_SET,
    Message.LOGICAL_UNIT_RESET,
    Message.TARGET_RESET,
)


class MirrorListener:
    """Enrolments and the operation of one member, kept up to date from the wires; it drives none."""

    def __init__(
        self,
        session: TargetSession,
        host: CopyHost,
        *,
        misbehave: Collection[Misbehaviour],
        winner_sample_ns: int,
        buffer_ns: int,
    ) -> None:
        """`buffer_ns`: how long after a copy this member has no room for another block, and does not take."""
        self.session = session
        self.host = host
        self.identities: dict[tuple[int, int], tuple[int, bool]] = {}
        """(initiator, group) -> (z, last of the group)."""
        self.agreed: dict[tuple[int, int], Extensions] = {}
        """(initiator, group) -> what MIRROR CAPABILITY has agreed on."""
        self.operation: Operation | None = None
        self.take_wanted = False
        """The last messages have named this member for data or status, and nobody has asked since."""
        self.hand = Hand()
        self.active_ps = 0
        """When REQ or ACK last changed."""
        self.copied_ps: int | None = None
        """When the last copy of this operation was complete."""
        self.misbehave = misbehave
        self._buffer_ps = buffer_ns * 1000
        self._disconnect_heard = False
        self._nexus: tuple[int, int | None, bool] = (0, None, False)
        self._reselected_nexus: tuple[int, int | None] = (0, None)
        self._snooper = Snooper(session.port, self, winner_sample_ns=winner_sample_ns)

    # -- identities ---------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Power-on, RST, TARGET RESET: no enrolment, no operation."""
        self.identities.clear()
        self.agreed.clear()
        self.operation = None
        self.take_wanted = False

    def leave(self, initiator: int, yz: int) -> None:
        """Out of this group, and what was agreed for it."""
        self.identities.pop((initiator, yz >> 4), None)
        self.agreed.pop((initiator, yz >> 4), None)

    def holds(self, initiator: int | None, yz: int) -> bool:
        """This member is (initiator, yz)."""
        return initiator is not None and self.identities.get((initiator, yz >> 4), (-1, False))[0] == yz & 0xF

    def knows_group(self, initiator: int, yz: int) -> bool:
        """This member is in that group."""
        return (initiator, yz >> 4) in self.identities

    # -- MESSAGE OUT --------------------------------------------------------------------------------------------

    def snooped_message_out(self, data: bytes, good: bool) -> None:
        """A whole MESSAGE OUT phase, to whichever target."""
        self.hand = hand = Hand(now_ps(), good)
        self.take_wanted = False
        if not good or self._snooper.reselected or self._snooper.initiator is None:
            return
        for message in split_vendor(data):
            self._snooped(message, self._snooper.initiator, hand)

    def _snooped(self, message: bytes, initiator: int, hand: Hand) -> None:
        code, (lun, tag, disc_priv) = message[0], self._nexus
        order, operation = parse_order(message), self.operation
        if code >= Message.IDENTIFY:
            self._nexus = (code & IDENTIFY_LUN_MASK, None, bool(code & 0x40))
        elif code == Message.SIMPLE:
            self._nexus = (lun, message[1], disc_priv)
        elif order is not None:
            agreed = self.agreed.get((initiator, order.yz >> 4), NO_EXTENSIONS)
            self.operation = Operation(order, initiator, lun, tag, disc_priv, agreed, now_ps(), lba=order.lba)
            self.operation.last_announced = order.last
            self.copied_ps = None
        elif operation is not None and operation.valid:
            self._snooped_in_operation(message, operation, hand)

    def _snooped_in_operation(self, message: bytes, operation: Operation, hand: Hand) -> None:
        switch, following = parse_pair(message, CODES.switch_role), parse_next(message)
        report = parse_pair(message, CODES.report)
        released = parse_pair(message, CODES.release)
        if (report or released) and self._disconnect_heard:
            operation.disconnects += 1
        self._disconnect_heard = False
        if switch and switch[0] >> 4 == operation.order.yz >> 4:
            operation.last_announced |= switch[1]
            hand.switched = True
            self.take_wanted = not operation.served and self.holds(operation.initiator, switch[0]) and self._has_room()
        elif following and following[0] == operation.order.yz:
            hand.switched = True
            operation.next_lba, operation.next_heard_ps = following[1], hand.t0
            self.take_wanted = self.holds(operation.initiator, following[0]) and self._has_room()
        elif report and report[0] >> 4 == operation.order.yz >> 4:
            hand.before = operation.reporting, operation.last_announced
            operation.reporting, operation.last_announced = True, report[1]
            self.take_wanted = self._may_report(operation) and self.holds(operation.initiator, report[0])
        elif released:
            hand.released = True
        elif message[0] in _DISCARDS and len(message) == 1:
            hand.released = True
            self.operation = None

    def _has_room(self) -> bool:
        """This member takes a copy when it is named."""
        full = self.copied_ps is not None and now_ps() < self.copied_ps + self._buffer_ps
        return not full and Misbehaviour.SILENT_PARTICIPANT not in self.misbehave

    def _may_report(self, operation: Operation) -> bool:
        has_copy = operation.task is not None and operation.task.stage is Stage.STATUS
        willing = Misbehaviour.SILENT_REPORTER not in self.misbehave
        return has_copy and operation.extensions.status and not operation.reported and willing

    # -- the other phases ---------------------------------------------------------------------------------------

    def snooped_req(self, phase: Phase) -> None:
        """First REQs tell who takes, and that the operation goes on."""
        self.active_ps = now_ps()
        self.take_wanted = False
        operation, hand = self.operation, self.hand
        first, hand.req_since = not hand.req_since, True
        switched, hand.switched = hand.switched, False
        if operation is None or not first:
            return
        if not phase.is_data:
            operation.next_lba = None
            return
        if not operation.valid:
            operation.valid = True
            operation.taken = 1
        elif switched:
            operation.taken += 1
        operation.begin_block()

    def snooped_activity(self) -> None:
        """A transfer has ended."""
        self.active_ps = now_ps()

    def snooped_message_in(self, message: bytes, attention: bool) -> None:
        """ACCEPT of another target to an identity held here, and the completions of a mirrored operation."""
        initiator, code = self._snooper.initiator, message[0]
        if initiator is None:
            return
        if self.operation is not None and not self._snooper.reselected:
            self._answer_in_operation(self.operation, code)
        if attention:
            return
        if not self._snooper.reselected:
            if code == CODES.query and self.session.link.phase is None and self.holds(initiator, message[1]):
                self.leave(initiator, message[1])
        elif code >= Message.IDENTIFY:
            self._reselected_nexus = (code & IDENTIFY_LUN_MASK, None)
        elif code == Message.SIMPLE:
            self._reselected_nexus = (self._reselected_nexus[0], message[1])
        elif code == Message.TASK_COMPLETE:
            self.host.copy_completed((initiator, *self._reselected_nexus))

    def _answer_in_operation(self, operation: Operation, code: int) -> None:
        """A rejected REPORT has not been; a DISCONNECT counts when what the initiator says next accepts it."""
        if code == Message.MESSAGE_REJECT and self.hand.before is not None:
            operation.reporting, operation.last_announced = self.hand.before
        self._disconnect_heard = code == Message.DISCONNECT and operation.reporting

    def snooped_free(self) -> None:
        """The operation is over; a copy that is complete is owed a status, unless it was delivered or cut off."""
        operation, self.operation = self.operation, None
        self.take_wanted = False
        if operation is None or operation.task is None or operation.task.stage is not Stage.STATUS:
            return
        again = Misbehaviour.REPORTS_TWICE in self.misbehave
        if not operation.cut_off and (again or not operation.delivered):
            self.host.copy_ended(operation.task)
