"""Runs a campaign, two simulations at a time, and writes its summary."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from silentmirror import build
from silentmirror.options import ROOT, FaultsOptions

from .case import BATCH_VARIABLE, OUTCOME_FILE
from .points import Point, batches, plan
from .summary import SUMMARY_FILE, Outcome, lines, summarize, write

OUT_DIR = ROOT / "build" / "faults"
MODULE = "silentmirror.faults.case"
AT_ONCE = 2
BATCH = 25
"""Points a simulation."""
_SECONDS_A_POINT = 60


def chosen(options: FaultsOptions) -> list[list[Point]]:
    """The batches to play: all, or the one with the point that is asked for, up to it."""
    count = options.points if options.point is None else options.point + 1
    found = batches(plan(options.seed, count), BATCH)
    return found if options.point is None else [batch for batch in found if batch[-1].number == options.point]


def run(options: FaultsOptions, folder: Path = OUT_DIR) -> int:
    """The `faults` command: 0 when every point passed, else 1."""
    chosen_batches = chosen(options)
    points = sorted((point for batch in chosen_batches for point in batch), key=lambda point: point.number)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(
        f"{len(points)} points in {len(chosen_batches)} simulations ({options.simulator}), seed {options.seed}",
        flush=True,
    )
    built = build.build(options.simulator)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [
            pool.submit(play, batch, built, options.seed, folder / f"{n:03}") for n, batch in enumerate(chosen_batches)
        ]
        outcomes = {outcome["number"]: outcome for job in jobs for outcome in job.result()}
    entries = lines(points, outcomes)
    summary = summarize(options, points, entries)
    write(folder, summary, entries)
    for failure in summary["failures"]:
        print(f"FAILED {failure['number']} {failure['class']}: {failure['failure']}; again: {failure['rerun']}")
    told = os.path.relpath(folder / SUMMARY_FILE, ROOT)
    print(f"{summary['result']}: {summary['passed']} of {summary['points']} points passed; {told}")
    return 0 if summary["result"] == "PASS" else 1


def play(batch: list[Point], built: build.BuildResult, seed: int, folder: Path) -> list[Outcome]:
    """One batch. A point that fails ends its simulation; those behind it are played in a new one."""
    outcomes: list[Outcome] = []
    left = batch
    while left:
        found = _simulate(left, built, seed, folder / str(len(outcomes)))
        outcomes += found
        left = left[len(found) :]
    failed = sum(outcome["failure"] is not None for outcome in outcomes)
    print(f"{folder.name}: {batch[0].side}, {len(batch)} points, {failed} failed", flush=True)
    return outcomes


def _simulate(points: list[Point], built: build.BuildResult, seed: int, folder: Path) -> list[Outcome]:
    """The outcomes of the first points, at least one."""
    folder.mkdir(parents=True)
    file = folder / "batch.json"
    file.write_text(json.dumps([point.to_json() for point in points]), encoding="utf-8")
    died = None
    try:
        build.run(
            built,
            MODULE,
            seed=seed,
            env={BATCH_VARIABLE: str(file)},
            test_dir=folder,
            timeout_s=60 + _SECONDS_A_POINT * len(points),
            keep=True,
        )
    except build.SimulationError as error:
        died = (
            f"the simulation died: {str(error).splitlines()[0]}; see {os.path.relpath(folder / build.LOG_FILE, ROOT)}"
        )
    told = folder / OUTCOME_FILE
    text = told.read_text(encoding="utf-8") if told.is_file() else ""
    found = [json.loads(line) for line in text.splitlines()]
    if len(found) < len(points) and (died or not found) and not (found and found[-1]["failure"]):
        found.append({"number": points[len(found)].number, "failure": died or "the simulation ended without a word"})
    return found
