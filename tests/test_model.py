"""The reference model on its own: what requests lead to, against the protocol's worked example and its rules."""

from __future__ import annotations

import pytest

from cocotbext.scsi.constants import Asc, Phase, SenseKey, Status
from silentmirror.model import (
    CommandRequest,
    Connection,
    MediumModel,
    MirrorWriteRequest,
    QueryRequest,
    ReferenceModel,
    Result,
    TargetModel,
)

BLOCK = bytes(range(256)) * 2
READY = bytes(6)
REQUEST_SENSE = bytes([0x03, 0, 0, 0, 18, 0])


def write_cdb(lba: int, blocks: int = 1) -> bytes:
    return bytes([0x2A, 0, *lba.to_bytes(4, "big"), 0, *blocks.to_bytes(2, "big"), 0])


def make_model(*, wide: bool = False, mirror: tuple[bool, ...] = (True, True, True)) -> ReferenceModel:
    targets = [
        TargetModel(scsi_id, MediumModel(16, 512, b"\xee"), able)
        for scsi_id, able in zip((5, 4, 3), mirror, strict=True)
    ]
    return ReferenceModel(targets, wide_initiators=[7] if wide else [])


def clear_attention(model: ReferenceModel) -> None:
    for tag, target in enumerate(model.targets, start=100):
        expected = model.request(CommandRequest(7, tag, target=target, cdb=READY))
        assert expected.completions[0].status == Status.CHECK_CONDITION


def discover(model: ReferenceModel) -> list[Connection]:
    connections = []
    for z, target in enumerate((5, 4, 3)):
        request = QueryRequest(7, 1, disc_priv=True, target=target, group=0, z=z, last=z == 2)
        connections += model.request(request).connections
    return connections


def as_text(connection: Connection) -> list[tuple[str, int, str]]:
    return [(step.phase.name, step.by, (step.data or b"").hex(" ").upper()) for step in connection.steps]


def test_worked_example_to_the_byte() -> None:
    """Section 12 of the protocol, rows 1 to 17."""
    model = make_model()
    clear_attention(model)
    found = [as_text(connection) for connection in discover(model)]
    assert found == [
        [("MSG_OUT", 5, "C0 26 00"), ("MSG_IN", 5, "26 00")],
        [("MSG_OUT", 4, "C0 26 01"), ("MSG_IN", 4, "26 01")],
        [("MSG_OUT", 3, "C0 26 02 FF"), ("MSG_IN", 3, "26 02")],
    ]
    request = MirrorWriteRequest(7, 1, True, True, group=0, order=(0, 1, 2), lba=0, data=BLOCK)
    expected = model.request(request)
    block = BLOCK.hex(" ").upper()
    assert as_text(expected.connections[0]) == [
        ("MSG_OUT", 5, "C0 20 01 01 09 8A 00 00 00 00 00 00 02 00"),
        ("DATA_OUT", 5, block),
        ("MSG_OUT", 5, "2C 01"),
        ("DATA_OUT", 4, block),
        ("MSG_OUT", 4, "2C 02 FF"),
        ("DATA_OUT", 3, block),
        ("MSG_OUT", 3, "2E 02"),
    ]
    assert [c.key for c in expected.connections] == [(False, 7, 5), (True, 7, 5), (True, 7, 4), (True, 7, 3)]
    for scsi_id, connection in zip((5, 4, 3), expected.connections[1:], strict=True):
        assert as_text(connection) == [
            ("MSG_IN", scsi_id, "80 20 01"),
            ("STATUS", scsi_id, "00"),
            ("MSG_IN", scsi_id, "00"),
        ]
    (done,) = expected.completions
    assert (done.target, done.rank, done.result, done.status, done.moved) == (5, 3, Result.OK, Status.GOOD, 512)
    assert {z: (one.target, one.result, one.status, one.written) for z, one in done.members.items()} == {
        z: (scsi_id, Result.OK, Status.GOOD, {0: BLOCK}) for z, scsi_id in enumerate((5, 4, 3))
    }
    assert all(target.medium.read(0) == BLOCK for target in model.targets.values())


def test_single_member_is_leader_and_last() -> None:
    model = make_model()
    clear_attention(model)
    discover(model)
    expected = model.request(MirrorWriteRequest(7, 9, True, True, group=0, order=(1,), lba=3, data=BLOCK))
    assert as_text(expected.connections[0]) == [
        ("MSG_OUT", 4, "C0 20 09 01 0A 8A 01 00 00 00 03 00 02 00 FF"),
        ("DATA_OUT", 4, BLOCK.hex(" ").upper()),
        ("MSG_OUT", 4, "2E 01"),
    ]


def test_order_of_service_may_change() -> None:
    model = make_model()
    clear_attention(model)
    discover(model)
    expected = model.request(MirrorWriteRequest(7, 1, True, True, group=0, order=(2, 0), lba=0, data=BLOCK))
    assert expected.connections[0].target == 3
    assert list(expected.completions[0].members) == [2, 0]
    assert [c.target for c in expected.connections if c.reselection] == [3, 5]
    assert list(model.targets[4].medium.written) == []


def test_unit_attention_is_told_once_and_sense_explains_it() -> None:
    model = make_model()
    first = model.request(CommandRequest(7, 1, target=5, cdb=READY))
    assert first.completions[0].status == Status.CHECK_CONDITION
    sense = model.request(CommandRequest(7, 2, target=5, cdb=REQUEST_SENSE, data_in=18)).connections[0].steps[2]
    assert sense.phase is Phase.DATA_IN
    assert sense.data is not None
    assert (sense.data[2], sense.data[12]) == (SenseKey.UNIT_ATTENTION, Asc.POWER_ON >> 8)
    assert model.request(CommandRequest(7, 3, target=5, cdb=READY)).completions[0].status == Status.GOOD
    assert model.request(CommandRequest(6, 3, target=5, cdb=READY)).completions[0].status == Status.CHECK_CONDITION


def test_unit_attention_ends_a_mirrored_copy() -> None:
    model = make_model()
    discover(model)
    expected = model.request(MirrorWriteRequest(7, 1, True, True, group=0, order=(0, 1), lba=0, data=BLOCK))
    (done,) = expected.completions
    assert (done.result, done.status, done.rank) == (Result.MEMBERS, Status.CHECK_CONDITION, 0)
    assert [(one.status, one.written) for one in done.members.values()] == [(Status.CHECK_CONDITION, {})] * 2
    assert list(model.targets[5].medium.written) == []


@pytest.mark.parametrize(("lba", "status"), [(15, Status.GOOD), (16, Status.CHECK_CONDITION)])
def test_write_beyond_the_medium(lba: int, status: Status) -> None:
    model = make_model()
    clear_attention(model)
    expected = model.request(CommandRequest(7, 1, target=4, cdb=write_cdb(lba), data=BLOCK))
    assert expected.completions[0].status == status
    assert [step.phase for step in expected.connections[0].steps].count(Phase.DATA_OUT) == (status == Status.GOOD)


def test_disconnecting_write_comes_back_for_status() -> None:
    model = make_model()
    clear_attention(model)
    request = CommandRequest(7, 0x33, True, True, target=4, cdb=write_cdb(2), data=BLOCK)
    first, second = model.request(request).connections
    assert as_text(first) == [
        ("MSG_OUT", 4, "C0 20 33"),
        ("COMMAND", 4, write_cdb(2).hex(" ").upper()),
        ("DATA_OUT", 4, BLOCK.hex(" ").upper()),
        ("MSG_IN", 4, "04"),
    ]
    assert as_text(second) == [("MSG_IN", 4, "80 20 33"), ("STATUS", 4, "00"), ("MSG_IN", 4, "00")]


def test_width_is_negotiated_once() -> None:
    model = make_model(wide=True)
    model.targets[4].wide = False
    first = model.request(CommandRequest(7, 1, target=5, cdb=READY)).connections[0]
    assert as_text(first)[:2] == [("MSG_OUT", 5, "80 01 02 03 01"), ("MSG_IN", 5, "01 02 03 01")]
    narrow = model.request(CommandRequest(7, 1, target=4, cdb=READY)).connections[0]
    assert as_text(narrow)[:2] == [("MSG_OUT", 4, "80 01 02 03 01"), ("MSG_IN", 4, "01 02 03 00")]
    again = model.request(CommandRequest(7, 2, target=5, cdb=READY)).connections[0]
    assert as_text(again)[0] == ("MSG_OUT", 5, "80")


def test_legacy_target_is_not_capable() -> None:
    model = make_model(mirror=(True, False, True))
    request = QueryRequest(7, 1, disc_priv=True, target=4, group=0, z=1)
    expected = model.request(request)
    assert expected.completions[0].result is Result.NOT_CAPABLE
    assert not expected.connections[0].exact
    assert (7, 0, 1) not in model.members


def test_absent_target_times_out() -> None:
    expected = make_model().request(CommandRequest(7, 1, target=2, cdb=READY))
    assert expected.completions[0].result is Result.SEL_TIMEOUT


def test_identity_belongs_to_one_target() -> None:
    """Section 4: who snoops another target accepting its identity drops it; a new query replaces an enrolment."""
    model = make_model()
    discover(model)
    model.request(QueryRequest(7, 1, disc_priv=True, target=3, group=0, z=0))
    assert model.members == {(7, 0, 0): 3, (7, 0, 1): 4}
    assert model.targets[5].enrolled == {}
    model.request(QueryRequest(7, 1, disc_priv=True, target=3, group=0, z=0xF))
    assert model.members == {(7, 0, 1): 4}


def test_reset_ends_enrolments_and_agreements() -> None:
    model = make_model(wide=True)
    clear_attention(model)
    discover(model)
    model.bus_reset()
    refused = model.request(MirrorWriteRequest(7, 1, True, True, group=0, order=(0,), lba=0, data=BLOCK))
    assert refused.completions[0].result is Result.BAD_DESCRIPTOR
    first = model.request(CommandRequest(7, 1, target=5, cdb=READY))
    assert first.completions[0].status == Status.CHECK_CONDITION
    assert as_text(first.connections[0])[0] == ("MSG_OUT", 5, "80 01 02 03 01")


def test_medium_keeps_what_was_not_written() -> None:
    before = bytes(n % 251 for n in range(4 * 512))
    medium = MediumModel(4, 512, before)
    assert medium.write(1, BLOCK) == {1: BLOCK}
    assert medium.read(0, 4) == before[:512] + BLOCK + before[1024:]
    with pytest.raises(ValueError, match="do not fit"):
        medium.write(3, BLOCK * 2)
    with pytest.raises(ValueError, match="content of"):
        MediumModel(4, 512, before[1:])
