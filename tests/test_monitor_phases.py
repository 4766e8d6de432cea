"""The monitor's information phases: bytes, times, parity, drivers and width."""

from __future__ import annotations

import pytest

from cocotbext.scsi import wires as w
from cocotbext.scsi.agreement import ASYNC_8, Agreement
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.transaction import Kind, Transaction
from cocotbext.scsi.wires import Wires
from helpers.waves import HOST, LEADER, SECOND, DecodedBus, data_bits


@pytest.fixture(params=[True, False], ids=["drivers", "wires-only"])
def bus(request: pytest.FixtureRequest) -> DecodedBus:
    return DecodedBus(drivers=request.param)


def test_phase_fields(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    entered = waves.time_ps
    waves.out(2, 0, Phase.MSG_OUT, b"\xc0\x20\x01")
    waves.into(2, 0, Phase.STATUS, b"\x02")
    waves.free(0, 2)
    out, status = bus.phases()
    assert (out.phase, out.data, out.parity_ok, out.atn, out.by) == (Phase.MSG_OUT, b"\xc0\x20\x01", True, False, 5)
    assert (status.phase, status.data, status.atn) == (Phase.STATUS, b"\x02", False)
    assert out.phase_ps == entered
    assert out.first_req_ps == out.start_ps == entered + 400_000
    assert out.first_ack_ps == out.start_ps + 110_000
    assert out.last_req_ps == out.start_ps + 2 * 200_000
    assert out.last_ack_ps == out.end_ps == out.start_ps + 3 * 200_000 - 30_000
    assert out.transfers == 3


def test_bytes_are_latched_at_their_edge(bus: DecodedBus) -> None:
    """OUT at ACK, IN at REQ: what the data lines do at other times does not matter."""
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.COMMAND)
    waves.put(0, data=data_bits(0x11))
    waves.put(2, req=1)
    waves.wait(20)
    waves.put(0, data=data_bits(0x22))
    waves.wait(60)
    waves.put(0, ack=1)
    waves.wait(10)
    waves.put(0, data=data_bits(0x33))
    waves.put(2, req=0)
    waves.put(0, ack=0)
    waves.put(0, data=0)
    waves.phase(2, Phase.DATA_IN)
    waves.put(2, data=data_bits(0x44))
    waves.wait(60)
    waves.put(2, req=1)
    waves.wait(20)
    waves.put(2, data=data_bits(0x55))
    waves.put(0, ack=1)
    waves.put(2, req=0)
    waves.put(0, ack=0)
    waves.free(0, 2)
    assert [one.data for one in bus.phases()] == [b"\x22", b"\x44"]


def test_req_and_ack_in_one_instant(bus: DecodedBus) -> None:
    """A core without any delay negates ACK and asserts the next REQ at one time: two transfers all the same."""
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.COMMAND)
    decoder = bus.decoder
    common = w.M_BSY | w.M_CD
    before = common
    for value in (
        common | w.M_REQ,
        common | w.M_REQ | w.M_ACK | data_bits(0x12),
        common | w.M_ACK,
        common | w.M_REQ,
        common | w.M_REQ | w.M_ACK | data_bits(0x34),
        common | w.M_ACK,
        common,
    ):
        waves.wait(50)
        decoder.sample(Wires(waves.time_ps, value, changed=value ^ before))
        before = value
    phase = bus.phases()[0]
    assert phase.data == b"\x12\x34"
    assert phase.last_ack_ps == waves.time_ps - 1_000_000


def test_ack_and_phase_lines_in_one_instant(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.COMMAND)
    waves.put(2, req=1)
    waves.put(0, data=data_bits(0x12), ack=1)
    waves.put(2, req=0)
    value = w.M_BSY | w.M_CD | w.M_IO
    bus.decoder.sample(Wires(waves.time_ps + 50_000, value, changed=w.M_ACK | w.M_IO))
    phase = bus.done[-1]
    assert (phase.kind, phase.data, phase.last_ack_ps) == (Kind.PHASE, b"\x12", waves.time_ps + 50_000)


def test_an_ack_that_nobody_asked_for_is_no_transfer(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.out(2, 0, Phase.COMMAND, b"\1")
    waves.put(0, data=data_bits(2), ack=1)
    waves.wait(50)
    waves.put(0, ack=0)
    waves.out(2, 0, Phase.COMMAND, b"\3")
    waves.free(0, 2)
    assert [one.data for one in bus.phases()] == [b"\1\3"]


def test_who_drives_req_is_told_by_slot() -> None:
    """Another slot's REQ in the same phase code is a phase of its own; an unknown slot is not guessed."""
    bus = DecodedBus()
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.out(2, 0, Phase.COMMAND, b"\1")
    waves.out(9, 0, Phase.COMMAND, b"\2")
    bus.decoder.learn(9, 12)
    waves.out(2, 0, Phase.COMMAND, b"\3")
    waves.out(9, 0, Phase.COMMAND, b"\4")
    waves.phase(2, Phase.STATUS)
    waves.put(1, data=data_bits(5))
    value, drivers = w.M_BSY | w.M_CD | w.M_IO | w.M_REQ, w.M_REQ << 2 * w.WIDTH | w.M_REQ << 9 * w.WIDTH
    bus.decoder.sample(Wires(waves.time_ps, value, drivers=drivers, changed=w.M_REQ))
    shown = [(one.by, one.data) for one in bus.phases()]
    assert shown == [(5, b"\1"), (None, b"\2"), (5, b"\3"), (12, b"\4"), (5, b"")]


def test_a_byte_without_ack_is_not_transferred(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.into(2, 0, Phase.DATA_IN, b"\x01\x02")
    waves.put(2, data=data_bits(3), req=1)
    waves.wait(100)
    waves.free(0, 2)
    phase = bus.phases()[0]
    assert phase.data == b"\x01\x02"
    assert phase.last_req_ps is not None
    assert phase.last_req_ps > phase.end_ps


@pytest.mark.parametrize("bit", [*range(8), 16])
def test_parity_error_is_seen(bus: DecodedBus, bit: int) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.DATA_IN)
    for flip in (0, 1 << (w.DB + bit), 0):
        waves.put(2, data=data_bits(0x5C) ^ flip)
        waves.put(2, req=1)
        waves.handshake(2, 0)
    waves.free(0, 2)
    phase = bus.phases()[0]
    assert phase.parity_ok is False
    assert len(phase.data) == 3


def test_unknown_data_is_a_parity_error(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.DATA_IN)
    waves.put(2, data=data_bits(0))
    waves.put(2, req=1, unknown=1 << w.DB)
    waves.put(0, ack=1)
    waves.put(2, req=0)
    waves.put(0, ack=0)
    waves.free(0, 2)
    assert bus.phases()[0].parity_ok is False


def test_no_parity_on_a_bus_without() -> None:
    bus = DecodedBus(parity=False)
    bus.waves.select(HOST, LEADER)
    bus.waves.phase(2, Phase.DATA_IN)
    bus.waves.put(2, data=3 << w.DB)
    bus.waves.put(2, req=1)
    bus.waves.handshake(2, 0)
    phase = bus.phases()[0]
    assert (phase.parity_ok, phase.data) == (None, b"\x03")


def test_resent_message_is_visible(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.out(2, 0, Phase.MSG_OUT, b"\xc0\x26\x00")
    waves.put(0, atn=1)
    waves.out(2, 0, Phase.MSG_OUT, b"\xc0\x26\x00")
    waves.free(0, 2)
    phases = bus.phases()
    assert [(one.data, one.resend) for one in phases] == [(b"\xc0\x26\x00", False), (b"\xc0\x26\x00", True)]


def test_message_out_in_parts_is_one_phase(bus: DecodedBus) -> None:
    """While ATN stays true, REQ in the same phase goes on with the message."""
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.MSG_OUT)
    for byte in b"\xc0\x08":
        waves.put(2, req=1)
        waves.put(0, data=data_bits(byte))
        waves.handshake(2, 0)
    waves.wait(5000)
    waves.put(2, req=1)
    waves.put(0, data=data_bits(8), atn=0)
    waves.handshake(2, 0)
    waves.free(0, 2)
    assert [(one.data, one.resend) for one in bus.phases()] == [(b"\xc0\x08\x08", False)]


# Width


def _data_after(bus: DecodedBus, words: list[int]) -> Transaction:
    """The data phase of a DATA OUT with 16-bit drivers."""
    bus.waves.out(2, 0, Phase.DATA_OUT, words, wide=True)
    bus.waves.free(0, 2)
    return next(one for one in bus.phases() if one.phase is Phase.DATA_OUT)


@pytest.mark.parametrize(
    ("answer", "wide"), [("01020301", True), ("01020300", False), ("07", False), ("0103010A08", False)]
)
def test_width_follows_wdtr(bus: DecodedBus, answer: str, wide: bool) -> None:
    bus.waves.negotiate_wide(HOST, LEADER, answer)
    data = _data_after(bus, [0x0201, 0x0403])
    assert data.wide is wide
    assert data.data == (b"\1\2\3\4" if wide else b"\1\3")
    assert data.transfers == 2


def test_width_stays_after_bus_free_and_is_the_pairs_own(bus: DecodedBus) -> None:
    bus.waves.negotiate_wide(HOST, LEADER)
    bus.waves.free(0, 2)
    bus.waves.select(HOST, SECOND)
    bus.waves.out(3, 0, Phase.DATA_OUT, b"\1\2")
    bus.waves.free(0, 3)
    bus.waves.select(HOST, LEADER)
    assert _data_after(bus, [0x0201]).data == b"\1\2"
    wide = [(one.by, one.wide) for one in bus.phases() if one.phase is Phase.DATA_OUT]
    assert wide == [(4, False), (5, True)]


def test_width_asked_by_the_target_and_by_ppr(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.into(2, 0, Phase.MSG_IN, bytes.fromhex("01020301"))
    waves.put(0, atn=1)
    waves.out(2, 0, Phase.MSG_OUT, bytes.fromhex("01020301"))
    waves.free(0, 2)
    waves.select(HOST, SECOND)
    waves.out(3, 0, Phase.MSG_OUT, bytes.fromhex("C00106040A000801 00"))
    waves.into(3, 0, Phase.MSG_IN, bytes.fromhex("0106040A00080100"))
    waves.free(0, 3)
    bus.finish()
    assert [bus.decoder.agreements.of(7, target).wide for target in (5, 4, 3)] == [True, True, False]


def test_damaged_negotiation_does_not_count(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.out(2, 0, Phase.MSG_OUT, bytes.fromhex("C001020301"))
    waves.phase(2, Phase.MSG_IN)
    waves.put(0, data=0)
    for byte in bytes.fromhex("01020301"):
        waves.put(2, data=data_bits(byte) ^ (1 << w.DBP))
        waves.put(2, req=1)
        waves.handshake(2, 0)
    waves.free(0, 2)
    bus.finish()
    assert not bus.decoder.agreements.of(7, 5).wide


def test_stated_agreement(bus: DecodedBus) -> None:
    bus.decoder.agreements.agree(7, 5, Agreement(wide=True))
    bus.waves.select(HOST, LEADER)
    assert _data_after(bus, [0x0201]).data == b"\1\2"
    bus.decoder.agreements.agree(7, 5, ASYNC_8)
    assert not bus.decoder.agreements.of(7, 5).wide


@pytest.mark.parametrize(
    ("then", "wide"),
    [
        ([(Phase.MSG_OUT, "07")], False),
        ([(Phase.MSG_OUT, "08"), (Phase.MSG_OUT, "07")], True),
        ([(Phase.MSG_OUT, "0103010A08"), (Phase.MSG_IN, "07")], True),
        ([(Phase.MSG_OUT, "01020301"), (Phase.MSG_IN, "07")], False),
        ([(Phase.MSG_OUT, "01020300"), (Phase.MSG_IN, "01020300")], False),
        ([(Phase.MSG_IN, "0C")], True),
    ],
)
def test_what_ends_an_agreement(bus: DecodedBus, then: list[tuple[Phase, str]], wide: bool) -> None:
    """MESSAGE REJECT of the answer or of a new question does; of anything else, and of something later, it does not."""
    waves = bus.waves
    waves.negotiate_wide(HOST, LEADER)
    for phase, text in then:
        waves.phase(2, Phase.COMMAND)
        waves.put(0, atn=int(not phase.is_in))
        (waves.into if phase.is_in else waves.out)(2, 0, phase, bytes.fromhex(text))
    waves.free(0, 2)
    bus.finish()
    assert bus.decoder.agreements.of(7, 5).wide is wide


def test_rejected_answer_and_target_reset_end_wide(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.negotiate_wide(HOST, LEADER)
    waves.put(0, atn=1)
    waves.out(2, 0, Phase.MSG_OUT, b"\x07")
    waves.free(0, 2)
    assert not bus.decoder.agreements.of(7, 5).wide
    waves.negotiate_wide(HOST, SECOND)
    waves.free(0, 3)
    assert bus.decoder.agreements.of(7, 4).wide
    waves.select(HOST, SECOND)
    waves.out(3, 0, Phase.MSG_OUT, b"\xc0\x0c")
    waves.free(0, 3)
    bus.finish()
    assert not bus.decoder.agreements.of(7, 4).wide


def test_high_byte_parity_counts_only_when_wide(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.negotiate_wide(HOST, LEADER)
    waves.phase(2, Phase.STATUS)
    bad_high = data_bits(0x0100)  # P1 released with one bit set: even
    waves.put(2, data=bad_high | w.M_DBP & ~(1 << (w.DBP + 1)))
    waves.put(2, req=1)
    waves.handshake(2, 0)
    waves.phase(2, Phase.DATA_IN)
    waves.put(2, data=data_bits(0x0300))
    waves.put(2, req=1)
    waves.handshake(2, 0)
    waves.free(0, 2)
    by_phase = {one.phase: one for one in bus.phases()}
    assert by_phase[Phase.STATUS].parity_ok is True
    assert (by_phase[Phase.DATA_IN].parity_ok, by_phase[Phase.DATA_IN].data) == (False, b"\0\3")
