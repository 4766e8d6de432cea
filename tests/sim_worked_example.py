"""The worked example of section 12 with RTL on both sides of the bus, phase by phase."""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase, Transaction
from system_rig import BLOCK, SystemRig, pattern

# Typed from the table of section 12. "by" is the target that drives the phase lines.
DATA = "the block"
DISCOVERY = [
    ("ARBITRATION", [7], 7),
    ("SELECTION with ATN", 7, 5),
    ("MSG_OUT", 5, "C0 26 00"),
    ("MSG_IN", 5, "26 00"),
    ("BUS FREE",),
    ("ARBITRATION", [7], 7),
    ("SELECTION with ATN", 7, 4),
    ("MSG_OUT", 4, "C0 26 01"),
    ("MSG_IN", 4, "26 01"),
    ("BUS FREE",),
    ("ARBITRATION", [7], 7),
    ("SELECTION with ATN", 7, 3),
    ("MSG_OUT", 3, "C0 26 02 FF"),
    ("MSG_IN", 3, "26 02"),
    ("BUS FREE",),
]
MIRRORED_WRITE = [
    ("ARBITRATION", [7], 7),
    ("SELECTION with ATN", 7, 5),
    ("MSG_OUT", 5, "C0 20 01 01 09 8A 00 00 00 00 00 00 02 00"),
    ("DATA_OUT", 5, DATA),
    ("MSG_OUT", 5, "2C 01"),
    ("DATA_OUT", 4, DATA),
    ("MSG_OUT", 4, "2C 02 FF"),
    ("DATA_OUT", 3, DATA),
    ("MSG_OUT", 3, "2E 02"),
    ("BUS FREE",),
]
STATUS = [
    row
    for target in (5, 4, 3)
    for row in (
        ("ARBITRATION", [target], target),
        ("RESELECTION", target, 7),
        ("MSG_IN", target, "80 20 01"),
        ("STATUS", target, "00"),
        ("MSG_IN", target, "00"),
        ("BUS FREE",),
    )
]


def row(done: Transaction, data: bytes) -> tuple[object, ...]:
    """A transaction in the words of the table."""
    if done.kind is Kind.ARBITRATION:
        return ("ARBITRATION", done.contenders, done.winner)
    if done.kind is Kind.SELECTION:
        return ("SELECTION with ATN" if done.atn else "SELECTION", done.initiator, done.target)
    if done.kind is Kind.RESELECTION:
        return ("RESELECTION", done.target, done.initiator)
    if done.kind is Kind.PHASE and isinstance(done.phase, Phase):
        shown = DATA if done.data == data else done.data.hex(" ").upper()
        return (done.phase.name, done.by, shown)
    return ("BUS FREE" if done.kind is Kind.BUS_FREE else done.kind.name,)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def to_the_byte(dut: Any) -> None:
    """Every arbitration, selection, phase and BUS FREE of the example; who drives; BSY of the leader throughout."""
    rig = await SystemRig(dut).start()
    host = await rig.host(wide=False)
    await rig.ready(host)
    await rig.mark()
    data = pattern(salt="worked example")
    await rig.enrol(host)
    await rig.mirror(host, [0, 1, 2], 0, data, tag=1)
    await rig.quiet()
    seen = rig.seen
    assert [row(one, data) for one in seen] == DISCOVERY + MIRRORED_WRITE + STATUS
    assert all(one.parity_ok for one in seen if one.kind is Kind.PHASE)
    assert all(one.answered for one in seen if one.kind in (Kind.SELECTION, Kind.RESELECTION))
    _bsy_is_the_leaders(rig, seen)
    _phase_lines_pass_on(rig, seen)
    assert rig.notes() == [
        *(3 * ["query", "accept"]),
        *("mirror_write", "leader_data", "switch_role", "hand_over", "switch_role", "hand_over", "release"),
        *(3 * ["mirror_status", "mirror_complete"]),
    ]
    assert len(data) == BLOCK
    await rig.finish()


def _operation(seen: list[Transaction]) -> tuple[Transaction, list[Transaction], Transaction]:
    """Selection, phases and BUS FREE of the mirrored write."""
    start = len(DISCOVERY) + 1
    selection, *phases, free = seen[start : len(DISCOVERY) + len(MIRRORED_WRITE)]
    assert (selection.kind, free.kind) == (Kind.SELECTION, Kind.BUS_FREE)
    return selection, phases, free


def _bsy_is_the_leaders(rig: SystemRig, seen: list[Transaction]) -> None:
    """Row 6: target 5 asserts BSY until 13, without a break, and no other target ever does."""
    selection, _, free = _operation(seen)
    assert rig.log.during("bsy", selection.end_ps, free.start_ps) == [frozenset({5})]
    assert rig.log.during("bsy", free.start_ps, free.end_ps) == [frozenset()]


def _phase_lines_pass_on(rig: SystemRig, seen: list[Transaction]) -> None:
    """In each phase REQ, and MSG and C/D where true, come from the target of the table's column alone."""
    _, phases, _ = _operation(seen)
    for phase, (name, by, _data) in zip(phases, MIRRORED_WRITE[2:-1], strict=True):
        assert phase.first_req_ps is not None
        assert phase.last_ack_ps is not None
        ends = (phase.first_req_ps, phase.last_ack_ps)
        assert set(rig.log.during("req", *ends)) == {frozenset({by}), frozenset()}
        for line in ("msg", "cd"):
            assert rig.log.during(line, *ends) == [frozenset({by}) if name == "MSG_OUT" else frozenset()], (name, line)
        assert rig.log.during("io", *ends) == [frozenset()]
        assert set(rig.log.during("ack", *ends)) == {frozenset({7}), frozenset()}
