"""Bus waveforms made by hand: whole bus sequences as `Wires` samples, without a simulator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cocotbext.scsi import wires as w
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.decoder import BusDecoder
from cocotbext.scsi.transaction import Kind, Transaction
from cocotbext.scsi.wires import Subscriber, Wires, odd_parity

HOST = (0, 7)
"""Slot and SCSI ID of an initiator."""
LEADER = (2, 5)
SECOND = (3, 4)
THIRD = (4, 3)

_BITS = {name: 1 << bit for bit, name in enumerate(w.CONTROL)}


def data_bits(word: int, wide: bool = False) -> int:
    """DB and parity of a word as they stand in the bus vector; an 8-bit device leaves the high byte released."""
    bits = (word & 0xFFFF) << w.DB | odd_parity(word) << w.DBP
    return bits | odd_parity(word >> 8) << (w.DBP + 1) if wide else bits


class Waves:
    """A bus of up to 16 slots, driven call by call; every change goes to the subscribers as one sample."""

    def __init__(self, *subscribers: Subscriber, drivers: bool = True, start_ns: float = 1000.0) -> None:
        self.subscribers = list(subscribers)
        self.time_ps = 0
        self._drivers = drivers
        self._slots = [0] * w.SLOTS
        self._value = 0
        self._unknown = 0
        self._sample(0)
        self.wait(start_ns)

    def wait(self, ns: float) -> None:
        """Let time pass."""
        self.time_ps += round(ns * 1000)

    def put(self, slot: int, *, data: int | None = None, unknown: int = 0, **signals: int) -> None:
        """Change what a slot asserts: control signals by name, `data` as bits of the vector. One sample follows."""
        now = self._slots[slot]
        for name, level in signals.items():
            now = now | _BITS[name] if level else now & ~_BITS[name]
        if data is not None:
            now = now & ~w.M_DATA | data
        self._slots[slot] = now
        self._sample(unknown)

    def release(self, slot: int) -> None:
        """The slot lets go of everything."""
        self._slots[slot] = 0
        self._sample(0)

    def arbitrate(self, contenders: Mapping[int, int], winner: int) -> None:
        """Slots arbitrate with their SCSI IDs; slot `winner` asserts SEL and the others let go."""
        for slot, scsi_id in contenders.items():
            self.wait(20)
            self.put(slot, bsy=1, data=1 << (w.DB + scsi_id))
        self.wait(2400)
        self.put(winner, sel=1)
        for slot in contenders:
            if slot != winner:
                self.wait(100)
                self.release(slot)
        self.wait(1200)

    def call(self, winner: int, partner: int, ids: tuple[int, int], *, atn: int = 0, reselect: int = 0) -> None:
        """SELECTION or RESELECTION by the slot that won, answered by `partner`; `ids` are theirs in that order."""
        word = 1 << ids[0] | 1 << ids[1]
        self.put(winner, atn=atn, io=reselect, data=data_bits(word, wide=word > 0xFF))
        self.wait(90)
        self.put(winner, bsy=0)
        self.wait(400)
        self.put(partner, bsy=1)
        if reselect:
            self.wait(20)
            self.put(winner, bsy=1)
        self.wait(90)
        self.put(winner, sel=0, data=0)
        if reselect:
            self.wait(50)
            self.put(partner, bsy=0)
        self.wait(50)

    def select(self, initiator: tuple[int, int], target: tuple[int, int], atn: int = 1) -> None:
        """ARBITRATION without rivals and SELECTION; each end is (slot, SCSI ID)."""
        self.wait(1200)
        self.arbitrate({initiator[0]: initiator[1]}, initiator[0])
        self.call(initiator[0], target[0], (initiator[1], target[1]), atn=atn)

    def reselect(self, target: tuple[int, int], initiator: tuple[int, int]) -> None:
        """ARBITRATION without rivals and RESELECTION; each end is (slot, SCSI ID)."""
        self.wait(1200)
        self.arbitrate({target[0]: target[1]}, target[0])
        self.call(target[0], initiator[0], (target[1], initiator[1]), reselect=1)

    def phase(self, slot: int, phase: Phase) -> None:
        """A slot drives the phase lines."""
        self.put(slot, msg=phase >> 2 & 1, cd=phase >> 1 & 1, io=phase & 1)
        self.wait(400)

    def out(self, target: int, initiator: int, phase: Phase, words: Iterable[int], wide: bool = False) -> None:
        """An OUT phase: the target's slot asks, the initiator's sends; in MESSAGE OUT ATN falls before the last ACK."""
        sent = list(words)
        self.phase(target, phase)
        for number, word in enumerate(sent):
            self.put(target, req=1)
            self.wait(20)
            last = phase is Phase.MSG_OUT and number == len(sent) - 1
            self.put(initiator, data=data_bits(word, wide), **({"atn": 0} if last else {}))
            self.wait(90)
            self.handshake(target, initiator)
        self.put(initiator, data=0)

    def into(self, target: int, initiator: int, phase: Phase, words: Iterable[int], wide: bool = False) -> None:
        """An IN phase: the target's slot sends."""
        self.phase(target, phase)
        for word in words:
            self.put(target, data=data_bits(word, wide))
            self.wait(55)
            self.put(target, req=1)
            self.wait(20)
            self.handshake(target, initiator)
        self.put(target, data=0)

    def negotiate_wide(self, initiator: tuple[int, int], target: tuple[int, int], answer: str = "01020301") -> None:
        """A selection in which the initiator asks for 16 bit and the target answers with these bytes (hex)."""
        self.select(initiator, target)
        self.out(target[0], initiator[0], Phase.MSG_OUT, bytes.fromhex("C001020301"))
        self.into(target[0], initiator[0], Phase.MSG_IN, bytes.fromhex(answer))

    def handshake(self, target: int, initiator: int) -> None:
        """ACK to the REQ that is there, and both go false."""
        self.put(initiator, ack=1)
        self.wait(30)
        self.put(target, req=0)
        self.wait(30)
        self.put(initiator, ack=0)
        self.wait(30)

    def free(self, *slots: int) -> None:
        """Slots let go of everything, the last one ends the connection; returns 2 us later."""
        for slot in slots:
            self.wait(30)
            self.release(slot)
        self.wait(2000)

    def _sample(self, unknown: int) -> None:
        value = 0
        for driven in self._slots:
            value |= driven
        value &= ~unknown
        changed = (value ^ self._value) | (unknown ^ self._unknown)
        self._value, self._unknown = value, unknown
        view = sum(driven << slot * w.WIDTH for slot, driven in enumerate(self._slots)) if self._drivers else None
        sample = Wires(self.time_ps, value, unknown, view, changed)
        for subscriber in self.subscribers:
            subscriber.sample(sample)


class DecodedBus:
    """Waves into a decoder; `done` is what it reported."""

    def __init__(self, drivers: bool = True, parity: bool = True) -> None:
        self.done: list[Transaction] = []
        self.decoder = BusDecoder(self.done.append, parity)
        self.waves = Waves(self.decoder, drivers=drivers)

    def finish(self) -> list[Transaction]:
        """Let the bus settle and return all transactions."""
        self.waves.wait(1000)
        self.decoder.flush(self.waves.time_ps)
        return self.done

    def phases(self) -> list[Transaction]:
        """The information phases."""
        return [done for done in self.finish() if done.kind is Kind.PHASE]
