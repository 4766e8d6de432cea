"""The passive bus monitor: a cocotb-bus monitor fed by the sampler."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from cocotb.simtime import convert, get_sim_time
from cocotb.task import Task
from cocotb.triggers import Event, Timer
from cocotb_bus.monitors import BusMonitor, Monitor

from .bus import ScsiBus
from .crc import USUAL, CrcConvention
from .decoder import BUS_SETTLE_PS, BusDecoder
from .sampler import Sampler
from .transaction import Transaction
from .transcript import describe_last
from .wires import Wires


class ScsiMonitor(BusMonitor):
    """Watches the wires of a parallel SCSI bus and delivers a `Transaction` for whatever has ended on it.

    Delivery is that of cocotb-bus monitors: callbacks, an `event`, or `wait_for_recv()`. It needs no clock.

    Args:
        bus: The bus to watch.
        sampler: The sampler to subscribe to; None makes one. Monitor and checker of one bus share a sampler.
        callback: Called with each transaction.
        event: Set with each transaction.
        parity: Check parity of transferred bytes; by default whether the bus has parity pins.
        crc: What the CRC of a DT data group is.
        keep: How many transactions `transactions` holds; None for all.
    """

    def __init__(
        self,
        bus: ScsiBus,
        sampler: Sampler | None = None,
        *,
        callback: Callable[[Transaction], None] | None = None,
        event: Event | None = None,
        parity: bool | None = None,
        keep: int | None = None,
        crc: CrcConvention = USUAL,
    ) -> None:
        self.bus = bus
        self.entity = bus._entity
        self.name = bus._name
        self.clock = None
        self._reset = self._reset_n = None
        self.log = logging.getLogger(f"cocotb.{bus._entity._name}.{bus._name}")
        self.transactions: deque[Transaction] = deque(maxlen=keep)
        """What has been delivered, oldest first."""
        groups = crc if bus.has_parity else None  # without parity there is no P_CRCA
        self.decoder = BusDecoder(self._deliver, bus.has_parity if parity is None else parity, groups)
        self._freed = Event()
        self._annotators: list[Callable[[Transaction], None]] = []
        self._thread: Task[None]
        # BusMonitor.__init__ would bind signals of its own; the bus is bound already.
        Monitor.__init__(self, callback=callback, event=event)
        self.sampler = sampler or Sampler(bus)
        self.sampler.subscribe(self)

    def add_annotator(self, annotate: Callable[[Transaction], None]) -> None:
        """Have a function set `note` of each transaction before it is delivered."""
        self._annotators.append(annotate)

    def sample(self, wires: Wires) -> None:
        """Take one sample (the sampler calls this)."""
        self.decoder.sample(wires)
        if self.decoder.pending_free_ps is not None:
            self._freed.set()

    def flush(self) -> None:
        """Deliver the phase that is still open; for the end of a test."""
        self.decoder.flush(_now_ps())

    def last(self, count: int = 20) -> str:
        """The latest transactions as readable lines, oldest first, for the message of a failure."""
        return describe_last(self.transactions, count)

    def kill(self) -> None:
        """Stop watching."""
        self._thread.cancel()
        self.sampler.unsubscribe(self)

    def _deliver(self, transaction: Transaction) -> None:
        for annotate in self._annotators:
            annotate(transaction)
        self.transactions.append(transaction)
        self._recv(transaction)

    async def _monitor_recv(self) -> None:
        """Report BUS FREE on time, though no wire changes then."""
        while True:
            await self._freed.wait()
            self._freed.clear()
            start = self.decoder.pending_free_ps
            if start is not None:
                await Timer(max(start + BUS_SETTLE_PS - _now_ps(), 1), "ps")
                self.decoder.tick(_now_ps())


def _now_ps() -> int:
    return round(convert(get_sim_time("step"), "step", to="ps"))
