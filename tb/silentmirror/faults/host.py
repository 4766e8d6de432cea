"""The host of the initiator in a campaign: gives commands, takes completions, never waits for ever."""

from __future__ import annotations

from dataclasses import dataclass

from cocotb.triggers import Timer

from silentmirror.env import descriptor
from silentmirror.env.port import HostPort
from silentmirror.model import CommandRequest, MirrorWriteRequest, QueryRequest, Request, Result

from .mirror_operations import GROUP, Mode
from .to_registers import BUFFER
from .watch import HANG_US, SELECTION_US, STATUS_US

INITIATOR, DRIVE, BAD_TARGET = 7, 4, 5
"""SCSI IDs: the initiator, a drive that serves the good commands, the Python port."""
OFFSET = 15
_ABILITY = Mode(wide=True, period=0x09, offset=OFFSET, dt=True)
_MIRRORED = (descriptor.MIRROR_WRITE, descriptor.MIRROR_READ)
_MEMBER_WORDS = (len(GROUP) + 1) // 2
_LOOK_NS = 1_000
_FLUSH, _COMPLETION, _ALL_INTERRUPTS = 2, 1, 7


@dataclass(frozen=True)
class Member:
    """What became of one member in a mirrored command."""

    result: Result
    status: int

    @property
    def good(self) -> bool:
        """GOOD."""
        return self.result == Result.OK and self.status == 0


@dataclass(frozen=True)
class Completion:
    """What became of a descriptor."""

    opcode: int
    target: int
    result: Result
    status: int
    last: bool
    members: tuple[Member, ...] = ()
    """Mirrored commands: by z, those of the group."""

    @property
    def good(self) -> bool:
        """GOOD."""
        return self.result == Result.OK and self.status == 0


class Host:
    """One initiator by its registers."""

    def __init__(self, port: HostPort, ability: Mode = _ABILITY) -> None:
        self.port = port
        self._ability = ability
        self.buffer = bytearray(BUFFER)
        """The block buffer as far as the host has loaded it."""
        self.completions: list[Completion] = []
        """All that have been taken."""

    async def set_up(self, *, status: bool = False, series: bool = False) -> None:
        """From whatever the registers hold to a working initiator without agreements and tasks.

        `status`, `series`: extensions of mirroring to offer.
        """
        port = self.port
        await port.write("CONFIG", 0)
        await port.write("CONTROL", _FLUSH)
        timers = {"SEL_TIMEOUT_US": SELECTION_US, "HANG_TIMEOUT_US": HANG_US, "STATUS_TIMEOUT_US": STATUS_US}
        for name, value in {**timers, "YIELD_NS": 4000, "RETRIES": 3, "TASK": 0, "IRQ_ENABLE": 0}.items():
            await port.write(name, value)
        await port.write("IRQ_STATUS", _ALL_INTERRUPTS)
        able = self._ability
        fields = {"PERIOD": able.period, "OFFSET": able.offset, "DT": int(able.dt)}
        await port.write_fields("ABILITY", **fields, MIRROR_STATUS=int(status), MIRROR_SERIES=int(series))
        await port.write_fields("CONFIG", OWN_ID=INITIATOR, WIDE=int(able.wide), ENABLE=1)

    async def load(self, address: int, data: bytes) -> None:
        """Data to the block buffer; what does not fit is dropped there."""
        await self.port.load(address, data)
        for place, value in enumerate(data, address & ~1):
            if place < BUFFER:
                self.buffer[place] = value

    async def submit(self, request: Request, address: int = 0) -> None:
        """Hand a descriptor over once there is room."""
        await self.port.wait_status("READY", 1)
        await self.port.write_from(descriptor.FIRST, descriptor.encode(request, address))
        for name, word in descriptor.mirroring(request):
            await self.port.write(name, word)
        await self.port.write("TASK", 0)
        await self.port.write("SUBMIT", 1)

    async def take(self) -> Completion | None:
        """The oldest completion, if there is one."""
        head = await self.port.read_fields("CPL0")
        if not head["VALID"]:
            return None
        members: list[Member] = []
        if head["OPCODE"] in _MIRRORED:
            for word in range(_MEMBER_WORDS):
                told = await self.port.read_fields(f"CPL_M{word}")
                for z in (2 * word, 2 * word + 1):
                    members.append(Member(Result(told[f"RESULT_{z}"]), told[f"STATUS_{z}"]))
        tail = await self.port.read_fields("CPL1")
        result, last = Result(tail["RESULT"]), bool(head["LAST"])
        one = Completion(head["OPCODE"], head["TARGET"], result, head["STATUS"], last, tuple(members[: len(GROUP)]))
        self.completions.append(one)
        return one

    async def wait(self) -> None:
        """Return when there may be a completion."""
        await self.port.write("IRQ_ENABLE", _COMPLETION)
        await self.port.wait_irq()
        await self.port.write("IRQ_STATUS", _COMPLETION)

    async def outcome(self, request: Request, address: int = 0) -> list[Completion]:
        """Submit and wait for the completion."""
        await self.submit(request, address)
        while (one := await self.take()) is None:
            await Timer(_LOOK_NS, "ns")
        return [one]

    async def drain(self) -> None:
        """Return when nothing is outstanding, waiting or moving; all completions have been taken."""
        while True:
            status = await self.port.read_fields("STATUS")
            if await self.take() is not None:
                continue
            if status["READY"] and not any(status[name] for name in ("CONNECTED", "OUTSTANDING", "UNLOAD_BUSY")):
                return
            await Timer(_LOOK_NS, "ns")


def command(
    target: int, cdb: bytes, *, data: bytes = b"", data_in: int = 0, tag: int | None = None, disc: bool = False
) -> CommandRequest:
    """A COMMAND."""
    tagged = tag is not None
    return CommandRequest(INITIATOR, tag or 0, tagged, disc or tagged, 0, target, cdb, data, data_in)


def query(target: int, z: int, *, last: bool = False) -> QueryRequest:
    """A QUERY for group 0."""
    return QueryRequest(INITIATOR, 0, False, True, 0, target, 0, z, last)


def mirror_write(order: tuple[int, ...], lba: int, data: bytes, tag: int) -> MirrorWriteRequest:
    """A MIRROR_WRITE in group 0."""
    return MirrorWriteRequest(INITIATOR, tag, True, True, 0, 0, order, lba, data)
