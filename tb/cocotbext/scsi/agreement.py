"""Transfer agreements between an initiator and a target, and the messages that make them: WDTR, SDTR, PPR.

Source: spi-facts 7 (SCSI-2 to SPI-4 negotiation).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from typing import Final

from cocotbext.scsi.constants import EXTENDED_LENGTH, Extended, Message


class Period(IntEnum):
    """Transfer period factors that have a name; from 0Dh on a factor counts 4 ns."""

    FAST_80 = 0x09
    FAST_40 = 0x0A
    NS_30_3 = 0x0B
    FAST_20 = 0x0C
    FAST_10 = 0x19
    FAST_5 = 0x32


class Option(IntFlag):
    """Protocol options of PPR, its last byte."""

    NONE = 0
    IU = 0x01
    DT = 0x02
    QAS = 0x04
    HOLD_MCS = 0x08
    WR_FLOW = 0x10
    RD_STRM = 0x20
    RTI = 0x40
    PCOMP_EN = 0x80


WIDTH_8: Final = 0
"""Transfer width exponent of WDTR and PPR: 8 bit."""
WIDTH_16: Final = 1
"""Transfer width exponent of WDTR and PPR: 16 bit."""

_SHORT_PERIODS: Final = {Period.FAST_80: 12.5, Period.FAST_40: 25.0, Period.NS_30_3: 30.3, Period.FAST_20: 50.0}


def transfer_period_ns(factor: int) -> float:
    """Time of one transfer in ns; ValueError below 09h (reserved, or paced transfers) and above FFh."""
    if factor in _SHORT_PERIODS:
        return _SHORT_PERIODS[Period(factor)]
    if not Period.FAST_20 < factor <= 0xFF:
        raise ValueError(f"transfer period factor {factor:02X}h is not within 09h to FFh")
    return 4.0 * factor


@dataclass(frozen=True)
class Agreement:
    """How two devices transfer data; the default is what holds before any negotiation and after a reset."""

    period: int = 0
    """Transfer period factor; without meaning while `offset` is 0."""
    offset: int = 0
    """Largest REQ/ACK offset, 0 = asynchronous; DT: counted in transitions."""
    wide: bool = False
    options: Option = Option.NONE

    @property
    def is_sync(self) -> bool:
        """ST synchronous or DT data phases."""
        return self.offset > 0

    @property
    def is_dt(self) -> bool:
        """DT data phases in data groups."""
        return bool(self.options & Option.DT)

    def after_wdtr(self, exponent: int) -> Agreement:
        """What holds after a WDTR exchange that ended with this width: asynchronous, without options."""
        return Agreement(wide=exponent >= WIDTH_16)

    def after_sdtr(self, period: int, offset: int) -> Agreement:
        """What holds after an SDTR exchange: the width stays, the options go."""
        return replace(self, period=period if offset else 0, offset=offset, options=Option.NONE)


ASYNC_8: Final = Agreement()
"""The agreement of devices that have not negotiated."""


@dataclass(frozen=True)
class Wdtr:
    """WIDE DATA TRANSFER REQUEST."""

    exponent: int

    def encode(self) -> bytes:
        """The message as it goes over the bus."""
        return bytes([Message.EXTENDED, EXTENDED_LENGTH[Extended.WDTR], Extended.WDTR, self.exponent])


@dataclass(frozen=True)
class Sdtr:
    """SYNCHRONOUS DATA TRANSFER REQUEST."""

    period: int
    offset: int

    def encode(self) -> bytes:
        """The message as it goes over the bus."""
        return bytes([Message.EXTENDED, EXTENDED_LENGTH[Extended.SDTR], Extended.SDTR, self.period, self.offset])


@dataclass(frozen=True)
class Ppr:
    """PARALLEL PROTOCOL REQUEST (SPI-3)."""

    period: int
    offset: int
    exponent: int
    options: Option

    def encode(self) -> bytes:
        """The message as it goes over the bus."""
        head = [Message.EXTENDED, EXTENDED_LENGTH[Extended.PPR], Extended.PPR]
        return bytes([*head, self.period, 0, self.offset, self.exponent, self.options])

    def agreement(self) -> Agreement:
        """What holds once this is the accepted answer."""
        period = self.period if self.offset else 0
        return Agreement(period=period, offset=self.offset, wide=self.exponent >= WIDTH_16, options=self.options)


def parse_negotiation(message: bytes) -> Wdtr | Sdtr | Ppr | None:
    """The negotiation message that these bytes are, or None for anything else or a wrong length."""
    if len(message) < 3 or message[0] != Message.EXTENDED or message[1] != len(message) - 2:
        return None
    match message[2], len(message) - 2:
        case Extended.WDTR, 2:
            return Wdtr(message[3])
        case Extended.SDTR, 3:
            return Sdtr(message[3], message[4])
        case Extended.PPR, 6:
            return Ppr(message[3], message[5], message[6], Option(message[7]))
        case _:
            return None
