"""Turns value changes in the simulator into settled samples of the bus."""

from __future__ import annotations

import cocotb
from cocotb.simtime import convert, get_sim_time
from cocotb.task import Task
from cocotb.triggers import ReadOnly

from .bus import Handle, ScsiBus
from .wires import Subscriber, Wires


class Sampler:
    """One look at the bus per instant in which it changed, handed to every subscriber in order.

    The first sample is taken at once; before it, all wires count as released. An exception in a subscriber fails
    the test.
    """

    def __init__(self, bus: ScsiBus, *subscribers: Subscriber) -> None:
        self.bus = bus
        self.wakes = 0
        """Times the sampler was woken."""
        self.samples = 0
        """Samples handed on: wakes in which something had changed."""
        self.last = Wires(0, 0)
        """The latest sample."""
        self._subscribers: list[Subscriber] = list(subscribers)
        self._ps_per_step: float = convert(1, "step", to="ps")
        self._settled = ReadOnly()
        self._pending = True
        """Somebody will look at the end of this instant."""
        watchers = (self._watch(handle) for handle in bus.wake_handles)
        self._tasks: list[Task[None]] = [cocotb.start_soon(one) for one in (self._begin(), *watchers)]

    def subscribe(self, *subscribers: Subscriber) -> None:
        """Add subscribers; each gets its first sample with the next change of the bus."""
        self._subscribers.extend(subscribers)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Hand no more samples to a subscriber."""
        self._subscribers.remove(subscriber)

    def stop(self) -> None:
        """Take no more samples."""
        for task in self._tasks:
            task.cancel()

    def now_ps(self) -> int:
        """Simulation time in picoseconds."""
        return round(get_sim_time("step") * self._ps_per_step)

    async def _begin(self) -> None:
        await self._settled
        self._pending = False
        self._look(first=True)

    async def _watch(self, handle: Handle) -> None:
        """Look once all deltas of an instant are over, unless the watcher of another handle is about to do so."""
        changed = handle.value_change
        settled = self._settled
        while True:
            await changed
            if not self._pending:
                self._pending = True
                await settled
                self._pending = False
                self._look()

    def _look(self, first: bool = False) -> None:
        self.wakes += 1
        value, unknown, drivers = self.bus.read()
        before = self.last
        if not first and value == before.value and unknown == before.unknown and drivers == before.drivers:
            return
        changed = (value ^ before.value) | (unknown ^ before.unknown)
        wires = Wires(self.now_ps(), value, unknown, drivers, changed)
        self.last = wires
        self.samples += 1
        for subscriber in self._subscribers:
            subscriber.sample(wires)
