"""A short run of the bench with an initiator and two targets, for its waves."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from silentmirror.bench import Bench, standard_config


@cocotb.test
async def devices_idle(dut: Any) -> None:
    """Everything is started and nothing happens."""
    await Bench(dut, standard_config(2)).start()
    await Timer(1, "us")
    assert int(dut.bus_all.value) == 0
