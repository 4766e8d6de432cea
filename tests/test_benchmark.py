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
    connection_terms,
    first_message_ns,
    phase_terms,
    total_ns,
)
from silentmirror.benchmark.runner import Row

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
    assert total_ns(terms) == 5380 + 400 + 150 + 400 + 500 + 400 + 6400 + 845 + 50 + 400 + 50
    assert all(term.source.startswith("spi-facts") for term in terms)
    quick = connection_terms(write_steps(qas=True), FAST_40)
    bytes_moved = 3 + 10 + 1 + 1
    assert total_ns(terms) - total_ns(quick) == 2800 - 50 * bytes_moved


def test_a_data_group() -> None:
    (settle, group) = phase_terms([phase(Phase.DT_DATA_OUT, bytes(512), wide=True, transfers=256)], FAST_80)
    assert (settle.ns, group.ns) == (400, 256 * 12.5 + 24 + 12.5)
    (_, padded) = phase_terms([phase(Phase.DT_DATA_IN, bytes(510), wide=True, transfers=255)], FAST_80)
    assert padded.ns == group.ns


def test_two_transactions_of_one_phase_settle_once() -> None:
    parts = [phase(Phase.MSG_OUT, b"\xc0"), phase(Phase.MSG_OUT, b"\x08\x08")]
    assert [term.ns for term in phase_terms(parts, ASYNC_8)] == [400, 50, 100]


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
