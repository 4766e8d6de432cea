"""The bench's control mailbox: register numbers and the task that writes them in order (hdl/sim/bench_regs.vh)."""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import Any

import cocotb
from cocotb.handle import Immediate
from cocotb.task import Task
from cocotb.triggers import ReadWrite, Timer


class Reg(IntEnum):
    """Registers of a slot; tests/test_bench.py compares them with hdl/sim/bench_regs.vh."""

    KIND = 0x00
    CLK_PPB = 0x01
    CLK_PHASE_PS = 0x02
    CLK_RUN = 0x03
    RESET_N = 0x04
    CABLE_PS = 0x05
    STRAPS = 0x06
    STALL_US = 0x07
    PART_STALL_US = 0x08
    HOLDOFF_US = 0x09
    SEL_TIMEOUT_US = 0x0A
    TAP = 0x0B
    MED_PATH = 0x10
    MED_OPEN = 0x11
    MED_BLOCKS = 0x12
    MED_BLOCK_LEN = 0x13
    MED_WPROT = 0x14
    MED_LATENCY_NS = 0x15
    MED_FAIL = 0x16
    SAB_TX = 0x20
    SAB_RX = 0x30


class Sab(IntEnum):
    """Registers of a saboteur, relative to `Reg.SAB_TX` or `Reg.SAB_RX`."""

    INVERT = 0
    STICK0 = 1
    STICK1 = 2
    DELAY = 3
    DROP = 4
    SILENCE = 5
    CLEAR = 6


class Mailbox:
    """Writes commands to the bench one after the other; each takes effect in the time step in which it was posted.

    The first command of a time step is written at once. Further ones of the same step follow a delta cycle apart, so
    that the bench sees each. Posted in a read-only phase, a command takes effect one time step (1 ps) later.
    """

    _DATA_BITS = 64
    _REG_LSB = 64
    _SLOT_LSB = 72
    _GO_LSB = 76

    def __init__(self, dut: Any) -> None:
        self._handle = dut.host_cmd
        self._go: int | None = None
        self._queue: deque[int] = deque()
        self._pump: Task[None] | None = None

    def post(self, slot: int, reg: int, data: int) -> None:
        """Queue one register write; ValueError when the value does not fit."""
        if not 0 <= data < 1 << self._DATA_BITS:
            raise ValueError(f"{data:#x} does not fit {self._DATA_BITS} bits")
        self._queue.append(data | reg << self._REG_LSB | slot << self._SLOT_LSB)
        if self._pump is None or self._pump.done():
            self._pump = cocotb.start_soon(self._drain())

    async def flush(self) -> None:
        """Return when everything posted so far has taken effect."""
        if self._pump is not None and not self._pump.done():
            await self._pump

    async def _drain(self) -> None:
        if self._go is None:  # an earlier test in the same simulation may have left either level
            self._go = int(self._handle.value) >> self._GO_LSB & 1
        while self._queue:
            self._go ^= 1
            word = self._queue[0] | self._go << self._GO_LSB
            try:
                self._handle.value = Immediate(word)
            except RuntimeError:  # the read-only phase: nothing can be written before the next time step
                self._go ^= 1
                await Timer(1, "step")
                continue
            self._queue.popleft()
            await ReadWrite()
