"""What the 16 slots of the bench are in one simulation: plain data, usable outside a simulator."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

SLOTS: Final = 16
"""Slots of the bench; a slot number is not a SCSI ID."""

CLK_PERIOD_PS: Final = 6250
"""Nominal clock period of every device (160 MHz)."""

PPM_LIMIT: Final = 200.0
"""Largest clock offset that the bench accepts, parts per million either way."""

INITIATOR_IDS: Final = (7, 6, 2)
"""SCSI IDs of the first, second and third initiator of `standard_config`."""

TARGET_IDS: Final = (5, 4, 3, 6, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8)
"""SCSI IDs that `standard_config` gives to targets, in this order; an initiator's ID is left out."""

BLOCK_SIZES: Final = (512, 1024, 2048, 4096)
"""Block lengths, in bytes, that a target can be formatted to."""


class Kind(IntEnum):
    """What plays in a slot; the values are those of the bench's KIND register."""

    OFF = 0
    INITIATOR = 1
    TARGET = 2
    PYTHON = 3


ALLOWED: Final[Mapping[int, frozenset[Kind]]] = {
    0: frozenset({Kind.INITIATOR}),
    **{slot: frozenset({Kind.INITIATOR, Kind.TARGET}) for slot in (1, 2)},
    **{slot: frozenset({Kind.TARGET}) for slot in range(3, 14)},
    **{slot: frozenset({Kind.TARGET, Kind.PYTHON}) for slot in (14, 15)},
}
"""Kinds that each slot can be."""


@dataclass(frozen=True)
class SlotConfig:
    """One populated slot. Times of the device's own timers are microseconds, of the bench nanoseconds."""

    kind: Kind
    scsi_id: int = 0
    """SCSI ID, 0 to 15. A target gets it as a strap; an initiator's is written over AXI by the test."""
    wide: bool = True
    """Target: can do 16-bit transfers. Initiator: for the test to write over AXI."""
    period: int = 0
    """Fastest transfer period factor, 0 = asynchronous only. Abilities down to `fair` serve as `wide` does."""
    offset: int = 0
    """Largest REQ/ACK offset, 0 to 127."""
    dt: bool = False
    """Can do DT data phases."""
    qas: bool = False
    """Can take part in QAS."""
    fair: bool = False
    """Arbitrates fairly also without QAS."""
    mirror: bool = True
    """Target: knows silent mirroring."""
    mirror_ext: int = 3
    """Target: extensions of silent mirroring it has, as the flags of MIRROR CAPABILITY: 1 STATUS, 2 SERIES."""
    cable_ns: float = 0.0
    """Cable delay, applied from the device to the bus and from the bus to the device."""
    ppm: float | None = None
    """Clock offset within +-PPM_LIMIT (positive = faster); None: derived from the seed, within +-100."""
    phase_ps: int | None = None
    """Time from the release of all clocks to the first rising edge; None: derived from the seed, below one period."""
    medium: Path | None = None
    """Image file of a target, opened for reading and writing; None: plusarg `+medium<slot>=path`, else no medium."""
    medium_blocks: int | None = None
    """Capacity in blocks; None: as many whole blocks as the image file holds when the bench starts."""
    block_len: int = 512
    """Bytes a block, one of `BLOCK_SIZES`."""
    medium_latency_ns: int = 100
    """Time from the request of a block to its first word (read), from its last word to done (write)."""
    write_protect: bool = False
    stall_us: int = 400
    """Leader's stall timer."""
    part_stall_us: int = 150
    """Participant's stall timer; less than half of the leader's."""
    holdoff_us: int = 50
    """Status hold-off: how long a predecessor's silence on a free bus is waited for."""
    sel_timeout_us: int = 300
    """Reselection time-out (the standard's value, 250 ms, is too long to simulate)."""


@dataclass(frozen=True)
class BenchConfig:
    """All populated slots; slots not named are off. The seed gives clock phases and offsets that are None."""

    slots: Mapping[int, SlotConfig]
    seed: int = 1

    def __post_init__(self) -> None:
        for number, slot in self.slots.items():
            _check_slot(number, slot)

    def initiators(self) -> list[int]:
        """Slot numbers of the initiators, ascending."""
        return self.of_kind(Kind.INITIATOR)

    def targets(self) -> list[int]:
        """Slot numbers of the targets, in the order of `slots` (in `standard_config`: order of rank)."""
        return [number for number, slot in self.slots.items() if slot.kind is Kind.TARGET]

    def of_kind(self, kind: Kind) -> list[int]:
        """Slot numbers of one kind, ascending."""
        return sorted(number for number, slot in self.slots.items() if slot.kind is kind)

    def slot_of_id(self, scsi_id: int) -> int:
        """The slot that holds a SCSI ID; KeyError when there is none, ValueError when there are several."""
        found = [number for number, slot in self.slots.items() if slot.scsi_id == scsi_id]
        if not found:
            raise KeyError(f"no slot has SCSI ID {scsi_id}")
        if len(found) > 1:
            raise ValueError(f"slots {found} share SCSI ID {scsi_id}")
        return found[0]

    def clock_of(self, number: int) -> tuple[float, int]:
        """Clock offset in ppm and phase in ps of a slot, given or derived from the seed."""
        slot = self.slots[number]
        rng = random.Random(f"silentmirror clock {self.seed} {number}")
        ppm, phase = round(rng.uniform(-100.0, 100.0), 3), rng.randrange(CLK_PERIOD_PS)
        return (ppm if slot.ppm is None else slot.ppm, phase if slot.phase_ps is None else slot.phase_ps)


def _check_slot(number: int, slot: SlotConfig) -> None:
    """ValueError when a slot cannot be what it is asked to be."""
    if number not in ALLOWED or slot.kind not in ALLOWED[number]:
        raise ValueError(f"slot {number} cannot be {slot.kind.name}")
    if not 0 <= slot.scsi_id <= 15:
        raise ValueError(f"slot {number}: SCSI ID {slot.scsi_id} is not within 0 to 15")
    if not 0 <= slot.period <= 255 or not 0 <= slot.offset <= 127:
        raise ValueError(
            f"slot {number}: period factor {slot.period} or offset {slot.offset} is not within 0 to 255, 0 to 127"
        )
    if slot.ppm is not None and abs(slot.ppm) > PPM_LIMIT:
        raise ValueError(f"slot {number}: {slot.ppm} ppm is not within +-{PPM_LIMIT}")
    if slot.phase_ps is not None and slot.phase_ps < 0:
        raise ValueError(f"slot {number}: phase {slot.phase_ps} ps is negative")
    if slot.cable_ns < 0 or slot.medium_latency_ns < 0:
        raise ValueError(f"slot {number}: a delay is negative")
    if slot.block_len not in BLOCK_SIZES:
        raise ValueError(f"slot {number}: block length {slot.block_len} is none of {BLOCK_SIZES}")


def target_slots(initiators: int) -> list[int]:
    """The slots for targets beside this many initiators (1 to 3), in order of use: from 2 or 3 on, slot 1 last.

    ValueError for another number of initiators.
    """
    if not 1 <= initiators <= len(INITIATOR_IDS):
        raise ValueError(f"initiators={initiators} is not within 1 to {len(INITIATOR_IDS)}")
    return [*range(max(initiators, 2), SLOTS), *([1] if initiators == 1 else [])]


def standard_config(
    targets: int = 3,
    *,
    block_len: int = 512,
    seed: int = 1,
    initiators: int = 1,
    media: Mapping[int, Path] | None = None,
    medium_blocks: int | None = None,
    cable_ns: float = 0.0,
    overrides: Mapping[int, Mapping[str, object]] | None = None,
) -> BenchConfig:
    """The usual bench: initiators 7, 6, 2 in slots 0, 1, 2, and targets 5, 4, 3, 6, 2, 1, 0, 15 .. 8.

    Targets sit in `target_slots`. `media` maps a slot to its image file, `overrides` a slot to
    fields of `SlotConfig` that differ. ValueError when the numbers of devices do not fit.
    """
    free_slots = target_slots(initiators)
    if not 0 <= targets <= len(free_slots):
        raise ValueError(f"targets={targets} is not within 0 to {len(free_slots)}")
    fields: dict[int, dict[str, object]] = {
        slot: {"kind": Kind.INITIATOR, "scsi_id": INITIATOR_IDS[slot]} for slot in range(initiators)
    }
    ids = [scsi_id for scsi_id in TARGET_IDS if scsi_id not in INITIATOR_IDS[:initiators]]
    for slot, scsi_id in zip(free_slots[:targets], ids, strict=False):
        fields[slot] = {
            "kind": Kind.TARGET,
            "scsi_id": scsi_id,
            "block_len": block_len,
            "medium": (media or {}).get(slot),
            "medium_blocks": medium_blocks,
        }
    for slot, changes in (overrides or {}).items():
        fields.setdefault(slot, {}).update(changes)
    return BenchConfig(
        {slot: SlotConfig(**{"cable_ns": cable_ns, **values}) for slot, values in fields.items()},  # type: ignore[arg-type]
        seed,
    )
