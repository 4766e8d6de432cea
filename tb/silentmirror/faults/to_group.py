"""Bad input to a group of two drives: mirror messages that are malformed, out of order or never end.

A point is a mirrored write: `order` (SCSI ID and yz as they are named), `message` (hex, in place of MIRROR WRITE),
`ending` (hex, in place of RELEASE), `lba`, `length`, `faults` as in `to_target`; or `messages` (hex) outside of one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from .to_target import BLOCK, BLOCKS

MEMBERS: Final = ((5, 0x00), (4, 0x01))
"""SCSI IDs and yz of the drives."""


def _message(lba: int, length: int, *, yz: int = 0, code: int = 0x8A, tail: str = "") -> str:
    body = f"{code:02x}{yz:02x}{lba & 0xFFFF_FFFF:08x}{length & 0xFF_FFFF:06x}{tail}"
    return f"01{len(body) // 2:02x}{body}"


def _point(rng: random.Random, **given: Any) -> dict[str, Any]:
    lba = rng.randrange(BLOCKS)
    point: dict[str, Any] = {"order": [list(one) for one in MEMBERS[: rng.randint(1, 2)]], "lba": lba, "length": BLOCK}
    point["tag"] = rng.randrange(256)
    return {**point, **given}


def outside(rng: random.Random) -> dict[str, Any]:
    """Mirror messages where no mirrored operation is, to drives that are or are not the ones they name."""
    yz = rng.choice((0, 1, 2, 0xF, 0x10, rng.getrandbits(8)))
    body = rng.choice(("26", "26", "2c", "2e", "2d", "27")) + f"{yz:02x}" + rng.choice(("", "ff", "00", "ffff"))
    head = rng.choice(("c0", "c0", "80", "c1", "c02011"))
    return {"messages": [head, body], "target": rng.choice((4, 5))}


def malformed_order(rng: random.Random) -> dict[str, Any]:
    """MIRROR WRITE with any length, LBA, yz, code and tail."""
    lba = rng.choice((rng.randrange(BLOCKS), BLOCKS, 0xFFFF_FFFF, rng.getrandbits(32)))
    length = rng.choice((0, 1, 2, 511, BLOCK, BLOCK, 513, 2 * BLOCK, 8192, 0xFF_FFFF, rng.getrandbits(24)))
    yz = rng.choice((0, 0, 0, 1, 2, 0x10, rng.getrandbits(8)))
    code = rng.choice((0x8A, 0x8A, 0x8A, 0x88, 0x80, rng.randrange(0x80, 0x100)))
    message = _message(lba, length, yz=yz, code=code, tail=rng.choice(("", "", "ff", "00", "ffff")))
    if rng.random() < 0.2:
        message = message[: 2 * rng.randrange(1, len(message) // 2)]
    more: dict[str, Any] = {"message": message, "lba": lba, "length": length}
    if length > BLOCKS * BLOCK:
        # Such data are taken and dropped as long as they come.
        more["faults"] = [["stop", "DATA_OUT", 2 * rng.randrange(BLOCK), 1, 0]]
    return _point(rng, **more)


def wrong_names(rng: random.Random) -> dict[str, Any]:
    """SWITCH ROLE to members that do not exist, to the leader, twice, or in another order."""
    named = [rng.choice((0, 1, 1, 2, 0xF, 0x10, rng.getrandbits(8))) for _ in range(rng.randint(1, 3))]
    order = [[5, 0], *([rng.choice((4, 4, 5, 9)), yz] for yz in named)]
    return _point(rng, order=order)


def wrong_ending(rng: random.Random) -> dict[str, Any]:
    """Anything in place of RELEASE."""
    ending = rng.choice(
        ("2e07", "2eff", "2e00ff", "04", "05", "06", "07", "08", "09", "0c", "0d", "0e", "17", "55", "c0", "26")
    )
    random_one = rng.randbytes(rng.randint(1, 5)).hex()
    return _point(rng, ending=rng.choice((ending, random_one)))


def stop(rng: random.Random) -> dict[str, Any]:
    """The initiator stops in mid-message or in mid-data, at the leader or at the participant."""
    phase = rng.choice(("MSG_OUT", "DATA_OUT", "MSG_IN", "STATUS"))
    index = {"MSG_OUT": rng.randrange(14), "DATA_OUT": 2 * rng.randrange(BLOCK // 2), "MSG_IN": rng.randrange(3)}.get(
        phase, 0
    )
    return _point(rng, faults=[["stop", phase, index, 1, rng.randrange(2)]])


def parity(rng: random.Random) -> dict[str, Any]:
    """Wrong parity in what is sent or said to be in what came, or ATN that stays."""
    kind = rng.choice(("bad_parity", "bad_parity", "see_bad_parity", "keep_atn"))
    phase = {"see_bad_parity": rng.choice(("MSG_IN", "STATUS")), "keep_atn": "MSG_OUT"}.get(kind, "MSG_OUT")
    if kind == "bad_parity" and rng.random() < 0.5:
        phase = "DATA_OUT"
    index = {"MSG_OUT": rng.randrange(14), "DATA_OUT": 2 * rng.randrange(BLOCK // 2), "MSG_IN": rng.randrange(3)}.get(
        phase, 0
    )
    return _point(rng, faults=[[kind, phase, index, rng.choice((1, 1, 3, 6)), rng.randrange(2)]])


CLASSES: Final[dict[str, Callable[[random.Random], dict[str, Any]]]] = {
    "group message outside": outside,
    "group malformed order": malformed_order,
    "group wrong names": wrong_names,
    "group wrong ending": wrong_ending,
    "group initiator stops": stop,
    "group parity": parity,
}
