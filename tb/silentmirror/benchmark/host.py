"""The host's part in the simulator: hands commands over ahead of time and takes completions as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import cocotb
from cocotb.task import Task
from cocotb.triggers import Event

from cocotbext.scsi.constants import Opcode, Status
from silentmirror.env import descriptor
from silentmirror.env.port import HostPort
from silentmirror.model import CommandRequest, MirrorWriteRequest, Request, Result

from .cases import INITIATOR, TEST_UNIT_READY

WRITE_CACHE_ON = bytes([0, 0, 0, 0, 0x08, 0x12, 0x05, *bytes(17)])
"""Mode parameters: header, caching page with WCE and RCD."""
MODE_SELECT = bytes([Opcode.MODE_SELECT_6, 0x10, 0, 0, len(WRITE_CACHE_ON), 0])
_CAPABILITY = 6
"""OP.OPCODE of MIRROR_CAPABILITY."""


class Host:
    """One initiator's host. The bus is never left idle by it while there is room for one more descriptor."""

    def __init__(self, port: HostPort) -> None:
        self.port = port
        self.failures: list[str] = []
        """What did not end GOOD."""
        self._tag = 0
        self._curious: set[int] = set()
        """Tags of commands that may well end with CHECK CONDITION."""
        self._flags: dict[int, int] = {}
        """Extensions that were asked for, by tag."""
        self._owed = 0
        self._busy: Counter[int] = Counter()
        """Ordinary commands that have not ended, by target."""
        self._taker: Task[None] | None = None
        self._ended = Event()

    async def start(self, ability: dict[str, int]) -> None:
        """Give the initiator its identity and abilities (fields of ABILITY); forgets what was agreed before."""
        await self.port.write_fields("CONFIG", OWN_ID=INITIATOR)
        await self.port.write_fields("ABILITY", **ability)
        await self.port.write_fields("CONFIG", OWN_ID=INITIATOR, WIDE=1, ENABLE=1)
        if self._taker is None:
            await self.port.write_fields("IRQ_ENABLE", MASK=1)
            self._taker = cocotb.start_soon(self._take())

    def tag(self) -> int:
        """The next tag, 1 to 255."""
        self._tag = self._tag % 255 + 1
        return self._tag

    async def submit(self, request: Request, address: int = 0, lbas: Sequence[int] = ()) -> None:
        """Hand a descriptor over as soon as the initiator takes it; its data lie at a byte address of the buffer.

        `lbas`: a mirrored write of further blocks, which lie behind the first one, in the same connection.
        """
        await self.port.wait_status("READY", 1)
        if isinstance(request, MirrorWriteRequest):
            await self.port.write_fields("MIRROR", BLOCKS=1 + len(lbas), SERIES=1 + len(lbas))
            for lba in lbas:
                await self.port.write("SERIES_LBA", lba)
        self._owed += 1
        self._curious.discard(request.tag)
        if isinstance(request, CommandRequest):
            self._busy[request.target] += 1
            if request.cdb == TEST_UNIT_READY:
                self._curious.add(request.tag)
        await self.port.write_from(descriptor.FIRST, descriptor.encode(request, address))
        await self.port.write("SUBMIT", 1)

    async def ask_capability(self, target: int, group: int, z: int, flags: int) -> None:
        """Agree on extensions with a member; notes when it is not on those of `flags`."""
        tag = self.tag()
        await self.port.wait_status("READY", 1)
        self._owed += 1
        self._flags[tag] = flags
        fields = {"OPCODE": _CAPABILITY, "TAG": tag, "TARGET": target, "GROUP": group, "Z": z}
        await self.port.write_fields("OP", DISC_PRIV=1, **fields)
        await self.port.write("SUBMIT", 1)
        await self.settle()

    async def settle(self) -> None:
        """Return when every completion has come."""
        while self._owed:
            await self._ended.wait()

    async def idle(self, target: int) -> None:
        """Return when a target has ended all ordinary commands."""
        while self._busy[target]:
            await self._ended.wait()

    async def run(self, target: int, cdb: bytes, *, count: int = 1, data: bytes = b"", data_in: int = 0) -> None:
        """The same command `count` times, tagged, without the right to disconnect; returns when all have ended."""
        if data:
            await self.port.load(0, data)
        for _ in range(count):
            await self.submit(CommandRequest(INITIATOR, self.tag(), True, False, 0, target, cdb, data, data_in))
        await self.settle()

    async def synchronize(self, target: int) -> None:
        """Return when the drive's medium has what its cache held."""
        await self.run(target, bytes([Opcode.SYNCHRONIZE_CACHE_10, *bytes(9)]))

    async def make_ready(self, target: int) -> None:
        """Take the unit attention of a drive, agree on transfers, switch its write cache on.

        The medium's time is not the bus's: GOOD may come once the data is in the drive's buffer.
        """
        await self.run(target, TEST_UNIT_READY)
        await self.run(target, MODE_SELECT, data=WRITE_CACHE_ON)

    async def _take(self) -> None:
        while True:
            await self.port.wait_irq()
            await self.port.write_fields("IRQ_STATUS", COMPLETION=1)
            while (head := await self.port.read_fields("CPL0"))["VALID"]:
                self._judge(head, await self.port.read_fields("CPL1"))

    def _judge(self, head: dict[str, int], tail: dict[str, int]) -> None:
        attention = head["STATUS"] == Status.CHECK_CONDITION and head["TAG"] in self._curious
        if tail["RESULT"] != Result.OK or (head["STATUS"] != Status.GOOD and not attention):
            told = f"{Result(tail['RESULT']).name}, status {head['STATUS']:02X}h"
            self.failures.append(f"tag {head['TAG']:02X}h, target {head['TARGET']}: {told}")
        if head["OPCODE"] == _CAPABILITY and tail["DETAIL"] != self._flags[head["TAG"]]:
            self.failures.append(f"target {head['TARGET']} agreed on extensions {tail['DETAIL']:X}h")
        self._owed -= 1
        self._busy[head["TARGET"]] -= 1
        self._ended.set()
        self._ended.clear()
