"""What the tests of faults share: the seed's group with short timers, a mirrored write, and how it must have ended."""

from __future__ import annotations

from typing import Any

from cocotbext.scsi import Phase, Transaction
from group_rig import FAST_40
from helpers.commands import write_10
from initiator_rig import GOOD, OK, Host
from system_rig import BLOCK, GROUP, SystemRig, pattern

OUT, IN, DATA = Phase.MSG_OUT, Phase.MSG_IN, Phase.DATA_OUT
PARTICIPANT_STALL_US, LEADER_STALL_US, HANG_US, STATUS_US = 30, 80, 200, 400
TIMERS = {"part_stall_us": PARTICIPANT_STALL_US, "stall_us": LEADER_STALL_US, "holdoff_us": 20}
UNIT_ATTENTION = 0x06


async def start(
    dut: Any, *, allow_unexpected_free: bool = False, fast: bool = False, **registers: int
) -> tuple[SystemRig, Host]:
    """The seed's group, enrolled, with timers that a simulation can wait for. `fast`: data go by Fast-40."""
    transfers = FAST_40 if fast else {}
    drives = {scsi_id: transfers for scsi_id, _ in GROUP}
    rig = SystemRig(dut, overrides=drives, timers=TIMERS, allow_unexpected_free=allow_unexpected_free)
    await rig.start()
    timeouts = {"HANG_TIMEOUT_US": HANG_US, "STATUS_TIMEOUT_US": STATUS_US}
    host = await rig.host(**{**timeouts, **transfers, **registers})
    await rig.group(host)
    return rig, host


async def begin(rig: SystemRig, host: Host, lba: int, *, salt: object = "") -> bytes:
    """Hand over a mirrored write to all three; returns its data."""
    await rig.mark()
    data = pattern(salt=(lba, salt))
    await host.load(data)
    await host.send_mirror_write([0, 1, 2], lba, BLOCK, tag=lba + 1)
    return data


async def ends(rig: SystemRig, host: Host, lba: int, data: bytes, **expected: tuple[int, int]) -> None:
    """Results by target, `id5=(result, status)`; a target not named is GOOD. GOOD media must hold the data."""
    done = await host.next_completion()
    found = {one.target: (one.result, one.status if one.result == OK else 0) for one in done.members}
    assert found == {scsi_id: expected.get(f"id{scsi_id}", (OK, GOOD)) for scsi_id, _ in GROUP}, rig.story(done)
    rig.wrote([scsi_id for scsi_id, result in found.items() if result == (OK, GOOD)], lba, data)
    await rig.quiet()
    rig.compare_media()


async def plain_retry(rig: SystemRig, host: Host, target: int, lba: int, data: bytes) -> None:
    """Section 8, method C: an ordinary write of the block that lies in the buffer still."""
    done = await host.command(target, write_10(lba), data_out=BLOCK)
    assert done.good, rig.story(done)
    rig.wrote([target], lba, data)


async def still_works(rig: SystemRig, host: Host, lba: int) -> None:
    """A mirrored write to all three that is GOOD everywhere."""
    await rig.mirror(host, [0, 1, 2], lba, pattern(salt=("still", lba)), tag=0x70 + lba)


def noted(rig: SystemRig, note: str) -> list[Transaction]:
    """Transactions of the operation with this meaning."""
    return [one for one in rig.seen if one.note == note]


async def initialise_again(rig: SystemRig, host: Host) -> None:
    """After RST: enrolments are gone, every target has a UNIT ATTENTION; then the group works as before."""
    rig.compare_media()
    assert await host.read("ENROLLED") == 0
    assert await host.read("AGREEMENT") == 0
    for scsi_id, _ in GROUP:
        assert await rig.sense(host, scsi_id) == (UNIT_ATTENTION, 0x2902), scsi_id
    await rig.enrol(host)
    await still_works(rig, host, 7)
