"""Hand-over, reclaim and stall timers on a 25 m cable, every device at any place on it; windows judged at each device.

Three devices on a cable are, exactly, a star with its centre at the middle one. Four are in the star at least as far
from each other as on a cable: legs of half its length put all pairs at its two ends at once.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time

from cocotbext.scsi import Kind, Phase, Transaction
from group_rig import FAST_20, FAST_40, FAST_80, GroupRig, MemberResult, rng
from helpers.hand_over import RECLAIM_NS, HandOverLog
from initiator_rig import BUS_FREE, SKIPPED, Host
from system_rig import BLOCK, pattern

NS_PER_M = 5.0
CABLE_M = 25.0
HALF_NS = CABLE_M * NS_PER_M / 2
DRIVES_M = (0.0, 12.5, 25.0)
INITIATOR_M = (0.0, 25.0)
RANDOM_PLACES = int(os.environ.get("GROUP_PLACES", "1"))
"""Places from the seed besides; more than 1: every combination of places, too."""
PAIRWISE = ((0, 0, 0, 0), (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0))
"""Near or far by device, so that each pair of devices has every combination once."""
INITIATOR, LEADER, SECOND, THIRD = 7, 5, 4, 3
ALL = (INITIATOR, LEADER, SECOND, THIRD)
PART_STALL_US, STALL_US = 30, 80
TIMERS = {"part_stall_us": PART_STALL_US, "stall_us": STALL_US, "holdoff_us": 20}
STALL_TOLERANCE_US = 2.5
"""A timer counts whole microseconds of its own; edges are on their way for a while."""
GROUP = 1


async def start(dut: Any, second: Mapping[str, Any] = FAST_20, **fields: Any) -> tuple[GroupRig, Host]:
    """Drives (Fast-80 DT, `second`, Fast-40) in a group, at the ends of their legs."""
    overrides: dict[int, dict[str, Any]] = {LEADER: FAST_80, SECOND: {**second}, THIRD: FAST_40}
    for one in ALL:
        overrides[one] = {**overrides.get(one, {}), "cable_ns": HALF_NS}
    rig = await GroupRig(dut, overrides=overrides, timers=TIMERS, cable_ns=HALF_NS, **fields).start()
    (host,) = await rig.all_hosts(RETRIES=0, HANG_TIMEOUT_US=300, STATUS_TIMEOUT_US=800)
    await rig.join(host, GROUP, rig.ids)
    return rig, host


async def place(rig: GroupRig, legs_ns: Mapping[int, float]) -> HandOverLog:
    """Move the devices; the log starts anew."""
    await rig.mark()
    for scsi_id, leg in legs_ns.items():
        rig.slot(scsi_id).set_cable(leg)
    return HandOverLog(rig.log.changes, dict(legs_ns))


def on_a_cable(initiator: float, giver: float, taker: float) -> tuple[float, float, float]:
    """Legs in ns of a star that is the same as these three places in m on a cable."""
    middle = sorted((initiator, giver, taker))[1]
    near, far, third = (abs(place - middle) * NS_PER_M for place in (initiator, giver, taker))
    return near, far, third


def switches(rig: GroupRig) -> list[tuple[Transaction, Transaction]]:
    """Each SWITCH ROLE since the mark with the phase after it."""
    seen = rig.of_kind(Kind.PHASE)
    return [(one, after) for one, after in itertools.pairwise(seen) if one.note == "switch_role"]


def judge(rig: GroupRig, log: HandOverLog, count: int) -> None:
    """So many hand-overs since the mark, each in its windows at both devices."""
    found = switches(rig)
    assert len(found) == count, rig.story()
    for message, data in found:
        assert message.by is not None
        assert data.by is not None
        assert message.last_ack_ps is not None
        seen = log.hand_over(message.last_ack_ps, message.by, data.by)
        assert not seen.complaints(), rig.story((message.by, data.by, log.legs_ns, seen.complaints()))


@cocotb.test(timeout_time=30, timeout_unit="ms")
async def any_place_on_the_cable(dut: Any) -> None:
    """Leader and participant each at 0, 12.5 and 25 m, the initiator at an end, and at places from the seed."""
    rig, host = await start(dut, ids=(LEADER, SECOND))
    drives = itertools.product(DRIVES_M, DRIVES_M)
    places = [(INITIATOR_M[number % 2], *two) for number, two in enumerate(drives)]
    if RANDOM_PLACES > 1:
        places = list(itertools.product(INITIATOR_M, DRIVES_M, DRIVES_M))
    draw = rng("places")
    somewhere = [draw.uniform(0, CABLE_M) for _ in range(3 * RANDOM_PLACES)]
    places += zip(somewhere[::3], somewhere[1::3], somewhere[2::3], strict=True)
    for number, (initiator, giver, taker) in enumerate(places):
        ids = (0, 1) if number % 2 else (1, 0)
        named = [(LEADER, SECOND)[z] for z in ids]
        legs = on_a_cable(initiator, giver, taker)
        log = await place(rig, dict(zip((INITIATOR, *named), legs, strict=True)))
        await rig.write_all(host, GROUP, ids, number % rig.blocks, salt=number)
        await rig.quiet()
        judge(rig, log, 1)
    rig.compare_media()
    await rig.finish()


@cocotb.test(timeout_time=30, timeout_unit="ms")
async def all_pairs_at_the_ends(dut: Any) -> None:
    """Initiator, leader and two participants, each at the centre or at the end of its leg: every pair of them."""
    rig, host = await start(dut)
    orders = list(itertools.permutations(range(3)))
    chosen = PAIRWISE if RANDOM_PLACES == 1 else itertools.product((0, 1), repeat=4)
    for number, far in enumerate(chosen):
        log = await place(rig, dict(zip(ALL, [HALF_NS * one for one in far], strict=True)))
        await rig.write_all(host, GROUP, orders[number % len(orders)], number, salt=number)
        await rig.quiet()
        judge(rig, log, 2)
    rig.compare_media()
    await rig.finish()


@cocotb.test(timeout_time=30, timeout_unit="ms")
async def reclaim_at_a_distance(dut: Any) -> None:
    """A participant is dead: near or far, the leader near or far, the initiator at the other end. Reclaim on time."""
    rig, host = await start(dut)
    rig.slot(SECOND).tx.silence()
    for number, legs in enumerate(itertools.product((0.0, HALF_NS), repeat=2)):
        log = await place(rig, dict(zip((INITIATOR, LEADER, SECOND), (HALF_NS - legs[0], *legs), strict=True)))
        data = pattern(BLOCK, ("reclaim", number))
        found = await rig.mirror_write(host, GROUP, (0, 1, 2), number, data)
        assert found == {0: MemberResult(0), 1: MemberResult(SKIPPED), 2: MemberResult(0)}, rig.story(found)
        rig.wrote([LEADER, THIRD], number, data)
        await rig.quiet()
        (dead, reclaimed), *_ = switches(rig)
        assert (reclaimed.phase, reclaimed.by, reclaimed.data) == (Phase.MSG_IN, LEADER, b"\x2c\x10"), rig.story()
        assert dead.last_ack_ps is not None
        low, high = RECLAIM_NS
        assert low <= log.reclaimed_ns(dead.last_ack_ps, LEADER) <= high, rig.story()
    rig.slot(SECOND).tx.clear()
    rig.compare_media()
    await rig.finish()


@cocotb.test(timeout_time=30, timeout_unit="ms")
async def stall_at_a_distance(dut: Any) -> None:
    """The initiator is deaf to REQ in a participant's data: participant, then leader let go after their timers.

    The participant's transfers are asynchronous, so that its REQ stands until it lets go.
    """
    rig, host = await start(dut, second={}, allow_unexpected_free=True)
    for number, legs in enumerate(((HALF_NS, 0.0), (0.0, HALF_NS))):
        await place(rig, dict(zip((LEADER, SECOND), legs, strict=True)))
        data = pattern(BLOCK, ("stall", number))
        await host.load(data)
        await rig.post(host, GROUP, (0, 1, 2), number, data)
        await rig.after_transfer(Phase.DATA_OUT, 30)
        rig.slot(INITIATOR).rx.stick("req", 0)
        await RisingEdge(dut.bus_req)
        stopped = get_sim_time("us")
        await rig.until(kind=Kind.BUS_FREE)
        freed = get_sim_time("us")
        rig.slot(INITIATOR).rx.clear()
        found = await rig.ended(host, GROUP, (0, 1, 2))
        assert found == {0: MemberResult(0), 1: MemberResult(BUS_FREE), 2: MemberResult(SKIPPED)}, rig.story(found)
        rig.wrote([LEADER], number, data)
        let_go = max(time for time, who in rig.log.changes["req"] if not who and time < freed * 1e6) / 1e6
        assert abs(let_go - stopped - PART_STALL_US) <= STALL_TOLERANCE_US, rig.story((stopped, let_go))
        assert abs(freed - let_go - STALL_US) <= STALL_TOLERANCE_US, rig.story((let_go, freed))
        await rig.quiet()
        rig.compare_media()
        await rig.write_all(host, GROUP, (0, 1, 2), number, salt="after")
    await rig.finish("HSK-03")  # a REQ that was withdrawn
