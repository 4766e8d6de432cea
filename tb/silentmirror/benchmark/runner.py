"""The `bench` command: simulates what its groups ask for and turns the transcripts into figures, tables and a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from silentmirror import build
from silentmirror.cli.args import BadInput
from silentmirror.options import ROOT, SEEDS_DEFAULT, BenchOptions

from . import matrix, matrix_table, speed
from .cells import DESIGN, Cell, example
from .cells import matrix as all_cells
from .jobs import simulate
from .matrix import CellFigures, MatrixError
from .rows import Row
from .table import render, render_terms

OUT_DIR = ROOT / "build" / "bench"
PLOT_FILE = OUT_DIR / "rates"
"""The plot of data rates, without its suffix."""
MATRIX_FILE = OUT_DIR / "matrix.md"


@dataclass
class Outcome:
    """What the groups found."""

    rows: list[Row] = field(default_factory=list)
    cells: list[CellFigures] = field(default_factory=list)
    example: list[CellFigures] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What was asked to be less than the whole."""


def again(options: BenchOptions) -> str:
    """The command line that does the same once more."""
    given = f"make bench GROUP={options.group} SEED={options.seed} SEEDS={options.seeds} SIM={options.simulator}"
    return given if options.cell is None else f"{given} CELL={options.cell}"


def run(options: BenchOptions) -> int:
    """0 when every figure keeps to its bar and no rule of the bus was broken, else 1.

    BadInput when CELL= names none.
    """
    OUT_DIR.mkdir(parents=True, exist_ok=True)
    outcome = Outcome()
    if options.group in ("all", "speed", "sweep"):
        _rates(options, outcome)
    if options.group in ("all", "matrix"):
        _matrix(options, outcome)
    if options.group in ("all", "example"):
        _example(options, outcome)
    result = "FAIL" if outcome.failures else "PASS"
    content: dict[str, Any] = {"schema": 2, "result": result, "failures": outcome.failures}
    content |= {"remarks": outcome.remarks, "group": options.group}
    content |= {"seed": options.seed, "seeds": options.seeds, "simulator": options.simulator}
    content |= {"rows": [row.to_json() for row in outcome.rows], "cells": [one.to_json() for one in outcome.cells]}
    content |= {"example": [one.to_json() for one in outcome.example]}
    file = OUT_DIR / ("bench.json" if options.group == "all" else f"{options.group}.json")
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for remark in outcome.remarks:
        print(f"NOTE {remark}")
    for failure in outcome.failures:
        print(f"FAILED {failure}")
    print(f"{result}; {file.relative_to(ROOT)}; again: {again(options)}")
    return 1 if outcome.failures else 0


def _rates(options: BenchOptions, outcome: Outcome) -> None:
    """Groups "speed" and "sweep"."""
    seeds = range(options.seed, options.seed + options.seeds)
    jobs = speed.speed_jobs(seeds, OUT_DIR) if options.group != "sweep" else []
    jobs += speed.sweep_jobs(options.seed, OUT_DIR) if options.group != "speed" else []
    print(f"{len(jobs)} simulations ({options.simulator}), clock seeds from {options.seed} on", flush=True)
    outcome.failures += simulate(jobs, build.build(options.simulator), speed.MODULE, again=again(options))
    if options.group != "sweep" and options.seeds < SEEDS_DEFAULT:
        outcome.remarks.append(
            f"speed: {options.seeds} sets of clock phases, fewer than the {SEEDS_DEFAULT} that are due"
        )
    collector = speed.Collector(jobs)
    for job in jobs:
        try:
            collector.add(job)
        except FileNotFoundError:
            outcome.failures.append(f"{job.path.name}: nothing was measured")
    outcome.failures += collector.failures()
    outcome.rows = [row for row in collector.rows.values() if row.samples]
    print(render(outcome.rows))
    print(render_terms(outcome.rows))
    swept = [row for row in collector.rows.values() if row.group == speed.SWEEP]
    if swept and all(row.samples for row in swept):
        from .plot import draw  # its library is needed here only

        draw(swept, PLOT_FILE)


def _cells(cells: Sequence[Cell], options: BenchOptions, outcome: Outcome) -> list[CellFigures]:
    print(f"{len(cells)} simulations ({options.simulator})", flush=True)
    outcome.failures += simulate(
        cells, build.build(options.simulator, design=DESIGN), matrix.MODULE, again=again(options)
    )
    found = []
    for cell in cells:
        try:
            found.append(matrix.evaluate(cell))
        except FileNotFoundError:
            outcome.failures.append(f"{cell.name}: nothing was measured")
        except MatrixError as error:
            outcome.failures.append(str(error))
    return found


def _matrix(options: BenchOptions, outcome: Outcome) -> None:
    """Group "matrix": all cells, or those that CELL= names."""
    whole = list(all_cells(OUT_DIR / "matrix", options.seed))
    cells = [one for one in whole if (options.cell or "") in one.name]
    if len(cells) < len(whole):
        outcome.remarks.append(f"matrix: {len(cells)} of {len(whole)} cells")
    if not cells:
        raise BadInput(f"CELL={options.cell}: part of no cell's name; allowed: for example silent-2x512-Fast-40")
    outcome.cells = _cells(cells, options, outcome)
    outcome.failures += [failure for one in outcome.cells for failure in one.failures()]
    outcome.failures += matrix.comparisons(matrix.by_key(outcome.cells))
    print(matrix_table.render_cells(outcome.cells))
    if options.terms:
        print(matrix_table.render_parts(outcome.cells))
    MATRIX_FILE.write_text(matrix_table.markdown(outcome.cells, again(options)), encoding="utf-8")


def _example(options: BenchOptions, outcome: Outcome) -> None:
    """Group "example": the seed's own."""
    outcome.example = _cells(example(OUT_DIR, options.seed), options, outcome)
    outcome.failures += [failure for one in outcome.example for failure in matrix.example_failures(one)]
    print(matrix_table.render_example(outcome.example))
