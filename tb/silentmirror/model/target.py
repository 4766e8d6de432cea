"""A drive as its host sees it: enrolment, commands, sense, unit attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cocotbext.scsi.constants import Asc, Opcode, SenseKey, Status

from .medium import MediumModel

SENSE_BYTES = 18


@dataclass(frozen=True)
class Outcome:
    """How a command ends: status, what is sent in, and a mask for bytes the standard leaves to the drive."""

    status: Status
    data: bytes | None = None
    mask: bytes | None = None
    data_bytes: int = 0
    """Bytes of the data phase."""
    written: dict[int, bytes] = field(default_factory=dict)
    """LBA to content."""


@dataclass(frozen=True)
class Share:
    """What one drive makes of a mirrored connection: one status for all its blocks."""

    status: Status
    block: int = 0
    """The first block that failed, counted from 0 in the connection."""
    written: dict[int, bytes] = field(default_factory=dict)
    """LBA to content."""
    copies: tuple[bytes, ...] = ()
    """Read: what it sends for each block; zeros where it cannot read."""

    @property
    def good(self) -> bool:
        """All of it."""
        return self.status == Status.GOOD


@dataclass
class TargetModel:
    """One drive with one logical unit. `mirror` False makes it a drive that knows no mirroring."""

    scsi_id: int
    medium: MediumModel
    mirror: bool = True
    wide: bool = True
    status_in_connection: bool = True
    """Knows the extension STATUS (protocol 15)."""
    series: int = 16
    """Most blocks in one connection (protocol 16); 0 without SERIES."""
    enrolled: dict[tuple[int, int], tuple[int, bool]] = field(default_factory=dict)
    """(initiator, group) -> (z, last)."""
    _sense: dict[int, tuple[SenseKey, Asc]] = field(default_factory=dict)
    _told: set[int] = field(default_factory=set)
    """Initiators that have been told of the last reset."""
    _reset_cause: Asc = Asc.POWER_ON

    def reset(self, cause: Asc = Asc.BUS_RESET) -> None:
        """Hard reset: enrolments and sense go, every initiator is owed a UNIT ATTENTION (spi-facts 5.3)."""
        self.enrolled.clear()
        self._sense.clear()
        self._told.clear()
        self._reset_cause = cause

    def query(self, initiator: int, group: int, z: int, last: bool) -> bool:
        """MIRROR QUERY (section 4): True when the target answers with an accept."""
        if not self.mirror:
            return False
        self.enrolled.pop((initiator, group), None)
        if z != 0xF:
            self.enrolled[initiator, group] = (z, last)
        return True

    def forget(self, initiator: int, group: int, z: int) -> None:
        """Another target was seen accepting this identity (section 4): drop an enrolment that equals it."""
        if self.enrolled.get((initiator, group), (None,))[0] == z:
            del self.enrolled[initiator, group]

    def command(self, initiator: int, cdb: bytes, data: bytes, lun: int = 0) -> Outcome:
        """An ordinary command."""
        opcode = cdb[0]
        if opcode == Opcode.REQUEST_SENSE:
            return self._request_sense(initiator, cdb)
        if opcode == Opcode.INQUIRY:
            return Outcome(Status.GOOD, data_bytes=-1)
        self._sense.pop(initiator, None)
        refused = self._refusal(initiator, cdb, lun)
        if refused is not None:
            return self._check(initiator, *refused)
        if opcode == Opcode.READ_CAPACITY_10:
            answer = (self.medium.blocks - 1).to_bytes(4, "big") + self.medium.block_bytes.to_bytes(4, "big")
            return Outcome(Status.GOOD, answer, data_bytes=8)
        lba, count = int.from_bytes(cdb[2:6], "big"), int.from_bytes(cdb[7:9], "big")
        if opcode == Opcode.READ_10:
            return Outcome(Status.GOOD, self.medium.read(lba, count), data_bytes=count * self.medium.block_bytes)
        if opcode == Opcode.WRITE_10:
            return Outcome(Status.GOOD, data_bytes=len(data), written=self.medium.write(lba, data))
        return Outcome(Status.GOOD)

    def capability(self, initiator: int, group: int, z: int, status: bool, blocks: int) -> tuple[bool, int] | None:
        """MIRROR CAPABILITY (section 14): what both have, STATUS and blocks in a series; None: declined."""
        if not (self.status_in_connection or self.series) or self.enrolled.get((initiator, group), (None,))[0] != z:
            return None
        return self.status_in_connection and status, min(self.series, blocks)

    def mirrored(self, initiator: int, lbas: Sequence[int], length: int, data: Sequence[bytes] | None) -> Share:
        """This drive's part of a mirrored connection with a block of `length` bytes for each of `lbas`.

        `data` is what comes, None for a read. What is wrong is answered by status, after the data (section 3); with the
        first block that fails the drive takes and drops, or sends zeros for, what else comes (section 16).
        """
        self._sense.pop(initiator, None)
        owed = self._attention_of(initiator)
        written: dict[int, bytes] = {}
        copies: list[bytes] = []
        for number, lba in enumerate(lbas):
            refused = owed or self._copy(lba, length, None if data is None else data[number], written, copies)
            if refused is not None:
                self._sense[initiator] = refused
                copies += [bytes(length)] * (len(lbas) - len(copies)) if data is None else []
                return Share(Status.CHECK_CONDITION, number, written, tuple(copies))
        return Share(Status.GOOD, 0, written, tuple(copies))

    def _copy(
        self, lba: int, length: int, data: bytes | None, written: dict[int, bytes], copies: list[bytes]
    ) -> tuple[SenseKey, Asc] | None:
        """One block of a mirrored command; why it failed."""
        size = self.medium.block_bytes
        refused = self._bad_extent(lba, length // size, data is not None)
        if refused is not None:
            return refused
        for number in range(length // size):
            if self.medium.fails():
                return SenseKey.MEDIUM_ERROR, Asc.UNRECOVERED_READ_ERROR if data is None else Asc.WRITE_ERROR
            if data is not None:
                written |= self.medium.write(lba + number, data[number * size :][:size])
        if data is None:
            copies.append(self.medium.read(lba, length // size))
        return None

    def _check(self, initiator: int, key: SenseKey, asc: Asc) -> Outcome:
        self._sense[initiator] = (key, asc)
        return Outcome(Status.CHECK_CONDITION)

    def _attention_of(self, initiator: int) -> tuple[SenseKey, Asc] | None:
        """UNIT ATTENTION that is still owed to this initiator; reporting it settles it."""
        if initiator not in self._told:
            self._told.add(initiator)
            return SenseKey.UNIT_ATTENTION, self._reset_cause
        return None

    def _refusal(self, initiator: int, cdb: bytes, lun: int) -> tuple[SenseKey, Asc] | None:
        if lun:
            return SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED
        owed = self._attention_of(initiator)
        if owed is not None:
            return owed
        opcode = cdb[0]
        if opcode in (Opcode.TEST_UNIT_READY, Opcode.READ_CAPACITY_10):
            return None
        if opcode in (Opcode.READ_10, Opcode.WRITE_10):
            count = int.from_bytes(cdb[7:9], "big")
            return self._bad_extent(int.from_bytes(cdb[2:6], "big"), count, opcode == Opcode.WRITE_10)
        return SenseKey.ILLEGAL_REQUEST, Asc.INVALID_OPCODE

    def _bad_extent(self, lba: int, count: int, write: bool) -> tuple[SenseKey, Asc] | None:
        if not self.medium.contains(lba, count):
            return SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE
        if write and self.medium.write_protected:
            return SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED
        return None

    def _held_sense(self, initiator: int) -> tuple[SenseKey, Asc]:
        if initiator in self._sense:
            return self._sense.pop(initiator)
        return self._attention_of(initiator) or (SenseKey.NO_SENSE, Asc.NONE)

    def _request_sense(self, initiator: int, cdb: bytes) -> Outcome:
        """Sense is handed over once; a UNIT ATTENTION that is still owed is reported and settled (SPC)."""
        key, asc = self._held_sense(initiator)
        sense = bytearray(SENSE_BYTES)
        mask = bytearray(SENSE_BYTES)
        sense[0], mask[0] = 0x70, 0x7F  # current error; bit 7 says whether INFORMATION is valid
        sense[2], mask[2] = key, 0x0F
        sense[12], mask[12] = asc >> 8, 0xFF
        length = min(cdb[4], SENSE_BYTES)
        return Outcome(Status.GOOD, bytes(sense[:length]), bytes(mask[:length]), data_bytes=length)
