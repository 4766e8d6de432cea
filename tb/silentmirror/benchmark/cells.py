"""Group "matrix": which ways of writing copies are compared, with how many copies, which blocks and at which rates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from cocotbext.scsi.agreement import Period
from silentmirror.bench import TARGET_IDS, BenchConfig, Kind, SlotConfig, target_slots
from silentmirror.build import Design

from .cases import INITIATOR, OFFSET

COPIES = (2, 3, 8, 15)
BLOCKS = (512, 4096)
RATES = {"Fast-20": Period.FAST_20, "Fast-40": Period.FAST_40, "Fast-80": Period.FAST_80}
SERIES = 16
"""Blocks a command, or a connection, in the ways that put several in one."""
BUFFER_BYTES = 65536
"""Buffers of initiator and drives: `SERIES` blocks of 4096 bytes."""
DESIGN = Design(parameters=(("INITIATOR_BUF_BYTES", BUFFER_BYTES), ("TARGET_BUF_BYTES", BUFFER_BYTES)))
DISCONNECTED_NS = 1500
"""What a medium needs besides where drives disconnect: a drive that has just released the bus joins the arbitration
after the next one, not the next one when it has begun."""
EXAMPLE_BLOCKS = 2048
"""The seed's example: 1 MiB in blocks of 512 bytes."""


class Extension(IntEnum):
    """How much of protocol 14 to 16 a silent way uses."""

    NONE = 0
    STATUS = 1
    """Status in the connection (section 15)."""
    SERIES = 2
    """That, and several blocks in one connection (section 16)."""


@dataclass(frozen=True)
class Way:
    """One way to write a block to all drives."""

    key: str
    title: str
    silent: bool = False
    extension: Extension = Extension.NONE
    blocks: int = 1
    """Blocks a command."""
    disconnects: bool = False
    qas: bool = False

    def selections(self, copies: int) -> float:
        """Selections a block."""
        return (1 if self.silent else copies) / self.blocks

    def reselections(self, copies: int) -> float:
        """Reselections a block: one for each status that does not come in the connection of the data."""
        apart = self.extension is Extension.NONE if self.silent else self.disconnects
        return copies / self.blocks if apart else 0.0

    def nexuses(self, copies: int) -> float:
        """Selections and reselections a block."""
        return self.selections(copies) + self.reselections(copies)


ORDINARY = Way("ordinary", "ordinary, never disconnecting")
DISCONNECTING = Way("disconnecting", "ordinary, disconnecting", disconnects=True)
QAS = Way("qas", "ordinary, QAS", qas=True)
ORDINARY_16 = Way("ordinary-16", "ordinary, 16 blocks a command", blocks=SERIES)
SILENT = Way("silent", "silent, as in the seed", silent=True)
SILENT_STATUS = Way("silent-status", "silent, status in the connection", silent=True, extension=Extension.STATUS)
SILENT_SERIES = Way(
    "silent-series", "silent, 16 blocks a connection", silent=True, extension=Extension.SERIES, blocks=SERIES
)
SILENT_16 = Way(
    "silent-16",
    "silent, status in the connection, LEN of 16 blocks",
    silent=True,
    extension=Extension.STATUS,
    blocks=SERIES,
)
WAYS = (ORDINARY, DISCONNECTING, QAS, ORDINARY_16, SILENT, SILENT_STATUS, SILENT_SERIES, SILENT_16)


@dataclass(frozen=True)
class Cell:
    """One simulation of the matrix: `count` blocks in one way."""

    folder: str
    way: Way
    copies: int
    block: int
    rate: str
    seed: int
    count: int = SERIES

    @property
    def name(self) -> str:
        """As in CELL=, in folders and messages."""
        return f"{self.way.key}-{self.copies}x{self.block}-{self.rate}"

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder)

    @property
    def targets(self) -> tuple[int, ...]:
        """SCSI IDs of the drives, in the order of service."""
        return TARGET_IDS[: self.copies]

    def save(self) -> Path:
        """Write the job file; returns its path."""
        self.path.mkdir(parents=True, exist_ok=True)
        file = self.path / "job.json"
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return file

    @staticmethod
    def load(file: Path) -> Cell:
        """Read a job file."""
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        way = content.pop("way")
        return Cell(way=Way(**{**way, "extension": Extension(way["extension"])}), **content)

    def medium(self, target: int) -> Path:
        """The image file of a drive."""
        return self.path / f"target{target}.medium"

    @property
    def dt(self) -> bool:
        """Data phases are DT: Fast-80 always, and with QAS, which goes with asynchronous or DT (spi-facts 7)."""
        return self.way.qas or self.rate == "Fast-80"

    def bench(self) -> BenchConfig:
        """The initiator and equal drives, no cable, media that take a word a clock and need no time besides."""
        slots = {0: SlotConfig(Kind.INITIATOR, scsi_id=INITIATOR)}
        for slot, target in zip(target_slots(1), self.targets, strict=False):
            slots[slot] = SlotConfig(
                Kind.TARGET,
                scsi_id=target,
                period=RATES[self.rate],
                offset=OFFSET,
                dt=self.dt,
                qas=self.way.qas,
                medium=self.medium(target),
                block_len=self.block,
                medium_latency_ns=DISCONNECTED_NS if self.way.disconnects else 0,
            )
        return BenchConfig(slots, self.seed)


def matrix(folder: Path, seed: int) -> Iterator[Cell]:
    """All cells, the small ones first."""
    for block in BLOCKS:
        for copies in COPIES:
            for rate in RATES:
                for way in WAYS:
                    cell = Cell("", way, copies, block, rate, seed)
                    yield Cell(str(folder / cell.name), way, copies, block, rate, seed, _count(way, copies, block))


def _count(way: Way, copies: int, block: int) -> int:
    """Blocks to measure: enough for a mean, few where a block takes long."""
    if way.blocks > 1:
        return way.blocks if copies * block > 4096 else 2 * way.blocks
    return max(2, min(8, 16384 // (copies * block)))


EXAMPLE = {ORDINARY: (4096, 0), DISCONNECTING: (4096, 4096), SILENT: (2048, 4096)}
"""Selections and reselections that the seed's example takes in each way."""


def example(folder: Path, seed: int) -> list[Cell]:
    """The seed's example, ordinary and silent."""
    return [Cell(str(folder / f"example-{w.key}"), w, 2, 512, "Fast-40", seed, EXAMPLE_BLOCKS) for w in EXAMPLE]
