"""Makes the timelines that faults in mirrored operations are placed by: one short simulation each, kept for later."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from silentmirror import build

from .mirror_operations import OPERATIONS
from .timeline import Timeline

SIMULATOR = "icarus"
"""Shows every state register by its name."""
MODULE = "silentmirror.faults.reference"
VARIABLE = "SILENTMIRROR_FAULTS_REFERENCE"
TIMELINE_FILE = "timeline.json"
DESIGN = build.Design(parameters=(("INITIATOR_SLOTS", 0x0001), ("TARGET_SLOTS", 0x001C)))
"""The bench with the devices that the campaigns need: initiator in slot 0, drives in 2 to 4."""


def timelines(folder: Path, key: str, seed: int) -> list[Timeline]:
    """All operations in their modes; what an earlier call with this key left in `folder` is used again."""
    built = build.build(SIMULATOR, design=DESIGN)

    def one(operation: str, mode: str) -> Timeline:
        place = folder / f"{operation}-{mode}-{seed}-{key}"
        if not (place / TIMELINE_FILE).is_file():
            build.run(built, MODULE, seed=seed, env={VARIABLE: f"{operation} {mode}"}, test_dir=place, keep=True)
        return Timeline.from_json(json.loads((place / TIMELINE_FILE).read_text(encoding="utf-8")))

    with ThreadPoolExecutor(build.AT_ONCE) as pool:
        jobs = [pool.submit(one, operation, mode) for operation in OPERATIONS for mode in OPERATIONS[operation].modes]
        return [job.result() for job in jobs]
