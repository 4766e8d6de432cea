"""What the tracker knows about the bus cycle that is going on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..wires import odd_parity


class BusState(Enum):
    """Where in a bus cycle the wires are."""

    UNKNOWN = "before the first BUS FREE"
    FREE = "BSY and SEL false"
    ARBITRATION = "BSY true, nobody has won"
    WON = "SEL true, the winner still holds BSY"
    SELECTION = "SEL true, BSY false or answered, I/O false"
    RESELECTION = "the same with I/O true"
    CONNECTED = "BSY true, SEL false after (re)selection"
    QAS = "the connection has ended by 55h, its target still holds BSY"
    QAS_WON = "SEL true after QAS, the other ID is not yet on the bus"
    RESET = "RST true"


@dataclass(frozen=True)
class Transfer:
    """One REQ/ACK handshake."""

    phase: int
    value: int
    """DB(15-0) when it was valid."""
    parity: int
    """DB(P1), DB(P0) then."""
    atn: bool
    """ATN as ACK was negated."""
    index: int
    """Number of transfers before it in the same phase."""

    @property
    def byte(self) -> int:
        """DB(7-0)."""
        return self.value & 0xFF

    @property
    def low_ok(self) -> bool:
        """Odd parity on the low byte."""
        return odd_parity(self.value & 0xFF) == self.parity & 1

    @property
    def high_ok(self) -> bool:
        """Odd parity on the high byte."""
        return odd_parity(self.value >> 8) == self.parity >> 1


@dataclass
class Connection:
    """From the end of arbitration to BUS FREE."""

    winner_id: int | None
    winner_slot: int | None
    by_qas: bool = False
    """The winner won a QAS instead of an arbitration."""
    reselection: bool = False
    with_atn: bool = False
    """ATN as the selection began."""
    attention: bool = False
    """ATN as SEL was released."""
    partner_id: int | None = None
    partner_slot: int | None = None
    initiator_slot: int | None = None
    target_slot: int | None = None
    """The target that was selected or that reselected."""
    owner_slot: int | None = None
    """The target that drove the last REQ; another than `target_slot` only in a vendor protocol."""
    owner_unknown: bool = False
    """A vendor protocol has changed the current target and the design does not show to whom."""
    phase: int | None = None
    """Phase of the last REQ."""
    previous: int | None = None
    """The phase before it."""
    transfers: int = 0
    """Transfers in the current phase."""
    free_expected: bool = False
    """The last transfer ended a message after which BUS FREE follows (spi-facts 5.4)."""
    messages_out: int = 0
    messages_in: int = 0
    sent_again: bool = False
    """The initiator has just said MESSAGE PARITY ERROR: the next message of the target is one sent again."""
    unjudged: bool = False
    """The handshake of the present phase cannot be followed any more."""
    bsy_slots: int = 0
    """Who drove BSY just before it was released."""

    @property
    def initiator_id(self) -> int | None:
        """SCSI ID of the initiator, where seen."""
        return self.partner_id if self.reselection else self.winner_id

    @property
    def target_id(self) -> int | None:
        """SCSI ID of the selected or reselecting target, where seen."""
        return self.winner_id if self.reselection else self.partner_id
