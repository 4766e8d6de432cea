"""Attach monitor and checker of cocotbext.scsi to a core that is not ours.

The core here is tests/foreign/tiny_target.v: active-low pins, split into input, output and enable. Copy the marked
parts into a test of your own and change the names.
"""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.triggers import RisingEdge

from cocotbext.scsi import Kind, Pin, PinStyle, Sampler, ScsiBus, ScsiMonitor
from cocotbext.scsi.checker import Checker

# --- the names of your core's pins: a template for all signals, and the signals that are otherwise
STYLE = PinStyle(input="{}_n_i", active_low=True)
NAMES = {name: Pin(output=f"scsi_{name}_n_o", enable="scsi_phase_oe") for name in ("msg", "cd", "io", "req")}


@cocotb.test
async def one_command(dut: Any) -> None:
    """The host gives one command; every bus rule holds, and the monitor has seen all of it."""
    # --- attach
    bus = ScsiBus(dut.core, "scsi", style=STYLE, names=NAMES)
    checker = Checker()
    monitor = ScsiMonitor(bus, Sampler(bus, checker))

    # --- run
    await RisingEdge(dut.done)

    # --- judge
    checker.finish(round(get_sim_time("ps")))
    checker.assert_clean()
    phases = [done for done in monitor.transactions if done.kind is Kind.PHASE]
    assert [phase.data.hex() for phase in phases] == ["80", "000000000000", "00", "00"], f"\n{monitor.last()}"
    cocotb.log.info("seen on the bus:\n%s", monitor.last())
