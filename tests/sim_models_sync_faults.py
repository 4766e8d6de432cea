"""What goes wrong in synchronous and DT data phases of the Python models, how it is seen and what becomes of it."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Phase
from cocotbext.scsi.constants import Asc, Message, SenseKey, Status
from cocotbext.scsi.models import (
    Abilities,
    BreakKind,
    DataBreak,
    Ended,
    Fault,
    FaultKind,
    Faults,
    InitiatorModel,
    Retries,
    TargetModel,
)
from helpers.commands import read_10, write_10
from model_rig import BLOCK, TARGET, Rig, pattern, round_trip, sense_of

MODES = {
    "async": Abilities(),
    "st8": Abilities(False, 0x0A, 7),
    "st16": Abilities(True, 0x0A, 15),
    "dt": Abilities(True, 0x09, 16, dt=True),
}
DETECTED = bytes([Message.INITIATOR_DETECTED_ERROR]).hex()
RESTORE = bytes([Message.RESTORE_POINTERS])
BAD_COPY = (SenseKey.ABORTED_COMMAND, Asc.PARITY_ERROR)
BAD_READ = (SenseKey.ABORTED_COMMAND, Asc.INITIATOR_DETECTED_ERROR)


class Bench:
    """Initiator and target that have agreed on a mode, each with its faults."""

    def __init__(self, dut: Any, mode: str, *, free: bool = False, cable_ns: int = 0, **target: Any) -> None:
        self.rig = Rig(dut, allow_unexpected_free=free, cable_ns=cable_ns)
        self.mine, self.its = Faults(), Faults()
        self.initiator: InitiatorModel = self.rig.initiator(abilities=MODES[mode], faults=self.mine, stall_us=300)
        self.target: TargetModel = self.rig.target(abilities=MODES[mode], faults=self.its, stall_us=100, **target)

    async def agree(self) -> None:
        """Negotiate."""
        await self.initiator.negotiate(TARGET)
        assert self.target.session.agreement.is_sync

    def asked_again(self) -> int:
        """INITIATOR DETECTED ERRORs so far."""
        return self.rig.phases().count((Phase.MSG_OUT, DETECTED))


def at_sender(bench: Bench, out: bool) -> Faults:
    """Faults of whoever sends the data."""
    return bench.mine if out else bench.its


def at_receiver(bench: Bench, out: bool) -> Faults:
    """Faults of whoever receives them."""
    return bench.its if out else bench.mine


CORRUPTIONS = {
    "parity": ("st16", FaultKind.BAD_PARITY, 30, 0),
    "parity, 8 bit": ("st8", FaultKind.BAD_PARITY, 31, 0),
    "wrong CRC": ("dt", FaultKind.BAD_CRC, 22, 0),
    "wrong pad": ("dt", FaultKind.BAD_PAD, 22, 0),
    "wrong byte under a CRC": ("dt", FaultKind.WRONG_BYTE, 40, 0x55),
}


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(case=list(CORRUPTIONS))
async def bad_copy_out(dut: Any, case: str) -> None:
    """DATA OUT: CHECK CONDITION and nothing on the medium; with retries RESTORE POINTERS, and then all is well."""
    mode, kind, index, value = CORRUPTIONS[case]
    bench = Bench(dut, mode, group_sizes=iter([22] * 100))
    await bench.agree()
    for retries in (0, 2):
        bench.target.session.retries = Retries(data_out=retries)
        bench.mine.add(
            Fault(kind, bench.target.session.data_phase(out=True), index, value=value, times=max(retries, 1))
        )
        result = await bench.initiator.command(TARGET, write_10(3), data_out=pattern())
        assert not bench.mine.pending
        assert result.messages_in.count(RESTORE) == retries
        if retries:
            assert result.good
            assert bench.target.medium.written == {3: pattern()}
        else:
            assert result.status == Status.CHECK_CONDITION
            assert await sense_of(bench.initiator) == BAD_COPY
            assert not bench.target.medium.written
    bench.target.medium.written.clear()
    await round_trip(bench.initiator, bench.target)
    await bench.rig.finish("DTR-20" if mode == "dt" else "PAR-05")


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(case=list(CORRUPTIONS))
async def bad_copy_in(dut: Any, case: str) -> None:
    """DATA IN: ATN before the ACK concerned, INITIATOR DETECTED ERROR, RESTORE POINTERS and again, in bounds."""
    mode, kind, index, value = CORRUPTIONS[case]
    bench = Bench(dut, mode, group_sizes=iter([22] * 100))
    await bench.agree()
    bench.target.medium.write(3, pattern())
    phase = bench.target.session.data_phase(out=False)
    for retries in (0, 1, 3):
        bench.target.session.retries = Retries(data_in=retries)
        before = bench.asked_again()
        bench.its.add(Fault(kind, phase, index, value=value, times=max(retries, 1)))
        result = await bench.initiator.command(TARGET, read_10(3))
        assert not bench.its.pending
        assert bench.asked_again() == before + max(retries, 1)
        assert result.messages_in.count(RESTORE) == retries
        assert result.parity_errors == max(retries, 1)
        measured = next(one for one in reversed(bench.rig.meter.phases) if one.atn_at is not None)
        assert measured.owed == 0
        if retries:
            assert result.good
            assert result.data == pattern()
        else:
            assert result.status == Status.CHECK_CONDITION
            assert await sense_of(bench.initiator) == BAD_READ
    await bench.rig.finish("DTR-19" if mode == "dt" else "PAR-06")


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(mode=["st16", "dt"])
async def many_bad_at_once(dut: Any, mode: str) -> None:
    """Several bad words or groups in one phase: reported once, repeated once."""
    bench = Bench(dut, mode, group_sizes=iter([16] * 100))
    await bench.agree()
    bench.target.medium.write(3, pattern())
    kind = FaultKind.BAD_CRC if mode == "dt" else FaultKind.BAD_PARITY
    phase = bench.target.session.data_phase(out=False)
    bench.its.add(*(Fault(kind, phase, index) for index in (0, 16, 48)))
    result = await bench.initiator.command(TARGET, read_10(3))
    assert result.good
    assert result.data == pattern()
    assert result.parity_errors == 3
    assert bench.asked_again() == 1
    assert result.messages_in.count(RESTORE) == 1
    await bench.rig.finish("DTR-19" if mode == "dt" else "PAR-06")


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(mode=["st16", "dt"], out=[False, True])
async def seen_though_right(dut: Any, mode: str, out: bool) -> None:
    """The receiver takes right parity, or a right CRC, for wrong: the same recovery."""
    bench = Bench(dut, mode, retries=Retries(1, 1))
    await bench.agree()
    kind = FaultKind.SEE_BAD_CRC if mode == "dt" else FaultKind.SEE_BAD_PARITY
    at_receiver(bench, out).add(Fault(kind, bench.target.session.data_phase(out=out)))
    results = await round_trip(bench.initiator, bench.target)
    assert results[not out].messages_in.count(RESTORE) == 1
    assert bench.asked_again() == (not out)
    await bench.rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(out=[False, True])
async def crca_at_the_wrong_time(dut: Any, out: bool) -> None:
    """P_CRCA at a word of data: initiator and target see different groups, and nothing wrong is taken for good."""
    bench = Bench(dut, "dt", free=True)
    await bench.agree()
    phase = bench.target.session.data_phase(out=out)
    for index in (16, 18):
        # At an assertion of REQ it reads as CRC; at a negation as a pad word, after which nothing but CRC may come.
        bench.target.medium.written.clear()
        if not out:
            bench.target.medium.write(3, pattern())
        bench.its.add(Fault(FaultKind.CRCA_EARLY, phase, index))
        cdb, data = (write_10(3), pattern()) if out else (read_10(3), b"")
        result = await bench.initiator.command(TARGET, cdb, data_out=data)
        assert not bench.its.pending
        if index == 18:
            assert result.ended is Ended.ABORTED
        elif out:
            assert result.status == Status.CHECK_CONDITION
        else:
            assert result.good
            assert result.data == pattern()
            assert result.parity_errors
        if out:
            assert not bench.target.medium.written
    bench.target.medium.written.clear()
    await round_trip(bench.initiator, bench.target)
    await bench.rig.finish("DTR-16", "DTR-17")


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(mode=["st16", "dt"], out=[False, True])
async def beyond_the_offset(dut: Any, mode: str, out: bool) -> None:
    """More REQs than the offset: seen at the bus; this initiator has room for them, so the data are whole."""
    bench = Bench(dut, mode, cable_ns=40)
    await bench.agree()
    offset = bench.target.session.agreement.offset
    phase = bench.target.session.data_phase(out=out)
    bench.mine.add(Fault(FaultKind.LATE, phase, 2, delay_ns=2_000))
    bench.its.add(Fault(FaultKind.BEYOND_OFFSET, phase, 2 * offset, value=4))
    await round_trip(bench.initiator, bench.target)
    assert not bench.its.pending
    moved = bench.rig.meter.phases[-1 - out]
    assert moved.offset > offset
    assert bench.rig.meter.phases[-1 - (not out)].offset <= offset
    await bench.rig.finish("DTR-13" if mode == "dt" else "SYN-11")


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(mode=["st8", "st16", "dt"], out=[False, True])
async def acks_lost_and_found(dut: Any, mode: str, out: bool) -> None:
    """One ACK too few: the target's stall timer frees the bus. One too many: it does so at once."""
    bench = Bench(dut, mode, free=True)
    await bench.agree()
    phase = bench.target.session.data_phase(out=out)
    bench.target.medium.write(1, pattern())
    for kind, owed in ((FaultKind.SKIP_ACK, 1), (FaultKind.EXTRA_ACK, -1)):
        bench.mine.add(Fault(kind, phase, BLOCK // 2))
        before = len(bench.target.medium.written)
        cdb = write_10(3) if out else read_10(1)
        result = await bench.initiator.command(TARGET, cdb, data_out=pattern() if out else b"")
        assert not bench.mine.pending
        assert result.ended is Ended.BUS_FREE
        assert len(bench.target.medium.written) == before
        assert (bench.rig.meter.phases[-1].owed > 0) == (owed > 0)
    bench.target.medium.written.clear()
    await round_trip(bench.initiator, bench.target)
    broken = {"dt": ("DTR-14", "DTR-20") if out else ("DTR-14",)}
    await bench.rig.finish(*broken.get(mode, ("SYN-12",)))


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(mode=["st16", "dt"])
async def early_phase_change(dut: Any, mode: str) -> None:
    """The target goes on with ACKs outstanding: the initiator aborts the task."""
    bench = Bench(dut, mode, free=True)
    await bench.agree()
    bench.target.medium.write(3, pattern())
    bench.mine.add(Fault(FaultKind.LATE, bench.target.session.data_phase(out=False), BLOCK - 6, delay_ns=3_000))
    bench.its.add(Fault(FaultKind.EARLY_PHASE_CHANGE, bench.target.session.data_phase(out=False), BLOCK))
    result = await bench.initiator.command(TARGET, read_10(3))
    assert not bench.its.pending
    assert bench.initiator.strobes.early_changes == 1
    assert result.ended is Ended.ABORTED
    await Timer(5, unit="us")
    bench.target.medium.written.clear()
    await round_trip(bench.initiator, bench.target)
    await bench.rig.finish(*(("DTR-15", "HSK-01", "PHS-02") if mode == "dt" else ("HSK-03", "SYN-13")))


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(mode=["st16", "dt"], out=[False, True])
async def too_fast(dut: Any, mode: str, out: bool) -> None:
    """A strobe that comes too early is seen at the bus and moves the same data."""
    bench = Bench(dut, mode)
    await bench.agree()
    at_sender(bench, out).add(Fault(FaultKind.HURRY, bench.target.session.data_phase(out=out), 40))
    await round_trip(bench.initiator, bench.target)
    hurried, other = bench.rig.meter.phases[-1 - out], bench.rig.meter.phases[-1 - (not out)]
    period = 12_500 if mode == "dt" else 25_000
    assert min(hurried.req_period, hurried.ack_period) < period <= min(other.req_period, other.ack_period)
    broken = {
        ("st16", False): ("SYN-01",),
        ("st16", True): ("SYN-02",),
        ("dt", False): ("DTR-01", "DTR-03"),
        ("dt", True): ("DTR-02", "DTR-04"),
    }
    await bench.rig.finish(*broken[mode, out])


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(mode=["st16", "dt"], out=[False, True])
async def stops(dut: Any, mode: str, out: bool) -> None:
    """Either side falls silent in mid-data: the other's timer ends it, and the next command works."""
    bench = Bench(dut, mode, free=True)
    await bench.agree()
    phase = bench.target.session.data_phase(out=out)
    cdb, data = (write_10(3), pattern()) if out else (read_10(3), b"")
    bench.mine.add(Fault(FaultKind.STOP, phase, 20))
    assert (await bench.initiator.command(TARGET, cdb, data_out=data)).ended is Ended.BUS_FREE
    bench.its.add(Fault(FaultKind.STOP, phase, 20))
    assert (await bench.initiator.command(TARGET, cdb, data_out=data)).ended is Ended.TIMEOUT
    await Timer(1, unit="us")
    assert not bench.target.session.agreements
    assert not bench.initiator.agreements
    await bench.initiator.command(TARGET, read_10(3))
    await bench.agree()
    await round_trip(bench.initiator, bench.target)
    await bench.rig.finish()


@cocotb.test(timeout_time=40, timeout_unit="ms")
@cocotb.parametrize(mode=list(MODES))
async def interruptions(dut: Any, mode: str) -> None:
    """Saved or not, with and without leaving the bus, at random words: the data are whole, each break happened once."""
    rng = random.Random(cocotb.RANDOM_SEED)
    bench = Bench(dut, mode, group_sizes=iter([rng.randrange(1, 40) for _ in range(900)]))
    await bench.initiator.negotiate(TARGET)
    expected = {
        BreakKind.SAVE: (1, 1, 0),
        BreakKind.LOSE: (0, 1, 0),
        BreakKind.RESTORE: (0, 0, 1),
        BreakKind.PAUSE: (1, 0, 0),
    }
    for _ in range(6):
        places = sorted(rng.sample(range(2, 2 * BLOCK, 2), rng.randrange(1, 5)))
        breaks = [DataBreak(at, rng.choice(list(BreakKind))) for at in places]
        bench.target.breaks = tuple(breaks)
        bench.target.medium.written.clear()
        for result in await round_trip(bench.initiator, bench.target, blocks=2, tag=rng.randrange(256)):
            saves, leaves, restores = (sum(expected[one.kind][n] for one in breaks) for n in range(3))
            assert result.messages_in.count(bytes([Message.SAVE_DATA_POINTER])) == saves
            assert result.messages_in.count(bytes([Message.DISCONNECT])) == leaves == result.reselections
            assert result.messages_in.count(RESTORE) == restores
    await bench.rig.finish()
