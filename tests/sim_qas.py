"""Arbitration of any set of devices, QAS and fairness: RTL arbitration sides of up to 14 devices, Python ports."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from arbitration_rig import DEVICES, ArbiterRig
from helpers.arbitration import BUS_CLEAR, BUS_FREE, NS, Device, Fairness, Judge

QAS_REQUEST = b"\x55"
COMPLETE = b"\x00"


async def rig_of(dut: Any, *devices: Device, salt: object = "") -> ArbiterRig:
    """These devices in slots 0, 1, ..., the Python pair connected."""
    rig = await ArbiterRig(dut, dict(enumerate(devices))).start(salt)
    await rig.connect()
    return rig


def wins(judge: Judge) -> list[tuple[bool, tuple[int, ...]]]:
    """By QAS, and the IDs that asked for the bus; without the Python pair's own."""
    return [(one.qas, one.contenders) for one in judge.wins[1:]]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def selection_and_reselection_by_qas(dut: Any) -> None:
    """The highest gets the bus after 55h without BSY, its partner answers; the others come by normal arbitration."""
    rig = await rig_of(
        dut,
        Device(7, peer=5, qas=True),
        Device(6, peer=5, qas=True, reselect=True),
        Device(5, qas=True),
        Device(4, peer=5),
    )
    rig.ask(s0=1, s1=1, s3=1)
    await rig.message_in(COMPLETE + QAS_REQUEST)
    assert await rig.offer()
    await rig.served()
    judge = rig.judge()
    assert wins(judge) == [(True, (7, 6)), (False, (6, 4)), (False, (4,))]
    assert rig.met()[:4] == [1, 1, 3, 1]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def reselection_wins_qas(dut: Any) -> None:
    """A target asks alone: I/O, not ATN, goes ahead of the other ID."""
    rig = await rig_of(dut, Device(3, peer=7, qas=True, reselect=True), Device(7))
    rig.ask(s0=1)
    await rig.message_in(QAS_REQUEST)
    assert await rig.offer()
    await rig.served()
    assert wins(rig.judge()) == [(True, (3,))]
    assert rig.met()[:2] == [1, 1]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def nobody_wants_the_bus(dut: Any) -> None:
    """No ID, no SEL: the sender gives up and the bus is free; who asks later arbitrates."""
    rig = await rig_of(dut, Device(7, peer=5, qas=True), Device(5, qas=True))
    await rig.message_in(QAS_REQUEST)
    assert not await rig.offer()
    await Timer(5, "us")
    rig.ask(s0=1)
    await rig.served()
    judge = rig.judge()
    assert wins(judge) == [(False, (7,))]
    assert len(judge.unwanted) == 1


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(late_ns=[0, 60, 120, 220, 500, 1500])
async def asking_late(dut: Any, late_ns: int) -> None:
    """Who asks too late for the assertion delay stays out of this QAS phase; the judge checks those that do not."""
    rig = await rig_of(dut, Device(7, peer=5, qas=True), Device(6, peer=5, qas=True), Device(5, qas=True))
    rig.ask(s1=1)
    await rig.message_in(QAS_REQUEST)
    offer = cocotb.start_soon(rig.offer())
    await Timer(late_ns + 1, "ns")
    rig.ask(s0=1)
    assert await offer
    await rig.served()
    found = wins(rig.judge())
    first = (True, (7, 6)) if late_ns <= 120 else (True, (6,))
    assert found[0] == first, found
    assert found[1] == (False, (6,) if late_ns <= 120 else (7,))


MESSAGES = {
    "alone": ([("in", QAS_REQUEST)], True),
    "after DISCONNECT": ([("in", b"\x04\x55")], True),
    "after SAVE DATA POINTER": ([("in", b"\x02"), ("in", b"\x04\x55")], True),
    "second byte of two": ([("in", b"\x23\x55")], False),
    "after a message of two": ([("in", b"\x23\x01\x55")], True),
    "in an extended message": ([("in", b"\x01\x03\x01\x55\x55")], False),
    "its length": ([("in", b"\x01\x02\x03\x01\x55")], True),
    "last of a vendor message": ([("in", b"\x01\x03\x80\x00\x55")], False),
    "another one follows": ([("in", b"\x55\x00")], False),
    "wrong parity": ([("in bad", QAS_REQUEST)], False),
    "wrong parity before it": ([("in bad", b"\x04\x55")], False),
    "ATN": ([("in atn", QAS_REQUEST)], False),
    "sent again after MESSAGE PARITY ERROR": (
        [("in atn", QAS_REQUEST), ("out", b"\x09"), ("in", QAS_REQUEST)],
        False,
    ),
    "sent again, wrong parity at first": (
        [("in bad atn", QAS_REQUEST), ("out", b"\x09"), ("in", QAS_REQUEST)],
        False,
    ),
    "after NO OPERATION": ([("in atn", QAS_REQUEST), ("out", b"\x08"), ("in", QAS_REQUEST)], True),
    "another message sent again": ([("in atn", b"\x04"), ("out", b"\x09"), ("in", b"\x04\x55")], True),
    "two of them": ([("in atn", QAS_REQUEST), ("out", b"\x09"), ("in", b"\x00"), ("in", QAS_REQUEST)], True),
    "in MESSAGE OUT": ([("in atn", b"\x04"), ("out", QAS_REQUEST)], False),
    "something else": ([("in", b"\x04")], False),
}


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(case=list(MESSAGES))
async def what_counts_as_qas_request(dut: Any, case: str) -> None:
    """The same end of a connection after different messages: a QAS phase, or nothing but BUS FREE."""
    steps, opens = MESSAGES[case]
    rig = await rig_of(dut, Device(7, peer=5, qas=True), Device(5, qas=True))
    rig.ask(s0=1)
    for kind, data in steps:
        if kind == "out":
            await rig.message_out(data)
        else:
            await rig.message_in(data, atn="atn" in kind, bad=0 if "bad" in kind else None)
    assert await rig.offer() == opens
    rig.initiator.release()
    await rig.served()
    assert wins(rig.judge()) == [(opens, (7,))]


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(skew_ns=[0, 6, 12])
async def bus_free_is_no_qas_phase(dut: Any, skew_ns: int) -> None:
    """A sender that lets BSY go with, or a little after, the lines: nobody puts an ID on the bus."""
    rig = await rig_of(dut, Device(7, peer=5, qas=True), Device(5, qas=True))
    rig.ask(s0=1)
    await rig.message_in(QAS_REQUEST)
    rig.target.drive(msg=0, cd=0, io=0)
    await Timer(skew_ns or 1, "ns" if skew_ns else "ps")
    rig.free()
    freed = rig.sampler.now_ps()
    await rig.served()
    asked = next(one.time_ps for one in rig.trace.samples if one.time_ps > freed + 1 and one.value)
    assert asked - freed >= BUS_FREE * NS, f"a wire is asserted {asked - freed} ps after BUS FREE"
    assert wins(rig.judge()) == [(False, (7,))]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def sender_goes_on(dut: Any) -> None:
    """After IDs are on the bus the sender drives another phase: everybody leaves DB alone again."""
    rig = await rig_of(dut, Device(7, peer=5, qas=True), Device(6, peer=5, qas=True), Device(5, qas=True))
    rig.ask(s0=1, s1=1)
    await rig.message_in(QAS_REQUEST)
    rig.target.drive(msg=0, cd=0, io=0)
    await Timer(300, "ns")
    assert int(dut.bus_all.value) >> 9 & 0xFFFF == 0xC0
    rig.target.drive(cd=1)
    await Timer(100, "ns")
    assert not int(dut.bus_all.value) >> 9
    await Timer(3, "us")
    assert not int(dut.bus_sel.value)
    rig.free()
    await rig.served()
    assert [one[0] for one in wins(rig.judge())] == [False, False]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def sender_keeps_bsy(dut: Any) -> None:
    """BSY that stays after SEL is no answer: the winner names nobody, gives up and asks again when the bus is free."""
    rig = await rig_of(dut, Device(7, peer=5, qas=True), Device(5, qas=True))
    rig.ask(s0=1)
    await rig.message_in(QAS_REQUEST)
    assert await rig.offer(keep_ns=8000)
    await Timer(20, "us")
    assert not int(dut.bus_all.value)
    assert rig.met()[:2] == [0, 0]
    for one in rig.trace.samples:
        assert not one.slot(0) >> 9 & 1 << 5, "the other ID was named"
    rig.ask(s0=1)
    await rig.served()
    assert rig.met()[:2] == [1, 1]


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(at_ns=[100, 600, 1040, 1500, 2060, 2200, 2500])
async def rst_during_qas(dut: Any, at_ns: int) -> None:
    """RST at any moment: everything released in 800 ns; afterwards everybody who still asks gets the bus."""
    rig = await rig_of(dut, Device(7, peer=5, qas=True), Device(6, peer=5, qas=True), Device(5, qas=True))
    rig.ask(s0=1, s1=1)
    await rig.message_in(QAS_REQUEST)
    rig.target.drive(msg=0, cd=0, io=0)
    release = cocotb.start_soon(_bsy_until_sel(rig))
    await Timer(at_ns, "ns")
    release.cancel()
    await rig.reset()
    await rig.served()
    found = wins(rig.judge())
    assert found[-1] == (False, (6,))
    assert not any(one[0] for one in found[1:])


async def _bsy_until_sel(rig: ArbiterRig) -> None:
    await rig.sel()
    await Timer(10, "ns")
    rig.target.drive(bsy=0)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(qas=[False, True], reset=[False, True])
async def selection_time_out(dut: Any, qas: bool, reset: bool) -> None:
    """Nobody answers, by both procedures: RST, or DB released and SEL kept for 200 us + 90 ns."""
    rig = await rig_of(dut, Device(7, peer=2, qas=qas, sel_reset=reset), Device(6, peer=5), Device(5))
    rig.ask(s0=1)
    if qas:
        await rig.message_in(QAS_REQUEST)
        assert await rig.offer()
    else:
        rig.free()
        await rig.sel()
    begun = rig.sampler.now_ps()
    rig.ask(s1=1)
    if reset:
        rig.cuts.append(begun + 22_000 * NS)
    await rig.served()
    samples = [one for one in rig.trace.samples if one.time_ps > begun]
    named = next(one.time_ps for one in samples if one.slot(0) >> 9 & 4)
    bare = next(one for one in samples if one.time_ps > named and not one.slot(0) >> 9 & 0xFFFF)
    assert 20_000 * NS <= bare.time_ps - named <= 21_000 * NS
    if reset:
        rst = next(one.time_ps for one in samples if one.rst)
        assert 0 < bare.time_ps - rst <= BUS_CLEAR * NS
        assert not any(one.sel for one in samples if one.rst and one.time_ps > bare.time_ps)
        assert sum(one.rst for one in samples) > 0
    else:
        assert not any(one.rst for one in samples)
        end = next(one.time_ps for one in samples if one.time_ps > bare.time_ps and not one.slot(0))
        assert bare.slot(0) & 1 << 1
        assert 200_090 * NS <= end - bare.time_ps <= 203_000 * NS
    assert rig.met()[:3] == [0, 1, 1]


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(fair=[False, True], qas=[False, True])
async def always_the_highest_or_each_in_turn(dut: Any, fair: bool, qas: bool) -> None:
    """Three devices that always want the bus: by priority without fairness; with it, or by QAS, each in turn."""
    rig = await rig_of(
        dut,
        Device(7, peer=5, qas=qas, fair=fair),
        Device(6, peer=5, qas=qas, fair=fair),
        Device(15, peer=5, qas=qas, fair=fair),
        Device(5, qas=qas, ends_by_qas=qas),
    )
    rig.ask(s0=3, s1=3, s2=3)
    await (rig.message_in(QAS_REQUEST) if qas else Timer(1, "ns"))
    if qas:
        assert await rig.offer()
    else:
        rig.free()
    await rig.served()
    judge = rig.judge()
    order = [contenders[0] for _, contenders in wins(judge)]
    assert all(one[0] == qas for one in wins(judge))
    assert order == ([7, 6, 15] * 3 if fair or qas else [7] * 3 + [6] * 3 + [15] * 3)


def random_devices(rng: random.Random) -> dict[int, Device]:
    """Two to 14 devices of any kind with any IDs but those of the Python pair, each with a partner among the others."""
    count = rng.randint(2, DEVICES)
    ids = rng.sample([one for one in range(16) if one not in (8, 9)], count)
    devices = {}
    for slot, scsi_id in enumerate(ids):
        qas = rng.random() < 0.7
        devices[slot] = Device(
            scsi_id,
            peer=rng.choice([one for one in ids if one != scsi_id]),
            reselect=rng.random() < 0.5,
            qas=qas,
            fair=rng.random() < 0.5,
            ends_by_qas=qas and rng.random() < 0.8,
        )
    return devices


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(number=range(12))
async def any_set_of_contenders(dut: Any, number: int) -> None:
    """Who takes part and who wins each arbitration, by QAS or not, is what priority and the fairness registers say."""
    rng = random.Random(f"contenders {cocotb.RANDOM_SEED} {number}")
    devices = random_devices(rng)
    rig = await ArbiterRig(dut, devices).start(number)
    await rig.connect()
    left = {slot: rng.randint(0, 3) for slot in devices}
    rig.ask(**{f"s{slot}": times for slot, times in left.items()})
    if rng.random() < 0.7:
        await rig.message_in(QAS_REQUEST)
        await rig.offer()
    else:
        rig.free()
    await rig.served()
    judge = rig.judge()
    follow(judge, devices, left)
    assert not any(left.values()), left
    assert sum(rig.met()) == 2 * (len(judge.wins) - 1)


def follow(judge: Judge, devices: dict[int, Device], left: dict[int, int]) -> None:
    """Compare each arbitration with who asks for the bus and may have it; `left` counts down."""
    fairness = Fairness(devices)
    fairness.seen(False, judge.wins[0].contenders)
    events = [(one.sel_ps, one) for one in judge.wins[1:]] + [(time, None) for time in judge.unwanted]
    for time, win in sorted(events, key=lambda event: event[0]):
        qas = win is None or win.qas
        asking = [slot for slot in devices if left[slot]]
        if win is not None and not qas and not any(fairness.may(slot, False) for slot in asking):
            fairness.idle()
        expected = {devices[slot].scsi_id for slot in asking if fairness.may(slot, qas)}
        contenders = win.contenders if win is not None else ()
        assert set(contenders) == expected, f"at {time} ps: {contenders}, expected {expected}; QAS: {qas}"
        fairness.seen(qas, contenders)
        if win is not None:
            left[win.winner] -= 1


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(number=range(4))
async def time_of_qas(dut: Any, number: int) -> None:
    """From the lines false to the release of SEL: 2580 ns by the minima (spi-facts 10b 1 to 6), at most 10 % more."""
    rig = await rig_of(dut, Device(7, peer=5, qas=True), Device(5, qas=True), salt=number)
    rig.ask(s0=1)
    await rig.message_in(QAS_REQUEST)
    acknowledged = rig.acknowledged_ps
    assert await rig.offer()
    await rig.served()
    assert wins(rig.judge()) == [(True, (7,))]
    end = next(one.time_ps for one in rig.trace.samples if one.time_ps > acknowledged + 2000 * NS and not one.sel)
    took = (end - acknowledged) / NS - 40  # the pair of this rig takes 40 ns to let the lines go
    print(f"lines false after 55h to SEL false: {took:.1f} ns, {took / 2580:.3f} of the minimum")
    assert 2580 <= took <= 1.1 * 2580
