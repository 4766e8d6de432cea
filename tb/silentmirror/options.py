"""What a run of the main job or of the benchmark is asked to do; needs nothing but the standard library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The project's root folder."""

DEMO_IMAGE = ROOT / "share" / "demo.img"
"""The FAT12 image that is mirrored when the user names none."""

MEDIUM_BYTES = 1 << 20
"""Capacity of every drive's medium, in bytes, whatever the block size."""

BLOCK_SIZES = (512, 1024, 2048, 4096)
"""Bytes a block that a drive can be formatted to."""

SIMULATORS = ("icarus", "verilator")

TARGETS_MAX = 15
"""A 16-bit bus has 16 IDs and the initiator holds one."""

SEED_MAX = 2**32 - 1


@dataclass(frozen=True)
class SimOptions:
    """One run of the main job; the values have been checked by `silentmirror.cli.args`."""

    image: Path = DEMO_IMAGE
    """File to mirror: 1 to `MEDIUM_BYTES` bytes; padded with zeros to a whole block by the run, which says so."""
    targets: int = 3
    """Number of drives, 1 to 15."""
    block: int = 512
    """Bytes a block, one of `BLOCK_SIZES`."""
    seed: int = 1
    waves: bool = False
    """Leave waves of every way in `<out_dir>/<way>/`, as one `.fst` file."""
    simulator: str = "icarus"
    out_dir: Path = ROOT / "build" / "sim"
    """Where the report, the media and the transcripts go."""


SEEDS_MIN, SEEDS_DEFAULT, SEEDS_MAX = 1, 20, 1000
"""Clock seeds of a benchmark; with fewer than the default its report says so."""


BENCH_GROUPS = ("all", "speed", "sweep", "matrix", "example")
"""Parts of the benchmark: operations over many clock seeds, data rates by offset and cable, ways to write copies, and
the seed's example of 1 MiB."""


@dataclass(frozen=True)
class BenchOptions:
    """One run of the benchmark."""

    seed: int = 1
    """First clock seed."""
    seeds: int = SEEDS_DEFAULT
    """How many, one after the other."""
    simulator: str = "verilator"
    group: str = "all"
    """One of `BENCH_GROUPS`."""
    cell: str | None = None
    """Part of the names of the matrix's cells that are run; None: all."""
    terms: bool = False
    """Print the minima of the matrix term by term."""


POINTS_MAX = 100_000
"""Points of a fault campaign."""


CAMPAIGNS = ("input", "mirror")
"""Bad input from every side; faults in mirrored operations."""

FAULTS_POINTS = 2000
"""Bad inputs that are tried where no number is given; of faults in mirrored operations it is all there are."""


@dataclass(frozen=True)
class FaultsOptions:
    """One campaign of faults."""

    points: int | None = None
    """How many; None: see `FAULTS_POINTS`."""
    seed: int = 1
    simulator: str = "icarus"
    point: int | None = None
    """Play this point alone, after those that come before it in its simulation."""
    campaign: str = "input"
    """One of `CAMPAIGNS`."""
    fresh: bool = False
    """Forget what an earlier run of this campaign has found out."""
