"""Gathers the data groups of a DT DATA phase: words at both edges, pad and CRC (spi-facts 8)."""

from __future__ import annotations

from .collector import PhaseCollector
from .constants import Phase
from .crc import CrcConvention
from .transaction import Transfer
from .wires import DB, DBP, M_BSY, M_DB, M_REQ, Wires


class GroupCollector(PhaseCollector):
    """A DT DATA phase: each edge of REQ asks for a word or brings one, each edge of ACK takes one or brings one.

    P_CRCA as it stands at the edge of REQ tells what the word is, in both directions: negated, it is data; asserted, it
    is the first CRC word at an assertion of REQ, and at a negation the second one or, with no first one before, a pad.

    Args:
        phase: Its code.
        wires: The sample that shows its first REQ; `req_asserted` is to be called with it too.
        drivers: The REQ wires of a per-driver view; 0 where unknown.
        crc: What the CRC of a data group is; None where there are no groups, or P_CRCA is not seen. Then every word
            counts as data.
    """

    def __init__(self, phase: Phase, wires: Wires, drivers: int, crc: CrcConvention | None) -> None:
        super().__init__(phase, wires, drivers, Transfer.DT, wide=True, parity=False)
        self._crc = crc
        self._m_known = M_DB | 1 << DBP

    def req_negated(self, wires: Wires) -> None:
        """REQ went false: a transfer of its own, unless it is let go with the bus."""
        if wires.value & M_BSY:
            self._req(wires)

    def ack_negated(self, wires: Wires) -> None:
        """ACK went false: one transfer is taken, unless it is let go with the bus."""
        if wires.value & M_BSY and len(self._acks) < len(self._reqs):
            self._ack(wires)
        super().ack_negated(wires)

    def _take_apart(self, values: list[int]) -> None:
        if self._crc is None:
            super()._take_apart(values)
            return
        done = self.transaction
        data = bytearray()
        group: list[int] = []
        crc: int | None = None
        done.groups = 0
        good = all(number >= len(values) for number in self._unknown)
        for value, req in zip(values, self._reqs, strict=False):
            word = (value >> DB) & 0xFFFF
            if not req >> DBP & 1:
                group.append(word)
                data += word.to_bytes(2, "little")
            elif req & M_REQ:
                crc = word
            elif crc is None:
                group.append(word)
            else:
                good &= self._crc.words(group) == (crc, word)
                done.groups += 1
                group, crc = [], None
        done.data = bytes(data)
        if values:
            done.crc_ok = good and not group and crc is None
