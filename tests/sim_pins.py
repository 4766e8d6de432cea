"""Pin styles of ScsiBus, inside the simulator, on tests/foreign/pin_styles.v: random levels read as what they are."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import PinStyle, Sampler, ScsiBus, Wires
from cocotbext.scsi.wires import M_ALL, M_DBP

ROUNDS = 100


async def put(dut: Any, others: int, ours: int, on: int) -> None:
    """Set the levels and let them settle."""
    dut.others.value = others
    dut.ours.value = ours
    dut.on.value = on
    await Timer(1, "ns")


def split(dut: Any, **changes: Any) -> ScsiBus:
    """Style a: active low, split, active-low enable."""
    style = PinStyle(input="{}_n_i", output="{}_n_o", enable="{}_oe_n", active_low=True, enable_low=True)
    return ScsiBus(dut, "a", style=style, **changes)


@cocotb.test
async def levels_are_read(dut: Any) -> None:
    """Random levels in every style."""
    open_drain = ScsiBus(dut, "b", style=PinStyle(input="{}_i", enable="{}_oe"), names={"cd": "c_d"})
    packed = ScsiBus(dut, packed="c_all_n", style=PinStyle(active_low=True))
    a = split(dut)
    assert a.width == open_drain.width == packed.width == 16
    seen = set()
    for _ in range(ROUNDS):
        others, ours, on = random.getrandbits(27), random.getrandbits(27), random.getrandbits(1)
        await put(dut, others, ours, on)
        expected = others | ours if on else others
        assert a.read() == (expected, 0, None)
        assert open_drain.read() == (expected, 0, None)
        assert packed.read() == (others, 0, None)
        seen.add(expected)
    assert len(seen) > ROUNDS // 2


@cocotb.test
async def unknown_bits_are_told(dut: Any) -> None:
    """X on a wire is unknown unless something asserts it all the same; X on an enable makes what it enables unknown."""
    a = split(dut)
    await put(dut, 0, 0, 0)
    dut.others.value = "X" * 27
    await Timer(1, "ns")
    assert a.read() == (0, M_ALL, None)
    dut.ours.value = 0b101
    dut.on.value = 1
    await Timer(1, "ns")
    assert a.read() == (0b101, M_ALL & ~0b101, None)
    dut.others.value = 0
    dut.on.value = "X"
    await Timer(1, "ns")
    assert a.read() == (0, 0b101, None)
    dut.ours.value = "X" * 27
    dut.on.value = 0
    await Timer(1, "ns")
    assert a.read() == (0, 0, None)


@cocotb.test
async def parity_is_made_up_where_there_are_no_pins(dut: Any) -> None:
    """Without parity pins every byte reads with correct parity."""
    bus = split(dut, parity=False)
    for _ in range(ROUNDS):
        others = random.getrandbits(27) & ~M_DBP
        await put(dut, others, 0, 0)
        value, unknown, _ = bus.read()
        sample = Wires(0, value)
        assert (value & ~M_DBP, unknown) == (others, 0)
        assert sample.low_parity_ok
        assert sample.high_parity_ok


@cocotb.test
async def wake_scalar_is_enough(dut: Any) -> None:
    """A sampler woken by one scalar sees what one woken by the vector sees, in fewer callbacks."""
    seen: dict[str, list[Wires]] = {"woken": [], "plain": []}

    class Keep:
        def __init__(self, name: str) -> None:
            self.name = name

        def sample(self, wires: Wires) -> None:
            seen[self.name].append(wires)

    await put(dut, 0, 0, 0)
    style = PinStyle(active_low=True)
    Sampler(ScsiBus(dut, packed="c_all_n", style=style, wake="tick"), Keep("woken"))
    Sampler(ScsiBus(dut, packed="c_all_n", style=style), Keep("plain"))
    await Timer(1, "ns")
    for _ in range(ROUNDS):
        await put(dut, random.getrandbits(27), 0, 0)
    assert seen["woken"] == seen["plain"]
    assert len(seen["plain"]) > ROUNDS // 2
