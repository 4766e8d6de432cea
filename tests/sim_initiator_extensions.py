"""The RTL initiator inside a mirrored connection against Python members: reads, statuses in the connection, series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.models import Abilities, Extensions, Misbehaviour, Pace
from cocotbext.scsi.models.faults import Fault, FaultKind
from cocotbext.scsi.models.mirror_messages import CODES, NO_EXTENSIONS, SERIES, STATUS
from cocotbext.scsi.models.mirror_operation import Operation
from cocotbext.scsi.models.target import TargetModel
from initiator_rig import (
    BLOCK,
    BUS_FREE,
    CHECK_CONDITION,
    DET_BUS_FREE,
    DET_REJECT,
    DIFFERS,
    GOOD,
    GROUP,
    NO_STATUS,
    NOT_CAPABLE,
    OK,
    PARITY,
    RESET,
    SKIPPED,
    TEST_UNIT_READY,
    Completion,
    Host,
    InitiatorRig,
    pattern,
)

LBAS = (4, 9, 2)
"""Scattered, in no order."""
DATA = pattern(len(LBAS) * BLOCK, step=3)
FAST = {"wide": True, "period": 0x09, "offset": 63, "dt": 1}
MIXED: dict[str, dict[str, Any]] = {
    "id5": {"abilities": Abilities(period=0x09, offset=63, dt=True)},
    "id4": {"abilities": Abilities(wide=False)},
    "id3": {"abilities": Abilities(period=0x0A, offset=31)},
}
"""Fast-80 DT, 8 bit asynchronous, Fast-40."""


async def offer(host: Host, flags: int = STATUS | SERIES, **ability: int) -> None:
    """What the initiator offers from now on."""
    fields = host.regs["ABILITY"].unpack(await host.read("ABILITY"))
    fields |= {"MIRROR_STATUS": flags & STATUS, "MIRROR_SERIES": int(bool(flags & SERIES)), **ability}
    await host.port.write_fields("ABILITY", **fields)


async def group(rig: InitiatorRig, host: Host, count: int = 3) -> None:
    """Negotiate where the host offers it, enrol, agree on both extensions; what was said so far is forgotten."""
    if not rig.fast and await host.read("ABILITY"):
        for scsi_id, _ in GROUP[:count]:
            assert (await host.command(scsi_id, TEST_UNIT_READY)).good
    await rig.enrol(host, count)
    await offer(host)
    for scsi_id, yz in GROUP[:count]:
        done = await host.capability(scsi_id, yz)
        assert (done.result, done.detail) == (OK, STATUS | SERIES)


def outcome(done: Completion) -> list[tuple[int, int, int]]:
    """Result, status and failed block of the members as they were ordered; the block of those that failed only."""
    assert done.members
    return [(one.result, one.status, 0 if one.good else one.block) for one in done.members]


GREAT = (OK, GOOD, 0)


def told(rig: InitiatorRig, *codes: str) -> list[str]:
    """The messages out so far that begin with one of these codes."""
    return [text for phase, text in rig.phases() if phase is Phase.MSG_OUT and text.startswith(codes)]


def reports(rig: InitiatorRig) -> list[str]:
    """REPORTs and what is said in place of them, and RELEASE."""
    return told(rig, "2d", "2e", "05", "09", "0d")


def held(members: list[TargetModel], lbas: tuple[int, ...] = LBAS, data: bytes = DATA) -> list[list[bool]]:
    """By member: which of the blocks it has."""
    blocks = [data[n * BLOCK : (n + 1) * BLOCK] for n in range(len(lbas))]
    return [[member.medium.read(lba) == block for lba, block in zip(lbas, blocks, strict=True)] for member in members]


def operation(member: TargetModel) -> Operation | None:
    """What a member knows of the operation on the bus."""
    assert member.member is not None
    return member.member.operation


def deaf(member: TargetModel, code: int, times: int = 1) -> None:
    """Have a member that is not the current target miss the next messages of this code, as with wrong parity."""
    listener = member.member
    assert listener is not None
    heard: Callable[..., None] = listener.snooped_message_out
    left = [times]

    def miss(data: bytes, good: bool) -> None:
        hit = left[0] and (data[0] == code or data[:3] == bytes([1, 6, code]))
        left[0] -= bool(hit)
        heard(data, good and not hit)

    listener.snooped_message_out = miss  # type: ignore[method-assign]


# -- capability -----------------------------------------------------------------------------------------------------


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def capability_agreed(dut: Any) -> None:
    """To the byte; flags are those that both have; SERIES is not offered without STATUS."""
    rig = InitiatorRig(dut, fast=True)
    rig.members(2, id4={"extensions": Extensions(STATUS, 0)})
    host = await rig.host()
    await rig.enrol(host, 2)
    start = len(rig.phases())
    for flags, agreed, text in ((3, 3, "0310"), (1, 1, "0100"), (0, 0, "0000"), (2, 0, "0000"), (3, 3, "0310")):
        await offer(host, flags)
        done = await host.capability(5, 0x00)
        assert (done.result, done.detail) == (OK, agreed)
        assert rig.phases()[start:] == [(Phase.MSG_OUT, "c001048c00" + text), (Phase.MSG_IN, "01048c00" + text)]
        start += 2
    done = await host.capability(4, 0x01)
    assert (done.result, done.detail) == (OK, STATUS)
    assert rig.phases()[-1] == (Phase.MSG_IN, "01048c010100")
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(
    how=[
        ({"extensions": NO_EXTENSIONS}, DET_REJECT),
        ({"misbehave": [Misbehaviour.CAPABILITY_REJECT]}, DET_REJECT),
        ({"misbehave": [Misbehaviour.CAPABILITY_BUS_FREE]}, DET_BUS_FREE),
    ]
)
async def capability_declined(dut: Any, how: tuple[dict[str, Any], int]) -> None:
    """Every other outcome means no extensions, which is no error: RELEASE without REPORT."""
    rig = InitiatorRig(dut, allow_unexpected_free=True, fast=True)
    members = rig.members(2, id4=how[0])
    host = await rig.host()
    await rig.enrol(host, 2)
    await offer(host)
    assert (await host.capability(5, 0x00)).result == OK
    done = await host.capability(4, 0x01)
    assert (done.result, done.detail) == (NOT_CAPABLE, how[1])
    await host.load(DATA)
    done = await host.mirror_write([0, 1], LBAS, BLOCK, series=16)
    assert outcome(done) == [GREAT] * 2
    assert reports(rig) == ["2e01"] * 3
    assert held(members) == [[True] * 3] * 2
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def capability_ends_with_a_query(dut: Any) -> None:
    """A new QUERY ends what was agreed on, on both sides; a new CAPABILITY replaces it."""
    rig = InitiatorRig(dut, fast=True)
    rig.members(2)
    host = await rig.host()
    await group(rig, host, 2)
    await host.load(DATA)
    assert (await host.mirror_write([0, 1], 4, BLOCK)).good
    assert reports(rig) == ["2d00", "2d01ff", "2e01"]
    assert (await host.query(4, 0x01, last=True)).result == OK
    assert (await host.mirror_write([0, 1], 4, BLOCK)).good
    assert reports(rig)[3:] == ["2e01"]
    assert (await host.capability(4, 0x01)).detail == STATUS | SERIES
    assert (await host.mirror_write([0, 1], 4, BLOCK)).good
    assert reports(rig)[4:] == ["2d00", "2d01ff", "2e01"]
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def capability_with_wrong_parity(dut: Any) -> None:
    """The answer comes with wrong parity: MESSAGE PARITY ERROR, and nothing is agreed on."""
    rig = InitiatorRig(dut, allow_unexpected_free=True, fast=True)
    members = rig.members(1)
    host = await rig.host()
    await rig.enrol(host, 1)
    await offer(host)
    members[0].faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_IN, 4))
    done = await host.capability(5, 0x00)
    assert done.result == NOT_CAPABLE
    assert members[0].faults.committed
    await host.load(DATA)
    assert (await host.mirror_write([0], 4, BLOCK)).good
    assert reports(rig)[-1:] == ["2e00"]
    assert not told(rig, "2d")


# -- reads ----------------------------------------------------------------------------------------------------------


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(fast=[False, True], extended=[False, True])
async def read_compared(dut: Any, fast: bool, extended: bool) -> None:
    """Equal copies are GOOD whatever the agreements; then one that differs, in a byte of its own, is DIFFERS."""
    rig = InitiatorRig(dut)
    members = rig.members(3, **(MIXED if fast else {}))
    host = await rig.host(**(FAST if fast else {}))
    if extended:
        await group(rig, host)
    else:
        if fast:
            for scsi_id, _ in GROUP:
                assert (await host.command(scsi_id, TEST_UNIT_READY)).good
        await rig.enrol(host)
    for member in members:
        member.medium.write(4, DATA[:BLOCK])
    done = await host.mirror_read([1, 0, 2], 4, BLOCK, addr=1024, tag=9)
    assert outcome(done) == [GREAT] * 3
    assert await host.unload(BLOCK, 1024) == DATA[:BLOCK]
    wrong = bytearray(DATA[:BLOCK])
    wrong[BLOCK - 1] ^= 0x10
    members[0].medium.write(4, bytes(wrong))
    done = await host.mirror_read([1, 0, 2], 4, BLOCK, addr=1024)
    assert outcome(done) == [GREAT, (DIFFERS, 0, 0), GREAT]
    done = await host.mirror_read([0, 1, 2], 4, BLOCK, addr=0)
    assert outcome(done) == [GREAT, (DIFFERS, 0, 0), (DIFFERS, 0, 0)]
    assert await host.unload(BLOCK) == bytes(wrong)
    assert bool(told(rig, "2d")) == extended
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize((("who", "fast"), [(0, False), (0, True), (2, False)]))
async def read_with_wrong_data(dut: Any, who: int, fast: bool) -> None:
    """Wrong parity or CRC: that participant has failed, the others have not; a first copy like that is not kept."""
    rig = InitiatorRig(dut)
    members = rig.members(3, **(MIXED if fast else {}))
    host = await rig.host(**(FAST if fast else {}))
    await group(rig, host)
    for member in members:
        member.medium.write(4, DATA[:BLOCK])
    dt = fast and who == 0
    kind = FaultKind.BAD_CRC if dt else FaultKind.BAD_PARITY
    members[who].faults.add(Fault(kind, Phase.DT_DATA_IN if dt else Phase.DATA_IN, 0 if dt else 510))
    done = await host.mirror_read([0, 1, 2], 4, BLOCK)
    assert members[who].faults.committed
    expected = [GREAT] * 3
    expected[who] = (PARITY, 0, 0)
    assert outcome(done) == expected
    assert await host.unload(BLOCK) == DATA[:BLOCK]
    assert reports(rig) == ["2d00", "2d01", "2d02ff", "2e02"]


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def read_series(dut: Any) -> None:
    """Three blocks in one connection, compared block by block: the first one that differs is told."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members()
    host = await rig.host()
    await group(rig, host)
    for n, lba in enumerate(LBAS):
        for member in members:
            member.medium.write(lba, DATA[n * BLOCK : (n + 1) * BLOCK])
    done = await host.mirror_read([0, 1, 2], LBAS, BLOCK, series=16, addr=512)
    assert outcome(done) == [GREAT] * 3
    assert await host.unload(len(DATA), 512) == DATA
    members[2].medium.write(9, bytes(BLOCK))
    members[1].medium.write(2, bytes(BLOCK))
    done = await host.mirror_read([0, 1, 2], LBAS, BLOCK, series=16)
    assert outcome(done) == [GREAT, (DIFFERS, 0, 2), (DIFFERS, 0, 1)]
    assert await host.unload(len(DATA)) == DATA
    assert len(told(rig, "c0010988")) == 2
    await rig.finish()


# -- status in the connection ---------------------------------------------------------------------------------------


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def reports_to_the_byte(dut: Any) -> None:
    """Section 15: every member is named once more, there is no reselection; one member alone; another order."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members()
    host = await rig.host()
    await group(rig, host)
    await host.load(DATA)
    start = len(rig.phases())
    done = await host.mirror_write([2, 0, 1], 4, BLOCK, tag=1)
    assert done.good
    assert outcome(done) == [GREAT] * 3
    out, status, data = Phase.MSG_OUT, (Phase.STATUS, "00"), (Phase.DATA_OUT, DATA[:BLOCK].hex())
    assert rig.phases()[start:] == [
        *((out, "c0200101098a0200000004000200"), data, (out, "2c00"), data, (out, "2c01"), data),
        *((out, "2d02"), status, (out, "2d00"), status, (out, "2d01ff"), status, (out, "2e01")),
    ]
    start = len(rig.phases())
    assert outcome(await host.mirror_write([1], 9, BLOCK)) == [GREAT]
    assert rig.phases()[start:] == [
        (out, "c0010a8a0100000009000200ff"),
        *(data, (out, "2d01ff"), status, (out, "2e01")),
    ]
    assert not rig.of_kind(Kind.RESELECTION)
    assert held(members, (4, 9), DATA[:BLOCK] * 2) == [[True, False], [True, True], [True, False]]
    assert await host.read("STATUS", "OUTSTANDING") == 0
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def statuses_that_are_not_known_yet(dut: Any) -> None:
    """DISCONNECT in the place of a status: those members reselect, the other does not; CHECK CONDITION in between."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(
        id5={"pace": Pace(before_status=150_000)}, id3={"misbehave": [Misbehaviour.ALWAYS_DISCONNECTS]}
    )
    host = await rig.host()
    await group(rig, host)
    await host.load(DATA)
    members[1].medium.write_protected = True
    done = await host.mirror_write([0, 1, 2], 4, BLOCK, tag=1)
    assert outcome(done) == [GREAT, (OK, CHECK_CONDITION, 0), GREAT]
    assert reports(rig) == ["2d00", "2d01", "2d02ff", "2e02"]
    assert [text for phase, text in rig.phases() if phase is Phase.MSG_IN].count("04") == 2
    assert {one.target for one in rig.of_kind(Kind.RESELECTION)} == {5, 3}
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(who=[0, 2])
async def silent_reporter(dut: Any, who: int) -> None:
    """REPORT is repeated RETRIES times after a reclaim, then the next one is named; the status comes by reselection."""
    rig = InitiatorRig(dut, fast=True)
    rig.members(3, **{f"id{GROUP[who][0]}": {"misbehave": [Misbehaviour.SILENT_REPORTER]}})
    host = await rig.host(RETRIES=2)
    await group(rig, host)
    await host.load(DATA)
    done = await host.mirror_write([0, 1, 2], 4, BLOCK, tag=1)
    assert outcome(done) == [GREAT] * 3
    names = ["2d00", "2d01", "2d02ff"]
    assert reports(rig) == [*names[:who], *[names[who]] * 3, *names[who + 1 :], "2e00" if who == 2 else "2e02"]
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [GROUP[who][0]]
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(times=[1, 4], put_off=[False, True])
async def answer_with_wrong_parity(dut: Any, times: int, put_off: bool) -> None:
    """Wrong parity in STATUS or DISCONNECT: it is asked for again; a member that gives up reports by reselection."""
    rig = InitiatorRig(dut, fast=True)
    misbehave = [Misbehaviour.ALWAYS_DISCONNECTS] if put_off else []
    members = rig.members(id4={"misbehave": misbehave})
    host = await rig.host(RETRIES=4)
    await group(rig, host)
    await host.load(DATA)
    phase, complaint = (Phase.MSG_IN, "09") if put_off else (Phase.STATUS, "05")
    members[1].faults.add(Fault(FaultKind.BAD_PARITY, phase, 0, times=times))
    done = await host.mirror_write([0, 1, 2], 4, BLOCK, tag=1)
    assert outcome(done) == [GREAT] * 3
    assert len(members[1].faults.committed) == times
    assert reports(rig) == ["2d00", "2d01", *[complaint] * times, "2d02ff", "2e02"]
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == ([4] if put_off or times == 4 else [])


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def status_never_readable(dut: Any) -> None:
    """RETRIES are used up before the member gives up: the next one is named, and that status is missing."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members()
    host = await rig.host(RETRIES=1, STATUS_TIMEOUT_US=200)
    await group(rig, host)
    await host.load(DATA)
    members[1].faults.add(Fault(FaultKind.BAD_PARITY, Phase.STATUS, 0, times=2))
    done = await host.mirror_write([0, 1, 2], 4, BLOCK, tag=1)
    assert outcome(done) == [GREAT, (NO_STATUS, 0, 0), GREAT]
    assert reports(rig) == ["2d00", "2d01", "05", "2d02ff", "2e02"]


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(times=[1, 3])
async def resend_of_a_report(dut: Any, times: int) -> None:
    """The current target sees wrong parity in REPORT, and in RELEASE: said again, nothing is lost or doubled."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(2)
    host = await rig.host(RETRIES=8)
    await group(rig, host, 2)
    await host.load(DATA)
    members[0].faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_OUT, 1, skip=2, times=times))
    done = await host.mirror_write([0, 1], 4, BLOCK, tag=1)
    assert outcome(done) == [GREAT] * 2
    assert members[0].faults.committed
    assert reports(rig) == ["2d00", *["2d01ff"] * (times + 1), "2e01"]
    assert not rig.of_kind(Kind.RESELECTION)
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def second_status(dut: Any) -> None:
    """A member reports by reselection what it has delivered: ABORT TASK; the completion has come before."""
    rig = InitiatorRig(dut, fast=True)
    rig.members(id4={"misbehave": [Misbehaviour.REPORTS_TWICE]})
    host = await rig.host()
    await group(rig, host)
    await host.load(DATA)
    done = await host.mirror_write([0, 1, 2], 4, BLOCK, tag=1)
    assert outcome(done) == [GREAT] * 3
    await Timer(60, "us")
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [4]
    assert reports(rig)[-1] == "0d"


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def reset_between_reports(dut: Any) -> None:
    """RST when one status has been delivered: all members end with RESET or what they had said, enrolments are gone."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members()
    host = await rig.host()
    await group(rig, host)
    await host.load(DATA)
    await host.send_mirror_write([0, 1, 2], 4, BLOCK, tag=1)
    while not (known := operation(members[0])) or not known.delivered:
        await Timer(100, "ns")
    rig.ports[3].drive(rst=1)
    await Timer(26, "us")
    rig.ports[3].drive(rst=0)
    done = await host.next_completion()
    assert {one.result for one in done.members} <= {OK, RESET}
    assert done.members[2].result == RESET
    assert await host.read("ENROLLED") == 0
    assert all(member.member is not None and not member.member.agreed for member in members)


# -- series ---------------------------------------------------------------------------------------------------------


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def series_to_the_byte(dut: Any) -> None:
    """Section 16: the leader is named again; FFh comes with the last REPORT only."""
    rig = InitiatorRig(dut)
    members = rig.members(3, **MIXED)
    host = await rig.host(**FAST)
    await group(rig, host)
    await host.load(DATA, 1024)
    start = len(rig.phases())
    done = await host.mirror_write([1, 0, 2], LBAS, BLOCK, tag=1, addr=1024, series=16)
    assert outcome(done) == [GREAT] * 3
    assert done.moved == len(DATA)
    assert [text for phase, text in rig.phases()[start:] if phase is Phase.MSG_OUT] == [
        *("c0200101098a0100000004000200", "2c00", "2c02"),
        *("01068b0100000009", "2c00", "2c02", "01068b0100000002", "2c00", "2c02"),
        *("2d01", "2d00", "2d02ff", "2e02"),
    ]
    assert held(members) == [[True] * 3] * 3
    assert not rig.of_kind(Kind.RESELECTION)
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def most_blocks(dut: Any) -> None:
    """16 blocks to one member in one connection; its FFh comes with REPORT; then at most two in a connection."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(1)
    host = await rig.host()
    await group(rig, host, 1)
    lbas, data = tuple(reversed(range(16))), pattern(16 * BLOCK, step=5)
    await host.load(data)
    done = await host.mirror_write([0], lbas, BLOCK, series=16)
    assert outcome(done) == [GREAT]
    assert held(members, lbas, data) == [[True] * 16]
    assert told(rig, "c00109", "2d", "2e") == ["c001098a000000000f000200", "2d00ff", "2e00"]
    assert len(told(rig, "01068b")) == 15
    done = await host.mirror_write([0], lbas[:3], BLOCK, series=2)
    assert outcome(done) == [GREAT]
    assert told(rig, "01068b")[15:] == ["01068b000000000e"]
    assert told(rig, "c00109", "c0010a")[1:] == ["c001098a000000000f000200", "c0010a8a000000000d000200ff"]
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(put_off=[False, True])
async def failed_block(dut: Any, put_off: bool) -> None:
    """The second block fails at one member: FAILED BLOCK names it, in the connection or in the reselection."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(id4={"misbehave": [Misbehaviour.ALWAYS_DISCONNECTS] if put_off else []})
    host = await rig.host()
    await group(rig, host)
    await host.load(DATA)
    members[1].faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_OUT, 100, skip=1))
    done = await host.mirror_write([0, 1, 2], LBAS, BLOCK, tag=1, series=16)
    assert outcome(done) == [GREAT, (OK, CHECK_CONDITION, 1), GREAT]
    assert held(members) == [[True] * 3, [True, False, False], [True] * 3]
    faults = [text for phase, text in rig.phases() if phase is Phase.MSG_IN and text.startswith("01038d")]
    assert faults == ["01038d0101" + "00" * put_off]
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == ([4] if put_off else [])
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def failed_block_with_wrong_parity(dut: Any) -> None:
    """A byte of FAILED BLOCK comes wrong: MESSAGE PARITY ERROR, and it is told again."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(2)
    host = await rig.host()
    await group(rig, host, 2)
    await host.load(DATA)
    members[1].faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_OUT, 100, skip=2))
    members[1].faults.add(Fault(FaultKind.BAD_PARITY, Phase.MSG_IN, 4))
    done = await host.mirror_write([0, 1], LBAS, BLOCK, tag=1, series=16)
    assert outcome(done) == [GREAT, (OK, CHECK_CONDITION, 2)]
    assert reports(rig) == ["2d00", "2d01ff", "09", "2e01"]


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def full_buffer(dut: Any) -> None:
    """Leader and member have no room for 15 us after each block: the message is repeated until they take."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(2, id5={"buffer_us": 60}, id4={"buffer_us": 60})
    host = await rig.host(RETRIES=10)
    await group(rig, host, 2)
    await host.load(DATA)
    done = await host.mirror_write([0, 1], LBAS, BLOCK, series=16)
    assert outcome(done) == [GREAT] * 2
    assert held(members) == [[True] * 3] * 2
    assert len(told(rig, "01068b")) > 2
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def leader_that_stays_full(dut: Any) -> None:
    """NEXT is not taken: no further block, everybody reports; what is left goes in connections of its own."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(2, id5={"buffer_us": 40})
    host = await rig.host(RETRIES=1)
    await group(rig, host, 2)
    await host.load(DATA)
    done = await host.mirror_write([0, 1], LBAS, BLOCK, series=16)
    assert outcome(done) == [GREAT] * 2
    assert (done.moved, held(members)) == (3 * BLOCK, [[True] * 3] * 2)
    ends = ["2d00", "2d01ff", "2e01"]
    heard = told(rig, "01068b", "2d", "2e")
    assert heard == [*["01068b0000000009"] * 2, *ends, *["01068b0000000002"] * 2, *ends, *ends], heard
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(put_off=[False, True])
async def missed_next(dut: Any, put_off: bool) -> None:
    """A member that could not read NEXT does not take: left out of the rest, asked for its status, failed anyway."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(id4={"misbehave": [Misbehaviour.ALWAYS_DISCONNECTS] if put_off else []})
    host = await rig.host(RETRIES=1)
    await group(rig, host)
    await host.load(DATA)
    deaf(members[1], CODES.next)
    done = await host.mirror_write([0, 1, 2], LBAS, BLOCK, tag=1, series=16)
    assert outcome(done) == [GREAT, (SKIPPED, 0, 1), GREAT]
    assert held(members) == [[True] * 3, [True, False, False], [True] * 3]
    assert told(rig, "2c") == ["2c01", "2c02", "2c01", "2c01", "2c02", "2c02"]
    assert reports(rig) == ["2d00", "2d01", "2d02ff", "2e02"]


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(where=["current", "leader"])
async def repeated_next(dut: Any, where: str) -> None:
    """NEXT that the current target, or the leader, cannot read: resend, or reclaim and NEXT again; the same block."""
    rig = InitiatorRig(dut, fast=True)
    members = rig.members(2)
    host = await rig.host()
    await group(rig, host, 2)
    await host.load(DATA)
    if where == "leader":
        deaf(members[0], CODES.next)
    else:
        members[1].faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_OUT, 5))
    done = await host.mirror_write([0, 1], LBAS, BLOCK, tag=1, series=16)
    assert outcome(done) == [GREAT] * 2
    assert held(members) == [[True] * 3] * 2
    assert told(rig, "01068b") == ["01068b0000000009"] * 2 + ["01068b0000000002"]
    await rig.finish()


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(second=[False, True])
async def cut_off(dut: Any, second: bool) -> None:
    """Unexpected BUS FREE: in the first block whole copies are reported, later nobody reports and all have failed."""
    rig = InitiatorRig(dut, allow_unexpected_free=True, fast=True)
    members = rig.members()
    host = await rig.host(STATUS_TIMEOUT_US=300)
    await group(rig, host)
    await host.load(DATA)
    await host.send_mirror_write([0, 1, 2], LBAS, BLOCK, tag=1, series=16)
    while second and (not (known := operation(members[1])) or known.block != 1):
        await Timer(500, "ns")
    members[0].misbehave.add(Misbehaviour.DROPS_BSY)
    done = await host.next_completion()
    if second:
        assert outcome(done) == [(BUS_FREE, 0, 0)] * 3
        assert not rig.of_kind(Kind.RESELECTION)
    else:
        assert done.members[0].result in (SKIPPED, NO_STATUS)
        assert [one.result for one in done.members[1:]] == [BUS_FREE, SKIPPED]
    assert await host.read("STATUS", "OUTSTANDING") == 0
