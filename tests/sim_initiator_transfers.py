"""The RTL initiator moves data by agreement with Python targets of any ability: recovery, mirrored members, QAS."""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import Agreement, Option
from cocotbext.scsi.constants import Extended, Opcode
from cocotbext.scsi.models import Abilities
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from helpers.commands import cdb_6, read_10, write_10
from initiator_rig import (
    BLOCK,
    CHECK_CONDITION,
    GROUP,
    OK,
    PARITY,
    TARGET,
    TEST_UNIT_READY,
    Completion,
    Host,
    InitiatorRig,
    pattern,
)

FULL = {"wide": True, "period": 0x09, "offset": 63, "dt": 1, "qas": 1}
OLD = frozenset({Extended.WDTR, Extended.SDTR})
FAST_80 = Abilities(period=0x09, offset=63, dt=True)
ABILITIES = {
    "async_8": (Abilities(wide=False), Agreement()),
    "fast_10_narrow": (Abilities(wide=False, period=0x19, offset=15, knows=OLD), Agreement(0x19, 15)),
    "fast_20": (Abilities(period=0x0C, offset=15, knows=OLD), Agreement(0x0C, 15, True)),
    "fast_40": (Abilities(period=0x0A, offset=31), Agreement(0x0A, 31, True)),
    "fast_40_dt": (Abilities(period=0x0A, offset=1, dt=True), Agreement(0x0A, 1, True, Option.DT)),
    "fast_80": (FAST_80, Agreement(0x09, 63, True, Option.DT)),
}


async def round_trip(host: Host, target: int, lba: int, **options: Any) -> None:
    """A block out and in again."""
    data = pattern(step=3 + lba)
    await host.load(data)
    done = await host.command(target, write_10(lba), data_out=len(data), **options)
    assert done.good, done
    assert done.moved == len(data)
    done = await host.command(target, read_10(lba), data_in=len(data), addr=4096, **options)
    assert done.good, done
    assert await host.unload(len(data), 4096) == data


def transfers(rig: InitiatorRig) -> set[str | None]:
    """How the data phases so far moved their data."""
    rig.monitor.flush()
    return {one.transfer for one in rig.of_kind(Kind.PHASE) if one.phase is not None and one.phase.is_data}


def how(agreement: Agreement) -> str:
    """What a data phase under this agreement is called."""
    return "dt" if agreement.is_dt else "st" if agreement.is_sync else "async"


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(kind=list(ABILITIES), disconnect=[(), ("middle", "status")])
async def by_agreement(dut: Any, kind: str, disconnect: tuple[str, ...]) -> None:
    """Whatever the target can do: it is agreed, and the data go by it, also in pieces."""
    rig = InitiatorRig(dut)
    abilities, agreement = ABILITIES[kind]
    target = rig.target_at(abilities=abilities, disconnect=disconnect)
    host = await rig.host(**FULL)
    await round_trip(host, TARGET, 2, disc=True, tag=5)
    assert target.session.agreements[host.scsi_id] == agreement
    assert transfers(rig) == {how(agreement)}
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(kind=["fast_20", "fast_80"])
async def odd_length(dut: Any, kind: str) -> None:
    """An odd number of bytes: IGNORE WIDE RESIDUE, nothing behind them is touched."""
    rig = InitiatorRig(dut)
    rig.target_at(abilities=ABILITIES[kind][0])
    host = await rig.host(**FULL)
    await host.load(b"\xa5" * 64, 512)
    done = await host.command(TARGET, cdb_6(Opcode.INQUIRY, 35), data_in=40, addr=512)
    assert (done.good, done.moved) == (True, 35)
    assert (await host.unload(64, 512))[36:] == b"\xa5" * 28
    await rig.finish()


FAULTS = {
    "fast_40": Fault(FaultKind.BAD_PARITY, Phase.DATA_IN, 100),
    "fast_80": Fault(FaultKind.BAD_CRC, Phase.DT_DATA_IN, 0),
}
RULES = {"fast_40": "PAR-06", "fast_80": "DTR-19"}


async def read_one(host: Host) -> Completion:
    """Read a block into address 0."""
    return await host.command(TARGET, read_10(1), data_in=BLOCK)


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(kind=list(FAULTS))
async def spoilt_data_in(dut: Any, kind: str) -> None:
    """Wrong parity or CRC once: INITIATOR DETECTED ERROR, and the data come again."""
    rig = InitiatorRig(dut)
    faults = Faults(FAULTS[kind])
    target = rig.target_at(abilities=ABILITIES[kind][0], faults=faults)
    target.medium.write(1, pattern())
    host = await rig.host(**FULL)
    assert (await read_one(host)).good
    assert await host.unload(BLOCK) == pattern()
    assert len(faults.committed) == 1
    assert [text for phase, text in rig.phases() if phase is Phase.MSG_OUT][-1] == "05"
    await rig.finish(RULES[kind])


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(kind=list(FAULTS))
async def spoilt_for_ever(dut: Any, kind: str) -> None:
    """Wrong again and again: never GOOD."""
    rig = InitiatorRig(dut)
    fault = FAULTS[kind]
    rig.target_at(abilities=ABILITIES[kind][0], faults=Faults(Fault(fault.kind, fault.phase, fault.index, times=50)))
    host = await rig.host(**FULL)
    done = await read_one(host)
    assert (done.result, done.status) == (OK, CHECK_CONDITION) or done.result == PARITY, done
    await rig.finish(RULES[kind])


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def spoilt_data_out(dut: Any) -> None:
    """The target finds a wrong CRC: CHECK CONDITION, nothing is written."""
    rig = InitiatorRig(dut)
    faults = Faults(Fault(FaultKind.SEE_BAD_CRC, Phase.DT_DATA_OUT, 0, times=50))
    target = rig.target_at(abilities=FAST_80, faults=faults)
    host = await rig.host(**FULL)
    await host.load(pattern())
    done = await host.command(TARGET, write_10(2), data_out=BLOCK)
    assert (done.result, done.status) == (OK, CHECK_CONDITION), done
    assert faults.committed
    assert not target.medium.written
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(dt=[0, 1])
async def too_much_data(dut: Any, dt: int) -> None:
    """More data than the descriptor has, by ST and DT: ABORT TASK, PROTOCOL, nothing behind is touched."""
    rig = InitiatorRig(dut)
    rig.target_at(abilities=FAST_80)
    host = await rig.host(**{**FULL, "dt": dt, "qas": 0})
    await host.load(b"\x5a" * 1024)
    done = await host.command(TARGET, read_10(2), data_in=100, tag=1, disc=True)
    assert not done.good
    assert await host.unload(924, 100) == b"\x5a" * 924
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def mirrored_members_of_mixed_ability(dut: Any) -> None:
    """Each participant of a mirrored write gets its copy by its own agreement."""
    rig = InitiatorRig(dut)
    kinds = ("fast_80", "async_8", "fast_40")
    options: dict[str, Any] = {
        f"id{scsi_id}": {"abilities": ABILITIES[kind][0]} for (scsi_id, _), kind in zip(GROUP, kinds, strict=True)
    }
    members = rig.members(**options)
    host = await rig.host(**FULL)
    for scsi_id, _ in GROUP:
        assert (await host.command(scsi_id, TEST_UNIT_READY)).good
    await rig.enrol(host)
    data = pattern()
    await host.load(data)
    done = await host.mirror_write([0, 1, 2], 4, BLOCK)
    assert (done.good, done.moved, len(done.members)) == (True, BLOCK, 3), done
    assert all(member.medium.read(4) == data for member in members)
    rig.monitor.flush()
    copies = [one.transfer for one in rig.of_kind(Kind.PHASE) if one.phase is not None and one.phase.is_data]
    assert copies == ["dt", "async", "st"]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(yield_ns=[0, 4000])
async def targets_with_qas(dut: Any, yield_ns: int) -> None:
    """Disconnecting targets pass the bus on by QAS REQUEST; the initiator joins in; every task gets its own data."""
    rig = InitiatorRig(dut)
    abilities = Abilities(period=0x09, offset=63, dt=True, qas=True)
    targets = {n: rig.target_at(port, n, abilities=abilities, disconnect={"data"}) for port, n in enumerate((5, 4, 3))}
    host = await rig.host(YIELD_NS=yield_ns, **FULL)
    for scsi_id in targets:
        assert (await host.command(scsi_id, TEST_UNIT_READY)).good
    for tag in range(9):
        targets[3 + tag % 3].medium.write(tag, pattern(step=2 * tag + 1))
        await host.send_command(3 + tag % 3, read_10(tag), data_in=BLOCK, addr=BLOCK * tag, disc=True, tag=tag)
    done = [await host.next_completion() for _ in range(9)]
    assert all(one.good for one in done), done
    for tag in range(9):
        assert await host.unload(BLOCK, BLOCK * tag) == pattern(step=2 * tag + 1)
    rig.monitor.flush()
    assert sum(target.passed_on for target in targets.values()) > 0
    quick = [one.winner for one in rig.of_kind(Kind.ARBITRATION) if one.qas]
    assert quick
    if not yield_ns:
        assert host.scsi_id in quick
    await rig.finish()
