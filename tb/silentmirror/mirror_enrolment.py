"""Rules of silent mirroring about who is in which group and what was agreed (protocol 4 and 14), seen on the wires."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cocotbext.scsi.checker import ReadMessage
from cocotbext.scsi.checker.rule import Rule
from cocotbext.scsi.checker.tracker import BusTracker

from .mirror_messages import EXTENDED_LENGTHS, Z_LEAVE, MirrorExtended, MirrorFlag, MirrorMessage
from .mirror_state import State, shown

_KNOWN_FLAGS: Final = MirrorFlag.STATUS | MirrorFlag.SERIES


@dataclass(frozen=True)
class Agreed:
    """What MIRROR CAPABILITY offered or agreed on."""

    flags: int = 0
    blocks: int = 0

    @classmethod
    def of(cls, data: bytes) -> Agreed:
        """Of the message; flags of later versions do not count (section 14)."""
        return cls(data[4] & _KNOWN_FLAGS, data[5])

    @property
    def status(self) -> bool:
        """Section 15; SERIES includes it (section 16 step 4)."""
        return bool(self.flags & _KNOWN_FLAGS)

    @property
    def series(self) -> bool:
        """Section 16."""
        return bool(self.flags & MirrorFlag.SERIES)


class EnrolmentRules:
    """Follows QUERY and CAPABILITY. Initiators are SCSI IDs; targets are slots, or IDs without a per-driver view."""

    def __init__(self, bus: BusTracker, rules: Mapping[str, Rule]) -> None:
        self.members: dict[tuple[int | None, int], int | None] = {}
        """Member by (initiator, yz)."""
        self._agreed: dict[tuple[int | None, int], Agreed] = {}
        self._bus = bus
        self._rules = rules

    def reset(self) -> None:
        """RST."""
        self.members.clear()
        self._agreed.clear()

    def selected(self) -> int | None:
        """The target of this connection."""
        conn = self._bus.conn
        assert conn is not None
        return conn.target_slot if self._bus.has_drivers else conn.target_id

    def agreed(self, initiator: int | None, members: Iterable[int]) -> list[Agreed]:
        """What each of these yz has agreed on."""
        return [self._agreed.get((initiator, yz), Agreed()) for yz in members]

    def offered(self, state: State, initiator: int | None, data: bytes) -> None:
        """MIRROR CAPABILITY from the initiator: what was agreed before no longer counts."""
        state.offer = data
        self._agreed.pop((initiator, data[3]), None)

    def message_in(self, state: State, message: ReadMessage) -> None:
        """The answer to QUERY or CAPABILITY, if it is one."""
        if state.offer is not None and message.extended_code == MirrorExtended.CAPABILITY:
            self._capability(state, state.offer, message)
        elif state.query is not None and message.code == MirrorMessage.QUERY:
            self._accept(state, state.query, message)
        else:
            state.query = state.offer = None

    def _accept(self, state: State, query: int, message: ReadMessage) -> None:
        conn = self._bus.conn
        assert conn is not None
        self._rules["MIR-18"].require(message.data[1] == query, shown(message), conn.owner_slot)
        if message.atn:  # it does not count yet: after MESSAGE PARITY ERROR it comes again
            return
        state.query = None
        state.accepted = True
        conn.free_expected = True
        if message.data[1] == query:
            self._enrol(conn.initiator_id, query)

    def _enrol(self, initiator: int | None, yz: int) -> None:
        """A new query to the same target and group replaces what it had there, extensions too; z = Fh leaves."""
        member = self.selected()
        for key, old in list(self.members.items()):
            if old == member and key[0] == initiator and key[1] >> 4 == yz >> 4:
                del self.members[key]
                self._agreed.pop(key, None)
        self._agreed.pop((initiator, yz), None)
        if yz & 0xF != Z_LEAVE:
            self.members[initiator, yz] = member

    def _capability(self, state: State, offer: bytes, message: ReadMessage) -> None:
        """It answers for an identity that it holds, with no more than was offered; then BUS FREE in any case."""
        conn = self._bus.conn
        assert conn is not None
        data, key = message.data, (conn.initiator_id, offer[3])
        whole = data[1] in EXTENDED_LENGTHS[MirrorExtended.CAPABILITY] and data[3] == offer[3]
        subset = whole and not data[4] & ~offer[4] and data[5] <= offer[5]
        held = key in self.members and self.members[key] == self.selected()
        self._rules["MIR-32"].require(subset and held, shown(message), conn.owner_slot)
        state.offer = None
        state.accepted = not message.atn
        conn.free_expected = True
        if subset and held and not message.atn:
            self._agreed[key] = Agreed.of(data)

    def leave_all(self, target: int | None) -> None:
        """A target was reset: its enrolments are gone."""
        for key, member in list(self.members.items()):
            if member == target:
                del self.members[key]
                self._agreed.pop(key, None)
