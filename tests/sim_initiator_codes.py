"""The RTL initiator at the ends of what can come: message codes, CDBs, IDs of a reselection, too many completions."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi import Phase
from cocotbext.scsi.constants import Message
from cocotbext.scsi.models.arbitration import arbitrate, name_and_wait
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.port import M_FREE
from helpers.scripted_target import ScriptedTarget
from initiator_rig import (
    BAD_DESCRIPTOR,
    INITIATOR,
    IRQ_COMPLETION,
    IRQ_OVERFLOW,
    TARGET,
    TEST_UNIT_READY,
    InitiatorRig,
)

REJECT = bytes([Message.MESSAGE_REJECT])
UNDERSTOOD = (0x00, 0x01, 0x02, 0x03, 0x04, 0x07)
"""One-byte messages that an initiator takes; 01h begins an extended one. 55h is taken in its place only."""
ONE_BYTE = [code for code in (*range(0x20), *range(0x30, 0x80)) if code not in UNDERSTOOD]
TWO_BYTES = [code for code in range(0x20, 0x30) if code != Message.IGNORE_WIDE_RESIDUE]
EXTENDED = [bytes([1, 2, code, 0]) for code in (0x00, 0x02, 0x04, 0x7F, 0x80, 0x8F, 0xFF)]
CDBS = ((0x12, 6), (0x25, 10), (0x5A, 10), (0x9E, 16), (0xA8, 12), (0x7F, 16), (0xC0, 10), (0xFF, 16))
"""Operation code, and the bytes that the target asks for."""
BROKEN = ("MSG-03", "MSG-04", "MSG-06", "MSG-09", "QAS-01")
"""Rules of the checker: no such message, no such form, tag out of place, nothing was damaged, no agreement on QAS."""


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def every_message_in(dut: Any) -> None:
    """Whatever the initiator does not know, or not there, is rejected; the connection goes on to GOOD (spi-facts 6)."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    wrong = [*(bytes([one]) for one in ONE_BYTE), *(bytes([one, 1]) for one in TWO_BYTES), *EXTENDED]
    for first in range(0, len(wrong), 32):
        await host.send_command(TARGET, TEST_UNIT_READY)
        await target.selected()
        await target.command()
        for message in wrong[first : first + 32]:
            await target.say(*message)
            assert target.attention, f"{message.hex()} is taken"
            assert await target.messages() == REJECT, message.hex()
        await target.complete()
        assert (await host.next_completion()).good
    said = [text for phase, text in rig.phases() if phase is Phase.MSG_IN]
    assert [bytes.fromhex(text) for text in said if text != "00"] == wrong
    await rig.finish(*BROKEN)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def every_length_of_cdb(dut: Any) -> None:
    """6, 10, 12 and 16 bytes by the group of the operation code; of other groups what the target asks for, up to 16."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    for opcode, length in (
        (0x12, 6),
        (0x25, 10),
        (0x5A, 10),
        (0x9E, 16),
        (0xA8, 12),
        (0x7F, 16),
        (0xC0, 10),
        (0xFF, 16),
    ):
        cdb = bytes([opcode, *range(opcode & 0x7F, (opcode & 0x7F) + 15)])
        await host.send_command(TARGET, cdb)
        await target.selected()
        assert await target.take(Phase.COMMAND, length) == cdb[:length]
        await target.complete()
        assert (await host.next_completion()).good
    await rig.finish()


async def try_to_reselect(target: ScriptedTarget, ids: int, faults: Faults) -> bool:
    """A reselection with these IDs and good parity, or what `faults` has; does anybody answer within 60 us?"""
    port = target.port
    await port.wait(lambda lines: bool(lines & M_FREE))
    await Timer(900, "ns")
    assert await arbitrate(port, TARGET)
    port.drive(io=1)
    return await name_and_wait(port, ids, 60_000, faults)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def reselections_not_answered(dut: Any) -> None:
    """Three IDs, one ID, wrong parity: nobody answers. Then the right one ends the task."""
    rig = InitiatorRig(dut)
    host, target = await rig.scripted()
    await host.send_command(TARGET, TEST_UNIT_READY, tag=3, disc=True)
    await target.selected()
    await target.command()
    await target.disconnect()
    own, mine = 1 << TARGET, 1 << INITIATOR
    for ids in (own | mine | 1, mine):
        assert not await try_to_reselect(target, ids, Faults()), f"{ids:04x}"
    assert not await try_to_reselect(target, own | mine, Faults(Fault(FaultKind.BAD_PARITY, None)))
    await target.come_back(INITIATOR, 3)
    await target.complete()
    assert (await host.next_completion()).good
    await rig.finish("SEL-01", "SEL-02")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def more_completions_than_places(dut: Any) -> None:
    """Nobody takes them: the queue keeps the oldest ones, OVERFLOW tells of the loss; FLUSH empties it."""
    rig = InitiatorRig(dut)
    host = await rig.host()
    rig.target_at()
    sent = 0
    while not await host.read("IRQ_STATUS") & IRQ_OVERFLOW:
        assert sent < 100
        await host.submit({"OPCODE": 15, "TARGET": TARGET, "TAG": sent})
        sent += 1
    kept = await host.read("STATUS", "COMPLETIONS")
    assert 32 < kept < sent
    found = [await host.next_completion() for _ in range(kept - 5)]
    assert [(one.tag, one.result) for one in found] == [(tag, BAD_DESCRIPTOR) for tag in range(kept - 5)]
    assert await host.read("STATUS", "COMPLETIONS") == 5
    await host.port.write("CONTROL", 2)
    assert await host.read("STATUS", "COMPLETIONS") == 0
    await host.port.write("IRQ_STATUS", IRQ_COMPLETION | IRQ_OVERFLOW)
    assert await host.read("IRQ_STATUS") == 0
    assert (await host.command(TARGET, TEST_UNIT_READY)).good
    await rig.finish()
