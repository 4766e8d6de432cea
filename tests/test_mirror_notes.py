"""What bus transactions mean to silent mirroring: the worked example (protocol, section 12) and its exceptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cocotbext.scsi import wires as w
from cocotbext.scsi.agreement import Agreement, Option, Period
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.decoder import BusDecoder
from cocotbext.scsi.transaction import Kind, Transaction
from cocotbext.scsi.transcript import describe_last, read_transcript, write_transcript
from helpers import mirror_scenarios
from helpers import wire_script as wire
from helpers.playback import samples
from helpers.sync_script import DT_FAST_80, FAST_40, dt_transfer, sync_transfer
from helpers.waves import HOST, LEADER, SECOND, THIRD, DecodedBus, Waves, data_bits
from helpers.wire_script import Script, arbitrate, free, select, transfer
from silentmirror import mirror, mirror_messages

BLOCK = bytes(range(16))


def _enrol(waves: Waves, target: tuple[int, int], message: str) -> None:
    waves.select(HOST, target)
    waves.out(target[0], 0, Phase.MSG_OUT, bytes.fromhex(message))
    waves.into(target[0], 0, Phase.MSG_IN, bytes.fromhex(message)[1:3])
    waves.free(0, target[0])


def _switch(waves: Waves, current: tuple[int, int], then: tuple[int, int], message: str, keep: int) -> None:
    waves.put(0, atn=1)
    waves.out(current[0], 0, Phase.MSG_OUT, bytes.fromhex(message))
    waves.put(current[0], msg=0, cd=0, io=0)
    if current[0] != keep:
        waves.release(current[0])
    waves.wait(500)
    waves.out(then[0], 0, Phase.DATA_OUT, BLOCK)


def _status(waves: Waves, target: tuple[int, int]) -> None:
    waves.reselect(target, HOST)
    waves.into(target[0], 0, Phase.MSG_IN, bytes.fromhex("802001"))
    waves.into(target[0], 0, Phase.STATUS, b"\0")
    waves.into(target[0], 0, Phase.MSG_IN, b"\0")
    waves.free(0, target[0])


def worked_example(waves: Waves) -> None:
    """Discovery, one mirrored write and the statuses; slot 0 is the initiator."""
    _enrol(waves, LEADER, "C02600")
    _enrol(waves, SECOND, "C02601")
    _enrol(waves, THIRD, "C02602FF")
    waves.select(HOST, LEADER)
    waves.out(2, 0, Phase.MSG_OUT, bytes.fromhex("C02001 01098A00 00000000 000010"))
    waves.out(2, 0, Phase.DATA_OUT, BLOCK)
    _switch(waves, LEADER, SECOND, "2C01", keep=2)
    _switch(waves, SECOND, THIRD, "2C02FF", keep=2)
    waves.put(0, atn=1)
    waves.out(4, 0, Phase.MSG_OUT, bytes.fromhex("2E02"))
    waves.free(0, 4, 2)
    for target in (LEADER, SECOND, THIRD):
        _status(waves, target)


EXAMPLE = [
    ("msg_out", 5, "c02600", "query"),
    ("msg_in", 5, "2600", "accept"),
    ("msg_out", 4, "c02601", "query"),
    ("msg_in", 4, "2601", "accept"),
    ("msg_out", 3, "c02602ff", "query"),
    ("msg_in", 3, "2602", "accept"),
    ("msg_out", 5, "c0200101098a0000000000000010", "mirror_write"),
    ("data_out", 5, BLOCK.hex(), "leader_data"),
    ("msg_out", 5, "2c01", "switch_role"),
    ("data_out", 4, BLOCK.hex(), "hand_over"),
    ("msg_out", 4, "2c02ff", "switch_role"),
    ("data_out", 3, BLOCK.hex(), "hand_over"),
    ("msg_out", 3, "2e02", "release"),
    *(
        phase
        for target in (5, 4, 3)
        for phase in (
            ("msg_in", target, "802001", None),
            ("status", target, "00", "mirror_status"),
            ("msg_in", target, "00", "mirror_complete"),
        )
    ),
]


def _lines(done: list[Transaction]) -> list[dict[str, Any]]:
    mirror.annotate(done)
    return [one.to_json() for one in done]


def test_worked_example_is_recognised() -> None:
    bus = DecodedBus()
    worked_example(bus.waves)
    lines = _lines(bus.finish())
    phases = [(one["phase"], one["by"], one["bytes"], one.get("note")) for one in lines if one["kind"] == "phase"]
    assert phases == EXAMPLE
    kinds = [one["kind"] for one in lines]
    assert (kinds.count("arbitration"), kinds.count("selection"), kinds.count("reselection")) == (7, 4, 3)
    assert all(one["winner"] == one["contenders"][0] for one in lines if one["kind"] == "arbitration")
    assert [one.get("note") for one in lines if one["kind"] == "bus_free"] == [None] * 8


def test_worked_example_without_a_view_of_drivers() -> None:
    """The notes are the same; who drives the phase lines is not told, so `by` is the connection's target."""
    bus = DecodedBus(drivers=False)
    worked_example(bus.waves)
    lines = _lines(bus.finish())
    phases = [(one["phase"], one["by"], one["bytes"], one.get("note")) for one in lines if one["kind"] == "phase"]
    assert phases == [
        (phase, 5 if 7 <= n <= 12 else by, data, note) for n, (phase, by, data, note) in enumerate(EXAMPLE)
    ]


def test_transcript_survives_the_file(tmp_path: Path) -> None:
    bus = DecodedBus()
    worked_example(bus.waves)
    done = bus.finish()
    mirror.annotate(done)
    path = tmp_path / "deep" / "bus.jsonl"
    assert write_transcript(path, done) == len(done) > 40
    assert read_transcript(path) == done
    text = describe_last(done, 9)
    assert len(text.splitlines()) == 9
    assert "RESELECTION  3 -> 7" in text
    assert "[mirror_status]" in text
    path.write_text(path.read_text() + '{"kind": "phase"}\n')
    with pytest.raises(ValueError, match=rf"bus.jsonl:{len(done) + 1}: "):
        read_transcript(path)


@pytest.mark.parametrize(
    ("answer", "notes"),
    [
        ([(Phase.MSG_IN, "07"), (Phase.MSG_OUT, "08")], ["query", "declined", None]),
        ([(Phase.MSG_IN, "2601")], ["query", "declined"]),
        (
            [(Phase.COMMAND, "000000000000"), (Phase.STATUS, "00"), (Phase.MSG_IN, "00")],
            ["query", "declined", None, None],
        ),
        ([(Phase.MSG_OUT, "08")], ["query", "declined"]),
        ([], ["query"]),
    ],
)
def test_query_declined(answer: list[tuple[Phase, str]], notes: list[str | None]) -> None:
    """Every outcome but the right answer; BUS FREE where nothing else came."""
    bus = DecodedBus()
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.MSG_OUT)
    for byte in bytes.fromhex("C02600"):
        waves.put(2, req=1)
        waves.put(0, data=data_bits(byte))
        waves.handshake(2, 0)
    waves.put(0, data=0)
    for phase, text in answer:
        waves.phase(2, Phase.DATA_OUT)  # the phase lines change, so that a second MESSAGE OUT is one of its own
        (waves.into if phase.is_in else waves.out)(2, 0, phase, bytes.fromhex(text))
    waves.free(0, 2)
    lines = _lines(bus.finish())
    assert [one.get("note") for one in lines if one["kind"] == "phase"] == notes
    assert lines[-1].get("note") == (None if answer else "declined")


def test_leave_reclaim_reject_and_abandon() -> None:
    bus = DecodedBus()
    waves = bus.waves
    _enrol(waves, LEADER, "C02600")
    waves.select(HOST, LEADER)
    waves.out(2, 0, Phase.MSG_OUT, bytes.fromhex("C0 01 0A 8A 00 00000002 000010 FF"))
    waves.out(2, 0, Phase.DATA_OUT, BLOCK)
    waves.put(0, atn=1)
    waves.out(2, 0, Phase.MSG_OUT, bytes.fromhex("2C01"))
    waves.put(2, msg=0, cd=0)
    waves.wait(10_000)
    waves.put(0, atn=1)
    waves.into(2, 0, Phase.MSG_IN, bytes.fromhex("2C00"))
    waves.out(2, 0, Phase.MSG_OUT, bytes.fromhex("2C09"))
    waves.into(2, 0, Phase.MSG_IN, b"\x07")
    waves.free(0, 2)
    _enrol(waves, LEADER, "C0260F")
    done = bus.finish()
    annotator = mirror.MirrorAnnotator()
    for one in done:
        annotator(one)
    assert [one.note for one in done if one.note] == [
        "query",
        "accept",
        "mirror_write",
        "leader_data",
        "switch_role",
        "reclaimed",
        "switch_role",
        "rejected",
        "abandoned",
        "leave",
        "accept",
    ]
    assert annotator.enrolled == {}
    assert annotator.owed == {((7, 0, None), 5)}


def test_damaged_message_is_not_believed() -> None:
    bus = DecodedBus()
    waves = bus.waves
    waves.select(HOST, LEADER)
    waves.phase(2, Phase.MSG_OUT)
    for byte in bytes.fromhex("C02600"):
        waves.put(2, req=1)
        waves.put(0, data=data_bits(byte) ^ (1 << w.DBP), atn=int(byte != 0))
        waves.handshake(2, 0)
    waves.put(0, atn=1)
    waves.out(2, 0, Phase.MSG_OUT, bytes.fromhex("C02600"))
    waves.into(2, 0, Phase.MSG_IN, bytes.fromhex("2600"))
    waves.free(0, 2)
    done = bus.phases()
    mirror.annotate(done)
    assert [(one.note, one.resend) for one in done] == [("damaged", False), ("query", True), ("accept", False)]


# Sequences of transactions, without waves


class Story:
    """Transactions of the pair 7 and 5, made up one by one; `notes` are those of the annotator."""

    def __init__(self) -> None:
        self.annotator = mirror.MirrorAnnotator()
        self.notes: list[str | None] = []

    def tell(self, kind: Kind, phase: Phase | None = None, text: str = "", by: int = 5, atn: bool = False) -> Story:
        """One more transaction; a note of its own."""
        one = Transaction(kind, 0, 0, initiator=7, target=5, phase=phase, by=by, data=bytes.fromhex(text), atn=atn)
        self.annotator(one)
        self.notes.append(one.note)
        return self

    def out(self, text: str, by: int = 5) -> Story:
        """MESSAGE OUT."""
        return self.tell(Kind.PHASE, Phase.MSG_OUT, text, by)

    def into(self, text: str, by: int = 5) -> Story:
        """MESSAGE IN."""
        return self.tell(Kind.PHASE, Phase.MSG_IN, text, by)

    def data(self, by: int = 5) -> Story:
        """DATA OUT."""
        return self.tell(Kind.PHASE, Phase.DATA_OUT, "00", by)

    def status(self, by: int = 5, text: str = "80") -> Story:
        """RESELECTION to BUS FREE, with these bytes of identification."""
        self.tell(Kind.RESELECTION).into(text, by).tell(Kind.PHASE, Phase.STATUS, "00", by).into("00", by)
        return self.free()

    def qas(self) -> Story:
        """A QAS arbitration instead of BUS FREE."""
        self.annotator(one := Transaction(Kind.ARBITRATION, 0, 0, qas=True))
        self.notes.append(one.note)
        return self

    def free(self) -> Story:
        """BUS FREE."""
        return self.tell(Kind.BUS_FREE)


WRITE = "01098A0000000000000010"


def test_status_is_that_of_the_nexus() -> None:
    """Only the member that took a copy, under the operation's LUN and tag, and only once."""
    story = Story().tell(Kind.SELECTION).out("C0" + "2042" + WRITE).data().out("2E00").free()
    story.notes.clear()
    for by, text in ((5, "80"), (5, "802043"), (5, "812042"), (4, "802042"), (5, "802042"), (5, "802042")):
        story.status(by, text)
    noted = [story.notes[first : first + 5] for first in range(0, 30, 5)]
    plain = [None] * 5
    assert noted == [plain, plain, plain, plain, [None, None, "mirror_status", "mirror_complete", None], plain]


@pytest.mark.parametrize("tag", ["21", "22", "24"])
def test_tags_of_every_kind(tag: str) -> None:
    parsed = mirror_messages.parse_message_out(bytes.fromhex(f"C3{tag}4208"))
    assert (parsed.lun, parsed.tag, parsed.vendor, parsed.other) == (3, 0x42, None, (b"\x08",))
    assert mirror_messages.parse_message_out(b"\xc0\x20").tag is None


def test_ordinary_write_is_not_noted() -> None:
    story = Story().tell(Kind.SELECTION).out("C0").tell(Kind.PHASE, Phase.COMMAND, "2A").data()
    story.tell(Kind.PHASE, Phase.STATUS, "00").into("00").free()
    assert story.notes == [None] * 7


def test_reset_forgets_everything() -> None:
    story = Story().tell(Kind.SELECTION).out("C02600").into("2600").free()
    story.tell(Kind.SELECTION).out("C0" + WRITE).data()
    assert story.annotator.enrolled == {(7, 0): 5}
    assert story.annotator.owed == {((7, 0, None), 5)}
    story.tell(Kind.RESET).free()
    assert story.notes[-2:] == [None, None], "no operation is abandoned after a reset"
    assert (story.annotator.enrolled, story.annotator.owed) == ({}, set())


def test_target_reset_forgets_its_target() -> None:
    story = Story()
    for by, group_id in ((5, "00"), (4, "01")):
        story.tell(Kind.SELECTION).out(f"C026{group_id}", by).into(f"26{group_id}", by).free()
    story.tell(Kind.SELECTION).out("C0" + WRITE).data().out("2C01").data(4).out("2E01", 4).free()
    story.tell(Kind.SELECTION).out("C00C").free()
    assert story.annotator.enrolled == {(7, 1): 4}
    assert story.annotator.owed == {((7, 0, None), 4)}


def test_rejected_release_leaves_the_operation_open() -> None:
    story = Story().out("C0" + WRITE).data().out("2E00").into("07").free()
    assert story.notes == ["mirror_write", "leader_data", "release", "rejected", "abandoned"]


def test_rejected_write_never_began() -> None:
    story = Story().out("C0" + WRITE).into("07").out("08").data().free()
    assert story.notes == ["mirror_write", "rejected", None, None, None]


def test_rejected_switch_hands_nothing_over() -> None:
    story = Story().out("C0" + WRITE).data().out("2C01").into("07").out("08").data().out("08").into("07")
    assert story.notes == ["mirror_write", "leader_data", "switch_role", "rejected", None, "leader_data", None, None]


def test_reject_after_another_phase_is_not_of_the_vendor_message() -> None:
    story = Story().out("C0" + WRITE).data().into("07").out("2C01").into("2C01").into("2C00").data()
    expected = ["mirror_write", "leader_data", None, "switch_role", None, "reclaimed", "leader_data"]
    assert story.notes == expected


def test_accept_counts_only_with_atn_false() -> None:
    story = Story().out("C02600").tell(Kind.PHASE, Phase.MSG_IN, "2600", atn=True).into("2600").out("08")
    assert story.notes == ["query", None, "accept", None]


def test_damaged_answer_is_not_believed() -> None:
    story = Story().out("C02600")
    one = Transaction(Kind.PHASE, 0, 0, phase=Phase.MSG_IN, by=5, data=b"\x26\0", atn=True, parity_ok=False)
    story.annotator(one)
    assert one.note == "damaged"
    assert story.annotator.enrolled == {}
    assert story.into("2600").notes == ["query", "accept"]


def test_new_query_to_a_target_ends_its_enrolment_in_that_group() -> None:
    story = Story()
    for group_id in ("00", "10", "03"):
        story.out(f"C026{group_id}").into(f"26{group_id}").free()
    assert story.annotator.enrolled == {(7, 0x10): 5, (7, 0x03): 5}


def test_data_of_a_mirrored_read_and_command_inside() -> None:
    story = Story().out("C0" + WRITE.replace("8A", "88", 1)).tell(Kind.PHASE, Phase.DATA_IN, "00")
    story.out("2C01").tell(Kind.PHASE, Phase.COMMAND, "00").tell(Kind.PHASE, Phase.DT_DATA_IN, "00", 4)
    assert story.notes == ["mirror_read", "leader_data", "switch_role", None, "hand_over"]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("2C01", mirror_messages.VendorMessage(mirror_messages.MirrorMessage.SWITCH_ROLE, 0x01, False)),
        ("2C02FF", mirror_messages.VendorMessage(mirror_messages.MirrorMessage.SWITCH_ROLE, 0x02, True)),
        ("2C02FE", None),
        ("2C02FFFF", None),
        ("2C", None),
        (
            "0109883A0C060C06000200",
            mirror_messages.VendorMessage(mirror_messages.MirrorExtended.READ, 0x3A, False, 0x0C060C06, 0x200),
        ),
        (
            "010A8A000000000700100 0FF".replace(" ", ""),
            mirror_messages.VendorMessage(mirror_messages.MirrorExtended.WRITE, 0x00, True, 7, 0x1000),
        ),
        ("010A8A0000000007001000FE", None),
        ("01098A00000000070010", None),
        ("01048A000000", None),
    ],
)
def test_vendor_messages(text: str, parsed: mirror_messages.VendorMessage | None) -> None:
    assert mirror_messages.parse_message_out(bytes.fromhex("C02042" + text)).vendor == parsed


def test_qas_ends_a_connection_as_bus_free_does() -> None:
    """TASK COMPLETE and 55h in one phase complete a copy; a query or an operation does not live on after a QAS."""
    story = Story().out("C02001" + WRITE).data().out("2E00").free()
    story.tell(Kind.RESELECTION).into("802001").tell(Kind.PHASE, Phase.STATUS, "00").into("0055").qas()
    story.tell(Kind.RESELECTION).into("802001").tell(Kind.PHASE, Phase.STATUS, "00").into("0055").free()
    assert story.notes[-10:] == [None, None, "mirror_status", "mirror_complete", None, *[None] * 5]
    assert not story.annotator.owed
    assert Story().out("C02600").qas().into("2600").notes == ["query", "declined", None]
    assert Story().out("C0" + WRITE).data().qas().data().notes == ["mirror_write", "leader_data", "abandoned", None]
    assert Story().tell(Kind.ARBITRATION).out("C0" + WRITE).tell(Kind.ARBITRATION).data().notes[-1] == "leader_data"


def test_copies_under_agreements_of_their_own() -> None:
    """The leader's in a DT phase, a member's ST synchronous, another's 8 bit asynchronous."""
    s = Script()
    arbitrate(s, wire.HOST, 7)
    select(s)
    transfer(s, wire.LEADER, Phase.MSG_OUT, bytes.fromhex("C0" + WRITE))
    dt_transfer(s, wire.LEADER, Phase.DT_DATA_OUT, BLOCK, DT_FAST_80, raise_atn=True)
    transfer(s, wire.LEADER, Phase.MSG_OUT, bytes.fromhex("2C01"))
    _let_go(s, wire.LEADER)
    sync_transfer(s, wire.PART1, Phase.DATA_OUT, BLOCK, FAST_40, raise_atn=True)
    transfer(s, wire.PART1, Phase.MSG_OUT, bytes.fromhex("2C02FF"))
    _let_go(s, wire.PART1)
    transfer(s, wire.PART2, Phase.DATA_OUT, BLOCK, raise_atn=True)
    transfer(s, wire.PART2, Phase.MSG_OUT, bytes.fromhex("2E02"))
    _let_go(s, wire.PART2)
    free(s, wire.LEADER)
    done: list[Transaction] = []
    decoder = BusDecoder(done.append)
    for slot in (wire.PART1, wire.PART2):
        decoder.learn(slot, wire.IDS[slot])
    decoder.agreements.agree(7, 5, Agreement(Period.FAST_80, 62, True, Option.DT))
    decoder.agreements.agree(7, 4, Agreement(Period.FAST_40, 31, True))
    for wires in samples(s):
        decoder.sample(wires)
    decoder.flush(round(s.now * 1000) + 1_000_000)
    mirror.annotate(done)
    copies = [one for one in done if one.phase is not None and one.phase.is_data]
    assert [(one.note, one.by, one.transfer, one.wide) for one in copies] == [
        ("leader_data", 5, "dt", True),
        ("hand_over", 4, "st", True),
        ("hand_over", 3, "async", False),
    ]
    assert [(one.data, one.crc_ok, one.parity_ok) for one in copies] == [
        (BLOCK, True, None),
        (BLOCK, None, True),
        (BLOCK, None, True),
    ]
    assert done[-1].kind is Kind.BUS_FREE
    assert done[-1].note is None


def _let_go(s: Script, slot: int) -> None:
    """The current target releases its lines after a MESSAGE OUT phase; the next one takes 500 ns later."""
    s.clear(slot, w.M_PHASE)
    s.lines_now = 0
    s.wait(500)


def _noted(script: Script, drivers: bool = True) -> tuple[list[tuple[str, int | None]], mirror.MirrorAnnotator]:
    """Note and SCSI ID of the driver for each noted transaction after discovery."""
    done: list[Transaction] = []
    decoder = BusDecoder(done.append)
    last = 0
    for wires in samples(script, drivers=drivers):
        decoder.sample(wires)
        last = wires.time_ps
    decoder.flush(last + 1_000_000)
    annotator = mirror.MirrorAnnotator()
    for one in done:
        annotator(one)
    noted = [(str(one.note), one.by) for one in done if one.note is not None]
    first = [note for note, _ in noted].index("mirror_write")
    assert [note for note, _ in noted[:first]] == ["query", "accept"] * 2 + ["capability", "agreed"] * 2
    return noted[first:], annotator


@pytest.mark.parametrize("drivers", [True, False])
def test_reports_and_series(drivers: bool) -> None:
    """Two blocks in one connection, the second one failed at ID 4: its phases are its own, and nothing is owed."""
    noted, annotator = _noted(mirror_scenarios.extended(), drivers)
    assert [note for note, _ in noted] == [
        *("mirror_write", "leader_data", "switch_role", "hand_over", "next_block", "hand_over"),
        *("switch_role", "hand_over", "report", "reported", "report", "reported", "failed_block", "release"),
    ]
    if drivers:
        assert [by for _, by in noted] == [5, 5, 5, 4, 4, 5, 5, 4, 4, 5, 5, 4, 4, 4]
    assert annotator.owed == set()


@pytest.mark.parametrize("drivers", [True, False])
def test_a_status_that_is_postponed(drivers: bool) -> None:
    """DISCONNECT in answer to REPORT; then a reselection, which says which block of the series failed."""
    late = (
        mirror_scenarios.copy(wire.PART1, 1),
        mirror_scenarios.following(),
        mirror_scenarios.copy(wire.PART1, 1, last=True),
        mirror_scenarios.postponed(wire.LEADER, 0),
        mirror_scenarios.report(wire.PART1, 1, last=True),
    )
    script = mirror_scenarios.extended(late, reselection=b"\x02", last_words=bytes.fromhex("01038D000100"))
    noted, annotator = _noted(script, drivers)
    assert [note for note, _ in noted[8:]] == [
        *("report", "postponed", "report", "reported", "release", "mirror_status", "failed_block"),
    ]
    assert annotator.owed == set()


def test_a_series_that_is_cut_off() -> None:
    """RELEASE without a REPORT: no status is owed."""
    noted, annotator = _noted(mirror_scenarios.extended(mirror_scenarios.TWO_BLOCKS[:3]))
    assert [note for note, _ in noted[-2:]] == ["release", "cut_off"]
    assert annotator.owed == set()
