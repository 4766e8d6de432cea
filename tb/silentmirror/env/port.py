"""The host's side of one initiator: registers by name over AXI4-Lite, the block buffer over AXI4-Stream.

Every register access and every frame is also told to the listeners of `watch`, in the order in which it took effect;
the host monitor rebuilds requests and completions from them.
"""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cocotb.triggers import RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamSink, AxiStreamSource

from silentmirror import regs

WORD = 4
POLL_NS = 250
"""Pause between two looks at STATUS."""


@dataclass(frozen=True)
class Access:
    """One word written or read, or (`register` None) one frame sent into the block buffer."""

    time_ns: float
    write: bool
    register: str | None
    value: int = 0
    data: bytes = b""


class HostPort:
    """AXI masters of one initiator of the bench. `prefix` is that of `Bench.prefix`."""

    def __init__(self, dut: Any, prefix: str) -> None:
        logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.WARNING)
        # cocotbext-axi calls what cocotb 2 deprecates; nothing here can change that.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"cocotbext\.axi\.")
        clock, reset = getattr(dut, f"{prefix}_clk"), getattr(dut, f"{prefix}_rst_n")
        self.irq = getattr(dut, f"{prefix}_irq_o")
        self.regs = regs.load()
        self._names = {register.offset: register.name for register in self.regs}
        self._lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, f"{prefix}_s_axil"), clock, reset, False)
        self._source = AxiStreamSource(AxiStreamBus.from_prefix(dut, f"{prefix}_s_axis"), clock, reset, False)
        self._sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, f"{prefix}_m_axis"), clock, reset, False)
        self._listeners: list[Callable[[Access], None]] = []

    def watch(self, listener: Callable[[Access], None]) -> None:
        """Tell `listener` of every access from now on."""
        self._listeners.append(listener)

    async def read(self, name: str) -> int:
        """A register's word."""
        answer = await self._lite.read(self.regs[name].offset, WORD)
        value = int.from_bytes(answer.data, "little")
        self._tell(write=False, register=name, value=value)
        return value

    async def read_fields(self, name: str) -> dict[str, int]:
        """A register's fields."""
        return self.regs[name].unpack(await self.read(name))

    async def write(self, name: str, value: int) -> None:
        """Write a register's word; returns when it has been answered."""
        await self.write_from(name, [value])

    async def write_from(self, name: str, values: Sequence[int]) -> None:
        """Write neighbouring registers, the first one named, back to back."""
        start = self.regs[name].offset
        await self._lite.write(start, struct.pack(f"<{len(values)}I", *values))
        for index, value in enumerate(values):
            self._tell(write=True, register=self._names[start + WORD * index], value=value)

    async def write_fields(self, name: str, **fields: int) -> None:
        """Write a register from field values; fields not named become 0."""
        await self.write(name, self.regs[name].pack(**fields))

    async def poke(self, address: int, data: bytes) -> None:
        """Write any number of bytes at any address, as a host would that does not know the map."""
        await self._lite.write(address, data)

    async def peek(self, address: int, length: int) -> bytes:
        """Read any number of bytes at any address."""
        return bytes((await self._lite.read(address, length)).data)

    async def wait_status(self, field: str, value: int) -> None:
        """Return when a field of STATUS has a value."""
        while (await self.read_fields("STATUS"))[field] != value:
            await Timer(POLL_NS, "ns")

    async def wait_irq(self) -> None:
        """Return when irq_o is asserted, at once if it is."""
        if not int(self.irq.value):
            await RisingEdge(self.irq)

    async def load(self, address: int, data: bytes) -> None:
        """Put data into the block buffer; returns when the last word has been taken."""
        await self.write("LOAD_ADDR", address)
        await self._source.send(data)
        await self._source.wait()
        self._tell(write=True, register=None, data=data)

    async def unload(self, address: int, length: int) -> bytes:
        """Fetch data from the block buffer."""
        await self.write("UNLOAD_ADDR", address)
        await self.write("UNLOAD_LEN", length)
        return bytes((await self._sink.recv()).tdata)

    def discard(self) -> None:
        """Drop frames that have come from the block buffer and that nobody has fetched."""
        self._sink.clear()

    def _tell(self, *, write: bool, register: str | None, value: int = 0, data: bytes = b"") -> None:
        access = Access(get_sim_time("ns"), write, register, value, data)
        for listener in self._listeners:
            listener(access)
