"""The asynchronous REQ/ACK handshake, seen from the initiator and from the target (spi-facts 2, 3.5, 5.1).

A transfer is one byte, or in a DATA phase with 16-bit agreement one word, DB(7-0) being the earlier byte.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..constants import Phase
from ..wires import M_ACK, M_ATN, M_CD, M_IO, M_MSG, M_REQ, M_SEL, phase_of
from .faults import FaultKind, Faults
from .port import ScsiPort, now_ps, parity_of


class StalledError(Exception):
    """The partner did not answer within the stall time."""


def parity_ok(db: int, dbp: int, *, wide: bool) -> bool:
    """DB(P0), and on a wide transfer DB(P1), fit the data."""
    wrong = parity_of(db) ^ dbp
    return not wrong & (3 if wide else 1)


def _not_ours(lines: int) -> bool:
    """The phase lines are those of a phase in which the target drives DB or DB(P0)."""
    return bool(lines & M_IO) or lines & (M_MSG | M_CD) == M_MSG


def pack(data: bytes, *, wide: bool) -> int:
    """What a transfer carries on DB: `data` holds its one or two bytes; a missing second byte is 0."""
    return data[0] | (data[1] << 8 if wide and len(data) > 1 else 0)


def unpack(db: int, *, wide: bool) -> bytes:
    """The bytes of a transfer."""
    return db.to_bytes(2, "little") if wide else bytes([db & 0xFF])


class Handshake:
    """What both sides share: faults, pauses and the stall time."""

    def __init__(self, port: ScsiPort, *, faults: Faults, stall_ns: int, pauses: Iterator[float] | None = None) -> None:
        """`pauses` yields extra nanoseconds before each REQ (target) or ACK (initiator); exhausted means none."""
        self.port = port
        self.faults = faults
        self.stall_ns = stall_ns
        self.pauses = pauses

    async def pause(self, phase: Phase, index: int) -> None:
        """What is due before the next REQ or ACK: a pause, a delay that was asked for as a fault, or a stop."""
        await self.port.delay(self.lateness(phase, index))
        if self.faults.take(FaultKind.STOP, phase, index):
            await self.port.wait(lambda _: False)

    def lateness(self, phase: Phase, index: int) -> float:
        """Nanoseconds by which the next REQ or ACK is late."""
        late = self.faults.take(FaultKind.LATE, phase, index)
        return (next(self.pauses, 0) if self.pauses is not None else 0) + (late.delay_ns if late else 0)

    async def _await(self, mask: int, *, level: bool) -> None:
        met = (lambda lines: bool(lines & mask)) if level else (lambda lines: not lines & mask)
        if not await self.port.wait(met, self.stall_ns):
            raise StalledError
        await self.port.delay(self.port.timing.reaction_time)

    def encode(self, phase: Phase, index: int, data: bytes, *, wide: bool) -> tuple[int, int]:
        """DB and parity that carry `data`, with the faults that are due."""
        wrong = self.faults.take(FaultKind.WRONG_BYTE, phase, index)
        if wrong:
            data = bytes([wrong.value]) + data[1:]
        db = pack(data, wide=wide)
        parity = parity_of(db) & (3 if wide else 1)
        if self.faults.take(FaultKind.BAD_PARITY, phase, index):
            parity ^= 1
        return db, parity

    def decode(self, phase: Phase, index: int, db: int, dbp: int, *, wide: bool) -> tuple[bytes, bool]:
        """The bytes that DB carries, and whether parity is right."""
        good = parity_ok(db, dbp, wide=wide) and not self.faults.take(FaultKind.SEE_BAD_PARITY, phase, index)
        return unpack(db, wide=wide), good


class InitiatorHandshake(Handshake):
    """Answers REQ with ACK."""

    def __init__(self, port: ScsiPort, *, faults: Faults, stall_ns: int, pauses: Iterator[float] | None = None) -> None:
        super().__init__(port, faults=faults, stall_ns=stall_ns, pauses=pauses)
        self._atn_since = 0
        self._req_since = 0
        self._ack_since = 0

    async def next_req(self) -> Phase:
        """Wait for REQ and tell the phase. DB is released as soon as I/O turns true on the way, or the phase lines
        say DT DATA OUT, where DB(P0) is the target's P_CRCA.
        """
        port = self.port
        if port.drives_data:
            if not await port.wait(lambda lines: bool(lines & M_REQ) or _not_ours(lines), self.stall_ns):
                raise StalledError
            if _not_ours(port.lines):
                await port.delay(port.timing.reaction_time)
                port.release_data()
        await self._await(M_REQ, level=True)
        self._req_since = now_ps()
        phase = Phase(phase_of(port.lines))
        if phase.is_in:
            port.release_data()
        return phase

    def raise_atn(self) -> None:
        """Assert ATN; the last ACK of the phase is then kept for at least the ATN setup time."""
        if not self.port.drives("atn"):
            self.port.drive(atn=1)
            self._atn_since = now_ps()

    def atn_ready(self, setup_ps: int) -> int:
        """When ATN, if it is asserted, will have been so for its set-up time, ps."""
        return self._atn_since + setup_ps if self.port.drives("atn") else 0

    async def give(self, phase: Phase, index: int, data: bytes, *, wide: bool = False, last: bool = False) -> None:
        """Send one transfer after REQ. `last`: the last byte of a MESSAGE OUT phase, ATN is negated before ACK."""
        port, timing = self.port, self.port.timing
        await self.pause(phase, index)
        port.drive_data(*self.encode(phase, index, data, wide=wide))
        setup = timing.data_setup
        if last and not self.faults.take(FaultKind.KEEP_ATN, phase, index):
            await port.delay_until(self._atn_since + timing.atn_setup * 1000)
            port.drive(atn=0)
            setup = max(setup, timing.atn_setup)
        await port.delay(setup)
        await self._raise_ack(phase)
        await self.finish(phase)

    async def take(self, phase: Phase, index: int, *, wide: bool = False) -> tuple[bytes, bool]:
        """Read one transfer after REQ: (bytes, parity good). ACK is left asserted; `finish` ends the handshake."""
        await self.pause(phase, index)
        data = self.decode(phase, index, *self.port.read_data(), wide=wide)
        await self._raise_ack(phase)
        return data

    async def _raise_ack(self, phase: Phase) -> None:
        if not phase.is_data:
            await self.port.delay_until(self._req_since + self.port.timing.snoop_time * 1000)
        self.port.drive(ack=1)
        self._ack_since = now_ps()

    async def finish(self, phase: Phase) -> None:
        """Wait for REQ to be negated, then negate ACK, keeping the ATN setup time."""
        timing = self.port.timing
        await self._await(M_REQ, level=False)
        if not phase.is_data:
            await self.port.delay_until(self._ack_since + timing.snoop_time * 1000)
        if self.port.drives("atn"):
            await self.port.delay_until(self._atn_since + timing.atn_setup * 1000)
        self.port.drive(ack=0)


class TargetHandshake(Handshake):
    """Drives the phase lines and REQ."""

    def __init__(self, port: ScsiPort, *, faults: Faults, stall_ns: int, pauses: Iterator[float] | None = None) -> None:
        super().__init__(port, faults=faults, stall_ns=stall_ns, pauses=pauses)
        self.phase: Phase | None = None
        """The phase whose code this target drives; None while it drives none."""
        self.req_from = 0
        """No REQ before this time, ps."""
        self.data_from = 0
        """No data on DB before this time, ps."""
        self.index = 0
        """Byte offset of the next transfer in this phase."""

    async def begin(self, *, reselected: bool) -> None:
        """Start a connection in which this target asserts BSY: wait for SEL to be negated."""
        await self._await(M_SEL, level=False)
        self.phase = Phase.DATA_IN if reselected else None
        self.req_from = self.data_from = now_ps()

    def take_over(self, phase: Phase, lines_since: int) -> None:
        """Start driving the phase lines of a connection that another target holds.

        `lines_since`: when the released lines, which read ST DATA OUT, were first seen so.
        """
        self.phase = Phase.DATA_OUT
        self.index = 0
        self.req_from = self.data_from = lines_since + self.port.timing.bus_settle_delay * 1000
        self.enter(phase)

    def enter(self, phase: Phase) -> None:
        """Change to a phase, or go on in it. REQ and ACK must be negated."""
        if phase is self.phase:
            return
        port, timing, was_in = self.port, self.port.timing, bool(self.phase is not None and self.phase.is_in)
        time = now_ps()
        if was_in and not phase.is_in:
            port.release_data()
        port.drive(msg=phase >> 2 & 1, cd=phase >> 1 & 1, io=phase & 1)
        if phase.is_in and not was_in:
            self.data_from = time + timing.data_turnaround * 1000
        self.req_from = time + timing.bus_settle_delay * 1000
        self.phase = phase
        self.index = 0

    def leave(self) -> None:
        """Release the phase lines, REQ and DB."""
        self.port.drive(msg=0, cd=0, io=0, req=0, db=0, dbp=0)
        self.phase = None

    async def receive(self, *, wide: bool = False) -> tuple[bytes, bool]:
        """One transfer from the initiator in the present phase: (bytes, parity good)."""
        phase = self._current()
        await self.pause(phase, self.index)
        await self.port.delay_until(self.req_from)
        self.port.drive(req=1)
        await self._await(M_ACK, level=True)
        data = self.decode(phase, self.index, *self.port.read_data(), wide=wide)
        await self._end(len(data[0]))
        return data

    async def send(self, data: bytes, *, wide: bool = False) -> None:
        """One transfer to the initiator in the present phase."""
        phase = self._current()
        await self.pause(phase, self.index)
        await self.port.delay_until(self.data_from)
        self.port.drive_data(*self.encode(phase, self.index, data, wide=wide))
        await self.port.delay(self.port.timing.data_setup)
        await self.port.delay_until(self.req_from)
        self.port.drive(req=1)
        await self._await(M_ACK, level=True)
        await self._end(2 if wide else 1)

    async def wait_attention(self, timeout_ns: int) -> bool:
        """Hold the phase with REQ negated until ATN comes; False if it did not."""
        return await self.port.wait(lambda lines: bool(lines & M_ATN), timeout_ns)

    @property
    def attention(self) -> bool:
        """ATN as it is now; looked at when ACK has been negated."""
        return self.port.is_set(M_ATN)

    async def _end(self, size: int) -> None:
        self.port.drive(req=0)
        await self._await(M_ACK, level=False)
        self.index += size

    def _current(self) -> Phase:
        if self.phase is None:
            raise RuntimeError("no phase has been entered")
        return self.phase
