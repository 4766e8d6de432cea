"""The RTL initiator in silent mirroring, against Python members: discovery, mirrored write, hand-over, status."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.misbehaviour import Misbehaviour
from cocotbext.scsi.models.target import TargetModel
from initiator_rig import (
    BAD_DESCRIPTOR,
    BLOCK,
    BUS_FREE,
    DET_BUS_FREE,
    DET_COMMAND,
    DET_MSG_OUT,
    DET_OTHER,
    DET_REJECT,
    GROUP,
    IRQ_BUS_RESET,
    NO_STATUS,
    NOT_CAPABLE,
    OK,
    REJECTED,
    RESET,
    SEL_TIMEOUT,
    SKIPPED,
    TARGET,
    TEST_UNIT_READY,
    Completion,
    Host,
    InitiatorRig,
    pattern,
)

LBA = 4


def results(done: Completion) -> list[int]:
    """Results of the members as they were ordered; each is the first block, there being one only."""
    assert done.members
    assert all(one.block == 0 for one in done.members)
    return [one.result for one in done.members]


async def second_copy(members: list[TargetModel]) -> None:
    """Return in the second copy: its participant has taken the phase lines and asks for data."""
    while True:
        await Timer(1, "us")
        member = members[1].member
        if member and member.operation and member.operation.task and member.operation.task.pointer:
            return


async def group(rig: InitiatorRig, host: Host, count: int = 3) -> None:
    """Negotiate the width where the host offers it, then enrol."""
    for scsi_id, _ in GROUP[:count]:
        assert (await host.command(scsi_id, TEST_UNIT_READY)).good
    await rig.enrol(host, count)
    assert await host.read("ENROLLED") == (1 << count) - 1


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def worked_example(dut: Any) -> None:
    """Section 12 to the byte: discovery of Table 1, one mirrored block, status by reselection."""
    rig = InitiatorRig(dut)
    members = rig.members()
    host = await rig.host()
    await rig.enrol(host)
    assert rig.phases() == [
        (Phase.MSG_OUT, "c02600"),
        (Phase.MSG_IN, "2600"),
        (Phase.MSG_OUT, "c02601"),
        (Phase.MSG_IN, "2601"),
        (Phase.MSG_OUT, "c02602ff"),
        (Phase.MSG_IN, "2602"),
    ]
    data = pattern()
    await host.load(data)
    done = await host.mirror_write([0, 1, 2], 0, BLOCK, tag=1)
    assert results(done) == [OK] * 3
    assert (done.good, done.moved, done.tag, done.target) == (True, BLOCK, 1, 5)
    assert [one.target for one in done.members] == [5, 4, 3]
    assert rig.phases()[6:] == [
        (Phase.MSG_OUT, "c0200101098a0000000000000200"),
        (Phase.DATA_OUT, data.hex()),
        (Phase.MSG_OUT, "2c01"),
        (Phase.DATA_OUT, data.hex()),
        (Phase.MSG_OUT, "2c02ff"),
        (Phase.DATA_OUT, data.hex()),
        (Phase.MSG_OUT, "2e02"),
        *[(Phase.MSG_IN, "802001"), (Phase.STATUS, "00"), (Phase.MSG_IN, "00")] * 3,
    ]
    for member in members:
        assert member.medium.read(0) == data
        assert list(member.medium.written) == [0]
    assert len(rig.of_kind(Kind.SELECTION)) == 4
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [5, 4, 3]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def wide_write_in_another_order(dut: Any) -> None:
    """Members with different agreements, order 2 0 1, then one member alone; the block is loaded once."""
    rig = InitiatorRig(dut)
    members = rig.members(id4={"wide": False})
    host = await rig.host(wide=True)
    await group(rig, host)
    data = pattern()
    await host.load(data, 1024)
    done = await host.mirror_write([2, 0, 1], LBA, BLOCK, addr=1024)
    assert results(done) == [OK] * 3
    assert [one.target for one in done.members] == [3, 5, 4]
    assert done.target == 3
    copies = [one for one in rig.of_kind(Kind.PHASE) if one.phase is Phase.DATA_OUT]
    assert [(one.by, one.wide) for one in copies] == [(3, True), (5, True), (4, False)]
    assert all(member.medium.read(LBA) == data for member in members)
    done = await host.mirror_write([1], LBA + 1, BLOCK, addr=1024)
    assert results(done) == [OK]
    assert [member.medium.read(LBA + 1) == data for member in members] == [False, True, False]
    assert [text for _, text in rig.phases() if text.startswith("c0010a8a")] == ["c0010a8a0100000005000200ff"]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(
    outcome=[
        (Misbehaviour.QUERY_REJECT, DET_REJECT, ()),
        (Misbehaviour.QUERY_BUS_FREE, DET_BUS_FREE, ()),
        (Misbehaviour.QUERY_COMMAND, DET_COMMAND, ()),
        (Misbehaviour.QUERY_MESSAGE_OUT, DET_MSG_OUT, ("MSG-01",)),
        (Misbehaviour.WRONG_ACCEPT, DET_OTHER, ("MIR-18",)),
    ]
)
async def declined(dut: Any, outcome: tuple[Misbehaviour, int, tuple[str, ...]]) -> None:
    """Every other outcome of MIRROR QUERY is NOT_CAPABLE and told by DETAIL; an earlier enrolment is gone."""
    rig = InitiatorRig(dut, allow_unexpected_free=True)
    target = rig.target_at(mirror=True)
    host = await rig.host()
    assert (await host.query(TARGET, 0x31)).result == OK
    await host.port.write("OP", host.regs["OP"].pack(GROUP=3))
    assert await host.read("ENROLLED") == 1 << 1
    target.misbehave.add(outcome[0])
    done = await host.query(TARGET, 0x31, last=True)
    assert (done.result, done.detail, done.last) == (NOT_CAPABLE, outcome[1], True)
    assert await host.read("ENROLLED") == 0
    target.misbehave.clear()
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    await rig.finish(*outcome[2])


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(disconnect=[(), ("status",)])
async def legacy_target(dut: Any, disconnect: tuple[str, ...]) -> None:
    """A drive that knows no mirroring rejects the query, which ends as TEST UNIT READY, disconnected or not."""
    rig = InitiatorRig(dut)
    rig.target_at(disconnect=disconnect)
    host = await rig.host()
    for last in (False, True):
        done = await host.query(TARGET, 0x00, last=last)
        assert (done.result, done.detail) == (NOT_CAPABLE, DET_REJECT), done
    assert await host.read("ENROLLED") == 0
    assert (Phase.COMMAND, "000000000000") in rig.phases()
    assert len(rig.of_kind(Kind.RESELECTION)) == 2 * len(disconnect)
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def leaving_and_absent(dut: Any) -> None:
    """z = Fh leaves the group; nobody at an ID is SEL_TIMEOUT."""
    rig = InitiatorRig(dut)
    rig.members(1)
    host = await rig.host()
    await rig.enrol(host, 1)
    assert (await host.query(TARGET, 0x0F)).result == OK
    assert await host.read("ENROLLED") == 0
    assert (await host.query(2, 0x01)).result == SEL_TIMEOUT
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def silent_participant(dut: Any) -> None:
    """A participant that never takes: RECLAIMED, the switch repeated RETRIES times, then skipped; the others go on."""
    rig = InitiatorRig(dut)
    members = rig.members(id4={"misbehave": [Misbehaviour.SILENT_PARTICIPANT]})
    host = await rig.host(RETRIES=2)
    await rig.enrol(host)
    data = pattern()
    await host.load(data)
    done = await host.mirror_write([0, 1, 2], LBA, BLOCK, tag=7)
    assert results(done) == [OK, SKIPPED, OK]
    assert done.moved == BLOCK
    said = [text for phase, text in rig.phases() if phase is Phase.MSG_OUT and text[:2] in ("2c", "2e")]
    assert said == ["2c01", "2c01", "2c01", "2c02ff", "2e02"]
    assert [member.medium.read(LBA) == data for member in members] == [True, False, True]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def silent_last_participant(dut: Any) -> None:
    """The last one does not take: RELEASE goes to the leader, which is the current target."""
    rig = InitiatorRig(dut)
    rig.members(id3={"misbehave": [Misbehaviour.SILENT_PARTICIPANT]})
    host = await rig.host(RETRIES=1)
    await rig.enrol(host)
    await host.load(pattern())
    done = await host.mirror_write([0, 1, 2], LBA, BLOCK)
    assert results(done) == [OK, OK, SKIPPED]
    said = [text for phase, text in rig.phases() if phase is Phase.MSG_OUT and text[:2] in ("2c", "2e")]
    assert said == ["2c01", "2c02ff", "2c02ff", "2e00"]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def resend_of_a_switch(dut: Any) -> None:
    """The current target sees wrong parity in SWITCH ROLE and in RELEASE: both are said again, everybody is served."""
    rig = InitiatorRig(dut)
    faults = Faults(*[Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_OUT, 1, skip=1)])
    later = Faults(*[Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_OUT, 0)])
    members = rig.members(2, id5={}, id4={})
    host = await rig.host()
    await rig.enrol(host, 2)
    members[0].faults.add(*faults.pending)
    members[1].faults.add(*later.pending)
    await host.load(pattern())
    done = await host.mirror_write([0, 1], LBA, BLOCK)
    assert results(done) == [OK, OK]
    assert members[0].faults.committed
    assert members[1].faults.committed
    said = [text for phase, text in rig.phases() if phase is Phase.MSG_OUT and text[:2] in ("2c", "2e")]
    assert said == ["2c01ff", "2c01ff", "2e01", "2e01"]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def leader_drops_bsy(dut: Any) -> None:
    """Unexpected BUS FREE in the second copy: that one ends with BUS_FREE, the third was never reached."""
    rig = InitiatorRig(dut, allow_unexpected_free=True)
    rig.members(id5={"misbehave": [Misbehaviour.DROPS_BSY]})
    host = await rig.host(STATUS_TIMEOUT_US=300)
    await rig.enrol(host)
    await host.load(pattern())
    done = await host.mirror_write([0, 1, 2], LBA, BLOCK)
    assert results(done)[1:] == [BUS_FREE, SKIPPED]
    assert done.members[0].result in (OK, NO_STATUS)
    await Timer(2, "us")
    assert await host.read("STATUS", "OUTSTANDING") == 0


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def no_status(dut: Any) -> None:
    """A participant that never reports ends with NO_STATUS; the others come without it, in any order."""
    rig = InitiatorRig(dut)
    rig.members(id5={"misbehave": [Misbehaviour.NO_STATUS]}, id3={"misbehave": [Misbehaviour.OUT_OF_TURN]})
    host = await rig.host(STATUS_TIMEOUT_US=150)
    await rig.enrol(host)
    await host.load(pattern())
    done = await host.mirror_write([0, 1, 2], LBA, BLOCK, tag=3)
    assert results(done) == [NO_STATUS, OK, OK]
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def leader_is_absent(dut: Any) -> None:
    """The leader does not answer selection any more: SEL_TIMEOUT, the others are not reached."""
    rig = InitiatorRig(dut)
    members = rig.members(2)
    host = await rig.host()
    await rig.enrol(host, 2)
    await host.load(pattern())
    assert results(await host.mirror_write([0, 1], LBA, BLOCK)) == [OK, OK]
    members[0].misbehave.add(Misbehaviour.NO_SELECTION_ANSWER)
    done = await host.mirror_write([0, 1], LBA, BLOCK)
    assert results(done) == [SEL_TIMEOUT, SKIPPED]
    assert done.moved == 0
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def two_writes_in_flight(dut: Any) -> None:
    """A second mirrored write is handed over while the first still owes statuses: the targets go first."""
    rig = InitiatorRig(dut)
    members = rig.members()
    host = await rig.host()
    await rig.enrol(host)
    first, second = pattern(step=3), pattern(step=5)
    await host.load(first, 0)
    await host.load(second, BLOCK)
    await host.send_mirror_write([0, 1, 2], 0, BLOCK, tag=1)
    await host.send_mirror_write([1, 2, 0], 1, BLOCK, tag=2, addr=BLOCK)
    done = [await host.next_completion() for _ in range(2)]
    assert [one.tag for one in done] == [1, 2]
    assert all(one.good and len(one.members) == 3 for one in done)
    for member in members:
        assert member.medium.read(0) == first
        assert member.medium.read(1) == second
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def switch_rejected(dut: Any) -> None:
    """A current target that has lost its enrolment rejects switch and release: aborted, nobody is GOOD."""
    rig = InitiatorRig(dut)
    members = rig.members()
    host = await rig.host()
    await rig.enrol(host)
    await host.load(pattern())
    await host.send_mirror_write([0, 1, 2], LBA, BLOCK, tag=5)
    await second_copy(members)
    forgetful = members[1].member
    assert forgetful is not None
    forgetful.identities.clear()
    done = await host.next_completion()
    assert results(done) == [REJECTED] * 3
    out = [text for phase, text in rig.phases() if phase is Phase.MSG_OUT]
    assert out[-3:] == ["2c02ff", "2e01", "0d"]
    assert await host.read("STATUS", "OUTSTANDING") == 0
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def reset_in_mirrored_write(dut: Any) -> None:
    """Another device asserts RST in the second copy: every participant ends with RESET, enrolments are gone."""
    rig = InitiatorRig(dut)
    members = rig.members()
    host = await rig.host()
    await rig.enrol(host)
    await host.load(pattern())
    await host.send_mirror_write([0, 1, 2], LBA, BLOCK)
    await second_copy(members)
    rig.ports[3].drive(rst=1)
    await Timer(26, "us")
    rig.ports[3].drive(rst=0)
    done = await host.next_completion()
    assert results(done) == [RESET] * 3
    assert await host.read("ENROLLED") == 0
    assert await host.read("IRQ_STATUS") & IRQ_BUS_RESET
    bad = await host.mirror_write([0], LBA, BLOCK)
    assert (bad.result, bad.members) == (BAD_DESCRIPTOR, ())
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def duplicates_are_refused(dut: Any) -> None:
    """A z that stands twice, one that is not enrolled, a nexus in use by a participant that owes its status."""
    rig = InitiatorRig(dut)
    rig.members(2, id4={"misbehave": [Misbehaviour.NO_STATUS]})
    host = await rig.host(STATUS_TIMEOUT_US=200)
    await rig.enrol(host, 2)
    await host.load(pattern())
    for order in ([0, 0], [0, 2], [15]):
        bad = await host.mirror_write(order, LBA, BLOCK)
        assert (bad.result, bad.members, bad.moved) == (BAD_DESCRIPTOR, (), 0)
    await host.send_mirror_write([0, 1], LBA, BLOCK, tag=5)
    while not rig.of_kind(Kind.RESELECTION):
        await Timer(1, "us")
    bad = await host.command(4, TEST_UNIT_READY, disc=True, tag=5)
    assert bad.result == BAD_DESCRIPTOR
    await host.send_mirror_write([1], LBA, BLOCK, tag=5)  # has its turn when nobody owes a status
    done = await host.next_completion()
    assert results(done) == [OK, NO_STATUS]
    assert len(rig.of_kind(Kind.SELECTION)) == 3
    done = await host.next_completion()
    assert results(done) == [NO_STATUS]
    assert len(rig.of_kind(Kind.SELECTION)) == 4
    await rig.finish()
