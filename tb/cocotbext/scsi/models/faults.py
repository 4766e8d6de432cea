"""Faults that a model commits on request, each by name, at a given byte of a given phase."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..constants import Phase


class FaultKind(StrEnum):
    """What goes wrong."""

    BAD_PARITY = "bad_parity"
    """The sender inverts DB(P0)."""
    WRONG_BYTE = "wrong_byte"
    """The sender replaces the byte by `value`, with good parity."""
    SEE_BAD_PARITY = "see_bad_parity"
    """The receiver takes a good byte for one with wrong parity."""
    STOP = "stop"
    """The device stops where its next REQ or ACK is due and drives on what it drives."""
    LATE = "late"
    """The device's next REQ or ACK comes `delay_ns` late."""
    KEEP_ATN = "keep_atn"
    """The initiator does not negate ATN before the last byte of a MESSAGE OUT phase."""
    BAD_CRC = "bad_crc"
    """The sender of the DT data group that begins at `index` inverts a bit of its CRC."""
    SEE_BAD_CRC = "see_bad_crc"
    """The receiver takes the good CRC of the group that begins at `index` for a wrong one."""
    BAD_PAD = "bad_pad"
    """The pad word of the group that begins at `index` is not the one that its CRC covers."""
    CRCA_EARLY = "crca_early"
    """The target asserts P_CRCA at a REQ edge that carries data, and negates it again."""
    BEYOND_OFFSET = "beyond_offset"
    """The target sends the strobes from `index` on, `value` of them, without waiting for ACKs."""
    EARLY_PHASE_CHANGE = "early_phase_change"
    """The target does not wait for the ACKs of the transfers that end before `index`."""
    SKIP_ACK = "skip_ack"
    """The initiator leaves out one ACK of a synchronous or DT phase."""
    EXTRA_ACK = "extra_ack"
    """The initiator sends one ACK more."""
    HURRY = "hurry"
    """A strobe of a synchronous or DT phase comes three quarters of the agreed period after the one before."""


@dataclass(slots=True)
class Fault:
    """One fault. It strikes at transfer `index` of a phase, `times` times, after letting `skip` chances go by."""

    kind: FaultKind
    phase: Phase | None
    """The phase it strikes in; None is SELECTION or RESELECTION (bad parity only)."""
    index: int = 0
    """Byte offset in the phase (the first byte of a 16-bit transfer)."""
    value: int = 0
    delay_ns: int = 0
    times: int = 1
    skip: int = 0


class Faults:
    """The faults that a model still has to commit."""

    def __init__(self, *faults: Fault) -> None:
        self.pending = list(faults)
        self.committed: list[Fault] = []
        """Faults in the order in which they struck; a test asserts that its fault is here."""

    def add(self, *faults: Fault) -> None:
        """Ask for more."""
        self.pending.extend(faults)

    def take(self, kind: FaultKind, phase: Phase | None, index: int = 0) -> Fault | None:
        """The fault due at this transfer, if any; it counts as committed."""
        for fault in self.pending:
            if fault.kind is kind and fault.phase == phase and fault.index == index:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.pending.remove(fault)
                self.committed.append(fault)
                return fault
        return None
