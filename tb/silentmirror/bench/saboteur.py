"""Faults on the wires between one device and the bus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cocotbext.scsi.wires import M_ALL, M_CONTROL, M_DATA, M_DB, M_DBP, M_PHASE, NAMES
from silentmirror.bench.registers import Mailbox, Reg, Sab

Signals = int | str | Iterable[str]
"""A 27-bit mask in bus-vector order, one name, or several names."""

_GROUPS: Final = {
    "all": M_ALL,
    "control": M_CONTROL,
    "data": M_DATA,
    "db": M_DB,
    "dbp": M_DBP,
    "phase": M_PHASE,
}


def mask_of(signals: Signals) -> int:
    """The 27-bit mask of signal names (`cocotbext.scsi.wires.NAMES` and the groups all, control, data, db, dbp, phase).

    ValueError for an unknown name, a mask that is wider than the bus, or an empty one.
    """
    if isinstance(signals, int):
        mask = signals
    else:
        mask = 0
        for name in [signals] if isinstance(signals, str) else signals:
            if name in _GROUPS:
                mask |= _GROUPS[name]
            elif name in NAMES:
                mask |= 1 << NAMES.index(name)
            else:
                raise ValueError(f"{name!r} is neither one of {NAMES} nor one of {tuple(_GROUPS)}")
    if not 0 < mask <= M_ALL:
        raise ValueError(f"mask {mask:#x} names no wire or more than the bus has")
    return mask


class Saboteur:
    """One direction of one slot. Every method takes effect in the time step of the call and lasts until `clear`.

    The stages act in this order: delay, drop, invert, stick, silence. Methods add to what is set already.
    """

    def __init__(self, mailbox: Mailbox, slot: int, base: int, handle: Any) -> None:
        self._mailbox = mailbox
        self._slot = slot
        self._base = base
        self._handle = handle
        self._inverted = 0
        self._stuck = [0, 0]
        self._delayed = 0
        self._delay_ps = 0

    def _write(self, register: Sab, data: int) -> None:
        self._mailbox.post(self._slot, self._base + register, data)

    def invert(self, signals: Signals) -> None:
        """Pass the complement of these signals."""
        self._inverted |= mask_of(signals)
        self._write(Sab.INVERT, self._inverted)

    def stick(self, signals: Signals, value: int) -> None:
        """Hold these signals at 0 or 1 whatever comes in."""
        if value not in (0, 1):
            raise ValueError(f"a signal sticks at 0 or 1, not at {value!r}")
        mask = mask_of(signals)
        self._stuck[value] |= mask
        self._stuck[1 - value] &= ~mask
        self._write(Sab.STICK0, self._stuck[0])
        self._write(Sab.STICK1, self._stuck[1])

    def delay(self, signals: Signals, ns: float) -> None:
        """Pass these signals `ns` nanoseconds late, together with those delayed before; short pulses survive.

        All delayed signals of a saboteur share one delay, the one given last.
        """
        self._delay_ps = round(ns * 1000)
        if not 0 < self._delay_ps < 1 << 32:
            raise ValueError(f"a delay of {ns} ns is not within 1 ps to 4.29 ms")
        self._delayed |= mask_of(signals)
        self._mailbox.post(self._slot, Reg.TAP, 1)
        self._write(Sab.DELAY, self._delayed | self._delay_ps << 32)

    def drop_edge(self, signals: Signals) -> None:
        """Swallow the next rising edge of each of these signals, and so the whole pulse that it would begin."""
        mask = mask_of(signals)
        self._mailbox.post(self._slot, Reg.TAP, 1)
        self._write(Sab.DROP, mask)

    def silence(self) -> None:
        """Release all outputs: every signal reads false from now on."""
        self._write(Sab.SILENCE, 1)

    def clear(self) -> None:
        """End all faults of this direction, a drop that has not happened yet included."""
        self._inverted = self._delayed = self._delay_ps = 0
        self._stuck = [0, 0]
        self._write(Sab.CLEAR, 1)

    @property
    def drops_pending(self) -> int:
        """Mask of the signals whose edge is still to be dropped."""
        both = int(self._handle.armed.value)  # tx low, rx high
        return both >> (27 if self._base == Reg.SAB_RX else 0) & M_ALL
