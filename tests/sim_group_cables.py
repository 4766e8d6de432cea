"""Hand-over, reclaim and stall timers on a 25 m cable, devices at any place on it; windows judged at each device."""

from __future__ import annotations

import itertools
import os
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time

from cable_rig import (
    ALL,
    CABLE_M,
    GROUP,
    HALF_NS,
    INITIATOR,
    LEADER,
    PART_STALL_US,
    SECOND,
    STALL_US,
    THIRD,
    hand_overs,
    judge,
    on_a_cable,
    place,
    start,
)
from cocotbext.scsi import Kind, Phase
from group_rig import MemberResult, rng
from helpers.hand_over import RECLAIM_NS
from initiator_rig import BUS_FREE, SKIPPED
from system_rig import BLOCK, pattern

DRIVES_M = (0.0, 12.5, 25.0)
INITIATOR_M = (0.0, 25.0)
RANDOM_PLACES = int(os.environ.get("GROUP_PLACES", "1"))
"""Places from the seed besides; more than 1: every combination of places, too."""
PAIRWISE = ((0, 0, 0, 0), (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0))
"""Near or far by device, so that each pair of devices has every combination once."""
STALL_TOLERANCE_US = 2.5
"""A timer counts whole microseconds of its own; edges are on their way for a while."""


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
        (dead, reclaimed), *_ = hand_overs(rig)
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
