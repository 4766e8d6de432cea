"""The bus of tests/models with an independent referee: monitor, checker and mirror rules, beside the models."""

from __future__ import annotations

from typing import Any

from cocotbext.scsi.checker import CheckerOptions
from cocotbext.scsi.constants import Opcode
from cocotbext.scsi.models import InitiatorModel, Medium, MirrorResult, Result, ScsiPort, TargetModel
from cocotbext.scsi.wires import M_CD, M_MSG, M_PHASE
from helpers.commands import cdb_6, read_10, write_10
from helpers.referee import PhaseReferee
from helpers.strobe_meter import StrobeMeter
from silentmirror.mirror_rules import VENDOR

INITIATOR = 7
TARGET = 5
GROUP = ((5, 0x00), (4, 0x01), (3, 0x02))
"""Table 1: SCSI ID and yz of each member."""
BLOCK = 64
"""Bytes a block where a test does not ask for another length: short, so that many tests cost little."""
_PORTS = 5


class FlipInMessageOut:
    """One port alone sees wrong parity throughout the nth MESSAGE OUT phase from now on (1 is the next)."""

    def __init__(self, dut: Any, rig: Rig, port: int, nth: int) -> None:
        self.struck = False
        self._flip = getattr(dut, f"py{port}_flip")
        self._left = nth
        self._inside = False
        rig.ports[port].observe(self)

    def lines_changed(self, lines: int, changed: int) -> None:
        """Follow the phases of the port."""
        del changed
        inside = lines & M_PHASE == M_MSG | M_CD
        if inside and not self._inside:
            self._left -= 1
            self.struck |= self._left == 0
        if inside != self._inside:
            self._flip.value = int(inside and self._left == 0)
        self._inside = inside


class Rig(PhaseReferee):
    """Five ports, the first for the initiator, and the referee. `finish` gives the verdict."""

    def __init__(self, dut: Any, *, allow_unexpected_free: bool = False, cable_ns: int = 0) -> None:
        for number in range(_PORTS):
            getattr(dut, f"py{number}_cable_ps").value = cable_ns * 1000
            getattr(dut, f"py{number}_flip").value = 0
        self.ports = [ScsiPort(dut, f"py{number}") for number in range(_PORTS)]
        options = CheckerOptions(cable_ns=cable_ns, vendor=VENDOR, allow_unexpected_free=allow_unexpected_free)
        self.attach(dut, options)
        self.meter = StrobeMeter()
        self.sampler.subscribe(self.meter)

    def initiator(self, **options: Any) -> InitiatorModel:
        """The initiator with ID 7 on port 0."""
        return InitiatorModel(self.ports[0], INITIATOR, **options)

    def target(self, **options: Any) -> TargetModel:
        """The target with ID 5 on port 1."""
        return TargetModel(self.ports[1], TARGET, Medium(blocks=16, block_len=BLOCK), **options)

    def members(self, count: int = 3, *, block_len: int = BLOCK, **options: Any) -> list[TargetModel]:
        """The first members of Table 1's group, not yet enrolled; `options` by SCSI ID, as `id4=dict(...)`."""
        return [
            TargetModel(
                self.ports[number + 1],
                scsi_id,
                Medium(blocks=16, block_len=block_len),
                mirror=True,
                **options.get(f"id{scsi_id}", {}),
            )
            for number, (scsi_id, _) in enumerate(GROUP[:count])
        ]

    async def group(self, initiator: InitiatorModel, count: int = 3) -> None:
        """Negotiate 16 bit with the members and enrol them."""
        for scsi_id, yz in GROUP[:count]:
            assert await initiator.negotiate_wide(scsi_id)
            result = await initiator.query(scsi_id, yz, last=yz == GROUP[count - 1][1])
            assert result.accepted, result


def pattern(length: int = BLOCK, step: int = 7) -> bytes:
    """Bytes in which a lost, doubled or swapped one shows."""
    return bytes((n * step + n // 256) & 0xFF for n in range(length))


DATA = pattern()
"""The block of the mirror tests."""


async def sense_of(initiator: InitiatorModel) -> tuple[int, int]:
    """Sense key and additional sense, by REQUEST SENSE."""
    result = await initiator.command(TARGET, cdb_6(Opcode.REQUEST_SENSE, 18))
    assert result.good
    assert len(result.data) == 18
    return result.data[2] & 0xF, int.from_bytes(result.data[12:14], "big")


async def round_trip(initiator: InitiatorModel, target: TargetModel, blocks: int = 1, **options: Any) -> list[Result]:
    """Write and read back; both GOOD and equal on the medium and on the bus."""
    data = pattern(blocks * BLOCK)
    wrote = await initiator.command(TARGET, write_10(3, blocks), data_out=data, **options)
    assert wrote.good, wrote
    assert wrote.sent == len(data)
    assert target.medium.read(3, blocks) == data
    assert sorted(target.medium.written) == list(range(3, 3 + blocks))
    read = await initiator.command(TARGET, read_10(3, blocks), **options)
    assert read.good, read
    assert read.data == data
    return [wrote, read]


def holders(members: list[TargetModel], lba: int = 0) -> list[int]:
    """SCSI IDs of the members that hold DATA at lba; all others hold nothing."""
    for member in members:
        assert member.medium.written in ({}, {lba: DATA})
    return [member.scsi_id for member in members if member.medium.written]


def statuses(result: MirrorResult) -> dict[int, int | None]:
    """Status by SCSI ID."""
    return {scsi_id: one.status for scsi_id, one in result.results.items()}
