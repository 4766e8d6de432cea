"""Transmit minima of synchronous and DT data phases by agreement (spi-facts 3.3 and 3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..agreement import Agreement, Period, transfer_period_ns


@dataclass(frozen=True, slots=True)
class StrobeTiming:
    """Transmit minima of one agreement, ps. ST: a transfer is a pulse; DT: every edge is one."""

    period: int
    """From one transfer to the next, as agreed."""
    assertion: int
    negation: int
    setup: int
    """Data before its strobe."""
    hold: int
    """Data after its strobe."""
    atn_setup: int
    crc_setup: int = 0
    """P_CRCA before the REQ edge to which it belongs."""
    crc_hold: int = 0
    crc_pulse: int = 0
    """Between two REQ edges that P_CRCA changes between."""


_Row = tuple[float, ...]
# Transmit assertion, negation, set-up, hold, ATN set-up (3.3). The class of the fastest rate of the range counts.
_ST: Final[dict[int, _Row]] = {
    Period.FAST_5: (80, 80, 23, 53, 33),
    Period.FAST_10: (30, 30, 23, 33, 33),
    Period.FAST_20: (15, 15, 11.5, 16.5, 21.5),
    Period.FAST_40: (8, 8, 9.25, 9.25, 19.25),
}
# The same, and pCRC set-up, pCRC hold, REQ with P_CRCA changing (3.4). There is no class below Fast-10.
_DT: Final[dict[int, _Row]] = {
    Period.FAST_10: (92, 92, 38.4, 38.4, 48.4, 48.4, 38.4, 97.5),
    Period.FAST_20: (46, 46, 19.2, 19.2, 29.2, 29.2, 19.2, 54),
    Period.FAST_40: (23, 23, 9.6, 9.6, 19.6, 19.6, 9.6, 35.5),
    Period.FAST_80: (11.5, 11.5, 4.8, 4.8, 14.8, 14.8, 4.8, 24),
}


def strobe_timing(agreement: Agreement) -> StrobeTiming:
    """The minima of a synchronous agreement. Raises ValueError for a period factor that it cannot have."""
    table = _DT if agreement.is_dt else _ST
    fitting = [first for first in table if first <= agreement.period]
    if not fitting:
        raise ValueError(f"transfer period factor {agreement.period:02X}h is not for ST data phases")
    period = round(transfer_period_ns(agreement.period) * 1000)
    return StrobeTiming(period, *(round(value * 1000) for value in table[max(fitting)]))
