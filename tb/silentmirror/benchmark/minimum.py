"""The sum of the standard's minimum delays for the phases of a connection, term by term; cable and logic take no time.

The terms are those of spi-facts 10, with the sections named there. Times are ns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cocotbext.scsi.agreement import Agreement, transfer_period_ns
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.transaction import Kind, Transaction


@dataclass(frozen=True)
class Term:
    """One delay that nobody may shorten."""

    name: str
    ns: float
    source: str


SELECTION = (
    Term("bus settle: BUS FREE is there", 400, "spi-facts 4.1 step 1"),
    Term("bus free delay", 800, "spi-facts 4.1 step 2"),
    Term("arbitration delay", 2400, "spi-facts 4.1 step 4"),
    Term("bus clear and bus settle after SEL", 1200, "spi-facts 4.1 step 6"),
    Term("two deskews before BSY is released", 90, "spi-facts 4.2 step 2"),
    Term("bus settle at the selected device", 400, "spi-facts 4.2 step 4"),
    Term("two deskews before SEL is released", 90, "spi-facts 4.2 step 5"),
)
"""BUS FREE to the end of SELECTION or RESELECTION."""
QAS_SELECTION = (
    Term("QAS arbitration delay before SEL", 1000, "spi-facts 10b"),
    Term("QAS arbitration delay after SEL", 1000, "spi-facts 10b"),
    Term("two deskews before the partner's ID", 90, "spi-facts 10b"),
    Term("bus settle at the selected device", 400, "spi-facts 10b"),
    Term("two deskews before SEL is released", 90, "spi-facts 10b"),
)
"""ACK of 55h negated to the end of SELECTION or RESELECTION."""
SETTLE = Term("bus settle before the first REQ", 400, "spi-facts 2")
TURN = Term("data release and bus settle before DB is driven, data set up", 845, "spi-facts 2 and 3.5")
BYTE_NS = 50
"""REQ(ACK) period outside of data phases (spi-facts 3.1), and the mean of the two set-up times of a byte."""
QAS_BYTE_NS = 100
"""The same of an initiator that takes part in QAS: 50 ns from REQ to ACK, and 50 ns of ACK (spi-facts 3.5)."""
ASYNC_NS = 45
"""Set-up of an asynchronous data word (spi-facts 3.5)."""
_CRC_STRETCH_NS = {12.5: 24.0, 25.0: 35.5, 50.0: 54.0, 100.0: 97.5}
"""DT: transition in which P_CRCA changes (spi-facts 3.4), by the transfer period of the row."""


def _crc_edge_ns(period_ns: float) -> float:
    """Shortest time from the last data transition to the first one with P_CRCA asserted."""
    row = min((row for row in _CRC_STRETCH_NS if row >= period_ns), default=100.0)
    return max(_CRC_STRETCH_NS[row], period_ns)


def _data_term(phase: Transaction, agreement: Agreement) -> Term:
    """The transfers of a data phase at the agreed rate."""
    count = (len(phase.data) + 1) // 2 if agreement.wide else len(phase.data)
    if not agreement.is_sync:
        return Term(f"{count} asynchronous transfers", count * ASYNC_NS, "spi-facts 3.5")
    period = transfer_period_ns(agreement.period)
    if not agreement.is_dt:
        return Term(f"{count} transfers of {period:g} ns", count * period, "spi-facts 3.3")
    words = count + count % 2
    ns = words * period + _crc_edge_ns(period) + period
    return Term(f"{words} transfers of {period:g} ns and CRC", ns, "spi-facts 3.4 and 8")


def phase_terms(phases: Iterable[Transaction], agreement: Agreement, *, qas: bool = False) -> list[Term]:
    """Terms of information phases that follow one another, from the end of selection on; `qas`: of a QAS initiator.

    A run of messages in the same direction is one phase, whatever number of transactions it was seen as. ValueError
    for a transaction that is no phase.
    """
    terms: list[Term] = []
    before: Phase | None = None
    for one in phases:
        if one.phase is None:
            raise ValueError(f"{one.kind} is no information phase")
        if one.phase is not before:
            turned = one.phase.is_in and before is not None and not before.is_in
            terms.append(TURN if turned else SETTLE)
        name = one.phase.name
        if one.phase.is_data:
            data = _data_term(one, agreement)
            terms.append(Term(f"{name}: {data.name}", data.ns, data.source))
        else:
            count = len(one.data)
            byte_ns, source = (QAS_BYTE_NS, "spi-facts 3.5") if qas else (BYTE_NS, "spi-facts 3.1")
            terms.append(Term(f"{name}: {count} bytes", count * byte_ns, source))
        before = one.phase
    return terms


def connection_terms(transactions: Sequence[Transaction], agreement: Agreement) -> list[Term]:
    """Terms of one connection: its arbitration, selection or reselection, and phases.

    ValueError when the transactions are anything else, for example two connections.
    """
    kinds = [one.kind for one in transactions[:2]]
    if len(kinds) < 2 or kinds[0] is not Kind.ARBITRATION or kinds[1] not in (Kind.SELECTION, Kind.RESELECTION):
        raise ValueError(f"a connection starts with arbitration and selection, not with {kinds}")
    qas = transactions[0].qas
    terms = list(QAS_SELECTION if qas else SELECTION)
    if kinds[1] is Kind.RESELECTION:
        # the target has driven I/O since it won: no turn of the data bus before its first byte
        terms += [SETTLE, *phase_terms(transactions[2:], agreement, qas=qas)[1:]]
    else:
        terms += phase_terms(transactions[2:], agreement, qas=qas)
    return terms


def first_message_ns(selection: Iterable[Term]) -> float:
    """To the ACK of the first byte of MESSAGE OUT (spi-facts 10a, 10b)."""
    return total_ns([*selection, SETTLE]) + BYTE_NS


def total_ns(terms: Iterable[Term]) -> float:
    """The sum."""
    return sum(term.ns for term in terms)
