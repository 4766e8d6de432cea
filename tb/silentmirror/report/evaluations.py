"""How often each rule of the bus was evaluated, added up over many simulations: what a regression rests on."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from weakref import WeakKeyDictionary

from cocotbext.scsi.checker import Checker

FOLDER_VARIABLE = "SILENTMIRROR_EVALUATIONS"
"""Environment: the folder that takes the counts; where it is not set, nobody adds up."""
_noted: WeakKeyDictionary[Checker, Counter[str]] = WeakKeyDictionary()
"""What has been written of each checker."""


def note(checker: Checker) -> None:
    """Leave what a checker has evaluated since it was noted last for whoever adds up; any simulator process may."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return
    counts = Counter({rule.id: rule.evaluations for rule in checker.rules.values()})
    new = counts - _noted.get(checker, Counter())
    _noted[checker] = counts
    with (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(new) + "\n")


def add_up(folder: Path) -> Counter[str]:
    """Evaluations by rule, of all simulations that left theirs in a folder."""
    total: Counter[str] = Counter()
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            total.update(json.loads(line))
    return total
