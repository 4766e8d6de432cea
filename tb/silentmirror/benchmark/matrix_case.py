"""The in-simulator side of one cell of the matrix: drives made ready, then blocks as fast as the bus takes them."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import cocotb

from silentmirror.env.sequences import write_10
from silentmirror.model import CommandRequest, MirrorWriteRequest, QueryRequest

from .case import observe
from .cases import INITIATOR, JOB_VARIABLE, OFFSET, TEST_UNIT_READY
from .cells import RATES, SERIES, Cell, Extension
from .host import Host

_FUA = 0x08
_YIELD_NS = 65535
"""Silent: the next operation is for after all statuses, however long the last medium takes."""
GROUP = 0
FLAGS = {Extension.NONE: 0, Extension.STATUS: 1, Extension.SERIES: 3}
"""Flags of CAPABILITY (protocol 14)."""


@cocotb.test()
async def measure(dut: Any) -> None:
    """The blocks of the cell, then a look at the media."""
    cell = Cell.load(Path(os.environ[JOB_VARIABLE]))
    for target in cell.targets:
        cell.medium(target).write_bytes(bytes((cell.count + 1) * cell.block))

    flags = FLAGS[cell.way.extension]

    async def play(host: Host) -> None:
        ability = {"PERIOD": int(RATES[cell.rate]), "OFFSET": OFFSET, "DT": int(cell.dt), "QAS": int(cell.way.qas)}
        ability |= {"MIRROR_STATUS": int(bool(flags & 1)), "MIRROR_SERIES": int(bool(flags & 2))}
        await host.start(ability)
        for target in cell.targets:
            await host.make_ready(target)
        if cell.way.silent:
            await enrol(host, cell)
        await host.port.write_fields("YIELD_NS", NS=_YIELD_NS if cell.way.silent else 0)
        content = pattern(cell)
        await host.port.load(0, content)
        await write_blocks(host, cell, content)
        for target in cell.targets:
            await host.synchronize(target)
            expected = (content * (cell.count // SERIES + 1))[: cell.count * cell.block]
            if cell.medium(target).read_bytes() != expected + bytes(cell.block):
                host.failures.append(f"target {target}: its medium does not hold the blocks")

    await observe(dut, cell.bench(), cell.path, play)


def pattern(cell: Cell) -> bytes:
    """What is written: `SERIES` different blocks, over and over."""
    return random.Random(f"silentmirror matrix {cell.seed}").randbytes(SERIES * cell.block)


async def enrol(host: Host, cell: Cell) -> None:
    """Discovery, leader first, then the extensions."""
    for z, target in enumerate(cell.targets):
        last = z == cell.copies - 1
        await host.submit(QueryRequest(INITIATOR, host.tag(), False, True, 0, target, GROUP, z, last))
        await host.settle()
    if cell.way.extension is not Extension.NONE:
        for z, target in enumerate(cell.targets):
            await host.ask_capability(target, GROUP, z, FLAGS[cell.way.extension])


async def write_blocks(host: Host, cell: Cell, content: bytes) -> None:
    """All blocks between two TEST UNIT READY, so that the initiator waits for the bus before the first one.

    With QAS the last write is to pass the bus on too; else the second one is for the time after all statuses.
    """
    await host.submit(CommandRequest(INITIATOR, host.tag(), target=cell.targets[0], cdb=TEST_UNIT_READY))
    for lba in range(0, cell.count, cell.way.blocks):
        await write(host, cell, lba, content)
    if not cell.way.qas:
        await host.settle()
    await host.run(cell.targets[0], TEST_UNIT_READY)


async def write(host: Host, cell: Cell, lba: int, content: bytes) -> None:
    """One command or operation of the cell's way to all drives."""
    way = cell.way
    length = way.blocks * cell.block
    address = lba * cell.block % len(content)
    data = content[address : address + length]
    if way.silent:
        order, lbas = tuple(range(cell.copies)), range(0)
        if way.extension is Extension.SERIES:
            data, lbas = data[: cell.block], range(lba + 1, lba + way.blocks)
        request = MirrorWriteRequest(INITIATOR, host.tag(), True, True, 0, GROUP, order, lba, data)
        await host.submit(request, address, lbas)
        return
    cdb = bytearray(write_10(lba, way.blocks))
    if way.disconnects:
        cdb[1] |= _FUA  # else the drive, with its write cache on, ends the command in the same connection
    for target in cell.targets:
        if way.disconnects:
            await host.idle(target)  # one at a time, or its queue would be full
        command = CommandRequest(INITIATOR, host.tag(), way.disconnects, way.disconnects, 0, target, bytes(cdb), data)
        await host.submit(command, address)
