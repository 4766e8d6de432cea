"""Mode parameters of the disk model: pages 02h, 08h, 0Ah, MODE SENSE(6) and MODE SELECT(6) (SPC, SBC)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ...constants import Asc
from ..medium import Medium
from .cdb import bad_field, bad_parameter, illegal

_HEADER = 4
_DESCRIPTOR = 8
_WP, _DPOFUA = 0x80, 0x10
_ALL_PAGES = 0x3F
_ALL_BLOCKS = 0xFF_FFFF
_BURST_UNIT = 512
"""Bytes that MAXIMUM BURST SIZE counts in."""


class PageCode(IntEnum):
    """Mode pages."""

    DISCONNECT_RECONNECT = 0x02
    CACHING = 0x08
    CONTROL = 0x0A


class PageControl(IntEnum):
    """Which values MODE SENSE wants."""

    CURRENT = 0
    CHANGEABLE = 1
    DEFAULT = 2
    SAVED = 3


class QueueErrors(IntEnum):
    """QErr of the control page: what a CHECK CONDITION means to other tasks."""

    NOTHING = 0b00
    ABORT_ALL = 0b01
    ABORT_OWN = 0b11
    """Tasks of the initiator that gets the CHECK CONDITION."""


@dataclass(frozen=True, slots=True)
class _Page:
    default: bytes
    """Whole page, code and length included."""
    changeable: bytes


def _page(code: PageCode, length: int, default: dict[int, int], changeable: dict[int, int]) -> _Page:
    def fill(values: dict[int, int]) -> bytes:
        return bytes([code, length, *(values.get(index, 0) for index in range(2, 2 + length))])

    return _Page(fill(default), fill(changeable))


_PAGES = {
    PageCode.DISCONNECT_RECONNECT: _page(PageCode.DISCONNECT_RECONNECT, 14, {}, {10: 0xFF, 11: 0xFF, 12: 0x0F}),
    PageCode.CACHING: _page(PageCode.CACHING, 18, {}, {2: 0x05}),
    PageCode.CONTROL: _page(PageCode.CONTROL, 10, {}, {3: 0xF6, 4: 0x08}),
}


class ModePages:
    """The current mode parameters; nothing can be saved."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self._current: dict[PageCode, bytes] = {}
        self.reset()

    def reset(self) -> None:
        """Back to the defaults."""
        self._current = {code: page.default for code, page in _PAGES.items()}

    # -- what the parameters mean -------------------------------------------------------------------------------

    @property
    def write_cache(self) -> bool:
        """WCE: GOOD may come before the data is on the medium."""
        return bool(self._current[PageCode.CACHING][2] & 0x04)

    @property
    def read_medium(self) -> bool:
        """RCD: data to be read come from the medium, never from the cache."""
        return bool(self._current[PageCode.CACHING][2] & 0x01)

    @property
    def unrestricted(self) -> bool:
        """QUEUE ALGORITHM MODIFIER: SIMPLE tasks may be reordered whatever they do to each other's data."""
        return self._current[PageCode.CONTROL][3] >> 4 == 1

    @property
    def queue_errors(self) -> QueueErrors:
        """QErr."""
        return QueueErrors(self._current[PageCode.CONTROL][3] >> 1 & 3)

    @property
    def write_protected(self) -> bool:
        """SWP, or the medium itself."""
        return self._medium.write_protected or bool(self._current[PageCode.CONTROL][4] & 0x08)

    @property
    def burst(self) -> int:
        """MAXIMUM BURST SIZE in bytes of data before the target disconnects; 0: no limit, or DTDC forbids it."""
        page = self._current[PageCode.DISCONNECT_RECONNECT]
        return 0 if page[12] & 0x07 else int.from_bytes(page[10:12], "big") * _BURST_UNIT

    @property
    def disconnect_at_once(self) -> bool:
        """DImm: leave the bus after COMMAND."""
        return bool(self._current[PageCode.DISCONNECT_RECONNECT][12] & 0x08)

    # -- MODE SENSE ---------------------------------------------------------------------------------------------

    def sense(self, cdb: bytes) -> bytes:
        """MODE SENSE(6). Raises Refusal."""
        control, code = PageControl(cdb[2] >> 6), cdb[2] & 0x3F
        if cdb[3]:
            raise bad_field(3)
        if code != _ALL_PAGES and code not in _PAGES:
            raise bad_field(2)
        if control is PageControl.SAVED:
            raise illegal(Asc.SAVING_PARAMETERS_NOT_SUPPORTED)
        wanted = [one for one in _PAGES if code in (one, _ALL_PAGES)]
        pages = b"".join(self._values(one, control) for one in wanted)
        descriptor = b"" if cdb[1] & 0x08 else self._descriptor()
        device = _DPOFUA | (_WP if self.write_protected else 0)
        data = bytes([0, device, len(descriptor)]) + descriptor + pages
        return (bytes([len(data)]) + data)[: cdb[4]]

    def _values(self, code: PageCode, control: PageControl) -> bytes:
        if control is PageControl.CURRENT:
            return self._current[code]
        return _PAGES[code].changeable if control is PageControl.CHANGEABLE else _PAGES[code].default

    def _descriptor(self) -> bytes:
        blocks, length = min(self._medium.blocks, _ALL_BLOCKS), self._medium.block_len
        return bytes([0]) + blocks.to_bytes(3, "big") + bytes([0]) + length.to_bytes(3, "big")

    # -- MODE SELECT --------------------------------------------------------------------------------------------

    def select(self, parameters: bytes) -> bool:
        """Take a parameter list, as a whole or not at all; True: something has changed. Raises Refusal."""
        if not parameters:
            return False
        if len(parameters) < _HEADER:
            raise illegal(Asc.PARAMETER_LIST_LENGTH_ERROR)
        if parameters[1]:
            raise bad_parameter(1)
        announced = parameters[3]
        if announced not in (0, _DESCRIPTOR):
            raise bad_parameter(3)
        at = _HEADER + announced
        if len(parameters) < at:
            raise illegal(Asc.PARAMETER_LIST_LENGTH_ERROR)
        if announced:
            self._check_descriptor(parameters[_HEADER:at])
        wanted = dict(self._current)
        while at < len(parameters):
            at = self._take_page(parameters, at, wanted)
        changed, self._current = wanted != self._current, wanted
        return changed

    def _check_descriptor(self, given: bytes) -> None:
        own = self._descriptor()
        for index, byte in enumerate(given):
            in_blocks = 1 <= index <= 3
            if byte != own[index] and not (in_blocks and given[1:4] in (bytes(3), b"\xff\xff\xff")):
                raise bad_parameter(_HEADER + index)

    @staticmethod
    def _take_page(parameters: bytes, at: int, wanted: dict[PageCode, bytes]) -> int:
        """Check one page and put it into `wanted`; returns where the next begins."""
        if parameters[at] not in _PAGES:
            raise bad_parameter(at)
        code = PageCode(parameters[at])
        changeable, before = _PAGES[code].changeable, wanted[code]
        if at + 1 >= len(parameters):
            raise illegal(Asc.PARAMETER_LIST_LENGTH_ERROR)
        if parameters[at + 1] != before[1]:
            raise bad_parameter(at + 1)
        given = parameters[at : at + len(before)]
        if len(given) < len(before):
            raise illegal(Asc.PARAMETER_LIST_LENGTH_ERROR)
        for index in range(2, len(before)):
            if (given[index] ^ before[index]) & ~changeable[index]:
                raise bad_parameter(at + index)
        if code is PageCode.CONTROL and (given[3] >> 4 > 1 or given[3] >> 1 & 3 not in tuple(QueueErrors)):
            raise bad_parameter(at + 3)
        wanted[code] = given
        return at + len(before)
