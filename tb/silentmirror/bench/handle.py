"""The bench as a whole: configuration, start, reset."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from silentmirror.bench.config import CLK_PERIOD_PS, SLOTS, BenchConfig, Kind, SlotConfig
from silentmirror.bench.medium import Medium
from silentmirror.bench.registers import Mailbox, Reg, Sab
from silentmirror.bench.slot import Slot

_PATH_BYTES_MAX = 512
_RESET_CLOCKS = 4
_POWER_UP_PS = 10  # the bench asserts all resets 1 ps after time 0


class Bench:
    """Typed handle of `hdl/sim/bench.v`; `dut` is cocotb's top-level handle. Call `start` before anything else."""

    def __init__(self, dut: Any, config: BenchConfig) -> None:
        self.dut = dut
        self.config = config
        self._mailbox = Mailbox(dut)
        self._slots: dict[int, Slot] = {}
        self._media: dict[int, Medium] = {}

    async def start(self) -> None:
        """Configure all slots, open the media, start clocks, release resets; returns a few clocks later.

        Also takes the bench back to this state after an earlier test in the same simulation: every slot is switched off
        first, so that nothing of that test stays. ValueError for a medium that cannot be used.
        """
        await Timer(_POWER_UP_PS, "ps")
        for number in range(SLOTS):
            self._switch_off(number)
        await self._mailbox.flush()
        await Timer(2 * CLK_PERIOD_PS, "ps")  # every clock has stopped
        for number, slot in self.config.slots.items():
            self._configure(number, slot)
        await self._mailbox.flush()
        for medium in self._media.values():
            medium.mark()
        for number, slot in self.config.slots.items():
            if slot.kind is not Kind.PYTHON:
                self._mailbox.post(number, Reg.CLK_RUN, 1)
        await self._mailbox.flush()
        await Timer(2 * _RESET_CLOCKS * CLK_PERIOD_PS, "ps")
        for number in self.config.slots:
            self._mailbox.post(number, Reg.RESET_N, 1)
        await self._mailbox.flush()
        await Timer(2 * _RESET_CLOCKS * CLK_PERIOD_PS, "ps")

    def slot(self, number: int) -> Slot:
        """A populated slot; KeyError otherwise."""
        return self._slots[number]

    def medium(self, number: int) -> Medium:
        """The medium of a target's slot; KeyError when it has none."""
        return self._media[number]

    def prefix(self, number: int) -> str:
        """Prefix of the AXI signals of an initiator (slots 0 to 2): `AxiLiteBus.from_prefix(dut, prefix + "_s_axil")`.

        Clock and reset are `<prefix>_clk` and `<prefix>_rst_n` (active low), the interrupt `<prefix>_irq_o`.
        """
        if self.config.slots[number].kind is not Kind.INITIATOR:
            raise ValueError(f"slot {number} is no initiator")
        return f"ini{number}"

    def python_prefix(self, number: int) -> str:
        """Prefix of a Python port's signals: `<prefix>_bsy_o` .. `_dbp_o` to write, `<prefix>_bsy_i` .. to read."""
        if self.config.slots[number].kind is not Kind.PYTHON:
            raise ValueError(f"slot {number} is no Python port")
        return f"py{number - 14}"

    async def reset_slot(self, number: int, clocks: int = _RESET_CLOCKS) -> None:
        """Assert a device's reset for some of its clocks and release it (power cycle: its medium keeps the data)."""
        slot = self._slots[number]
        self._mailbox.post(number, Reg.RESET_N, 0)
        await self._mailbox.flush()
        for _ in range(clocks):
            await RisingEdge(slot.clk)
        self._mailbox.post(number, Reg.RESET_N, 1)
        await self._mailbox.flush()
        for _ in range(2):
            await RisingEdge(slot.clk)

    async def settle(self) -> None:
        """Return when every fault, latency and cable change asked for so far has taken effect (needs no time)."""
        await self._mailbox.flush()

    def _switch_off(self, number: int) -> None:
        """Release the bus, hold reset, stop the clock, end faults."""
        post = self._mailbox.post
        post(number, Reg.KIND, Kind.OFF)
        post(number, Reg.RESET_N, 0)
        post(number, Reg.CLK_RUN, 0)
        post(number, Reg.CABLE_PS, 0)
        post(number, Reg.TAP, 0)
        post(number, Reg.SAB_TX + Sab.CLEAR, 1)
        post(number, Reg.SAB_RX + Sab.CLEAR, 1)
        post(number, Reg.MED_OPEN, 0)

    def _configure(self, number: int, slot: SlotConfig) -> None:
        """Write the registers of one populated slot."""
        post = self._mailbox.post
        ppm, phase_ps = self.config.clock_of(number)
        post(number, Reg.CLK_PPB, round(ppm * 1000) & 0xFFFFFFFF)
        post(number, Reg.CLK_PHASE_PS, phase_ps)
        post(number, Reg.TAP, int(slot.cable_ns > 0))
        post(number, Reg.CABLE_PS, round(slot.cable_ns * 1000))
        post(number, Reg.STRAPS, _straps(slot))
        post(number, Reg.STALL_US, slot.stall_us)
        post(number, Reg.PART_STALL_US, slot.part_stall_us)
        post(number, Reg.HOLDOFF_US, slot.holdoff_us)
        post(number, Reg.SEL_TIMEOUT_US, slot.sel_timeout_us)
        post(number, Reg.KIND, slot.kind)
        handle = self.dut.slot[number]
        self._slots[number] = Slot(self._mailbox, number, slot, handle)
        if slot.kind is Kind.TARGET:
            self._open_medium(number, slot, handle)

    def _open_medium(self, number: int, slot: SlotConfig, handle: Any) -> None:
        """Point a target's medium at its file."""
        given = slot.medium if slot.medium is not None else cocotb.plusargs.get(f"medium{number}")
        post = self._mailbox.post
        post(number, Reg.MED_BLOCK_LEN, slot.block_len)
        post(number, Reg.MED_LATENCY_NS, slot.medium_latency_ns)
        post(number, Reg.MED_WPROT, int(slot.write_protect))
        post(number, Reg.MED_FAIL, 0)
        if not isinstance(given, str | Path):
            post(number, Reg.MED_BLOCKS, 0)
            return
        path = Path(given).resolve()
        held = path.stat().st_size // slot.block_len
        blocks = held if slot.medium_blocks is None else slot.medium_blocks
        if not 0 < blocks <= held:
            raise ValueError(f"slot {number}: {path.name} holds {held} blocks of {slot.block_len} bytes, not {blocks}")
        name = bytes(path)
        if len(name) > _PATH_BYTES_MAX:
            raise ValueError(f"slot {number}: the path of {path.name} is longer than {_PATH_BYTES_MAX} bytes")
        name = b"\0" * (-len(name) % 8) + name
        for start in range(0, len(name), 8):
            post(number, Reg.MED_PATH, int.from_bytes(name[start : start + 8], "big"))
        post(number, Reg.MED_BLOCKS, blocks)
        post(number, Reg.MED_OPEN, 1)
        self._media[number] = Medium(self._mailbox, number, handle.g_target.disk, path, blocks, slot.block_len)


def _straps(slot: SlotConfig) -> int:
    """The abilities of a target as hdl/sim/bench_regs.vh lays them out."""
    flags = slot.wide << 4 | slot.mirror << 5 | slot.dt << 21 | slot.qas << 22 | slot.fair << 23
    return slot.scsi_id | flags | slot.period << 6 | slot.offset << 14 | slot.mirror_ext << 24


def with_changes(config: BenchConfig, number: int, **changes: Any) -> BenchConfig:
    """A copy of a configuration in which one slot's fields differ."""
    slots = {**config.slots, number: dataclasses.replace(config.slots[number], **changes)}
    return dataclasses.replace(config, slots=slots)
