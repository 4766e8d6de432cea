"""RST at any moment of a mirrored write with RTL on both sides (section 11)."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from cocotbext.scsi import Kind, Phase
from fault_rig import DATA, OUT, begin, initialise_again, start
from initiator_rig import OK, RESET
from system_rig import GROUP, SystemRig

MOMENTS = ("arbitration", "selection", "message", "leader_data", "hand_over", "participant_data", "release", "status")
ASYNCHRONOUS = ("participant_data",)
"""Moments of operations in which each ACK waits for its REQ; the others have Fast-40."""


async def moment(rig: SystemRig, name: str) -> None:
    """Return at that moment of the next mirrored write."""
    dut = rig.dut
    if name == "arbitration":
        await RisingEdge(dut.bus_bsy)
    elif name == "selection":
        await RisingEdge(dut.bus_sel)
    elif name == "message":
        await rig.transfer(OUT, 5)
    elif name == "leader_data":
        await rig.transfer(DATA, 77)
    elif name == "hand_over":
        await rig.after_transfer(OUT, 1, 1)
    elif name == "participant_data":
        await rig.transfer(DATA, 200, 1)
    elif name == "release":
        await rig.after_transfer(OUT, 1, 3)
    else:
        assert name == "status"
        await rig.transfer(Phase.STATUS, 0, 1)


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(when=MOMENTS)
async def rst(dut: Any, when: str) -> None:
    """At any moment: all release, no GOOD without the data, nothing half-written; after initialisation all works."""
    rig, host = await start(dut, fast=when not in ASYNCHRONOUS)
    reached = cocotb.start_soon(moment(rig, when))
    data = await begin(rig, host, 1)
    await reached
    await host.port.write("CONTROL", 1)
    done = await host.next_completion()
    results = {one.target: one.result for one in done.members}
    assert set(results) == {5, 4, 3}, rig.story(done)
    assert RESET in results.values()
    assert set(results.values()) <= {RESET, OK}
    assert all(one.good for one in done.members if one.result == OK)
    assert (OK in results.values()) == (when == "status")
    await rig.quiet()
    for scsi_id, _ in GROUP:
        block = rig.medium(scsi_id).block(1)
        if block == data:
            rig.wrote([scsi_id], 1, data)
        else:
            assert results[scsi_id] == RESET
            assert rig.medium(scsi_id).writes == 0
    assert len(rig.of_kind(Kind.RESET)) == 1
    await initialise_again(rig, host)
    await rig.finish()
