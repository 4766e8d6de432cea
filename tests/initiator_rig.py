"""Two RTL initiators on one bus with Python targets (tests/models/initiator_ports.v), with a referee."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from cocotbext.scsi import Phase
from cocotbext.scsi.agreement import Period
from cocotbext.scsi.checker import CheckerOptions
from cocotbext.scsi.constants import Opcode
from cocotbext.scsi.models.medium import Medium
from cocotbext.scsi.models.negotiation import Abilities
from cocotbext.scsi.models.port import ScsiPort
from cocotbext.scsi.models.target import TargetModel
from helpers.commands import cdb_6
from helpers.referee import PhaseReferee
from helpers.scripted_target import ScriptedTarget
from silentmirror.env.port import HostPort
from silentmirror.mirror_rules import VENDOR

INITIATOR, OTHER_INITIATOR = 7, 6
TARGET = 5
GROUP = ((5, 0x00), (4, 0x01), (3, 0x02))
"""Table 1: SCSI ID and yz of each member."""
BLOCK = 512
_PORTS = 4
QUERY, COMMAND, MIRROR_WRITE, TASK_MANAGEMENT, MIRROR_READ, MIRROR_CAPABILITY = range(1, 7)
POLICIES = ("NONE", "AUTO", "FROM_LEADER", "REGROUP", "PLAIN")
"""What to do about members that fail, by their number in MIRROR.POLICY."""
SIMPLE, HEAD_OF_QUEUE, ORDERED = range(3)
FUNCTIONS = ("ABORT_TASK", "ABORT_TASK_SET", "CLEAR_TASK_SET", "LOGICAL_UNIT_RESET", "TARGET_RESET")
"""Task management functions, by their number in TASK.FUNCTION."""
OK, SEL_TIMEOUT, BUS_FREE, PARITY, REJECTED, NOT_CAPABLE = range(6)
SKIPPED, RESET, HANG, PROTOCOL, NO_STATUS, BAD_DESCRIPTOR, ABORTED, MEMBERS, DIFFERS, NOT_NAMED = range(6, 16)
DET_REJECT, DET_BUS_FREE, DET_COMMAND, DET_MSG_OUT, DET_OTHER = range(5)
GOOD, CHECK_CONDITION = 0x00, 0x02
IRQ_COMPLETION, IRQ_BUS_RESET, IRQ_OVERFLOW = 1, 2, 4
PPM_LIMIT = 200
FAST_HOST = {"wide": True, "period": Period.FAST_40, "offset": 63}
FAST_MEMBER = {"abilities": Abilities(period=Period.FAST_40, offset=31)}


@dataclass(frozen=True)
class Member:
    """What became of one member of a mirrored command. `target`: the SCSI ID that the host has enrolled as this z."""

    z: int
    target: int
    result: int
    status: int
    block: int

    @property
    def good(self) -> bool:
        """It has done its part of all blocks."""
        return self.result == OK and self.status == GOOD


@dataclass(frozen=True)
class Completion:
    """A completion as the host reads it; one of a mirrored command has its members, as they were ordered."""

    opcode: int
    tag: int
    target: int
    rank: int
    last: bool
    result: int
    detail: int
    status: int
    moved: int
    members: tuple[Member, ...] = ()

    @property
    def good(self) -> bool:
        """The task ended with status GOOD."""
        return self.result == OK and self.status == GOOD


class Host:
    """The host of one RTL initiator, by registers."""

    def __init__(self, dut: Any, number: int, scsi_id: int) -> None:
        self.dut = dut
        self.number = number
        self.scsi_id = scsi_id
        self.port = HostPort(dut, f"ini{number}")
        self.regs = self.port.regs
        self._enrolled: dict[tuple[int, int], int] = {}
        self._mirrored: dict[int, list[tuple[int, tuple[int, ...]]]] = {}

    async def start(
        self,
        *,
        wide: bool = False,
        period: int = 0,
        offset: int = 0,
        dt: int = 0,
        qas: int = 0,
        sel_reset: int = 0,
        extensions: int = 0,
        **registers: int,
    ) -> None:
        """Configure and enable; timers that a simulation can wait for unless others are given.

        `extensions`: what MIRROR_CAPABILITY offers, bit 0 status in the connection, bit 1 series.
        """
        short = {"SEL_TIMEOUT_US": 60, "HANG_TIMEOUT_US": 3000, "STATUS_TIMEOUT_US": 5000}
        for name, value in {**short, "IRQ_ENABLE": IRQ_COMPLETION, **registers}.items():
            await self.port.write(name, value)
        more = {"MIRROR_STATUS": extensions & 1, "MIRROR_SERIES": extensions >> 1}
        await self.port.write_fields("ABILITY", PERIOD=period, OFFSET=offset, DT=dt, QAS=qas, **more)
        await self.port.write_fields("CONFIG", OWN_ID=self.scsi_id, WIDE=int(wide), ENABLE=1, SEL_RESET=sel_reset)

    async def read(self, name: str, field: str | None = None) -> int:
        """A register, or one field of it."""
        value = await self.port.read(name)
        return value if field is None else self.regs[name].fields[field].get(value)

    async def submit(self, op: dict[str, int], **words: int) -> None:
        """Write a descriptor and hand it over."""
        for name, value in words.items():
            await self.port.write(name, value)
        await self.port.write("OP", self.regs["OP"].pack(**op))
        while not await self.read("STATUS", "READY"):
            pass
        await self.port.write("SUBMIT", 1)

    async def next_completion(self) -> Completion:
        """Wait for the next completion and take it."""
        while True:
            head = self.regs["CPL0"].unpack(await self.port.read("CPL0"))
            if head["VALID"]:
                break
            await self.port.wait_irq()
            await self.port.write("IRQ_STATUS", IRQ_COMPLETION)
        words = 0
        if head["OPCODE"] in (MIRROR_WRITE, MIRROR_READ):
            for n in range(8):
                words |= await self.port.read(f"CPL_M{n}") << 32 * n
        tail = self.regs["CPL1"].unpack(await self.port.read("CPL1"))
        done = Completion(
            head["OPCODE"],
            head["TAG"],
            head["TARGET"],
            head["RANK"],
            bool(head["LAST"]),
            tail["RESULT"],
            tail["DETAIL"],
            head["STATUS"],
            tail["BYTES"],
        )
        assert done.last, done
        return self._with_members(done, words) if words else done

    def _with_members(self, done: Completion, words: int) -> Completion:
        """The completion of a mirrored command with its members, which must be what the completion sums up."""
        waiting = self._mirrored[done.tag]
        found = {z: words >> 16 * z & 0xFFFF for z in range(16)}
        none = {z for z, word in found.items() if word >> 8 & 0xF == NOT_NAMED}
        assert all(found[z] == NOT_NAMED << 8 for z in none), found
        if done.result == BAD_DESCRIPTOR and len(none) == 16:
            waiting.pop()
            return done
        (mine,) = [one for one in waiting if set(range(16)) - none == set(one[1])]
        waiting.remove(mine)
        group, order = mine
        ids = [self._enrolled[group, z] for z in order]
        members = tuple(
            Member(z, scsi_id, found[z] >> 8 & 0xF, found[z] & 0xFF, found[z] >> 12)
            for z, scsi_id in zip(order, ids, strict=True)
        )
        bad = [one for one in members if not one.good]
        assert done.rank == len(members) - len(bad), (done, members)
        assert done.status == (bad[0].status if bad else GOOD), (done, members)
        if done.result != BAD_DESCRIPTOR:
            assert done.result == (MEMBERS if bad else OK), (done, members)
        return replace(done, members=members)

    async def query(self, target: int, yz: int, *, last: bool = False) -> Completion:
        """A QUERY and how it ended."""
        op = {"OPCODE": QUERY, "TARGET": target, "GROUP": yz >> 4, "Z": yz & 0xF, "LAST": int(last)}
        await self.submit(op, DATA_LEN=0)
        done = await self.next_completion()
        assert (done.opcode, done.target) == (QUERY, target)
        if done.result == OK:
            self._enrolled[yz >> 4, yz & 0xF] = target
        return done

    async def capability(self, target: int, yz: int) -> Completion:
        """A MIRROR_CAPABILITY and how it ended."""
        await self.submit({"OPCODE": MIRROR_CAPABILITY, "TARGET": target, "GROUP": yz >> 4, "Z": yz & 0xF})
        done = await self.next_completion()
        assert (done.opcode, done.target) == (MIRROR_CAPABILITY, target)
        return done

    async def send_command(
        self,
        target: int,
        cdb: bytes,
        *,
        data_in: int = 0,
        data_out: int = 0,
        addr: int = 0,
        tag: int | None = None,
        disc: bool = False,
        lun: int = 0,
        attribute: int = SIMPLE,
    ) -> None:
        """Hand a COMMAND over; its data lie, or go, at `addr` of the block buffer."""
        padded = cdb.ljust(16, b"\0")
        words = {f"CDB{n}": int.from_bytes(padded[4 * n : 4 * n + 4], "little") for n in range(4)}
        words["DATA_LEN"] = self.regs["DATA_LEN"].pack(BYTES=data_in or data_out, DIR_IN=int(data_in > 0))
        op = {"OPCODE": COMMAND, "TARGET": target, "DISC_PRIV": int(disc), "LUN": lun}
        if tag is not None:
            op |= {"TAGGED": 1, "TAG": tag}
        await self.submit(op, BUF_ADDR=addr, TASK=self.regs["TASK"].pack(ATTRIBUTE=attribute), **words)

    async def send_management(self, target: int, function: str, *, lun: int = 0, tag: int | None = None) -> None:
        """Hand a TASK_MANAGEMENT over."""
        op = {"OPCODE": TASK_MANAGEMENT, "TARGET": target, "LUN": lun}
        if tag is not None:
            op |= {"TAGGED": 1, "TAG": tag}
        await self.submit(op, TASK=self.regs["TASK"].pack(FUNCTION=FUNCTIONS.index(function)))

    async def command(self, target: int, cdb: bytes, **options: Any) -> Completion:
        """A COMMAND and how it ended."""
        await self.send_command(target, cdb, **options)
        done = await self.next_completion()
        assert (done.opcode, done.target) == (COMMAND, target)
        return done

    async def send_mirror_write(
        self,
        order: Iterable[int],
        lba: int | Sequence[int],
        length: int,
        *,
        group: int = 0,
        addr: int = 0,
        tag: int | None = None,
        opcode: int = MIRROR_WRITE,
        policy: str = "NONE",
        rounds: int = 0,
        series: int = 0,
        **mirror: int,
    ) -> None:
        """Hand a MIRROR_WRITE over: one block, or one for each number of `lba`. `mirror`: more fields of MIRROR."""
        ranks, lbas = tuple(order), (lba,) if isinstance(lba, int) else tuple(lba)
        packed = sum(z << 4 * rank for rank, z in enumerate(ranks))
        op = {"OPCODE": opcode, "GROUP": group, "DISC_PRIV": 1}
        if tag is not None:
            op |= {"TAGGED": 1, "TAG": tag}
        fields = {"POLICY": POLICIES.index(policy), "ROUNDS": rounds, "SERIES": series, "BLOCKS": len(lbas), **mirror}
        for one in lbas[1:]:
            await self.port.write("SERIES_LBA", one)
        await self.submit(
            op,
            DATA_LEN=length,
            BUF_ADDR=addr,
            LBA=lbas[0],
            ORDER0=packed & 0xFFFFFFFF,
            ORDER1=packed >> 32,
            COUNT=len(ranks),
            MIRROR=self.regs["MIRROR"].pack(**fields),
        )
        self._mirrored.setdefault(tag or 0, []).append((group, ranks))

    async def mirror_write(
        self, order: Iterable[int], lba: int | Sequence[int], length: int, **options: Any
    ) -> Completion:
        """A MIRROR_WRITE and how it ended."""
        await self.send_mirror_write(order, lba, length, **options)
        return await self.next_completion()

    async def mirror_read(
        self, order: Iterable[int], lba: int | Sequence[int], length: int, **options: Any
    ) -> Completion:
        """A MIRROR_READ and how it ended."""
        return await self.mirror_write(order, lba, length, opcode=MIRROR_READ, **options)

    async def load(self, data: bytes, addr: int = 0) -> None:
        """Data into the block buffer."""
        await self.port.load(addr, data)

    async def unload(self, length: int, addr: int = 0) -> bytes:
        """Data out of the block buffer, taken at the falling edges of the clock, where no simulator has a race."""
        taking = cocotb.start_soon(self._take_frame())
        await self.port.write("UNLOAD_ADDR", addr)
        await self.port.write("UNLOAD_LEN", length)
        return await taking

    async def _take_frame(self) -> bytes:
        pins = {
            name: getattr(self.dut, f"ini{self.number}_m_axis_t{name}") for name in ("valid", "data", "keep", "last")
        }
        clock, data = getattr(self.dut, f"ini{self.number}_clk"), bytearray()
        while True:
            await FallingEdge(clock)
            if int(pins["valid"].value):
                word = int(pins["data"].value).to_bytes(2, "little")
                data += word[: int(pins["keep"].value).bit_count()]
                if int(pins["last"].value):
                    return bytes(data)


class InitiatorRig(PhaseReferee):
    """The RTL initiators with IDs 7 and 6, four ports for Python targets, the referee. `finish` gives the verdict.

    `fast`: unless told otherwise, hosts and members can do Fast-40, and agree on it before they enrol.
    """

    def __init__(self, dut: Any, *, allow_unexpected_free: bool = False, fast: bool = False) -> None:
        self.dut = dut
        self.fast = fast
        self.ports = [ScsiPort(dut, f"py{number}") for number in range(_PORTS)]
        options = CheckerOptions(vendor=VENDOR, allow_unexpected_free=allow_unexpected_free)
        self.attach(dut, options)

    async def hosts(self, count: int = 1, **options: Any) -> list[Host]:
        """Start the clocks, each with its own offset and phase from the seed, and the first initiators."""
        dut = self.dut
        rng = random.Random(f"initiator clocks {cocotb.RANDOM_SEED}")
        for number in range(2):
            getattr(dut, f"ini{number}_run").value = 0
            getattr(dut, f"ini{number}_rst_n").value = 0
            getattr(dut, f"ini{number}_ppb").value = rng.randint(-PPM_LIMIT * 1000, PPM_LIMIT * 1000) & 0xFFFFFFFF
            getattr(dut, f"ini{number}_phase_ps").value = rng.randrange(6250)
            getattr(dut, f"ini{number}_flip").value = 0
        await Timer(20, "ns")
        for number in range(count):
            getattr(dut, f"ini{number}_run").value = 1
        await Timer(20, "ns")
        for number in range(count):
            getattr(dut, f"ini{number}_rst_n").value = 1
        await Timer(50, "ns")
        started = [Host(dut, number, (INITIATOR, OTHER_INITIATOR)[number]) for number in range(count)]
        for host in started:
            await host.start(**{**(FAST_HOST if self.fast else {}), **options})
        return started

    async def host(self, **options: Any) -> Host:
        """The initiator with ID 7."""
        return (await self.hosts(1, **options))[0]

    def target_at(self, port: int = 0, scsi_id: int = TARGET, **options: Any) -> TargetModel:
        """A Python target on one of the ports."""
        return TargetModel(self.ports[port], scsi_id, Medium(blocks=16), **options)

    async def scripted(self, **options: Any) -> tuple[Host, ScriptedTarget]:
        """The initiator with ID 7, and a scripted target on the first port."""
        return await self.host(**options), ScriptedTarget(self.ports[0], TARGET)

    async def enrol(self, host: Host, count: int = 3) -> None:
        """Enrol the first members of Table 1's group."""
        for scsi_id, yz in GROUP[:count]:
            if self.fast:
                assert (await host.command(scsi_id, TEST_UNIT_READY)).good
            done = await host.query(scsi_id, yz, last=yz == GROUP[count - 1][1])
            assert done.result == OK, done

    def cdbs(self) -> list[str]:
        """CDBs so far in hexadecimal, without TEST UNIT READY, with which agreements are made."""
        found = [text for phase, text in self.phases() if phase is Phase.COMMAND]
        return [text for text in found if text != TEST_UNIT_READY.hex()]

    def members(self, count: int = 3, **options: Any) -> list[TargetModel]:
        """The first members of Table 1's group, not yet enrolled; `options` by SCSI ID, as `id4=dict(...)`."""
        usual = FAST_MEMBER if self.fast else {}
        return [
            self.target_at(number, scsi_id, mirror=True, **{**usual, **options.get(f"id{scsi_id}", {})})
            for number, (scsi_id, _) in enumerate(GROUP[:count])
        ]


def pattern(length: int = BLOCK, step: int = 7) -> bytes:
    """Bytes in which a lost, doubled or swapped one shows."""
    return bytes((n * step + n // 256) & 0xFF for n in range(length))


TEST_UNIT_READY = cdb_6(Opcode.TEST_UNIT_READY)
