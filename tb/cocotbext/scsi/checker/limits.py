"""Limits of synchronous and DT transfers by speed class, typed from spi-facts 3.3 and 3.4, and which class applies.

They are what a transmitter owes at its own pins, in nanoseconds. The point of observation is the centre of the bus: all
wires of a device have come the same way to it, so what one device does is seen there as it left the device, and
transmit limits hold for each. A point with skew before it (behind cables of unequal wires, or within a receiver) is not
what this table is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from ..agreement import Agreement, Option, transfer_period_ns


class Speed(Enum):
    """Class of transfer rates; its row set is chosen by the maximum rate of the negotiated range (spi-facts 3.3)."""

    FAST_5 = "Fast-5"
    FAST_10 = "Fast-10"
    FAST_20 = "Fast-20"
    FAST_40 = "Fast-40"
    FAST_80 = "Fast-80"


Limits = Mapping[Speed, float]
"""A limit in ns for each class that has one."""

_F5, _F10, _F20, _F40, _F80 = Speed

# fmt: off
# ST, spi-facts 3.3:            Fast-5     Fast-10    Fast-20     Fast-40
ST_ASSERTION: Final[Limits] = {_F5: 80, _F10: 30, _F20: 15,   _F40: 8}
ST_NEGATION:  Final[Limits] = {_F5: 80, _F10: 30, _F20: 15,   _F40: 8}
ST_SETUP:     Final[Limits] = {_F5: 23, _F10: 23, _F20: 11.5, _F40: 9.25}
ST_HOLD:      Final[Limits] = {_F5: 53, _F10: 33, _F20: 16.5, _F40: 9.25}
ST_ATN_SETUP: Final[Limits] = {_F5: 33, _F10: 33, _F20: 21.5, _F40: 19.25}
ST_TOLERANCE: Final = 1.0

# DT, spi-facts 3.4:            Fast-10      Fast-20      Fast-40      Fast-80
DT_WIDTH:      Final[Limits] = {_F10: 92,   _F20: 46,   _F40: 23,    _F80: 11.5}
DT_SETUP:      Final[Limits] = {_F10: 38.4, _F20: 19.2, _F40: 9.6,   _F80: 4.8}
DT_HOLD:       Final[Limits] = {_F10: 38.4, _F20: 19.2, _F40: 9.6,   _F80: 4.8}
# Two sources differ in these two; what either allows is allowed (the other has 48.4/29.2/19.6/14.8, 38.4/19.2/9.6/4.8).
DT_PCRC_SETUP: Final[Limits] = {_F10: 47,   _F20: 28.5, _F40: 19.25, _F80: 14.8}
DT_PCRC_HOLD:  Final[Limits] = {_F10: 37,   _F20: 18.5, _F40: 9.25,  _F80: 4.8}
DT_STRETCHED:  Final[Limits] = {_F10: 97.5, _F20: 54,   _F40: 35.5,  _F80: 24}
DT_ATN_SETUP:  Final[Limits] = {_F10: 48.4, _F20: 29.2, _F40: 19.6,  _F80: 14.8}
DT_TOLERANCE:  Final = 0.6
# fmt: on

UNLIMITED: Final = 0xFF
"""An agreed offset without a limit (spi-facts 7)."""
_FIRST_OF: Final = (
    (0x09, Speed.FAST_80),
    (0x0A, Speed.FAST_40),
    (0x0C, Speed.FAST_20),
    (0x19, Speed.FAST_10),
    (0x32, Speed.FAST_5),
)
"""Lowest transfer period factor of each class (spi-facts 7)."""


def speed_of(agreement: Agreement) -> Speed | None:
    """Class of a synchronous agreement; None where its timing is not in the tables: information units, paced, reserved.

    DT has no row for Fast-5: its slowest class serves for the periods beyond.
    """
    if not agreement.offset or agreement.options & Option.IU:
        return None
    found = [speed for first, speed in _FIRST_OF if agreement.period >= first]
    if not found:
        return None
    if agreement.is_dt:
        return _F10 if found[-1] is _F5 else found[-1]
    return None if found[-1] is _F80 else found[-1]


def strobe_period_ps(agreement: Agreement) -> int:
    """Shortest time between two assertions of a strobe, tolerance taken off, in ps (spi-facts 3.3, 3.4, 7)."""
    transfer = transfer_period_ns(agreement.period)
    return round(1000 * (2 * transfer - DT_TOLERANCE if agreement.is_dt else transfer - ST_TOLERANCE))


def in_ps(limits: Limits, speed: Speed) -> int:
    """One limit in ps."""
    return round(limits[speed] * 1000)
