"""Whatever an initiator sends, the RTL target lets the bus go in bounded time and the next good command works."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import Timer, with_timeout

from cocotbext.scsi import Phase
from cocotbext.scsi.constants import Message, Status
from cocotbext.scsi.models.connection import Connection
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from cocotbext.scsi.models.initiator import InitiatorModel
from cocotbext.scsi.models.messages import identify
from cocotbext.scsi.models.negotiation import Abilities
from cocotbext.scsi.models.task import Task
from helpers.commands import cdb_6, read_10, write_10
from model_rig import pattern
from target_rig import BLANK, BLOCK, BLOCKS, TargetRig

READY = cdb_6(0x00)
ROUNDS = 40
STALL_US = 30
TAKEN = 513
"""Bytes of a MESSAGE OUT phase that has no end: docs/protocol.md 11, and the one by which it is known."""
BOUND_US = 4 * STALL_US + 250
"""A connection stalls once at most in each of a few phases, and data of a few blocks go over the bus."""
FULL: dict[str, Any] = {"period": 0x09, "offset": 31, "dt": True, "qas": True, "stall_us": STALL_US}


def _messages(rng: random.Random) -> list[bytes]:
    """What an initiator might send after selection, right or wrong."""
    pool = [
        bytes([rng.randrange(256)]),
        bytes([rng.randrange(0x20, 0x30), rng.randrange(256)]),
        bytes([1, 2, 3, rng.randrange(256)]),
        bytes([1, 3, 1, rng.randrange(256), rng.randrange(256)]),
        bytes([1, 6, 4, *(rng.randrange(256) for _ in range(5))]),
        bytes([1, rng.randrange(12), *(rng.randrange(256) for _ in range(rng.randrange(1, 12)))]),
        bytes([rng.choice((5, 6, 7, 8, 9, 0xC, 0xD, 0xE, 0x16, 0x17, 0x55))]),
        identify(rng.randrange(64), disc_priv=True),
    ]
    first = [identify(rng.choice((0, 0, 0, 7)), disc_priv=rng.random() < 0.5)] if rng.random() < 0.9 else []
    return (first + rng.choices(pool, k=rng.randrange(3))) or [identify()]


def _cdb(rng: random.Random) -> bytes:
    """A command, reserved, cut off, beyond the medium, or just right."""
    lba, count = rng.choice((0, 3, BLOCKS - 1, BLOCKS, 0xFFFF_FFFF)), rng.choice((0, 1, 2, 0xFFFF))
    good = rng.choice((read_10(lba, count), write_10(lba, min(count, 2)), cdb_6(rng.choice((0, 3, 0x12, 0x1A)), 18)))
    return rng.choice((good, good[: rng.randrange(1, len(good))], rng.randbytes(rng.choice((6, 10, 12, 16)))))


def _fault(rng: random.Random) -> Fault:
    kinds = (FaultKind.STOP, FaultKind.BAD_PARITY, FaultKind.SEE_BAD_PARITY, FaultKind.KEEP_ATN)
    phases = (Phase.MSG_OUT, Phase.COMMAND, Phase.STATUS, Phase.MSG_IN, Phase.DATA_IN, Phase.DATA_OUT)
    return Fault(rng.choice(kinds), rng.choice(phases), rng.choice((0, 0, 1, 2, 5)), times=rng.choice((1, 1, 5)))


async def _round(rig: TargetRig, initiator: InitiatorModel, rng: random.Random) -> None:
    """One connection, and whatever comes of it, until the bus has been free for a while."""
    task = Task(5, 0, None, _cdb(rng), pattern(2 * BLOCK))
    connection = Connection(initiator, 5, task, _messages(rng))
    initiator._submit(lambda: initiator._connect_one(connection, task))
    if rng.random() < 0.2:
        await Timer(rng.randrange(1, 30), unit="us")
        initiator.handshake.raise_atn()
    await with_timeout(initiator._status_of(task), BOUND_US, "us")
    await with_timeout(rig.bus_free(), BOUND_US, "us")


@cocotb.test(timeout_time=50, timeout_unit="ms")
@cocotb.parametrize(agreed=[False, True])
async def anything(dut: Any, agreed: bool) -> None:
    """Random messages, commands and faults, under no agreement and under DT: never a hang, and nothing else written."""
    rng = random.Random(cocotb.RANDOM_SEED)
    rig = await TargetRig(dut, ids=(5,), overrides={5: FULL}, allow_unexpected_free=True).start()
    faults = Faults()
    options: dict[str, Any] = {"stall_us": 2 * STALL_US, "status_timeout_us": 100, "reset_on_stall": True}
    initiator = rig.initiator(faults=faults, abilities=Abilities(True, 0x09, 31, dt=True), **options)
    done = 0
    for _ in range(ROUNDS):
        if agreed:
            await initiator.negotiate(5)
        if rng.random() < 0.5:
            faults.add(_fault(rng))
        await _round(rig, initiator, rng)
        faults.pending.clear()
        await initiator.message_out(5, identify(), bytes([Message.TARGET_RESET]))
        initiator.agreements.clear()
        assert (await initiator.command(5, READY)).status == Status.CHECK_CONDITION
        result = await initiator.command(5, READY)
        assert result.good, f"{result}\n{rig.monitor.last(40)}"
        done += 1
    assert done == ROUNDS
    image = rig.medium(5).path.read_bytes()
    written = {image[n * BLOCK : (n + 1) * BLOCK] for n in range(BLOCKS)}
    data = pattern(2 * BLOCK)
    assert written <= {BLANK * BLOCK, data[:BLOCK], data[BLOCK:]}


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def message_out_without_end(dut: Any) -> None:
    """So many messages in one phase: as long as one of the longest is taken, what has no end ends with BUS FREE."""
    rig = await TargetRig(dut, ids=(5,), overrides={5: FULL}, allow_unexpected_free=True).start()
    initiator = rig.initiator(stall_us=2 * STALL_US, status_timeout_us=100)
    assert (await initiator.command(5, READY)).status == Status.CHECK_CONDITION
    for count, status in ((300, Status.GOOD), (600, None), (300, Status.GOOD)):
        result = await with_timeout(initiator.message_out(5, *[identify()] * count), BOUND_US, "us")
        assert result.status == status
        await with_timeout(rig.bus_free(), BOUND_US, "us")
        rig.monitor.flush()
        said = next(one for one in reversed(rig.monitor.transactions) if one.phase is Phase.MSG_OUT)
        assert len(said.data) == (count if status is not None else TAKEN)
