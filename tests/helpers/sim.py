"""One call for pytest tests that run in-simulator tests: build from the cache, run, judge, say how to run again."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from silentmirror import build
from silentmirror.options import ROOT, SEED_MAX

TESTS = ROOT / "tests"
RUNS = ROOT / "build" / "test" / "runs"


def base_seed() -> int:
    """The seed of this test session: the environment's SEED, 1 when it is not set."""
    text = os.environ.get("SEED") or "1"
    if not text.isdecimal() or int(text) > SEED_MAX:
        raise ValueError(f"SEED={text!r} is not a whole number from 0 to {SEED_MAX}")
    return int(text)


class SimRunner:
    """Runs the in-simulator tests of one pytest test; the fixture `run_sim` makes one."""

    def __init__(self, node_name: str, keyword: str) -> None:
        self._keyword = keyword
        self._name = re.sub(r"[^\w.-]+", "-", node_name).strip("-")
        self._calls = 0

    def __call__(
        self,
        module: str,
        *testcases: str,
        seed: int | None = None,
        simulator: str | None = None,
        plusargs: Sequence[str] = (),
        media: Mapping[int, bytes | Path] | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: int = 600,
        design: build.Design | None = None,
    ) -> build.RunResult:
        """Run `testcases` (default: all) of `module`, a file of tests/; SimulationError when one fails or none runs.

        `seed` and `simulator` default to the environment's SEED (1) and SIM (icarus). `media` gives slots their image
        files: content to write to a fresh file, `<test_dir>/medium<slot>.img`, or the path of an existing file.
        WAVES=1 in the environment leaves waves in the run's folder.
        """
        seed = base_seed() if seed is None else seed
        simulator = simulator or os.environ.get("SIM") or "icarus"
        waves = os.environ.get("WAVES", "0") not in ("", "0")
        test_dir = RUNS / f"{self._name}-{self._calls}-{simulator}-{seed}"
        self._calls += 1
        shutil.rmtree(test_dir, ignore_errors=True)
        return build.run(
            build.build(simulator, waves, design),
            module,
            testcases=testcases or None,
            seed=seed,
            plusargs=[*plusargs, *self._media(media or {}, test_dir)],
            env=env,
            test_dir=test_dir,
            python_path=[TESTS],
            timeout_s=timeout_s,
            rerun=f"make test TEST={self._keyword} SEED={seed}"
            + ("" if simulator == "icarus" else f" SIM={simulator}"),
            keep=True,
        )

    @staticmethod
    def _media(media: Mapping[int, bytes | Path], test_dir: Path) -> list[str]:
        """Write the media that are given by content; returns the plusargs that name all of them."""
        test_dir.mkdir(parents=True, exist_ok=True)
        plusargs = []
        for slot, content in media.items():
            path = content if isinstance(content, Path) else test_dir / f"medium{slot}.img"
            if not isinstance(content, Path):
                path.write_bytes(content)
            plusargs.append(f"+medium{slot}={path}")
        return plusargs
