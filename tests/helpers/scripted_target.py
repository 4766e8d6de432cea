"""A target whose every phase and message is written in the test, on top of the models' port and handshake."""

from __future__ import annotations

from cocotb.triggers import Timer

from cocotbext.scsi.constants import Message, Phase, Status
from cocotbext.scsi.models.arbitration import answer_selection, arbitrate, being_selected, detect_selection, reselect
from cocotbext.scsi.models.faults import Faults
from cocotbext.scsi.models.handshake import TargetHandshake
from cocotbext.scsi.models.port import M_FREE, ScsiPort, now_ps
from cocotbext.scsi.wires import M_SEL

_STALL_NS = 500_000
_LOOK_AGAIN_NS = 100
_QAS_PHASE_NS = 2100
_BUS_FREE_NS = 810
"""Waited after BUS FREE was detected: the bus free delay and a margin, since this target may have left the bus."""
_RESELECTION_NS = 300_000
_CDB_GROUP_LENGTH = (6, 10, 10, 16, 16, 12, 6, 6)


class ScriptedTarget:
    """A target that does what it is called for, one phase at a time; handshakes and settle times are kept."""

    def __init__(self, port: ScsiPort, scsi_id: int, *, faults: Faults | None = None) -> None:
        self.port = port
        self.scsi_id = scsi_id
        self.link = TargetHandshake(port, faults=faults or Faults(), stall_ns=_STALL_NS)
        self.initiator = 0
        self.quick_ps = 0
        """When `quick` let the phase lines go."""

    async def selected(self) -> bytes:
        """Wait for a selection, answer it and take the first MESSAGE OUT phase."""
        await self.answer()
        return await self.messages()

    async def answer(self) -> None:
        """Wait for a selection and answer it."""
        port = self.port
        while True:
            await port.wait(lambda lines: being_selected(lines, reselection=False))
            found = await detect_selection(port, self.scsi_id, reselection=False)
            if found is not None:
                break
            await Timer(_LOOK_AGAIN_NS, "ns")  # after QAS the IDs come later than SEL
        assert await answer_selection(port, keep_bsy=True)
        self.initiator = found.by
        await self.link.begin(reselected=False)

    async def reselect(self, initiator: int) -> None:
        """Arbitrate until won, reselect, and start the connection."""
        while True:
            await self.port.wait(lambda lines: bool(lines & M_FREE))
            await Timer(_BUS_FREE_NS, "ns")
            if self.port.is_set(M_FREE) and await arbitrate(self.port, self.scsi_id):
                break
        assert await reselect(self.port, self.scsi_id, initiator, timeout_ns=_RESELECTION_NS)
        await self.link.begin(reselected=True)

    async def come_back(self, initiator: int, tag: int | None = None, *, lun: int = 0) -> None:
        """Reselect for a task: IDENTIFY and its tag."""
        await self.reselect(initiator)
        await self.say(Message.IDENTIFY | lun)
        if tag is not None:
            await self.say(Message.SIMPLE, tag)

    async def messages(self) -> bytes:
        """MESSAGE OUT, until a byte comes with ATN false."""
        self.link.phase = None if self.link.phase is Phase.MSG_OUT else self.link.phase
        self.link.enter(Phase.MSG_OUT)
        taken = b""
        while True:
            byte, good = await self.link.receive()
            assert good
            taken += byte
            if not self.attention:
                return taken

    async def take(self, phase: Phase, count: int, *, wide: bool = False) -> bytes:
        """This many transfers of an OUT phase."""
        self.link.enter(phase)
        taken = b""
        for _ in range(count):
            data, good = await self.link.receive(wide=wide)
            assert good
            taken += data
        return taken

    async def give(self, phase: Phase, data: bytes, *, wide: bool = False) -> None:
        """Bytes in an IN phase."""
        self.link.enter(phase)
        size = 2 if wide else 1
        for start in range(0, len(data), size):
            await self.link.send(data[start : start + size], wide=wide)

    async def say(self, *message: int) -> None:
        """Bytes in MESSAGE IN."""
        await self.give(Phase.MSG_IN, bytes(message))

    async def command(self) -> bytes:
        """A COMMAND phase of the length that the operation code tells."""
        cdb = await self.take(Phase.COMMAND, 1)
        return cdb + await self.take(Phase.COMMAND, _CDB_GROUP_LENGTH[cdb[0] >> 5] - 1)

    async def complete(self, status: int = Status.GOOD) -> None:
        """STATUS, TASK COMPLETE, BUS FREE."""
        await self.give(Phase.STATUS, bytes([status]))
        await self.say(Message.TASK_COMPLETE)
        self.free()

    async def disconnect(self, *, save: bool = False) -> None:
        """DISCONNECT, after SAVE DATA POINTER if wanted, and BUS FREE."""
        if save:
            await self.say(Message.SAVE_DATA_POINTER)
        await self.say(Message.DISCONNECT)
        self.free()

    async def quick(self) -> None:
        """QAS REQUEST; let MSG, C/D and I/O go and keep BSY."""
        await self.say(Message.QAS_REQUEST)
        self.link.leave()
        self.quick_ps = now_ps()

    def free(self) -> None:
        """Release everything."""
        self.link.leave()
        self.port.release()

    @property
    def attention(self) -> bool:
        """ATN is true."""
        return self.link.attention

    async def serve(self, status: int = Status.GOOD) -> bytes:
        """One whole command without data; returns what came in MESSAGE OUT."""
        taken = await self.selected()
        await self.command()
        await self.complete(status)
        return taken

    async def let_bsy_go(self) -> bool:
        """After `quick`: keep BSY until somebody takes the bus (True), or the QAS phase is over."""
        taken = await self.port.wait(
            lambda lines: bool(lines & M_SEL), _QAS_PHASE_NS - (now_ps() - self.quick_ps) // 1000
        )
        self.port.release()
        return taken
