"""Runs a campaign, a simulation a processor, and writes its summary; goes on where an earlier run was broken off."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from silentmirror import build
from silentmirror.options import FAULTS_POINTS, ROOT, FaultsOptions

from . import mirror_plan, points
from .case import BATCH_VARIABLE, OUTCOME_FILE
from .points import Point
from .reference_runs import DESIGN, timelines
from .resume import State, key_of
from .summary import SUMMARY_FILE, Outcome, lines, summarize, table, write
from .timeline import Timeline, states

OUT_DIR = ROOT / "build" / "faults"
MODULE = "silentmirror.faults.case"
BATCH = 25
"""Points a simulation."""
_SECONDS_A_POINT = 60


def chosen(options: FaultsOptions, folder: Path = OUT_DIR) -> list[list[Point]]:
    """The batches to play: all, or the one with the point that is asked for, up to it."""
    count = options.points if options.point is None else options.point + 1
    if options.campaign == "mirror":
        found = mirror_plan.batches(mirror_plan.plan(options.seed, _timelines(options, folder), count), BATCH)
    else:
        found = points.batches(points.plan(options.seed, FAULTS_POINTS if count is None else count), BATCH)
    return found if options.point is None else [batch for batch in found if batch[-1].number == options.point]


def _timelines(options: FaultsOptions, folder: Path) -> list[Timeline]:
    """All options of a kind have the same timelines, whatever simulator plays the points."""
    key = key_of(FaultsOptions(campaign=options.campaign))
    return timelines(folder / "reference", key, options.seed)


def run(options: FaultsOptions, folder: Path | None = None) -> int:
    """The `faults` command: 0 when every point passed, else 1."""
    if folder is None:
        folder = OUT_DIR / options.campaign
    folder.mkdir(parents=True, exist_ok=True)
    batches = chosen(options, folder)
    known = states(_timelines(options, folder)) if options.campaign == "mirror" else None
    played = sorted((point for batch in batches for point in batch), key=lambda point: point.number)
    if options.point is not None:
        folder = folder / f"point-{options.point}"
    state = State(folder, key_of(options), fresh=options.fresh or options.point is not None)
    left = [batch for batch in batches if any(point.number not in state.outcomes for point in batch)]
    before = len(played) - sum(len(batch) for batch in left)
    print(f"{len(played)} points in {len(batches)} simulations ({options.simulator}), seed {options.seed}", flush=True)
    if before:
        print(f"{before} points were played before; FRESH=1 starts over", flush=True)
    _play_all(left, options, folder, state)
    entries = lines(played, state.outcomes)
    summary = summarize(options, played, entries, known)
    write(folder, summary, entries)
    for line in table(summary):
        print(line)
    for failure in summary["failures"]:
        print(f"FAILED {failure['number']} {failure['class']}: {failure['failure']}; again: {failure['rerun']}")
    told = os.path.relpath(folder / SUMMARY_FILE, ROOT)
    print(f"{summary['result']}: {summary['passed']} of {summary['points']} points passed; {told}")
    return 0 if summary["result"] == "PASS" else 1


def _play_all(batches: Sequence[list[Point]], options: FaultsOptions, folder: Path, state: State) -> None:
    """Play these batches; what came of each is on disk as soon as it is over."""
    if not batches:
        return
    built = build.build(options.simulator, design=DESIGN)
    runs = folder / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    with ThreadPoolExecutor(build.AT_ONCE) as pool:
        jobs = [pool.submit(play, batch, built, options.seed, runs / f"{n:04}") for n, batch in enumerate(batches)]
        try:
            for job in as_completed(jobs):
                state.add(job.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


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
    if not failed:
        shutil.rmtree(folder)
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
