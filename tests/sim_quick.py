"""QAS with RTL initiators and RTL targets: who takes part, who wins, what time it takes."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Kind, Phase
from helpers.commands import read_10, write_10
from initiator_rig import Host
from system_rig import BLOCK, SystemRig, pattern

TEST_UNIT_READY = bytes(6)
QAS = {"qas": True}
BUSY = 0x08
SHORTEST_NS = 3030
"""spi-facts 10b, two-delay reading: ACK of 55h negated to the first ACK of MESSAGE OUT, sum of the minima."""
MAX_RATIO = 1.10


async def quick_hosts(rig: SystemRig, *numbers: int) -> list[Host]:
    """Initiators that have agreed on QAS with every target that can, and have taken its unit attention."""
    hosts = [await rig.host(number, qas=1) for number in numbers]
    for host in hosts:
        await rig.ready(host)
    await rig.mark()
    return hosts


def arbitrations(rig: SystemRig) -> list[tuple[bool, list[int], int | None]]:
    """By QAS, who took part and who won, in order."""
    return [(one.qas, one.contenders, one.winner) for one in rig.of_kind(Kind.ARBITRATION)]


async def wait_phase(rig: SystemRig, phase: Phase) -> None:
    """Until the next phase of this kind has begun."""
    while True:
        await rig.req()
        if rig.phase_now() == phase:
            return


def quick_ns(rig: SystemRig) -> float:
    """From the last ACK of the QAS REQUEST before the last QAS to the first ACK of the MESSAGE OUT after it."""
    place = max(n for n, one in enumerate(rig.seen) if one.kind is Kind.ARBITRATION and one.qas)
    arbitration = rig.seen[place]
    message = next(one for one in rig.seen[place:] if one.kind is Kind.PHASE)
    assert message.phase is Phase.MSG_OUT
    assert message.first_ack_ps is not None
    negated = max(time for time, who in rig.log.changes["ack"] if not who and time <= arbitration.start_ps)
    return (message.first_ack_ps - negated) / 1000


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(clocks=range(4))
async def time_to_the_first_message_byte(dut: Any, clocks: int) -> None:
    """QAS REQUEST to the first ACK of MESSAGE OUT, for an initiator that waits: 3.03 us and at most 10 % more."""
    seed = f"{cocotb.RANDOM_SEED} {clocks}"
    rig = await SystemRig(dut, ids=(5, 4), hosts=2, overrides={5: QAS, 4: QAS}, clock_seed=seed).start()
    seven, six = await quick_hosts(rig, 0, 1)
    await six.send_command(5, read_10(0), data_in=BLOCK)
    await wait_phase(rig, Phase.DATA_IN)
    await seven.send_command(4, TEST_UNIT_READY)
    assert (await six.next_completion()).good
    assert (await seven.next_completion()).good
    assert arbitrations(rig) == [(False, [6], 6), (True, [7], 7)], rig.story()
    took = quick_ns(rig)
    print(f"QAS REQUEST to the first MESSAGE OUT byte: {took:.1f} ns, {took / SHORTEST_NS:.3f} of the minimum")
    assert SHORTEST_NS <= took <= MAX_RATIO * SHORTEST_NS
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def everybody_in_turn(dut: Any) -> None:
    """Two initiators and two targets that call back want the bus when 55h comes; who has no QAS waits for BUS FREE."""
    rig = await SystemRig(dut, ids=(5, 4, 3), hosts=2, overrides={5: QAS, 3: QAS}).start()
    seven, six = await quick_hosts(rig, 0, 1)
    data = pattern()
    await seven.load(data)
    for scsi_id in (5, 4):
        rig.medium(scsi_id).set_latency(60_000)
    await seven.send_command(5, write_10(1), data_out=BLOCK, disc=True, tag=1)
    await rig.until(phase=Phase.MSG_IN, by=5)
    await seven.send_command(4, write_10(1), data_out=BLOCK, disc=True, tag=2)
    await rig.until(phase=Phase.MSG_IN, by=4)
    await six.send_command(3, read_10(0, 4), data_in=4 * BLOCK, addr=1024)
    await wait_phase(rig, Phase.DATA_IN)
    while rig.medium(5).busy or rig.medium(4).busy:
        await rig.req()
    await six.send_command(3, TEST_UNIT_READY)
    ended = [await seven.next_completion(), await seven.next_completion()]
    assert {done.target for done in ended if done.good} == {5, 4}
    assert all(done.good for done in [await six.next_completion(), await six.next_completion()])
    rig.wrote([5, 4], 1, data)
    # 6 has just used the bus but beaten nobody; 5 waits with it, 4 cannot be quick.
    assert arbitrations(rig)[-3:] == [(True, [6, 5], 6), (True, [5], 5), (False, [4], 4)], rig.story()
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def nobody_wants_the_bus(dut: Any) -> None:
    """55h is sent and nobody comes: BUS FREE, and the next command arbitrates."""
    rig = await SystemRig(dut, ids=(5,), overrides={5: QAS}).start()
    (seven,) = await quick_hosts(rig, 0)
    for _ in range(2):
        assert (await seven.command(5, TEST_UNIT_READY)).good
    assert arbitrations(rig) == [(False, [7], 7)] * 2
    assert [data for phase, _, data in rig.phases() if phase is Phase.MSG_IN][-2:] == ["0055", "0055"]
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(cable_ns=[0.0, 40.0])
async def three_initiators_at_random(dut: Any, cable_ns: float) -> None:
    """Three hosts write at random to drives with and without QAS, near or at the ends of long cables: all arrives."""
    rng = random.Random(f"quick {cocotb.RANDOM_SEED} {cable_ns}")
    overrides: dict[int, dict[str, Any]] = {5: dict(QAS), 4: dict(QAS), 7: {}, 6: {}, 2: {}, 3: {}}
    for fields in overrides.values():
        fields["cable_ns"] = rng.choice([0.0, cable_ns])
    rig = await SystemRig(dut, ids=(5, 4, 3), hosts=3, overrides=overrides, cable_ns=cable_ns).start()
    hosts = await quick_hosts(rig, 0, 1, 2)

    async def work(number: int, host: Host) -> None:
        for index in range(1 if cable_ns else 2):
            target, lba = rng.choice([5, 4, 3] if number + index else [5]), 4 * number + index
            data = pattern(salt=(number, index))
            await host.load(data)
            tag = index if rng.random() < 0.7 else None
            options = {"data_out": BLOCK, "disc": rng.random() < 0.7, "tag": tag}
            while (done := await host.command(target, write_10(lba), **options)).status == BUSY:
                await Timer(20, "us")
            assert done.good, rig.story(done)
            rig.wrote([target], lba, data)

    for task in [cocotb.start_soon(work(number, host)) for number, host in enumerate(hosts)]:
        await task
    found = arbitrations(rig)
    assert any(qas for qas, _, _ in found), found
    assert any(not qas for qas, _, _ in found)
    await rig.finish()
