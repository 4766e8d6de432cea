"""In-simulator tests of the parts of the synchronous data path, each alone: one test a design."""

from __future__ import annotations

import random
import zlib
from typing import Any

import cocotb
from cocotb.triggers import First, Timer, ValueChange

from helpers.division import divided
from strobe_rig import DT_LIMITS, FAST_5, FAST_80, ST_LIMITS, ticks_ns, transfer_ns


async def clock(dut: Any, clocks: int = 1) -> None:
    """Whole periods of `clk_i`."""
    for _ in range(clocks):
        dut.clk_i.value = 1
        await Timer(1, "ns")
        dut.clk_i.value = 0
        await Timer(1, "ns")


async def reset(dut: Any) -> None:
    """Out of reset."""
    dut.clk_i.value = 0
    dut.rst_ni.value = 0
    await Timer(1, "ns")
    dut.rst_ni.value = 1
    await Timer(1, "ns")


@cocotb.test
async def periods(dut: Any) -> None:
    """Every factor: no shorter than agreed, no clock more than needed, all transmit times kept around an edge."""
    clock_ns = int(dut.CLK_PERIOD_PS.value) / 1000
    slack = 1 - 210e-6
    for name in ("clear", "dt", "data", "p_crca", "valid", "wide", "db", "factor"):
        getattr(dut, f"{name}_i").value = int(name == "clear")
    await reset(dut)
    for factor in range(FAST_80, 0x100):
        dut.factor_i.value = factor
        await clock(dut, 5)
        setup, hold, crca = (
            (int(getattr(dut, f"{n}_q").value) + 1) * clock_ns * slack for n in ("setup", "hold", "crca")
        )
        period = setup + hold + 1e-9
        assert period >= transfer_ns(factor) * slack, factor
        dt = next(DT_LIMITS[first] for first in sorted(DT_LIMITS, reverse=True) if factor >= first)
        assert period >= dt[0], factor
        assert min(setup, hold) >= dt[1], factor
        assert crca >= dt[2], factor
        assert hold >= dt[3], factor
        assert hold + crca >= dt[4], factor
        if factor > FAST_80:
            st = next(ST_LIMITS[first] for first in sorted(ST_LIMITS, reverse=True) if factor >= first)
            assert hold >= max(st[0], st[3]), factor
            assert setup >= max(st[1], st[2]), factor
        if clock_ns == 6.25:
            assert abs(period - ticks_ns(factor) * slack) < 1e-6, factor
        else:
            assert period <= max(transfer_ns(factor), 2 * max(dt[1], 80.0 if factor >= FAST_5 else 0)) + 2 * clock_ns
        assert crca <= max(setup, dt[2], dt[4] - hold) + 2 * clock_ns, factor


@cocotb.test
async def crc(dut: Any) -> None:
    """Words as the polynomial's long division gives them; a wrong bit is not good."""
    rng = random.Random(cocotb.RANDOM_SEED)
    lsb_first, seed, invert = (int(getattr(dut, name).value) for name in ("LSB_FIRST", "SEED", "INVERT"))
    usual = lsb_first and seed == invert == 0xFFFFFFFF

    async def step() -> None:
        await Timer(1, "ns")
        dut.crc_i.value = int(dut.next_o.value)
        await Timer(1, "ns")

    async def send(data: bytes) -> None:
        dut.en_i.value = 1
        for n in range(0, len(data), 2):
            dut.word_i.value = data[n] | data[n + 1] << 8
            await step()
        dut.en_i.value = 0
        await Timer(1, "ns")

    dut.en_i.value = 0
    dut.clear_i.value = 0
    dut.crc_i.value = 0
    known = {bytes(32): 0x190A55AD, b"\xff" * 32: 0xFF6CAB0B, bytes(range(32)): 0x91267E8A}  # spi-facts 8
    for data in (*known, *(rng.randbytes(2 * rng.randrange(1, 60)) for _ in range(30))):
        dut.clear_i.value = 1
        await step()
        dut.clear_i.value = 0
        await send(data)
        expected = divided(data, bool(lsb_first), seed, invert)
        if usual:
            assert expected == zlib.crc32(data).to_bytes(4, "little")
            assert data not in known or expected == known[data].to_bytes(4, "little")
        assert int(dut.first_o.value) == expected[0] | expected[1] << 8
        assert int(dut.second_o.value) == expected[2] | expected[3] << 8
        assert int(dut.good_o.value) == (not any(expected) and not invert)
        wrong = bytearray(expected)
        wrong[rng.randrange(4)] ^= 1 << rng.randrange(8)
        right = rng.random() < 0.5
        await send(expected if right else bytes(wrong))
        assert int(dut.good_o.value) == right


@cocotb.test
async def short_strobes(dut: Any) -> None:
    """Strobes at the receive limits, in any phase to the clock: each word comes once, in order; earlier edges not."""
    rng = random.Random(cocotb.RANDOM_SEED)
    words = 0
    for dt, high, low, setup, hold in (
        (0, 6.5, 18.5, 4.75, 4.75),  # spi-facts 3.3, Fast-40
        (0, 18.5, 6.5, 4.75, 4.75),
        (0, 12.5, 12.5, 4.75, 4.75),
        (1, 12.5, 12.5, 1.45, 1.45),  # spi-facts 3.4, Fast-80
        (1, 8.5, 16.5, 1.45, 1.45),
        (1, 16.5, 8.5, 1.45, 1.45),
    ):
        for _ in range(6):
            count = 2 * rng.randrange(20, 400)
            dut.dt.value = dt
            for name, ns in (("high", high), ("low", low), ("setup", setup), ("hold", hold)):
                getattr(dut, f"{name}_ps").value = round(ns * 1000)
            dut.words.value = count
            dut.phase_ps.value = rng.randrange(1, 6250)
            dut.ppb.value = rng.randrange(-200_000, 200_001) & 0xFFFFFFFF
            await Timer(1, "ns")
            dut.go.value = 1 - int(dut.go.value)
            finished = ValueChange(dut.finished)
            assert await First(finished, Timer(100, "us")) is finished
            assert (int(dut.came.value), int(dut.wrong.value)) == (count, 0), (dt, high, low)
            words += count
    assert words > 5000
