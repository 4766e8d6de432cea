"""The form of `report.json`, and a check of it that needs no other package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEMA = "silentmirror.sim/1"
"""Value of `schema`; the number goes up when a name or a meaning changes."""

_NUMBER = (int, float)
_INIT = {"selections": int, "reselections": int, "bus_time_ns": _NUMBER}
_RUN = {
    "blocks": int,
    "arbitrations": int,
    "selections": int,
    "reselections": int,
    "switch_roles": int,
    "bus_time_ns": _NUMBER,
    "data_time_ns": _NUMBER,
    "overhead_ns": _NUMBER,
    "idle_ns": _NUMBER,
    "throughput_mb_s": _NUMBER,
}
_TARGET = {"scsi_id": int, "group_id": str, "rank": int, "runs": dict}
_TARGET_RUN = {"medium": str, "sha256": str, "status": str}
_TOP = {
    "schema": str,
    "result": str,
    "failures": list,
    "seed": int,
    "simulator": str,
    "clock_ps": int,
    "wall_s": _NUMBER,
    "image": dict,
    "block_bytes": int,
    "init": dict,
    "targets": list,
    "runs": dict,
    "checks": dict,
}
_IMAGE = {"path": str, "bytes": int, "padded_bytes": int, "sha256": str}
_CHECKS = {"rules": int, "evaluations": int, "violations": int}


def check_report(report: Any) -> list[str]:
    """What is wrong with the form of a report; empty when nothing is."""
    problems = _members(report, _TOP, "report")
    if problems:
        return problems
    problems += _members(report["image"], _IMAGE, "image") + _members(report["checks"], _CHECKS, "checks")
    problems += _members(report["init"], _INIT, "init")
    for way, run in report["runs"].items():
        problems += _members(run, _RUN, f"runs.{way}")
    for index, target in enumerate(report["targets"]):
        where = f"targets[{index}]"
        problems += _members(target, _TARGET, where)
        for way, run in target.get("runs", {}).items():
            problems += _members(run, _TARGET_RUN, f"{where}.runs.{way}")
    problems += _meaning(report)
    return problems


def _members(value: Any, wanted: Mapping[str, Any], where: str) -> list[str]:
    """Exactly the wanted members, each of its type."""
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    problems = [f"{where} lacks {name}" for name in wanted if name not in value]
    problems += [f"{where} has {name}, which has no meaning" for name in value if name not in wanted]
    for name, kind in wanted.items():
        if name in value and (not isinstance(value[name], kind) or isinstance(value[name], bool)):
            problems.append(f"{where}.{name} is a {type(value[name]).__name__}")
    return problems


def _meaning(report: dict[str, Any]) -> list[str]:
    problems = []
    if report["schema"] != SCHEMA:
        problems.append(f"schema is {report['schema']}, not {SCHEMA}")
    if report["result"] not in ("PASS", "FAIL"):
        problems.append(f"result is {report['result']}")
    if (report["result"] == "PASS") != (not report["failures"]):
        problems.append(f"result {report['result']} with {len(report['failures'])} failures")
    return problems
