"""The monitor's synchronous data phases, ST and DT: from wire scripts, with faults on the wires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cocotbext.scsi.agreement import ASYNC_8, Agreement, Option, Period
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.crc import USUAL, CrcConvention
from cocotbext.scsi.decoder import BusDecoder
from cocotbext.scsi.transaction import Kind, Transaction, Transfer
from cocotbext.scsi.transcript import describe, read_transcript, write_transcript
from cocotbext.scsi.wires import EVERY_SLOT, M_ATN, M_DATA, M_PHASE, REQ, Wires
from helpers.playback import samples
from helpers.sync_script import (
    DT_FAST_10,
    DT_FAST_20,
    DT_FAST_40,
    DT_FAST_80,
    FAST_5,
    FAST_10,
    FAST_20,
    FAST_40,
    Pace,
    dt_transfer,
    sync_transfer,
)
from helpers.wire_script import (
    HOST,
    IDS,
    LEADER,
    PART1,
    Fault,
    Script,
    arbitrate,
    begin_phase,
    byte_out,
    end,
    free,
    select,
    transfer,
)

BLOCK = bytes(n * 7 & 0xFF for n in range(64))
ST_OUT, ST_IN = Phase.DATA_OUT, Phase.DATA_IN
DT_OUT, DT_IN = Phase.DT_DATA_OUT, Phase.DT_DATA_IN
PACES = {Period.FAST_5: FAST_5, Period.FAST_10: FAST_10, Period.FAST_20: FAST_20, Period.FAST_40: FAST_40}
DT_PACES = {
    Period.FAST_10: DT_FAST_10,
    Period.FAST_20: DT_FAST_20,
    Period.FAST_40: DT_FAST_40,
    Period.FAST_80: DT_FAST_80,
}
ONE_BIT = ("db3", "db8", "dbp0", "dbp1")


def begun(messages: str = "C0", answers: Sequence[str] = ()) -> Script:
    """A connection after MESSAGE OUT (p0) and what the target answers to its messages (p1 and on)."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, bytes.fromhex(messages))
    for answer in answers:
        transfer(s, LEADER, Phase.MSG_IN, bytes.fromhex(answer))
    return s


def decode(
    s: Script,
    agreement: Agreement | None = None,
    faults: Sequence[Fault] = (),
    drivers: bool = True,
    crc: CrcConvention | None = USUAL,
) -> list[Transaction]:
    """What the decoder tells of a script, the pair having agreed before if so stated."""
    done: list[Transaction] = []
    decoder = BusDecoder(done.append, crc=crc)
    if agreement is not None:
        decoder.agreements.agree(IDS[HOST], IDS[LEADER], agreement)
    for wires in samples(s, faults, drivers):
        decoder.sample(wires)
    decoder.flush(round(s.now * 1000) + 1_000_000)
    return done


def the_data(done: Sequence[Transaction]) -> Transaction:
    """The one data phase."""
    found = [one for one in done if one.phase is not None and one.phase.is_data]
    assert len(found) == 1, found
    return found[0]


def _st(phase: Phase, values: bytes, pace: Pace, wide: bool = True) -> Script:
    s = begun()
    sync_transfer(s, LEADER, phase, values, pace, wide=wide)
    end(s)
    return s


def _dt(phase: Phase, values: bytes, pace: Pace, groups: Sequence[int] = ()) -> Script:
    s = begun()
    dt_transfer(s, LEADER, phase, values, pace, groups=groups)
    end(s)
    return s


# ST


@pytest.mark.parametrize("drivers", [True, False], ids=["drivers", "wires-only"])
@pytest.mark.parametrize("wide", [True, False], ids=["wide", "narrow"])
@pytest.mark.parametrize("period", PACES)
@pytest.mark.parametrize("phase", [ST_OUT, ST_IN])
def test_st_phase(phase: Phase, period: Period, wide: bool, drivers: bool) -> None:
    pace = PACES[period]
    agreement = Agreement(period, pace.offset, wide)
    s = _st(phase, BLOCK, pace, wide)
    done = the_data(decode(s, agreement, drivers=drivers))
    words = len(BLOCK) // 2 if wide else len(BLOCK)
    assert (done.data, done.wide, done.parity_ok) == (BLOCK, wide, True)
    assert (done.transfer, done.transfers, done.crc_ok, done.groups) == (Transfer.ST, words, None, None)
    strobe = "req" if phase.is_in else "ack"
    first, last = (1000 + round(1000 * s.at(f"p1.b{n}.{strobe}")) for n in (0, words - 1))
    assert (done.first_strobe_ps, done.last_strobe_ps) == (first, last)
    assert last - first >= (words - 1) * pace.period * 1000
    assert done.end_ps == 1000 + round(1000 * s.at(f"p1.b{words - 1}.ack_off"))


@pytest.mark.parametrize("phase", [ST_OUT, ST_IN])
def test_rate_at_the_sender_is_the_agreed_one(phase: Phase) -> None:
    """With offset enough (n - 1) periods lie between the first and the last strobe."""
    done = the_data(decode(_st(phase, BLOCK, FAST_40), Agreement(Period.FAST_40, 31, True)))
    assert done.first_strobe_ps is not None
    assert done.last_strobe_ps is not None
    assert done.last_strobe_ps - done.first_strobe_ps == (len(BLOCK) // 2 - 1) * 25_000


@pytest.mark.parametrize("offset", [1, 2, 3, 63])
@pytest.mark.parametrize("phase", [ST_OUT, ST_IN])
def test_any_offset(phase: Phase, offset: int) -> None:
    pace = replace(FAST_20, offset=offset, answer=130.0)
    done = the_data(decode(_st(phase, BLOCK, pace), Agreement(Period.FAST_20, offset, True)))
    assert (done.data, done.transfer, done.transfers) == (BLOCK, Transfer.ST, 32)


@pytest.mark.parametrize("name", ONE_BIT)
@pytest.mark.parametrize("phase", [ST_OUT, ST_IN])
def test_wrong_parity_of_one_word(phase: Phase, name: str) -> None:
    s = _st(phase, bytes(64), FAST_20)
    slot = LEADER if phase.is_in else HOST
    level = 0 if name.startswith("dbp") else 1
    fault = Fault(slot, name, level, "p1.b9.data", "p1.b10.data-1")
    agreement = Agreement(Period.FAST_20, 16, True)
    done = the_data(decode(s, agreement, [fault]))
    assert done.parity_ok is False
    assert len(done.data) == 64
    narrow = the_data(decode(s, replace(agreement, wide=False), [fault]))
    assert narrow.parity_ok is (name in ("db8", "dbp1")), "the high byte counts only when it is agreed"


@pytest.mark.parametrize(("phase", "wire"), [(ST_OUT, "ack"), (ST_IN, "ack"), (ST_IN, "req")])
def test_a_strobe_that_is_missing(phase: Phase, wire: str) -> None:
    s = _st(phase, BLOCK, FAST_20)
    slot = HOST if wire == "ack" else LEADER
    fault = Fault(slot, wire, 0, f"p1.b9.{wire}", f"p1.b9.{wire}_off")
    done = the_data(decode(s, Agreement(Period.FAST_20, 16, True), [fault]))
    lost = {(ST_OUT, "ack"): 18, (ST_IN, "ack"): 62, (ST_IN, "req"): 18}[phase, wire]
    assert done.data == BLOCK[:lost] + BLOCK[lost + 2 :]
    assert done.transfers == (32 if (phase, wire) == (ST_IN, "ack") else 31)


def test_a_phase_that_is_cut_off() -> None:
    """What has no ACK is not transferred, though its strobe was there."""
    s = begun()
    sync_transfer(s, LEADER, ST_IN, BLOCK, replace(FAST_20, answer=230.0))
    s.now = s.at("p1.b20.req_off") + 1
    s.edges = [edge for edge in s.edges if edge[0] < s.now]
    free(s, LEADER)
    s.clear(HOST, -1)
    done = the_data(decode(s, Agreement(Period.FAST_20, 16, True)))
    assert done.transfers == 21
    assert 0 < len(done.data) < 42
    assert done.data == BLOCK[: len(done.data)]


def test_unknown_agreement_shows_in_the_strobes() -> None:
    """A monitor that started late tells synchronous by a REQ ahead of the ACK, but not the width."""
    ahead = replace(FAST_20, answer=130.0)
    done = the_data(decode(_st(ST_IN, BLOCK, ahead)))
    assert (done.transfer, done.data) == (Transfer.ST, BLOCK[::2])
    slow = replace(ahead, offset=1)
    assert the_data(decode(_st(ST_IN, BLOCK, slow))).transfer is Transfer.ASYNC


# Agreements made on the bus


SDTR, WDTR, PPR_DT = "0103010C10", "01020301", "01060409003E0106"
DT_80 = Agreement(Period.FAST_80, 62, True, Option.DT | Option.QAS)


@pytest.mark.parametrize(
    ("messages", "answers", "wide", "transfer_is"),
    [
        ("C0", [], False, Transfer.ASYNC),
        ("C0" + SDTR, [SDTR], False, Transfer.ST),
        ("C0" + SDTR, ["0103010C00"], False, Transfer.ASYNC),
        ("C0" + SDTR, ["07"], False, Transfer.ASYNC),
        ("C0" + WDTR, [WDTR], True, Transfer.ASYNC),
        ("C0" + "0106040C00100100", ["0106040C00100100"], True, Transfer.ST),
    ],
)
def test_agreement_made_on_the_bus(messages: str, answers: list[str], wide: bool, transfer_is: Transfer) -> None:
    s = begun(messages, answers)
    if transfer_is is Transfer.ST:
        sync_transfer(s, LEADER, ST_OUT, BLOCK, replace(FAST_20, offset=1), wide=wide)
    else:
        transfer(s, LEADER, ST_OUT, BLOCK, wide=wide)
    end(s)
    done = the_data(decode(s))
    assert (done.data, done.wide, done.transfer, done.parity_ok) == (BLOCK, wide, transfer_is, True)


def test_width_then_synchronous_and_back() -> None:
    """WDTR, then SDTR in one connection; a new WDTR ends the synchronous agreement, the next RST everything."""
    s = begun("C0" + WDTR, [WDTR])
    for question, transfer_is in ((SDTR, Transfer.ST), (WDTR, Transfer.ASYNC)):
        transfer(s, LEADER, Phase.MSG_IN, bytes.fromhex(question))
        s.set(HOST, M_ATN)
        transfer(s, LEADER, Phase.MSG_OUT, bytes.fromhex(question))
        if transfer_is is Transfer.ST:
            sync_transfer(s, LEADER, ST_OUT, BLOCK, replace(FAST_20, offset=1))
        else:
            transfer(s, LEADER, ST_OUT, BLOCK, wide=True)
    end(s)
    data = [one for one in decode(s) if one.phase is ST_OUT]
    assert [(one.transfer, one.wide, one.data) for one in data] == [
        (Transfer.ST, True, BLOCK),
        (Transfer.ASYNC, True, BLOCK),
    ]


def test_question_that_is_sent_again_is_asked_once() -> None:
    """REQ in MESSAGE OUT once more: the first version was not taken, and an SDTR in it is no second question."""
    s = begun("C0" + SDTR)
    s.set(HOST, M_ATN)
    transfer(s, LEADER, Phase.MSG_OUT, bytes.fromhex("C0" + WDTR))
    transfer(s, LEADER, Phase.MSG_IN, bytes.fromhex(SDTR))
    transfer(s, LEADER, ST_OUT, BLOCK)
    end(s)
    done = decode(s)
    assert [one.resend for one in done if one.phase is Phase.MSG_OUT] == [False, True]
    assert the_data(done).transfer is Transfer.ASYNC


def test_answer_that_is_sent_again_is_no_question() -> None:
    """The target's own question after it stays unanswered."""
    s = begun("C0", [SDTR])
    for _ in range(2):
        s.set(HOST, M_ATN)
        transfer(s, LEADER, Phase.MSG_OUT, bytes.fromhex(SDTR + "08"))
    transfer(s, LEADER, Phase.MSG_IN, bytes.fromhex("0103010C00"))
    sync_transfer(s, LEADER, ST_OUT, BLOCK, replace(FAST_20, offset=1), wide=False)
    end(s)
    assert the_data(decode(s)).transfer is Transfer.ST


def test_each_target_answers_for_itself() -> None:
    """In a mirrored operation another target may drive the phase lines: it answers no question of the leader's."""
    s = begun("C0" + WDTR)
    s.clear(LEADER, M_PHASE | M_DATA)
    s.lines_now = 0
    transfer(s, PART1, Phase.MSG_IN, bytes.fromhex(WDTR))
    free(s, PART1, "part ")
    free(s, LEADER)
    done: list[Transaction] = []
    decoder = BusDecoder(done.append)
    decoder.learn(PART1, IDS[PART1])
    for wires in samples(s):
        decoder.sample(wires)
    assert [one.by for one in done if one.phase is not None] == [5, 4]
    assert [decoder.agreements.of(7, target) for target in (5, 4)] == [ASYNC_8, ASYNC_8]


def test_view_of_drivers_that_is_ahead_of_the_bus() -> None:
    """A driver that has let go of REQ before its edge is on the bus is no other driver."""
    s = _st(ST_IN, BLOCK, FAST_40)
    done: list[Transaction] = []
    decoder = BusDecoder(done.append)
    decoder.agreements.agree(7, 5, Agreement(Period.FAST_40, 31, True))
    inside = range(1000 + round(1000 * s.at("p1.b0.req")) + 1, 1000 + round(1000 * s.at("p1.b31.ack_off")))
    for wires in samples(s):
        ahead = wires.time_ps in inside
        view = (wires.drivers or 0) & ~(EVERY_SLOT << REQ) if ahead else wires.drivers
        decoder.sample(Wires(wires.time_ps, wires.value, 0, view, wires.changed))
    assert the_data(done).data == BLOCK


@pytest.mark.parametrize(("question", "transfer_is"), [("010604", Transfer.ASYNC), ("0106", Transfer.ST)])
def test_question_that_is_rejected_half_way(question: str, transfer_is: Transfer) -> None:
    """The code of the message has come before MESSAGE REJECT, or it has not: the fallback is that of its kind."""
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    begin_phase(s, LEADER, Phase.MSG_OUT)
    for index, value in enumerate(bytes.fromhex("C0" + question)):
        byte_out(s, LEADER, index, value)
    transfer(s, LEADER, Phase.MSG_IN, b"\x07")
    transfer(s, LEADER, Phase.MSG_OUT, b"\x08")
    narrow = replace(FAST_20, offset=1)
    if transfer_is is Transfer.ST:
        sync_transfer(s, LEADER, ST_OUT, BLOCK, narrow)
    else:
        transfer(s, LEADER, ST_OUT, BLOCK)
    end(s)
    done = the_data(decode(s, Agreement(Period.FAST_20, 1, True)))
    assert (done.transfer, done.wide, done.data) == (transfer_is, transfer_is is Transfer.ST, BLOCK)


# DT


@pytest.mark.parametrize("drivers", [True, False], ids=["drivers", "wires-only"])
@pytest.mark.parametrize("length", [4, 6, 63, 64])
@pytest.mark.parametrize("period", DT_PACES)
@pytest.mark.parametrize("phase", [DT_OUT, DT_IN])
def test_dt_phase(phase: Phase, period: Period, length: int, drivers: bool) -> None:
    """One group: an odd number of words has a pad; an odd byte count shows as a byte too many."""
    pace = DT_PACES[period]
    agreement = Agreement(period, pace.offset, True, Option.DT)
    s = _dt(phase, BLOCK[:length], pace)
    done = the_data(decode(s, agreement, drivers=drivers))
    words = (length + 1) // 2
    transfers = words + words % 2 + 2
    assert done.data == BLOCK[:length] + bytes(length % 2)
    assert (done.transfer, done.wide, done.parity_ok, done.phase) == (Transfer.DT, True, None, phase)
    assert (done.transfers, done.groups, done.crc_ok) == (transfers, 1, True)
    strobe = "req" if phase.is_in else "ack"
    first, last = (1000 + round(1000 * s.at(f"p1.b{n}.{strobe}")) for n in (0, transfers - 1))
    assert (done.first_strobe_ps, done.last_strobe_ps) == (first, last)
    assert done.end_ps == 1000 + round(1000 * s.at(f"p1.b{transfers - 1}.ack"))


@pytest.mark.parametrize("groups", [(64,), (32, 32), (2, 6, 56), (62, 2), (16,) * 4])
@pytest.mark.parametrize("phase", [DT_OUT, DT_IN])
def test_groups_of_a_phase(phase: Phase, groups: tuple[int, ...]) -> None:
    done = the_data(decode(_dt(phase, BLOCK, DT_FAST_80, groups), DT_80))
    assert (done.data, done.groups, done.crc_ok) == (BLOCK, len(groups), True)


@pytest.mark.parametrize("offset", [1, 2, 7])
@pytest.mark.parametrize("phase", [DT_OUT, DT_IN])
def test_any_dt_offset(phase: Phase, offset: int) -> None:
    s = _dt(phase, BLOCK[:-2], replace(DT_FAST_40, offset=offset, answer=90.0), (30, 32))
    done = the_data(decode(s, DT_80))
    assert (done.data, done.groups, done.crc_ok) == (BLOCK[:-2], 2, True)


def _flipped(phase: Phase, words: Sequence[int], number: int, name: str) -> Fault:
    """One bit of one word as its sender drives it, the other way round."""
    level = 1 - (words[number] >> int(name.removeprefix("db")) & 1)
    slot = LEADER if phase.is_in else HOST
    return Fault(slot, name, level, f"p1.b{number}.data", f"p1.b{number + 1}.data-1")


@pytest.mark.parametrize("name", ["db0", "db15"])
@pytest.mark.parametrize("number", [0, 2, 3, 4], ids=["data", "last data", "pad", "first CRC word"])
@pytest.mark.parametrize("phase", [DT_OUT, DT_IN])
def test_one_wrong_bit_shows_in_the_crc(phase: Phase, number: int, name: str) -> None:
    """Data, pad and CRC of the first of two groups; what is said of the bytes is what stood on the wires."""
    s = _dt(phase, bytes(6) + BLOCK[:8], DT_FAST_40, (6, 8))
    good = the_data(decode(s, DT_80))
    assert (good.crc_ok, good.groups) == (True, 2)
    words = [0, 0, 0, 0, _crc_word(s, phase)]
    done = the_data(decode(s, DT_80, [_flipped(phase, words, number, name)]))
    assert (done.crc_ok, done.groups) == (False, 2)
    assert (done.data == good.data) is (number > 2)


def _crc_word(s: Script, phase: Phase) -> int:
    """The first CRC word as the script has it."""
    slot = LEADER if phase.is_in else HOST
    when = s.at("p1.b4.data")
    return next(on for time, its, on, _ in s.edges if (time, its) == (when, slot) and on) >> 9 & 0xFFFF


@pytest.mark.parametrize(("phase", "wire"), [(DT_OUT, "ack"), (DT_IN, "req"), (DT_IN, "ack"), (DT_OUT, "req")])
def test_a_missing_pulse_shows_in_the_crc(phase: Phase, wire: str) -> None:
    """Two strobes of the sender, or two of those that ask for them, are not there."""
    s = _dt(phase, BLOCK, DT_FAST_40)
    slot = HOST if wire == "ack" else LEADER
    fault = Fault(slot, wire, 0, f"p1.b8.{wire}", f"p1.b9.{wire}")
    done = the_data(decode(s, DT_80, [fault]))
    assert done.crc_ok is False
    assert done.transfers == (34 if (phase, wire) == (DT_IN, "ack") else 32)


def test_crca_that_does_not_come() -> None:
    """Without P_CRCA the CRC words are data, and no group is closed."""
    s = _dt(DT_IN, BLOCK, DT_FAST_40)
    fault = Fault(LEADER, "dbp0", 0, "p1.g0.crca", "p1.g0.crca_off")
    done = the_data(decode(s, DT_80, [fault]))
    assert (done.crc_ok, done.groups, len(done.data)) == (False, 0, 68)


def test_crca_too_late() -> None:
    """P_CRCA after the first CRC word: that one is data, the second a pad, and the group has no end."""
    s = _dt(DT_IN, BLOCK, DT_FAST_40)
    fault = Fault(LEADER, "dbp0", 0, "p1.g0.crca", "p1.b32.req+1")
    done = the_data(decode(s, DT_80, [fault]))
    assert (done.crc_ok, done.groups, len(done.data)) == (False, 0, 66)


@pytest.mark.parametrize("values", [b"", BLOCK], ids=["no data", "data"])
def test_group_that_is_cut_off(values: bytes) -> None:
    """After its first CRC word; a whole group may be empty."""
    s = begun()
    dt_transfer(s, LEADER, DT_IN, values, DT_FAST_40)
    whole = the_data(decode(s, DT_80))
    assert (whole.data, whole.groups, whole.crc_ok) == (values, 1, True)
    s.now = s.at(f"p1.b{len(values) // 2}.ack") + 1
    s.edges = [edge for edge in s.edges if edge[0] < s.now]
    free(s, LEADER)
    s.clear(HOST, -1)
    done = the_data(decode(s, DT_80))
    assert (done.data, done.groups, done.crc_ok) == (values, 0, False)


def test_dt_phase_says_so_by_its_code() -> None:
    """Whoever has not seen the agreement reads it all the same."""
    done = the_data(decode(_dt(DT_IN, BLOCK, DT_FAST_80)))
    assert (done.transfer, done.wide, done.data, done.crc_ok) == (Transfer.DT, True, BLOCK, True)


def test_words_that_are_no_groups() -> None:
    """Information units, and a bus without the wire P_CRCA: every word is data."""
    s = _dt(DT_IN, BLOCK, DT_FAST_80)
    units = replace(DT_80, options=DT_80.options | Option.IU)
    for done in (the_data(decode(s, units)), the_data(decode(s, DT_80, crc=None))):
        assert (done.data[:64], len(done.data), done.crc_ok, done.groups) == (BLOCK, 68, None, None)


def test_unknown_data_is_a_wrong_crc() -> None:
    """An X reads as 0, which may even be right."""
    s = _dt(DT_IN, bytes(8), DT_FAST_40)
    found: list[bool | None] = []
    for unknown in (0, 1 << 9):
        done: list[Transaction] = []
        decoder = BusDecoder(done.append)
        when = 1000 + round(s.at("p1.b2.req") * 1000)
        for wires in samples(s):
            now = unknown if wires.time_ps == when else 0
            decoder.sample(Wires(wires.time_ps, wires.value, now, wires.drivers, wires.changed))
        decoder.flush(round(s.now * 1000) + 1_000_000)
        found.append(the_data(done).crc_ok)
    assert found == [True, False]


def test_ppr_then_dt() -> None:
    s = begun("C0" + PPR_DT, [PPR_DT])
    dt_transfer(s, LEADER, DT_OUT, BLOCK, DT_FAST_80, raise_atn=True)
    end(s)
    done = the_data(decode(s))
    assert (done.data, done.crc_ok, done.atn) == (BLOCK, True, True)


# Residue, and the transcript


@pytest.mark.parametrize(
    ("phase", "message", "residue"),
    [(ST_IN, "2301", 1), (ST_IN, "2300", None), (ST_IN, "042301", None), (ST_OUT, "2301", None), (DT_IN, "2301", 1)],
)
def test_ignore_wide_residue(phase: Phase, message: str, residue: int | None) -> None:
    """It counts right after a wide data phase IN, before any other message."""
    s = begun()
    if phase is DT_IN:
        dt_transfer(s, LEADER, phase, BLOCK[:7], DT_FAST_40)
    else:
        sync_transfer(s, LEADER, phase, BLOCK[:7], FAST_20)
    transfer(s, LEADER, Phase.MSG_IN, bytes.fromhex(message))
    transfer(s, LEADER, Phase.STATUS, b"\0")
    transfer(s, LEADER, Phase.MSG_IN, bytes.fromhex("2301"))
    free(s, LEADER)
    agreement = DT_80 if phase is DT_IN else Agreement(Period.FAST_20, 16, True)
    done = decode(s, agreement)
    said = [one.residue for one in done if one.phase is Phase.MSG_IN]
    assert said == [residue, None]
    assert the_data(done).data == BLOCK[:7] + b"\0"


@pytest.mark.parametrize("atn", [True, False])
def test_residue_that_is_said_again(atn: bool) -> None:
    """After a MESSAGE PARITY ERROR it is; when its message was taken it is not meant for those data any more."""
    s = begun()
    sync_transfer(s, LEADER, ST_IN, BLOCK[:7], FAST_20)
    transfer(s, LEADER, Phase.MSG_IN, bytes.fromhex("2301"), raise_atn=atn)
    s.set(HOST, M_ATN)
    transfer(s, LEADER, Phase.MSG_OUT, b"\x09" if atn else b"\x08")
    transfer(s, LEADER, Phase.MSG_IN, bytes.fromhex("2301"))
    free(s, LEADER)
    done = decode(s, Agreement(Period.FAST_20, 16, True))
    assert [one.residue for one in done if one.phase is Phase.MSG_IN] == [1, 1 if atn else None]


def test_transcript_of_synchronous_phases(tmp_path: Path) -> None:
    s = _dt(DT_IN, BLOCK[:6], DT_FAST_80)
    done = decode(s, DT_80)
    path = tmp_path / "bus.jsonl"
    write_transcript(path, done)
    assert read_transcript(path) == done
    line = the_data(done).to_json()
    assert (line["transfer"], line["transfers"], line["groups"], line["crc_ok"]) == ("dt", 6, 1, True)
    assert line["last_strobe_ns"] > line["first_strobe_ns"] > 0
    text = describe(the_data(done))
    assert "DT DATA IN" in text
    assert "CRC" not in text
    fault = Fault(LEADER, "db0", 1, "p1.b0.data", "p1.b1.data-1")
    assert "CRC ERROR" in describe(the_data(decode(s, DT_80, [fault])))
    assert all("transfer" not in one.to_json() for one in done if one.kind is not Kind.PHASE)
