"""What each bus transaction means to silent mirroring.

Source: docs/protocol.md, discovery (section 4), mirrored write (5), hand-over (6), status (7), read (9), extensions
(14 to 16).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cocotbext.scsi.constants import Message, Phase
from cocotbext.scsi.messages import split_messages
from cocotbext.scsi.transaction import Kind, Transaction

from .mirror_messages import (
    Z_LEAVE,
    MirrorExtended,
    MirrorMessage,
    VendorMessage,
    parse_message_out,
    parse_vendor,
)


class Note(StrEnum):
    """What a transaction means."""

    QUERY = "query"
    LEAVE = "leave"
    ACCEPT = "accept"
    DECLINED = "declined"
    """The outcome of a query that is no acceptance."""
    MIRROR_WRITE = "mirror_write"
    MIRROR_READ = "mirror_read"
    LEADER_DATA = "leader_data"
    """The leader's copy of the block."""
    SWITCH_ROLE = "switch_role"
    HAND_OVER = "hand_over"
    """A participant's copy: it has taken the phase lines."""
    CAPABILITY = "capability"
    AGREED = "agreed"
    """The answer to MIRROR CAPABILITY."""
    REPORT = "report"
    NEXT_BLOCK = "next_block"
    REPORTED = "reported"
    """STATUS in the connection."""
    POSTPONED = "postponed"
    """DISCONNECT in answer to REPORT: the status comes by reselection."""
    FAILED_BLOCK = "failed_block"
    """MESSAGE IN with FAILED BLOCK, in the connection or, with TASK COMPLETE after it, in a reselection."""
    REJECTED = "rejected"
    """MESSAGE REJECT of a vendor message other than a query."""
    RECLAIMED = "reclaimed"
    RELEASE = "release"
    ABANDONED = "abandoned"
    """BUS FREE, or a QAS arbitration, inside an operation, without RELEASE."""
    CUT_OFF = "cut_off"
    """The same after a series without REPORT, with RELEASE or without: no status is owed."""
    MIRROR_STATUS = "mirror_status"
    MIRROR_COMPLETE = "mirror_complete"
    """TASK COMPLETE of a member's copy."""
    DAMAGED = "damaged"
    """A message phase with wrong parity: what it says is not taken for true."""


_MOVES: Final = {
    MirrorMessage.SWITCH_ROLE: Note.SWITCH_ROLE,
    MirrorMessage.REPORT: Note.REPORT,
    MirrorMessage.RELEASE: Note.RELEASE,
    MirrorExtended.NEXT: Note.NEXT_BLOCK,
}
"""Messages that pass the phase lines on."""


@dataclass
class _Operation:
    """A mirrored write or read, from its message to BUS FREE."""

    nexus: tuple[int | None, int | None, int | None]
    """Initiator, LUN, tag."""
    leader: int
    """The leader's yz."""
    switching: int | None = None
    """The yz that SWITCH ROLE, NEXT or REPORT named and that has not yet taken."""
    released: bool = False
    blocks: int = 1
    reporting: bool = False
    """A REPORT was sent."""
    reported: int | None = None
    """SCSI ID of the participant whose status is not known to be delivered."""

    @property
    def cut_off(self) -> bool:
        """A series without REPORT."""
        return self.blocks > 1 and not self.reporting


class MirrorAnnotator:
    """Sets `note` of bus transactions, fed to it in order.

    Enrolments are keyed by initiator and yz, operations and owed statuses by initiator, LUN and tag. It works from
    what is on the wire alone; a target that enrolled before it listened is still named by `by`.
    """

    def __init__(self) -> None:
        self.enrolled: dict[tuple[int | None, int], int | None] = {}
        """SCSI ID of each member by (initiator's SCSI ID, yz)."""
        self.owed: set[tuple[tuple[int | None, int | None, int | None], int | None]] = set()
        """Statuses to come: (initiator, LUN, tag) and the member's SCSI ID."""
        self._query: VendorMessage | None = None
        self._operation: _Operation | None = None
        self._vendor: VendorMessage | None = None
        self._nexus: tuple[int | None, int | None, int | None] = (None, None, None)

    def __call__(self, transaction: Transaction) -> None:
        """Set the note of the next transaction."""
        transaction.note = self._note(transaction)

    def _note(self, done: Transaction) -> Note | None:
        if done.kind is Kind.PHASE:
            if done.phase is Phase.MSG_OUT:
                return self._message_out(done)
            if done.phase is Phase.MSG_IN:
                return self._message_in(done)
            return self._other_phase(done)
        if done.kind is Kind.BUS_FREE or done.qas:
            return self._connection_over()
        if done.kind is Kind.RESET:
            self._end_connection()
            self.enrolled.clear()
            self.owed.clear()
        return None

    def _message_out(self, done: Transaction) -> Note | None:
        if done.parity_ok is False:
            return Note.DAMAGED
        parsed = parse_message_out(done.data)
        if parsed.lun is not None:
            self._nexus = (done.initiator, parsed.lun, parsed.tag)
        if bytes((Message.TARGET_RESET,)) in parsed.other:
            self._target_reset(done.by)
        vendor = self._vendor = parsed.vendor
        if vendor is None:
            return self._answered(Note.DECLINED)
        if vendor.code is MirrorExtended.CAPABILITY:
            self._query = vendor
            return Note.CAPABILITY
        if vendor.code is MirrorMessage.QUERY:
            self._query = vendor
            return Note.LEAVE if vendor.group_id & 0xF == Z_LEAVE else Note.QUERY
        if vendor.code in (MirrorExtended.WRITE, MirrorExtended.READ):
            self._operation = _Operation(self._nexus, vendor.group_id)
            return Note.MIRROR_WRITE if vendor.code is MirrorExtended.WRITE else Note.MIRROR_READ
        if self._operation is not None:
            self._moves_on(self._operation, vendor)
        return _MOVES.get(vendor.code)

    def _moves_on(self, operation: _Operation, vendor: VendorMessage) -> None:
        """A message that passes the phase lines on: what was reported before it is delivered."""
        if vendor.code in (MirrorMessage.REPORT, MirrorMessage.RELEASE):
            self.owed.discard((operation.nexus, operation.reported))
        operation.reported = None
        operation.reporting |= vendor.code is MirrorMessage.REPORT
        operation.released = vendor.code is MirrorMessage.RELEASE
        operation.switching = None if operation.released else vendor.group_id

    def _message_in(self, done: Transaction) -> Note | None:
        if done.parity_ok is False:
            return Note.DAMAGED
        vendor = parse_vendor(done.data, [])
        if self._query is not None:
            return self._answer_to_query(done, vendor)
        operation = self._operation
        if operation is not None:
            if vendor == VendorMessage(MirrorMessage.SWITCH_ROLE, operation.leader, False):
                operation.switching = None
                return Note.RECLAIMED
            if self._vendor is not None and done.data[:1] == bytes((Message.MESSAGE_REJECT,)):
                return self._rejected(operation, self._vendor)
            return self._about_status(operation, done, vendor)
        if done.data[:1] and done.data[0] >= Message.IDENTIFY:
            parsed = parse_message_out(done.data)
            self._nexus = (done.initiator, parsed.lun, parsed.tag)
        elif (self._nexus, done.by) in self.owed:
            return self._completed(done)
        return None

    def _completed(self, done: Transaction) -> Note | None:
        """TASK COMPLETE of a copy, perhaps after FAILED BLOCK."""
        messages = split_messages(done.data)
        failed = bool(messages) and parse_vendor(messages[0], []) is not None
        if messages[failed : failed + 1] != [bytes((Message.TASK_COMPLETE,))]:
            return Note.FAILED_BLOCK if failed else None
        self.owed.remove((self._nexus, done.by))
        return Note.FAILED_BLOCK if failed else Note.MIRROR_COMPLETE

    def _about_status(self, operation: _Operation, done: Transaction, vendor: VendorMessage | None) -> Note | None:
        """A participant that REPORT has named: it has no status yet, or says which block failed."""
        if done.data == bytes((Message.DISCONNECT,)) and operation.reporting:
            operation.switching = None
            return Note.POSTPONED
        return Note.FAILED_BLOCK if vendor is not None and vendor.code is MirrorExtended.FAILED else None

    def _answer_to_query(self, done: Transaction, vendor: VendorMessage | None) -> Note | None:
        query = self._query
        assert query is not None
        if query.code is MirrorExtended.CAPABILITY:
            agreed = vendor is not None and (vendor.code, vendor.group_id) == (query.code, query.group_id)
            return self._answered(Note.AGREED if agreed and not done.atn else Note.DECLINED)
        if vendor != VendorMessage(MirrorMessage.QUERY, query.group_id, False):
            return self._answered(Note.DECLINED)
        if done.atn:
            return None
        self._query = None
        key = (done.initiator, query.group_id)
        group = query.group_id >> 4
        for who, yz in list(self.enrolled):
            if (who, yz >> 4, self.enrolled[who, yz]) == (done.initiator, group, done.by):
                del self.enrolled[who, yz]
        if query.group_id & 0xF != Z_LEAVE:
            self.enrolled[key] = done.by
        return Note.ACCEPT

    def _rejected(self, operation: _Operation, vendor: VendorMessage) -> Note:
        """The current target stays what it is: an operation rejected never began, a switch or release never came."""
        operation.switching = None
        if vendor.code is MirrorMessage.RELEASE:
            operation.released = False
        elif vendor.code in (MirrorExtended.WRITE, MirrorExtended.READ):
            self._operation = None
        self._vendor = None
        return Note.REJECTED

    def _other_phase(self, done: Transaction) -> Note | None:
        asked, self._vendor = self._vendor, None
        if self._query is not None:
            return self._answered(Note.DECLINED)
        operation = self._operation
        if operation is not None and done.phase is Phase.STATUS and operation.reporting:
            operation.reported = self._taken_by(operation, done)
            return Note.REPORTED
        if operation is not None:
            return self._copy(operation, done, asked)
        if done.phase is Phase.STATUS and (self._nexus, done.by) in self.owed:
            return Note.MIRROR_STATUS
        return None

    def _copy(self, operation: _Operation, done: Transaction, asked: VendorMessage | None) -> Note | None:
        if done.phase is None or not done.phase.is_data:
            return None
        switched = operation.switching is not None
        operation.blocks += asked is not None and asked.code is MirrorExtended.NEXT
        self.owed.add((operation.nexus, self._taken_by(operation, done)))
        return Note.HAND_OVER if switched else Note.LEADER_DATA

    def _taken_by(self, operation: _Operation, done: Transaction) -> int | None:
        """SCSI ID of the participant that takes."""
        switching, operation.switching = operation.switching, None
        if switching is not None and done.by == done.target:
            # Without a view of the drivers the monitor names the leader; the enrolment knows better.
            return self.enrolled.get((done.initiator, switching), done.by)
        return done.by

    def _connection_over(self) -> Note | None:
        """BUS FREE, or a QAS arbitration instead of it."""
        note = self._answered(Note.DECLINED)
        operation = self._operation
        if operation is not None and operation.cut_off:
            note = Note.CUT_OFF
            self.owed = {(nexus, member) for nexus, member in self.owed if nexus != operation.nexus}
        elif operation is not None and not operation.released:
            note = Note.ABANDONED
        self._end_connection()
        return note

    def _answered(self, note: Note) -> Note | None:
        """A query is answered by this; nothing is said where none was open."""
        if self._query is None:
            return None
        self._query = None
        return note

    def _end_connection(self) -> None:
        self._query = self._operation = self._vendor = None
        self._nexus = (None, None, None)

    def _target_reset(self, target: int | None) -> None:
        self.enrolled = {key: member for key, member in self.enrolled.items() if member != target}
        self.owed = {(nexus, member) for nexus, member in self.owed if member != target}


def annotate(transactions: Iterable[Transaction]) -> None:
    """Set the notes of a whole transcript."""
    annotator = MirrorAnnotator()
    for transaction in transactions:
        annotator(transaction)
