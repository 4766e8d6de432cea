"""Plays the points of `to_target` and `to_group`: a Python initiator that misbehaves, then gives a good command."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi.agreement import WIDTH_8, WIDTH_16, Agreement, Option, Ppr, Sdtr, Wdtr
from cocotbext.scsi.constants import Opcode, Phase, Status
from cocotbext.scsi.models.arbitration import arbitrate
from cocotbext.scsi.models.connection import Connection
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.initiator import InitiatorModel
from cocotbext.scsi.models.messages import identify, simple
from cocotbext.scsi.models.mirror_connection import MirrorConnection, Participant
from cocotbext.scsi.models.mirror_messages import MirrorOrder, parse_order
from cocotbext.scsi.models.negotiation import Abilities, Request
from cocotbext.scsi.models.outbox import Outbox
from cocotbext.scsi.models.port import M_FREE, parity_of
from cocotbext.scsi.models.task import Task
from cocotbext.scsi.wires import M_BSY, M_SEL
from silentmirror.bench import Bench, BenchConfig, Kind, Medium, SlotConfig

from .image import Image, blocks_of, pattern
from .points import Point
from .to_group import MEMBERS
from .to_target import BLOCK, BLOCKS, read_10, write_10
from .watch import DRIVE_BOUND_US, HOLDOFF_US, PART_STALL_US, RESELECTION_US, STALL_US, BusWatch, PointFailed, TimedPort

INITIATOR, DRIVE = 7, 5
_HOST_SLOT, _FIRST_SLOT = 14, 2
_OFFSET = 15
_STATUS_US = 150
_SELECTION_US = 260
"""Longer than a drive may take to answer."""
_REQUESTS: dict[str, list[Request]] = {
    "none": [Wdtr(WIDTH_8)],
    "wide": [Wdtr(WIDTH_16)],
    "st": [Wdtr(WIDTH_16), Sdtr(0x0C, _OFFSET)],
    "dt": [Ppr(0x09, _OFFSET, WIDTH_16, Option.DT)],
}
_AGREED = {
    "none": Agreement(),
    "wide": Agreement(wide=True),
    "st": Agreement(0x0C, _OFFSET, wide=True),
    "dt": Agreement(0x09, _OFFSET, wide=True, options=Option.DT),
}
_SPOILS = frozenset({FaultKind.STOP, FaultKind.BAD_PARITY, FaultKind.BAD_CRC, FaultKind.SKIP_ACK, FaultKind.EXTRA_ACK})
"""Faults after which a command or its data have not come as they were meant."""
_IDLE_US = 4 * _STATUS_US
_TRIES = 8
_PAUSE_US = 20


class RogueOutbox(Outbox):
    """Negates ATN before byte `drop_atn` of the first MESSAGE OUT phase."""

    drop_atn: int | None = None

    async def send_byte(self) -> None:
        """Answer one REQ in MESSAGE OUT."""
        if self.drop_atn is not None and self.drop_atn == self._index:
            self.drop_atn = None
            self._link.port.drive(atn=0)
        await super().send_byte()


class RogueConnection(Connection):
    """A connection with an outbox that can drop ATN."""

    outbox_type = RogueOutbox
    outbox: RogueOutbox


@dataclass
class Offer:
    """A write that a point makes: what it may change, and what it must after GOOD."""

    task: Task
    lba: int
    size: int
    """Bytes."""
    mirrored: bool = False

    @property
    def status(self) -> int | None:
        """Of this write: that of a mirrored one comes by reselection; without, it is that of a command in its place."""
        return None if self.mirrored and not self.task.result.reselections else self.task.result.status

    def blocks(self) -> dict[int, bytes]:
        """What is on the medium if all of it was sent and taken, else nothing."""
        if self.task.result.sent < self.size or not 0 < self.size <= (BLOCKS - self.lba) * BLOCK or self.size % BLOCK:
            return {}
        return blocks_of(self.task.data_out.ljust(self.size, b"\0")[: self.size], self.lba)


class Player:
    """The initiator, the drives and their media in one simulation."""

    bound_us = DRIVE_BOUND_US

    def __init__(self, dut: Any, seed: int, *, group: bool) -> None:
        self.dut = dut
        self.ids = [scsi_id for scsi_id, _ in MEMBERS] if group else [DRIVE]
        slots = {_HOST_SLOT: SlotConfig(Kind.PYTHON)}
        for number, scsi_id in enumerate(self.ids):
            slots[_FIRST_SLOT + number] = drive_slot(scsi_id, offset=127, period=0x09, dt=True)
        self.bench = Bench(dut, BenchConfig(slots, seed))
        self.faults = Faults()
        self._serial = 0
        self._offers: list[Offer] = []
        self._struck = False

    async def start(self) -> None:
        """Start the bench and bring the drives to where a point begins."""
        await self.bench.start()
        self.port = TimedPort(self.dut, self.bench.python_prefix(_HOST_SLOT))
        self.watch = BusWatch(self.dut, self.port, self.bound_us, _IDLE_US)
        self.initiator = InitiatorModel(
            self.port,
            INITIATOR,
            faults=self.faults,
            abilities=Abilities(True, 0x09, _OFFSET, dt=True),
            stall_us=10 * self.bound_us,
            status_timeout_us=_STATUS_US,
            selection_timeout_us=_SELECTION_US,
            reset_on_stall=False,
        )
        self.images = {scsi_id: Image(self._medium(scsi_id).path, f"drive {scsi_id}") for scsi_id in self.ids}
        await self._good_command(0)

    async def play(self, point: Point) -> bool:
        """The bad input, what may come of it, and the good command after it; true if the bad input came to pass.

        Raises:
            PointFailed: see docs/testplan.md.
        """
        self._offers = []
        self._struck = not any(name in point.spec for name in ("faults", "atn", "drop_atn"))
        await self._prepare(point)
        self.faults.committed.clear()
        for kind, phase, index, times, skip in point.spec.get("faults", []):
            self.faults.add(Fault(FaultKind(kind), Phase[phase], index, times=times, skip=skip))
        jobs = [cocotb.start_soon(job) for job in self._jobs(point)]
        await self.watch.until(lambda: all(job.done() for job in jobs), "bad input")
        self.initiator.respond_to_reselection = True
        struck = self._struck or bool(self.faults.committed)
        await self._settle()
        self._judge()
        await self._good_command(point.number)
        self.watch.quiet("after the good command")
        return struck

    # -- bad input ----------------------------------------------------------------------------------------------

    async def _prepare(self, point: Point) -> None:
        """What is agreed and enrolled before the point."""
        spec = point.spec
        if point.side == "group":
            self.initiator.agreements.update(dict.fromkeys(range(16), Agreement(wide=True)))
            for scsi_id, yz in MEMBERS:
                await self._over(self.initiator.query(scsi_id, yz, last=scsi_id == self.ids[-1]), "enrolment")
        elif "select" not in spec:
            agreed = await self._over(self.initiator.negotiate(DRIVE, *_REQUESTS[spec["agree"]]), "agreement")
            if agreed != _AGREED[spec["agree"]]:
                raise PointFailed(f"before the bad input: {agreed} agreed for {spec['agree']}")

    def _jobs(self, point: Point) -> Iterator[Coroutine[Any, Any, Any]]:
        spec = point.spec
        if "select" in spec:
            self.initiator.respond_to_reselection = False
            yield self._selection(**spec["select"])
        elif "commands" in spec:
            for one in spec["commands"]:
                yield self._command(one, spec)
        elif "messages" in spec:
            messages = [bytes.fromhex(text) for text in spec["messages"]]
            yield self.initiator.message_out(spec["target"], *messages)
        else:
            yield self._mirrored_write(spec)

    async def _command(self, one: dict[str, Any], spec: dict[str, Any]) -> None:
        data, cdb = one["data"], bytes.fromhex(one["cdb"])
        task = Task(DRIVE, one["lun"], one["tag"], cdb)
        task.data_out = bytes.fromhex(data) if isinstance(data, str) else self._pattern(data)
        if one["lun"] == 0 and (place := _written(cdb)) is not None:
            self._offers.append(Offer(task, *place))
        connection = RogueConnection(self.initiator, DRIVE, task, [bytes.fromhex(text) for text in one["messages"]])
        connection.outbox.drop_atn = spec.get("drop_atn")
        if "atn" in spec:
            cocotb.start_soon(self._interrupt(connection, *spec["atn"]))
        await self.initiator.connect(connection, task)
        self._struck |= "drop_atn" in spec and connection.outbox.drop_atn is None

    async def _interrupt(self, connection: Connection, delay_ns: int, message: str) -> None:
        await Timer(delay_ns, "ns")
        if self.port.is_set(M_BSY) and not self.port.is_set(M_SEL):
            connection.attention(bytes.fromhex(message))
            self._struck = True

    async def _mirrored_write(self, spec: dict[str, Any]) -> None:
        length, tag = spec["length"], spec["tag"]
        data = self._pattern(min(length, 2 * BLOCKS * BLOCK))
        parts = [Participant(Task(scsi_id, 0, tag, data_out=data), yz) for scsi_id, yz in spec["order"]]
        order = MirrorOrder(True, parts[0].yz, spec["lba"], length, len(parts) == 1)
        message = bytes.fromhex(spec["message"]) if "message" in spec else order.encode()
        said = parse_order(message)
        if said is not None and said.write:
            self._offers += [Offer(part.task, said.lba, said.length, mirrored=True) for part in parts]
        connection = MirrorConnection(
            self.initiator,
            parts,
            [identify(disc_priv=True), simple(tag), message],
            length=length,
            switch_repeats=0,
            ending_message=bytes.fromhex(spec["ending"]) if "ending" in spec else None,
        )
        await self.initiator.connect_mirror(connection, [part.task for part in parts])

    async def _selection(self, ids: int, bad_parity: int, atn: int, io: int, hold_ns: int) -> None:
        """A selection with any IDs that is given up after a while, whoever answered it."""
        port = self.port
        while not (port.is_set(M_FREE) and await arbitrate(port, INITIATOR)):
            await Timer(_PAUSE_US, "us")
        port.drive(atn=atn, io=io)
        port.drive_data(ids, parity_of(ids) ^ bad_parity)
        await port.delay(port.timing.two_deskews)
        port.drive(bsy=0)
        await Timer(hold_ns, "ns")
        port.release()

    # -- judgement ----------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        """The media hold what they held, and what was written by the point."""
        spoilt = any(
            fault.kind in _SPOILS and fault.phase in (Phase.COMMAND, Phase.DATA_OUT, Phase.DT_DATA_OUT)
            for fault in self.faults.committed
        )
        group = len(self.ids) > 1
        for scsi_id, image in self.images.items():
            allowed: dict[int, list[bytes]] = {}
            due: dict[int, bytes] = {}
            for offer in self._offers:
                # A drive may have a phase repeated after wrong parity; what comes of it shows in the status alone.
                status, blocks = offer.status, offer.blocks()
                if spoilt and not group and status is None:
                    blocks = {}
                if status not in (None, Status.GOOD):
                    continue
                for lba, block in blocks.items():
                    allowed.setdefault(lba, []).append(block)
                if status == Status.GOOD and offer.task.target == scsi_id:
                    if offer.size and not blocks:
                        raise PointFailed("GOOD for a write that did not come whole")
                    due |= blocks
            image.judge(allowed, due if len(self._offers) == 1 or group else {}, "bad input")

    async def _good_command(self, number: int) -> None:
        """Each drive writes a block and reads it back."""
        self.faults.pending.clear()
        self.initiator.agreements.clear()
        for scsi_id in self.ids:
            await self._make_ready(scsi_id)
            lba, data = number % BLOCKS, self._pattern(BLOCK)
            cdb = bytes.fromhex(write_10(lba, 1))
            result = await self._over(self.initiator.command(scsi_id, cdb, data_out=data), "good write")
            if not result.good:
                raise PointFailed(f"good write to drive {scsi_id}: {result.ended}, status {result.status}")
            result = await self._over(self.initiator.command(scsi_id, bytes.fromhex(read_10(lba, 1))), "good read")
            if not result.good or result.data != data:
                raise PointFailed(f"good read of drive {scsi_id}: {result.ended}, status {result.status}, other data")
        await self._settle()
        for scsi_id, image in self.images.items():
            written = {number % BLOCKS: self._medium(scsi_id).block(number % BLOCKS)}
            image.judge({lba: [block] for lba, block in written.items()}, written, "good command")

    async def _make_ready(self, scsi_id: int) -> None:
        """TEST UNIT READY until sense data of what has been are out of the way."""
        for _ in range(_TRIES):
            command = self.initiator.command(scsi_id, bytes(6), requests=_REQUESTS["wide"])
            result = await self._over(command, "TEST UNIT READY")
            if result.good:
                return
            await Timer(_PAUSE_US, "us")
        raise PointFailed(f"drive {scsi_id} is not ready: {result.ended}, status {result.status}")

    async def _over(self, job: Coroutine[Any, Any, Any], what: str) -> Any:
        task = cocotb.start_soon(job)
        await self.watch.until(task.done, what)
        return task.result()

    async def _settle(self) -> None:
        """Return when no medium is at work and the bus stays free for a while."""
        await self.watch.until(lambda: not any(self._medium(scsi_id).busy for scsi_id in self.ids), "medium")

    def _medium(self, scsi_id: int) -> Medium:
        return self.bench.medium(self.bench.config.slot_of_id(scsi_id))

    def _pattern(self, length: int) -> bytes:
        self._serial += 1
        return pattern(self._serial, length)


def _written(cdb: bytes) -> tuple[int, int] | None:
    """First block and bytes of a WRITE, else None."""
    if cdb[0] == Opcode.WRITE_10 and len(cdb) >= 10:
        return int.from_bytes(cdb[2:6], "big"), int.from_bytes(cdb[7:9], "big") * BLOCK
    if cdb[0] == Opcode.WRITE_6:
        return int.from_bytes(cdb[1:4], "big") & 0x1F_FFFF, (cdb[4] or 256) * BLOCK
    return None


def drive_slot(scsi_id: int, **abilities: Any) -> SlotConfig:
    """A drive with a small medium of its own, blank at first, and timers that a simulation can wait for."""
    folder = Path("media")
    folder.mkdir(exist_ok=True)
    image = folder / f"{scsi_id}.img"
    image.write_bytes(b"\xe5" * (BLOCKS * BLOCK))
    return SlotConfig(
        Kind.TARGET,
        scsi_id,
        medium=image,
        stall_us=STALL_US,
        part_stall_us=PART_STALL_US,
        holdoff_us=HOLDOFF_US,
        sel_timeout_us=RESELECTION_US,
        **abilities,
    )
