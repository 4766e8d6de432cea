"""One settled look at the 27 wires of a parallel SCSI bus.

The bus vector carries, from bit 0: BSY SEL RST MSG C/D I/O REQ ACK ATN DB(0)..DB(15) DB(P0) DB(P1), all active
high (1 = asserted). The sampler makes a `Wires`; monitor, checker and other subscribers read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

WIDTH: Final = 27
"""Wires on the bus."""

BSY: Final = 0
SEL: Final = 1
RST: Final = 2
MSG: Final = 3
CD: Final = 4
IO: Final = 5
REQ: Final = 6
ACK: Final = 7
ATN: Final = 8
DB: Final = 9
"""Bit number of DB(0); DB(n) is `DB + n`."""
DBP: Final = 25
"""Bit number of DB(P0), odd parity of DB(7-0); DB(P1) is `DBP + 1`."""

CONTROL: Final = ("bsy", "sel", "rst", "msg", "cd", "io", "req", "ack", "atn")
"""Control signals in vector order."""
NAMES: Final = CONTROL + tuple(f"db{n}" for n in range(16)) + ("dbp0", "dbp1")
"""A name for each bit of the vector."""

M_BSY: Final = 1 << BSY
M_SEL: Final = 1 << SEL
M_RST: Final = 1 << RST
M_MSG: Final = 1 << MSG
M_CD: Final = 1 << CD
M_IO: Final = 1 << IO
M_REQ: Final = 1 << REQ
M_ACK: Final = 1 << ACK
M_ATN: Final = 1 << ATN
M_CONTROL: Final = (1 << 9) - 1
M_PHASE: Final = M_MSG | M_CD | M_IO
M_DB: Final = 0xFFFF << DB
M_DBP: Final = 3 << DBP
M_DATA: Final = M_DB | M_DBP
M_ALL: Final = (1 << WIDTH) - 1

SLOTS: Final = 16
"""Drivers in a per-driver view."""

EVERY_SLOT: Final = sum(1 << (slot * WIDTH) for slot in range(SLOTS))
"""Bit 0 of each slot of a per-driver view; shifted by a wire's number it picks that wire of all slots."""

_ODD_PARITY: Final = bytes(1 - (n.bit_count() & 1) for n in range(256))


def odd_parity(byte: int) -> int:
    """The parity bit that makes the ones of the nine bits odd (spi-facts 1)."""
    return _ODD_PARITY[byte & 0xFF]


def phase_of(value: int) -> int:
    """The phase code {MSG, C/D, I/O} of a bus vector, MSG the high bit."""
    return ((value >> 1) & 4) | ((value >> 3) & 2) | ((value >> 5) & 1)


def names_of(mask: int) -> list[str]:
    """Names of the wires set in a mask, in vector order."""
    return [NAMES[bit] for bit in range(WIDTH) if mask >> bit & 1]


def slots_in(mask: int) -> list[int]:
    """Slot numbers set in a mask, lowest first."""
    return [slot for slot in range(SLOTS) if mask >> slot & 1] if mask else []


@dataclass(slots=True)
class Wires:
    """The bus at one settled instant; `time_ps` is simulation time in picoseconds."""

    time_ps: int
    value: int
    """All 27 wires; an X or Z bit reads 0 here and 1 in `unknown`."""
    unknown: int = 0
    drivers: int | None = None
    """What each of 16 slots asserts, slot 0 in the lowest 27 bits; None where the design has no such view."""
    changed: int = 0
    """Wires whose value or known-ness differs from the sample before; 0 when only a driver changed."""

    @property
    def bsy(self) -> bool:
        return bool(self.value & M_BSY)

    @property
    def sel(self) -> bool:
        return bool(self.value & M_SEL)

    @property
    def rst(self) -> bool:
        return bool(self.value & M_RST)

    @property
    def msg(self) -> bool:
        return bool(self.value & M_MSG)

    @property
    def cd(self) -> bool:
        return bool(self.value & M_CD)

    @property
    def io(self) -> bool:
        return bool(self.value & M_IO)

    @property
    def req(self) -> bool:
        return bool(self.value & M_REQ)

    @property
    def ack(self) -> bool:
        return bool(self.value & M_ACK)

    @property
    def atn(self) -> bool:
        return bool(self.value & M_ATN)

    @property
    def phase(self) -> int:
        """Phase code {MSG, C/D, I/O}, MSG the high bit."""
        return phase_of(self.value)

    @property
    def db(self) -> int:
        """DB(15-0)."""
        return (self.value >> DB) & 0xFFFF

    @property
    def dbp(self) -> int:
        """DB(P1), DB(P0) as a two-bit number."""
        return (self.value >> DBP) & 3

    @property
    def low_parity_ok(self) -> bool:
        """DB(7-0) and DB(P0) have odd parity, and all nine are known."""
        value = self.value
        return _ODD_PARITY[(value >> DB) & 0xFF] == (value >> DBP) & 1 and not self.unknown & _M_LOW

    @property
    def high_parity_ok(self) -> bool:
        """DB(15-8) and DB(P1) have odd parity, and all nine are known."""
        value = self.value
        return _ODD_PARITY[(value >> (DB + 8)) & 0xFF] == (value >> (DBP + 1)) & 1 and not self.unknown & _M_HIGH

    def who(self, bit: int) -> int:
        """Slots that assert a wire, bit n = slot n; 0 without a per-driver view."""
        drivers = self.drivers
        if not drivers:
            return 0
        picked = (drivers >> bit) & EVERY_SLOT
        mask = 0
        while picked:
            lowest = picked & -picked
            mask |= 1 << ((lowest.bit_length() - 1) // WIDTH)
            picked ^= lowest
        return mask

    def slot(self, number: int) -> int:
        """The 27 bits that one slot asserts; 0 without a per-driver view."""
        return ((self.drivers or 0) >> (number * WIDTH)) & M_ALL


_M_LOW: Final = 0xFF << DB | 1 << DBP
_M_HIGH: Final = 0xFF << (DB + 8) | 1 << (DBP + 1)


class Subscriber(Protocol):
    """Anything that wants the samples of a bus."""

    def sample(self, wires: Wires) -> None:
        """Take one settled sample; called in time order, once per instant in which a wire or a driver changed."""
