"""The host of the initiator in a campaign: gives commands, takes completions, never waits for ever."""

from __future__ import annotations

from dataclasses import dataclass

from cocotb.triggers import Timer

from silentmirror.env import descriptor
from silentmirror.env.port import HostPort
from silentmirror.model import CommandRequest, MirrorWriteRequest, QueryRequest, Request, Result

from .to_registers import BUFFER
from .watch import HANG_US, SELECTION_US, STATUS_US

INITIATOR, DRIVE, BAD_TARGET = 7, 4, 5
"""SCSI IDs: the initiator, a drive that serves the good commands, the Python port."""
OFFSET = 15
_LOOK_NS = 1_000
_FLUSH, _ALL_INTERRUPTS = 2, 7


@dataclass(frozen=True)
class Completion:
    """What became of a descriptor, or of one participant."""

    opcode: int
    target: int
    result: Result
    status: int
    last: bool

    @property
    def good(self) -> bool:
        """GOOD."""
        return self.result == Result.OK and self.status == 0


class Host:
    """One initiator by its registers."""

    def __init__(self, port: HostPort) -> None:
        self.port = port
        self.buffer = bytearray(BUFFER)
        """The block buffer as far as the host has loaded it."""
        self.completions: list[Completion] = []
        """All that have been taken."""

    async def set_up(self) -> None:
        """From whatever the registers hold to a working initiator without agreements and tasks."""
        port = self.port
        await port.write("CONFIG", 0)
        await port.write("CONTROL", _FLUSH)
        timers = {"SEL_TIMEOUT_US": SELECTION_US, "HANG_TIMEOUT_US": HANG_US, "STATUS_TIMEOUT_US": STATUS_US}
        for name, value in {**timers, "YIELD_NS": 4000, "RETRIES": 3, "TASK": 0, "IRQ_ENABLE": 0}.items():
            await port.write(name, value)
        await port.write("IRQ_STATUS", _ALL_INTERRUPTS)
        await port.write_fields("ABILITY", PERIOD=0x09, OFFSET=OFFSET, DT=1, QAS=0)
        await port.write_fields("CONFIG", OWN_ID=INITIATOR, WIDE=1, ENABLE=1)

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
        await self.port.write("TASK", 0)
        await self.port.write("SUBMIT", 1)

    async def take(self) -> Completion | None:
        """The oldest completion, if there is one."""
        head = await self.port.read_fields("CPL0")
        if not head["VALID"]:
            return None
        tail = await self.port.read_fields("CPL1")
        one = Completion(head["OPCODE"], head["TARGET"], Result(tail["RESULT"]), head["STATUS"], bool(head["LAST"]))
        self.completions.append(one)
        return one

    async def outcome(self, request: Request, address: int = 0) -> list[Completion]:
        """Submit and wait for the completions up to the last one."""
        await self.submit(request, address)
        found: list[Completion] = []
        while not found or not found[-1].last:
            one = await self.take()
            if one is not None:
                found.append(one)
            else:
                await Timer(_LOOK_NS, "ns")
        return found

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
