"""What a drive must answer to a command: a model of the RTL target's disk, written from spi-facts 9, SPC and SBC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from cocotbext.scsi.constants import Asc, Opcode, SenseKey, Status

BUFFER = 4096
"""Bytes of the drive's sector buffer: the most that a mirrored write may carry."""
_INITIATORS = range(16)
_ALWAYS_ANSWERED = (Opcode.INQUIRY, Opcode.REQUEST_SENSE, Opcode.REPORT_LUNS)
_WCE, _RCD = 0x04, 0x01


class DataKind(IntEnum):
    """How the data of a command moves, as the RTL codes it."""

    STATUS = 0
    GENERATED = 1
    READ = 2
    WRITE = 3
    PARAMETERS = 4
    SYNC = 5


@dataclass(frozen=True)
class Sense:
    """Sense data: key, additional sense, LBA in the information field, deferred error."""

    key: SenseKey
    asc: Asc
    lba: int | None = None
    deferred: bool = False

    def encode(self) -> bytes:
        """Fixed format, 18 bytes."""
        valid = self.lba is not None
        head = bytes([valid << 7 | 0x70 | self.deferred, 0, self.key]) + (self.lba or 0).to_bytes(4, "big")
        return head + bytes([10, 0, 0, 0, 0]) + int(self.asc).to_bytes(2, "big") + bytes(4)


@dataclass(frozen=True)
class Answer:
    """The status that a command ends with, and how its data moves before that."""

    status: Status = Status.GOOD
    kind: DataKind = DataKind.STATUS
    data: bytes = b""
    """Generated data."""
    length: int = 0
    """Bytes of the parameter list."""
    lba: int = 0
    blocks: int = 0
    fua: bool = False


@dataclass(frozen=True)
class Abilities:
    """What INQUIRY tells."""

    wide: bool = True
    period: int = 0
    dt: bool = False
    qas: bool = False


class Refusal(Exception):
    """CHECK CONDITION with this sense data."""

    def __init__(self, key: SenseKey, asc: Asc, lba: int | None = None, *, deferred: bool = False) -> None:
        super().__init__(key, asc)
        self.sense = Sense(key, asc, lba, deferred)


def _illegal(asc: Asc = Asc.INVALID_FIELD_IN_CDB) -> Refusal:
    return Refusal(SenseKey.ILLEGAL_REQUEST, asc)


@dataclass
class _Waiting:
    """What one initiator has not been told yet."""

    sense: Sense | None = None
    reset: Asc | None = Asc.POWER_ON
    changed: bool = False
    deferred: Sense | None = None

    def take(self) -> Sense | None:
        """The condition that comes first; it counts as told."""
        if self.reset is not None:
            told = Sense(SenseKey.UNIT_ATTENTION, self.reset)
            self.reset, self.changed = None, False
            return told
        if self.changed:
            self.changed = False
            return Sense(SenseKey.UNIT_ATTENTION, Asc.MODE_PARAMETERS_CHANGED)
        told_late, self.deferred = self.deferred, None
        return told_late


@dataclass
class DiskReference:
    """Logical unit 0, as up to 16 initiators see it."""

    blocks: int = 16
    block_len: int = 512
    write_protected: bool = False
    abilities: Abilities = field(default_factory=Abilities)
    cache: bool = False
    """WCE of the caching page."""

    def __post_init__(self) -> None:
        self._waiting = {initiator: _Waiting() for initiator in _INITIATORS}

    # ---- events

    def reset(self, asc: Asc) -> None:
        """Power on, RST or TARGET RESET."""
        self.cache = False
        for waiting in self._waiting.values():
            waiting.sense, waiting.reset, waiting.changed = None, asc, False
            if asc is Asc.POWER_ON:
                waiting.deferred = None

    def failed(self, initiator: int, sense: Sense) -> None:
        """A command failed in the drive, or one did that had ended with GOOD."""
        if sense.deferred:
            self._waiting[initiator].deferred = sense
        else:
            self._waiting[initiator].sense = sense

    # ---- commands

    def command(self, initiator: int, lun: int, cdb: bytes, parameters: bytes = b"") -> Answer:
        """The answer to a command; `parameters` is what the initiator sends when it is asked for a parameter list."""
        return self._judge(initiator, lun, cdb[0], lambda: self._answer(initiator, lun, cdb, parameters))

    def mirrored(self, initiator: int, lun: int, lba: int, length: int) -> Answer:
        """The answer to a mirrored write."""
        return self._judge(initiator, lun, None, lambda: self._mirrored(lba, length))

    def _judge(self, initiator: int, lun: int, opcode: int | None, judge: Callable[[], Answer]) -> Answer:
        waiting = self._waiting[initiator]
        if lun and opcode not in (Opcode.INQUIRY, Opcode.REQUEST_SENSE):
            # sense data of LUN 0 that waits is not this nexus's to lose
            waiting.sense = waiting.sense or Sense(SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
            return Answer(Status.CHECK_CONDITION)
        try:
            condition = waiting.take() if opcode not in _ALWAYS_ANSWERED else None
            if condition is not None:
                raise Refusal(condition.key, condition.asc, deferred=condition.deferred)
            answer = judge()
        except Refusal as refusal:
            waiting.sense = refusal.sense
            return Answer(Status.CHECK_CONDITION)
        if not lun and answer.status == Status.GOOD:
            waiting.sense = None
        return answer

    def _answer(self, initiator: int, lun: int, cdb: bytes, parameters: bytes) -> Answer:
        opcode = cdb[0]
        answers: dict[int, Callable[[bytes], Answer]] = {
            Opcode.TEST_UNIT_READY: self._test_unit_ready,
            Opcode.REQUEST_SENSE: lambda cdb: self._request_sense(initiator, lun, cdb),
            Opcode.READ_6: self._blocks_6,
            Opcode.WRITE_6: self._blocks_6,
            Opcode.INQUIRY: lambda cdb: self._inquiry(lun, cdb),
            Opcode.MODE_SELECT_6: lambda cdb: self._mode_select(initiator, cdb, parameters),
            Opcode.MODE_SENSE_6: self._mode_sense,
            Opcode.READ_CAPACITY_10: self._read_capacity,
            Opcode.READ_10: self._blocks_10,
            Opcode.WRITE_10: self._blocks_10,
            Opcode.SYNCHRONIZE_CACHE_10: self._synchronize,
            Opcode.REPORT_LUNS: self._report_luns,
        }
        if opcode not in answers:
            raise _illegal(Asc.INVALID_OPCODE)
        control = {0: 5, 1: 9}.get(opcode >> 5)
        if control is not None and cdb[control] & 0x07:  # NACA, Flag, Link
            raise _illegal()
        return answers[opcode](cdb)

    @staticmethod
    def _generated(data: bytes) -> Answer:
        return Answer(kind=DataKind.GENERATED if data else DataKind.STATUS, data=data)

    @staticmethod
    def _test_unit_ready(cdb: bytes) -> Answer:
        del cdb
        return Answer()

    def _request_sense(self, initiator: int, lun: int, cdb: bytes) -> Answer:
        if cdb[1] & 1:
            raise _illegal()
        waiting = self._waiting[initiator]
        sense: Sense | None = Sense(SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
        if not lun:
            sense = waiting.sense or waiting.take() or Sense(SenseKey.NO_SENSE, Asc.NONE)
        assert sense is not None
        return self._generated(sense.encode()[: cdb[4]])

    def _inquiry(self, lun: int, cdb: bytes) -> Answer:
        if cdb[1] & 3 or cdb[2]:
            raise _illegal()
        can = self.abilities
        features = can.wide << 5 | (can.period != 0) << 4 | 1 << 1
        clocking = 0b11 if can.dt else 0b00
        head = bytes([0x7F if lun else 0, 0, 3, 2, 58 - 5, 0, 0, features])
        text = b"SILENT".ljust(8) + b"MIRROR DISK".ljust(16) + b"0001"
        data = head + text + bytes(20) + bytes([clocking << 2 | can.qas << 1, 0])
        assert len(data) == 58
        return self._generated(data[: cdb[3] << 8 | cdb[4]])

    def _read_capacity(self, cdb: bytes) -> Answer:
        lba, pmi = int.from_bytes(cdb[2:6], "big"), cdb[8] & 1
        if cdb[1] & 1 or (lba and not pmi):
            raise _illegal()
        if lba >= self.blocks:
            raise Refusal(SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE, lba)
        return self._generated((self.blocks - 1).to_bytes(4, "big") + self.block_len.to_bytes(4, "big"))

    def _in_range(self, lba: int, count: int) -> None:
        if lba + count > self.blocks:
            raise Refusal(SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE, max(lba, self.blocks))

    def _transfer(self, lba: int, count: int, *, write: bool, fua: bool) -> Answer:
        self._in_range(lba, count)
        if write and self.write_protected:
            raise Refusal(SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED)
        if not count:
            return Answer()
        return Answer(kind=DataKind.WRITE if write else DataKind.READ, lba=lba, blocks=count, fua=fua)

    def _blocks_6(self, cdb: bytes) -> Answer:
        lba = int.from_bytes(cdb[1:4], "big") & 0x1F_FFFF
        return self._transfer(lba, cdb[4] or 256, write=cdb[0] == Opcode.WRITE_6, fua=False)

    def _blocks_10(self, cdb: bytes) -> Answer:
        if cdb[1] & 1:  # RelAdr
            raise _illegal()
        lba, count = int.from_bytes(cdb[2:6], "big"), int.from_bytes(cdb[7:9], "big")
        return self._transfer(lba, count, write=cdb[0] == Opcode.WRITE_10, fua=bool(cdb[1] & 8))

    def _mirrored(self, lba: int, length: int) -> Answer:
        try:
            if not length or length % self.block_len or length > BUFFER:
                raise _illegal()
            return self._transfer(lba, length // self.block_len, write=True, fua=False)
        except Refusal as refusal:
            # sense data of a mirrored operation name the block; an address beyond the end has been named already
            sense = refusal.sense
            raise Refusal(sense.key, sense.asc, lba if sense.lba is None else sense.lba) from refusal

    def _synchronize(self, cdb: bytes) -> Answer:
        if cdb[1] & 1:
            raise _illegal()
        lba, count = int.from_bytes(cdb[2:6], "big"), int.from_bytes(cdb[7:9], "big")
        self._in_range(lba, count or 1)
        return Answer(kind=DataKind.STATUS if cdb[1] & 2 else DataKind.SYNC)

    def _report_luns(self, cdb: bytes) -> Answer:
        if cdb[2] not in (0, 2) or int.from_bytes(cdb[6:10], "big") < 16:
            raise _illegal()
        return self._generated((8).to_bytes(4, "big") + bytes(12))

    # ---- mode parameters

    def _descriptor(self) -> bytes:
        return b"\0" + min(self.blocks, 0xFF_FFFF).to_bytes(3, "big") + b"\0" + self.block_len.to_bytes(3, "big")

    @staticmethod
    def _caching(byte: int) -> bytes:
        return bytes([0x08, 18, byte]) + bytes(17)

    def _mode_sense(self, cdb: bytes) -> Answer:
        control, page = cdb[2] >> 6, cdb[2] & 0x3F
        if page not in (0x08, 0x3F) or cdb[3]:
            raise _illegal()
        if control == 3:
            raise _illegal(Asc.SAVING_PARAMETERS_NOT_SUPPORTED)
        caching = [_RCD | self.cache * _WCE, _WCE, _RCD][control]
        descriptor = b"" if cdb[1] & 8 else self._descriptor()
        rest = bytes([0, self.write_protected << 7 | 1 << 4, len(descriptor)]) + descriptor + self._caching(caching)
        return self._generated((bytes([len(rest)]) + rest)[: cdb[4]])

    def _mode_select(self, initiator: int, cdb: bytes, parameters: bytes) -> Answer:
        length = cdb[4]
        if cdb[1] & 1:  # SP
            raise _illegal()
        if length not in (0, 4, 12, 24, 32):
            raise _illegal(Asc.PARAMETER_LIST_LENGTH_ERROR)
        if not length:
            return Answer()
        moves = Answer(kind=DataKind.PARAMETERS, length=length)
        try:
            self._select(initiator, parameters[:length])
        except Refusal as refusal:
            self._waiting[initiator].sense = refusal.sense
            return Answer(Status.CHECK_CONDITION, moves.kind, length=length)
        return moves

    def _select(self, initiator: int, given: bytes) -> None:
        announced = given[3] & 0x08
        descriptor, page = given[4 : 4 + announced], given[4 + announced :]
        if len(descriptor) != announced or len(page) not in (0, 20):
            raise _illegal(Asc.PARAMETER_LIST_LENGTH_ERROR)
        ours = self._descriptor()
        good = (
            not given[1]
            and given[3] in (0, 8)
            and descriptor in (b"", ours, ours[:1] + bytes(3) + ours[4:])
            and page in (b"", self._caching(_RCD), self._caching(_RCD | _WCE))
        )
        if not good:
            raise _illegal(Asc.INVALID_FIELD_IN_PARAMETER_LIST)
        if page and bool(page[2] & _WCE) != self.cache:
            self.cache = not self.cache
            for other, waiting in self._waiting.items():
                waiting.changed = other != initiator
