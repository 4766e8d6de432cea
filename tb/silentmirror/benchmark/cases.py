"""What the benchmark runs: one bench with drives of mixed abilities, and the work that each of them gets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cocotbext.scsi.agreement import Period
from silentmirror.bench import BenchConfig, Kind, SlotConfig

JOB_VARIABLE = "SILENTMIRROR_BENCH_JOB"
TRANSCRIPT_FILE = "bus.jsonl"
OUTCOME_FILE = "outcome.json"
BLOCK = 512
INITIATOR = 7
TEST_UNIT_READY = bytes(6)
"""The CDB."""
OFFSET = 63
"""Offset that every device can do; with 25 m of cable Fast-80 needs about 40."""
NS_PER_M = 5.2
"""Delay of the cable, a usual figure for twisted pairs."""


@dataclass(frozen=True)
class Drive:
    """A target of the bench and how it is called in the figures."""

    scsi_id: int
    name: str
    period: int = 0
    dt: bool = False


DRIVES = (
    Drive(5, "async"),
    Drive(4, "Fast-20", Period.FAST_20),
    Drive(3, "Fast-40", Period.FAST_40),
    Drive(6, "Fast-80", Period.FAST_80, dt=True),
)


@dataclass(frozen=True)
class Job:
    """One simulation: its folder, the clocks' seed, the cable between initiator and drives, the offsets tried."""

    folder: str
    name: str
    seed: int
    cable_m: float = 0.0
    offsets: tuple[int, ...] = (OFFSET,)
    qas: bool = False
    only: tuple[str, ...] = ()
    """Names of the drives that take part; empty: all."""

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder)

    def save(self) -> Path:
        """Write the job file; returns its path."""
        self.path.mkdir(parents=True, exist_ok=True)
        file = self.path / "job.json"
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return file

    @staticmethod
    def load(file: Path) -> Job:
        """Read a job file."""
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Job(**{**content, "offsets": tuple(content["offsets"]), "only": tuple(content["only"])})

    @property
    def drives(self) -> tuple[Drive, ...]:
        """The drives that take part."""
        return tuple(drive for drive in DRIVES if not self.only or drive.name in self.only)

    def medium(self, drive: Drive) -> Path:
        """The image file of a drive."""
        return self.path / f"target{drive.scsi_id}.medium"

    def bench(self) -> BenchConfig:
        """The initiator in slot 0 and the drives in slots 2, 3, ...; half of the cable on each side."""
        half_ns = self.cable_m * NS_PER_M / 2
        slots = {0: SlotConfig(Kind.INITIATOR, scsi_id=INITIATOR, cable_ns=half_ns)}
        for number, drive in enumerate(self.drives):
            slots[2 + number] = SlotConfig(
                Kind.TARGET,
                scsi_id=drive.scsi_id,
                period=drive.period,
                offset=127 if drive.period else 0,
                dt=drive.dt or (self.qas and drive.period > 0),  # QAS goes with asynchronous or DT (spi-facts 7)
                qas=self.qas,
                cable_ns=half_ns,
                medium=self.medium(drive),
            )
        return BenchConfig(slots, self.seed)
