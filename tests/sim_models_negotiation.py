"""Negotiation between the Python models: who starts, what comes of it, fallbacks, errors, and when it is forgotten."""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Phase
from cocotbext.scsi.agreement import ASYNC_8, Agreement, Option, Ppr, Sdtr, Wdtr
from cocotbext.scsi.constants import Extended, Message, Opcode
from cocotbext.scsi.models import (
    Abilities,
    Fault,
    FaultKind,
    Faults,
    InitiatorModel,
    Medium,
    TargetModel,
)
from cocotbext.scsi.models.messages import identify
from cocotbext.scsi.models.negotiation import Request
from helpers.commands import cdb_6
from model_rig import BLOCK, INITIATOR, TARGET, Rig, round_trip

FULL = Abilities(True, 0x09, 31, dt=True, qas=True)
FAST_40 = Abilities(True, 0x0A, 31)
READY = cdb_6(0x00)
OLD = {
    "knows everything": frozenset(Extended),
    "no PPR": frozenset({Extended.WDTR, Extended.SDTR}),
    "no PPR, no WDTR": frozenset({Extended.SDTR}),
    "no PPR, no SDTR": frozenset({Extended.WDTR}),
    "none": frozenset[Extended](),
}
"""What devices of several ages understand."""
OUTCOME = {
    "knows everything": Agreement(0x09, 20, True, Option.DT | Option.QAS),
    "no PPR": Agreement(0x0A, 20, True),
    "no PPR, no WDTR": Agreement(0x0A, 20),
    "no PPR, no SDTR": Agreement(wide=True),
    "none": ASYNC_8,
}


def sides(initiator: InitiatorModel, target: TargetModel) -> Agreement:
    """What both sides hold; they must agree."""
    mine, its = initiator.negotiator.of(target.scsi_id), target.session.negotiator.of(initiator.scsi_id)
    assert mine == its, (mine, its)
    return mine


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(age=list(OLD), by_target=[False, True])
async def fallbacks(dut: Any, age: str, by_target: bool) -> None:
    """PPR, rejected, then WDTR and SDTR, each rejected or not: either side starts, data follow in what was agreed."""
    rig = Rig(dut)
    old = Abilities(True, 0x09, 20, dt=True, qas=True, knows=OLD[age])
    initiator = rig.initiator(abilities=old if by_target else FULL)
    target = rig.target(abilities=FULL if by_target else old, negotiate=by_target, use_qas=False)
    if by_target:
        assert (await initiator.command(TARGET, READY)).good
    else:
        await initiator.negotiate(TARGET)
    assert sides(initiator, target) == OUTCOME[age]
    rejecter = Phase.MSG_OUT if by_target else Phase.MSG_IN
    rejections = sum(phase is rejecter and "07" in (text, text[-2:]) for phase, text in rig.phases())
    assert rejections == len(OLD["knows everything"] - OLD[age])
    await round_trip(initiator, target)
    await rig.finish()


ASKED: dict[str, tuple[Abilities, Request, Agreement]] = {
    "shorter period": (Abilities(True, 0x0C, 31), Sdtr(0x0A, 15), Agreement(0x0C, 15)),
    "longer period": (Abilities(True, 0x0A, 31), Sdtr(0x32, 15), Agreement(0x32, 15)),
    "reserved period": (Abilities(True, 0x09, 31, dt=True), Sdtr(0x09, 15), Agreement(0x0A, 15)),
    "larger offset": (Abilities(True, 0x0A, 7), Sdtr(0x0A, 255), Agreement(0x0A, 7)),
    "offset 0": (FAST_40, Sdtr(0x0A, 0), ASYNC_8),
    "32 bit": (FAST_40, Wdtr(2), Agreement(wide=True)),
    "16 bit of an 8-bit device": (Abilities(False, 0x0A, 15), Wdtr(1), ASYNC_8),
    "DT of an ST device": (FAST_40, Ppr(0x09, 31, 1, Option.DT), Agreement(0x0A, 31, True)),
    "DT of an 8-bit device": (Abilities(False, 0x0A, 9), Ppr(0x09, 31, 1, Option.DT), Agreement(0x0A, 9)),
    "DT, 8 bit": (FULL, Ppr(0x09, 31, 0, Option.DT), Agreement(0x0A, 31)),
    "DT without offset": (FULL, Ppr(0x09, 0, 1, Option.DT), Agreement(wide=True)),
    "information units": (FULL, Ppr(0x08, 31, 1, Option(0xFF)), Agreement(0x09, 31, True, Option.DT | Option.QAS)),
    "QAS alone": (FULL, Ppr(0x0A, 0, 1, Option.QAS), Agreement(wide=True, options=Option.QAS)),
    "QAS in ST transfers": (FULL, Ppr(0x0A, 7, 1, Option.QAS), Agreement(0x0A, 7, True)),
    "DT, slower": (FULL, Ppr(0x19, 2, 1, Option.DT), Agreement(0x19, 2, True, Option.DT)),
}


RESERVED = {
    "reserved period": ("NEG-05",),
    "32 bit": ("NEG-05",),
    "DT, 8 bit": ("NEG-06",),
    "DT without offset": ("NEG-06",),
    "QAS in ST transfers": ("NEG-06",),
}
"""Rules that such a question breaks."""


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(case=list(ASKED))
async def nearest_answer(dut: Any, case: str) -> None:
    """A device that is asked for more than it can do, or for what is reserved, answers with the nearest."""
    rig = Rig(dut)
    abilities, request, outcome = ASKED[case]
    initiator, target = rig.initiator(abilities=FULL), rig.target(abilities=abilities, use_qas=False)
    assert await initiator.negotiate(TARGET, request) == outcome
    assert sides(initiator, target) == outcome
    await round_trip(initiator, target)
    await rig.finish(*RESERVED.get(case, ()))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def renegotiation(dut: Any) -> None:
    """WDTR makes asynchronous, SDTR keeps the width and ends the options, PPR sets all; the target may ask at last."""
    rig = Rig(dut)
    initiator, target = rig.initiator(abilities=FULL), rig.target(abilities=FULL, use_qas=False)
    steps: list[tuple[Request, Agreement]] = [
        (Ppr(0x09, 31, 1, Option.DT | Option.QAS), Agreement(0x09, 31, True, Option.DT | Option.QAS)),
        (Sdtr(0x0C, 8), Agreement(0x0C, 8, True)),
        (Wdtr(1), Agreement(wide=True)),
        (Sdtr(0x19, 4), Agreement(0x19, 4, True)),
        (Wdtr(0), ASYNC_8),
        (Sdtr(0x0A, 31), Agreement(0x0A, 31)),
        (Ppr(0x0A, 15, 1, Option.NONE), Agreement(0x0A, 15, True)),
    ]
    for request, outcome in steps:
        await initiator.negotiate(TARGET, request)
        assert sides(initiator, target) == outcome
        target.medium.written.clear()
        await round_trip(initiator, target)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def kept_per_partner_and_lost(dut: Any) -> None:
    """Two initiators and two targets: four agreements. TARGET RESET ends those of one target, RST all."""
    rig = Rig(dut)
    first = rig.initiator(abilities=FULL)
    second = InitiatorModel(rig.ports[2], 6, abilities=Abilities(True, 0x0C, 7))
    here = rig.target(abilities=FAST_40, negotiate=True)
    there = TargetModel(rig.ports[3], 3, Medium(16, BLOCK), abilities=Abilities(False, 0x19, 3))
    expected = {
        (7, 5): Agreement(0x0A, 31, True),
        (6, 5): Agreement(0x0C, 7, True),
        (7, 3): Agreement(0x19, 3),
        (6, 3): Agreement(0x19, 3),
    }

    def held() -> dict[tuple[int, int], Agreement]:
        return {(i.scsi_id, t.scsi_id): sides(i, t) for i in (first, second) for t in (here, there)}

    for initiator in (first, second):
        for target in (5, 3):
            await initiator.negotiate(target)
    assert held() == expected
    await second.message_out(5, identify(), bytes([Message.TARGET_RESET]))
    assert not here.session.agreements
    # The one who did not send it learns of it by UNIT ATTENTION, and the target negotiates anew.
    second.negotiator.agreements.pop(5)
    await second.command(5, READY)
    await first.command(5, READY)
    assert held() == expected
    await first.reset()
    assert set(held().values()) == {ASYNC_8}
    for initiator in (first, second):
        await initiator.command(3, READY)
        await initiator.command(5, READY)
    assert held() == {pair: agreed if pair[1] == 5 else ASYNC_8 for pair, agreed in expected.items()}
    await rig.finish()


class Generous(Abilities):
    """Grants more than it is asked for."""

    def answer(self, request: Request) -> Request:
        """Anything is possible."""
        match request:
            case Wdtr():
                return Wdtr(2)
            case Sdtr(period, offset):
                return Sdtr(period, offset + 1)
        return Ppr(request.period, request.offset, request.exponent, request.options | Option.QAS)


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(by_target=[False, True])
async def answer_that_exceeds(dut: Any, by_target: bool) -> None:
    """An answer with more than was asked for is rejected; both sides then fall back, and data still arrive."""
    rig = Rig(dut)
    asker, generous = Abilities(True, 0x09, 9, dt=True), Generous(True, 0x09, 31, dt=True)
    initiator = rig.initiator(abilities=generous if by_target else asker)
    target = rig.target(abilities=asker if by_target else generous)
    for request, outcome in (
        (Sdtr(0x0A, 5), ASYNC_8),
        (Ppr(0x09, 9, 1, Option.DT), ASYNC_8),
        (Wdtr(1), ASYNC_8),
    ):
        rejections = sum(text[:2] == "07" for _, text in rig.phases())
        if by_target:
            target.ask_next(request)
            await initiator.command(TARGET, READY)
        else:
            await initiator.negotiate(TARGET, request)
        assert sum(text[:2] == "07" for _, text in rig.phases()) == rejections + 1, rig.phases()
        assert sides(initiator, target) == outcome
        target.medium.written.clear()
        await round_trip(initiator, target)
    await rig.finish("NEG-02", "NEG-03", "NEG-04", "NEG-05")


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(by_target=[False, True])
async def damaged_messages(dut: Any, by_target: bool) -> None:
    """Wrong parity in the question, or in the answer: both come again, and the agreement is the same on both sides."""
    rig = Rig(dut)
    mine, its = Faults(), Faults()
    initiator = rig.initiator(abilities=FULL, faults=mine)
    target = rig.target(abilities=FAST_40, faults=its)
    for number, (faults, phase, index) in enumerate(
        ((mine, Phase.MSG_OUT, 2), (its, Phase.MSG_IN, 3), (mine, Phase.MSG_OUT, 6), (its, Phase.MSG_IN, 6))
    ):
        request = Ppr(0x0A, 4 + number, 1, Option.NONE)
        faults.add(Fault(FaultKind.BAD_PARITY, phase, index))
        if by_target:
            target.ask_next(request)
            assert (await initiator.command(TARGET, READY)).good
        else:
            await initiator.negotiate(TARGET, request)
        assert len(faults.committed) == 1 + number // 2
        assert sides(initiator, target) == request.agreement()
    await round_trip(initiator, target)
    await rig.finish("PAR-01", "PAR-02")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def data_command_that_negotiates(dut: Any) -> None:
    """INQUIRY with the negotiation in front: its own data already go by the new agreement."""
    rig = Rig(dut)
    initiator = rig.initiator(abilities=FULL)
    rig.target(abilities=FULL, use_qas=False)
    result = await initiator.command(TARGET, cdb_6(Opcode.INQUIRY, 36), requests=FULL.requests())
    assert result.good
    assert len(result.data) == 36
    assert [one.phase for one in rig.meter.phases] == [Phase.DT_DATA_IN]
    assert rig.meter.phases[0].reqs == 18 + 2
    assert INITIATOR == 7
    await rig.finish()
