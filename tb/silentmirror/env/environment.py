"""The UVM environment: a host agent per initiator, the bus agent, the scoreboard with its reference model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Event
from pyuvm import uvm_env

from silentmirror.bench import Bench, BenchConfig, SlotConfig
from silentmirror.model import MediumModel, ReferenceModel, TargetModel

from .bus_agent import BusAgent
from .host_agent import HostAgent
from .scoreboard import MirrorScoreboard
from .sequences import ConfigureSequence, HostSettings


@dataclass(frozen=True)
class EnvConfig:
    """What a test asks of the environment."""

    bench: BenchConfig
    hosts: dict[int, HostSettings] = field(default_factory=dict)
    """Settings by initiator slot; a slot not named gets its bench ID and otherwise the defaults."""
    transcript: Path | None = None
    """File for the bus transcript."""
    required: tuple[str, ...] = ("connections", "completions", "blocks")
    """Comparisons of the scoreboard that must have been made at least once."""
    compare_bus: bool = True
    """False where a test disturbs the bus on purpose; the promises to the host are judged all the same."""
    must_be_clean: bool = True
    """A violated bus rule fails the test."""


class MirrorEnv(uvm_env):
    """Bench and verification components. The test sets `config` before the build phase."""

    config: EnvConfig

    def build_phase(self) -> None:
        """Create bench handle, agents and scoreboard."""
        dut: Any = cocotb.top
        self.bench = Bench(dut, self.config.bench)
        self._started = Event()
        self.hosts: dict[int, HostAgent] = {}
        for slot in self.config.bench.initiators():
            host = HostAgent.create(f"host{slot}", self)
            host.dut, host.prefix, host.started = dut, self.bench.prefix(slot), self._started
            host.initiator = self.settings(slot).own_id
            self.hosts[slot] = host
        self.bus = BusAgent.create("bus", self)
        self.bus.dut, self.bus.transcript = dut, self.config.transcript
        self.bus.must_be_clean = self.config.must_be_clean
        self.bus.cable_ns = max(slot.cable_ns for slot in self.config.bench.slots.values())
        self.scoreboard = MirrorScoreboard.create("scoreboard", self)
        self.scoreboard.model = self._model()
        self.scoreboard.required, self.scoreboard.compare_bus = self.config.required, self.config.compare_bus
        self.scoreboard.block_of = self.block_of

    def connect_phase(self) -> None:
        """Monitors to the scoreboard."""
        for host in self.hosts.values():
            host.monitor.requests.connect(self.scoreboard.requests)
            host.monitor.completions.connect(self.scoreboard.completions)
            host.monitor.resets.connect(self.scoreboard.resets)
        self.bus.transactions.connect(self.scoreboard.transactions)

    def settings(self, slot: int) -> HostSettings:
        """Host settings of an initiator's slot."""
        known = self.config.bench.slots[slot]
        return self.config.hosts.get(slot) or HostSettings(own_id=known.scsi_id, wide=known.wide)

    async def start(self) -> None:
        """Start the bench, watch the bus, give every initiator its identity."""
        await self.bench.start()
        self.bus.start()
        self._started.set()
        for slot, host in self.hosts.items():
            await ConfigureSequence(self.settings(slot)).start(host.sequencer)

    def block_of(self, scsi_id: int, lba: int) -> bytes:
        """A block as it is on a target's medium now."""
        return self.bench.medium(self.config.bench.slot_of_id(scsi_id)).block(lba)

    def _model(self) -> ReferenceModel:
        slots = self.config.bench.slots
        targets = [self._target(slots[number]) for number in self.config.bench.targets()]
        wide = [self.settings(slot).own_id for slot in self.config.bench.initiators() if self.settings(slot).wide]
        return ReferenceModel(targets, wide)

    @staticmethod
    def _target(slot: SlotConfig) -> TargetModel:
        content = slot.medium.read_bytes() if slot.medium is not None else bytes(slot.block_len)
        blocks = slot.medium_blocks or len(content) // slot.block_len
        before = content[: blocks * slot.block_len]
        medium = MediumModel(blocks, slot.block_len, before, slot.write_protect)
        return TargetModel(slot.scsi_id, medium, slot.mirror, slot.wide)
