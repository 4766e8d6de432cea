"""Logical unit 0 of the target model: commands on a medium behind an optional write cache (spi-facts 9, SPC, SBC)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from ...constants import Asc, Opcode, SenseKey
from ..medium import Medium, Sense
from ..negotiation import Abilities
from .cache import WriteCache
from .cdb import Refusal, address_6, address_10, bad_field, check_control, check_not_relative, illegal
from .conditions import Conditions
from .inquiry import Identity
from .mode import ModePages

_ALWAYS_ANSWERED = (Opcode.INQUIRY, Opcode.REQUEST_SENSE, Opcode.REPORT_LUNS)
"""No condition is told to these."""
_NEED_NO_START = (*_ALWAYS_ANSWERED, Opcode.MODE_SELECT_6, Opcode.MODE_SENSE_6, Opcode.START_STOP_UNIT)
_NO_SENSE = Sense(SenseKey.NO_SENSE, Asc.NONE)
_NO_UNIT = Sense(SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
_FUA, _BYTCHK, _IMMED = 0x08, 0x02, 0x02
_START, _LOEJ_AND_POWER = 0x01, 0xF2
_LUN_LIST_MIN = 16
_ALL_LUNS, _WELL_KNOWN_LUNS, _EVERY_LUN = 0, 1, 2


class Sink(Enum):
    """What becomes of DATA OUT."""

    MEDIUM = auto()
    COMPARE = auto()
    MODE = auto()


@dataclass(slots=True)
class Transfer:
    """What a command wants on the bus before its status: data_in, or out_len bytes for `sink`."""

    data_in: bytes = b""
    out_len: int = 0
    lba: int = 0
    sense: Sense | None = None
    """CHECK CONDITION with this sense data."""
    sink: Sink = Sink.MEDIUM
    through: bool = True
    """FUA, or no write cache: on the medium before GOOD."""


class Disk:
    """What the target does with commands; sense data and conditions per initiator."""

    def __init__(
        self,
        medium: Medium,
        *,
        unit_attention: bool = False,
        abilities: Abilities | None = None,
        serial: str = "0001",
        started: bool = True,
    ) -> None:
        """`abilities` are told by INQUIRY. A disk that is not `started` at power-on wants START STOP UNIT first."""
        self.medium = medium
        self.modes = ModePages(medium)
        self.conditions = Conditions()
        self.cache = WriteCache(medium, self.conditions.defer)
        self.started = started
        self._identity = Identity(abilities or Abilities(), serial)
        self._commands: dict[int, Callable[[int, bytes], Transfer]] = {
            Opcode.TEST_UNIT_READY: lambda _initiator, _cdb: Transfer(),
            Opcode.READ_6: self._blocks_6,
            Opcode.WRITE_6: self._blocks_6,
            Opcode.MODE_SELECT_6: self._mode_select,
            Opcode.MODE_SENSE_6: lambda _initiator, cdb: Transfer(data_in=self.modes.sense(cdb)),
            Opcode.START_STOP_UNIT: self._start_stop,
            Opcode.READ_CAPACITY_10: self._read_capacity,
            Opcode.READ_10: self._blocks_10,
            Opcode.WRITE_10: self._blocks_10,
            Opcode.VERIFY_10: self._verify,
            Opcode.SYNCHRONIZE_CACHE_10: self._synchronize,
            Opcode.REPORT_LUNS: self._report_luns,
        }
        if unit_attention:
            self.conditions.attention(Asc.POWER_ON)

    # -- events -------------------------------------------------------------------------------------------------

    @property
    def sense(self) -> dict[int, Sense]:
        """Sense data that waits to be fetched, by initiator."""
        return self.conditions.sense

    def reset(self, asc: Asc) -> None:
        """UNIT ATTENTION for every initiator, old sense data gone, mode parameters as they were made."""
        self.sense.clear()
        self.modes.reset()
        self.flush()
        self.conditions.attention(asc)

    def power_on(self) -> None:
        """Power was lost: what was only in the write cache is gone."""
        self.cache.dirty.clear()
        self.conditions = Conditions()
        self.cache = WriteCache(self.medium, self.conditions.defer)
        self.modes.reset()
        self.conditions.attention(Asc.POWER_ON)

    def flush(self) -> None:
        """Write the cache in the background; failures become deferred errors."""
        self.cache.flush()

    def unit_attention(self, initiator: int) -> Sense | None:
        """The UNIT ATTENTION or deferred error that this initiator's command ends with; it counts as told."""
        return self.conditions.next(initiator)

    def arrive(self, initiator: int, lun: int, cdb: bytes) -> None:
        """A new command of an initiator ends its claim to sense data that it has not fetched."""
        if not lun and cdb[0] != Opcode.REQUEST_SENSE:
            self.sense.pop(initiator, None)

    # -- commands -----------------------------------------------------------------------------------------------

    def start(self, initiator: int, lun: int, cdb: bytes) -> Transfer:
        """Execute a command up to its data."""
        try:
            return self._start(initiator, lun, cdb)
        except Refusal as refusal:
            return Transfer(sense=refusal.sense)

    def _start(self, initiator: int, lun: int, cdb: bytes) -> Transfer:
        opcode = cdb[0]
        if opcode not in _ALWAYS_ANSWERED:
            if lun:
                raise Refusal(_NO_UNIT)
            condition = self.conditions.next(initiator)
            if condition is not None:
                raise Refusal(condition)
        if opcode not in self._commands and opcode not in _ALWAYS_ANSWERED:
            raise illegal(Asc.INVALID_OPCODE)
        check_control(cdb)
        if opcode == Opcode.REQUEST_SENSE:
            return self._request_sense(initiator, lun, cdb)
        if opcode == Opcode.INQUIRY:
            return Transfer(data_in=self._identity.inquire(lun, cdb))
        if lun:
            raise Refusal(_NO_UNIT)
        if not self.started and opcode not in _NEED_NO_START:
            raise Refusal(Sense(SenseKey.NOT_READY, Asc.START_REQUIRED))
        return self._commands[opcode](initiator, cdb)

    def finish(self, initiator: int, transfer: Transfer, data: bytes) -> Sense | None:
        """DATA OUT has come; returns sense data where the command fails after all."""
        try:
            if transfer.sink is Sink.MODE:
                self._select(initiator, data)
            elif transfer.sink is Sink.COMPARE:
                self._compare(transfer.lba, data)
            elif transfer.through:
                self.cache.write_through(transfer.lba, data)
            else:
                self.cache.keep(transfer.lba, data, initiator)
        except Refusal as refusal:
            return refusal.sense
        return None

    def _request_sense(self, initiator: int, lun: int, cdb: bytes) -> Transfer:
        if cdb[1] & 1:
            # Descriptor format.
            raise bad_field(1)
        sense: Sense | None = _NO_UNIT
        if not lun:
            sense = self.sense.pop(initiator, None) or self.conditions.next(initiator)
        return Transfer(data_in=(sense or _NO_SENSE).encode()[: cdb[4]])

    # -- blocks -------------------------------------------------------------------------------------------------

    def blocks(self, lba: int, count: int, *, write: bool, through: bool = True) -> Transfer:
        """Reading or writing `count` blocks; `through` as FUA."""
        try:
            return self._blocks(lba, count, write=write, through=through)
        except Refusal as refusal:
            return Transfer(sense=refusal.sense)

    def _in_range(self, lba: int, count: int) -> None:
        if not self.medium.holds(lba, count):
            raise illegal(Asc.LBA_OUT_OF_RANGE, max(lba, self.medium.blocks))

    def _blocks(self, lba: int, count: int, *, write: bool, through: bool) -> Transfer:
        self._in_range(lba, count)
        if write and self.modes.write_protected:
            raise Refusal(Sense(SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED))
        if write:
            through = through or not self.modes.write_cache
            return Transfer(out_len=count * self.medium.block_len, lba=lba, through=through)
        if through or self.modes.read_medium:
            self.cache.flush(lba, count)
        return Transfer(data_in=self.cache.read(lba, count))

    def _blocks_6(self, _initiator: int, cdb: bytes) -> Transfer:
        lba, count = address_6(cdb)
        return self._blocks(lba, count, write=cdb[0] == Opcode.WRITE_6, through=False)

    def _blocks_10(self, _initiator: int, cdb: bytes) -> Transfer:
        check_not_relative(cdb)
        lba, count = address_10(cdb)
        return self._blocks(lba, count, write=cdb[0] == Opcode.WRITE_10, through=bool(cdb[1] & _FUA))

    def _verify(self, _initiator: int, cdb: bytes) -> Transfer:
        check_not_relative(cdb)
        lba, count = address_10(cdb)
        self._in_range(lba, count)
        if cdb[1] & _BYTCHK:
            return Transfer(out_len=count * self.medium.block_len, lba=lba, sink=Sink.COMPARE)
        self._on_medium(lba, count)
        return Transfer()

    def _on_medium(self, lba: int, count: int) -> bytes:
        """What the medium itself holds, the cache written first."""
        self.cache.flush(lba, count)
        return self.cache.read(lba, count)

    def _compare(self, lba: int, data: bytes) -> None:
        length = self.medium.block_len
        for offset in range(0, len(data), length):
            block = lba + offset // length
            if self._on_medium(block, 1) != data[offset : offset + length]:
                raise Refusal(Sense(SenseKey.MISCOMPARE, Asc.MISCOMPARE, block))

    def _synchronize(self, initiator: int, cdb: bytes) -> Transfer:
        check_not_relative(cdb)
        lba, count = address_10(cdb)
        self._in_range(lba, count or 1)
        self.cache.flush(lba, count or None, initiator=None if cdb[1] & _IMMED else initiator)
        return Transfer()

    def _read_capacity(self, _initiator: int, cdb: bytes) -> Transfer:
        check_not_relative(cdb)
        lba, partial = int.from_bytes(cdb[2:6], "big"), cdb[8] & 1
        if lba and not partial:
            raise bad_field(2)
        self._in_range(lba, 1)
        return Transfer(data_in=(self.medium.blocks - 1).to_bytes(4, "big") + self.medium.block_len.to_bytes(4, "big"))

    # -- the unit itself ----------------------------------------------------------------------------------------

    def _start_stop(self, initiator: int, cdb: bytes) -> Transfer:
        if cdb[4] & _LOEJ_AND_POWER:
            raise bad_field(4)
        if not cdb[4] & _START:
            self.cache.flush(initiator=None if cdb[1] & 1 else initiator)
        self.started = bool(cdb[4] & _START)
        return Transfer()

    @staticmethod
    def _report_luns(_initiator: int, cdb: bytes) -> Transfer:
        room = int.from_bytes(cdb[6:10], "big")
        if cdb[2] not in (_ALL_LUNS, _WELL_KNOWN_LUNS, _EVERY_LUN):
            raise bad_field(2)
        if room < _LUN_LIST_MIN:
            raise bad_field(6)
        units = b"" if cdb[2] == _WELL_KNOWN_LUNS else bytes(8)
        return Transfer(data_in=(len(units).to_bytes(4, "big") + bytes(4) + units)[:room])

    def _mode_select(self, initiator: int, cdb: bytes) -> Transfer:
        del initiator
        if cdb[1] & 1:
            # Save pages.
            raise bad_field(1)
        return Transfer(out_len=cdb[4], sink=Sink.MODE)

    def _select(self, initiator: int, parameters: bytes) -> None:
        cached = self.modes.write_cache
        if self.modes.select(parameters):
            self.conditions.attention(Asc.MODE_PARAMETERS_CHANGED, but=initiator)
        if cached and not self.modes.write_cache:
            self.cache.flush(initiator=initiator)
