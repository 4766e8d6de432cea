"""RTL targets on the bench with Python initiators on slots 14 and 15, and the independent referee beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from cocotbext.scsi import Phase
from cocotbext.scsi.checker import CheckerOptions
from cocotbext.scsi.models.initiator import InitiatorModel
from cocotbext.scsi.models.mirror_connection import MirrorResult
from cocotbext.scsi.models.mirror_messages import Extensions
from cocotbext.scsi.models.negotiation import Abilities
from cocotbext.scsi.models.port import ScsiPort
from cocotbext.scsi.models.task import Result
from helpers.commands import cdb_6
from helpers.referee import PhaseReferee
from silentmirror.bench import Bench, BenchConfig, Medium, Slot, SlotConfig
from silentmirror.bench import Kind as SlotKind
from silentmirror.mirror_rules import VENDOR

INITIATOR = 7
OTHER_INITIATOR = 6
GROUP = ((5, 0x00), (4, 0x01), (3, 0x02))
"""Table 1: SCSI ID and yz of each member."""
BLOCK = 512
BLOCKS = 16
_FIRST_SLOT = 2
_HOST_SLOT = 14
OFFSET = 31
BLANK = b"\xe5"
"""What every byte of a new medium is."""


@dataclass
class TargetRig(PhaseReferee):
    """The targets, each with a fresh medium, and the initiator model; `finish` gives the verdict."""

    dut: Any
    ids: Sequence[int] = (5, 4, 3)
    """SCSI IDs of the targets, in slots 2, 3, ..."""
    overrides: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By SCSI ID: fields of its slot that differ."""
    allow_unexpected_free: bool = False
    cable_ns: int = 0
    block_len: int = BLOCK
    blocks: int = BLOCKS
    period: int = 0
    """Fastest transfer period factor of targets and initiators; 0: asynchronous."""

    async def start(self) -> TargetRig:
        """Start the bench and attach the referee."""
        slots = {slot: SlotConfig(SlotKind.PYTHON, cable_ns=self.cable_ns) for slot in (_HOST_SLOT, _HOST_SLOT + 1)}
        folder = Path("media")
        folder.mkdir(exist_ok=True)
        for number, scsi_id in enumerate(self.ids):
            image = folder / f"{scsi_id}.img"
            image.write_bytes(BLANK * (self.block_len * self.blocks))
            values: dict[str, Any] = {
                "scsi_id": scsi_id,
                "medium": image,
                "block_len": self.block_len,
                "cable_ns": self.cable_ns,
                "period": self.period,
                "offset": OFFSET if self.period else 0,
            }
            slots[_FIRST_SLOT + number] = SlotConfig(SlotKind.TARGET, **{**values, **self.overrides.get(scsi_id, {})})
        self.bench = Bench(self.dut, BenchConfig(slots, cocotb.RANDOM_SEED))
        await self.bench.start()
        options = CheckerOptions(
            cable_ns=self.cable_ns, vendor=VENDOR, allow_unexpected_free=self.allow_unexpected_free
        )
        self.attach(self.dut, options)
        return self

    def initiator(self, scsi_id: int = INITIATOR, **options: Any) -> InitiatorModel:
        """An initiator: ID 7 on slot 14, any other on slot 15; times out fast unless told otherwise."""
        port = ScsiPort(self.dut, "py0" if scsi_id == INITIATOR else "py1")
        if self.period:
            options.setdefault("abilities", Abilities(period=self.period, offset=OFFSET))
        return InitiatorModel(port, scsi_id, **{"selection_timeout_us": 260, "status_timeout_us": 2000, **options})

    @property
    def host_slot(self) -> Slot:
        """The slot of the initiator with ID 7."""
        return self.bench.slot(_HOST_SLOT)

    def slot(self, scsi_id: int) -> Slot:
        """The slot of a target."""
        return self.bench.slot(self.bench.config.slot_of_id(scsi_id))

    def medium(self, scsi_id: int) -> Medium:
        """The medium of a target."""
        return self.bench.medium(self.bench.config.slot_of_id(scsi_id))

    def image(self, scsi_id: int, **blocks: bytes) -> None:
        """The medium holds these blocks (`b0=...`) and is blank elsewhere."""
        wanted = {int(name[1:]): data for name, data in blocks.items()}
        expected = b"".join(wanted.get(lba, BLANK * self.block_len) for lba in range(self.blocks))
        found = self.medium(scsi_id).path.read_bytes()
        assert found == expected, f"medium of {scsi_id} differs from {sorted(wanted)} and blank"

    async def ready(self, initiator: InitiatorModel, *ids: int) -> None:
        """Take the unit attention of each target (default: all)."""
        for scsi_id in ids or self.ids:
            assert (await initiator.command(scsi_id, cdb_6(0x03, 18))).good

    async def group(
        self, initiator: InitiatorModel, count: int = 3, *, wide: bool = True, extended: bool = False
    ) -> None:
        """Take unit attentions, negotiate `period`, or 16 bit if asked to, enrol the first members of Table 1's group.

        `extended`: agree on both extensions with each.
        """
        for scsi_id, yz in GROUP[:count]:
            await self.ready(initiator, scsi_id)
            if self.period:
                assert (await initiator.negotiate(scsi_id)).period == self.period
            elif wide:
                assert await initiator.negotiate_wide(scsi_id)
            result = await initiator.query(scsi_id, yz, last=yz == GROUP[count - 1][1])
            assert result.accepted, result
            if extended:
                answer = await initiator.capability(scsi_id, yz)
                assert answer.extensions == Extensions(), answer

    async def sense_data(self, initiator: InitiatorModel, scsi_id: int) -> bytes:
        """All of REQUEST SENSE."""
        result: Result = await initiator.command(scsi_id, cdb_6(0x03, 18))
        assert result.good, result
        assert len(result.data) == 18
        return result.data

    async def sense(self, initiator: InitiatorModel, scsi_id: int, lun: int = 0) -> tuple[int, int]:
        """Key and ASC/ASCQ of REQUEST SENSE."""
        result: Result = await initiator.command(scsi_id, cdb_6(0x03, 18), lun=lun)
        assert result.good, result
        data = result.data
        assert len(data) == 18
        assert data[0] & 0x7F == 0x70
        return data[2] & 0xF, data[12] << 8 | data[13]

    async def phase_begins(self, phase: Phase, times: int = 1) -> None:
        """Return at the first REQ of the n-th entry into a phase from now on."""
        before: int | None = None
        while times:
            await RisingEdge(self.dut.bus_req)
            code = int(self.dut.bus_msg.value) << 2 | int(self.dut.bus_cd.value) << 1 | int(self.dut.bus_io.value)
            times -= code == phase != before
            before = code

    async def bus_free(self) -> None:
        """Return when BSY and SEL have been false for 1 us."""
        quiet = 0
        while quiet < 20:
            await Timer(50, unit="ns")
            quiet = 0 if int(self.dut.bus_bsy.value) or int(self.dut.bus_sel.value) else quiet + 1

    async def reset_bus(self) -> None:
        """RST by a bystander (slot 15); 800 ns later every target must have released everything."""
        port = ScsiPort(self.dut, "py1")
        reset = cocotb.start_soon(port.assert_reset())
        await Timer(800, unit="ns")
        for number in range(_FIRST_SLOT, _HOST_SLOT):
            driven = int(self.dut.drv_all.value) >> 27 * number & (1 << 27) - 1
            assert driven == 0, f"slot {number} drives {driven:#x} 800 ns after RST"
        await reset
        port.acknowledge_reset()

    async def finish(self, *violated: str) -> None:
        """The referee's verdict, and the bus must be free."""
        await super().finish(*violated)
        assert int(self.dut.bus_all.value) == 0, f"{int(self.dut.bus_all.value):#x}\n{self.monitor.last()}"


def statuses(result: MirrorResult) -> dict[int, int | None]:
    """Status by SCSI ID."""
    return {scsi_id: one.status for scsi_id, one in result.results.items()}


def holders(rig: TargetRig, data: bytes, lba: int = 0) -> list[int]:
    """SCSI IDs of the targets that hold `data` at `lba`; all others are blank, and all are blank elsewhere."""
    found = [scsi_id for scsi_id in rig.ids if rig.medium(scsi_id).block(lba) == data]
    for scsi_id in rig.ids:
        rig.image(scsi_id, **({f"b{lba}": data} if scsi_id in found else {}))
    return found
