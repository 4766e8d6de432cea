"""What came of a campaign: one line a point in points.jsonl, the whole in summary.json."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from silentmirror import build
from silentmirror.options import ROOT, FaultsOptions

from .points import Point

SCHEMA = 1
SUMMARY_FILE = "summary.json"
POINTS_FILE = "points.jsonl"
NOT_RUN = "was not played"

Outcome = dict[str, Any]
"""`number`, `failure` (None: passed), `struck` (it came to pass), `sim_ns`, `wall_s`; mirrored ones: `MIRROR_TIMES`."""
MIRROR_TIMES: Final = ("free_us", "busy_us")
"""From the fault to the first BUS FREE; how long the bus was busy from the fault on."""


def rerun(options: FaultsOptions, number: int) -> str:
    """The command that plays a point again, after the same ones as in the campaign."""
    kind = "" if options.campaign == FaultsOptions().campaign else f" CAMPAIGN={options.campaign}"
    line = f"make faults{kind} SEED={options.seed} POINT={number}"
    return line if options.simulator == "icarus" else f"{line} SIM={options.simulator}"


def lines(points: Sequence[Point], outcomes: Mapping[int, Outcome]) -> list[dict[str, Any]]:
    """One entry a point, in order; one without an outcome has failed."""
    found = []
    for point in points:
        outcome = outcomes.get(point.number, {"failure": NOT_RUN})
        result = "FAIL" if outcome["failure"] else "PASS"
        one = {"number": point.number, "class": point.name, "side": point.side, "result": result}
        found.append({**one, **{k: v for k, v in outcome.items() if k != "number"}, "spec": point.spec})
    return found


def summarize(
    options: FaultsOptions,
    points: Sequence[Point],
    entries: Sequence[Mapping[str, Any]],
    states: tuple[Sequence[str], Sequence[str]] | None = None,
) -> dict[str, Any]:
    """The content of summary.json; `states`: see `timeline.states`."""
    by_class: dict[str, dict[str, Any]] = {}
    failures = []
    for entry in entries:
        counts = by_class.setdefault(entry["class"], {"points": 0, "passed": 0, "failed": 0, "struck": 0})
        counts["points"] += 1
        counts["struck"] += bool(entry.get("struck"))
        counts["failed" if entry["failure"] else "passed"] += 1
        for name in MIRROR_TIMES:
            if entry.get(name) is not None:
                counts[f"worst_{name}"] = max(counts.get(f"worst_{name}", 0.0), entry[name])
        if entry["failure"]:
            number = entry["number"]
            told = {"number": number, "class": entry["class"], "failure": entry["failure"]}
            failures.append({**told, "rerun": rerun(options, number)})
    return {
        "schema": SCHEMA,
        "result": "FAIL" if failures or not entries else "PASS",
        "points": len(entries),
        "distinct": len({point.key for point in points}),
        "struck": sum(bool(entry.get("struck")) for entry in entries),
        "passed": len(entries) - len(failures),
        "failed": len(failures),
        "by_class": by_class,
        "not_struck": [one["number"] for one in entries if not one["failure"] and not one.get("struck")],
        "failures": failures,
        **({} if states is None else {"states": {"entered": len(states[0]), "never": list(states[1])}}),
        "wall_s": round(sum(entry.get("wall_s", 0.0) for entry in entries)),
        "processors": build.AT_ONCE,
        "campaign": options.campaign,
        "seed": options.seed,
        "simulator": options.simulator,
        "commit": commit(),
    }


def table(summary: Mapping[str, Any]) -> list[str]:
    """The classes, for people."""
    width = max(map(len, summary["by_class"]), default=0)
    counted = ("points", "passed", "failed", "struck")
    times = ("bus free within", "bus busy for")
    found = [f"{'class':{width}}" + "".join(f" {one:>7}" for one in counted) + "".join(f" {one:>15}" for one in times)]
    for name, counts in summary["by_class"].items():
        line = f"{name:{width}}" + "".join(f" {counts[one]:7}" for one in counted)
        for one in MIRROR_TIMES:
            told = f"{counts[f'worst_{one}']:.1f} us" if f"worst_{one}" in counts else "-"
            line += f" {told:>15}"
        found.append(line)
    return found


def write(folder: Path, summary: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> None:
    """Both files, the summary last and at once."""
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    (folder / POINTS_FILE).write_text(text, encoding="utf-8")
    part = folder / f"{SUMMARY_FILE}.part"
    part.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / SUMMARY_FILE)


def commit() -> str | None:
    """The commit that was tested, with a plus sign if files differ from it; None outside a repository."""
    done = [
        subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
    ]
    if any(one.returncode for one in done):
        return None
    return done[0].stdout.strip() + "+" * bool(done[1].stdout.strip())
