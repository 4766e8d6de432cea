"""Silent mirroring on the wire: codes of the vendor messages, and what each bus transaction means to it.

Source: docs/protocol.md, vendor messages (section 3), discovery (4), mirrored write (5), hand-over (6), status (7).
The codes are typed from there; a test compares them with hdl/include/scsi_defs.vh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from cocotbext.scsi.constants import IDENTIFY_LUN_MASK, Message, Phase
from cocotbext.scsi.messages import split_messages
from cocotbext.scsi.transaction import Kind, Transaction


class MirrorMessage(IntEnum):
    """First bytes of the two-byte vendor messages."""

    QUERY = 0x26
    SWITCH_ROLE = 0x2C
    RELEASE = 0x2E


class MirrorExtended(IntEnum):
    """Codes of the extended vendor messages."""

    READ = 0x88
    WRITE = 0x8A


EXTENDED_LENGTH: Final = 0x09
"""Length byte of MIRROR WRITE and READ without the last indicator."""
EXTENDED_LENGTH_LAST: Final = 0x0A
"""The same with the last indicator."""
LAST: Final = 0xFF
"""Last indicator: the target that the message names is the last of the operation (of the group, in a query)."""
Z_LEAVE: Final = 0xF
"""ID within the group that means "leave the group" in a query."""


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
    REJECTED = "rejected"
    """MESSAGE REJECT of a vendor message other than a query."""
    RECLAIMED = "reclaimed"
    RELEASE = "release"
    ABANDONED = "abandoned"
    """BUS FREE, or a QAS arbitration, inside an operation, without RELEASE."""
    MIRROR_STATUS = "mirror_status"
    MIRROR_COMPLETE = "mirror_complete"
    """TASK COMPLETE of a member's copy."""
    DAMAGED = "damaged"
    """A message phase with wrong parity: what it says is not taken for true."""


@dataclass(frozen=True)
class VendorMessage:
    """One vendor message, parsed."""

    code: MirrorMessage | MirrorExtended
    group_id: int
    """The byte yz."""
    last: bool
    lba: int | None = None
    length: int | None = None
    """Bytes to transfer (WRITE and READ)."""


@dataclass(frozen=True)
class MessageOut:
    """A MESSAGE OUT phase, parsed: standard messages in front, at most one vendor message at the end."""

    lun: int | None = None
    tag: int | None = None
    vendor: VendorMessage | None = None
    other: tuple[bytes, ...] = ()


_TAGGED: Final = (Message.SIMPLE, Message.HEAD_OF_QUEUE, Message.ORDERED, Message.ACA)


def parse_message_out(data: bytes) -> MessageOut:
    """Take the bytes of a MESSAGE OUT phase (or of IDENTIFY and tag in a MESSAGE IN phase) apart."""
    lun: int | None = None
    tag: int | None = None
    other: list[bytes] = []
    messages = split_messages(data)
    for number, message in enumerate(messages):
        vendor = parse_vendor(message, messages[number + 1 :])
        if vendor is not None:
            return MessageOut(lun, tag, vendor, tuple(other))
        if message[0] >= Message.IDENTIFY:
            lun = message[0] & IDENTIFY_LUN_MASK
        elif message[0] in _TAGGED and len(message) == 2:
            tag = message[1]
        else:
            other.append(message)
    return MessageOut(lun, tag, None, tuple(other))


def parse_vendor(message: bytes, after: list[bytes]) -> VendorMessage | None:
    """The vendor message at the end of a phase, `after` being what follows it; None if it is none or is malformed."""
    if len(message) == 2 and message[0] in list(MirrorMessage):
        if after not in ([], [bytes((LAST,))]):
            return None
        return VendorMessage(MirrorMessage(message[0]), message[1], bool(after))
    if after or len(message) < 3 or message[0] != Message.EXTENDED or message[2] not in list(MirrorExtended):
        return None
    last = message[1] == EXTENDED_LENGTH_LAST
    if len(message) != 2 + message[1] or not ((last and message[-1] == LAST) or message[1] == EXTENDED_LENGTH):
        return None
    lba, length = int.from_bytes(message[4:8], "big"), int.from_bytes(message[8:11], "big")
    return VendorMessage(MirrorExtended(message[2]), message[3], last, lba, length)


@dataclass
class _Operation:
    """A mirrored write or read, from its message to BUS FREE."""

    nexus: tuple[int | None, int | None, int | None]
    """Initiator, LUN, tag."""
    leader: int
    """The leader's yz."""
    switching: int | None = None
    """The yz that SWITCH ROLE named and that has not yet taken."""
    released: bool = False


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
        if vendor.code is MirrorMessage.QUERY:
            self._query = vendor
            return Note.LEAVE if vendor.group_id & 0xF == Z_LEAVE else Note.QUERY
        if isinstance(vendor.code, MirrorExtended):
            self._operation = _Operation(self._nexus, vendor.group_id)
            return Note.MIRROR_WRITE if vendor.code is MirrorExtended.WRITE else Note.MIRROR_READ
        if vendor.code is MirrorMessage.SWITCH_ROLE:
            if self._operation is not None:
                self._operation.switching = vendor.group_id
            return Note.SWITCH_ROLE
        if self._operation is not None:
            self._operation.released = True
        return Note.RELEASE

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
            return None
        if done.data[:1] and done.data[0] >= Message.IDENTIFY:
            parsed = parse_message_out(done.data)
            self._nexus = (done.initiator, parsed.lun, parsed.tag)
        elif done.data[:1] == bytes((Message.TASK_COMPLETE,)) and (self._nexus, done.by) in self.owed:
            self.owed.remove((self._nexus, done.by))
            return Note.MIRROR_COMPLETE
        return None

    def _answer_to_query(self, done: Transaction, vendor: VendorMessage | None) -> Note | None:
        query = self._query
        assert query is not None
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
        elif isinstance(vendor.code, MirrorExtended):
            self._operation = None
        self._vendor = None
        return Note.REJECTED

    def _other_phase(self, done: Transaction) -> Note | None:
        self._vendor = None
        if self._query is not None:
            return self._answered(Note.DECLINED)
        operation = self._operation
        if operation is not None:
            return self._copy(operation, done)
        if done.phase is Phase.STATUS and (self._nexus, done.by) in self.owed:
            return Note.MIRROR_STATUS
        return None

    def _copy(self, operation: _Operation, done: Transaction) -> Note | None:
        if done.phase is None or not done.phase.is_data:
            return None
        taken_by = done.by
        switching, operation.switching = operation.switching, None
        if switching is not None and done.by == done.target:
            # Without a view of the drivers the monitor names the leader; the enrolment knows better.
            taken_by = self.enrolled.get((done.initiator, switching), done.by)
        self.owed.add((operation.nexus, taken_by))
        return Note.HAND_OVER if switching is not None else Note.LEADER_DATA

    def _connection_over(self) -> Note | None:
        """BUS FREE, or a QAS arbitration instead of it."""
        note = self._answered(Note.DECLINED)
        if self._operation is not None and not self._operation.released:
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
