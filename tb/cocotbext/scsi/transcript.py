"""The monitor's transcript: bus.jsonl (one transaction a line), and readable text of the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TextIO

from .transaction import Kind, Transaction, Transfer


class TranscriptWriter:
    """Writes transactions to a file as they come; `write` can be a monitor's callback."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.lines = 0
        """Transactions written."""
        self._file: TextIO = path.open("w", encoding="utf-8")

    def write(self, transaction: Transaction) -> None:
        """Write one transaction."""
        self._file.write(json.dumps(transaction.to_json()) + "\n")
        self.lines += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def __enter__(self) -> TranscriptWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_transcript(path: Path, transactions: Iterable[Transaction]) -> int:
    """Write a whole transcript; returns the number of lines."""
    with TranscriptWriter(path) as writer:
        for transaction in transactions:
            writer.write(transaction)
        return writer.lines


def read_transcript(path: Path) -> list[Transaction]:
    """The transactions of a bus.jsonl. Raises ValueError with the line number on a line that is none."""
    transactions: list[Transaction] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                transactions.append(Transaction.from_json(json.loads(line)))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}:{number}: no transaction: {error!r}") from error
    return transactions


def describe(transaction: Transaction, limit: int = 16) -> str:
    """One readable line; at most `limit` bytes of a phase are shown."""
    text = f"{transaction.start_ns / 1000:12.3f} us  {_subject(transaction, limit)}"
    return f"{text}  [{transaction.note}]" if transaction.note else text


def describe_last(transactions: Iterable[Transaction], count: int = 20) -> str:
    """The last transactions as readable lines, oldest first, for the message of a failure."""
    lines = [describe(transaction) for transaction in transactions]
    return "\n".join(lines[-count:])


def _subject(done: Transaction, limit: int) -> str:
    if done.kind is Kind.PHASE:
        return _phase(done, limit)
    if done.kind is Kind.ARBITRATION:
        who = " ".join(map(str, done.contenders)) or "nobody's ID seen"
        name = "QAS ARBITRATION" if done.qas else "ARBITRATION"
        return f"{name}  {who} -> {'nobody' if done.winner is None else done.winner} wins"
    if done.kind in (Kind.SELECTION, Kind.RESELECTION):
        ends = (done.initiator, done.target) if done.kind is Kind.SELECTION else (done.target, done.initiator)
        pair = " -> ".join("?" if end is None else str(end) for end in ends)
        attention = " with ATN" if done.atn else ""
        return f"{done.kind.upper()}{attention}  {pair}{'' if done.answered else '  TIME-OUT'}"
    return "BUS FREE" if done.kind is Kind.BUS_FREE else f"RESET  {(done.end_ps - done.start_ps) / 1e6:.3f} us"


def _phase(done: Transaction, limit: int) -> str:
    name = done.phase.name.replace("_", " ") if done.phase is not None else "?"
    shown = done.data[:limit].hex(" ").upper()
    more = f" ... ({len(done.data)} bytes)" if len(done.data) > limit else ""
    flags = [
        text
        for on, text in (
            (done.wide, "wide"),
            (done.transfer is Transfer.ST, "sync"),
            (done.residue is not None, "RESIDUE"),
            (done.resend, "RESEND"),
            (done.parity_ok is False, "PARITY ERROR"),
            (done.crc_ok is False, "CRC ERROR"),
        )
        if on
    ]
    by = "?" if done.by is None else done.by
    return "  ".join([f"{name:<12} by {by}", f"{shown}{more}", *flags])
