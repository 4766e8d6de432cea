"""Synchronous and DT data phases, seen from the initiator (spi-facts 8): every REQ gets its ACK, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ..agreement import Agreement
from ..constants import Phase
from ..wires import M_REQ, phase_of
from .faults import FaultKind
from .handshake import InitiatorHandshake, StalledError
from .strobe_timing import StrobeTiming, strobe_timing
from .strobes import Edge, StrobeIn, StrobeOut, StrobeStyle


class DataUser(Protocol):
    """Where data go to and come from. What it does about errors with ATN is done before the ACK concerned."""

    def give_out(self, size: int) -> bytes:
        """The next `size` bytes of DATA OUT, or fewer at the end; never none."""

    def take_in(self, data: bytes, *, good: bool) -> None:
        """Bytes of DATA IN; `good`: with right parity (true in DT phases)."""

    def moved(self) -> None:
        """A transfer, DT: a whole group, is through but for its last ACK."""

    def data_failed(self) -> None:
        """Wrong CRC, or a group without CRC."""

    def data_lost(self) -> None:
        """The target left the phase before its ACKs, or had data follow a pad word."""


@dataclass(slots=True)
class _Group:
    """A DT data group under way."""

    start: int
    """Byte offset in the phase."""
    words: list[int] = field(default_factory=list)
    """Data and pad."""
    crc: tuple[int, int] | None = None
    """The CRC words, once the first is due; DATA IN: the first as it came."""
    padded: bool = False
    broken: bool = False


class InitiatorStrobes:
    """Follows the data phases of a connection while it has a synchronous agreement."""

    def __init__(self, link: InitiatorHandshake, style: StrobeStyle) -> None:
        self.link = link
        self.style = style
        self.early_changes = 0
        """Phases that the target left with ACKs outstanding."""
        self.index = 0
        """Byte offset in this phase."""
        self.reqs = StrobeIn(link.port, M_REQ)
        self._acks = StrobeOut(link.port, "ack", style)
        self._phase = Phase.DATA_OUT

    def arm(self, agreement: Agreement) -> None:
        """Before any data phase: REQs are caught from the first one on."""
        self.reqs.arm(agreement, in_too=True)

    def disarm(self) -> None:
        """The connection is over."""
        self.reqs.disarm()

    async def follow(self, phase: Phase, agreement: Agreement, user: DataUser) -> None:
        """One data phase, to its end."""
        timing = strobe_timing(agreement)
        self._phase, self.index = phase, 0
        self._acks.begin(timing, dt=agreement.is_dt)
        try:
            if agreement.is_dt:
                await self._groups(timing, user)
            else:
                await self._pulses(timing, user, 2 if agreement.wide else 1)
            await self._acks.settle()
        finally:
            lost = bool(self.reqs.edges)
            self.reqs.clear()
        if self._acks.asserted:
            self.link.port.drive(ack=0)
        if lost:
            self.early_changes += 1
            await self.link.port.delay(self.link.port.timing.reaction_time)
            user.data_lost()

    async def _pulses(self, timing: StrobeTiming, user: DataUser, size: int) -> None:
        phase, link, wide = self._phase, self.link, size == 2
        while edge := await self._next():
            if phase.is_in:
                data, good = link.decode(phase, self.index, edge.db, edge.dbp, wide=wide)
                user.take_in(data, good=good)
            else:
                await self._acks.prepare(*link.encode(phase, self.index, user.give_out(size), wide=wide))
            user.moved()
            await self._acknowledge(edge, timing)
            self.index += size

    async def _groups(self, timing: StrobeTiming, user: DataUser) -> None:
        """DT: P_CRCA at a REQ edge tells pad and CRC from data."""
        group = _Group(0)
        while edge := await self._next():
            ends = group.crc is not None
            size = 0 if ends or edge.crca else 2
            word = self._word(edge, group, user)
            if not self._phase.is_in:
                await self._acks.prepare(word, 0)
            if ends:
                if self._phase.is_in and not self._crc_good(group, edge.db):
                    user.data_failed()
                user.moved()
            await self._acknowledge(edge, timing)
            self.index += size
            if ends:
                group = _Group(self.index)
        if (group.words or group.crc) and not self.reqs.edges:
            user.data_failed()

    def _word(self, edge: Edge, group: _Group, user: DataUser) -> int:
        """What goes with this REQ of a data group; in DATA IN it is taken, in DATA OUT returned."""
        if group.crc is not None:
            return group.crc[1]
        if edge.crca and edge.asserted:
            group.crc = (edge.db, 0) if self._phase.is_in else self._crc_of(group)
            return group.crc[0]
        if edge.crca:
            group.padded = True
            group.words.append(edge.db if self._phase.is_in else self.style.pad)
            return self.style.pad ^ int(bool(self.link.faults.take(FaultKind.BAD_PAD, self._phase, group.start)))
        if group.padded and not group.broken:
            # Pad is what CRC follows. Data that go on after it cannot be trusted, whatever their CRC says.
            group.broken = True
            user.data_lost()
        if self._phase.is_in:
            group.words.append(edge.db)
            user.take_in(edge.db.to_bytes(2, "little"), good=True)
            return 0
        data = user.give_out(2)
        group.words.append(int.from_bytes(data, "little"))
        return self.link.encode(self._phase, self.index, data, wide=True)[0]

    def _crc_of(self, group: _Group) -> tuple[int, int]:
        first, second = self.style.crc.words(group.words)
        return first ^ int(bool(self.link.faults.take(FaultKind.BAD_CRC, self._phase, group.start))), second

    def _crc_good(self, group: _Group, second: int) -> bool:
        found = (group.crc[0] if group.crc else 0, second)
        seen_bad = self.link.faults.take(FaultKind.SEE_BAD_CRC, self._phase, group.start)
        return self.style.crc.words(group.words) == found and not seen_bad

    async def _acknowledge(self, edge: Edge, timing: StrobeTiming) -> None:
        """The ACK of one REQ; it waits for the set-up time of an ATN that was raised meanwhile."""
        link, phase, take = self.link, self._phase, self.link.faults.take
        late = link.lateness(phase, self.index)
        stop = take(FaultKind.STOP, phase, self.index)
        if late or stop:
            await self._acks.settle()
            await link.port.delay(late)
        if stop:
            await link.port.wait(lambda _: False)
        if take(FaultKind.SKIP_ACK, phase, self.index):
            return
        earliest = max(edge.time_ps + link.port.timing.reaction_time * 1000, link.atn_ready(timing.atn_setup))
        await self._acks.strike(earliest, hurry=bool(take(FaultKind.HURRY, phase, self.index)))
        if take(FaultKind.EXTRA_ACK, phase, self.index):
            await self._acks.strike()

    async def _next(self) -> Edge | None:
        """The next REQ, or None once the target has left the phase."""
        port, edges, code = self.link.port, self.reqs.edges, self._phase
        if not edges:
            await self._acks.settle()
            if not await port.wait(lambda lines: bool(edges) or phase_of(lines) != code, self.link.stall_ns):
                raise StalledError
        return edges.popleft() if phase_of(port.lines) == code else None
