"""Base class of the UVM tests: builds the environment, starts it, waits until nothing is outstanding."""

from __future__ import annotations

from cocotb.triggers import Timer
from pyuvm import uvm_test

from .environment import EnvConfig, MirrorEnv
from .host_agent import HostSequencer

_DRAIN_STEP_US = 10


class MirrorTest(uvm_test):
    """Override `make_config` and `scenario`.

    The run ends `drain_us` after the scenario at the latest: what is still outstanding then fails in the scoreboard.
    """

    drain_us: int = 500

    def make_config(self) -> EnvConfig:
        """What this test asks of the environment."""
        raise NotImplementedError

    async def scenario(self) -> None:
        """What this test does, with a started environment."""
        raise NotImplementedError

    def build_phase(self) -> None:
        """Create the environment."""
        self.env = MirrorEnv("env", self)
        self.env.config = self.make_config()

    @property
    def sequencer(self) -> HostSequencer:
        """Sequencer of the host in slot 0."""
        sequencer: HostSequencer = self.env.hosts[0].sequencer
        return sequencer

    async def run_phase(self) -> None:
        """Start, scenario, drain; the objection is held throughout."""
        with self.objection():
            await self.env.start()
            await self.scenario()
            for _ in range(self.drain_us // _DRAIN_STEP_US):
                if not self.env.scoreboard.outstanding:
                    break
                await Timer(_DRAIN_STEP_US, "us")
            await Timer(1, "us")  # the last BUS FREE is confirmed by the monitor after its settle time
