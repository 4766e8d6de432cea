"""A mirroring group on a 25 m cable: devices at any place on it, and the windows of every hand-over at both devices.

Three devices on a cable are, exactly, a star with its centre at the middle one. Four are in the star at least as far
from each other as on a cable: legs of half its length put all pairs at its two ends at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from cocotbext.scsi import Kind, Transaction
from group_rig import FAST_20, FAST_40, FAST_80, GroupRig
from helpers.hand_over import HandOverLog
from initiator_rig import Host

NS_PER_M = 5.0
CABLE_M = 25.0
HALF_NS = CABLE_M * NS_PER_M / 2
INITIATOR, LEADER, SECOND, THIRD = 7, 5, 4, 3
ALL = (INITIATOR, LEADER, SECOND, THIRD)
PART_STALL_US, STALL_US = 30, 80
TIMERS = {"part_stall_us": PART_STALL_US, "stall_us": STALL_US, "holdoff_us": 20}
GROUP = 1
HAND_OVERS = ("switch_role", "next_block", "report")
"""Notes of the messages after which another target takes the lines."""


async def start(
    dut: Any, second: Mapping[str, Any] = FAST_20, *, retries: int = 0, **fields: Any
) -> tuple[GroupRig, Host]:
    """Drives (Fast-80 DT, `second`, Fast-40) in a group, at the ends of their legs."""
    overrides: dict[int, dict[str, Any]] = {LEADER: FAST_80, SECOND: {**second}, THIRD: FAST_40}
    for one in ALL:
        overrides[one] = {**overrides.get(one, {}), "cable_ns": HALF_NS}
    rig = await GroupRig(dut, overrides=overrides, timers=TIMERS, cable_ns=HALF_NS, **fields).start()
    (host,) = await rig.all_hosts(RETRIES=retries, HANG_TIMEOUT_US=300, STATUS_TIMEOUT_US=800)
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


def hand_overs(rig: GroupRig) -> list[tuple[Transaction, Transaction]]:
    """Each message since the mark that names who takes next, with the phase after it."""
    seen = rig.of_kind(Kind.PHASE)
    return [(one, after) for one, after in itertools.pairwise(seen) if one.note in HAND_OVERS]


def judge(rig: GroupRig, log: HandOverLog, count: int, *, data_out: bool = True) -> None:
    """So many hand-overs since the mark, each in its windows at both devices; those that ended in a reclaim aside.

    `data_out`: the operation is a write. Else, and for a status, the first REQ has no time of its own.
    """
    found = [pair for pair in hand_overs(rig) if pair[1].note != "reclaimed"]
    assert len(found) == count, rig.story()
    for message, after in found:
        assert message.by is not None
        assert after.by is not None
        assert message.last_ack_ps is not None
        seen = log.hand_over(message.last_ack_ps, message.by, after.by)
        complaints = seen.complaints(at_once=data_out and message.note != "report")
        assert not complaints, rig.story((message.note, message.by, after.by, log.legs_ns, complaints))
