"""What a campaign has found out so far, on disk, so that one that was broken off goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from silentmirror.options import ROOT, FaultsOptions

STATE_FILE: Final = "state.jsonl"
_TESTED: Final = (
    "hdl",
    "tb/cocotbext/scsi",
    *(f"tb/silentmirror/{folder}" for folder in ("faults", "bench", "env", "model")),
    *(f"tb/silentmirror/{file}.py" for file in ("mirror", "mirror_messages", "build")),
)
"""A change in one of these makes what has been found out worthless."""


def key_of(options: FaultsOptions) -> str:
    """Equal for campaigns whose points come to the same: content of RTL and campaign, kind, seed, simulator."""
    digest = hashlib.sha256(f"{options.campaign} {options.seed} {options.simulator}".encode())
    for folder in _TESTED:
        place = ROOT / folder
        found = place.rglob("*") if place.is_dir() else (place,)
        for file in sorted(path for path in found if path.suffix in (".v", ".vh", ".py")):
            digest.update(f"\0{file.relative_to(ROOT)}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class State:
    """Outcomes by point number; every `add` is on disk when it returns."""

    def __init__(self, folder: Path, key: str, *, fresh: bool = False) -> None:
        """Begin anew with `fresh`, or where the state on disk has another key."""
        self._file = folder / STATE_FILE
        self.outcomes: dict[int, dict[str, Any]] = {}
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.is_file() and not fresh else []
        if lines and _whole(lines[0]) == {"key": key}:
            found = [one for one in map(_whole, lines[1:]) if one is not None]
            self.outcomes = {one["number"]: one for one in found}
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")

    def add(self, outcomes: Iterable[dict[str, Any]]) -> None:
        """These points have been played."""
        found = list(outcomes)
        with self._file.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(one) + "\n" for one in found))
        self.outcomes |= {one["number"]: one for one in found}


def _whole(line: str) -> dict[str, Any] | None:
    """A line's content; None where the last one was cut off."""
    try:
        content = json.loads(line)
    except json.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None
