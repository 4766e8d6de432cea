"""Media of the main job: what is on them before, and what must be on them afterwards."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from silentmirror.options import MEDIUM_BYTES

_INVERT = bytes(255 - n for n in range(256))


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def _rest(seed: int, scsi_id: int, length: int) -> bytes:
    """What lies on a medium outside the image: a pattern of its own for every drive."""
    return random.Random(f"silentmirror medium {seed} {scsi_id}").randbytes(length)


def prepare(path: Path, image: bytes, seed: int, scsi_id: int) -> None:
    """Write a fresh medium: the complement of the image, so that nothing is right by chance, then the pattern."""
    path.write_bytes(image.translate(_INVERT) + _rest(seed, scsi_id, MEDIUM_BYTES - len(image)))


def judge(path: Path, image: bytes, seed: int, scsi_id: int, result: Path, block: int) -> tuple[str, list[str]]:
    """Compare a medium after the run; leaves what is in the image's place as `result`.

    Returns the SHA-256 of that and what is wrong.
    """
    content = path.read_bytes()
    found, rest = content[: len(image)], content[len(image) :]
    result.write_bytes(found)
    problems = []
    if found != image:
        wrong = _differing(found, image, block)
        problems.append(f"drive {scsi_id}: the image differs in {len(wrong)} block(s), first in block {wrong[0]}")
    expected = _rest(seed, scsi_id, MEDIUM_BYTES - len(image))
    if rest != expected:
        wrong = _differing(rest, expected, block)
        where = f"first at byte {len(image) + wrong[0] * block}"
        problems.append(f"drive {scsi_id}: {len(wrong)} block(s) outside the image were changed, {where}")
    return sha256(found), problems


def _differing(found: bytes, expected: bytes, block: int) -> list[int]:
    """Numbers of the blocks that differ; where only the length differs, the first one missing."""
    longest = max(len(found), len(expected))
    return [n // block for n in range(0, longest, block) if found[n : n + block] != expected[n : n + block]]
