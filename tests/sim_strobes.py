"""In-simulator tests of the synchronous data paths: the RTL of a target against that of an initiator on one cable."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import cocotb

from cocotbext.scsi.crc import CrcConvention
from strobe_rig import (
    ATN_SETUP_NS,
    CLOCK_NS,
    FAST_10,
    FAST_20,
    FAST_40,
    FAST_80,
    MODES,
    NS_30,
    Run,
    clean,
    clocks,
    do,
    fastest,
    on_the_wires,
    rate,
    ticks_ns,
    timing,
    transfer_ns,
)

WAYS = tuple((dt, wide, inward) for dt, wide in MODES for inward in (False, True))
"""(dt, wide, inward)"""


def seeded() -> random.Random:
    """The test's own random numbers."""
    return random.Random(cocotb.RANDOM_SEED)


@cocotb.test
async def every_mode_and_length(dut: Any) -> None:
    """Both directions, all modes, even, odd and single bytes, without and with cable."""
    rng = seeded()
    runs = 0
    for dt, wide, inward in WAYS:
        for length in (1, 2, 3, 4, 5, 6, 7, 8, 64, 65, 66, 67, 512):
            cable = rng.choice((0.0, 125.0))
            offset = rng.choice((1, 15, 127))
            got = await do(dut, Run(fastest(dt), offset, wide, dt, inward, length, cable_ns=cable, **clocks(rng)))
            clean(got)
            timing(got)
            runs += 1
    assert runs == 78


@cocotb.test
async def words_on_the_wires(dut: Any) -> None:
    """Order of bytes, parity, pad, CRC and P_CRCA as the standard and docs/protocol.md have them."""
    rng = seeded()
    compared = 0
    names = ("CRC_LSB_FIRST", "CRC_SEED", "CRC_INVERT")
    lsb_first, first, invert = (int(getattr(dut, name).value) for name in names)
    convention = CrcConvention(bool(lsb_first), first, invert)
    for dt, wide, inward in WAYS:
        for length in (1, 2, 3, 4, 5, 6, 7, 8, 33, 60):
            run = Run(fastest(dt), rng.choice((3, 60)), wide, dt, inward, length, **clocks(rng))
            got = await do(dut, run)
            words, crca = on_the_wires(run, convention)
            sent = got.req_words if inward else got.ack_words
            assert [word & 0x3FFFF for word in sent] == words, (run, [f"{w:05x}" for w in sent])
            assert [word >> 18 for word in got.req_words] == crca, run
            if not inward:
                assert not any(word & 0x3FFFF for word in got.req_words), run  # the target drives no data
            else:
                assert not any(got.ack_words), run
            compared += len(words)
    assert compared > 500


@cocotb.test
async def every_period(dut: Any) -> None:
    """Wire timing at every transfer period factor, ST and DT."""
    rng = seeded()
    runs = 0
    for factor in [*range(FAST_80, 0x36), *range(0x36, 0x100, 29), 0xFF]:
        for dt in (False, True):
            if factor == FAST_80 and not dt:
                continue
            run = Run(factor, 16, True, dt, rng.random() < 0.5, rng.choice((10, 14, 16)), **clocks(rng))
            got = await do(dut, run)
            clean(got)
            timing(got)
            side = got.req if run.inward else got.ack
            nominal = ticks_ns(factor)
            assert abs(side["period"] - nominal) < nominal * 300e-6 + 0.002, (run, side["period"], nominal)
            runs += 1
    assert runs == 105, runs


@cocotb.test
async def every_offset(dut: Any) -> None:
    """Offsets 1 to 127 are kept and, on a cable that asks for it, used up."""
    rng = seeded()
    full = 0
    for offset in (1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 62, 63, 64, 100, 126, 127):
        for dt in (False, True):
            for inward in (False, True):
                cable = offset * transfer_ns(fastest(dt))
                length = 4 * offset + 20
                run = Run(fastest(dt), offset, True, dt, inward, length, cable_ns=cable, **clocks(rng))
                got = await do(dut, run)
                clean(got)
                timing(got)
                full += got.req["ahead"] == offset
    assert full == 68, full


@cocotb.test
async def full_rate_over_25_m(dut: Any) -> None:
    """4096 bytes each way at the agreed rate, with the offset that the cable asks for; the clocks differ by 200 ppm."""
    rng = seeded()
    seen = []
    for dt, wide, factor, offset in (
        (True, True, FAST_80, 62),
        (True, True, FAST_40, 31),
        (True, True, FAST_20, 31),
        (False, True, FAST_40, 31),
        (False, True, NS_30, 31),
        (False, True, FAST_20, 15),
        (False, False, FAST_40, 31),
        (False, True, FAST_10, 15),
    ):
        for inward in (False, True):
            apart = clocks(rng) | {"ppm": rng.choice(((100.0, -100.0), (-100.0, 100.0)))}
            length = 4096 if factor < FAST_10 else 1024
            got = await do(dut, Run(factor, offset, wide, dt, inward, length, cable_ns=125.0, **apart))
            clean(got)
            timing(got)
            seen.append(rate(got))
            lead = got.req["first"] - got.values["start_at"] / 1000
            tail = got.values["done_at"] / 1000 - got.ack["fall"] - 125.0
            dut._log.info(
                f"{got.run.factor:02X}h dt={dt} in={inward}: {seen[-1]:.4f}, first REQ {lead} ns, end {tail} ns"
            )
            assert seen[-1] >= 0.98, (got.run, seen[-1])
            # phase settle, set-up of the first word, a few clocks
            assert lead <= (800 if inward else 400) + ticks_ns(factor) / 2 * inward + 7 * CLOCK_NS, (got.run, lead)
            assert tail <= 8 * CLOCK_NS, (got.run, tail)
    assert len(seen) == 16


@cocotb.test
async def turnaround(dut: Any) -> None:
    """With offset 1 each word waits for the answer to the one before: a few clocks in each device."""
    rng = seeded()
    for dt, wide, inward in WAYS:
        got = await do(dut, Run(fastest(dt), 1, wide, dt, inward, 40, **clocks(rng)))
        clean(got)
        mean = (got.req["last"] - got.req["first"]) / (got.req["sent"] - 1) / CLOCK_NS
        dut._log.info(f"dt={dt} in={inward}: {mean:.1f} clocks from REQ to REQ")
        assert mean <= 24, (got.run, mean)


@cocotb.test
async def random_phases(dut: Any) -> None:
    """Anything goes with anything."""
    rng = seeded()
    for _ in range(120):
        dt, wide, inward = rng.choice(WAYS)
        factor = rng.choice([FAST_40, FAST_40, NS_30, FAST_20, 0x0D, 0x10, FAST_10] + ([FAST_80] * 3 if dt else []))
        cable = rng.choice((0.0, 3.3, 12.1, 60.0, 125.0))
        stray = rng.random() < 0.3
        offset, length = rng.randrange(1, 128), rng.randrange(1, 200)
        run = Run(factor, offset, wide, dt, inward, length, cable_ns=cable, stray=stray, **clocks(rng))
        got = await do(dut, run)
        clean(got)
        timing(got)


@cocotb.test
async def source_that_pauses(dut: Any) -> None:
    """Several starts in one phase: pauses between runs of data; in DT a group each."""
    rng = seeded()
    for dt, wide, inward in WAYS:
        for chunk in (2, 6, 16, 32):
            cable = rng.choice((0.0, 125.0))
            run = Run(fastest(dt), 20, wide, dt, inward, 90, chunk=chunk, cable_ns=cable, **clocks(rng))
            got = await do(dut, run)
            assert got.values["t_dones"] == -(-90 // chunk)
            clean(got)
            timing(got)


@cocotb.test
async def initiator_that_looks_up_its_task(dut: Any) -> None:
    """While the initiator cannot say whose data it is, no REQ is answered and none is lost."""
    rng = seeded()
    for dt, wide, inward in WAYS:
        for stall_ns in (30.0, 200.0, 700.0):
            run = Run(fastest(dt), 7, wide, dt, inward, 40, stall_ns=stall_ns, cable_ns=12.1, **clocks(rng))
            got = await do(dut, run)
            clean(got)
            timing(got)
            assert got.ack["first"] >= got.req["first"] + run.cable_ns + stall_ns, (run, got.req, got.ack)


@cocotb.test
async def strobes_while_the_phase_settles(dut: Any) -> None:
    """REQ and ACK that move before the first REQ is due count for nothing."""
    rng = seeded()
    for dt, wide, inward in WAYS:
        for cable in (0.0, 60.0):
            clean(await do(dut, Run(fastest(dt), 9, wide, dt, inward, 40, cable_ns=cable, stray=True, **clocks(rng))))


@cocotb.test
async def phase_that_is_cut_off(dut: Any) -> None:
    """A target that lets go in the middle: everything is released, and the next phase is as good as any."""
    rng = seeded()
    cut = 0
    for dt, wide, inward in WAYS:
        for abort_ns in (7.0, 60.0, 333.0, 900.0):
            cable = rng.choice((0.0, 60.0))
            run = Run(fastest(dt), rng.choice((1, 40)), wide, dt, inward, 300, cable_ns=cable, **clocks(rng))
            got = await do(dut, replace(run, abort_ns=abort_ns))
            assert got.values["t_dones"] == 0, (run, got.values)
            cut += got.req["sent"] < run.strobes
            clean(await do(dut, run))
    assert cut == 24, cut


@cocotb.test
async def wrong_parity_and_crc(dut: Any) -> None:
    """One wrong wire is told by the receiver, in DATA IN with ATN before the last ACK falls; without it nothing is."""
    rng = seeded()
    for dt, wide, inward in WAYS:
        for spoil_at in (0, 1, 9, 10, 15, *((16, 17) if dt else ())):
            bits = range(16) if dt else range(18) if wide else (*range(8), 16)
            apart = clocks(rng) | {"cable_ns": rng.choice((0.0, 125.0))}
            length = 32 if wide else 16
            run = Run(fastest(dt), rng.choice((1, 31)), wide, dt, inward, length, spoil_at=spoil_at, **apart)
            clean(await do(dut, run))
            got = await do(dut, replace(run, spoil=1 << rng.choice(bits)))
            values = got.values
            if dt:
                assert values["crc_errors"] == 1, (run, values)
                assert values["wrong"] == (spoil_at < 16), (run, values)
            else:
                assert values["crc_errors"] == 0, (run, values)
                assert (values["t_errors"], values["i_errors"]) == ((0, 1) if inward else (1, 0)), (run, values)
            if inward:
                assert 0 < values["atn_at"] / 1000 <= got.ack["fall"] - ATN_SETUP_NS, (run, values, got.ack)
            else:
                assert values["atn_at"] == 0, (run, values)


@cocotb.test
async def too_much_data(dut: Any) -> None:
    """A target that moves more than there is gets zeros or is not listened to, and it is told; it never hangs."""
    rng = seeded()
    for dt, wide, inward in WAYS:
        for length, room in ((64, 40), (40, 39), (33, 1)):
            run = Run(fastest(dt), 12, wide, dt, inward, length, room, cable_ns=60.0, **clocks(rng))
            got = await do(dut, run)
            over = run.words - -(-room // (2 if wide else 1))
            values = got.values
            assert (values["overruns"], values["compared"], values["moved"]) == (over, room, room), (run, values)
            if inward:
                assert values["wrong"] == 0, (run, values)
            assert got.req["sent"] == got.ack["sent"] == run.strobes


@cocotb.test
async def phase_that_is_not_agreed(dut: Any) -> None:
    """ST where DT is agreed and the other way round: each word is answered, none counts, and it is told."""
    rng = seeded()
    for dt in (False, True):
        for inward in (False, True):
            for other in (0x8000, 0x9F0A, 0x19F09):
                if dt == bool(other & 0x10000):
                    continue
                run = Run(FAST_40, 0, True, dt, inward, 20, initiator=other, **clocks(rng))
                got = await do(dut, run)
                values = got.values
                assert (values["overruns"], values["moved"], values["t_dones"]) == (10, 0, 1), (run, values)
                assert got.req["sent"] == got.ack["sent"], (run, got.req, got.ack)


@cocotb.test
async def attention_with_the_last_word(dut: Any) -> None:
    """Mirrored copy: ATN goes up between the last REQ and the negation of the last ACK, with its set-up time."""
    rng = seeded()
    for dt, wide in MODES:
        for length in (1, 2, 5, 64, 130):
            for offset in (1, 6, 60):
                run = Run(fastest(dt), offset, wide, dt, False, length, cable_ns=60.0, mirrored=True, **clocks(rng))
                got = await do(dut, run)
                clean(got)
                timing(got)
                atn = got.values["atn_at"]
                assert 0 < got.values["i_req_at"] <= atn, (run, got.values)
                assert atn / 1000 <= got.ack["fall"] - ATN_SETUP_NS, (run, got.values, got.ack)
