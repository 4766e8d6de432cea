"""The RTL initiator against Python targets: ordinary commands, disconnection, parity recovery, faults."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.constants import Opcode
from cocotbext.scsi.models.arbitration import answer_selection, being_selected
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.misbehaviour import Misbehaviour
from helpers.commands import cdb_6, read_10, write_10
from initiator_rig import (
    BAD_DESCRIPTOR,
    BLOCK,
    BUS_FREE,
    CHECK_CONDITION,
    HANG,
    IRQ_BUS_RESET,
    NO_STATUS,
    OK,
    OTHER_INITIATOR,
    PARITY,
    PROTOCOL,
    RESET,
    SEL_TIMEOUT,
    TARGET,
    TEST_UNIT_READY,
    Host,
    InitiatorRig,
    pattern,
)

LATE_US = 100
"""An answer half of the selection abort time after the IDs went."""


async def write_block(host: Host, target: int, lba: int, data: bytes, **options: Any) -> None:
    """WRITE(10) of one or more blocks; GOOD."""
    await host.load(data)
    done = await host.command(target, write_10(lba, len(data) // BLOCK), data_out=len(data), **options)
    assert done.good, done
    assert done.moved == len(data)


async def read_block(host: Host, target: int, lba: int, blocks: int = 1, **options: Any) -> bytes:
    """READ(10); GOOD."""
    done = await host.command(target, read_10(lba, blocks), data_in=blocks * BLOCK, addr=8192, **options)
    assert done.good, done
    assert done.moved == blocks * BLOCK
    return await host.unload(blocks * BLOCK, 8192)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_unit_ready(dut: Any) -> None:
    """The shortest command, byte by byte on the bus."""
    rig = InitiatorRig(dut)
    rig.target_at()
    host = await rig.host()
    done = await host.command(TARGET, TEST_UNIT_READY)
    assert done.good, done
    assert done.last
    assert done.moved == 0
    assert rig.phases() == [
        (Phase.MSG_OUT, "80"),
        (Phase.COMMAND, "000000000000"),
        (Phase.STATUS, "00"),
        (Phase.MSG_IN, "00"),
    ]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def narrow_round_trip(dut: Any) -> None:
    """Two blocks out and in, 8 bit."""
    rig = InitiatorRig(dut)
    target = rig.target_at()
    host = await rig.host()
    data = pattern(2 * BLOCK)
    await write_block(host, TARGET, 3, data)
    assert target.medium.read(3, 2) == data
    assert await read_block(host, TARGET, 3, 2) == data
    assert not any(one.wide for one in rig.of_kind(Kind.PHASE))
    assert await host.read("AGREEMENT") == 0
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def wide_round_trip(dut: Any) -> None:
    """WDTR goes with the first command only; then 16 bit both ways; FORGET makes it negotiate again."""
    rig = InitiatorRig(dut)
    target = rig.target_at()
    host = await rig.host(wide=True)
    data = pattern(BLOCK)
    await write_block(host, TARGET, 3, data, tag=0x41, disc=True)
    assert target.medium.read(3) == data
    assert rig.phases()[:2] == [(Phase.MSG_OUT, "c0204101020301"), (Phase.MSG_IN, "01020301")]
    assert await host.read("AGREEMENT") == 1 << TARGET | 1 << 16 + TARGET
    assert await read_block(host, TARGET, 3) == data
    assert [one.wide for one in rig.of_kind(Kind.PHASE) if one.phase in (Phase.DATA_OUT, Phase.DATA_IN)] == [True, True]
    await host.port.write("FORGET", 1 << TARGET)
    assert await host.read("AGREEMENT") == 0
    before = len(rig.phases())
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    assert rig.phases()[before] == (Phase.MSG_OUT, "8001020301")
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def narrow_target_declines_wdtr(dut: Any) -> None:
    """Exponent 0 in the answer: 8 bit, and no second offer."""
    rig = InitiatorRig(dut)
    rig.target_at(wide=False)
    host = await rig.host(wide=True)
    await write_block(host, TARGET, 1, pattern())
    assert await host.read("AGREEMENT") == 1 << 16 + TARGET
    await write_block(host, TARGET, 2, pattern())
    assert not any(one.wide for one in rig.of_kind(Kind.PHASE))
    assert [data for phase, data in rig.phases() if phase is Phase.MSG_OUT] == ["8001020301", "80"]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def odd_length_wide(dut: Any) -> None:
    """An odd number of bytes in 16-bit transfers: IGNORE WIDE RESIDUE, nothing written past the end."""
    rig = InitiatorRig(dut)
    rig.target_at()
    host = await rig.host(wide=True)
    await host.load(b"\xa5" * 64, 512)
    done = await host.command(TARGET, cdb_6(Opcode.INQUIRY, 35), data_in=40, addr=512)
    assert done.good
    assert done.moved == 35
    data = await host.unload(64, 512)
    assert data[35 + 1 :] == b"\xa5" * 28
    assert (Phase.MSG_IN, "2301") in [(phase, text[:4]) for phase, text in rig.phases()]
    done = await host.command(TARGET, cdb_6(Opcode.INQUIRY, 35), data_in=35, addr=1024)
    assert done.good
    assert done.moved == 35
    assert (await host.unload(35, 1024)) == data[:35]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def check_condition(dut: Any) -> None:
    """A status other than GOOD is handed to the host; the sense data follow."""
    rig = InitiatorRig(dut)
    rig.target_at(unit_attention=True)
    host = await rig.host()
    done = await host.command(TARGET, TEST_UNIT_READY)
    assert (done.result, done.status) == (0, CHECK_CONDITION)
    done = await host.command(TARGET, cdb_6(Opcode.REQUEST_SENSE, 18), data_in=18)
    assert done.good
    assert (await host.unload(18))[2] & 0xF == 6
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(where=["data", "middle", "status"])
async def disconnection(dut: Any, where: str) -> None:
    """A target that leaves the bus comes back and goes on where it was, reading and writing."""
    rig = InitiatorRig(dut)
    target = rig.target_at(disconnect={where})
    host = await rig.host(wide=True)
    data = pattern(2 * BLOCK)
    await write_block(host, TARGET, 3, data, disc=True, tag=9)
    assert target.medium.read(3, 2) == data
    assert await read_block(host, TARGET, 3, 2, disc=True) == data
    assert len(rig.of_kind(Kind.RESELECTION)) == target.reselections == 2
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reselection_out_of_order(dut: Any) -> None:
    """Commands to three targets and two tags of one; whoever is ready reselects; every task gets its own data."""
    rig = InitiatorRig(dut)
    targets = {
        5: rig.target_at(0, 5, disconnect={"data"}),
        4: rig.target_at(1, 4, disconnect={"data", "status"}),
        3: rig.target_at(2, 3, disconnect={"status"}),
    }
    host = await rig.host()
    for number, (scsi_id, target) in enumerate(targets.items()):
        target.medium.write(number, pattern(step=3 + number))
        await host.send_command(
            scsi_id, read_10(number), data_in=BLOCK, addr=2048 * number, disc=True, tag=number + 0x10
        )
    targets[5].medium.write(9, pattern(step=11))
    await host.send_command(5, read_10(9), data_in=BLOCK, addr=6144, disc=True, tag=0x77)
    done = [await host.next_completion() for _ in range(4)]
    assert sorted((one.target, one.tag) for one in done) == [(3, 0x12), (4, 0x11), (5, 0x10), (5, 0x77)]
    assert all(one.good and one.moved == BLOCK for one in done), done
    for number in range(3):
        assert await host.unload(BLOCK, 2048 * number) == pattern(step=3 + number)
    assert await host.unload(BLOCK, 6144) == pattern(step=11)
    assert await host.read("STATUS", "OUTSTANDING") == 0
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def selection_timeout(dut: Any) -> None:
    """Nobody answers: the bus is freed as by procedure (b), and the next command is served."""
    rig = InitiatorRig(dut)
    rig.target_at()
    host = await rig.host()
    done = await host.command(2, TEST_UNIT_READY)
    assert done.result == SEL_TIMEOUT
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def answer_in_the_abort_time(dut: Any) -> None:
    """The time-out is over and the IDs are gone, SEL and ATN are not: who answers now has been selected."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    await host.send_command(TARGET, TEST_UNIT_READY)
    await target.port.wait(lambda lines: being_selected(lines, reselection=False))
    while any(target.port.read_data()):
        await Timer(1, "us")
    await Timer(LATE_US, "us")
    assert being_selected(target.port.lines, reselection=False)
    assert target.attention
    assert await answer_selection(target.port, keep_bsy=True)
    await target.link.begin(reselected=False)
    await target.messages()
    await target.command()
    await target.complete()
    assert (await host.next_completion()).good
    assert rig.checker.rules["SEL-11"].evaluations == 1
    assert len(rig.of_kind(Kind.SELECTION)) == 1
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(index=[0, 2, 6])
async def message_resend(dut: Any, index: int) -> None:
    """The target sees wrong parity in MESSAGE OUT twice: all bytes again, with ATN."""
    rig = InitiatorRig(dut)
    faults = Faults(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_OUT, index, times=2))
    rig.target_at(faults=faults)
    host = await rig.host(wide=True)
    done = await host.command(TARGET, TEST_UNIT_READY, tag=1, disc=True)
    assert done.good, done
    assert len(faults.committed) == 2
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def message_resend_of_one_byte(dut: Any) -> None:
    """A phase of one byte is said again without ATN, twice."""
    rig = InitiatorRig(dut)
    faults = Faults(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_OUT, 0, times=2))
    rig.target_at(faults=faults)
    host = await rig.host()
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    assert [text for _, text in rig.phases()][:4] == ["80", "80", "80", "000000000000"]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def too_many_resends(dut: Any) -> None:
    """RETRIES bounds the resends; then the initiator gives the task up."""
    rig = InitiatorRig(dut)
    faults = Faults(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_OUT, 0, times=3))
    rig.target_at(faults=faults)
    host = await rig.host(RETRIES=2)
    done = await host.command(TARGET, TEST_UNIT_READY, tag=1, disc=True)
    assert done.result == PARITY, done
    assert len(faults.committed) == 3
    assert [text for _, text in rig.phases()] == ["c02001"] * 3 + ["06"]
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(phase=[Phase.MSG_IN, Phase.STATUS, Phase.DATA_IN])
async def parity_errors_in(dut: Any, phase: Phase) -> None:
    """Wrong parity towards the initiator: MESSAGE PARITY ERROR or INITIATOR DETECTED ERROR, and the target repeats."""
    rig = InitiatorRig(dut)
    faults = Faults(Fault(FaultKind.BAD_PARITY, phase, 0 if phase is not Phase.DATA_IN else 100))
    target = rig.target_at(faults=faults)
    host = await rig.host()
    data = pattern(BLOCK)
    target.medium.write(2, data)
    assert await read_block(host, TARGET, 2) == data
    assert len(faults.committed) == 1
    said = [text for which, text in rig.phases() if which is Phase.MSG_OUT]
    assert said == ["80", "09" if phase is Phase.MSG_IN else "05"]
    await rig.finish({Phase.MSG_IN: "PAR-02", Phase.STATUS: "PAR-04", Phase.DATA_IN: "PAR-06"}[phase])


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def parity_error_for_ever(dut: Any) -> None:
    """DATA IN that never comes right ends as what the target says, or PARITY; never GOOD."""
    rig = InitiatorRig(dut)
    faults = Faults(Fault(FaultKind.BAD_PARITY, Phase.DATA_IN, 7, times=100))
    rig.target_at(faults=faults)
    host = await rig.host()
    done = await host.command(TARGET, read_10(2), data_in=BLOCK)
    assert not done.good
    assert (done.result, done.status) == (0, CHECK_CONDITION)
    await rig.finish("PAR-06")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def parity_error_out(dut: Any) -> None:
    """The target sees wrong parity in DATA OUT: CHECK CONDITION, nothing written."""
    rig = InitiatorRig(dut)
    faults = Faults(Fault(FaultKind.SEE_BAD_PARITY, Phase.DATA_OUT, 33))
    target = rig.target_at(faults=faults)
    host = await rig.host()
    await host.load(pattern())
    done = await host.command(TARGET, write_10(2), data_out=BLOCK)
    assert (done.result, done.status, done.moved) == (0, CHECK_CONDITION, BLOCK)
    assert not target.medium.written
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(data_in=[True, False])
async def too_much_data(dut: Any, data_in: bool) -> None:
    """The target wants more than the descriptor has: ABORT TASK, PROTOCOL, the buffer behind stays as it is."""
    rig = InitiatorRig(dut)
    target = rig.target_at()
    host = await rig.host()
    await host.load(b"\x5a" * 1024)
    if data_in:
        done = await host.command(TARGET, read_10(2), data_in=100, tag=1, disc=True)
        assert await host.unload(924, 100) == b"\x5a" * 924
    else:
        done = await host.command(TARGET, write_10(2), data_out=100, tag=1, disc=True)
        assert not target.medium.written
    assert (done.result, done.moved) == (PROTOCOL, 100)
    assert rig.phases()[-1] == (Phase.MSG_OUT, "0d")
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def unknown_reselection(dut: Any) -> None:
    """A target reselects for a task that the initiator has forgotten: ABORT TASK."""
    rig = InitiatorRig(dut)
    target = rig.target_at(disconnect={"status"}, pauses=None)
    host = await rig.host(STATUS_TIMEOUT_US=3)
    await host.send_command(TARGET, TEST_UNIT_READY, tag=0x33, disc=True)
    done = await host.next_completion()
    assert done.result == NO_STATUS, done
    while target.pending:
        await Timer(1, "us")
    await Timer(20, "us")
    assert rig.phases()[-2:] == [(Phase.MSG_IN, "802033"), (Phase.MSG_OUT, "0d")]
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def unexpected_bus_free(dut: Any) -> None:
    """The target lets BSY and all else go in mid-data."""
    rig = InitiatorRig(dut, allow_unexpected_free=True)
    rig.target_at(faults=Faults(Fault(FaultKind.STOP, Phase.DATA_IN, 50)))
    host = await rig.host()
    await host.send_command(TARGET, read_10(1), data_in=BLOCK)
    await Timer(40, "us")
    rig.ports[0].release()
    done = await host.next_completion()
    assert (done.result, done.moved) == (BUS_FREE, 50), done
    assert not await host.read("STATUS", "CONNECTED")
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def hanging_connection(dut: Any) -> None:
    """The target hangs: RST after the hang time-out, the task ends with HANG, another one with RESET."""
    rig = InitiatorRig(dut)
    rig.target_at(0, 5, faults=Faults(Fault(FaultKind.STOP, Phase.STATUS, 0)), stall_us=5000)
    rig.target_at(1, 4, disconnect={"status"}, misbehave=[Misbehaviour.NO_STATUS], reselection_timeout_us=1)
    host = await rig.host(HANG_TIMEOUT_US=100, wide=True)
    await host.send_command(TARGET, TEST_UNIT_READY)
    done = await host.next_completion()
    assert done.result == HANG, done
    assert await host.read("IRQ_STATUS") & IRQ_BUS_RESET
    assert await host.read("AGREEMENT") == 0
    await Timer(40, "us")
    rig.monitor.flush()
    assert len(rig.of_kind(Kind.RESET)) == 1
    after = await host.command(4, TEST_UNIT_READY)
    assert (after.result, after.status) == (OK, CHECK_CONDITION)  # unit attention
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reset_by_host(dut: Any) -> None:
    """CONTROL.BUS_RESET: connected, waiting and pending descriptors all end with RESET."""
    rig = InitiatorRig(dut)
    slow = rig.target_at(0, 5, disconnect={"status"})
    rig.target_at(1, 4, faults=Faults(Fault(FaultKind.LATE, Phase.DATA_OUT, 10, delay_ns=200_000)))
    host = await rig.host(YIELD_NS=0)
    # Target 5 disconnects and loses arbitration to the initiator, which has more to say.
    await host.send_command(5, TEST_UNIT_READY, tag=1, disc=True)
    await host.send_command(4, write_10(0), data_out=BLOCK, tag=2)
    await host.send_command(5, TEST_UNIT_READY, tag=3, disc=True)
    await Timer(60, "us")
    assert slow.pending
    await host.port.write("CONTROL", 1)
    done = [await host.next_completion() for _ in range(3)]
    assert sorted(one.tag for one in done) == [1, 2, 3]
    assert all(one.result == RESET and one.last for one in done), done
    assert await host.read("STATUS", "OUTSTANDING") == 0
    await Timer(40, "us")
    after = await host.command(4, TEST_UNIT_READY)
    assert (after.result, after.status) == (OK, CHECK_CONDITION)  # unit attention
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def two_initiators(dut: Any) -> None:
    """Both start at once, again and again, with disconnecting targets: nothing is lost, both are served."""
    rig = InitiatorRig(dut)
    targets = [rig.target_at(0, 5, disconnect={"data"}), rig.target_at(1, 4, disconnect={"status"})]
    hosts = await rig.hosts(2)

    async def work(host: Host, first: int) -> None:
        for turn in range(4):
            data = pattern(step=first + turn)
            await host.load(data)
            target = 5 - (turn + first) % 2
            done = await host.command(target, write_10(first + turn), data_out=BLOCK, tag=turn, disc=turn != 3)
            assert done.good, done
            assert targets[5 - target].medium.read(first + turn) == data

    running = [cocotb.start_soon(work(host, 5 * number)) for number, host in enumerate(hosts)]
    for one in running:
        await one
    rig.monitor.flush()
    rounds = rig.of_kind(Kind.ARBITRATION)
    contested = [one for one in rounds if {7, OTHER_INITIATOR} <= set(one.contenders)]
    assert contested
    assert all(one.winner == 7 for one in contested)
    assert {one.initiator for one in rig.of_kind(Kind.SELECTION)} == {7, OTHER_INITIATOR}
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def bad_descriptors(dut: Any) -> None:
    """What cannot be meant ends with BAD_DESCRIPTOR and touches nothing."""
    rig = InitiatorRig(dut)
    rig.target_at(disconnect={"status"})
    host = await rig.host()
    refused = [
        await host.command(host.scsi_id, TEST_UNIT_READY),
        await host.command(TARGET, read_10(1), data_in=BLOCK, addr=16384 - 256),
        await host.command(TARGET, read_10(1), data_in=BLOCK, addr=1),
        await host.query(host.scsi_id, 0),
        await host.mirror_write([], 0, BLOCK),
        await host.mirror_write([0, 1], 0, BLOCK),
    ]
    await host.submit({"OPCODE": 9})
    refused.append(await host.next_completion())
    assert [one.result for one in refused] == [BAD_DESCRIPTOR] * 7
    assert all(one.last for one in refused)
    assert not rig.of_kind(Kind.ARBITRATION)
    await host.port.write("CONFIG", 0x29)  # ID 9: an 8-bit member could not see it
    assert (await host.query(TARGET, 0)).result == BAD_DESCRIPTOR
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def one_task_a_nexus(dut: Any) -> None:
    """A second descriptor for a nexus whose task is still open is refused."""
    rig = InitiatorRig(dut)
    target = rig.target_at(disconnect={"status"}, misbehave=[])
    host = await rig.host(YIELD_NS=0)
    for tag in (4, 5, 4):
        await host.send_command(TARGET, TEST_UNIT_READY, tag=tag, disc=True)
    done = [await host.next_completion() for _ in range(3)]
    assert sorted((one.tag, one.result) for one in done) == [(4, OK), (4, BAD_DESCRIPTOR), (5, OK)]
    assert target.reselections >= 2
    await rig.finish()


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def full_table(dut: Any) -> None:
    """32 tasks wait for a target that never comes back; the next descriptor waits until the first is given up."""
    rig = InitiatorRig(dut)
    target = rig.target_at(disconnect={"status"})
    host = await rig.host(STATUS_TIMEOUT_US=2000)
    tasks = await host.read("CAPS", "TASKS")
    assert tasks == 32

    async def forget(count: int) -> None:
        """Every task but the last is lost as soon as the target has disconnected."""
        for _ in range(count):
            while not target.pending:
                await Timer(100, "ns")
            target.pending.clear()

    forgetting = cocotb.start_soon(forget(tasks))
    for tag in range(tasks + 1):
        await host.send_command(TARGET, TEST_UNIT_READY, tag=tag, disc=True)
    await forgetting
    assert await host.read("STATUS", "OUTSTANDING") == tasks + 1
    done = {one.tag: one for one in [await host.next_completion() for _ in range(tasks + 1)]}
    assert [done[tag].result for tag in range(tasks)] == [NO_STATUS] * tasks
    assert done[tasks].good
    assert list(done).index(0) < list(done).index(tasks) < tasks  # the place of the first was enough
    await rig.finish()
