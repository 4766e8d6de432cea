"""The benchmark's arithmetic: minima term by term, connections found in a transcript. No simulator."""

from __future__ import annotations

import pytest

from cocotbext.scsi.agreement import ASYNC_8, Agreement, Option, Period
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.transaction import Kind, Transaction
from silentmirror.benchmark.figures import Connection, connections, data_rate, whole_writes
from silentmirror.benchmark.minimum import (
    QAS_SELECTION,
    SELECTION,
    Step,
    Term,
    connection_steps,
    connection_terms,
    first_message_ns,
    phase_steps,
    total_ns,
)
from silentmirror.benchmark.rows import Row

FAST_40 = Agreement(Period.FAST_40, 63, wide=True)
FAST_80 = Agreement(Period.FAST_80, 63, wide=True, options=Option.DT)
WRITE = bytes.fromhex("2a000000000100000100")


def phase(code: Phase, data: bytes, *, at_ns: int = 0, **fields: object) -> Transaction:
    """An information phase of target 3."""
    start = at_ns * 1000
    one = Transaction(Kind.PHASE, start, start + 1000, phase=code, data=data, by=3, target=3, initiator=7)
    for name, value in fields.items():
        setattr(one, name, value)
    return one


def write_steps(*, qas: bool = False, data: Phase = Phase.DATA_OUT, message: bytes = b"\0") -> list[Transaction]:
    """A tagged write of 512 bytes that stays connected."""
    return [
        Transaction(Kind.ARBITRATION, 1_300_000, 3_700_000, contenders=[7], winner=7, qas=qas),
        Transaction(Kind.SELECTION, 4_900_000, 5_400_000, initiator=7, target=3, atn=True, answered=True),
        phase(Phase.MSG_OUT, bytes.fromhex("c02001"), first_ack_ps=5_900_000),
        phase(Phase.COMMAND, WRITE),
        phase(data, bytes(512), wide=True, transfers=256),
        phase(Phase.STATUS, b"\0"),
        phase(Phase.MSG_IN, message),
    ]


def test_the_first_message_byte() -> None:
    assert first_message_ns(SELECTION) == 5830
    assert first_message_ns(QAS_SELECTION) == 3030


def test_a_whole_write_at_fast_40() -> None:
    terms = connection_terms(write_steps(), FAST_40)
    atn = 40  # two deskews before the last ACK, 50 of them in the sum already
    assert total_ns(terms) == 5380 + 400 + 150 + atn + 400 + 500 + 400 + 6400 + 845 + 50 + 400 + 50
    assert all(term.source.startswith("spi-facts") for term in terms)
    quick = connection_terms(write_steps(qas=True), FAST_40)
    bytes_moved = 3 + 10 + 1 + 1
    assert total_ns(terms) - total_ns(quick) == 2800 - 50 * bytes_moved


def terms_of(steps: list[Step]) -> list[Term]:
    """All terms of some steps."""
    return [term for step in steps for term in step.terms]


def mirror_steps(data: Phase = Phase.DATA_OUT) -> list[Transaction]:
    """A block to targets 3 and 5, as in protocol 5, and the statuses in the connection (protocol 15)."""
    copy = {"transfers": 256, "wide": True}
    return [
        *write_steps()[:2],
        phase(Phase.MSG_OUT, bytes.fromhex("c0200101098a000000000000000200")[:14]),
        phase(data, bytes(512), **copy),
        phase(Phase.MSG_OUT, bytes.fromhex("2c01ff")),
        phase(data, bytes(512), by=5, **copy),
        phase(Phase.MSG_OUT, bytes.fromhex("2d01"), by=5),
        phase(Phase.STATUS, b"\0", by=5),
        phase(Phase.MSG_OUT, bytes.fromhex("2d00ff"), by=5),
        phase(Phase.STATUS, b"\0"),
        phase(Phase.MSG_OUT, bytes.fromhex("2e00")),
    ]


def test_a_mirrored_write() -> None:
    steps = connection_steps(mirror_steps(), {3: FAST_40, 5: FAST_40})
    told = [round(sum(term.ns for term in step.terms), 3) for step in steps]
    status = 400 + 845 + 50  # the take, then I/O turns the data bus
    assert told == [5380, 1140, 6800, 590, 400 + 6400, 540, status, 40 + 590, status, 40 + 540, 90]
    assert [term.source for term in steps[4].terms] == ["spi-facts 2 and protocol 6", "spi-facts 3.3"]


def test_a_mirrored_write_in_dt_phases_settles_after_the_take() -> None:
    steps = connection_steps(mirror_steps(Phase.DT_DATA_OUT), {3: FAST_80, 5: FAST_80})
    first, second = steps[2].terms, steps[4].terms
    assert [term.ns for term in second[:-1]] == [400, 400]
    assert total_ns(second) - total_ns(first) == 400


def test_copies_move_under_their_own_agreements() -> None:
    steps = connection_steps(mirror_steps(), {3: FAST_40})
    assert total_ns(steps[4].terms) == 400 + 512 * 45


def test_the_next_block_is_a_hand_over_to_the_same_target() -> None:
    copy = phase(Phase.DATA_OUT, bytes(512), wide=True, transfers=256)
    steps = phase_steps([copy, phase(Phase.MSG_OUT, bytes.fromhex("01068b0000000001")), copy], FAST_40)
    assert [term.source for term in steps[2].terms] == ["spi-facts 2 and protocol 6", "spi-facts 3.3"]


def test_messages_that_are_read_along() -> None:
    plain = total_ns(connection_terms(mirror_steps(), FAST_40))
    snooped = total_ns(terms_of(connection_steps(mirror_steps(), FAST_40, snooped=True)))
    assert snooped - plain == 50 * (14 + 3 + 2 + 3 + 2)


def test_a_data_group() -> None:
    (settle, group) = terms_of(phase_steps([phase(Phase.DT_DATA_OUT, bytes(512), transfers=256)], FAST_80))
    assert (settle.ns, group.ns) == (400, 256 * 12.5 + 24 + 12.5)
    (_, padded) = terms_of(phase_steps([phase(Phase.DT_DATA_IN, bytes(510), transfers=255)], FAST_80))
    assert padded.ns == group.ns


def test_two_transactions_of_one_phase_settle_once() -> None:
    parts = [phase(Phase.MSG_OUT, b"\xc0"), phase(Phase.MSG_OUT, b"\x08\x08")]
    assert [term.ns for term in terms_of(phase_steps(parts, ASYNC_8))] == [400, 50, 40, 100]


@pytest.mark.parametrize("steps", [[], write_steps()[1:], write_steps()[2:]])
def test_no_connection(steps: list[Transaction]) -> None:
    with pytest.raises(ValueError, match="a connection starts with"):
        connection_terms(steps, ASYNC_8)


def test_connections_of_a_transcript() -> None:
    free = Transaction(Kind.BUS_FREE, 0, 400_000)
    again = Transaction(Kind.BUS_FREE, 20_000_000, 20_400_000)
    (found,) = connections([free, *write_steps(), again])
    assert (found.target, found.cdb, found.bus_ns, found.waited, found.negotiates) == (3, WRITE, 20000.0, True, False)
    assert found.first_message_ns() == 5900
    assert whole_writes([found], 3) == [found]
    assert whole_writes([found], 4) == []
    assert whole_writes([Connection(0, write_steps(message=b"\4"), 1)], 3) == []


def test_data_rate() -> None:
    sent = phase(Phase.DATA_OUT, bytes(512), wide=True, transfers=256, first_strobe_ps=0, last_strobe_ps=255 * 25_000)
    assert data_rate(sent, FAST_40) == 1.0
    sent.last_strobe_ps = 255 * 50_000
    assert data_rate(sent, FAST_40) == 0.5
    with pytest.raises(ValueError, match="too few strobes"):
        data_rate(phase(Phase.DATA_OUT, b"\0", transfers=1), FAST_40)


def test_bars() -> None:
    def row(samples: list[float], minimum: float | None = 100.0, bar: float | None = 1.1) -> list[str]:
        return Row("group", "name", {}, "ns", samples, minimum, bar).failures()

    assert row([100.0, 110.0]) == []
    assert row([99.9]) == ["group name: 99.9 is below the standard's 100.0 ns"]
    assert row([105.0, 111.0]) == ["group name: 1.110 of the minimum, allowed 1.1"]
    assert row([]) == ["group name: nothing was measured"]
    assert row([0.97], None, 0.98) == ["group name: 0.9700 is below 0.98"]
    assert row([0.98], None, 0.98) == []
