"""The monitor turns wires into transactions: every kind of them, with and without a view of who drives."""

from __future__ import annotations

import pytest

from cocotbext.scsi import wires as w
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.decoder import BusDecoder
from cocotbext.scsi.transaction import Kind, Transaction
from cocotbext.scsi.wires import Wires
from helpers.waves import HOST, LEADER, SECOND, DecodedBus, data_bits


@pytest.fixture(params=[True, False], ids=["drivers", "wires-only"])
def bus(request: pytest.FixtureRequest) -> DecodedBus:
    return DecodedBus(drivers=request.param)


# Wires


def test_wires_properties() -> None:
    for bit, name in enumerate(w.CONTROL):
        sample = Wires(0, 1 << bit)
        assert [other for other in w.CONTROL if getattr(sample, other)] == [name]
    sample = Wires(5, data_bits(0xA55A, wide=True) | w.M_MSG | w.M_IO)
    assert (sample.db, sample.dbp, sample.phase) == (0xA55A, 3, Phase.DT_DATA_IN)
    assert sample.low_parity_ok
    assert sample.high_parity_ok
    for bit in (*range(w.DB, w.DB + 8), w.DBP):
        assert not Wires(0, sample.value ^ (1 << bit)).low_parity_ok, bit
        assert not Wires(0, sample.value & ~(1 << bit), unknown=1 << bit).low_parity_ok, bit
        assert Wires(0, sample.value ^ (1 << bit)).high_parity_ok, bit
    assert not Wires(0, sample.value ^ (1 << (w.DBP + 1))).high_parity_ok
    assert w.names_of(w.M_BSY | 1 << (w.DB + 8) | 1 << (w.DBP + 1)) == ["bsy", "db8", "dbp1"]


def test_who_drives() -> None:
    drivers = sum((w.M_BSY if slot in (0, 15) else w.M_REQ) << slot * w.WIDTH for slot in range(16))
    sample = Wires(0, w.M_BSY | w.M_REQ, drivers=drivers)
    assert sample.who(w.BSY) == 1 << 15 | 1
    assert sample.who(w.REQ) == 0x7FFE
    assert sample.who(w.ACK) == 0
    assert sample.slot(15) == w.M_BSY
    assert Wires(0, w.M_BSY).who(w.BSY) == 0


# Connections


def test_arbitration_won_and_lost(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.arbitrate({1: 6, 0: 7, 14: 15}, winner=0)
    waves.call(0, 2, (7, 5), atn=1)
    waves.free(0, 2)
    arbitration = next(done for done in bus.finish() if done.kind is Kind.ARBITRATION)
    assert (arbitration.contenders, arbitration.winner) == ([7, 6, 15], 7)
    assert arbitration.end_ps - arbitration.start_ps == 2_440_000


def test_arbitration_winner_is_who_asserts_sel() -> None:
    """A device that breaks the rules and takes SEL with a lower ID is named when it is seen to drive SEL."""
    bus = DecodedBus()
    bus.waves.arbitrate({0: 7, 1: 6}, winner=1)
    bus.waves.call(1, 2, (6, 5), atn=1)
    found = {done.kind: done for done in bus.finish()}
    assert found[Kind.ARBITRATION].winner == 6
    assert (found[Kind.SELECTION].initiator, found[Kind.SELECTION].target) == (6, 5)


def test_winner_without_drivers_is_who_stays() -> None:
    bus = DecodedBus(drivers=False)
    bus.waves.arbitrate({0: 7, 1: 6}, winner=1)
    bus.waves.call(1, 2, (6, 7), atn=1)
    found = {done.kind: done for done in bus.finish()}
    assert found[Kind.ARBITRATION].winner == 6
    assert (found[Kind.SELECTION].initiator, found[Kind.SELECTION].target) == (6, 7)


def test_arbitration_that_nobody_wins(bus: DecodedBus) -> None:
    bus.waves.put(0, bsy=1, data=data_bits(0x80))
    bus.waves.wait(3000)
    bus.waves.free(0)
    done = bus.finish()
    assert [one.kind for one in done] == [Kind.BUS_FREE, Kind.ARBITRATION, Kind.BUS_FREE]
    assert (done[1].contenders, done[1].winner) == ([7], None)
    assert done[1].end_ps == done[2].start_ps == done[1].start_ps + 3_030_000


def test_contender_that_withdraws_is_named(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.put(0, bsy=1, data=data_bits(0x80))
    waves.put(1, bsy=1, data=data_bits(0x40))
    waves.wait(1000)
    waves.release(1)
    waves.wait(1400)
    waves.put(0, sel=1)
    waves.wait(1200)
    waves.call(0, 2, (7, 5))
    waves.free(0, 2)
    found = {one.kind: one for one in bus.finish()}
    assert (found[Kind.ARBITRATION].contenders, found[Kind.ARBITRATION].winner) == ([7, 6], 7)


def test_winner_that_gives_up(bus: DecodedBus) -> None:
    """SEL true and false again before a selection: nobody won, and the bus is free afterwards."""
    waves = bus.waves
    waves.arbitrate({0: 7}, 0)
    waves.put(0, sel=0)
    waves.free(0)
    waves.select(HOST, LEADER)
    waves.free(0, 2)
    done = bus.finish()[1:]
    assert [(one.kind, one.winner) for one in done] == [
        (Kind.ARBITRATION, None),
        (Kind.BUS_FREE, None),
        (Kind.ARBITRATION, 7),
        (Kind.SELECTION, None),
        (Kind.BUS_FREE, None),
    ]


def test_winner_that_never_showed_an_id() -> None:
    """Who asserts SEL without an ID is not named; the ID that is on the bus is."""
    bus = DecodedBus()
    waves = bus.waves
    waves.put(0, bsy=1, data=data_bits(0x80))
    waves.put(9, bsy=1)
    waves.wait(2400)
    waves.put(9, sel=1)
    waves.wait(1200)
    waves.put(9, data=1 << (w.DB + 5))
    waves.put(0, bsy=0)
    waves.put(9, bsy=0)
    waves.wait(400)
    waves.free(0, 9)
    found = {one.kind: one for one in bus.finish()}
    assert found[Kind.ARBITRATION].winner == 7
    assert (found[Kind.SELECTION].initiator, found[Kind.SELECTION].target) == (7, 5)


@pytest.mark.parametrize(("ids", "expected"), [(0x80, (None, None)), (0xA4, (None, None)), (0xA0, (7, 5))])
def test_ids_of_a_selection(bus: DecodedBus, ids: int, expected: tuple[int | None, int | None]) -> None:
    """The own ID alone, and more than two IDs, call nobody."""
    waves = bus.waves
    waves.arbitrate({0: 7}, 0)
    waves.put(0, data=data_bits(ids))
    waves.put(0, bsy=0)
    waves.wait(500)
    waves.free(0)
    selection = next(one for one in bus.finish() if one.kind is Kind.SELECTION)
    assert (selection.initiator, selection.target) == expected


@pytest.mark.parametrize("atn", [0, 1])
def test_selection(bus: DecodedBus, atn: int) -> None:
    bus.waves.select(HOST, LEADER, atn)
    bus.waves.free(0, 2)
    done = bus.finish()
    assert [one.kind for one in done] == [Kind.BUS_FREE, Kind.ARBITRATION, Kind.SELECTION, Kind.BUS_FREE]
    selection = done[2]
    assert (selection.initiator, selection.target, selection.atn, selection.answered) == (7, 5, bool(atn), True)
    assert selection.end_ps - selection.start_ps == 490_000


def test_selection_times_out(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.arbitrate({0: 7}, 0)
    waves.put(0, atn=1, data=data_bits(0x81))
    waves.wait(90)
    waves.put(0, bsy=0)
    waves.wait(10_000)
    waves.put(0, data=0)
    waves.wait(300_000)
    waves.free(0)
    selection = next(done for done in bus.finish() if done.kind is Kind.SELECTION)
    assert (selection.initiator, selection.target, selection.answered) == (7, 0, False)
    assert bus.done[-1].kind is Kind.BUS_FREE


def test_selection_without_arbitration(bus: DecodedBus) -> None:
    """An old single-initiator host: SEL and one ID, no ARBITRATION phase; who arbitrated earlier does not matter."""
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.free(0, 2)
    bus.decoder.tick(waves.time_ps)
    bus.done.clear()
    waves.put(0, sel=1, data=data_bits(0x04))
    waves.wait(400)
    waves.put(2, bsy=1)
    waves.wait(90)
    waves.put(0, sel=0, data=0)
    waves.wait(50)
    waves.out(2, 0, Phase.COMMAND, b"\0" * 6)
    waves.free(0, 2)
    done = bus.finish()
    assert [one.kind for one in done] == [Kind.SELECTION, Kind.PHASE, Kind.BUS_FREE]
    assert (done[0].initiator, done[0].target, done[0].atn) == (None, 2, False)


def test_ids_that_come_late(bus: DecodedBus) -> None:
    """The partner's ID after BSY was released (a broken initiator) is still seen."""
    waves = bus.waves
    waves.arbitrate({0: 7}, 0)
    waves.put(0, bsy=0)
    waves.put(0, data=data_bits(0xA0))
    waves.wait(500)
    waves.free(0)
    selection = next(one for one in bus.finish() if one.kind is Kind.SELECTION)
    assert (selection.initiator, selection.target) == (7, 5)


def test_no_bus_free_between_two_failed_arbitrations(bus: DecodedBus) -> None:
    waves = bus.waves
    for _ in range(2):
        waves.wait(200)
        waves.put(0, bsy=1, data=data_bits(0x80))
        waves.wait(3000)
        waves.release(0)
    done = bus.finish()
    assert [one.kind for one in done] == [Kind.BUS_FREE, Kind.ARBITRATION, Kind.ARBITRATION, Kind.BUS_FREE]


def test_reselection(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.reselect(LEADER, HOST)
    waves.into(2, 0, Phase.MSG_IN, b"\x80")
    waves.free(0, 2)
    done = bus.finish()
    assert [one.kind for one in done] == [
        Kind.BUS_FREE,
        Kind.ARBITRATION,
        Kind.RESELECTION,
        Kind.PHASE,
        Kind.BUS_FREE,
    ]
    assert (done[2].initiator, done[2].target, done[2].answered) == (7, 5, True)
    assert (done[3].initiator, done[3].by, done[3].data) == (7, 5, b"\x80")


def test_bus_free_is_reported_when_settled(bus: DecodedBus) -> None:
    bus.waves.select(HOST, LEADER)
    bus.waves.release(0)
    bus.waves.release(2)
    freed = bus.waves.time_ps
    count = len(bus.done)
    bus.decoder.tick(freed + 399_999)
    assert len(bus.done) == count
    bus.decoder.tick(freed + 400_000)
    last = bus.done[-1]
    assert (last.kind, last.start_ps, last.end_ps) == (Kind.BUS_FREE, freed, freed + 400_000)
    bus.decoder.tick(freed + 900_000)
    assert len(bus.done) == count + 1


def test_glitch_of_bsy_is_no_bus_free(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.put(2, bsy=0)
    waves.wait(100)
    waves.put(2, bsy=1)
    waves.wait(100)
    waves.out(2, 0, Phase.MSG_OUT, b"\xc0")
    waves.free(0, 2)
    done = bus.finish()
    assert [one.kind for one in done[3:]] == [Kind.PHASE, Kind.BUS_FREE]
    assert (done[3].initiator, done[3].target, done[3].by) == (7, 5, 5)


def test_glitch_of_sel_does_not_end_the_connection(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.COMMAND)
    for byte in (1, 2, 3):
        waves.put(2, req=1)
        waves.put(9, sel=int(byte == 2))
        waves.put(0, data=data_bits(byte))
        waves.handshake(2, 0)
        waves.put(9, sel=0)
    waves.free(0, 2)
    done = bus.finish()
    assert [one.kind for one in done[3:]] == [Kind.PHASE, Kind.BUS_FREE]
    assert (done[3].data, done[3].initiator, done[3].by) == (b"\1\2\3", 7, 5)


def test_bsy_and_sel_glitch_then_bus_free(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.put(2, sel=1)
    waves.free(2, 0)
    assert [one.kind for one in bus.finish()[3:]] == [Kind.BUS_FREE]


def test_arbitration_that_comes_too_early(bus: DecodedBus) -> None:
    """Another device arbitrates 200 ns after BSY: no BUS FREE, but its connection is seen for what it is."""
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.DATA_OUT)
    waves.put(2, req=1)
    waves.put(0, data=data_bits(9))
    waves.handshake(2, 0)
    waves.release(0)
    waves.release(2)
    waves.wait(200)
    waves.arbitrate({1: 6}, 1)
    waves.call(1, 3, (6, 4), atn=1)
    waves.out(3, 1, Phase.MSG_OUT, b"\xc0")
    waves.free(1, 3)
    done = bus.finish()[3:]
    assert [one.kind for one in done] == [
        Kind.PHASE,
        Kind.ARBITRATION,
        Kind.SELECTION,
        Kind.PHASE,
        Kind.BUS_FREE,
    ]
    assert (done[0].data, done[0].initiator, done[1].winner) == (b"\x09", 7, 6)
    assert (done[2].initiator, done[2].target) == (6, 4)
    assert (done[3].data, done[3].initiator, done[3].by) == (b"\xc0", 6, 4)


def test_selection_that_comes_too_early(bus: DecodedBus) -> None:
    """SEL in the very moment in which BSY goes: a selection without arbitration or BUS FREE."""
    waves = bus.waves
    waves.select(HOST, LEADER)
    value = w.M_SEL | data_bits(0x50)
    bus.decoder.sample(Wires(waves.time_ps, value, changed=value ^ w.M_BSY))
    bus.decoder.sample(Wires(waves.time_ps + 500_000, value | w.M_BSY, changed=w.M_BSY))
    bus.decoder.sample(Wires(waves.time_ps + 600_000, w.M_BSY, changed=value))
    done = bus.done[3:]
    assert [(one.kind, one.initiator, one.target) for one in done] == [(Kind.SELECTION, 6, 4)]
    assert (bus.decoder.initiator, bus.decoder.target) == (6, 4)


def test_training_in_a_dt_phase_is_no_arbitration(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.DT_DATA_IN)
    waves.put(2, sel=1)
    waves.wait(200)
    waves.put(2, sel=0)
    waves.into(2, 0, Phase.DT_DATA_IN, b"\1")
    waves.free(0, 2)
    done = bus.finish()
    assert [one.kind for one in done[3:]] == [Kind.PHASE, Kind.BUS_FREE]
    assert (done[3].phase, done[3].parity_ok) == (Phase.DT_DATA_IN, None)


def test_listening_in_the_middle_of_a_connection(bus: DecodedBus) -> None:
    done: list[Transaction] = []
    waves = bus.waves
    waves.select(HOST, LEADER)
    late = BusDecoder(done.append)
    late.sample(Wires(waves.time_ps, w.M_BSY, changed=w.M_BSY))
    waves.subscribers.append(late)
    waves.out(2, 0, Phase.MSG_OUT, b"\xc0")
    waves.free(0, 2)
    waves.select(HOST, LEADER)
    waves.free(0, 2)
    late.tick(waves.time_ps)
    assert [(one.kind, one.initiator) for one in done] == [
        (Kind.PHASE, None),
        (Kind.BUS_FREE, None),
        (Kind.ARBITRATION, None),
        (Kind.SELECTION, 7),
        (Kind.BUS_FREE, None),
    ]


def test_connection_is_forgotten_at_bus_free(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    assert (bus.decoder.initiator, bus.decoder.target) == (7, 5)
    waves.out(2, 0, Phase.MSG_OUT, bytes.fromhex("C001020301"))
    waves.free(0, 2)
    bus.decoder.tick(waves.time_ps)
    assert (bus.decoder.initiator, bus.decoder.target) == (None, None)
    waves.select(HOST, LEADER)
    waves.into(2, 0, Phase.MSG_IN, bytes.fromhex("01020301"))
    waves.free(0, 2)
    bus.finish()
    assert not bus.decoder.agreements.of(7, 5).wide, "a question of an earlier connection was answered"


def test_bus_free_in_the_middle_of_data_out(bus: DecodedBus) -> None:
    """The lines of DATA OUT read the same when released: the phase ends with the connection."""
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.out(2, 0, Phase.DATA_OUT, b"\1\2")
    waves.free(2, 0)
    waves.select(HOST, SECOND)
    waves.out(3, 0, Phase.DATA_OUT, b"\3")
    waves.free(0, 3)
    done = bus.finish()
    assert [(one.by, one.data) for one in done if one.kind is Kind.PHASE] == [(5, b"\1\2"), (4, b"\3")]
    assert [one.kind for one in done[3:5]] == [Kind.PHASE, Kind.BUS_FREE]


def test_reset_in_the_middle_of_data_out(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.out(2, 0, Phase.DATA_OUT, b"\1\2")
    waves.put(9, rst=1)
    assert (bus.done[-1].kind, bus.done[-1].data) == (Kind.PHASE, b"\1\2")
    assert bus.decoder.initiator is None


def test_reset_with_bsy_stuck(bus: DecodedBus) -> None:
    """RST ends while a device still holds BSY: BUS FREE is reported when that is over."""
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.put(9, rst=1)
    waves.release(0)
    waves.wait(25_000)
    waves.put(9, rst=0)
    released = waves.time_ps
    waves.release(2)
    done = bus.finish()
    assert [(one.kind, one.start_ps) for one in done[-1:]] == [(Kind.BUS_FREE, released)]
    assert [one.kind for one in done[-2:]] == [Kind.RESET, Kind.BUS_FREE]


def test_reset_ends_everything(bus: DecodedBus) -> None:
    waves = bus.waves
    waves.negotiate_wide(HOST, LEADER)
    waves.phase(2, Phase.COMMAND)
    assert bus.decoder.agreements.of(7, 5).wide
    waves.put(9, rst=1)
    start = waves.time_ps
    waves.free(0, 2)
    waves.wait(25_000)
    waves.put(9, rst=0)
    end = waves.time_ps
    done = bus.finish()
    assert [one.kind for one in done[-3:]] == [Kind.PHASE, Kind.RESET, Kind.BUS_FREE]
    assert (done[-2].start_ps, done[-2].end_ps, done[-1].start_ps) == (start, end, end)
    assert not bus.decoder.agreements.of(7, 5).wide
