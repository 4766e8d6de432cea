"""Puts the monitor's transactions together to connections, from (re)selection to BUS FREE."""

from __future__ import annotations

from dataclasses import dataclass, field

from cocotbext.scsi.transaction import Kind, Transaction


@dataclass
class SeenConnection:
    """A connection as it was on the bus."""

    opening: Transaction
    """The selection or reselection."""
    phases: list[Transaction] = field(default_factory=list)
    reset: bool = False
    """RST ended it."""

    @property
    def key(self) -> tuple[bool, int | None, int | None]:
        """As `silentmirror.model.Connection.key`."""
        return (self.opening.kind is Kind.RESELECTION, self.opening.initiator, self.opening.target)

    def __str__(self) -> str:
        kind = self.opening.kind.value
        ends = (self.opening.target, self.opening.initiator)
        source, goal = ends if self.opening.kind is Kind.RESELECTION else ends[::-1]
        shown = [f"{kind} {source} -> {goal} at {self.opening.start_ns:.0f} ns"]
        for phase in self.phases:
            name = phase.phase.name if phase.phase is not None else "?"
            more = " ..." if len(phase.data) > 20 else ""
            note = f" [{phase.note}]" if phase.note else ""
            shown.append(f"{name} by {phase.by}: {phase.data[:20].hex(chr(32))}{more}{note}")
        return "; ".join(shown)


class ConnectionAssembler:
    """Feed it every transaction in order; it answers with a connection when one has ended."""

    def __init__(self) -> None:
        self.open: SeenConnection | None = None

    def add(self, transaction: Transaction) -> SeenConnection | None:
        """Take one transaction; the connection that it ends, if any."""
        if transaction.kind in (Kind.SELECTION, Kind.RESELECTION):
            self.open = SeenConnection(transaction)
        elif transaction.kind is Kind.PHASE and self.open is not None:
            self.open.phases.append(transaction)
        elif transaction.kind in (Kind.BUS_FREE, Kind.RESET) and self.open is not None:
            ended, self.open = self.open, None
            ended.reset = transaction.kind is Kind.RESET
            return ended
        return None
