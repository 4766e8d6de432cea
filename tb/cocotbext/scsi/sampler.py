"""Turns value changes in the simulator into settled samples of the bus."""

from __future__ import annotations

from collections.abc import Iterable

import cocotb
from cocotb.simtime import convert, get_sim_time
from cocotb.task import Task
from cocotb.triggers import Event, ReadOnly

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
        self._changed = Event()
        self._watchers: list[Task[None]] = []
        self._task: Task[None] = cocotb.start_soon(self._run())

    def subscribe(self, *subscribers: Subscriber) -> None:
        """Add subscribers; each gets its first sample with the next change of the bus."""
        self._subscribers.extend(subscribers)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Hand no more samples to a subscriber."""
        self._subscribers.remove(subscriber)

    def stop(self) -> None:
        """Take no more samples."""
        for task in (self._task, *self._watchers):
            task.cancel()

    def now_ps(self) -> int:
        """Simulation time in picoseconds."""
        return round(get_sim_time("step") * self._ps_per_step)

    async def _run(self) -> None:
        handles = self.bus.wake_handles
        if len(handles) > 1:
            self._watch(handles)
        single = handles[0].value_change
        settled = ReadOnly()
        await settled
        self._look(first=True)
        while True:
            # What changed in the instant of the last look has been seen.
            self._changed.clear()
            await (self._changed.wait() if self._watchers else single)
            await settled
            self._look()

    def _watch(self, handles: Iterable[Handle]) -> None:
        """One tiny task a handle: on many handles this costs less than a `First` over all of them at each change."""
        self._watchers = [cocotb.start_soon(self._wake_on(handle)) for handle in handles]

    async def _wake_on(self, handle: Handle) -> None:
        trigger = handle.value_change
        wake = self._changed.set
        while True:
            await trigger
            wake()

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
