"""The command set of the target model: a minimal disk (spi-facts 9), apart from the bus."""

from __future__ import annotations

from dataclasses import dataclass

from ..constants import Asc, Opcode, SenseKey
from .medium import Medium, Sense

_CDB_LENGTHS = {0: 6, 1: 10, 2: 10, 4: 16, 5: 12}
_NO_UNIT_ATTENTION = (Opcode.INQUIRY, Opcode.REQUEST_SENSE, Opcode.REPORT_LUNS)


def cdb_length(opcode: int) -> int:
    """Bytes of a command by its group code; vendor groups count as 6."""
    return _CDB_LENGTHS.get(opcode >> 5, 6)


@dataclass(slots=True)
class Transfer:
    """What a command wants on the bus before its status. Either data_in, or out_len bytes to be written at lba."""

    data_in: bytes = b""
    out_len: int = 0
    lba: int = 0
    sense: Sense | None = None
    """CHECK CONDITION with this sense data."""


def _check(key: SenseKey, asc: Asc, *, drop: int = 0) -> Transfer:
    return Transfer(out_len=drop, sense=Sense(key, asc))


class Disk:
    """Logical unit 0 on a medium; sense data and UNIT ATTENTION per initiator."""

    def __init__(self, medium: Medium, *, unit_attention: bool = False) -> None:
        self.medium = medium
        self.sense: dict[int, Sense] = {}
        self._attention: Asc | None = Asc.POWER_ON if unit_attention else None
        self._told: set[int] = set()

    def reset(self, asc: Asc) -> None:
        """UNIT ATTENTION for every initiator, old sense data gone."""
        self.sense.clear()
        self._attention = asc
        self._told.clear()

    def unit_attention(self, initiator: int) -> Sense | None:
        """The pending UNIT ATTENTION of an initiator; it counts as told."""
        if self._attention is None or initiator in self._told:
            return None
        self._told.add(initiator)
        return Sense(SenseKey.UNIT_ATTENTION, self._attention)

    def start(self, initiator: int, lun: int, cdb: bytes) -> Transfer:
        """Look at a command."""
        opcode = cdb[0]
        if opcode == Opcode.REQUEST_SENSE:
            sense = self.sense.pop(initiator, None) or self.unit_attention(initiator)
            if sense is None:
                sense = Sense(SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED) if lun else _NO_SENSE
            return Transfer(data_in=sense.encode()[: cdb[4]])
        self.sense.pop(initiator, None)
        if opcode == Opcode.INQUIRY:
            return Transfer(data_in=self._inquiry(lun)[: cdb[4]])
        if lun:
            return _check(SenseKey.ILLEGAL_REQUEST, Asc.LUN_NOT_SUPPORTED)
        attention = self.unit_attention(initiator) if opcode not in _NO_UNIT_ATTENTION else None
        if attention:
            return Transfer(sense=attention)
        return self._on_medium(cdb)

    def _on_medium(self, cdb: bytes) -> Transfer:
        opcode = cdb[0]
        if opcode == Opcode.TEST_UNIT_READY:
            return Transfer()
        if opcode == Opcode.READ_CAPACITY_10:
            last, length = self.medium.blocks - 1, self.medium.block_len
            return Transfer(data_in=last.to_bytes(4, "big") + length.to_bytes(4, "big"))
        if opcode in (Opcode.READ_10, Opcode.WRITE_10):
            lba = int.from_bytes(cdb[2:6], "big")
            return self.blocks(lba, int.from_bytes(cdb[7:9], "big"), write=opcode == Opcode.WRITE_10)
        return _check(SenseKey.ILLEGAL_REQUEST, Asc.INVALID_OPCODE)

    def blocks(self, lba: int, count: int, *, write: bool) -> Transfer:
        """Reading or writing `count` blocks."""
        if not self.medium.holds(lba, count):
            return _check(SenseKey.ILLEGAL_REQUEST, Asc.LBA_OUT_OF_RANGE)
        if write and self.medium.write_protected:
            return _check(SenseKey.DATA_PROTECT, Asc.WRITE_PROTECTED)
        if write:
            return Transfer(out_len=count * self.medium.block_len, lba=lba)
        return Transfer(data_in=self.medium.read(lba, count))

    @staticmethod
    def _inquiry(lun: int) -> bytes:
        head = bytes([0x7F if lun else 0x00, 0, 2, 2, 31, 0, 0, 0x22])
        return head + b"COCOTB  " + b"TARGET MODEL    " + b"1.0 "


_NO_SENSE = Sense(SenseKey.NO_SENSE, Asc.NONE)
