"""The monitor on the bench's bus: what two Python ports play is what it reports."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase, ScsiBus, ScsiMonitor, Transaction, Wires
from cocotbext.scsi import wires as w
from cocotbext.scsi.decoder import BusDecoder
from cocotbext.scsi.transaction import Transfer
from helpers.playback import samples
from helpers.qas_script import qas_arbitrate, qas_request, qas_select
from helpers.sync_script import DT_FAST_80, FAST_40, dt_transfer, sync_transfer
from helpers.waves import DecodedBus, Waves
from helpers.wire_script import HOST as SCRIPT_HOST
from helpers.wire_script import IDS, LEADER, Script, arbitrate, end, select, transfer
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
        moments = (one.start_ps, one.end_ps, one.first_ack_ps, one.first_strobe_ps, one.last_strobe_ps)
        times = [None if time is None else time - start_ps for time in moments]
        who = (one.contenders, one.winner, one.qas, one.initiator, one.target, one.by)
        how = (one.wide, one.transfer, one.transfers, one.groups, one.parity_ok, one.crc_ok)
        found.append((one.kind, times, who, one.phase, one.data, how))
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


@cocotb.test
async def fast_phases_and_qas_are_monitored(dut: Any) -> None:
    """PPR, data groups at Fast-80, QAS and an ST phase at Fast-40, the strobes 12.5 ns apart: nothing is missed."""
    ppr = bytes.fromhex("01060409003E0106")
    block = bytes(range(1, 127))
    s = Script()
    arbitrate(s, SCRIPT_HOST, IDS[SCRIPT_HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0" + ppr)
    transfer(s, LEADER, Phase.MSG_IN, ppr)
    dt_transfer(s, LEADER, Phase.DT_DATA_IN, block, DT_FAST_80, groups=(64, 62))
    qas_request(s)
    qas_arbitrate(s, SCRIPT_HOST, IDS[SCRIPT_HOST])
    qas_select(s, SCRIPT_HOST, LEADER, "2.")
    transfer(s, LEADER, Phase.MSG_OUT, bytes.fromhex("C00106040A001F0100"))
    transfer(s, LEADER, Phase.MSG_IN, bytes.fromhex("0106040A001F0100"))
    sync_transfer(s, LEADER, Phase.DATA_OUT, block, FAST_40)
    end(s)
    played = list(samples(s))
    expected: list[Transaction] = []
    decoder = BusDecoder(expected.append)
    for wires in played:
        decoder.sample(wires)
    decoder.flush(played[-1].time_ps + 1_000_000)

    bench = Bench(dut, BenchConfig({slot: SlotConfig(SlotKind.PYTHON) for slot in PORTS}))
    await bench.start()
    monitor = ScsiMonitor(ScsiBus(dut, packed="bus_all", drivers="drv_all"))
    start = round(get_sim_time("ps"))
    await _play(dut, played, start)
    await Timer(3, "us")
    monitor.flush()
    assert _essence(list(monitor.transactions), start) == _essence(expected, 0), monitor.last(40)
    data = [one for one in monitor.transactions if one.phase is not None and one.phase.is_data]
    assert [(one.transfer, one.data, one.groups, one.crc_ok, one.parity_ok) for one in data] == [
        (Transfer.DT, block, 2, True, None),
        (Transfer.ST, block, None, None, True),
    ]
    assert [one.qas for one in monitor.transactions if one.kind is Kind.ARBITRATION] == [False, True]
