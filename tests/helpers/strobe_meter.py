"""Measures the strobes of synchronous and DT data phases at the bus: counts, offset, periods, windows of the data."""

from __future__ import annotations

from dataclasses import dataclass, field

from cocotbext.scsi.wires import (
    M_ACK,
    M_ATN,
    M_BSY,
    M_CD,
    M_DB,
    M_IO,
    M_MSG,
    M_PHASE,
    M_REQ,
    M_SEL,
    Wires,
    phase_of,
)

_FAR = 10**9
_P_CRCA = 1 << 25


@dataclass
class Measured:
    """One data phase; times in ps, minima are `_FAR` where there was nothing to measure."""

    phase: int
    reqs: int = 0
    acks: int = 0
    offset: int = 0
    """Most REQs that were waiting for their ACK."""
    owed: int = 0
    """REQs without ACK at the end of the phase; negative: too many ACKs."""
    req_period: int = _FAR
    ack_period: int = _FAR
    width: int = _FAR
    """Shortest assertion or negation of REQ and ACK."""
    setup: int = _FAR
    """DB before the sender's strobe."""
    hold: int = _FAR
    crca_setup: int = _FAR
    crca_hold: int = _FAR
    sender: list[int] = field(default_factory=list)
    """Times of the data sender's transfers."""
    atn_at: int | None = None


class StrobeMeter:
    """A subscriber of the sampler. `phases` holds what was measured, in order."""

    def __init__(self) -> None:
        self.phases: list[Measured] = []
        self._now: Measured | None = None
        self._at: dict[int, int] = {}
        self._edge: dict[int, int] = {}
        self._before = 0

    def sample(self, wires: Wires) -> None:
        """One settled sample."""
        value, time = wires.value, wires.time_ps
        changed, self._before = value ^ self._before, value
        inside = value & M_BSY and not value & (M_SEL | M_CD)
        if self._now is not None and (not inside or phase_of(value) != self._now.phase):
            self._now.owed = self._now.reqs - self._now.acks
            self._now = None
        if inside and self._now is None and changed & value & M_REQ:
            self._now = Measured(phase_of(value))
            self._edge.clear()
            self.phases.append(self._now)
        if self._now is not None:
            self._measure(self._now, value, changed, time)
        for mask in (M_DB, _P_CRCA, M_REQ, M_ACK, M_PHASE):
            if changed & mask:
                self._at[mask] = time

    def _measure(self, now: Measured, value: int, changed: int, time: int) -> None:
        dt, incoming = bool(value & M_MSG), bool(value & M_IO)
        sender = M_REQ if incoming else M_ACK
        if changed & value & M_ATN:
            now.atn_at = time
        if changed & M_DB and sender in self._edge:
            now.hold = min(now.hold, time - self._edge[sender])
        if dt and changed & _P_CRCA and M_REQ in self._edge:
            now.crca_hold = min(now.crca_hold, time - self._edge[M_REQ])
        for mask in (M_REQ, M_ACK):
            if not changed & mask:
                continue
            if mask in self._edge:
                now.width = min(now.width, time - self._at[mask])
            if dt or value & mask:
                self._transfer(now, mask, time)
                if mask == sender:
                    now.sender.append(time)
                    now.setup = min(now.setup, time - self._at.get(M_DB, -_FAR))
        if dt and changed & M_REQ:
            now.crca_setup = min(now.crca_setup, time - self._at.get(_P_CRCA, -_FAR))

    def _transfer(self, now: Measured, mask: int, time: int) -> None:
        gap = time - self._edge.get(mask, -_FAR)
        self._edge[mask] = time
        if mask == M_REQ:
            now.reqs += 1
            now.req_period = min(now.req_period, gap)
        else:
            now.acks += 1
            now.ack_period = min(now.ack_period, gap)
        now.offset = max(now.offset, now.reqs - now.acks)
