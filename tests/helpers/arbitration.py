"""The judge of arbitrations: finds them in a trace of the wires, checks every edge, and keeps the fairness registers.

It knows the rules of arbitration, QAS and fairness from spi-facts 4.1 to 4.4 and docs/protocol.md 13 alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cocotbext.scsi.constants import PRIORITY
from cocotbext.scsi.wires import ATN, BSY, DB, IO, M_DATA, M_PHASE, SEL, Wires, odd_parity

NS: Final = 1000
"""Picoseconds."""

# spi-facts 3.1, 4.1 to 4.4; protocol 13. All in ns.
QAS_ARBITRATION, QAS_ASSERTION, QAS_RELEASE = 1000, 200, 200
ARBITRATION, BUS_CLEAR, BUS_SETTLE, BUS_SET, TWO_DESKEWS = 2400, 800, 400, 1800, 90
BUS_FREE = 1200  # bus settle + bus free delay
SENDER_GIVES_UP = 2000


@dataclass(frozen=True)
class Device:
    """What an RTL device of the top is and asks for."""

    scsi_id: int
    peer: int = 0
    """SCSI ID it selects or reselects."""
    reselect: bool = False
    qas: bool = False
    fair: bool = False
    sel_reset: bool = False
    ends_by_qas: bool = False


@dataclass(frozen=True)
class Win:
    """An arbitration that somebody won, as seen on the wires."""

    qas: bool
    begin_ps: int
    """BSY of the first one; QAS: MSG, C/D, I/O false."""
    sel_ps: int
    winner: int
    """Slot."""
    contenders: tuple[int, ...]
    """SCSI IDs, highest priority first."""


class Trace:
    """Sampler subscriber: keeps all samples."""

    def __init__(self) -> None:
        self.samples: list[Wires] = []

    def sample(self, wires: Wires) -> None:
        """Take one sample."""
        self.samples.append(wires)


def rank(scsi_id: int) -> int:
    """0 for the highest priority."""
    return PRIORITY.index(scsi_id)


class Judge:
    """Finds the arbitrations in a trace and checks each edge of them."""

    def __init__(self, samples: Sequence[Wires], ids: dict[int, int], cuts: Iterable[int] = ()) -> None:
        """`ids`: slot to SCSI ID. `cuts`: times in ps at which RST ended whatever went on."""
        self.samples = samples
        self.ids = ids
        self.cuts = sorted(cuts)
        self.checks = 0
        self.wins: list[Win] = []
        """Arbitrations that ended in SEL."""
        self.unwanted: list[int] = []
        """Times at which a QAS phase ended without SEL."""
        self._walk()

    def _walk(self) -> None:
        """Go through the trace once."""
        gone = free = asked = 0
        before = Wires(0, 0, drivers=0)
        for index, now in enumerate(self.samples):
            time = now.time_ps
            if before.bsy and not before.value & 1 << SEL and before.value & M_PHASE and not now.value & M_PHASE:
                gone = time
            if (before.bsy or before.sel) and not (now.bsy or now.sel):
                free = time
                if gone > asked and not before.sel and time - gone > QAS_ARBITRATION * NS and not self._rst_near(time):
                    self.unwanted.append(time)
            if now.bsy and not before.bsy and not before.sel and not now.sel:
                asked = time
                self._check(time - free >= BUS_FREE * NS, f"BSY {time - free} ps after the bus came free")
            if now.sel and not before.sel:
                self._win(index, before, gone, asked)
                asked = time
            before = now

    def _check(self, good: bool, what: str) -> None:
        assert good, what
        self.checks += 1

    def _rst_near(self, time: int) -> bool:
        return any(cut - 1_000_000 < time < cut + 30_000_000 for cut in self.cuts)

    def _driven(self, index: int, slot: int) -> int:
        return self.samples[index].slot(slot)

    def _win(self, index: int, before: Wires, gone: int, asked: int) -> None:
        """SEL has just been asserted at `index`."""
        now = self.samples[index]
        (winner,) = (slot for slot in self.ids if now.slot(slot) >> SEL & 1)
        asking = [slot for slot in self.ids if before.slot(slot) & M_DATA]
        for slot in asking:
            self._check(before.slot(slot) & M_DATA == 1 << DB + self.ids[slot], f"slot {slot} drives more than its ID")
        ranked = sorted((self.ids[slot] for slot in asking), key=rank)
        where = f"SEL by {self.ids[winner]} at {now.time_ps} ps, contenders {ranked}"
        self._check(bool(ranked) and self.ids[winner] == ranked[0], where)
        qas = gone > asked
        begin = gone if qas else asked
        joined = {slot: self._since(index - 1, slot, DB + self.ids[slot]) for slot in asking}
        if qas:
            self._qas(index, joined, gone, where)
        else:
            own = self._since(index, winner, BSY)
            self._check(now.time_ps - own >= ARBITRATION * NS, f"{where}: arbitration delay")
            for slot, time in joined.items():
                self._check(time - asked <= BUS_SET * NS, f"{where}: {self.ids[slot]} came {time - asked} ps late")
        self._losers_leave(index, asking, winner, QAS_RELEASE if qas else BUS_CLEAR, where)
        self.wins.append(Win(qas, begin, now.time_ps, winner, tuple(ranked)))
        if not any(now.time_ps < cut < now.time_ps + 4_000_000 for cut in self.cuts):
            self._names(index, winner, qas, where)

    def _since(self, index: int, slot: int, bit: int) -> int:
        """When a slot last asserted a wire that it asserts at `index`."""
        while index > 0 and self._driven(index - 1, slot) >> bit & 1:
            index -= 1
        return self.samples[index].time_ps

    def _qas(self, index: int, joined: dict[int, int], gone: int, where: str) -> None:
        sel = self.samples[index].time_ps
        self._check(gone > 0 and sel - gone >= QAS_ARBITRATION * NS, f"{where}: QAS arbitration delay")
        for slot, time in joined.items():
            self._check(0 <= time - gone <= QAS_ASSERTION * NS, f"{where}: ID of {self.ids[slot]} {time - gone} ps")
        holders = {slot for slot in self.ids if self.samples[index].slot(slot) >> BSY & 1}
        self._check(len(holders) == 1, f"{where}: BSY by {holders}")
        (sender,) = holders
        end = self._released(index, sender, 1 << BSY)
        self._check(self._since(index, sender, BSY) < gone, f"{where}: BSY by one that is not the sender")
        self._check(end - sel <= QAS_RELEASE * NS, f"{where}: BSY of the sender")

    def _losers_leave(self, index: int, asking: list[int], winner: int, limit: int, where: str) -> None:
        sel = self.samples[index].time_ps
        for slot in asking:
            if slot != winner:
                gone = self._released(index, slot, M_DATA)
                self._check(gone - sel <= limit * NS, f"{where}: ID of {self.ids[slot]} stays {gone - sel} ps")

    def _released(self, index: int, slot: int, mask: int) -> int:
        """When a slot drives none of these wires any longer, from `index` on."""
        return next(one.time_ps for one in self.samples[index:] if not one.slot(slot) & mask)

    def _names(self, index: int, winner: int, qas: bool, where: str) -> None:
        """From SEL to the release of SEL: what the winner changes when, and what its partner does."""
        own = 1 << self.ids[winner]
        steps: list[tuple[int, int]] = []
        for one in self.samples[index:]:
            driven = one.slot(winner)
            self._check(not one.who(SEL) & ~(1 << winner), f"{where}: somebody else asserts SEL as well")
            if qas and len(steps) < 2:
                driven &= ~(1 << BSY)  # the sender may be the winner
            if not steps or driven != steps[-1][1]:
                steps.append((one.time_ps, driven))
            if not driven >> SEL & 1:
                break
        sel = steps[0][0]
        wait = QAS_ARBITRATION if qas else BUS_CLEAR + BUS_SETTLE
        self._check(steps[1][0] - sel >= wait * NS, f"{where}: winner changes {steps[1][0] - sel} ps after SEL")
        named = next(n for n, (_, driven) in enumerate(steps) if (driven >> DB & 0xFFFF).bit_count() == 2)
        time, driven = steps[named]
        self._check(bool(driven >> DB & own) and _good_parity(driven), f"{where}: IDs {driven:#x}")
        if qas:
            told = steps[named - 1]
            self._check(bool(told[1] & (1 << ATN | 1 << IO)), f"{where}: neither ATN nor I/O before the other ID")
            self._check(time - told[0] >= TWO_DESKEWS * NS, f"{where}: ATN {time - told[0]} ps before the other ID")
            self._check(not any(driven >> BSY & 1 for _, driven in steps[: named + 1]), f"{where}: BSY of the winner")
        else:
            let_go, _ = steps[named + 1]
            self._check(let_go - time >= TWO_DESKEWS * NS, f"{where}: BSY released {let_go - time} ps after the IDs")
            time = let_go
        self._answer(index, winner, time, steps[-1][0], where)

    def _answer(self, index: int, winner: int, called: int, released: int, where: str) -> None:
        """The partner's BSY, if it came."""
        for one in self.samples[index:]:
            if called < one.time_ps <= released and one.who(BSY) & ~(1 << winner):
                self._check(one.time_ps - called >= BUS_SETTLE * NS, f"{where}: answer too early")
                self._check(released - one.time_ps >= TWO_DESKEWS * NS, f"{where}: SEL released too early")
                return


def _good_parity(driven: int) -> bool:
    """Odd parity in each byte in use, none in the other."""
    value, dbp = driven >> DB & 0xFFFF, driven >> DB + 16 & 3
    groups = [(value & 0xFF, dbp & 1), (value >> 8, dbp >> 1)]
    return all(bit == (odd_parity(byte) if byte else 0) for byte, bit in groups)


class Fairness:
    """The fairness registers of all devices, kept from what the judge has seen."""

    def __init__(self, devices: dict[int, Device]) -> None:
        self.devices = devices
        self.register: dict[int, set[int]] = {slot: set() for slot in devices}

    def may(self, slot: int, qas: bool) -> bool:
        """The device may ask for the bus."""
        device = self.devices[slot]
        if qas:
            return device.qas and not self.register[slot]
        return not device.fair or not self.register[slot]

    def idle(self) -> None:
        """The bus was left alone."""
        for register in self.register.values():
            register.clear()

    def seen(self, qas: bool, contenders: Sequence[int]) -> None:
        """An arbitration with these IDs, highest priority first; QAS may have none."""
        for slot, device in self.devices.items():
            if not (device.qas or (device.fair and not qas)):
                continue
            losers = {one for one in contenders[1:] if rank(one) > rank(device.scsi_id)}
            lost = device.scsi_id in contenders[1:]
            self.register[slot] = self.register[slot] & losers if lost else losers
