"""What one simulator process of the main job is to do, as a file that it reads, and what it answers with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from silentmirror.bench import TARGET_IDS
from silentmirror.options import MEDIUM_BYTES

JOB_FILE = "job.json"
JOB_VARIABLE = "SILENTMIRROR_JOB"
"""Environment variable with the path of the job file."""
OUTCOME_FILE = "outcome.json"
TRANSCRIPT_FILE = "bus.jsonl"
PROGRESS_FILE = "progress"
GROUP = 0
"""Group number of the mirrored writes."""


def padded(image: bytes, block: int) -> bytes:
    """An image with zeros added up to a whole block."""
    return image + bytes(-len(image) % block)


def target_ids(count: int) -> tuple[int, ...]:
    """SCSI IDs of `count` drives, in the order of rank."""
    return TARGET_IDS[:count]


@dataclass(frozen=True)
class Job:
    """One way, in one folder."""

    way: str
    folder: str
    """Absolute path; media, transcript and outcome lie there."""
    image: str
    """Absolute path of the padded image."""
    targets: tuple[int, ...]
    block: int
    seed: int

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder)

    def medium(self, scsi_id: int) -> Path:
        """The whole medium of a drive, the file that the simulation works on."""
        return self.path / f"target{scsi_id}.medium"

    def result_image(self, scsi_id: int) -> Path:
        """The image as it was found on a drive's medium."""
        return self.path / f"target{scsi_id}.img"

    @property
    def medium_blocks(self) -> int:
        """Capacity of each drive."""
        return MEDIUM_BYTES // self.block

    def save(self) -> Path:
        """Write the job file; returns its path."""
        path = self.path / JOB_FILE
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> Job:
        """Read a job file."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**values, "targets": tuple(values["targets"])})


@dataclass
class Outcome:
    """What one simulator process found. Missing when the simulation broke off."""

    begin_ps: int = 0
    """When the host handed over the first data operation."""
    statuses: dict[str, str] = field(default_factory=dict)
    """Per SCSI ID: GOOD, or the first status or result that was not."""
    failures: list[str] = field(default_factory=list)
    rules: int = 0
    evaluations: int = 0
    violations: list[str] = field(default_factory=list)
    compared: dict[str, int] = field(default_factory=dict)
    """How often the scoreboard compared what."""

    def save(self, folder: Path) -> None:
        """Write the outcome file."""
        (folder / OUTCOME_FILE).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Outcome | None:
        """Read the outcome file; None when there is none."""
        path = folder / OUTCOME_FILE
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
