"""Evaluations of rules, added up over a session."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from cocotbext.scsi.checker import rule_specs
from helpers.scenarios import ordinary
from helpers.tally import SUM_FILE, Tally
from helpers.verdict import check
from silentmirror.mirror_rules import MirrorRules
from silentmirror.report import evaluations

RULES = [spec.id for spec in rule_specs([MirrorRules])]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where counts go, in place of the session's folder."""
    monkeypatch.setenv(evaluations.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def finished(folder: Path, *, whole: bool = True, ended: pytest.ExitCode = pytest.ExitCode.OK) -> tuple[int, str]:
    """Exit status and last line of a session."""
    session = SimpleNamespace(exitstatus=ended)
    tally = Tally(folder, whole=whole)
    tally.finish(cast("pytest.Session", session))
    return session.exitstatus, tally.line()


def test_each_checker_counts_once(folder: Path) -> None:
    checkers = [check(ordinary()), check(ordinary())]
    for checker in (*checkers, checkers[0]):
        evaluations.note(checker)
    assert evaluations.add_up(folder).total() == sum(checker.report()["evaluations"] for checker in checkers) > 0


def test_what_comes_after_the_first_note_counts(folder: Path) -> None:
    checker = check(ordinary())
    evaluations.note(checker)
    before = evaluations.add_up(folder)
    checker.rules["ARB-01"].evaluations += 2
    evaluations.note(checker)
    assert evaluations.add_up(folder) - before == {"ARB-01": 2}


def test_nobody_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(evaluations.FOLDER_VARIABLE, raising=False)
    evaluations.note(check(ordinary()))
    assert list(tmp_path.iterdir()) == []


def test_a_rule_that_was_never_evaluated_fails_a_whole_session(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text(json.dumps(dict.fromkeys(RULES, 2)) + "\n")
    all_of_them = f"rules: {len(RULES)} evaluated, {2 * len(RULES)} evaluations, 0 never evaluated"
    assert finished(tmp_path) == (pytest.ExitCode.OK, all_of_them)
    (tmp_path / "1.jsonl").write_text(json.dumps(dict.fromkeys(RULES[1:], 2)) + "\n")
    status, line = finished(tmp_path)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert line.endswith(f"evaluations, 1 never evaluated: {RULES[0]}")
    assert json.loads((tmp_path / SUM_FILE).read_text())[RULES[0]] == 0
    assert finished(tmp_path, whole=False)[0] == pytest.ExitCode.OK
    assert finished(tmp_path, ended=pytest.ExitCode.INTERRUPTED)[0] == pytest.ExitCode.INTERRUPTED


def test_a_whole_session_without_simulations_fails(tmp_path: Path) -> None:
    status, line = finished(tmp_path)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert line.startswith(f"rules: 0 evaluated, 0 evaluations, {len(RULES)} never evaluated: ")
    assert finished(tmp_path, whole=False) == (pytest.ExitCode.OK, "")
