"""Monitor, sampler and pin mapping inside the simulator, on the foreign core of tests/foreign."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cocotb
import pytest
from cocotb.simtime import get_sim_time
from cocotb.triggers import Event, RisingEdge, Timer

from cocotbext.scsi import Kind, Phase, Pin, PinStyle, Sampler, ScsiBus, ScsiMonitor, SignalError, Transaction, Wires
from cocotbext.scsi.checker import Checker

STYLE = PinStyle(input="{}_n_i", active_low=True)
NAMES: dict[str, str | Pin] = {
    name: Pin(output=f"scsi_{name}_n_o", enable="scsi_phase_oe") for name in ("msg", "cd", "io", "req")
}


def foreign_bus(dut: Any, **changes: Any) -> ScsiBus:
    """The foreign core's pins, with some arguments changed."""
    return ScsiBus(dut.core, "scsi", **{"style": STYLE, "names": NAMES, **changes})


@contextmanager
def refused(*words: str) -> Iterator[None]:
    """A SignalError whose text has all these words."""
    with pytest.raises(SignalError) as caught:
        yield
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"


@cocotb.test
async def wrong_pins_are_refused(dut: Any) -> None:
    """Every missing pin is named with what is there; wrong widths and unknown keys are refused too."""
    with refused("lacks 1 pin", "atn input 'scsi_attn_n_i'", "scsi_atn_n_i"):
        foreign_bus(dut, names={**NAMES, "atn": "attn"})
    with refused("lacks 2 pin(s)", "rst", "scsi_db_n_i"):
        foreign_bus(dut, names={**NAMES, "rst": Pin("no_such_thing"), "db": Pin("scsi_dbn_i")})
    with refused("lacks 4 pin(s)", "req input 'scsi_req_n_i'"):
        foreign_bus(dut, names={})
    with refused("drivers input 'drv_all'"):
        foreign_bus(dut, drivers="drv_all")
    with refused("packed input 'bus_all'"):
        ScsiBus(dut.core, packed="bus_all")
    with refused("db", "1 bit wide", "8, 16"):
        foreign_bus(dut, names={**NAMES, "db": Pin("scsi_dbp_n_i")})
    with refused("sel", "8 bit wide", "allowed: 1"):
        foreign_bus(dut, names={**NAMES, "sel": Pin("scsi_db_n_i")})
    with refused("packed", "8 bit wide", "27"):
        ScsiBus(dut.core, packed="scsi_db_n_i")
    with refused("busy", "the signals are bsy, sel"):
        foreign_bus(dut, names={**NAMES, "busy": "bsy"})
    with refused("atn: no input"):
        foreign_bus(dut, names={**NAMES, "atn": Pin()})
    assert foreign_bus(dut, names={**NAMES, "atn": "ATN"}).atn._name == "scsi_atn_n_i"
    await Timer(1, "ns")


@cocotb.test
async def whole_command(dut: Any) -> None:
    """All transactions of one command, by callback, event and list; BUS FREE on the picosecond."""
    heard: list[Transaction] = []
    event = Event()
    monitor = ScsiMonitor(foreign_bus(dut), callback=heard.append, event=event)
    assert monitor.bus.width == 8
    first = await monitor.wait_for_recv()
    assert (first.kind, round(get_sim_time("ps")) - first.start_ps) == (Kind.BUS_FREE, 400_000)
    assert event.is_set()
    await RisingEdge(dut.done)
    assert list(monitor.transactions) == heard
    assert len(heard) == monitor.stats.received_transactions == 8
    shown = [(one.kind, one.phase, one.data.hex(), one.by, one.parity_ok) for one in heard if one.kind is Kind.PHASE]
    assert shown == [
        (Kind.PHASE, Phase.MSG_OUT, "80", 2, True),
        (Kind.PHASE, Phase.COMMAND, "000000000000", 2, True),
        (Kind.PHASE, Phase.STATUS, "00", 2, True),
        (Kind.PHASE, Phase.MSG_IN, "00", 2, True),
    ], monitor.last()
    arbitration, selection = heard[1:3]
    assert (arbitration.contenders, arbitration.winner) == ([7], 7)
    assert arbitration.end_ps - arbitration.start_ps == 2_500_000
    assert (selection.initiator, selection.target, selection.atn, selection.answered) == (7, 2, True, True)
    assert heard[-1].kind is Kind.BUS_FREE
    assert heard[-1].end_ps - heard[-1].start_ps == 400_000
    monitor.kill()


@cocotb.test
async def output_alone_is_part_of_the_wire(dut: Any) -> None:
    """With input and output named, what the core drives counts; with the input alone, what the wire says."""
    both = PinStyle(input="{}_n_i", output="{}_n_o", enable="{}_oe", active_low=True)
    monitors = [
        ScsiMonitor(foreign_bus(dut)),
        ScsiMonitor(foreign_bus(dut, names={**NAMES, "db": both.pin("db", "scsi_"), "bsy": both.pin("bsy", "scsi_")})),
    ]
    await RisingEdge(dut.done)
    assert len(monitors[0].transactions) == 8
    assert monitors[0].transactions == monitors[1].transactions


@cocotb.test
async def core_without_parity(dut: Any) -> None:
    """Parity pins left out: nothing is said about parity, and the checker's parity rules can be switched off."""
    bus = foreign_bus(dut, parity=False)
    monitor = ScsiMonitor(bus)
    await RisingEdge(dut.done)
    phases = [one for one in monitor.transactions if one.kind is Kind.PHASE]
    assert [one.parity_ok for one in phases] == [None] * 4
    assert not bus.has_parity


class Counter:
    """Checks what a subscriber is promised."""

    def __init__(self) -> None:
        self.seen: list[Wires] = []

    def sample(self, wires: Wires) -> None:
        """One sample: later than the one before, and different."""
        if self.seen:
            last = self.seen[-1]
            assert wires.time_ps > last.time_ps
            assert wires.changed == (wires.value ^ last.value) | (wires.unknown ^ last.unknown)
            assert wires.changed
        self.seen.append(wires)


@cocotb.test
async def samples_are_settled_and_in_order(dut: Any) -> None:
    """One sample an instant, only when something changed, to every subscriber in order."""
    order: list[str] = []

    class Noted(Counter):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def sample(self, wires: Wires) -> None:
            super().sample(wires)
            order.append(self.name)

    first, second = Noted("first"), Noted("second")
    sampler = Sampler(foreign_bus(dut), first)
    sampler.subscribe(second)
    await RisingEdge(dut.done)
    assert len(first.seen) == len(second.seen) == sampler.samples > 50
    assert sampler.wakes >= sampler.samples
    assert order == ["first", "second"] * sampler.samples
    assert first.seen[0].changed == 0
    assert not any(one.unknown for one in first.seen)
    sampler.stop()


@cocotb.test(expect_error=RuntimeError)
async def failing_subscriber_fails_the_test(dut: Any) -> None:
    """An exception in a subscriber must not be lost."""

    class Broken:
        def sample(self, wires: Wires) -> None:
            if wires.sel:
                raise RuntimeError("this subscriber fails")

    Sampler(foreign_bus(dut), Broken())
    await RisingEdge(dut.done)


@cocotb.test
async def unknown_wires_are_told(dut: Any) -> None:
    """An X on a pin is reported as unknown, not as a level."""
    counter = Counter()
    bus = foreign_bus(dut)
    Sampler(bus, counter)
    await Timer(1, "ns")
    dut.db.value = "XXXXXXXX"
    dut.drive.value = 1
    await Timer(1, "ns")
    last = counter.seen[-1]
    assert last.unknown & last.value == 0
    assert (last.unknown >> 9) & 0xFF == 0xFF
    assert not last.low_parity_ok


@cocotb.test
async def checker_finds_the_defect(dut: Any) -> None:
    """The core with DEFECT asks too early: the rules of phase settle fire, and no other."""
    bus = foreign_bus(dut)
    checker = Checker()
    Sampler(bus, checker)
    await RisingEdge(dut.done)
    checker.finish(round(get_sim_time("ps")))
    assert {found.rule for found in checker.violations} == {"PHS-01"}, checker.violations
