"""QAS as the monitor tells it: where a connection ends, who wanted the bus, who got it (protocol 13)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.decoder import BusDecoder
from cocotbext.scsi.transaction import Kind, Transaction
from cocotbext.scsi.transcript import describe, read_transcript, write_transcript
from cocotbext.scsi.wires import M_ATN, M_BSY, M_IO, M_SEL
from helpers.playback import samples
from helpers.qas_script import qas_arbitrate, qas_give_up, qas_request, qas_reselect, qas_select
from helpers.wire_script import (
    HOST,
    IDS,
    LEADER,
    PART1,
    PART2,
    Fault,
    Script,
    arbitrate,
    begin_phase,
    byte_in,
    byte_out,
    end,
    free,
    ids,
    reset,
    select,
    transfer,
)

REST = [Kind.PHASE, Kind.PHASE, Kind.BUS_FREE]
"""How a connection of these scripts goes on and ends: STATUS, MESSAGE IN."""


@pytest.fixture(params=[True, False], ids=["drivers", "wires-only"])
def drivers(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def decode(s: Script, faults: Sequence[Fault] = (), drivers: bool = True) -> list[Transaction]:
    """What the decoder tells of a script."""
    done: list[Transaction] = []
    decoder = BusDecoder(done.append)
    for wires in samples(s, faults, drivers):
        decoder.sample(wires)
    decoder.flush(round(s.now * 1000) + 1_000_000)
    return done


def begun(before: bytes = b"\x00") -> Script:
    """A connection of 7 and 5 up to the QAS REQUEST, which is p2."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    transfer(s, LEADER, Phase.STATUS, b"\x00")
    qas_request(s, before=before)
    return s


def ps(s: Script, moment: str) -> int:
    """When a mark is in the samples."""
    return 1000 + round(1000 * s.at(moment))


def after_request(done: Sequence[Transaction]) -> list[Transaction]:
    """What comes after the phase with the 55h."""
    index = next(n for n, one in enumerate(done) if one.phase is Phase.MSG_IN and one.data.endswith(b"\x55"))
    return list(done[index + 1 :])


@pytest.mark.parametrize("before", [b"\x00", b"\x04", b""])
def test_selection_after_qas(drivers: bool, before: bytes) -> None:
    s = begun(before)
    qas_arbitrate(s, HOST, 7, losers=[(PART1, 4), (PART2, 3)])
    qas_select(s, HOST, PART1, "2.")
    end(s, PART1)
    done = decode(s, drivers=drivers)
    frees = [n for n, one in enumerate(done) if one.kind is Kind.BUS_FREE]
    assert frees == [0, len(done) - 1], "only at the very beginning and end"
    request = next(one for one in done if one.data == before + b"\x55")
    arbitration, selection, status, *_ = after_request(done)
    assert (request.end_ps, request.atn) == (ps(s, f"p2.b{len(before)}.ack_off"), False)
    assert (arbitration.kind, arbitration.qas, arbitration.contenders, arbitration.winner) == (
        Kind.ARBITRATION,
        True,
        [7, 4, 3],
        7,
    )
    assert (arbitration.start_ps, arbitration.end_ps) == (ps(s, "t0"), ps(s, "qas_won"))
    assert (selection.kind, selection.initiator, selection.target, selection.atn, selection.answered) == (
        Kind.SELECTION,
        7,
        4,
        True,
        True,
    )
    assert (selection.start_ps, selection.end_ps) == (ps(s, "2.ids"), ps(s, "2.sel_off"))
    assert (status.initiator, status.target, status.by) == (7, 4, 4)
    assert [one.kind for one in done[-3:]] == REST


def test_reselection_after_qas(drivers: bool) -> None:
    s = begun()
    qas_arbitrate(s, PART2, 3, losers=[])
    qas_reselect(s, PART2, HOST, "2.")
    transfer(s, PART2, Phase.MSG_IN, b"\x80")
    end(s, PART2)
    arbitration, reselection, identify, *rest = after_request(decode(s, drivers=drivers))
    assert (arbitration.qas, arbitration.contenders, arbitration.winner) == (True, [3], 3)
    assert (reselection.kind, reselection.initiator, reselection.target) == (Kind.RESELECTION, 7, 3)
    assert reselection.answered
    assert (reselection.start_ps, reselection.end_ps) == (ps(s, "2.ids"), ps(s, "2.sel_off"))
    assert (identify.phase, identify.data, identify.initiator, identify.by) == (Phase.MSG_IN, b"\x80", 7, 3)
    assert [one.kind for one in rest] == REST


def test_the_loser_is_called(drivers: bool) -> None:
    """The ID that the winner puts on the bus is that of one who lost: gone in between, or never gone."""
    for lingers in (False, True):
        s = begun()
        qas_arbitrate(s, HOST, 7, losers=[(PART1, 4)])
        if lingers:
            s.edges = [edge for edge in s.edges if edge[:2] != (s.at("qas_bsy_off"), PART1)]
            s.clear(PART1, 1 << 13, when=s.now + 400)
        qas_select(s, HOST, PART1, "2.")
        end(s, PART1)
        arbitration, selection, *rest = after_request(decode(s, drivers=drivers))
        assert (arbitration.contenders, arbitration.winner) == ([7, 4], 7)
        assert (selection.initiator, selection.target, selection.answered) == (7, 4, True)
        assert [one.kind for one in rest] == REST


def test_the_sender_itself_wins(drivers: bool) -> None:
    s = begun()
    qas_arbitrate(s, LEADER, 5, losers=[(PART1, 4)])
    qas_reselect(s, LEADER, HOST, "2.")
    transfer(s, LEADER, Phase.MSG_IN, b"\x80")
    end(s)
    arbitration, reselection, *rest = after_request(decode(s, drivers=drivers))
    assert (arbitration.contenders, arbitration.winner) == ([5, 4], 5)
    assert (reselection.initiator, reselection.target) == (7, 5)
    assert [one.kind for one in rest] == [Kind.PHASE, *REST]


def test_io_a_little_after_the_ids(drivers: bool) -> None:
    """Without BSY to release, what it is stands on I/O before the answer."""
    s = begun()
    qas_arbitrate(s, PART1, 4)
    s.set(PART1, ids(4, 7))
    s.wait(20)
    s.set(PART1, M_IO)
    s.wait(500)
    s.set(HOST, M_BSY)
    s.wait(20)
    s.set(PART1, M_BSY)
    s.wait(130)
    s.clear(PART1, M_SEL | 0x3FFFF << 9)
    s.wait(50)
    s.clear(HOST, M_BSY)
    s.lines_now = M_IO
    s.wait(50)
    transfer(s, PART1, Phase.MSG_IN, b"\x80")
    end(s, PART1)
    _, reselection, identify, *_ = after_request(decode(s, drivers=drivers))
    assert (reselection.kind, reselection.initiator, reselection.target) == (Kind.RESELECTION, 7, 4)
    assert identify.by == 4


def test_ids_are_learned_from_qas() -> None:
    """A device whose ID was never seen before it took part in a QAS is named by it afterwards."""
    s = begun()
    qas_arbitrate(s, PART2, 3, losers=[(PART1, 2)])
    qas_reselect(s, PART2, HOST, "2.")
    begin_phase(s, PART1, Phase.STATUS)
    byte_in(s, PART1, 0, 0)
    free(s, PART1, "part1 ")
    free(s, PART2)
    status = next(one for one in after_request(decode(s)) if one.phase is Phase.STATUS)
    assert (status.target, status.by) == (3, 2)


def test_nobody_wants_the_bus(drivers: bool) -> None:
    """No ID, no arbitration: the sender frees the bus."""
    s = begun()
    s.wait(2050)
    s.mark("free")
    s.clear(LEADER, M_BSY)
    s.wait(10)
    done = after_request(decode(s, drivers=drivers))
    assert [(one.kind, one.start_ps) for one in done] == [(Kind.BUS_FREE, ps(s, "free"))]


def test_nobody_asserts_sel(drivers: bool) -> None:
    s = begun()
    qas_arbitrate(s, HOST, 7, losers=[(PART1, 4)], sel=False)
    arbitrate(s, HOST, 7, "2.")
    select(s, HOST, PART1, "2.")
    end(s, PART1, "2.")
    done = after_request(decode(s, drivers=drivers))
    qas, bus_free, arbitration, *_ = done
    assert (qas.qas, qas.contenders, qas.winner) == (True, [7, 4], None)
    assert (bus_free.kind, bus_free.start_ps) == (Kind.BUS_FREE, ps(s, "free"))
    assert (arbitration.qas, arbitration.winner) == (False, 7)


def test_winner_that_gives_up(drivers: bool) -> None:
    s = begun()
    qas_arbitrate(s, HOST, 7)
    qas_give_up(s, HOST)
    qas, bus_free = after_request(decode(s, drivers=drivers))
    assert (qas.qas, qas.contenders, qas.winner) == (True, [7], None)
    assert (bus_free.kind, bus_free.start_ps) == (Kind.BUS_FREE, ps(s, "free"))


def test_selection_after_qas_that_nobody_answers(drivers: bool) -> None:
    s = begun()
    qas_arbitrate(s, HOST, 7)
    s.set(HOST, M_ATN)
    s.wait(100)
    s.set(HOST, ids(7, 0))
    s.wait(900)
    s.mark("free")
    s.clear(HOST, -1)
    s.wait(10)
    _, selection, bus_free = after_request(decode(s, drivers=drivers))
    assert (selection.initiator, selection.target, selection.answered) == (7, 0, False)
    assert bus_free.start_ps == ps(s, "free")


def test_what_is_left_of_the_message_is_no_id(drivers: bool) -> None:
    """55h that stays on DB for a while after t0 shows bits 0, 2, 4 and 6: no contenders."""
    s = begun()
    left = Fault(LEADER, "db0 db2 db4 db6", 1, "t0-10", "t0+150")
    qas_arbitrate(s, HOST, 7, losers=[(PART2, 3)])
    qas_select(s, HOST, PART1, "2.")
    end(s, PART1)
    arbitration = after_request(decode(s, [left], drivers))[0]
    assert (arbitration.contenders, arbitration.winner) == ([7, 3], 7)


def test_contender_that_comes_late_and_leaves_early(drivers: bool) -> None:
    s = begun()
    start = s.now
    s.set(PART1, 1 << 13, start + 300)
    s.clear(PART1, 1 << 13, start + 600)
    qas_arbitrate(s, HOST, 7)
    qas_select(s, HOST, PART2, "2.")
    end(s, PART2)
    arbitration = after_request(decode(s, drivers=drivers))[0]
    assert (arbitration.contenders, arbitration.winner) == ([7, 4], 7)


def _refused(again: bytes) -> Script:
    """55h that the initiator has sent again, after which only BSY is kept for a while."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    transfer(s, LEADER, Phase.MSG_IN, b"\x00\x55", raise_atn=True)
    transfer(s, LEADER, Phase.MSG_OUT, b"\x09" if again else b"\x08")
    qas_request(s, before=again[:-1])
    s.wait(2050)
    s.clear(LEADER, M_BSY)
    s.wait(10)
    return s


def test_request_that_is_sent_again_opens_nothing(drivers: bool) -> None:
    """Not even contenders make it a QAS; a new request behind a message that was sent again does."""
    for again, opened in ((b"\x55", False), (b"\x00\x55", True)):
        s = _refused(again)
        s.set(HOST, 1 << 16, s.at("t0") + 60)
        s.clear(HOST, 1 << 16, s.at("t0") + 2060)
        done = decode(s, drivers=drivers)
        assert [one.kind for one in done if one.qas] == ([Kind.ARBITRATION] if opened else [])
        assert done[-1].kind is Kind.BUS_FREE


@pytest.mark.parametrize(
    ("data", "atn", "parity", "status"),
    [
        (b"\x00\x55", True, True, False),
        (b"\x00\x55", False, False, False),
        (b"\x20\x55", False, True, False),
        (b"\x55\x00", False, True, False),
        (b"\x00\x55", False, True, True),
    ],
    ids=["attention", "wrong parity", "a tag", "not the last", "another phase"],
)
def test_what_is_no_request(drivers: bool, data: bytes, atn: bool, parity: bool, status: bool) -> None:
    """Phase lines 000 after it are a DATA OUT that does not begin, whatever is on DB."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    transfer(s, LEADER, Phase.MSG_IN, data, raise_atn=atn)
    if status:
        transfer(s, LEADER, Phase.STATUS, b"\x00")
    begin_phase(s, LEADER, Phase.DATA_OUT)
    s.set(HOST, 1 << 16)
    s.wait(1500)
    s.mark("free")
    s.clear(LEADER, M_BSY)
    s.clear(HOST, -1)
    s.wait(10)
    faults = [] if parity else [Fault(LEADER, "dbp0", 0, "p1.b1.data", "p1.b1.ack_off")]
    done = decode(s, faults, drivers)
    assert not [one for one in done if one.qas]
    assert (done[-1].kind, done[-1].start_ps) == (Kind.BUS_FREE, ps(s, "free"))


def test_bus_free_at_once_after_the_request(drivers: bool) -> None:
    """All lines and BSY in one instant: BUS FREE, and the next arbitration is none by QAS."""
    s = begun()
    s.mark("free")
    s.clear(LEADER, M_BSY)
    arbitrate(s, HOST, 7, "2.")
    select(s, HOST, PART1, "2.")
    end(s, PART1, "2.")
    bus_free, arbitration, *_ = after_request(decode(s, drivers=drivers))
    assert (bus_free.kind, bus_free.start_ps) == (Kind.BUS_FREE, ps(s, "free"))
    assert (arbitration.kind, arbitration.qas) == (Kind.ARBITRATION, False)


def test_sender_that_is_slow_to_let_bsy_go(drivers: bool) -> None:
    """The partner's ID alone is no selection: that begins when BSY is false too."""
    s = begun()
    qas_arbitrate(s, HOST, 7)
    s.edges = [edge for edge in s.edges if edge[:2] != (s.at("qas_bsy_off"), LEADER)]
    s.clear(LEADER, M_BSY, when=s.now + 250)
    s.mark("late", s.now + 250)
    qas_select(s, HOST, PART1, "2.")
    end(s, PART1)
    arbitration, selection, *rest = after_request(decode(s, drivers=drivers))
    assert arbitration.winner == 7
    assert (selection.start_ps, selection.initiator, selection.target) == (ps(s, "late"), 7, 4)
    assert selection.answered
    assert [one.kind for one in rest] == REST


def test_sel_that_comes_too_early(drivers: bool) -> None:
    s = begun()
    s.wait(50)
    s.set(HOST, 1 << 16)
    s.wait(100)
    s.set(HOST, M_SEL)
    s.wait(100)
    s.clear(LEADER, M_BSY)
    s.wait(1000)
    qas_select(s, HOST, PART1, "2.")
    end(s, PART1)
    arbitration, selection, *_ = after_request(decode(s, drivers=drivers))
    assert (arbitration.contenders, arbitration.winner) == ([7], 7)
    assert (selection.initiator, selection.target) == (7, 4)


def test_a_request_that_was_none(drivers: bool) -> None:
    """55h of a device that goes on with DATA OUT, as if it were a message of its own: the connection goes on."""
    s = begun()
    s.wait(500)
    s.phase += 1
    byte_out(s, LEADER, 0, 0x33)
    end(s)
    done = after_request(decode(s, drivers=drivers))
    assert [(one.kind, one.phase, one.initiator, one.target) for one in done] == [
        (Kind.PHASE, Phase.DATA_OUT, 7, 5),
        (Kind.PHASE, Phase.STATUS, 7, 5),
        (Kind.PHASE, Phase.MSG_IN, 7, 5),
        (Kind.BUS_FREE, None, None, None),
    ]
    assert done[0].data == b"\x33"


def test_reset_in_a_qas(drivers: bool) -> None:
    for sel in (False, True):
        s = begun()
        if sel:
            qas_arbitrate(s, HOST, 7)
        else:
            s.wait(300)
        reset(s)
        s.clear(LEADER, -1, s.at("rst") + 100)
        s.wait(100)
        done = after_request(decode(s, drivers=drivers))
        assert [one.kind for one in done] == [Kind.RESET, Kind.BUS_FREE]


def test_agreement_is_kept_and_a_question_lapses(drivers: bool) -> None:
    """The end of a connection by QAS is one as by BUS FREE."""
    wdtr = bytes.fromhex("01020301")
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0" + wdtr)
    qas_request(s)
    qas_arbitrate(s, HOST, 7)
    qas_select(s, HOST, LEADER, "2.")
    transfer(s, LEADER, Phase.MSG_IN, wdtr)
    transfer(s, LEADER, Phase.DATA_IN, b"\1\2")
    s.set(HOST, M_ATN)
    transfer(s, LEADER, Phase.MSG_OUT, wdtr)
    transfer(s, LEADER, Phase.MSG_IN, wdtr)
    qas_request(s, before=b"\x04", name="2.")
    qas_arbitrate(s, HOST, 7, name="2.")
    qas_select(s, HOST, LEADER, "3.")
    transfer(s, LEADER, Phase.DATA_IN, b"\1\2", wide=True)
    end(s)
    data = [one for one in decode(s, drivers=drivers) if one.phase is Phase.DATA_IN]
    assert [(one.wide, one.data) for one in data] == [(False, b"\1\2"), (True, b"\1\2")]


def test_transcript_of_qas(tmp_path: Path) -> None:
    s = begun()
    qas_arbitrate(s, HOST, 7, losers=[(PART1, 4)])
    qas_select(s, HOST, PART1, "2.")
    end(s, PART1)
    done = decode(s)
    path = tmp_path / "bus.jsonl"
    write_transcript(path, done)
    assert read_transcript(path) == done
    assert [one.to_json()["qas"] for one in done if one.kind is Kind.ARBITRATION] == [False, True]
    assert "QAS ARBITRATION  7 4 -> 7 wins" in "\n".join(map(describe, done))
