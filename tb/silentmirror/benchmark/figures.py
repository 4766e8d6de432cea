"""Figures from a bus transcript: connections are found again by what went over the wires, and timed there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocotbext.scsi.agreement import ASYNC_8, Agreement, transfer_period_ns
from cocotbext.scsi.agreements import AgreementTracker
from cocotbext.scsi.constants import Message, Opcode, Phase
from cocotbext.scsi.messages import split_messages
from cocotbext.scsi.transaction import Kind, Transaction

from .minimum import Term, connection_terms

WAITED_NS = 1400
"""BUS FREE to the first BSY of an initiator that was waiting: bus settle, bus free delay and its own clocks."""


@dataclass
class Connection:
    """One connection and the BUS FREE (or end of the connection before, with QAS) that it started from."""

    since_ps: int
    """When the bus became free, or the ACK of 55h was negated."""
    steps: list[Transaction] = field(default_factory=list)
    """Arbitration, selection or reselection, phases."""
    until_ps: int | None = None
    """When the bus became free again, or the next connection's `since_ps`."""
    passed_on: bool = False
    """The bus went to the next connection by QAS."""
    agreements: dict[int, Agreement] = field(default_factory=dict)
    """What held in its data phases, by the target that drove them."""

    @property
    def phases(self) -> list[Transaction]:
        """Its information phases."""
        return [one for one in self.steps if one.kind is Kind.PHASE]

    @property
    def target(self) -> int | None:
        """SCSI ID of the target."""
        return next((one.target for one in self.steps if one.target is not None), None)

    @property
    def agreement(self) -> Agreement:
        """What held in the data phases of the target that was selected."""
        return ASYNC_8 if self.target is None else self.agreements.get(self.target, ASYNC_8)

    @property
    def cdb(self) -> bytes:
        """Bytes of the COMMAND phase, empty without one."""
        return next((one.data for one in self.steps if one.phase is Phase.COMMAND), b"")

    @property
    def data_phase(self) -> Transaction | None:
        """Its first data phase."""
        return next((one for one in self.phases if one.phase is not None and one.phase.is_data), None)

    @property
    def negotiates(self) -> bool:
        """An extended message went over the bus."""
        messages = (one for one in self.phases if one.phase is not None and one.phase.is_message)
        return any(part[0] == Message.EXTENDED for one in messages for part in split_messages(one.data))

    @property
    def waited(self) -> bool:
        """Its winner had been waiting for the bus."""
        return self.steps[0].qas or self.steps[0].start_ps - self.since_ps <= WAITED_NS * 1000

    @property
    def bus_ns(self) -> float:
        """From where it started to where the next one may."""
        if self.until_ps is None:
            raise ValueError("the connection has no end in the transcript")
        return (self.until_ps - self.since_ps) / 1000

    def first_message_ns(self) -> float:
        """To the first ACK of MESSAGE OUT; ValueError when there was none."""
        first = next((one for one in self.phases if one.phase is Phase.MSG_OUT), None)
        if first is None or first.first_ack_ps is None:
            raise ValueError("no MESSAGE OUT")
        return (first.first_ack_ps - self.since_ps) / 1000

    def terms(self) -> list[Term]:
        """The standard's minimum delays for the same phases."""
        return connection_terms(self.steps, self.agreements)


def read_transcript(file: Path) -> list[Transaction]:
    """The transactions of a bus.jsonl."""
    return [Transaction.from_json(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def connections(transactions: Sequence[Transaction]) -> Iterator[Connection]:
    """The connections in order; the agreement of each is followed through all of them."""
    tracker = AgreementTracker()
    free_ps: int | None = None
    now: Connection | None = None
    for one in transactions:
        if one.kind is Kind.ARBITRATION:
            if now is not None and one.qas:
                now.until_ps = free_ps = now.steps[-1].end_ps
                now.passed_on = True
                tracker.end()
                yield now
            now = None if free_ps is None else Connection(free_ps, [one])
        elif one.kind is Kind.BUS_FREE:
            free_ps = one.start_ps
            if now is not None:
                now.until_ps = free_ps
                tracker.end()
                yield now
            now = None
        elif one.kind is Kind.RESET:
            tracker.reset()
            now = free_ps = None
        elif now is not None:
            now.steps.append(one)
            _follow(tracker, now, one)


def _follow(tracker: AgreementTracker, now: Connection, one: Transaction) -> None:
    if one.initiator is not None and one.target is not None and one.kind is not Kind.PHASE:
        tracker.begin(one.initiator, one.target)
    elif one.phase is not None and one.phase.is_message:
        for message in split_messages(one.data):
            tracker.message(out=one.phase is Phase.MSG_OUT, message=message)
    elif one.phase is not None and one.phase.is_data:
        initiator, target = now.steps[1].initiator, now.target if one.by is None else one.by
        assert initiator is not None
        assert target is not None
        now.agreements[target] = tracker.of(initiator, target)


_ENDS = (
    bytes([Message.TASK_COMPLETE]),
    bytes([Message.TASK_COMPLETE, Message.QAS_REQUEST]),
    bytes([Message.QAS_REQUEST]),
)
"""Last messages of a connection whose task is done."""


def whole_writes(found: Sequence[Connection], target: int) -> list[Connection]:
    """Writes of one block that the initiator was waiting to begin, without negotiation and without disconnection."""
    return [
        one
        for one in found
        if one.target == target
        and one.cdb[:1] == bytes([Opcode.WRITE_10])
        and one.waited
        and one.until_ps is not None
        and not one.negotiates
        and one.phases[-1].data in _ENDS
    ]


def data_rate(phase: Transaction, agreement: Agreement) -> float:
    """Share of the agreed rate: n - 1 periods over the time from the first to the last strobe at the data sender."""
    if phase.first_strobe_ps is None or phase.last_strobe_ps is None or phase.transfers < 2:
        raise ValueError("too few strobes")
    took_ns = (phase.last_strobe_ps - phase.first_strobe_ps) / 1000
    return (phase.transfers - 1) * transfer_period_ns(agreement.period) / took_ns
