"""The RTL target's answers to WDTR, SDTR and PPR, when they count, and that data then move as agreed."""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from cocotbext.scsi.agreement import ASYNC_8, Agreement, Option, Ppr, Sdtr, Wdtr
from cocotbext.scsi.constants import Message
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.messages import identify
from cocotbext.scsi.models.negotiation import Abilities, Request
from cocotbext.scsi.models.task import Ended
from cocotbext.scsi.transaction import Transfer
from helpers.commands import cdb_6, read_10, write_10
from model_rig import pattern
from target_rig import BLOCK, GROUP, TargetRig, holders

DATA = pattern(BLOCK)
FULL = Abilities(True, 0x09, 63, dt=True, qas=True)
ABILITIES: dict[int, dict[str, Any]] = {
    5: {"period": 0x0A, "offset": 31},
    4: {"period": 0x09, "offset": 63, "dt": True, "qas": True},
    3: {"wide": False},
    2: {"wide": False, "period": 0x0C, "offset": 15, "dt": True, "qas": True},
}
"""By SCSI ID: Fast-40, everything, 8 bit asynchronous, 8 bit Fast-20 that claims to do DT."""
NONE = Option.NONE
DT_QAS = Option.DT | Option.QAS


async def _answer(rig: TargetRig, initiator: Any, target: int, request: Request) -> bytes:
    """The target's answer to a question that is the last message of the first MESSAGE OUT."""
    result = await initiator.command(target, cdb_6(0x03, 18), requests=[request])
    assert result.good, result
    found: bytes = next(one for one in result.messages_in if one[0] == Message.EXTENDED)
    assert rig.monitor.transactions
    return found


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def answers(dut: Any) -> None:
    """The nearest to what was asked that the drive can do: never a shorter period, a larger offset, another option."""
    rig = await TargetRig(dut, ids=(5, 4, 3, 2), overrides=ABILITIES).start()
    initiator = rig.initiator(abilities=FULL)
    table: tuple[tuple[int, Request, Request], ...] = (
        (5, Wdtr(1), Wdtr(1)),
        (5, Wdtr(0), Wdtr(0)),
        (5, Sdtr(0x0A, 63), Sdtr(0x0A, 31)),
        (5, Sdtr(0x19, 8), Sdtr(0x19, 8)),
        (5, Sdtr(0x19, 0), Sdtr(0x19, 0)),
        (5, Ppr(0x09, 63, 1, DT_QAS), Ppr(0x0A, 31, 1, NONE)),
        (5, Ppr(0x0C, 20, 0, NONE), Ppr(0x0C, 20, 0, NONE)),
        (4, Ppr(0x09, 127, 1, DT_QAS), Ppr(0x09, 63, 1, DT_QAS)),
        (4, Ppr(0x09, 127, 1, Option.DT), Ppr(0x09, 63, 1, Option.DT)),
        (4, Ppr(0x0A, 5, 1, NONE), Ppr(0x0A, 5, 1, NONE)),
        (4, Ppr(0x0A, 0, 1, Option.QAS), Ppr(0x0A, 0, 1, Option.QAS)),
        (4, Sdtr(0x0A, 63), Sdtr(0x0A, 63)),
        (3, Wdtr(1), Wdtr(0)),
        (3, Sdtr(0x0C, 15), Sdtr(0x0C, 0)),
        (3, Ppr(0x09, 31, 1, DT_QAS), Ppr(0x0A, 0, 0, NONE)),
        (2, Sdtr(0x0A, 31), Sdtr(0x0C, 15)),
        (2, Ppr(0x09, 31, 1, DT_QAS), Ppr(0x0C, 15, 0, NONE)),
    )
    for target, asked, answer in table:
        assert (await _answer(rig, initiator, target, asked)).hex() == answer.encode().hex(), (target, asked)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def data_as_agreed(dut: Any) -> None:
    """8 and 16 bit, asynchronous, ST and DT, to drives of mixed ability: a block written and read back."""
    rig = await TargetRig(dut, ids=(5, 4, 3, 2), overrides=ABILITIES).start()
    initiator = rig.initiator(abilities=FULL)
    agreed = {
        5: (Agreement(0x0A, 31, True), Transfer.ST),
        4: (Agreement(0x09, 63, True, DT_QAS), Transfer.DT),
        3: (ASYNC_8, Transfer.ASYNC),
        2: (Agreement(0x0C, 15), Transfer.ST),
    }
    for target, (agreement, transfer) in agreed.items():
        await rig.ready(initiator, target)
        assert await initiator.negotiate(target) == agreement
        for tag in (None, 1):
            before = len(rig.of_kind(Kind.PHASE))
            assert (await initiator.command(target, write_10(2), data_out=DATA, tag=tag)).good
            result = await initiator.command(target, read_10(2), tag=tag)
            assert (result.good, result.data) == (True, DATA)
            phases = rig.of_kind(Kind.PHASE)[before:]
            assert [one.transfer for one in phases if len(one.data) == BLOCK] == [transfer] * 2
        rig.image(target, b2=DATA)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def when_an_answer_counts(dut: Any) -> None:
    """Damaged on its way: once it has come whole. Refused: 8 bit, or the old width. Reset: 8 bit asynchronous."""
    rig = await TargetRig(dut, ids=(4,), overrides=ABILITIES).start()
    faults = Faults()
    initiator = rig.initiator(abilities=FULL, faults=faults)
    await rig.ready(initiator)
    full = Agreement(0x09, 63, True, DT_QAS)

    async def moves(transfer: Transfer, *, wide: bool) -> None:
        """The next block goes like that."""
        assert (await initiator.command(4, write_10(1), data_out=DATA)).good
        last = [one for one in rig.of_kind(Kind.PHASE) if len(one.data) == BLOCK][-1]
        assert (last.transfer, last.wide) == (transfer, wide)

    for index in (0, 4, 7):
        faults.add(Fault(FaultKind.SEE_BAD_PARITY, Phase.MSG_IN, index))
        assert await initiator.negotiate(4) == full
        await moves(Transfer.DT, wide=True)
    assert not faults.pending
    await initiator.message_out(4, identify(), bytes([Message.TARGET_RESET]))
    initiator.agreements.clear()
    await rig.ready(initiator)
    await moves(Transfer.ASYNC, wide=False)
    assert await initiator.negotiate(4) == full
    assert await initiator.negotiate(4, Sdtr(0x0A, 9)) == Agreement(0x0A, 9, True)
    await moves(Transfer.ST, wide=True)
    assert await initiator.negotiate(4, Wdtr(1)) == Agreement(wide=True)
    await moves(Transfer.ASYNC, wide=True)
    await rig.reset_bus()
    await rig.ready(initiator)
    await moves(Transfer.ASYNC, wide=False)
    await rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def negotiation_out_of_place(dut: Any) -> None:
    """Wrong lengths are rejected; ATN that is not negated frees the bus; a reserved code is rejected."""
    rig = await TargetRig(dut, ids=(4,), overrides=ABILITIES, allow_unexpected_free=True).start()
    faults = Faults()
    initiator = rig.initiator(abilities=FULL, faults=faults)
    await rig.ready(initiator)
    for message in ("01020101", "010303090a", "0105040900080100", "010002"):
        result = await initiator.message_out(4, identify(), bytes.fromhex(message))
        assert result.messages_in[0] == bytes([Message.MESSAGE_REJECT]), message
    result = await initiator.message_out(4, identify(), Wdtr(1).encode(), bytes([Message.NO_OPERATION]))
    assert result.ended is Ended.BUS_FREE
    assert await initiator.negotiate(4) == Agreement(0x09, 63, True, DT_QAS)
    await rig.finish("ATN-04", "ATN-07", "MSG-04")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def mirrored_as_agreed(dut: Any) -> None:
    """A leader with DT, a participant with ST and one with DT: each copy under its own agreement, DT takers settle."""
    overrides: dict[int, dict[str, Any]] = {
        5: {"period": 0x09, "offset": 63, "dt": True},
        4: {"period": 0x0A, "offset": 31},
        3: {"period": 0x09, "offset": 63, "dt": True},
    }
    rig = await TargetRig(dut, overrides=overrides).start()
    initiator = rig.initiator(abilities=FULL)
    for target, yz in GROUP:
        await rig.ready(initiator, target)
        assert (await initiator.negotiate(target)).is_sync
        assert (await initiator.query(target, yz, last=target == 3)).accepted
    result = await initiator.mirror_write(GROUP, 3, DATA, tag=1)
    assert result.good, result
    assert result.order == [5, 4, 3]
    assert holders(rig, DATA, 3) == [5, 4, 3]
    blocks = [one.transfer for one in rig.of_kind(Kind.PHASE) if len(one.data) == BLOCK]
    assert blocks == [Transfer.DT, Transfer.ST, Transfer.DT]
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def one_question_after_another(dut: Any) -> None:
    """WDTR, and SDTR with ATN raised before the last ACK of the first answer: both answers count."""
    rig = await TargetRig(dut, ids=(5,), overrides=ABILITIES).start()
    initiator = rig.initiator(abilities=FULL)
    await rig.ready(initiator)
    for width in (1, 0):
        agreement = await initiator.negotiate(5, Wdtr(width), Sdtr(0x0A, 31))
        assert agreement == Agreement(0x0A, 31, wide=bool(width))
        result = await initiator.command(5, read_10(0))
        assert result.good
        phase = next(one for one in reversed(rig.monitor.transactions) if one.transfer is Transfer.ST)
        assert (phase.wide, phase.transfers) == (bool(width), BLOCK // (1 + width))
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def data_again_after_a_wrong_crc(dut: Any) -> None:
    """The initiator sees a wrong CRC in DT DATA IN: RESTORE POINTERS, the same data, P_CRCA false from its start."""
    faults = Faults()
    rig = await TargetRig(dut, ids=(4,), overrides=ABILITIES).start()
    initiator = rig.initiator(abilities=FULL, faults=faults)
    await rig.ready(initiator)
    await initiator.negotiate(4, Ppr(0x09, 63, 1, Option.DT))
    faults.add(Fault(FaultKind.SEE_BAD_CRC, Phase.DT_DATA_IN, 0))
    result = await initiator.command(4, read_10(0))
    assert not faults.pending
    assert (result.good, len(result.data)) == (True, BLOCK)
    assert bytes([Message.RESTORE_POINTERS]) in result.messages_in
    assert sum(one.phase is Phase.DT_DATA_IN for one in rig.monitor.transactions) == 2
    await rig.finish()
