"""Counts and times of a run, from the monitor's transactions and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cocotbext.scsi.transaction import Kind, Transaction

SWITCH_ROLE_NOTE = "switch_role"


class MeasureError(ValueError):
    """The transactions hold no complete run."""


@dataclass(frozen=True)
class InitFigures:
    """Negotiation and discovery."""

    selections: int
    reselections: int
    bus_time_ns: float


@dataclass(frozen=True)
class WayFigures:
    """The data operations of one way; times in ns, throughput in MB/s (10^6 bytes of image a second of bus time)."""

    blocks: int
    arbitrations: int
    selections: int
    reselections: int
    switch_roles: int
    bus_time_ns: float
    data_time_ns: float
    overhead_ns: float
    idle_ns: float
    throughput_mb_s: float


def measure(
    transactions: Sequence[Transaction], begin_ps: int, blocks: int, image_bytes: int
) -> tuple[InitFigures, WayFigures]:
    """Figures of initialisation and of data.

    `begin_ps` is when the host handed over the first data operation. Data start with the BUS FREE before the first
    arbitration after that, or with that arbitration if it is a QAS, and end with the last BUS FREE. MeasureError when
    there is no such arbitration or BUS FREE.
    """
    first = next((n for n, t in enumerate(transactions) if t.kind is Kind.ARBITRATION and t.start_ps >= begin_ps), None)
    if first is None:
        raise MeasureError("no arbitration after initialisation")
    starts = range(first, -1, -1)
    start = next((n for n in starts if transactions[n].kind is Kind.BUS_FREE or transactions[n].qas), None)
    if start is None:
        raise MeasureError("no BUS FREE before the first data operation")
    if transactions[-1].kind is not Kind.BUS_FREE:
        raise MeasureError("the run does not end with BUS FREE")
    return _init(transactions[: start + 1]), _data(transactions[start:], blocks, image_bytes)


def _count(transactions: Sequence[Transaction], kind: Kind) -> int:
    return sum(t.kind is kind for t in transactions)


def _init(transactions: Sequence[Transaction]) -> InitFigures:
    start = next((t.start_ps for t in transactions if t.kind is Kind.ARBITRATION), transactions[-1].start_ps)
    return InitFigures(
        selections=_count(transactions, Kind.SELECTION),
        reselections=_count(transactions, Kind.RESELECTION),
        bus_time_ns=(transactions[-1].start_ps - start) / 1000,
    )


def _data(transactions: Sequence[Transaction], blocks: int, image_bytes: int) -> WayFigures:
    bus_ps = transactions[-1].start_ps - transactions[0].start_ps
    data_ps = sum(
        t.end_ps - t.start_ps for t in transactions if t.kind is Kind.PHASE and t.phase is not None and t.phase.is_data
    )
    return WayFigures(
        blocks=blocks,
        arbitrations=_count(transactions, Kind.ARBITRATION),
        selections=_count(transactions, Kind.SELECTION),
        reselections=_count(transactions, Kind.RESELECTION),
        switch_roles=sum(t.note == SWITCH_ROLE_NOTE for t in transactions),
        bus_time_ns=bus_ps / 1000,
        data_time_ns=data_ps / 1000,
        overhead_ns=(bus_ps - data_ps) / 1000,
        idle_ns=_idle_ps(transactions) / 1000,
        throughput_mb_s=image_bytes * 1e6 / bus_ps,
    )


def _idle_ps(transactions: Sequence[Transaction]) -> int:
    """Time in which BSY and SEL were false: from each BUS FREE to the next arbitration."""
    idle = 0
    free_ps: int | None = None
    for transaction in transactions:
        if transaction.kind is Kind.BUS_FREE:
            free_ps = transaction.start_ps
        elif transaction.kind is Kind.ARBITRATION and free_ps is not None:
            idle += transaction.start_ps - free_ps
            free_ps = None
    return idle
