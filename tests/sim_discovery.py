"""Discovery and enrolment on the bus, byte-exact to Table 1, and what a query may come to instead."""

from __future__ import annotations

from typing import Any

import cocotb

from cocotbext.scsi import Kind, Phase
from group_rig import FAST_40
from initiator_rig import DET_REJECT, NOT_CAPABLE, OK, SEL_TIMEOUT
from system_rig import SystemRig, pattern

DRIVES = dict.fromkeys((5, 4, 3), FAST_40)
OUT, IN = Phase.MSG_OUT, Phase.MSG_IN
# Table 1: SCSI ID, bytes xx yz [FF] with 26h as the vendor command, behind IDENTIFY; and the answer of section 4.
TABLE_1 = [
    (5, "C0 26 00", "26 00"),
    (4, "C0 26 01", "26 01"),
    (3, "C0 26 02 FF", "26 02"),
]


def dialogue(target: int, *exchange: tuple[Phase, str]) -> list[tuple[object, ...]]:
    """One connection: arbitration won by 7 alone, selection with ATN, phases, BUS FREE."""
    phases = [(phase, target, text.replace(" ", "").lower()) for phase, text in exchange]
    return [(Kind.ARBITRATION, 7), (Kind.SELECTION, target, True, True), *phases, (Kind.BUS_FREE,)]


def seen(rig: SystemRig) -> list[tuple[object, ...]]:
    """What was on the bus, in the form of `dialogue`."""
    rows: list[tuple[object, ...]] = []
    for one in rig.seen:
        if one.kind is Kind.ARBITRATION:
            rows.append((one.kind, one.winner))
        elif one.kind is Kind.SELECTION:
            rows.append((one.kind, one.target, one.atn, one.answered))
        elif one.kind is Kind.PHASE:
            rows.append((one.phase, one.by, one.data.hex()))
        else:
            rows.append((one.kind,))
    return rows


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def table_1(dut: Any) -> None:
    """The group of Table 1, leader first, as the first thing after power-on; each ends in an expected BUS FREE."""
    rig = await SystemRig(dut).start()
    host = await rig.host()
    await rig.mark()
    for scsi_id, sent, _ in TABLE_1:
        message = bytes.fromhex(sent)
        assert (await host.query(scsi_id, message[2], last=message[3:] == b"\xff")).result == OK
    await rig.quiet()
    assert seen(rig) == [row for who, sent, answer in TABLE_1 for row in dialogue(who, (OUT, sent), (IN, answer))]
    assert rig.notes() == ["query", "accept"] * 3
    assert await host.read("ENROLLED") == 0b111
    assert rig.checker.rules["MIR-18"].evaluations == 3
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def stranger_and_nobody(dut: Any) -> None:
    """A drive that knows no mirroring rejects and is told NO OPERATION in place of the FFh; an empty ID times out.

    Neither disturbs the enrolment of the others: a group of the two that are left works.
    """
    rig = await SystemRig(dut, overrides={**DRIVES, 4: {"mirror": False}}).start()
    host = await rig.host(**FAST_40)
    await rig.ready(host)
    await rig.mark()
    assert (await host.query(5, 0x00)).result == OK
    declined = await host.query(4, 0x01)
    assert (declined.result, declined.detail) == (NOT_CAPABLE, DET_REJECT)
    declined = await host.query(4, 0x01, last=True)
    assert (declined.result, declined.detail) == (NOT_CAPABLE, DET_REJECT)
    nobody = await host.query(2, 0x01)
    assert nobody.result == SEL_TIMEOUT
    assert (await host.query(3, 0x01, last=True)).result == OK
    await rig.quiet()
    rows = seen(rig)
    assert rows[:5] == dialogue(5, (OUT, "C0 26 00"), (IN, "26 00"))
    assert rows[-5:] == dialogue(3, (OUT, "C0 26 01 FF"), (IN, "26 01"))
    strange = [row for row in rows if row[0] in (OUT, IN) and row[1] == 4]
    assert (IN, 4, "07") in strange
    said = "".join(str(row[2]) for row in strange if row[0] is OUT)
    assert said.startswith("c02601")
    assert "ff" not in said.removeprefix("c02601").partition("c02601")[0]
    assert (Kind.SELECTION, 2, True, False) in rows
    assert rig.notes() == ["query", "accept", "query", "declined", "query", "declined", "query", "accept"]
    assert await host.read("ENROLLED") == 0b011
    await rig.mirror(host, [0, 1], 2, pattern(), members=((5, 0x00), (3, 0x01)))
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def leave_and_come_back(dut: Any) -> None:
    """z = Fh leaves; an identity that another drive accepts is dropped by the one that held it."""
    rig = await SystemRig(dut, overrides=DRIVES).start()
    host = await rig.host(**FAST_40)
    await rig.group(host)
    assert (await host.query(4, 0x0F)).result == OK
    assert await host.read("ENROLLED") == 0b101
    await rig.quiet()
    assert seen(rig) == dialogue(4, (OUT, "C0 26 0F"), (IN, "26 0F"))
    assert rig.notes() == ["leave", "accept"]
    assert (await host.query(4, 0x02)).result == OK  # z = 2 was target 3's: it snoops this and drops it
    await rig.mirror(host, [0, 2], 1, pattern(salt=1), members=((5, 0x00), (4, 0x02)))
    assert (await host.query(3, 0x01, last=True)).result == OK
    await rig.mirror(host, [2, 1, 0], 4, pattern(salt=2), members=((5, 0x00), (3, 0x01), (4, 0x02)))
    await rig.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def two_groups(dut: Any) -> None:
    """A drive may be in several groups; a write to one group does not touch the members of the other."""
    rig = await SystemRig(dut, overrides=DRIVES).start()
    host = await rig.host(**FAST_40)
    await rig.ready(host)
    await rig.enrol(host, ((5, 0x00), (4, 0x01)))
    await rig.enrol(host, ((4, 0xA0), (3, 0xA1)))
    await rig.mark()
    await rig.mirror(host, [0, 1], 1, pattern(salt=1), members=((5, 0x00), (4, 0x01)))
    await rig.mirror(host, [0, 1], 2, pattern(salt=2), members=((4, 0xA0), (3, 0xA1)), group=0xA)
    assert [text[:4] for phase, _, text in rig.phases() if phase is OUT and text.startswith("2c")] == ["2c01", "2ca1"]
    await rig.finish()
