"""Plays the points of `to_initiator`: a Python target that deviates from an exchange, then serves a good command."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.task import Task
from cocotb.triggers import Timer

from cocotbext.scsi.agreement import Agreement, Option, Ppr, Wdtr, parse_negotiation
from cocotbext.scsi.constants import Message, Opcode, Phase
from cocotbext.scsi.messages import split_messages
from cocotbext.scsi.models.arbitration import answer_selection, arbitrate, being_selected, detect_selection, reselect
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.handshake import StalledError, TargetHandshake
from cocotbext.scsi.models.message_receiver import FreeBusError
from cocotbext.scsi.models.negotiation import Request
from cocotbext.scsi.models.port import M_FREE, BusResetError
from cocotbext.scsi.models.strobes import StrobeStyle
from cocotbext.scsi.models.target_strobes import TargetStrobes
from cocotbext.scsi.wires import M_ATN

from .host import BAD_TARGET, INITIATOR, OFFSET, command, mirror_write, query
from .host_player import HostPlayer
from .image import pattern
from .points import Point, Spec
from .to_target import BLOCK, BLOCKS, read_10, write_10
from .watch import PointFailed, TimedPort

_STALL_US = 30
"""How long the target waits for an ACK; then it stops, or frees the bus."""
_MESSAGES_MAX = 64
_RESELECTION_NS = 20_000
_RESELECTIONS = 20
_ABORTS = frozenset(
    {
        Message.ABORT_TASK,
        Message.ABORT_TASK_SET,
        Message.CLEAR_TASK_SET,
        Message.TARGET_RESET,
        Message.LOGICAL_UNIT_RESET,
    }
)
_CDB_LENGTH = (6, 10, 10, 16, 16, 12, 6, 6)
GOOD_MANNERS: Spec = {
    "base": "none",
    "agree": "none",
    "at": ["never", 0],
    "steps": [],
    "then": "resume",
    "listen": True,
}
"""A target that deviates from nothing."""


class _Over(Exception):
    """The target has left the bus."""


class BadTarget:
    """One connection of the target, and a reselection if the exchange has one."""

    def __init__(self, port: TimedPort, spec: Spec) -> None:
        faults = [
            Fault(FaultKind(kind), Phase[phase], index, value, times=times)
            for kind, phase, index, times, value in spec.get("faults", [])
        ]
        self.port = port
        self.spec = spec
        self.link = TargetHandshake(port, faults=Faults(*faults), stall_ns=_STALL_US * 1000)
        self._strobes = TargetStrobes(self.link, StrobeStyle())
        self._agreement = Agreement()
        self._deviated = False
        self._answered_oddly = False

    @property
    def struck(self) -> bool:
        """It has not been an ordinary target."""
        if self._deviated and (self.spec["steps"] or "reselect" in self.spec or self.spec["then"] != "resume"):
            return True
        return bool(self.link.faults.committed) or self._answered_oddly

    async def play(self) -> None:
        """From selection to the end; a reset ends it as well."""
        try:
            await self._answer()
            await self._exchange()
        except (_Over, FreeBusError):
            pass
        except BusResetError:
            self.port.acknowledge_reset()
        except StalledError:
            await self._on_stall()
        self.port.release()

    async def _on_stall(self) -> None:
        """The initiator has not answered: stop as it has, or leave."""
        if self.spec["then"] == "stall":
            try:
                await self._stop()
            except BusResetError:
                self.port.acknowledge_reset()

    async def _stop(self) -> None:
        """Keep all lines as they are; ends with RST."""
        await self.port.wait(lambda _: False)

    async def _answer(self) -> None:
        port = self.port
        while True:
            await port.wait(lambda lines: being_selected(lines, reselection=False))
            if await detect_selection(port, BAD_TARGET, reselection=False) is not None:
                break
            await Timer(100, "ns")
        if not await answer_selection(port, keep_bsy=True):
            raise _Over
        await self.link.begin(reselected=False)

    # -- the exchange -------------------------------------------------------------------------------------------

    async def _exchange(self) -> None:
        base = self.spec["base"]
        said = await self._messages() if self.port.is_set(M_ATN) else b""
        if base == "query":
            await self._give(Phase.MSG_IN, "MSG_IN", said[1:3] if len(said) > 2 else b"\x26\0")
        elif base == "mirror":
            await self._move(Phase.DATA_OUT)
            await self._listen()
            self._free()
            await self._come_back(said[0:1] + said[1:3] if said[1:2] == b"\x20" else said[:1])
            await self._end()
        else:
            await self._negotiate(said)
            opcode = (await self._take(Phase.COMMAND, "COMMAND", 1))[0]
            await self._take(Phase.COMMAND, "COMMAND", _CDB_LENGTH[opcode >> 5] - 1, start=1)
            if self.spec["at"][0] == "disconnected":
                await self._reselect_badly()
            if opcode == Opcode.WRITE_10:
                await self._move(Phase.DT_DATA_OUT if self._agreement.is_dt else Phase.DATA_OUT)
            elif opcode == Opcode.READ_10:
                await self._move(Phase.DT_DATA_IN if self._agreement.is_dt else Phase.DATA_IN)
            await self._end()
        self._free()

    async def _end(self) -> None:
        await self._give(Phase.STATUS, "STATUS", b"\0")
        await self._give(Phase.MSG_IN, "MSG_IN", b"\0")

    async def _negotiate(self, said: bytes) -> None:
        """Answer what the initiator asks for until it asks no more."""
        while said:
            asked = [one for message in split_messages(said) if (one := parse_negotiation(message)) is not None]
            if not asked:
                return
            await self._say(self._reply(asked[-1]))
            said = await self._messages() if self.port.is_set(M_ATN) else b""

    def _reply(self, asked: Request) -> bytes:
        agree = self.spec["agree"]
        answer: Wdtr | Ppr | None = None
        if agree == "odd":
            self._answered_oddly = True
            return bytes.fromhex(self.spec["answer"])
        if agree == "wide" and isinstance(asked, Wdtr):
            answer, self._agreement = Wdtr(1), Agreement(wide=True)
        elif agree in ("st", "dt") and isinstance(asked, Ppr):
            options = Option.DT if agree == "dt" else Option.NONE
            granted = Ppr(0x09 if agree == "dt" else 0x0A, OFFSET, 1, options)
            answer, self._agreement = granted, granted.agreement()
        return bytes([Message.MESSAGE_REJECT]) if answer is None else answer.encode()

    async def _reselect_badly(self) -> None:
        """DISCONNECT, and a reselection that says what the point has it say."""
        await self._say(bytes([Message.DISCONNECT]))
        self._free()
        await self._come_back(bytes.fromhex(self.spec["reselect"]))
        await self._deviate()

    async def _come_back(self, says: bytes) -> None:
        port = self.port
        for _ in range(_RESELECTIONS):
            await port.wait(lambda lines: bool(lines & M_FREE))
            await Timer(810, "ns")
            if not port.is_set(M_FREE) or not await arbitrate(port, BAD_TARGET):
                continue
            if await reselect(port, BAD_TARGET, INITIATOR, timeout_ns=_RESELECTION_NS):
                await self.link.begin(reselected=True)
                await self._say(says)
                return
        raise _Over

    # -- transfers ----------------------------------------------------------------------------------------------

    async def _reach(self, phase: str, index: int) -> None:
        """Before each transfer: perhaps this is where it goes wrong."""
        if not self._deviated and self.spec["at"] == [phase, index]:
            await self._deviate()

    async def _deviate(self) -> None:
        self._deviated = True
        for step in self.spec["steps"]:
            await self._listen()
            if step[0] == "free":
                raise _Over
            if step[0] == "pause":
                await self.port.delay(step[1])
                continue
            phase, what = Phase(step[0]), step[1]
            self.link.enter(phase)
            if isinstance(what, int):
                for _ in range(what):
                    await self.link.receive(wide=phase.is_data and self._agreement.wide)
            elif what:
                await self._send(phase, bytes.fromhex(what))
            else:
                await self.port.delay(1_000)
        await self._listen()
        then = self.spec["then"]
        if then == "stall":
            await self._stop()
        elif then == "free":
            raise _Over
        elif then == "status":
            await self._end()
            raise _Over

    async def _listen(self) -> None:
        """Serve ATN, if this target does."""
        if self.spec["listen"] and self.port.is_set(M_ATN):
            await self._messages()

    async def _messages(self) -> bytes:
        """MESSAGE OUT, until ATN is false. What aborts the task frees the bus."""
        said = b""
        self.link.enter(Phase.MSG_OUT)
        while len(said) < _MESSAGES_MAX:
            await self._reach("MSG_OUT", len(said))
            self.link.enter(Phase.MSG_OUT)
            byte, _ = await self.link.receive()
            said += byte
            if not self.link.attention:
                break
        if said[-1] in _ABORTS and len(split_messages(said)[-1]) == 1:
            raise _Over
        return said

    async def _take(self, phase: Phase, name: str, count: int, *, start: int = 0) -> bytes:
        taken = b""
        wide = phase.is_data and self._agreement.wide
        while len(taken) < count:
            await self._reach(name, start + len(taken))
            await self._listen()
            self.link.enter(phase)
            taken += (await self.link.receive(wide=wide))[0]
        return taken

    async def _give(self, phase: Phase, name: str, data: bytes) -> None:
        size = 2 if phase.is_data and self._agreement.wide else 1
        for start in range(0, len(data), size):
            await self._reach(name, start)
            await self._listen()
            self.link.enter(phase)
            await self.link.send(data[start : start + size], wide=size == 2)

    async def _send(self, phase: Phase, data: bytes) -> None:
        size = 2 if phase.is_data and self._agreement.wide else 1
        for start in range(0, len(data), size):
            await self.link.send(data[start : start + size], wide=size == 2)

    async def _say(self, message: bytes) -> None:
        await self._listen()
        self.link.enter(Phase.MSG_IN)
        await self._send(Phase.MSG_IN, message)

    async def _move(self, phase: Phase) -> None:
        """One block of data under the agreement."""
        if not self._agreement.is_sync:
            if phase.is_in:
                await self._give(phase, "DATA", pattern(0, BLOCK))
            else:
                await self._take(phase, "DATA", BLOCK)
            return
        await self._reach("DATA", 0)
        await self._listen()
        self.link.enter(phase)
        if phase.is_in:
            await self._strobes.send(self._agreement, pattern(0, BLOCK))
        else:
            await self._strobes.receive(self._agreement, BLOCK)

    def _free(self) -> None:
        self.link.leave()
        self.port.release()


class TargetPlayer(HostPlayer):
    """The initiator and the target that misbehaves."""

    async def play(self, point: Point) -> bool:
        """The bad input, what may come of it, and good commands after it; true if the target was not an ordinary one.

        Raises:
            PointFailed: see docs/testplan.md.
        """
        spec, lba = point.spec, point.number % BLOCKS
        if spec["base"] == "mirror":
            await self._served({**GOOD_MANNERS, "base": "query"}, query(BAD_TARGET, 0, last=True), "enrolment")
        bad = BadTarget(self.port, spec)
        await self.over(self._bad(spec, lba, cocotb.start_soon(bad.play())), "bad input")
        self.image.judge({}, {}, "bad input")
        await self.host.port.write("FORGET", 1 << BAD_TARGET)
        await self._served(GOOD_MANNERS, command(BAD_TARGET, bytes(6)), "good command to the same target")
        await self.good_command(point.number)
        return bad.struck

    async def _bad(self, spec: Spec, lba: int, target: Task[None]) -> None:
        """The command that the target spoils, to its completion; the target has left the bus."""
        tag, data = spec.get("tag"), self.pattern(BLOCK)
        requests = {
            "write": command(BAD_TARGET, bytes.fromhex(write_10(lba, 1)), data=data, tag=tag, disc=True),
            "read": command(BAD_TARGET, bytes.fromhex(read_10(lba, 1)), data_in=BLOCK, tag=tag, disc=True),
            "none": command(BAD_TARGET, bytes(6), tag=tag, disc=True),
            "query": query(BAD_TARGET, 0, last=True),
            "mirror": mirror_write((0,), lba, data, 1),
        }
        await self.host.outcome(requests[spec["base"]])
        await target
        await self.host.drain()

    async def _served(self, spec: Spec, request: Any, what: str) -> None:
        target = cocotb.start_soon(BadTarget(self.port, spec).play())
        done = await self.over(self.host.outcome(request), what)
        if not done[-1].good and not (request.target == BAD_TARGET and done[-1].result == 0):
            target.cancel()
            raise PointFailed(f"{what}: {done[-1].result.name}, status {done[-1].status:02X}h")
        await self.over(_joined(target), what)


async def _joined(task: Task[None]) -> None:
    await task
