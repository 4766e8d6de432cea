"""Faults in a mirrored write with RTL on both sides: what section 11 promises, from wires, host and media.

Every fault goes through the saboteur of one device, so that only that device sees it or is silent.
"""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer
from cocotb.utils import get_sim_time

from cocotbext.scsi import Kind, Phase
from fault_rig import (
    DATA,
    HANG_US,
    IN,
    LEADER_STALL_US,
    OUT,
    PARTICIPANT_STALL_US,
    UNIT_ATTENTION,
    begin,
    ends,
    initialise_again,
    noted,
    plain_retry,
    start,
    still_works,
)
from helpers.commands import read_10
from initiator_rig import BUS_FREE, CHECK_CONDITION, HANG, NO_STATUS, OK, SKIPPED, Host
from system_rig import BLOCK, SystemRig

# Section 6: the leader reclaims at 10 us after t0 at the earliest; a microsecond of its timer and two for its reaction.
RECLAIM_NS = (10_000, 13_000)
ABORTED = 0x0B
ALL_RELEASED_NS = 800
"""After BUS FREE was seen: everyone has released."""


# -- parity seen by one device only -----------------------------------------------------------------------------------


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def parity_at_the_current_target(dut: Any) -> None:
    """MIRROR WRITE, SWITCH ROLE, RELEASE damaged at the target that takes them: resent as a whole, all GOOD."""
    rig, host = await start(dut, fast=True)
    damaged = ((5, 0, 9, "c02001"), (5, 1, 1, "2c01"), (4, 2, 0, "2c02ff"), (3, 3, 1, "2e02"))
    for lba, (target, skip, index, text) in enumerate(damaged):
        task = cocotb.start_soon(rig.damage(target, OUT, index, skip))
        data = await begin(rig, host, lba)
        await ends(rig, host, lba, data)
        assert task.done()
        messages = [one for one in rig.of_kind(Kind.PHASE) if one.phase is OUT]
        (again,) = [n for n, one in enumerate(messages) if one.resend]
        assert messages[again].data == messages[again - 1].data
        assert messages[again].data.hex().startswith(text)
        assert messages[again].by == messages[again - 1].by == target
        assert not noted(rig, "reclaimed")
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def parity_at_a_snooper(dut: Any) -> None:
    """SWITCH ROLE damaged at the drive it names: reclaim and repeat; elsewhere: nothing. MIRROR WRITE: skipped."""
    rig, host = await start(dut, fast=True, RETRIES=1)
    task = cocotb.start_soon(rig.damage(4, OUT, 1, 1))
    data = await begin(rig, host, 0)
    await ends(rig, host, 0, data)
    assert task.done()
    assert [one.data.hex() for one in noted(rig, "switch_role")] == ["2c01", "2c01", "2c02ff"]
    _check_reclaims(rig, 1)

    task = cocotb.start_soon(rig.damage(3, OUT, 1, 1))
    data = await begin(rig, host, 1)
    await ends(rig, host, 1, data)
    assert task.done()
    _check_reclaims(rig, 0)

    task = cocotb.start_soon(rig.damage(4, OUT, 6, 0))
    data = await begin(rig, host, 2)
    await ends(rig, host, 2, data, id4=(SKIPPED, 0))
    assert task.done()
    assert [one.data.hex() for one in noted(rig, "switch_role")] == ["2c01", "2c01", "2c02ff"]
    _check_reclaims(rig, 2)
    await plain_retry(rig, host, 4, 2, data)
    await still_works(rig, host, 3)
    await rig.finish()


def _check_reclaims(rig: SystemRig, count: int) -> None:
    """So many reclaims, each RECLAIMED with the leader's yz, by the leader, in the window after its SWITCH ROLE."""
    seen = rig.seen
    found = [n for n, one in enumerate(seen) if one.note == "reclaimed"]
    assert len(found) == count, rig.story()
    for n in found:
        switch, reclaimed = seen[n - 1], seen[n]
        assert switch.note in ("switch_role", "release")
        assert (reclaimed.phase, reclaimed.by, reclaimed.data) == (IN, 5, b"\x2c\x00")
        assert reclaimed.phase_ps is not None
        assert switch.last_ack_ps is not None
        low, high = RECLAIM_NS
        assert low <= (reclaimed.phase_ps - switch.last_ack_ps) / 1000 <= high


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def parity_at_the_initiator(dut: Any) -> None:
    """ACCEPT and a reselection's IDENTIFY: MESSAGE PARITY ERROR and resent. STATUS: INITIATOR DETECTED ERROR."""
    rig, host = await start(dut, fast=True)
    task = cocotb.start_soon(rig.damage(7, IN, 1))
    await rig.mark()
    assert (await host.query(4, 0x01)).result == OK
    assert task.done()
    assert [(phase, text) for phase, _, text in rig.phases()] == [
        (OUT, "c02601"),
        (IN, "2601"),
        (OUT, "09"),
        (IN, "2601"),
    ]
    task = cocotb.start_soon(rig.damage(7, IN, 2))
    data = await begin(rig, host, 0)
    await ends(rig, host, 0, data)
    assert task.done()
    last = rig.phases()[-11:-6]
    assert last == [
        (IN, 5, "802001"),
        (OUT, 5, "09"),
        (IN, 5, "802001"),
        (Phase.STATUS, 5, "00"),
        (IN, 5, "00"),
    ], rig.story()
    task = cocotb.start_soon(rig.damage(7, Phase.STATUS))
    data = await begin(rig, host, 1)
    done = await host.next_completion()
    assert task.done()
    assert (OUT, 5, "05") in rig.phases()
    by_target = {one.target: one for one in done.members}
    assert by_target[4].good
    assert by_target[3].good
    # The target may send the status again or give up (0Bh/48h); in both cases its medium holds what it has accepted.
    if not by_target[5].good:
        assert by_target[5].status == CHECK_CONDITION
        assert await rig.sense(host, 5) == (ABORTED, 0x4800)
    rig.wrote([5, 4, 3], 1, data)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def parity_in_data_in(dut: Any) -> None:
    """An ordinary read damaged at the initiator: INITIATOR DETECTED ERROR, RESTORE POINTERS, and the data again."""
    rig, host = await start(dut)
    task = cocotb.start_soon(rig.damage(7, Phase.DATA_IN, 100))
    done = await host.command(5, read_10(3), data_in=BLOCK)
    assert task.done()
    assert (OUT, 5, "05") in rig.phases()
    assert (Phase.MSG_IN, 5, "03") in rig.phases()
    assert done.good
    assert await host.unload(BLOCK) == rig.medium(5).block(3)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def parity_in_data_out(dut: Any) -> None:
    """One participant sees a damaged byte: CHECK CONDITION 0B/47 from it, its medium untouched, the others GOOD."""
    rig, host = await start(dut)
    for lba, (target, index) in enumerate(((5, 0), (4, 128), (3, 255))):
        task = cocotb.start_soon(rig.damage(target, DATA, index, lba))
        data = await begin(rig, host, lba)
        await ends(rig, host, lba, data, **{f"id{target}": (OK, CHECK_CONDITION)})
        assert task.done()
        assert (await rig.sense(host, target)) == (ABORTED, 0x4700)
        await plain_retry(rig, host, target, lba, data)
    await rig.finish()


# -- devices that fall silent -----------------------------------------------------------------------------------------


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def silent_participants(dut: Any) -> None:
    """The middle one, the last one, both: reclaim in the window, SKIPPED, the others GOOD, the bus released."""
    rig, host = await start(dut, fast=True, RETRIES=0)
    for lba, silent in enumerate(((4,), (3,), (4, 3))):
        for scsi_id in silent:
            rig.slot(scsi_id).tx.silence()
        data = await begin(rig, host, lba)
        await ends(rig, host, lba, data, **{f"id{scsi_id}": (SKIPPED, 0) for scsi_id in silent})
        _check_reclaims(rig, len(silent))
        released = [text for phase, _, text in rig.phases() if phase is OUT][-1]
        assert released == ("2e00" if 3 in silent else "2e02")
        assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [one for one in (5, 4, 3) if one not in silent]
        for scsi_id in silent:
            rig.slot(scsi_id).tx.clear()
    await still_works(rig, host, 4)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def participant_dies_in_its_data(dut: Any) -> None:
    """The leader's stall timer frees the bus: who has its copy reports it, the others are named as failed; regroup."""
    rig, host = await start(dut, allow_unexpected_free=True)
    data = await begin(rig, host, 5)
    await rig.after_transfer(DATA, 40, 1)
    rig.slot(4).tx.silence()
    died_ps = round(get_sim_time("ps"))
    await ends(rig, host, 5, data, id4=(BUS_FREE, 0), id3=(SKIPPED, 0))
    (abandoned,) = noted(rig, "abandoned")
    waited_us = (abandoned.start_ps - died_ps) / 1e6
    assert LEADER_STALL_US / 2 < waited_us < LEADER_STALL_US + PARTICIPANT_STALL_US + 1.2
    rig.slot(4).tx.clear()
    # Section 8, method B: the unsuccessful ones form the operation, 4 leads.
    await host.send_mirror_write([1, 2], 5, BLOCK, tag=0x55)
    done = await host.next_completion()
    assert [(one.target, one.good) for one in done.members] == [(4, True), (3, True)]
    rig.wrote([4, 3], 5, data)
    await still_works(rig, host, 6)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def initiator_goes_deaf(dut: Any) -> None:
    """It no longer sees REQ: the leader's stall timer frees the bus, and nothing half-written is kept."""
    rig, host = await start(dut, allow_unexpected_free=True)
    data = await begin(rig, host, 1)
    await rig.after_transfer(DATA, 100)
    rig.slot(7).rx.stick("req", 0)
    await rig.until(kind=Kind.BUS_FREE)
    rig.slot(7).rx.clear()
    await ends(rig, host, 1, data, id5=(BUS_FREE, 0), id4=(SKIPPED, 0), id3=(SKIPPED, 0))
    await still_works(rig, host, 2)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def leader_drops_bsy(dut: Any) -> None:
    """BSY is lost in a participant's data: everyone lets go, unexpected BUS FREE, the host is told per target."""
    rig, host = await start(dut, allow_unexpected_free=True)
    data = await begin(rig, host, 1)
    await rig.after_transfer(DATA, 100, 1)
    rig.slot(5).tx.stick("bsy", 0)
    await rig.until(kind=Kind.BUS_FREE)
    await Timer(ALL_RELEASED_NS, "ns")
    assert not int(dut.bus_all.value)
    rig.slot(5).tx.clear()
    assert not int(dut.bus_all.value)
    await ends(rig, host, 1, data, id4=(BUS_FREE, 0), id3=(SKIPPED, 0))
    assert len(noted(rig, "abandoned")) == 1
    await still_works(rig, host, 2)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def leader_hangs_with_bsy(dut: Any) -> None:
    """Its clock stands still: the initiator's timer ends in RST; after initialisation everything works again."""
    rig, host = await start(dut)
    await begin(rig, host, 1)
    await rig.after_transfer(DATA, 100)
    rig.slot(5).stop_clock()
    stopped_ps = round(get_sim_time("ps"))
    await RisingEdge(dut.bus_rst)
    rig.slot(5).start_clock()
    done = await host.next_completion()
    assert {one.target: one.result for one in done.members} == {5: HANG, 4: HANG, 3: HANG}, rig.story(done)
    await rig.quiet()
    (reset,) = rig.of_kind(Kind.RESET)
    assert HANG_US <= (reset.start_ps - stopped_ps) / 1e6 <= HANG_US + 2
    await initialise_again(rig, host)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def status_never_comes(dut: Any) -> None:
    """A participant falls silent after its data: the next one waits the hold-off only; the host gets NO_STATUS."""
    rig, host = await start(dut, fast=True)
    data = await begin(rig, host, 3)
    await rig.transfer(DATA, 0, 2)
    rig.slot(4).tx.silence()
    await ends_silent(rig, host, data)
    await rig.bench.reset_slot(rig.bench.config.slot_of_id(4))
    rig.slot(4).tx.clear()
    await host.port.write("FORGET", 1 << 4)  # the agreement on width went with the drive's power
    assert await rig.sense(host, 4) == (UNIT_ATTENTION, 0x2901)
    await plain_retry(rig, host, 4, 3, data)
    assert (await host.query(4, 0x01)).result == OK
    await still_works(rig, host, 4)
    await rig.finish()


async def ends_silent(rig: SystemRig, host: Host, data: bytes) -> None:
    """5 and 3 GOOD, 4 NO_STATUS; the medium of 4 holds the data or not: nothing was promised."""
    done = await host.next_completion()
    assert {one.target: (one.result, one.good) for one in done.members} == {
        5: (OK, True),
        4: (NO_STATUS, False),
        3: (OK, True),
    }, rig.story(done)
    rig.wrote([5, 3], 3, data)
    if rig.medium(4).block(3) == data:
        rig.wrote([4], 3, data)
    assert [one.target for one in rig.of_kind(Kind.RESELECTION)] == [5, 3]
