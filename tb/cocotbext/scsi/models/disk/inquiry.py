"""INQUIRY of the disk model: standard data and vital product data (SPC)."""

from __future__ import annotations

from ..negotiation import Abilities
from .cdb import bad_field

_VENDOR, _PRODUCT, _REVISION = b"COCOTB  ", b"TARGET MODEL    ", b"1.0 "
_NO_SUCH_UNIT = 0x7F
_SPC = 3
_STANDARD = 58
"""Bytes of standard data: up to the byte of SPI options."""
_EVPD, _CMD_DT = 0x01, 0x02
_SUPPORTED, _SERIAL, _IDENTIFICATION = 0x00, 0x80, 0x83
_ASCII, _T10_VENDOR = 0x02, 0x01


class Identity:
    """Who the target is and what it can do."""

    def __init__(self, abilities: Abilities, serial: str) -> None:
        """`serial`: product serial number, ASCII."""
        self._abilities = abilities
        self._serial = serial.encode("ascii")

    def inquire(self, lun: int, cdb: bytes) -> bytes:
        """INQUIRY. Raises Refusal."""
        if cdb[1] & _CMD_DT:
            raise bad_field(1)
        peripheral = _NO_SUCH_UNIT if lun else 0
        if cdb[1] & _EVPD:
            data = self._page(peripheral, cdb[2])
        elif cdb[2]:
            raise bad_field(2)
        else:
            data = self._standard(peripheral)
        return data[: int.from_bytes(cdb[3:5], "big")]

    def _standard(self, peripheral: int) -> bytes:
        can = self._abilities
        features = 0x02 | (0x20 if can.wide else 0) | (0x10 if can.offset else 0)
        head = bytes([peripheral, 0, _SPC, 2, _STANDARD - 5, 0, 0, features])
        data = bytearray((head + _VENDOR + _PRODUCT + _REVISION).ljust(_STANDARD, b"\0"))
        data[56] = (0x0C if can.dt else 0) | (0x02 if can.qas else 0)
        return bytes(data)

    def _page(self, peripheral: int, code: int) -> bytes:
        pages = {
            _SUPPORTED: bytes([_SUPPORTED, _SERIAL, _IDENTIFICATION]),
            _SERIAL: self._serial,
            _IDENTIFICATION: self._designator(),
        }
        if code not in pages:
            raise bad_field(2)
        return bytes([peripheral, code, 0, len(pages[code])]) + pages[code]

    def _designator(self) -> bytes:
        name = _VENDOR + _PRODUCT + self._serial
        return bytes([_ASCII, _T10_VENDOR, 0, len(name)]) + name
