"""Rules of silent mirroring about status: REPORT and its answer, FAILED BLOCK, reselection (protocol 7, 15, 16)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cocotbext.scsi.checker import ReadMessage
from cocotbext.scsi.checker.connection import Transfer
from cocotbext.scsi.checker.rule import Rule
from cocotbext.scsi.checker.tracker import BusTracker
from cocotbext.scsi.constants import Message, Phase, Status

from .mirror_enrolment import EnrolmentRules
from .mirror_messages import EXTENDED_LENGTHS, LAST, MirrorExtended, MirrorMessage
from .mirror_state import Answer, Nexus, Operation, State, shown

_COMPLAINTS: Final = (Message.INITIATOR_DETECTED_ERROR, Message.MESSAGE_PARITY_ERROR)


@dataclass
class Owed:
    """What one member still has to say about an operation that is over."""

    yz: int
    blocks: int
    due: bool
    """False: the status was delivered, or a series was cut off."""


class StatusRules:
    """What MirrorRules delegates about statuses."""

    def __init__(self, bus: BusTracker, rules: Mapping[str, Rule], group: EnrolmentRules) -> None:
        self._bus = bus
        self._rules = rules
        self._group = group
        self._owed: dict[tuple[Nexus, int | None], Owed] = {}
        """By nexus and member."""
        self._late: tuple[Owed, Answer] | None = None
        """The reselection that is under way brings this status."""

    def reset(self) -> None:
        """RST: nothing is owed."""
        self._owed.clear()
        self._late = None

    # -- the initiator's part ---------------------------------------------------------------------------------------

    def named(self, state: State, operation: Operation, code: int, data: bytes, slot: int | None) -> None:
        """SWITCH ROLE, NEXT, REPORT or RELEASE in an operation: may it come now, and for this member?"""
        text = f"message {data.hex(' ').upper()}"
        self._accept_answer(state, operation)
        state.before = operation.reporting, operation.last, operation.last_named
        if code == MirrorMessage.RELEASE:
            if operation.reporting:
                self._rules["MIR-29"].require(operation.last, f"{text} before a REPORT with FFh", slot)
            return
        report = code == MirrorMessage.REPORT
        if report and not operation.reporting:
            operation.reporting, operation.last, operation.last_named = True, False, None
        elif not report:
            self._rules["MIR-28"].require(not operation.reporting, text, slot)
        yz = data[3] if code == Message.EXTENDED else data[1]
        self._rules["MIR-29"].require(not operation.last or yz == operation.last_named, f"{text} after FFh", slot)
        if code != Message.EXTENDED and len(data) > 2 and data[2] == LAST:
            operation.last, operation.last_named = True, yz
        if report:
            self._rules["MIR-35"].require(yz in operation.copied and yz not in operation.answered, text, slot)
            agreed = self._group.agreed(operation.nexus.initiator, {*operation.copied, yz})
            self._rules["MIR-30"].require(all(one.status for one in agreed), text, slot)
        elif code == Message.EXTENDED:
            agreed = self._group.agreed(operation.nexus.initiator, operation.copied)
            self._rules["MIR-30"].require(all(one.series for one in agreed), text, slot)
            most = min((one.blocks for one in agreed if one.series), default=operation.blocks + 1)
            self._rules["MIR-31"].require(operation.blocks < most, f"{text}: block {operation.blocks}", slot)

    def _accept_answer(self, state: State, operation: Operation) -> None:
        """The message after an answer accepts it."""
        answer, state.accepted_now = operation.answer, None
        if answer is None or not answer.asked or not (answer.complete or answer.status is not None):
            return
        state.accepted_now = answer.yz
        operation.answered.add(answer.yz)
        if answer.status is None:
            return
        operation.delivered.add(answer.yz)
        if operation.series and answer.status != Status.GOOD and not answer.atn_with_status:
            self._rules["MIR-34"].require(answer.failed_said, f"status {answer.status:02X}h without FAILED BLOCK")

    def undo(self, state: State, operation: Operation) -> None:
        """The message was not understood, or rejected: nothing of it counts."""
        operation.reporting, operation.last, operation.last_named = state.before
        self.not_accepted(state, operation)

    @staticmethod
    def not_accepted(state: State, operation: Operation) -> None:
        """The participant that has answered may not know that its answer was accepted."""
        if state.accepted_now is not None:
            operation.answered.discard(state.accepted_now)
            operation.delivered.discard(state.accepted_now)
        state.accepted_now = None

    def complained(self, operation: Operation, code: int) -> None:
        """INITIATOR DETECTED ERROR or MESSAGE PARITY ERROR: the same comes again."""
        answer = operation.answer
        if answer is not None and code in _COMPLAINTS:
            answer.complete = answer.waiting = answer.failed_said = False
            if code == Message.INITIATOR_DETECTED_ERROR:
                answer.status = None

    # -- the answer -------------------------------------------------------------------------------------------------

    def phase(self, operation: Operation) -> None:
        """First REQ of a phase by a participant that REPORT has named."""
        conn, answer = self._bus.conn, operation.answer
        assert conn is not None
        if answer is None:
            return
        if not answer.asked:
            answer.asked = True
            self._rules["MIR-24"].require(conn.phase in (Phase.STATUS, Phase.MSG_IN), slot=conn.owner_slot)

    def request(self, operation: Operation) -> None:
        """REQ after a complete answer: that is allowed once ATN has come, and then ATN's own rules hold."""
        conn, answer = self._bus.conn, operation.answer
        if answer is not None and answer.complete and not answer.held:
            answer.held = True
            waiting, answer.waiting = answer.waiting, False
            self._rules["MIR-26"].require(not waiting, slot=conn.owner_slot if conn else None)

    def attention(self, operation: Operation) -> None:
        """ATN is asserted: too late if the participant has waited for it."""
        conn, answer = self._bus.conn, operation.answer
        if answer is not None and answer.waiting:
            answer.waiting = False
            self._rules["MIR-27"].require(False, slot=conn.initiator_slot if conn else None)

    def status(self, state: State, transfer: Transfer) -> None:
        """A status byte, in the connection or in a reselection."""
        conn, operation = self._bus.conn, state.operation
        assert conn is not None
        if not transfer.low_ok:
            return
        if operation is not None and operation.answer is not None:
            answer = operation.answer
            answer.status, answer.atn_with_status = transfer.byte, transfer.atn
            if transfer.byte == Status.GOOD or not operation.series:
                self._complete(answer, transfer.atn)
            return
        if not conn.reselection:
            return
        owed = self._owed.get((Nexus(conn.initiator_id, state.lun, state.tag), self._group.selected()))
        if owed is not None:
            self._rules["MIR-33"].require(owed.due, slot=conn.owner_slot)
            self._late = owed, Answer(owed.yz, status=transfer.byte)

    def _complete(self, answer: Answer, atn: bool) -> None:
        """The last byte of an answer."""
        answer.complete = True
        answer.waiting = not atn
        answer.held = False
        if atn:
            self._rules["MIR-27"].require(True)

    def message_in(self, state: State, message: ReadMessage) -> None:
        """DISCONNECT and FAILED BLOCK, and TASK COMPLETE after a reselection."""
        operation = state.operation
        if operation is not None:
            if operation.answer is not None and not operation.answer.complete:
                self._in_connection(operation, operation.answer, message)
            return
        if self._late is None:
            return
        owed, answer = self._late
        if message.extended_code == MirrorExtended.FAILED:
            answer.failed_said = True
            self._failed(message, owed.yz, owed.blocks, answer)
        elif message.code == Message.TASK_COMPLETE:
            if owed.blocks > 1 and answer.status != Status.GOOD:
                self._rules["MIR-34"].require(answer.failed_said, f"status {answer.status:02X}h without FAILED BLOCK")
            self._late = None
            self._owed = {key: other for key, other in self._owed.items() if other is not owed}

    def _in_connection(self, operation: Operation, answer: Answer, message: ReadMessage) -> None:
        conn = self._bus.conn
        assert conn is not None
        if message.extended_code == MirrorExtended.FAILED and answer.status is not None:
            answer.failed_said = True
            self._failed(message, answer.yz, operation.blocks, answer)
            self._complete(answer, message.atn)
        elif answer.status is None and message.code != Message.MESSAGE_REJECT:
            right = message.code == Message.DISCONNECT and not message.in_phase
            self._rules["MIR-24"].require(right, shown(message), conn.owner_slot)
            self._complete(answer, message.atn)

    def _failed(self, message: ReadMessage, yz: int, blocks: int, answer: Answer) -> None:
        """FAILED BLOCK: in a series, after a status other than GOOD, of this member, a block that there was."""
        conn, data = self._bus.conn, message.data
        whole = data[1] in EXTENDED_LENGTHS[MirrorExtended.FAILED]
        right = whole and data[3] == yz and data[4] < blocks and blocks > 1 and answer.status != Status.GOOD
        self._rules["MIR-34"].require(right, shown(message), conn.owner_slot if conn else None)

    # -- what is left -----------------------------------------------------------------------------------------------

    def commanded(self, state: State) -> None:
        """An ordinary command: its nexus no longer stands for an operation of before."""
        conn = self._bus.conn
        assert conn is not None
        self._owed.pop((Nexus(conn.initiator_id, state.lun, state.tag), self._group.selected()), None)

    def begun(self, operation: Operation) -> None:
        """A mirrored operation: the same for all members."""
        self._owed = {key: owed for key, owed in self._owed.items() if key[0] != operation.nexus}

    def over(self, operation: Operation) -> None:
        """The connection of an operation has ended."""
        self._late = None
        cut_off = operation.series and not operation.reporting
        for yz in operation.copied:
            member = self._group.members.get((operation.nexus.initiator, yz))
            due = not cut_off and not operation.discarded and yz not in operation.delivered
            self._owed[operation.nexus, member] = Owed(yz, operation.blocks, due)
