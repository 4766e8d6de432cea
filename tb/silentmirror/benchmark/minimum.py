"""The sum of the standard's minimum delays for the phases of a connection, term by term; cable and logic take no time.

The terms are those of spi-facts 10, with the sections named there, and for silent mirroring those of docs/protocol.md.
Times are ns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cocotbext.scsi.agreement import ASYNC_8, Agreement, transfer_period_ns
from cocotbext.scsi.constants import Message, Phase
from cocotbext.scsi.messages import split_messages
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
LAST_BYTE = Term("ATN false before the ACK of a last message byte, in place of the byte's set-up", 40, "spi-facts 5.1")
"""Two deskews from the negation of ATN, which REQ has to come before, to ACK."""
STATUS_ATN = Term("ATN before the ACK of a status byte is negated, in place of the byte's set-up", 40, "spi-facts 5.1")
"""Two deskews from ATN, which comes after REQ (protocol 15 step 3), to the negation of ACK."""
TAKE_OUT = Term("bus settle from the last ACK to the first REQ of the taker", 400, "spi-facts 2 and protocol 6")
"""Released lines read as DATA OUT all that time."""
TAKE = Term("bus settle from the last ACK to the take", 400, "protocol 6")
RELEASE = Term("lines false before the leader releases BSY", 90, "protocol 5 step 8")
BYTE_NS = 50
"""REQ(ACK) period outside of data phases (spi-facts 3.1), and the mean of the two set-up times of a byte."""
QAS_BYTE_NS = 100
"""The same of an initiator that takes part in QAS: 50 ns from REQ to ACK, and 50 ns of ACK (spi-facts 3.5)."""
SNOOPED_NS = 50
"""What a byte takes more when it is read along: 50 ns from REQ to ACK, and 50 ns of ACK (protocol 10)."""
ASYNC_NS = 45
"""Set-up of an asynchronous data word (spi-facts 3.5)."""
_NAMING = (0x2C, 0x2D)
"""First bytes of SWITCH ROLE and REPORT (protocol 3)."""
_NEXT = b"\x8b"
"""Code of NEXT."""
_RELEASE = b"\x2e"
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


Agreements = Agreement | Mapping[int, Agreement]
"""What holds in data phases: one agreement for all, or one for each target by SCSI ID (absent: asynchronous, 8 bit)."""


@dataclass(frozen=True)
class Step:
    """Part of a connection and its least time: up to the end of selection, a phase with the wait before it, the end."""

    name: str
    end_ps: int | None
    """When it was over; None for what ends with the connection."""
    terms: tuple[Term, ...]


def _names_another(message: Transaction | None) -> bool:
    """A MESSAGE OUT phase after which the phase lines change hands (SWITCH ROLE, REPORT, NEXT)."""
    if message is None or message.phase is not Phase.MSG_OUT:
        return False
    parts = split_messages(message.data)
    return any(part[0] in _NAMING or (part[0] == Message.EXTENDED and part[2:3] == _NEXT) for part in parts)


def _wait_terms(one: Transaction, before: Transaction | None) -> list[Term]:
    """From the last ACK of the phase before to the first REQ (IN: with the data set up)."""
    assert one.phase is not None
    called = before is not None and before.phase is Phase.STATUS and one.phase is Phase.MSG_OUT
    turned = one.phase.is_in and before is not None and before.phase is not None and not before.phase.is_in
    if called:
        return [STATUS_ATN, SETTLE]
    if not _names_another(before):
        return [TURN if turned else SETTLE]
    if one.phase is Phase.DATA_OUT:
        return [TAKE_OUT]
    return [TAKE, TURN if turned else SETTLE]


def phase_steps(
    phases: Iterable[Transaction], agreed: Agreements, *, qas: bool = False, snooped: bool = False
) -> list[Step]:
    """Information phases that follow one another, from the end of selection on.

    `qas`: of a QAS initiator; `snooped`: members of a group read the messages along.

    A run of messages in the same direction by the same target is one phase, whatever number of transactions it was
    seen as. ValueError for a transaction that is no phase.
    """
    steps: list[Step] = []
    before: Transaction | None = None
    for one in phases:
        if one.phase is None:
            raise ValueError(f"{one.kind} is no information phase")
        same = before is not None and one.phase is before.phase and one.by == before.by and not _names_another(before)
        terms = [] if same else _wait_terms(one, before)
        name = one.phase.name
        if one.phase.is_data:
            agreement = agreed if isinstance(agreed, Agreement) else agreed.get(_driver(one), ASYNC_8)
            data = _data_term(one, agreement)
            terms.append(Term(f"{name}: {data.name}", data.ns, data.source))
        else:
            count = len(one.data)
            byte_ns, source = (QAS_BYTE_NS, "spi-facts 3.5") if qas else (BYTE_NS, "spi-facts 3.1")
            terms.append(Term(f"{name}: {count} bytes", count * byte_ns, source))
            if one.phase is Phase.MSG_OUT and not same:
                terms.append(LAST_BYTE)
            if snooped and one.phase.is_message:
                terms.append(Term(f"{name}: read along, {count} bytes", count * SNOOPED_NS, "protocol 10"))
        steps.append(Step(f"{name}: {len(one.data)} bytes", one.end_ps, tuple(terms)))
        before = one
    return steps


def _driver(one: Transaction) -> int:
    """SCSI ID of the target that a data phase is with; ValueError when the transcript does not tell."""
    driver = one.target if one.by is None else one.by
    if driver is None:
        raise ValueError("a data phase without a target")
    return driver


def connection_steps(transactions: Sequence[Transaction], agreed: Agreements, *, snooped: bool = False) -> list[Step]:
    """One connection: its arbitration and selection or reselection, its phases, and RELEASE where there is one.

    ValueError when the transactions are anything else, for example two connections.
    """
    kinds = [one.kind for one in transactions[:2]]
    if len(kinds) < 2 or kinds[0] is not Kind.ARBITRATION or kinds[1] not in (Kind.SELECTION, Kind.RESELECTION):
        raise ValueError(f"a connection starts with arbitration and selection, not with {kinds}")
    qas = transactions[0].qas
    selection = Step(kinds[1].name, transactions[1].end_ps, QAS_SELECTION if qas else SELECTION)
    phases = phase_steps(transactions[2:], agreed, qas=qas, snooped=snooped)
    if kinds[1] is Kind.RESELECTION and phases:
        # the target has driven I/O since it won: no turn of the data bus before its first byte
        first = phases[0]
        phases[0] = replace(first, terms=(SETTLE, *first.terms[1:]))
    last = transactions[-1]
    released = last.phase is Phase.MSG_OUT and last.data[:1] == _RELEASE
    return [selection, *phases, Step("to BUS FREE", None, (RELEASE,) if released else ())]


def connection_terms(transactions: Sequence[Transaction], agreed: Agreements) -> list[Term]:
    """All terms of a connection, in order."""
    return [term for step in connection_steps(transactions, agreed) for term in step.terms]


def first_message_ns(selection: Iterable[Term]) -> float:
    """To the ACK of the first byte of MESSAGE OUT (spi-facts 10a, 10b)."""
    return total_ns([*selection, SETTLE]) + BYTE_NS


def total_ns(terms: Iterable[Term]) -> float:
    """The sum."""
    return sum(term.ns for term in terms)
