"""The arbitration sides of 14 RTL devices and two Python ports (tests/models/arbiter_ports.v)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

import cocotb
from cocotb.triggers import RisingEdge, Timer

from cocotbext.scsi import Phase, Sampler, ScsiBus
from cocotbext.scsi.models.arbitration import answer_selection, arbitrate, select
from cocotbext.scsi.models.port import M_FREE, ScsiPort, parity_of
from cocotbext.scsi.wires import BSY, SEL
from helpers.arbitration import BUS_CLEAR, NS, SENDER_GIVES_UP, Device, Judge, Trace

DEVICES: Final = 14
PY_INITIATOR, PY_TARGET = 14, 15
"""Slots of the Python ports."""
PPM: Final = 200


@dataclass
class ArbiterRig:
    """The top with some devices. `start` it first."""

    dut: Any
    devices: dict[int, Device]
    """By slot, 0 to 13."""
    py_initiator: int = 9
    """SCSI IDs of the Python ports."""
    py_target: int = 8
    trace: Trace = field(default_factory=Trace)
    cuts: list[int] = field(default_factory=list)

    @property
    def ids(self) -> dict[int, int]:
        """Slot to SCSI ID."""
        ids = {slot: device.scsi_id for slot, device in self.devices.items()}
        return {**ids, PY_INITIATOR: self.py_initiator, PY_TARGET: self.py_target}

    async def start(self, salt: object = "") -> ArbiterRig:
        """Configure the devices and let their clocks run."""
        assert len(set(self.ids.values())) == len(self.ids)
        dut, rng = self.dut, random.Random(f"clocks {cocotb.RANDOM_SEED} {salt}")
        dut.run.value = dut.rst_n.value = 0
        dut.asked.value = dut.flip.value = 0
        await Timer(20, "ns")
        for name in ("reselect", "qas", "fair", "sel_reset", "ends_by_qas"):
            getattr(dut, name).value = sum(getattr(one, name) << slot for slot, one in self.devices.items())
        dut.id.value = sum(one.scsi_id << 4 * slot for slot, one in self.devices.items())
        dut.peer_id.value = sum(one.peer << 4 * slot for slot, one in self.devices.items())
        ppm = [rng.randrange(-PPM * NS, PPM * NS + 1) & 0xFFFFFFFF for _ in range(DEVICES)]
        dut.ppb.value = sum(value << 32 * slot for slot, value in enumerate(ppm))
        dut.phase_ps.value = sum(rng.randrange(6250) << 32 * slot for slot in range(DEVICES))
        self.asked = [0] * DEVICES
        self.initiator, self.target = ScsiPort(dut, "py0"), ScsiPort(dut, "py1")
        self.sampler = Sampler(ScsiBus(dut, packed="bus_all", drivers="drv_all"), self.trace)
        mask = sum(1 << slot for slot in self.devices)
        dut.run.value = mask
        await Timer(20, "ns")
        dut.rst_n.value = mask
        await Timer(2500, "ns")
        return self

    # -- RTL devices ------------------------------------------------------------------------------------------------

    def ask(self, **slots: int) -> None:
        """Let devices `s<slot>` ask for the bus that many times more."""
        for name, times in slots.items():
            self.asked[int(name[1:])] += times
        self.dut.asked.value = sum(count << 8 * slot for slot, count in enumerate(self.asked))

    def _bytes(self, name: str) -> list[int]:
        value = int(getattr(self.dut, name).value)
        return [value >> 8 * slot & 0xFF for slot in range(DEVICES)]

    def waiting(self) -> dict[int, int]:
        """Slots that still ask for the bus, and how many times."""
        won = self._bytes("won")
        return {slot: self.asked[slot] - won[slot] for slot in self.devices if self.asked[slot] != won[slot]}

    def met(self) -> list[int]:
        """Connections of each slot, whoever began."""
        return self._bytes("met")

    async def served(self, limit_us: int = 1000) -> None:
        """Return when nobody asks any longer and the bus has been free for 3 us."""
        quiet = 0
        for _ in range(limit_us):
            await Timer(1, "us")
            quiet = 0 if int(self.dut.bus_all.value) or self.waiting() else quiet + 1
            if quiet == 3:
                return
        raise AssertionError(f"slots still ask for the bus: {self.waiting()}")

    # -- the Python pair --------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """The Python initiator selects the Python target, on a bus that nobody else wants."""
        initiator = self.initiator
        assert await initiator.wait(lambda lines: bool(lines & M_FREE), 10_000)
        assert await arbitrate(initiator, self.py_initiator)
        answer = cocotb.start_soon(self._answer())
        assert await select(initiator, self.py_initiator, self.py_target, atn=True, timeout_ns=10_000)
        await answer
        await self.message_out(b"\xc0")

    async def _answer(self) -> None:
        assert await self.target.wait(lambda lines: not lines & 1 << BSY and bool(lines & 1 << SEL), 10_000)
        await Timer(420, "ns")
        assert await answer_selection(self.target, keep_bsy=True)

    def _lines(self, phase: Phase) -> None:
        self.target.drive(msg=phase >> 2 & 1, cd=phase >> 1 & 1, io=phase & 1)

    async def message_in(self, data: bytes, *, atn: bool = False, bad: int | None = None) -> None:
        """A MESSAGE IN phase; with `atn` the initiator raises ATN in its last byte; byte `bad` has wrong parity."""
        initiator, target = self.initiator, self.target
        self._lines(Phase.MSG_IN)
        await Timer(820, "ns")
        for index, byte in enumerate(data):
            target.drive_data(byte, parity_of(byte) & 1 ^ (index == bad))
            await Timer(60, "ns")
            target.drive(req=1)
            await Timer(60, "ns")
            initiator.drive(ack=1, atn=int(atn and index == len(data) - 1))
            await Timer(60, "ns")
            target.release_data()
            target.drive(req=0)
            await Timer(60, "ns")
            initiator.drive(ack=0)
            self.acknowledged_ps = self.sampler.now_ps()
            await Timer(40, "ns")

    async def message_out(self, data: bytes, *, keep_atn: bool = False) -> None:
        """A MESSAGE OUT phase; ATN is negated in the last byte."""
        initiator, target = self.initiator, self.target
        self._lines(Phase.MSG_OUT)
        await Timer(420, "ns")
        for index, byte in enumerate(data):
            target.drive(req=1)
            await Timer(30, "ns")
            if index == len(data) - 1:
                initiator.drive(atn=int(keep_atn))
            initiator.drive_data(byte, parity_of(byte) & 1)
            await Timer(100, "ns")
            initiator.drive(ack=1)
            await Timer(60, "ns")
            target.drive(req=0)
            await Timer(60, "ns")
            initiator.drive(ack=0)
            initiator.release_data()
            await Timer(40, "ns")

    async def offer(self, *, limit_ns: int = SENDER_GIVES_UP, keep_ns: int = 0) -> bool:
        """The target's part after 55h: lines false, BSY until SEL. False: nobody came, the bus is free.

        `keep_ns`: how much too long BSY stays after SEL.
        """
        target = self.target
        self._lines(Phase.DATA_OUT)
        came = await target.wait(lambda lines: bool(lines & 1 << SEL), limit_ns)
        await Timer(10 + keep_ns, "ns")
        target.drive(bsy=0)
        return came

    def free(self) -> None:
        """The target frees the bus."""
        self.target.release()
        self.initiator.release()

    async def reset(self) -> None:
        """RST by the Python initiator; everybody must have let go within 800 ns (spi-facts 5.3)."""
        self.cuts.append(self.sampler.now_ps())
        rst = cocotb.start_soon(self.initiator.assert_reset())
        await Timer(BUS_CLEAR, "ns")
        assert int(self.dut.bus_all.value) == 1 << 2
        await rst
        for port in (self.initiator, self.target):
            port.release()
            port.acknowledge_reset()

    async def sel(self) -> None:
        """The next assertion of SEL."""
        await RisingEdge(self.dut.bus_sel)

    # -- verdict ----------------------------------------------------------------------------------------------------

    def judge(self) -> Judge:
        """Every arbitration so far, checked."""
        return Judge(self.trace.samples, self.ids, self.cuts)
