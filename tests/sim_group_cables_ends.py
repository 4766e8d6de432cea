"""Mirrored reads, REPORT and NEXT at the ends of a 25 m cable: hand-overs and reclaims, judged at each device."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from cable_rig import CABLE_M, GROUP, LEADER, NS_PER_M, SECOND, hand_overs, judge, on_a_cable, place, start
from cocotbext.scsi import Phase, Transaction
from group_rig import FAST_40, GroupRig, MemberResult
from helpers.hand_over import RECLAIM_NS
from initiator_rig import OK, Host
from system_rig import pattern

FAR = CABLE_M
PLACES = ((0.0, 0.0, FAR), (0.0, FAR, 0.0), (0.0, FAR, FAR))
"""Initiator, leader and second drive; what is left, all at one place, needs no cable."""
ORDER = (0, 1)
GOOD = dict.fromkeys(ORDER, MemberResult(OK))
HAND_OVERS = ["switch_role", "next_block", "switch_role", "report", "report"]
"""Of an operation of two members and two blocks with status in the connection."""
MESSAGE_OUT = {"switch_role": (1, SECOND), "next_block": (2, LEADER), "report": (5, SECOND)}
"""Of each kind one: which MESSAGE OUT of the operation it is, counted from 0, and who should take after it."""
SLOW_NS = 60_000


async def two_members(dut: Any) -> tuple[GroupRig, Host]:
    """Two drives with both extensions, Fast-80 DT and Fast-40, and an initiator that says everything twice."""
    rig, host = await start(dut, ids=(LEADER, SECOND), second=FAST_40, retries=1)
    assert await rig.agree(host, GROUP) == dict.fromkeys(ORDER, 3)
    return rig, host


def legs(where: tuple[float, float, float]) -> dict[int, float]:
    """By SCSI ID."""
    return dict(zip((7, LEADER, SECOND), on_a_cable(*where), strict=True))


def notes(pairs: list[tuple[Transaction, Transaction]]) -> list[str]:
    """What the messages were."""
    return [str(message.note) for message, _ in pairs]


@cocotb.test(timeout_time=30, timeout_unit="ms")
async def reads_reports_and_series(dut: Any) -> None:
    """Two blocks written and read back in one connection each. In one write the statuses are put off: DISCONNECT."""
    rig, host = await two_members(dut)
    for number, where in enumerate(PLACES):
        lbas = (2 * number, 2 * number + 1)
        log = await place(rig, legs(where))
        slowing = cocotb.start_soon(slow_in_the_last_block(rig)) if number == 0 else None
        data = await rig.write_all(host, GROUP, ORDER, lbas, salt=number, series=2)
        assert slowing is None or slowing.done()
        await rig.quiet()
        assert notes(hand_overs(rig)) == HAND_OVERS, rig.story()
        judge(rig, log, len(HAND_OVERS))
        assert rig.notes().count("postponed") == (0 if number else 2), rig.story()
        for scsi_id in rig.ids:
            rig.medium(scsi_id).set_latency(100)
        log = await place(rig, legs(where))
        found, read = await rig.mirror_read(host, GROUP, ORDER, lbas, series=2)
        assert (found, read) == (GOOD, data), rig.story(found)
        await rig.quiet()
        assert notes(hand_overs(rig)) == HAND_OVERS, rig.story()
        judge(rig, log, len(HAND_OVERS), data_out=False)
    await rig.finish()


async def slow_in_the_last_block(rig: GroupRig) -> None:
    """From NEXT on the media take long. Not before: a drive that writes still has no room for another block."""
    await rig.until(note="next_block")
    for scsi_id in rig.ids:
        rig.medium(scsi_id).set_latency(SLOW_NS)


async def unreadable(rig: GroupRig, scsi_id: int, number: int) -> None:
    """One device sees wrong parity in the second byte of a MESSAGE OUT, until it has come to the end of the cable."""
    await rig.transfer(Phase.MSG_OUT, 1, number)
    rig.slot(scsi_id).rx.invert("dbp0")
    await FallingEdge(rig.dut.bus_ack)
    await Timer(CABLE_M * NS_PER_M, "ns")
    rig.slot(scsi_id).rx.clear()


@cocotb.test(timeout_time=30, timeout_unit="ms")
@cocotb.parametrize(read=(False, True))
async def reclaims(dut: Any, read: bool) -> None:
    """Who is named cannot read SWITCH ROLE, NEXT or REPORT: the leader reclaims on time, and the second try is good."""
    rig, host = await two_members(dut)
    lbas = (4, 9)
    data = await rig.write_all(host, GROUP, ORDER, lbas, series=2)
    for note, (index, named) in MESSAGE_OUT.items():
        for where in PLACES[:2]:
            log = await place(rig, legs(where))
            damaging = cocotb.start_soon(unreadable(rig, named, index))
            if read:
                found, again = await rig.mirror_read(host, GROUP, ORDER, lbas, series=2)
                assert again == data
            else:
                data = pattern(len(data), (note, where))
                found = await rig.mirror_write(host, GROUP, ORDER, lbas, data, series=2)
                rig.hold(rig.ids, lbas, data)
            assert damaging.done()
            assert found == GOOD, rig.story((note, where, found))
            await rig.quiet()
            pairs = hand_overs(rig)
            (lost,) = [one for one, after in pairs if after.note == "reclaimed"]
            assert (lost.note, notes(pairs).count(note)) == (note, HAND_OVERS.count(note) + 1), rig.story()
            assert lost.last_ack_ps is not None
            low, high = RECLAIM_NS
            assert low <= log.reclaimed_ns(lost.last_ack_ps, LEADER) <= high, rig.story((note, where))
            judge(rig, log, len(HAND_OVERS), data_out=not read)
    await rig.finish()
