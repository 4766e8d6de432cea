"""RTL initiators and RTL targets on the bench, each drive with a medium of its own, and the independent referee.

The light rig of the system tests: hosts by registers, monitor, checker, mirror annotator, a log of who drives which
control line, and media that are compared byte for byte. `finish` gives the verdict.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import cocotb
from cocotb.triggers import Event, FallingEdge, RisingEdge, Timer

from cocotbext.scsi import Kind, Phase, Transaction
from cocotbext.scsi.models import ScsiPort
from cocotbext.scsi.wires import CONTROL, EVERY_SLOT, M_CONTROL, Wires, slots_in
from helpers.referee import Referee
from initiator_rig import OK, Completion, Host
from silentmirror.bench import INITIATOR_IDS, Bench, BenchConfig, Medium, Slot, SlotConfig, target_slots
from silentmirror.bench import Kind as SlotKind
from silentmirror.mirror_rules import mirror_options

INITIATOR = INITIATOR_IDS[0]
GROUP = ((5, 0x00), (4, 0x01), (3, 0x02))
"""Table 1: SCSI ID and yz of each member."""
BLOCK = 512
BLOCKS = 16
SENSE_BYTES = 18
_CONTROL_OF_ALL = M_CONTROL * EVERY_SLOT
"""The control lines in a per-driver view."""


def request_sense() -> bytes:
    """CDB of REQUEST SENSE."""
    return bytes([0x03, 0, 0, 0, SENSE_BYTES, 0])


def pattern(length: int = BLOCK, salt: object = "") -> bytes:
    """Data that differs from test to test and from seed to seed."""
    return random.Random(f"data {cocotb.RANDOM_SEED} {salt}").randbytes(length)


class DriverLog:
    """Sampler subscriber: who asserts each control line, as SCSI IDs, whenever that changes."""

    def __init__(self, ids: dict[int, int]) -> None:
        self._ids = ids
        self._drivers = 0
        self.changes: dict[str, list[tuple[int, frozenset[int]]]] = {name: [] for name in CONTROL}
        """Per line: time in ps and the SCSI IDs that assert it from then on."""

    def sample(self, wires: Wires) -> None:
        """Take one sample; most of them change one line or none."""
        drivers = (wires.drivers or 0) & _CONTROL_OF_ALL
        changed = drivers ^ self._drivers
        if not changed:
            return
        self._drivers = drivers
        for bit, name in enumerate(CONTROL):
            if changed >> bit & EVERY_SLOT:
                who = frozenset(self._ids[slot] for slot in slots_in(wires.who(bit)))
                self.changes[name].append((wires.time_ps, who))

    def during(self, name: str, start_ps: int, end_ps: int) -> list[frozenset[int]]:
        """Who asserted a line from `start_ps` until just before `end_ps`, one entry for each change."""
        before = [who for time, who in self.changes[name] if time <= start_ps]
        within = [who for time, who in self.changes[name] if start_ps < time < end_ps]
        return [before[-1] if before else frozenset(), *within]


@dataclass
class SystemRig(Referee):
    """See the module. `start` it first."""

    dut: Any
    ids: Sequence[int] = (5, 4, 3)
    """SCSI IDs of the targets, in `target_slots`."""
    overrides: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By SCSI ID: fields of its slot that differ."""
    timers: dict[str, int] = field(default_factory=dict)
    """Timers of all targets: fields of their slots that differ."""
    hosts: int = 1
    python: Sequence[int] = ()
    """SCSI IDs of Python ports, in slots 14 and 15."""
    allow_unexpected_free: bool = False
    block_len: int = BLOCK
    blocks: int = BLOCKS
    cable_ns: float = 0.0
    """Longest cable, for the checker's allowance; the slots' own delays are `overrides`."""
    clock_seed: object = None
    """Another seed for clock phases and offsets than that of the test."""

    async def start(self) -> Self:
        """Start the bench and attach the referee."""
        folder = Path("media")
        folder.mkdir(exist_ok=True)
        slots = {
            slot: SlotConfig(SlotKind.INITIATOR, **{"scsi_id": scsi_id, **self.overrides.get(scsi_id, {})})
            for slot, scsi_id in enumerate(INITIATOR_IDS[: self.hosts])
        }
        self._before: dict[int, bytes] = {}
        for slot, scsi_id in zip(target_slots(self.hosts), self.ids, strict=False):
            image = folder / f"{scsi_id}.img"
            self._before[scsi_id] = pattern(self.block_len * self.blocks, f"medium {scsi_id}")
            image.write_bytes(self._before[scsi_id])
            fields: dict[str, Any] = {"scsi_id": scsi_id, "medium": image, "block_len": self.block_len}
            fields |= {**self.timers, **self.overrides.get(scsi_id, {})}
            slots[slot] = SlotConfig(SlotKind.TARGET, **fields)
        slots |= {
            slot: SlotConfig(SlotKind.PYTHON, scsi_id) for slot, scsi_id in zip((14, 15), self.python, strict=False)
        }
        self._written: dict[int, dict[int, bytes]] = {scsi_id: {} for scsi_id in self.ids}
        seed = cocotb.RANDOM_SEED if self.clock_seed is None else random.Random(str(self.clock_seed)).getrandbits(31)
        self.bench = Bench(self.dut, BenchConfig(slots, seed))
        await self.bench.start()
        options = mirror_options(cable_ns=self.cable_ns, allow_unexpected_free=self.allow_unexpected_free)
        self._seen = Event()
        self.attach(self.dut, options, callback=lambda _done: self._seen.set())
        self.log = DriverLog({number: slot.scsi_id for number, slot in slots.items()})
        self.sampler.subscribe(self.log)
        self._mark = 0
        return self

    # -- hosts ------------------------------------------------------------------------------------------------------

    async def host(self, number: int = 0, *, wide: bool = True, **registers: int) -> Host:
        """The host of an initiator, counted from 0, configured and enabled."""
        host = Host(self.dut, number, INITIATOR_IDS[number])
        await host.start(wide=wide, **registers)
        return host

    async def ready(self, host: Host, *ids: int) -> None:
        """Take the unit attention of each target (default: all); negotiates where the host offers 16 bit."""
        for scsi_id in ids or self.ids:
            assert await self.sense(host, scsi_id) == (6, 0x2901), scsi_id

    async def sense(self, host: Host, scsi_id: int) -> tuple[int, int]:
        """Sense key and ASC/ASCQ by REQUEST SENSE, which goes to the end of a 16 KiB part of the buffer."""
        addr = 8192
        done = await host.command(scsi_id, request_sense(), data_in=SENSE_BYTES, addr=addr)
        assert done.good, done
        assert done.moved == SENSE_BYTES
        data = await host.unload(SENSE_BYTES, addr)
        assert (data[0] & 0x7F, data[7]) == (0x70, 0x0A)
        return data[2] & 0xF, data[12] << 8 | data[13]

    async def enrol(self, host: Host, members: Iterable[tuple[int, int]] = GROUP) -> None:
        """QUERY to each member (SCSI ID, yz); the last one gets the last indicator."""
        members = list(members)
        for scsi_id, yz in members:
            done = await host.query(scsi_id, yz, last=(scsi_id, yz) == members[-1])
            assert done.result == OK, done

    async def group(self, host: Host, members: Iterable[tuple[int, int]] = GROUP) -> None:
        """Unit attentions, negotiation, enrolment; what was on the bus until then is set aside."""
        members = list(members)
        await self.ready(host, *(scsi_id for scsi_id, _ in members))
        await self.enrol(host, members)
        await self.mark()

    async def mirror(
        self,
        host: Host,
        order: Sequence[int],
        lba: int,
        data: bytes,
        *,
        members: Iterable[tuple[int, int]] = GROUP,
        **options: Any,
    ) -> Completion:
        """A mirrored write that must end GOOD everywhere; the media are expected to hold it."""
        await host.load(data)
        done = await host.mirror_write(order, lba, len(data), **options)
        by_z = {yz & 0xF: scsi_id for scsi_id, yz in members}
        assert (done.good, done.moved, done.rank) == (True, len(data), len(order)), self.story(done)
        assert [(one.z, one.target) for one in done.members] == [(z, by_z[z]) for z in order]
        assert all(one.good for one in done.members), self.story(done)
        self.wrote([by_z[z] for z in order], lba, data)
        return done

    # -- devices ----------------------------------------------------------------------------------------------------

    def slot(self, scsi_id: int) -> Slot:
        """The slot of a device."""
        return self.bench.slot(self.bench.config.slot_of_id(scsi_id))

    def port(self, scsi_id: int) -> ScsiPort:
        """The port of a Python device; one a test."""
        return ScsiPort(self.dut, self.bench.python_prefix(self.bench.config.slot_of_id(scsi_id)))

    def medium(self, scsi_id: int) -> Medium:
        """The medium of a target."""
        return self.bench.medium(self.bench.config.slot_of_id(scsi_id))

    def wrote(self, ids: Iterable[int], lba: int, data: bytes) -> None:
        """These media must hold `data` from block `lba` on."""
        for scsi_id in ids:
            for index in range(len(data) // self.block_len):
                block = data[index * self.block_len : (index + 1) * self.block_len]
                self._written[scsi_id][lba + index] = block

    def compare_media(self) -> None:
        """Every byte of every medium is what it was, but for what `wrote` has named."""
        assert self.ids
        for scsi_id in self.ids:
            expected = bytearray(self._before[scsi_id])
            for lba, block in self._written[scsi_id].items():
                expected[lba * self.block_len : (lba + 1) * self.block_len] = block
            found = self.medium(scsi_id).path.read_bytes()
            assert len(found) == len(expected) == self.block_len * self.blocks
            size = self.block_len
            wrong = [lba for lba in range(self.blocks) if found[lba * size :][:size] != expected[lba * size :][:size]]
            asked = sorted(self._written[scsi_id])
            assert not wrong, f"medium of {scsi_id}: block(s) {wrong} wrong; written should be {asked}"

    # -- bus --------------------------------------------------------------------------------------------------------

    async def mark(self) -> None:
        """Let the bus come free; what happened until now is left out of `seen` and of what is built on it."""
        await self.quiet()
        self.monitor.flush()
        self._mark = len(self.monitor.transactions)

    async def quiet(self, limit_us: int = 3000) -> None:
        """Return when nothing has been on the bus for 2 us."""
        for _ in range(limit_us // 2):
            before = self.sampler.samples
            await Timer(2, "us")
            if before == self.sampler.samples and not int(self.dut.bus_all.value):
                return
        raise AssertionError(f"the bus is not free after {limit_us} us\n{self.monitor.last()}")

    async def req(self) -> None:
        """The next assertion of REQ at the centre of the bus."""
        await RisingEdge(self.dut.bus_req)

    def phase_now(self) -> Phase:
        """What the phase lines say now."""
        dut = self.dut
        return Phase(int(dut.bus_msg.value) << 2 | int(dut.bus_cd.value) << 1 | int(dut.bus_io.value))

    async def transfer(self, phase: Phase, index: int = 0, skip: int = 0) -> None:
        """REQ number `index` (from 0) of a phase of this kind, when `skip` such phases have passed by, is asserted."""
        before: Phase | None = None
        begun = -1
        while True:
            await self.req()
            now = self.phase_now()
            if now == phase and before != phase:
                begun += 1
                count = 0
            if now == phase:
                if begun == skip and count == index:
                    return
                count += 1
            before = now

    async def after_transfer(self, phase: Phase, index: int = 0, skip: int = 0) -> None:
        """The same transfer has ended: REQ and ACK are negated."""
        await self.transfer(phase, index, skip)
        await FallingEdge(self.dut.bus_ack)

    async def damage(self, scsi_id: int, phase: Phase, index: int = 0, skip: int = 0) -> None:
        """One device sees wrong parity in one byte (as `transfer` names it), and nothing else wrong."""
        await self.transfer(phase, index, skip)
        self.slot(scsi_id).rx.invert("dbp0")
        await FallingEdge(self.dut.bus_ack)
        self.slot(scsi_id).rx.clear()

    async def until(self, **wanted: object) -> Transaction:
        """The next transaction whose named attributes have these values."""
        count = len(self.monitor.transactions)
        while True:
            self._seen.clear()
            await self._seen.wait()
            for one in list(self.monitor.transactions)[count:]:
                count += 1
                if all(getattr(one, name) == value for name, value in wanted.items()):
                    return one

    @property
    def seen(self) -> list[Transaction]:
        """Transactions since `mark`."""
        self.monitor.flush()
        return list(self.monitor.transactions)[self._mark :]

    def of_kind(self, kind: Kind) -> list[Transaction]:
        """The transactions of one kind since `mark`."""
        return [one for one in self.seen if one.kind is kind]

    def phases(self) -> list[tuple[Phase, int | None, str]]:
        """Phase, who drives it, and bytes (hex) of each information phase since `mark`."""
        return [(one.phase, one.by, one.data.hex()) for one in self.of_kind(Kind.PHASE) if one.phase is not None]

    def notes(self) -> list[str]:
        """What the transactions since `mark` mean to silent mirroring."""
        return [str(one.note) for one in self.seen if one.note is not None]

    def story(self, what: object = "") -> str:
        """For the message of a failure."""
        return f"{what}\n{self.monitor.last(30)}"

    async def finish(self, *violated: str) -> None:
        """The verdict: exactly these rules violated, the bus free and driven by nobody, all media as they must be."""
        await self.quiet()
        self.judge(*violated)
        assert not int(self.dut.drv_all.value)
        self.compare_media()
