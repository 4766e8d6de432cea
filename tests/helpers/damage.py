"""The bench with one change of the RTL, for tests that must fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from silentmirror import build
from silentmirror.options import ROOT


def damaged_bench(source: str, good: str, bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> build.Design:
    """The bench with `bad` where hdl/`source` has `good`, once; its model is not kept among the others."""
    monkeypatch.setattr(build, "BUILD_ROOT", tmp_path / "build")
    original = ROOT / "hdl" / source
    text = original.read_text(encoding="utf-8")
    assert text.count(good) == 1
    damaged = tmp_path / original.name
    damaged.write_text(text.replace(good, bad), encoding="utf-8")
    return build.Design(sources=(*(path for path in build.Design().files() if path != original), damaged))
