"""Rules of the bus that a test session has evaluated, in all its simulations together."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from cocotbext.scsi.checker import rule_specs
from silentmirror.mirror_rules import MirrorRules
from silentmirror.options import ROOT
from silentmirror.report import evaluations

FOLDER = ROOT / "build" / "test" / "evaluations"
SUM_FILE = "sum.json"
"""In `FOLDER`: evaluations by rule."""
_TALLY = pytest.StashKey["Tally"]()


class Tally:
    """What the simulations of one session leave in a folder. A rule that a whole regression never evaluated fails it.

    Scripts of wires that must fail are not counted: they were made for the rule.
    """

    def __init__(self, folder: Path, *, whole: bool) -> None:
        self.folder = folder
        self.whole = whole
        """Every test was to run."""
        self.counts: Counter[str] = Counter()

    def begin(self) -> None:
        """Forget the session before."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        os.environ[evaluations.FOLDER_VARIABLE] = str(self.folder)

    def finish(self, session: pytest.Session) -> None:
        """Add up; the session fails when nothing else failed and a rule is missing."""
        self.counts = evaluations.add_up(self.folder)
        text = json.dumps({rule: self.counts.get(rule, 0) for rule in _rules()}, indent=1)
        (self.folder / SUM_FILE).write_text(text + "\n", encoding="utf-8")
        if session.exitstatus == pytest.ExitCode.OK and self.whole and self._never():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def end(self) -> None:
        """Nobody adds to it any more."""
        os.environ.pop(evaluations.FOLDER_VARIABLE, None)

    def _never(self) -> list[str]:
        return [rule for rule in _rules() if not self.counts.get(rule)]

    def line(self) -> str:
        """How many rules were evaluated how often, and which never; empty where a few tests simulated nothing."""
        if not (self.counts or self.whole):
            return ""
        missing = self._never()
        names = f": {' '.join(missing)}" if missing else ""
        evaluated = f"rules: {len(_rules()) - len(missing)} evaluated, {sum(self.counts.values())} evaluations"
        return f"{evaluated}, {len(missing)} never evaluated{names}"


def _rules() -> list[str]:
    return [spec.id for spec in rule_specs([MirrorRules])]


def start(config: pytest.Config) -> None:
    """Begin to count, unless a session outside of this one counts, or nothing is run."""
    if evaluations.FOLDER_VARIABLE in os.environ or config.option.collectonly:
        return
    choices = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf")
    chosen = any(getattr(config.option, name, None) for name in choices)
    whole = not chosen and config.args_source is pytest.Config.ArgsSource.TESTPATHS
    config.stash[_TALLY] = Tally(FOLDER, whole=whole)
    config.stash[_TALLY].begin()


def of(config: pytest.Config) -> Tally | None:
    """The tally of this session, if it has one of its own."""
    return config.stash.get(_TALLY, None)
