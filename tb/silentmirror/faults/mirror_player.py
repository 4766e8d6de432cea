"""Plays the points of `to_mirror`: a mirrored operation with one fault in it, then the same without."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

import cocotb
from cocotb.triggers import SimTimeoutError, Timer, with_timeout

from cocotbext.scsi.constants import Status
from cocotbext.scsi.models.port import now_ps
from silentmirror.bench import Bench, BenchConfig, Kind, SlotConfig
from silentmirror.env.port import HostPort
from silentmirror.model import CapabilityRequest

from .bad_initiator import drive_slot
from .host import Completion, Host, Member, command, query
from .image import Image, blocks_of, pattern
from .mirror_operations import GROUP, INITIATOR, MODES, OPERATIONS
from .points import Point
from .to_mirror import BYSTANDER
from .to_target import BLOCK, BLOCKS
from .watch import CONNECTION_BOUND_US, OVER_US, PointFailed, shown
from .wire_watch import BusRules, Copies, Effect

_HOST_SLOT, _FIRST_SLOT, _BYSTANDER_SLOT = 0, 2, 14
SLOT_OF: Final = {INITIATOR: _HOST_SLOT, **{scsi_id: _FIRST_SLOT + n for n, (scsi_id, _) in enumerate(GROUP)}}
_LOOK_NS: Final = 400
_FREE_LOOKS: Final = 2
_QUIET_US: Final = 30
"""A bus that is free for so long: nobody has anything left to say."""
_SHORT_US: Final = 4
"""The same where nothing has gone wrong."""
_BLOCKED_US: Final = 60
"""How long a line sticks that keeps the bus from being free: longer than the drives' stall timers."""
_BLOCKING: Final = ("bsy", "sel", "rst")
_BUSY: Final = 7
"""BSY, SEL, RST of the bus vector."""
_TRIES: Final = 8
_PAUSE_US: Final = 20


class Progress:
    """What has come of one operation so far."""

    def __init__(self) -> None:
        self.completions: list[Completion] = []
        self.since_ps = 0
        """Start of the fault, or end of one that keeps the bus from being free."""
        self.free_us: float | None = None
        """Time from there to the first BUS FREE."""
        self.busy_us = 0.0
        """Time from there on for which the bus was busy, in all, whatever began again after a BUS FREE."""
        self.looked_ps = 0
        """When the bus was last looked at."""
        self.over = False

    def begin(self) -> None:
        """Times count from now on."""
        self.since_ps = self.looked_ps = now_ps()
        self.busy_us = 0.0

    @property
    def members(self) -> dict[int, Member]:
        """By SCSI ID; nobody without a completion."""
        found = self.completions[-1].members if self.completions else ()
        return {scsi_id: found[z] for scsi_id, z in GROUP if found}


class MirrorPlayer:
    """The group of three, its host, and their media in one simulation, all in one transfer mode."""

    def __init__(self, dut: Any, seed: int, operation: str, mode: str) -> None:
        slots = {_HOST_SLOT: SlotConfig(Kind.INITIATOR, INITIATOR), _BYSTANDER_SLOT: SlotConfig(Kind.PYTHON, BYSTANDER)}
        for scsi_id, _ in GROUP:
            slot = drive_slot(scsi_id, offset=127, period=0x09, dt=True)
            assert slot.medium is not None
            slot.medium.write_bytes(pattern(0, BLOCKS * BLOCK))
            slots[SLOT_OF[scsi_id]] = slot
        self.dut = dut
        self.bench = Bench(dut, BenchConfig(slots, seed))
        self.rules = BusRules(dut)
        self.copies: Copies | None = None
        """In a read."""
        self.free_us: float | None = None
        """Time to the first BUS FREE of the last point."""
        self.busy_us: float | None = None
        """How long the bus was busy in it from the fault on."""
        self.submitted_ns = 0.0
        self.on_submit: list[Callable[[], None]] = []
        self._mode = MODES[mode]
        self._operation = OPERATIONS[operation]
        self._serial = 0

    async def start(self) -> None:
        """Start the bench and enrol the group."""
        await self.bench.start()
        self.host = Host(HostPort(self.dut, self.bench.prefix(_HOST_SLOT)), self._mode)
        self.media = {scsi_id: self.bench.medium(SLOT_OF[scsi_id]) for scsi_id, _ in GROUP}
        self.images = {scsi_id: Image(one.path, f"drive {scsi_id}") for scsi_id, one in self.media.items()}
        self.rules.start()
        if not self._operation.writes:
            self.copies = Copies(self.dut)
            self.copies.start()
        await self.host.set_up(status=self._operation.status, series=self._operation.series)
        await self._enrol()

    async def play(self, point: Point) -> bool:
        """The operation with the fault, what comes of it, the operation without.

        True: the fault came before its end and has changed a wire, or made a member fail.

        Raises:
            PointFailed: see docs/testplan.md.
        """
        spec = point.spec
        self.rules.reset_seen = spec["wire"] == "rst"
        self.rules.alone = spec["device"] == BYSTANDER
        lba, data = self._next()
        progress = await self._submit(lba, data)
        await Timer(round(spec["at_ns"] * 1000), "ps")
        in_time = not progress.over
        changed = await self._strike(spec, progress)
        await self._until_over(progress, spec)
        self.free_us, self.busy_us = progress.free_us, progress.busy_us
        await self._judge(progress, lba, data)
        self.rules.alone = True
        if self.rules.reset_seen:
            await self._enrol()
        await self.good_operation()
        return in_time and (changed or any(not one.good for one in progress.members.values()))

    async def good_operation(self) -> None:
        """Without faults: GOOD from everybody, and every medium holds the data. Raises PointFailed."""
        lba, data = self._next()
        self.rules.alone = True
        progress = await self._submit(lba, data)
        progress.begin()
        await self._until_over(progress, None)
        members = progress.members
        bad = {scsi_id: one for scsi_id, one in members.items() if not one.good}
        if bad or not members:
            told = ", ".join(f"{scsi_id}: {one.result.name} {one.status:02X}h" for scsi_id, one in bad.items())
            raise PointFailed(f"the operation without a fault: {told}")
        await self._judge(progress, lba, data)
        if await self.host.take() is not None:
            raise PointFailed("a completion more than there were descriptors")
        if int(self.dut.drv_all.value):
            raise PointFailed(f"after the operation without a fault: a free bus is driven ({shown(self.dut)})")

    # -- the fault ----------------------------------------------------------------------------------------------

    async def _strike(self, spec: dict[str, Any], progress: Progress) -> bool:
        """Begin the fault, and end it: after its time, or when it cannot do any more harm. True: it changed a wire."""
        slot = _BYSTANDER_SLOT if spec["device"] == BYSTANDER else SLOT_OF[spec["device"]]
        saboteur = getattr(self.bench.slot(slot), spec["side"])
        progress.begin()
        effect = Effect(self.dut, slot, spec)
        self.rules.faulty = slot if slot != _BYSTANDER_SLOT else None
        if spec["kind"] == "silence":
            saboteur.silence()
        elif spec["kind"] == "invert":
            saboteur.invert(spec["wire"])
        else:
            saboteur.stick(spec["wire"], int(spec["kind"][-1]))
        await self.bench.settle()
        await effect.begun()
        blocks = spec["side"] == "tx" and spec["kind"] == "stick1" and spec["wire"] in _BLOCKING
        if spec["hold_ns"] is not None:
            await Timer(spec["hold_ns"], "ns")
        elif blocks:
            await Timer(_BLOCKED_US, "us")
        else:
            await self._until_over(progress, spec, patient=True)
        effect.ending()
        saboteur.clear()
        await self.bench.settle()
        await effect.ended()
        self.rules.faulty = None
        if spec["wire"] in _BLOCKING and spec["side"] == "tx" and spec["kind"] != "stick0" and progress.free_us is None:
            progress.begin()
        return effect.seen

    # -- the operation ------------------------------------------------------------------------------------------

    def _next(self) -> tuple[int, bytes]:
        """Blocks and data: new data to write, or what all media hold."""
        self._serial += 1
        operation = self._operation
        lba = self._serial % (BLOCKS - operation.blocks + 1)
        if operation.writes:
            return lba, pattern(self._serial, operation.size)
        return lba, self.images[GROUP[0][0]].kept[lba]

    async def _submit(self, lba: int, data: bytes) -> Progress:
        """Hand the operation over; where data come in, the block buffer holds something else before."""
        for scsi_id, medium in self.media.items():
            medium.fail_next(dict(self._operation.fails).get(scsi_id, 0))
        await self.host.load(0, data if self._operation.writes else bytes(len(data)))
        progress = Progress()
        request = self._operation.request(lba, data, self._serial & 0xFF)
        if self.copies is not None:
            self.copies.forget()
        await self.host.submit(request)
        self.submitted_ns = now_ps() / 1000
        for tell in self.on_submit:
            tell()
        cocotb.start_soon(self._take(progress))
        return progress

    async def _take(self, progress: Progress) -> None:
        while not progress.over:
            one = await self.host.take()
            if one is None:
                await self.host.wait()
            else:
                progress.completions.append(one)
                progress.over = one.last

    async def _until_over(self, progress: Progress, spec: dict[str, Any] | None, *, patient: bool = False) -> None:
        """Return when the host has all completions, and the bus and the media have been quiet for a while.

        With `patient`, while the fault lasts, also after some time without an end.

        Raises:
            PointFailed: the bus is busy for longer than the bound, or it all takes too long.
        """
        bound_us = CONNECTION_BOUND_US + (spec["busy_us"] if spec else OVER_US)
        begun_ps, free = now_ps(), 0
        quiet = (_QUIET_US if spec else _SHORT_US) * 1000 // _LOOK_NS
        while not (progress.over and free >= quiet and not any(one.busy for one in self.media.values())):
            await Timer(_LOOK_NS, "ns")
            if int(self.dut.bus_all.value) & _BUSY:
                free = 0
                progress.busy_us += (now_ps() - progress.looked_ps) / 1e6
                if progress.busy_us > bound_us:
                    raise PointFailed(
                        f"the bus is busy for {progress.busy_us:.1f} us, bound {bound_us:.1f} us ({shown(self.dut)})"
                    )
            else:
                free += 1
                if free == _FREE_LOOKS and progress.free_us is None:
                    progress.free_us = (now_ps() - progress.since_ps) / 1e6 - (_FREE_LOOKS - 1) * _LOOK_NS / 1e3
            progress.looked_ps = now_ps()
            if now_ps() - begun_ps > OVER_US * 1_000_000:
                if patient:
                    return
                raise PointFailed(
                    f"not over after {OVER_US} us: {len(progress.completions)} completions ({shown(self.dut)})"
                )

    async def _judge(self, progress: Progress, lba: int, data: bytes) -> None:
        """One completion; GOOD only of members whose medium holds the data, or gave it; nothing else has changed."""
        if len(progress.completions) != 1:
            raise PointFailed(f"{len(progress.completions)} completions")
        good = {scsi_id for scsi_id, one in progress.members.items() if one.good}
        blocks = blocks_of(data, lba)
        for scsi_id, image in self.images.items():
            due = blocks if scsi_id in good else {}
            allowed = {number: [block] for number, block in blocks.items()} if self._operation.writes else {}
            image.judge(allowed, due, "with the fault")
        if good and not self._operation.writes:
            found = await self._over(self.host.port.unload(0, len(data)), "a look at the block buffer")
            if found != data:
                raise PointFailed(f"GOOD of {sorted(good)}, but other data came")
            assert self.copies is not None
            for scsi_id in sorted(good):
                if self.copies.of(SLOT_OF[scsi_id]) != data:
                    raise PointFailed(f"GOOD of {scsi_id}, but its copy on the wires was not what its medium holds")
        if self.rules.broken:
            raise PointFailed(f"{self.rules.broken[0]} ({len(self.rules.broken)} times)")

    # -- the group ----------------------------------------------------------------------------------------------

    async def _enrol(self) -> None:
        """Agreements and enrolments anew, as after a reset."""
        await self.host.port.write("FORGET", sum(1 << scsi_id for scsi_id, _ in GROUP))
        for scsi_id, z in GROUP:
            await self._ready(scsi_id)
            done = await self._over(self.host.outcome(query(scsi_id, z, last=scsi_id == GROUP[-1][0])), "enrolment")
            if done[-1].result:
                raise PointFailed(f"enrolment of {scsi_id}: {done[-1].result.name}")
            if self._operation.status:
                asked = CapabilityRequest(INITIATOR, 0, False, True, 0, scsi_id, 0, z)
                done = await self._over(self.host.outcome(asked), "extensions")
                if done[-1].result:
                    raise PointFailed(f"extensions of {scsi_id}: {done[-1].result.name}")

    async def _ready(self, scsi_id: int) -> None:
        for _ in range(_TRIES):
            done = await self._over(self.host.outcome(command(scsi_id, bytes(6))), "TEST UNIT READY")
            if done[-1].good:
                return
            if done[-1].status != Status.CHECK_CONDITION:
                await Timer(_PAUSE_US, "us")
        raise PointFailed(f"drive {scsi_id} is not ready: {done[-1]}")

    async def _over(self, job: Coroutine[Any, Any, Any], what: str) -> Any:
        try:
            return await with_timeout(job, OVER_US, "us")
        except SimTimeoutError:
            raise PointFailed(f"{what} is not over after {OVER_US} us ({shown(self.dut)})") from None
