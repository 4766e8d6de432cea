"""The bench itself, inside the simulator: clocks, cables, saboteurs, Python ports; needs no device RTL to be right."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge, Timer, ValueChange
from cocotb.utils import get_sim_time

from cocotbext.scsi.wires import M_ALL, NAMES
from silentmirror.bench import CLK_PERIOD_PS, Bench, BenchConfig, Kind, SlotConfig

PY = Kind.PYTHON
PORTS = {14: "py0", 15: "py1"}


def now_ps() -> int:
    """Simulation time in picoseconds."""
    return int(get_sim_time("ps"))


def say(dut: Any, slot: int, value: int) -> None:
    """Let a Python port assert exactly these 27 wires."""
    prefix = PORTS[slot]
    for bit, name in enumerate(NAMES[:9]):
        getattr(dut, f"{prefix}_{name}_o").value = value >> bit & 1
    getattr(dut, f"{prefix}_db_o").value = value >> 9 & 0xFFFF
    getattr(dut, f"{prefix}_dbp_o").value = value >> 25 & 3


def heard(dut: Any, slot: int) -> int:
    """What a Python port sees."""
    prefix = PORTS[slot]
    value = sum(int(getattr(dut, f"{prefix}_{name}_i").value) << bit for bit, name in enumerate(NAMES[:9]))
    return value | int(getattr(dut, f"{prefix}_db_i").value) << 9 | int(getattr(dut, f"{prefix}_dbp_i").value) << 25


def bus(dut: Any) -> int:
    """The centre of the star."""
    return int(dut.bus_all.value)


async def ports_only(dut: Any, **cables: float) -> Bench:
    """A started bench with two Python ports and nothing else; `slot14`, `slot15` give cable delays in ns."""
    slots = {n: SlotConfig(PY, cable_ns=cables.get(f"slot{n}", 0.0)) for n in PORTS}
    bench = Bench(dut, BenchConfig(slots))
    await bench.start()
    for slot in PORTS:
        say(dut, slot, 0)
    await Timer(1, "ns")
    return bench


@cocotb.test
async def clocks_honour_ppm(dut: Any) -> None:
    """Over 2000 cycles each clock's period is the nominal one changed by its offset, to 1 ps in all; phases hold."""
    cases = {0: (0.0, 0), 2: (200.0, 17), 3: (-200.0, 3125), 4: (0.4, 6249), 13: (-77.123, 1)}
    slots = {
        n: SlotConfig(Kind.INITIATOR if n == 0 else Kind.TARGET, scsi_id=n, ppm=ppm, phase_ps=phase)
        for n, (ppm, phase) in cases.items()
    }
    bench = Bench(dut, BenchConfig(slots))
    await bench.start()
    spans: dict[int, int] = {}
    firsts: dict[int, int] = {}

    async def measure(slot: int) -> None:
        clk = bench.slot(slot).clk
        await RisingEdge(clk)
        firsts[slot] = now_ps()
        for _ in range(2000):
            await RisingEdge(clk)
        spans[slot] = now_ps() - firsts[slot]

    for task in [cocotb.start_soon(measure(slot)) for slot in cases]:
        await task
    assert len(spans) == len(cases)
    for slot, (ppm, _phase) in cases.items():
        expected = 2000 * CLK_PERIOD_PS / (1 + ppm * 1e-6)
        assert abs(spans[slot] - expected) <= 1.0, f"slot {slot}: {spans[slot]} ps, expected {expected}"
    # The clocks have run few enough cycles that a phase difference still shows, less what the offsets add.
    late = (firsts[3] - firsts[0]) % CLK_PERIOD_PS
    assert abs(late - 3125) < 50, late


@cocotb.test
async def seed_decides_clocks(dut: Any) -> None:
    """Phase and offset that are not given come from the seed: same seed, same clock; another seed or slot, another."""
    slots = {n: SlotConfig(Kind.TARGET, scsi_id=n) for n in (2, 3)}
    one, again, other = BenchConfig(slots, 1), BenchConfig(slots, 1), BenchConfig(slots, 2)
    assert one.clock_of(2) == again.clock_of(2)
    assert one.clock_of(2) != one.clock_of(3)
    assert one.clock_of(2) != other.clock_of(2)
    edges: list[list[int]] = []
    for config in (one, again, other):
        bench = Bench(dut, config)
        await bench.start()
        start = now_ps()
        await RisingEdge(bench.slot(2).clk)
        first = now_ps() - start
        await RisingEdge(bench.slot(3).clk)
        edges.append([first, now_ps() - start])
    assert edges[0] == edges[1] != edges[2]


@cocotb.test
async def unused_slots_are_silent(dut: Any) -> None:
    """Slots that are off have a stopped clock, drive nothing and hear nothing; so does a Python port that is off."""
    bench = Bench(dut, BenchConfig({14: SlotConfig(PY)}))
    await bench.start()
    say(dut, 14, M_ALL)
    say(dut, 15, M_ALL)
    await Timer(100, "ns")
    assert int(dut.drv_all.value) == M_ALL << (27 * 14)
    assert heard(dut, 14) == M_ALL
    assert heard(dut, 15) == 0
    clocks = [dut.slot[n].ctl.clk_o for n in range(16)]
    for _ in range(50):
        await Timer(777, "ps")
        assert not any(int(clk.value) for clk in clocks)
    for n in (0, 1, 2, 13):
        assert int(dut.slot[n].hears.value) == 0
    say(dut, 14, 0)
    say(dut, 15, 0)


@cocotb.test
async def python_ports_or_together(dut: Any) -> None:
    """Two Python ports share each of the 27 wires; both see the OR, and who drives is told apart, without delay."""
    await ports_only(dut)
    compared = 0
    for bit, name in enumerate(NAMES):
        for first, second in ((1, 0), (0, 1), (1, 1), (0, 0)):
            say(dut, 14, first << bit)
            say(dut, 15, second << bit)
            before = now_ps()
            await Timer(1, "ps")
            expected = (first | second) << bit
            assert (bus(dut), heard(dut, 14), heard(dut, 15)) == (expected,) * 3, name
            assert int(dut.drv_all.value) == first << (27 * 14 + bit) | second << (27 * 15 + bit), name
            if bit < 9:
                assert int(getattr(dut, f"bus_{name}").value) == first | second
                assert int(getattr(dut, f"drv_{name}").value) == first << 14 | second << 15
            assert now_ps() == before + 1
            compared += 1
    assert compared == 27 * 4
    say(dut, 14, 0xA5C3 << 9 | 2 << 25)
    await Timer(1, "ps")
    assert (int(dut.bus_db.value), int(dut.bus_dbp.value)) == (0xA5C3, 2)
    say(dut, 14, 0)


async def edge_times(dut: Any, names: list[str], times: dict[str, int]) -> None:
    """Note when each net rises next."""

    async def one(name: str) -> None:
        await RisingEdge(getattr(dut, name))
        times[name] = now_ps()

    for task in [cocotb.start_soon(one(name)) for name in names]:
        await task


@cocotb.test
async def cables_delay_each_way(dut: Any) -> None:
    """A cable's delay applies out and in; zero takes no time; a pulse shorter than the delay survives."""
    await ports_only(dut, slot14=12.345, slot15=3.0)
    times: dict[str, int] = {}
    watch = cocotb.start_soon(edge_times(dut, ["bus_req", "py0_req_i", "py1_req_i"], times))
    dut.py0_req_o.value = 1
    await RisingEdge(dut.py0_req_o)
    start = now_ps()
    await Timer(500, "ps")
    dut.py0_req_o.value = 0
    await watch
    assert {name: time - start for name, time in times.items()} == {
        "bus_req": 12345,
        "py1_req_i": 15345,
        "py0_req_i": 24690,
    }
    await Timer(500, "ps")
    await ReadOnly()
    assert int(dut.py0_req_i.value) == 0
    await Timer(50, "ns")
    assert bus(dut) == 0

    bench = await ports_only(dut)
    times.clear()
    watch = cocotb.start_soon(edge_times(dut, ["bus_ack", "py0_ack_i", "py1_ack_i"], times))
    dut.py1_ack_o.value = 1
    await RisingEdge(dut.py1_ack_o)
    start = now_ps()
    await watch
    assert set(times.values()) == {start}
    bench.slot(15).set_cable(5.0)
    await bench.settle()
    dut.py1_ack_o.value = 0
    await Timer(4999, "ps")
    assert int(dut.bus_ack.value) == 1
    await Timer(2, "ps")
    assert int(dut.bus_ack.value) == 0


@cocotb.test
async def saboteur_levels(dut: Any) -> None:
    """Invert, stick and silence act per signal and direction, at once, add up, and end with clear."""
    bench = await ports_only(dut)
    tx, rx = bench.slot(14).tx, bench.slot(15).rx
    bit = {name: 1 << n for n, name in enumerate(NAMES)}
    say(dut, 14, bit["bsy"] | bit["db3"])
    await Timer(1, "ps")

    async def settled(expect_bus: int, expect_heard: int) -> None:
        before = now_ps()
        await bench.settle()
        await ReadOnly()
        assert now_ps() == before, "a fault must act in the time step of the call"
        assert bus(dut) == expect_bus, NAMES
        assert (heard(dut, 14), heard(dut, 15)) == (expect_bus, expect_heard)
        await Timer(1, "ps")

    base = bit["bsy"] | bit["db3"]
    await settled(base, base)
    rx.invert(["bsy", "atn"])
    await settled(base, bit["db3"] | bit["atn"])
    rx.invert("dbp1")
    await settled(base, bit["db3"] | bit["atn"] | bit["dbp1"])
    rx.clear()
    tx.invert("dbp")
    await settled(base | bit["dbp0"] | bit["dbp1"], base | bit["dbp0"] | bit["dbp1"])
    tx.clear()
    tx.stick(["bsy"], 0)
    tx.stick(["req", "db15"], 1)
    stuck = bit["db3"] | bit["req"] | bit["db15"]
    await settled(stuck, stuck)
    tx.stick("req", 0)
    stuck &= ~bit["req"]
    await settled(stuck, stuck)
    tx.silence()
    await settled(0, 0)
    tx.clear()
    rx.silence()
    await settled(base, 0)
    rx.clear()
    await settled(base, base)
    say(dut, 14, 0)


@cocotb.test
async def saboteur_from_read_only(dut: Any) -> None:
    """A fault that is asked for in the read-only phase acts in the next time step."""
    bench = await ports_only(dut)
    await ReadOnly()
    bench.slot(14).tx.stick("sel", 1)
    await bench.settle()
    await Timer(1, "ps")
    assert int(dut.bus_sel.value) == 1
    bench.slot(14).tx.clear()
    await Timer(1, "ps")
    assert int(dut.bus_sel.value) == 0


@cocotb.test
async def saboteur_delays(dut: Any) -> None:
    """Delayed signals come late by the run-time delay, others do not; a level that stands shows no glitch."""
    bench = await ports_only(dut)
    tx = bench.slot(14).tx
    dut.py0_bsy_o.value = 1
    await Timer(1, "ns")
    tx.delay(["req", "bsy"], 20.5)
    await bench.settle()
    for _ in range(60):
        await Timer(500, "ps")
        assert int(dut.bus_bsy.value) == 1
    times: dict[str, int] = {}
    watch = cocotb.start_soon(edge_times(dut, ["bus_req", "bus_atn"], times))
    dut.py0_req_o.value = 1
    dut.py0_atn_o.value = 1
    await RisingEdge(dut.py0_req_o)
    start = now_ps()
    await watch
    assert (times["bus_req"] - start, times["bus_atn"] - start) == (20500, 0)
    dut.py0_req_o.value = 0
    await Timer(10, "ns")
    assert int(dut.bus_req.value) == 1
    tx.clear()
    await bench.settle()
    await ReadOnly()
    assert int(dut.bus_req.value) == 0
    await Timer(100, "ns")
    assert int(dut.bus_req.value) == 0


@cocotb.test
async def delays_change_at_run_time(dut: Any) -> None:
    """A delay that ends forgets what is on its way; a shorter one is exact; edges never overtake each other."""
    bench = await ports_only(dut)
    tx = bench.slot(14).tx
    edges: list[tuple[int, int]] = []

    async def watch() -> None:
        while True:
            await ValueChange(dut.bus_req)
            edges.append((now_ps(), int(dut.bus_req.value)))

    async def drive(level: int) -> int:
        dut.py0_req_o.value = level
        await ValueChange(dut.py0_req_o)
        return now_ps()

    task = cocotb.start_soon(watch())
    tx.delay("req", 5000)
    await bench.settle()
    await drive(1)
    await Timer(10, "ns")
    tx.clear()
    await bench.settle()
    cleared = now_ps()
    await Timer(1, "ns")
    tx.delay("req", 7)
    await bench.settle()
    down = await drive(0)
    await Timer(20, "ns")
    assert edges == [(cleared, 1), (down + 7000, 0)], edges
    edges.clear()
    tx.delay("req", 40)
    await bench.settle()
    up = await drive(1)
    await Timer(2, "ns")
    tx.delay("req", 5)
    await bench.settle()
    await Timer(1, "ns")
    await drive(0)
    await Timer(100, "ns")
    assert [time for time, _ in edges] in ([up + 40_000] * 2, []), "both edges at once: a pulse of no length or none"
    last = await drive(1)
    await Timer(6, "us")
    assert edges[-1] == (last + 5000, 1)
    task.cancel()
    dut.py0_req_o.value = 0
    tx.clear()


@cocotb.test
async def faults_leave_no_glitch(dut: Any) -> None:
    """Arming faults on other signals, or a delay or drop on standing levels, does not move a wire even for a delta."""
    bench = await ports_only(dut)
    tx, rx = bench.slot(14).tx, bench.slot(15).rx
    dut.py0_bsy_o.value = 1
    await Timer(1, "ns")
    moved: list[str] = []

    async def watch(name: str) -> None:
        while True:
            await ValueChange(getattr(dut, name))
            moved.append(f"{name} at {now_ps()} ps")

    names = ("bus_bsy", "py1_bsy_i", "bus_sel", "py1_sel_i")
    tasks = [cocotb.start_soon(watch(name)) for name in names]
    for saboteur in (tx, rx):
        saboteur.delay(["bsy", "sel"], 3)
        saboteur.drop_edge(["bsy", "sel"])
        saboteur.invert("req")
        saboteur.stick("ack", 1)
        await Timer(20, "ns")
        saboteur.clear()
        await Timer(20, "ns")
    tx.drop_edge("sel")
    rx.drop_edge("atn")
    await Timer(1, "ns")
    dut.py0_sel_o.value = 1
    await Timer(5, "ns")
    dut.py0_sel_o.value = 0
    await Timer(5, "ns")
    assert (tx.drops_pending, rx.drops_pending) == (0, 1 << NAMES.index("atn"))
    assert moved == [], moved
    tx.drop_edge("sel")
    await Timer(1, "ns")
    dut.py0_sel_o.value = 1
    await Timer(5, "ns")
    tx.clear()
    await Timer(5, "ns")
    assert sorted(entry.split()[0] for entry in moved) == ["bus_sel", "py1_sel_i"], moved  # clear shows what was hidden
    for task in tasks:
        task.cancel()
    dut.py0_bsy_o.value = 0
    dut.py0_sel_o.value = 0


@cocotb.test
async def saboteur_drops_one_edge(dut: Any) -> None:
    """Exactly the next pulse of the named signal is swallowed, in that direction only; a standing level stays."""
    bench = await ports_only(dut)
    rx = bench.slot(15).rx
    counts = {"bus_req": 0, "py1_req_i": 0, "py1_ack_i": 0}

    async def count(name: str) -> None:
        while True:
            await RisingEdge(getattr(dut, name))
            counts[name] += 1

    async def pulse() -> None:
        for level in (1, 0):
            dut.py0_req_o.value = level
            dut.py0_ack_o.value = level
            await Timer(10, "ns")

    tasks = [cocotb.start_soon(count(name)) for name in counts]
    await pulse()
    rx.drop_edge("req")
    await Timer(1, "ns")
    assert rx.drops_pending == 1 << NAMES.index("req")
    await pulse()
    assert rx.drops_pending == 0
    await pulse()
    assert counts == {"bus_req": 3, "py1_req_i": 2, "py1_ack_i": 3}
    dut.py0_req_o.value = 1
    await Timer(10, "ns")
    rx.drop_edge("req")
    await Timer(10, "ns")
    assert int(dut.py1_req_i.value) == 1, "a level that stood before is no edge"
    dut.py0_req_o.value = 0
    await Timer(10, "ns")
    await pulse()
    assert counts == {"bus_req": 5, "py1_req_i": 3, "py1_ack_i": 4}
    for task in tasks:
        task.cancel()


@cocotb.test
async def reset_and_clock_of_a_slot(dut: Any) -> None:
    """Reset of one slot leaves the others alone; a stopped clock stands still until it is started again."""
    bench = Bench(dut, BenchConfig({n: SlotConfig(Kind.TARGET, scsi_id=n) for n in (2, 3)}))
    await bench.start()
    two, three = bench.slot(2), bench.slot(3)
    assert (int(two.rst_n.value), int(three.rst_n.value)) == (1, 1)
    task = cocotb.start_soon(bench.reset_slot(2))
    await RisingEdge(two.clk)
    await RisingEdge(two.clk)
    assert (int(two.rst_n.value), int(three.rst_n.value)) == (0, 1)
    await task
    assert int(two.rst_n.value) == 1
    two.stop_clock()
    await Timer(2 * CLK_PERIOD_PS, "ps")
    level = int(two.clk.value)
    for _ in range(20):
        await Timer(CLK_PERIOD_PS // 3, "ps")
        assert int(two.clk.value) == level
    two.start_clock()
    await RisingEdge(two.clk)
