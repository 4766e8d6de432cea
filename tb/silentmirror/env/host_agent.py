"""UVM agent of one host: drives an initiator's AXI ports and reports what was asked of it and how it ended."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Event
from pyuvm import uvm_agent, uvm_analysis_port, uvm_driver, uvm_monitor, uvm_sequencer

from silentmirror.model import MirrorRequest, Result

from . import descriptor
from .items import HostCompletion, LoadItem, MemberResult, RegisterItem, SubmitItem, UnloadItem
from .port import Access, HostPort
from .reg_model import RegisterChecker

_TAGS = range(1, 256)


class HostSequencer(uvm_sequencer):
    """Sequencer that also hands out tags and knows whose host it is."""

    initiator: int

    def __init__(self, name: str, parent: Any = None) -> None:
        super().__init__(name, parent)
        self._used: set[int] = set()
        self._next = _TAGS.start

    def take_tag(self) -> int:
        """A tag that no outstanding descriptor has; RuntimeError when there is none."""
        for _ in _TAGS:
            tag, self._next = self._next, self._next % (_TAGS.stop - 1) + 1
            if tag not in self._used:
                self._used.add(tag)
                return tag
        raise RuntimeError("all tags are in use")

    def free_tag(self, tag: int) -> None:
        """The descriptor with this tag has ended."""
        self._used.discard(tag)


class HostDriver(uvm_driver):
    """Carries out items in order; descriptors complete on their own, matched by opcode and tag."""

    port: HostPort
    sequencer: HostSequencer
    monitor: HostMonitor
    started: Event
    """Set when the bench is out of reset."""

    async def run_phase(self) -> None:
        """Take items for ever."""
        self._outstanding: dict[tuple[int, int], SubmitItem] = {}
        await self.started.wait()
        await self.port.write("IRQ_ENABLE", self.port.regs["IRQ_STATUS"].fields["COMPLETION"].mask)
        cocotb.start_soon(self._collect())
        while True:
            item = await self.seq_item_port.get_next_item()
            await self._carry_out(item)
            self.seq_item_port.item_done()

    async def _carry_out(self, item: Any) -> None:
        if isinstance(item, SubmitItem):
            await self._submit(item)
        elif isinstance(item, LoadItem):
            await self.port.load(item.address, item.data)
        elif isinstance(item, UnloadItem):
            item.data = await self.port.unload(item.address, item.length)
        elif isinstance(item, RegisterItem):
            for name, word in item.writes:
                await self.port.write(name, word)
        else:
            raise TypeError(f"the host driver knows no {type(item).__name__}")

    async def _submit(self, item: SubmitItem) -> None:
        words = descriptor.encode(item.request, item.address)
        for name, word in descriptor.mirroring(item.request):
            await self.port.write(name, word)
        opcode = self.port.regs["OP"].fields["OPCODE"].get(words[0])
        await self.port.write_from(descriptor.FIRST, words)
        for earlier in item.after:
            await earlier.wait()
        await self.port.wait_status("READY", 1)
        self._outstanding[opcode, item.request.tag] = item
        await self.port.write("SUBMIT", 1)

    async def _collect(self) -> None:
        """Empty the completion queue at each interrupt. The interrupt is cleared first: none can be lost between."""
        while True:
            await self.port.wait_irq()
            await self.port.write_fields("IRQ_STATUS", COMPLETION=1)
            while (head := await self.port.read_fields("CPL0"))["VALID"]:
                for word in self._member_words(head["OPCODE"], head["TAG"]):
                    await self.port.read(f"CPL_M{word}")
                await self.port.read("CPL1")
                self._deliver(self.monitor.last_completion)

    def _member_words(self, opcode: int, tag: int) -> list[int]:
        """Which of CPL_M0 to CPL_M7 tell of the members that a descriptor has named."""
        item = self._outstanding.get((opcode, tag))
        order = item.request.order if item is not None and isinstance(item.request, MirrorRequest) else ()
        return sorted({z // 2 for z in order})

    def _deliver(self, completion: HostCompletion) -> None:
        key = (completion.opcode, completion.tag)
        item = self._outstanding.get(key)
        if item is None:
            raise RuntimeError(f"completion of no descriptor: {completion}")
        if completion.last:
            del self._outstanding[key]
            self.sequencer.free_tag(completion.tag)
        item.complete(completion)


class HostMonitor(uvm_monitor):
    """Rebuilds requests and completions from the accesses on the port; knows nothing of sequences or items.

    Analysis ports: `requests` (`silentmirror.model.Request` as its descriptor is handed over), `completions`
    (`HostCompletion`), `resets` (the host's order to reset the bus).
    """

    initiator: int
    port: HostPort
    last_completion: HostCompletion

    def build_phase(self) -> None:
        """Create the ports and start listening."""
        self.requests = uvm_analysis_port("requests", self)
        self.completions = uvm_analysis_port("completions", self)
        self.resets = uvm_analysis_port("resets", self)
        self._words: dict[str, int] = {}
        self._series: list[int] = []
        self._members: dict[int, MemberResult] = {}
        self._buffer = bytearray()
        self._first_half = 0
        self.port.watch(self._access)

    def _access(self, access: Access) -> None:
        if access.register is None:
            self._load(self._words["LOAD_ADDR"], access.data)
        elif access.write:
            self._words[access.register] = access.value
            if access.register == "SUBMIT":
                self.requests.write(descriptor.decode(self.initiator, self._words, self._series, bytes(self._buffer)))
                self._series.clear()
            elif access.register == "SERIES_LBA":
                self._series.append(access.value)
            elif access.register == "CONTROL" and access.value & 1:
                self.resets.write(self.initiator)
        elif access.register == "CPL0":
            self._first_half = access.value
            self._members = {}
        elif access.register.startswith("CPL_M"):
            self._member_word(2 * int(access.register.removeprefix("CPL_M")), access.value)
        elif access.register == "CPL1" and self._first_half & self.port.regs["CPL0"].fields["VALID"].mask:
            self._completion(access)

    def _member_word(self, first: int, word: int) -> None:
        """Two members of the oldest completion."""
        for z in (first, first + 1):
            result = Result(word >> 8 & 0xF)
            if result is not Result.NOT_NAMED:
                self._members[z] = MemberResult(result, word & 0xFF, word >> 12 & 0xF)
            word >>= 16

    def _load(self, address: int, data: bytes) -> None:
        self._buffer.extend(bytes(max(0, address + len(data) - len(self._buffer))))
        self._buffer[address : address + len(data)] = data

    def _completion(self, access: Access) -> None:
        head = self.port.regs["CPL0"].unpack(self._first_half)
        tail = self.port.regs["CPL1"].unpack(access.value)
        self.last_completion = HostCompletion(
            time_ns=access.time_ns,
            initiator=self.initiator,
            opcode=head["OPCODE"],
            tag=head["TAG"],
            target=head["TARGET"],
            rank=head["RANK"],
            last=bool(head["LAST"]),
            result=Result(tail["RESULT"]),
            detail=tail["DETAIL"],
            status=head["STATUS"],
            moved=tail["BYTES"],
            members=dict(self._members),
        )
        self.completions.write(self.last_completion)


class HostAgent(uvm_agent):
    """Sequencer, driver and monitor of the host of one initiator. Its attributes are set by the environment."""

    dut: Any
    prefix: str
    initiator: int
    started: Event

    def build_phase(self) -> None:
        """Create port and components."""
        super().build_phase()
        self.port = HostPort(self.dut, self.prefix)
        self.sequencer = HostSequencer("sequencer", self)
        self.sequencer.initiator = self.initiator
        self.monitor = HostMonitor.create("monitor", self)
        self.monitor.initiator, self.monitor.port = self.initiator, self.port
        self.registers = RegisterChecker.create("registers", self)
        self.registers.port = self.port
        self.driver = HostDriver.create("driver", self)
        self.driver.port, self.driver.sequencer = self.port, self.sequencer
        self.driver.monitor, self.driver.started = self.monitor, self.started

    def connect_phase(self) -> None:
        """Sequencer to driver."""
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
