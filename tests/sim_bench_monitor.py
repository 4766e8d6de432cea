"""The monitor on the bench's bus: what two Python ports play is what it reports."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase, ScsiBus, ScsiMonitor, Transaction, Wires
from cocotbext.scsi import wires as w
from helpers.waves import DecodedBus, Waves
from silentmirror.bench import Bench, BenchConfig, SlotConfig
from silentmirror.bench import Kind as SlotKind

PORTS = {14: "py0", 15: "py1"}
HOST = (14, 6)
DRIVE = (15, 2)


class Recorder:
    """Keeps the samples, to be played again."""

    def __init__(self) -> None:
        self.samples: list[Wires] = []

    def sample(self, wires: Wires) -> None:
        self.samples.append(wires)


def _sequence(waves: Waves) -> None:
    """A selection with wide negotiation and data, a reselection, a reset."""
    waves.select(HOST, DRIVE)
    waves.out(15, 14, Phase.MSG_OUT, bytes.fromhex("C001020301"))
    waves.into(15, 14, Phase.MSG_IN, bytes.fromhex("01020301"))
    waves.out(15, 14, Phase.DATA_OUT, [0xA501, 0x00FF, 0x8000], wide=True)
    waves.free(14, 15)
    waves.reselect(DRIVE, HOST)
    waves.into(15, 14, Phase.MSG_IN, b"\x80")
    waves.put(14, rst=1)
    waves.free(15)
    waves.wait(25_000)
    waves.free(14)


async def _play(dut: Any, samples: list[Wires], start_ps: int) -> None:
    """Drive the two Python ports as the samples say."""
    for sample in samples:
        due = start_ps + sample.time_ps - round(get_sim_time("ps"))
        if due:
            await Timer(due, "ps")
        for slot, prefix in PORTS.items():
            value = sample.slot(slot)
            for bit, name in enumerate(w.CONTROL):
                getattr(dut, f"{prefix}_{name}_o").value = value >> bit & 1
            getattr(dut, f"{prefix}_db_o").value = value >> w.DB & 0xFFFF
            getattr(dut, f"{prefix}_dbp_o").value = value >> w.DBP & 3


def _essence(transactions: list[Transaction], start_ps: int) -> list[tuple[Any, ...]]:
    """What must be equal: everything but the first BUS FREE, times from the start of play."""
    found: list[tuple[Any, ...]] = []
    for one in transactions[1:]:
        times = [None if time is None else time - start_ps for time in (one.start_ps, one.end_ps, one.first_ack_ps)]
        who = (one.winner, one.initiator, one.target, one.by)
        found.append((one.kind, times, who, one.phase, one.data, one.wide, one.parity_ok))
    return found


@cocotb.test
async def ports_are_monitored(dut: Any) -> None:
    """Same transactions from the bench's wires, with its view of the drivers, as from the waves that were played."""
    bench = Bench(dut, BenchConfig({slot: SlotConfig(SlotKind.PYTHON) for slot in PORTS}))
    await bench.start()
    recorder = Recorder()
    expected = DecodedBus()
    expected.waves.subscribers.append(recorder)
    _sequence(expected.waves)
    monitor = ScsiMonitor(ScsiBus(dut, packed="bus_all", drivers="drv_all"))
    assert monitor.bus.slots == 16
    others = [ScsiMonitor(ScsiBus(dut, "bus")), ScsiMonitor(ScsiBus(dut, "bus", drivers="drv_all"))]
    start = round(get_sim_time("ps"))
    await _play(dut, recorder.samples, start)
    await Timer(3, "us")
    for one in (monitor, *others):
        one.flush()
    found = _essence(list(monitor.transactions), start)
    assert found == _essence(expected.finish(), 0), monitor.last(40)
    kinds = [one[0] for one in found]
    assert kinds.count(Kind.PHASE) == 4
    assert kinds.count(Kind.RESELECTION) == kinds.count(Kind.RESET) == 1
    wide = [one.data for one in monitor.transactions if one.wide]
    assert wide == [bytes.fromhex("01A5FF000080")]
    assert [one.by for one in monitor.transactions if one.kind is Kind.PHASE] == [2] * 4
    for other in others:
        assert other.transactions == monitor.transactions, other.last(40)
