"""The reference model's mirrored commands: reads, repetitions, splitting, extensions, one completion with members."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cocotbext.scsi.constants import Phase, Status
from silentmirror.model import (
    CapabilityRequest,
    Connection,
    Expectation,
    ExpectedCompletion,
    Mirroring,
    MirrorReadRequest,
    MirrorWriteRequest,
    Policy,
    ReferenceModel,
    Result,
)
from silentmirror.model.repetition import Pass, repeat_read, repeat_write
from test_model import BLOCK, as_text, clear_attention, discover, make_model

ZEROS = bytes(512)
ONCE = Mirroring()
IDS = (5, 4, 3)


def ready_model() -> ReferenceModel:
    model = make_model()
    clear_attention(model)
    discover(model)
    return model


def write(
    model: ReferenceModel, order: Sequence[int], how: Mirroring, lba: int = 0, data: bytes = BLOCK
) -> Expectation:
    request = MirrorWriteRequest(7, 1, True, True, group=0, order=tuple(order), lba=lba, data=data, how=how)
    return model.request(request)


def read(model: ReferenceModel, order: Sequence[int], how: Mirroring = ONCE, lba: int = 0) -> Expectation:
    return model.request(MirrorReadRequest(7, 1, True, True, group=0, order=tuple(order), lba=lba, length=512, how=how))


def messages_out(connection: Connection) -> list[str]:
    return [text for phase, _, text in as_text(connection) if phase == "MSG_OUT"]


def members(done: ExpectedCompletion) -> dict[int, tuple[Result, int, int]]:
    return {z: (one.result, one.status, one.block) for z, one in done.members.items()}


GOOD, CHECK = (Result.OK, 0, 0), (Result.OK, Status.CHECK_CONDITION, 0)


@pytest.mark.parametrize(
    ("policy", "failed", "expected"),
    [
        (Policy.NONE, {1}, None),
        (Policy.AUTO, {1}, Pass((1,), plain=True)),
        (Policy.AUTO, {1, 2}, Pass((1, 2))),
        (Policy.FROM_LEADER, {1}, Pass((0, 1))),
        (Policy.FROM_LEADER, {0}, Pass((0,))),
        (Policy.FROM_LEADER, {1, 2}, Pass((0, 1, 2))),
        (Policy.REGROUP, {2}, Pass((2,))),
        (Policy.REGROUP, {2, 0}, Pass((0, 2))),
        (Policy.PLAIN, {1, 2}, Pass((1, 2), plain=True)),
        (Policy.AUTO, set(), None),
    ],
)
def test_what_follows_a_write(policy: Policy, failed: set[int], expected: Pass | None) -> None:
    """Protocol 8."""
    assert repeat_write(policy, (0, 1, 2), failed) == expected


@pytest.mark.parametrize(
    ("policy", "leader", "failed", "expected"),
    [
        (Policy.AUTO, 0, {0}, Pass((1, 2, 0))),
        (Policy.REGROUP, 1, {1, 2}, Pass((2, 0, 1))),
        (Policy.AUTO, 0, {2}, Pass((0, 2))),
        (Policy.FROM_LEADER, 0, {1}, Pass((0, 1))),
        (Policy.FROM_LEADER, 1, {0}, Pass((1, 0))),
        (Policy.NONE, 0, {0}, None),
    ],
)
def test_what_follows_a_read(policy: Policy, leader: int, failed: set[int], expected: Pass | None) -> None:
    """Protocol 9: a failed first copy goes last; otherwise its sender leads again."""
    assert repeat_read(policy, (0, 1, 2), leader, failed) == expected


def test_seed_example_of_a_retry() -> None:
    """Protocol 8 way B, as in the seed: drives 1 and 2 failed; 1 becomes the leader, `.. 01`, then `.. 02 FF`."""
    model = ready_model()
    for scsi_id in (4, 3):
        model.targets[scsi_id].medium.fail_next()
    expected = write(model, (0, 1, 2), Mirroring(policy=Policy.AUTO, rounds=1))
    first, *_, again, second, third = expected.connections
    assert messages_out(first)[1:] == ["2C 01", "2C 02 FF", "2E 02"]
    assert messages_out(again) == ["C0 20 01 01 09 8A 01 00 00 00 00 00 02 00", "2C 02 FF", "2E 02"]
    assert [c.target for c in (again, second, third)] == [4, 4, 3]
    (done,) = expected.completions
    assert (done.result, done.rank, members(done)) == (Result.OK, 3, {0: GOOD, 1: GOOD, 2: GOOD})
    assert all(model.targets[scsi_id].medium.read(0) == BLOCK for scsi_id in IDS)


def test_one_failure_is_repeated_by_an_ordinary_write() -> None:
    """Way C; without rounds left it is reported."""
    model = ready_model()
    model.targets[4].medium.fail_next()
    expected = write(model, (0, 1, 2), Mirroring(policy=Policy.AUTO, rounds=3))
    plain = expected.connections[4]
    assert (plain.target, [step.phase for step in plain.steps][1:3]) == (4, [Phase.COMMAND, Phase.DATA_OUT])
    assert expected.completions[0].result is Result.OK
    model.targets[4].medium.fail_next()
    (done,) = write(model, (0, 1, 2), Mirroring(policy=Policy.AUTO)).completions
    assert (done.result, done.status, done.rank) == (Result.MEMBERS, Status.CHECK_CONDITION, 2)
    assert members(done) == {0: GOOD, 1: CHECK, 2: GOOD}


def test_unit_attention_is_mended_by_a_repetition() -> None:
    """Everybody fails once: the same members again."""
    model = make_model()
    discover(model)
    expected = write(model, (2, 0), Mirroring(policy=Policy.AUTO, rounds=1))
    assert [c.target for c in expected.connections if not c.reselection] == [3, 3]
    assert members(expected.completions[0]) == {2: GOOD, 0: GOOD}


def test_read_compares_with_the_first_copy() -> None:
    """A drive that holds something else is told, and not repeated."""
    model = ready_model()
    for scsi_id in (5, 3):
        model.targets[scsi_id].medium.write(2, BLOCK)
    expected = read(model, (0, 1, 2), Mirroring(policy=Policy.AUTO, rounds=3), lba=2)
    assert [c.target for c in expected.connections if not c.reselection] == [5]
    steps = expected.connections[0].steps
    assert messages_out(expected.connections[0])[0] == "C0 20 01 01 09 88 00 00 00 00 02 00 02 00"
    sent = [(step.by, step.data) for step in steps if step.phase is Phase.DATA_IN]
    assert sent == [(5, BLOCK), (4, b"\xee" * 512), (3, BLOCK)]
    (done,) = expected.completions
    assert (done.result, done.rank) == (Result.MEMBERS, 2)
    assert members(done) == {0: GOOD, 1: (Result.DIFFERS, 0, 0), 2: GOOD}


def test_read_whose_leader_fails() -> None:
    """Zeros and CHECK CONDITION; the next one leads, the failed one is last."""
    model = ready_model()
    model.targets[5].medium.fail_next()
    expected = read(model, (0, 1, 2), Mirroring(policy=Policy.AUTO, rounds=1))
    first, again = (c for c in expected.connections if not c.reselection)
    assert [(step.by, step.data == ZEROS) for step in first.steps if step.phase is Phase.DATA_IN] == [
        (5, True),
        (4, False),
        (3, False),
    ]
    assert messages_out(again)[1:] == ["2C 02", "2C 00 FF", "2E 00"]
    assert members(expected.completions[0]) == {0: GOOD, 1: GOOD, 2: GOOD}


def capability(model: ReferenceModel, z: int, *, status: bool = True, blocks: int = 16) -> Expectation:
    return model.request(CapabilityRequest(7, 1, disc_priv=True, target=IDS[z], z=z, status=status, blocks=blocks))


def test_capability_and_series() -> None:
    """Both sides' minimum; a series as long as the least able participant allows; any without: the seed's way."""
    model = ready_model()
    model.targets[4].series = 2
    model.targets[3].status_in_connection = False
    model.targets[3].series = 0
    told = [capability(model, z) for z in range(3)]
    assert as_text(told[0].connections[0]) == [
        ("MSG_OUT", 5, "C0 01 04 8C 00 03 10"),
        ("MSG_IN", 5, "01 04 8C 00 03 10"),
    ]
    assert as_text(told[1].connections[0])[1] == ("MSG_IN", 4, "01 04 8C 01 03 02")
    assert told[2].completions[0].result is Result.NOT_CAPABLE
    data = BLOCK + ZEROS + BLOCK
    how = Mirroring(more=(9, 4), series=16)
    expected = write(model, (0, 1), how, data=data)
    first, second = (c for c in expected.connections if not c.reselection)
    assert messages_out(first)[1:] == ["2C 01", "01 06 8B 00 00 00 00 09", "2C 01 FF"]
    assert not first.exact
    assert messages_out(second)[0][-20:] == "00 00 00 04 00 02 00"
    assert all(c.optional for c in expected.connections if c.reselection)
    assert expected.completions[0].moved == 3 * 512
    mixed = write(model, (0, 2), how, data=data)
    assert len([c for c in mixed.connections if not c.reselection]) == 3
    assert len([c for c in mixed.connections if c.reselection and not c.optional]) == 6
    assert all(model.targets[scsi_id].medium.read(9) == ZEROS for scsi_id in IDS)


def test_first_block_that_fails() -> None:
    """What comes after it is dropped; the member takes no part in later connections."""
    model = ready_model()
    data = BLOCK * 4
    expected = write(model, (0, 1), Mirroring(more=(1, 99, 3)), data=data)
    operations = [c for c in expected.connections if not c.reselection]
    assert len(operations) == 3
    assert members(expected.completions[0]) == dict.fromkeys((0, 1), (Result.OK, Status.CHECK_CONDITION, 2))
    assert list(model.targets[5].medium.written) == [0, 1]


def test_capability_ends_with_the_enrolment() -> None:
    """A new QUERY, or RST."""
    model = ready_model()
    capability(model, 0)
    assert model.extensions == {(7, 0, 0): (True, 16)}
    discover(model)
    assert model.extensions == {}
    capability(model, 1)
    model.bus_reset()
    assert model.extensions == {}
