"""Synchronous and DT data phases, seen from the target (spi-facts 8): REQs within the offset, data groups with CRC."""

from __future__ import annotations

from collections.abc import Iterator

from ..agreement import Agreement
from ..constants import Phase
from ..crc import words_of
from ..wires import M_ACK
from .faults import FaultKind
from .handshake import StalledError, TargetHandshake
from .message_receiver import FreeBusError
from .port import now_ps
from .strobe_timing import strobe_timing
from .strobes import StrobeIn, StrobeOut, StrobeStyle


class TargetStrobes:
    """Moves runs of data in the phase that the link has entered. Each returns with all ACKs in and REQ negated."""

    def __init__(self, link: TargetHandshake, style: StrobeStyle, group_sizes: Iterator[int] | None = None) -> None:
        """`group_sizes` yields the bytes of each DT data group; without it, or at its end, a run is one group."""
        self.link = link
        self.style = style
        self.group_sizes = group_sizes
        self._reqs = StrobeOut(link.port, "req", style)
        self._acks = StrobeIn(link.port, M_ACK)
        self._phase = Phase.DATA_OUT
        self._offset = 0
        self._period_ns = 0.0
        self._sent = 0
        self._beyond = 0
        self._crca = 0

    async def send(self, agreement: Agreement, data: bytes) -> None:
        """Data to the initiator."""
        self._begin(agreement)
        if agreement.is_dt:
            start = 0
            for size in self._groups(len(data)):
                await self._send_group(data[start : start + size])
                start += size
        else:
            size = 2 if agreement.wide else 1
            for start in range(0, len(data), size):
                transfer = self.link.encode(self._phase, self.link.index, data[start : start + size], wide=size == 2)
                await self._delay_data()
                await self._reqs.prepare(*transfer)
                await self._request(size)
        await self._end()

    async def receive(self, agreement: Agreement, length: int) -> tuple[bytes, bool]:
        """Data from the initiator, in whole transfers: (bytes, all parity or CRC right)."""
        self._begin(agreement)
        start = self.link.index
        data, good = bytearray(), True
        if agreement.is_dt:
            for size in self._groups(length):
                part, right = await self._receive_group(size)
                data += part
                good = good and right
            await self._end()
            return bytes(data), good
        size = 2 if agreement.wide else 1
        for _ in range(0, length, size):
            await self._request(size)
        await self._end()
        for edge in self._acks.edges:
            part, right = self.link.decode(self._phase, start + len(data), edge.db, edge.dbp, wide=size == 2)
            data += part
            good = good and right
        return bytes(data), good

    # -- DT data groups -----------------------------------------------------------------------------------------

    def _groups(self, length: int) -> Iterator[int]:
        """Sizes of the groups of a run; only the last one can have an odd number of bytes."""
        while length > 0:
            wanted = next(self.group_sizes, length) if self.group_sizes is not None else length
            size = min(length, max(2, wanted & ~1) if wanted < length else length)
            yield size
            length -= size

    async def _send_group(self, data: bytes) -> None:
        link, take, start, before = self.link, self.link.faults.take, self.link.index, self._sent
        words = words_of(data)
        for number, word in enumerate(words):
            early = int(bool(take(FaultKind.CRCA_EARLY, self._phase, link.index)))
            wrong = take(FaultKind.WRONG_BYTE, self._phase, link.index)
            await self._word(word & 0xFF00 | wrong.value if wrong else word, early)
            await self._request(2 if 2 * number + 1 < len(data) else 1)
        # Pad and CRC wait for the ACKs of the group before.
        if self._acks.count < before:
            await self._reqs.settle()
            await self._acknowledged(before)
        if len(words) % 2:
            words.append(self.style.pad)
            await self._word(self.style.pad ^ int(bool(take(FaultKind.BAD_PAD, self._phase, start))), 1)
            await self._request(0)
        first, second = self.style.crc.words(words)
        for word in (first ^ int(bool(take(FaultKind.BAD_CRC, self._phase, start))), second):
            await self._word(word, 1)
            await self._request(0)

    async def _word(self, word: int, crca: int) -> None:
        await self._delay_data()
        await self._reqs.prepare(word, crca, control=crca != self._crca)
        self._crca = crca

    async def _receive_group(self, size: int) -> tuple[bytes, bool]:
        link, take, start, edges = self.link, self.link.faults.take, self.link.index, self._acks.edges
        edges.clear()
        count = (size + 1) // 2
        for _ in range(count):
            await self._mark(int(bool(take(FaultKind.CRCA_EARLY, self._phase, link.index))))
            await self._request(2)
        padded = count + count % 2
        for _ in range(padded - count + 2):
            await self._mark(1)
            await self._request(0)
        await self._reqs.settle()
        await self._acknowledged(self._sent)
        words = [edge.db for edge in edges]
        good = self.style.crc.words(words[:padded]) == (words[padded], words[padded + 1])
        if take(FaultKind.SEE_BAD_CRC, self._phase, start):
            good = False
        return b"".join(word.to_bytes(2, "little") for word in words[:count]), good

    async def _mark(self, crca: int) -> None:
        if crca != self._crca:
            await self._delay_data()
            await self._reqs.control(crca)
            self._crca = crca

    # -- REQ within the offset ----------------------------------------------------------------------------------

    def _begin(self, agreement: Agreement) -> None:
        if self.link.phase is None:
            raise RuntimeError("no phase has been entered")
        self._phase = self.link.phase
        self._offset = agreement.offset
        self._sent = self._beyond = self._crca = 0
        timing = strobe_timing(agreement)
        self._period_ns = timing.period / 1000
        self._reqs.begin(timing, dt=agreement.is_dt)
        self._acks.clear()
        self._acks.arm(agreement, in_too=False)

    async def _end(self) -> None:
        """All ACKs are in, both strobes are negated, P_CRCA is negated."""
        link = self.link
        await self._reqs.settle()
        if not link.faults.take(FaultKind.EARLY_PHASE_CHANGE, self._phase, link.index):
            await self._acknowledged(self._sent)
            if not await link.port.wait(lambda lines: not lines & M_ACK, link.stall_ns):
                raise StalledError
            # An ACK too many shows only now.
            await link.port.delay(2 * self._period_ns)
            await self._acknowledged(self._sent)
        if self._crca:
            await self._reqs.quiet()
            link.port.drive(dbp=0)
        self._acks.arm(Agreement(), in_too=False)

    async def _delay_data(self) -> None:
        if now_ps() < self.link.data_from:
            await self.link.port.delay_until(self.link.data_from)

    async def _request(self, size: int) -> None:
        """One REQ, as soon as the offset permits; `size` bytes of data go with it."""
        link, take, phase = self.link, self.link.faults.take, self._phase
        late = link.lateness(phase, link.index)
        stop = take(FaultKind.STOP, phase, link.index)
        if late or stop:
            await self._reqs.settle()
            await link.port.delay(late)
        if stop:
            await link.port.wait(lambda _: False)
        beyond = take(FaultKind.BEYOND_OFFSET, phase, link.index)
        if beyond:
            self._beyond = beyond.value
        if self._beyond:
            self._beyond -= 1
        elif self._sent - self._acks.count >= self._offset:
            await self._reqs.settle()
            await self._acknowledged(self._sent - self._offset + 1)
        earliest = link.req_from
        if not self._beyond and self._sent - self._acks.count == self._offset - 1:
            # Whoever waits for an ACK needs a moment to see it.
            earliest = max(earliest, self._acks.last_ps + link.port.timing.reaction_time * 1000)
        await self._reqs.strike(earliest, hurry=bool(take(FaultKind.HURRY, phase, link.index)))
        self._sent += 1
        link.index += size

    async def _acknowledged(self, count: int) -> None:
        """Wait for so many ACKs in this run. More ACKs than REQs: the target goes to BUS FREE."""
        acks, link = self._acks, self.link
        while acks.count < count:
            seen = acks.count
            if not await link.port.wait(lambda _, seen=seen: acks.count > seen, link.stall_ns):  # type: ignore[misc]
                raise StalledError
        if acks.count > self._sent:
            raise FreeBusError
