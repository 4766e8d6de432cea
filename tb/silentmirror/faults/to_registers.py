"""Bad input to the initiator's registers: what a host with a bug might write.

A point is a list of `accesses`, done one after the other without looking at STATUS: ["write", address, value (hex, any
length)], ["read", address, length], ["submit"], ["descriptor", {register: value}], ["frame", bytes, address],
["unload", bytes, address], ["pause", ns]. Timers are written with values that a simulation can wait for.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from .to_target import BLOCK, BLOCKS, read_10, write_10

BUFFER: Final = 16384
"""Bytes of the block buffer."""
_TIMERS: Final = (0x01C, 0x020, 0x024)
_UNLOAD_LEN: Final = 0x098
_DRIVE: Final = 4


def _words(cdb: str) -> dict[str, int]:
    padded = bytes.fromhex(cdb).ljust(16, b"\0")
    return {f"CDB{n}": int.from_bytes(padded[4 * n : 4 * n + 4], "little") for n in range(4)}


def _op(rng: random.Random, opcode: int | None = None, **bits: int) -> int:
    """OP for the drive, as it should be but for `bits` and chance."""
    word = (rng.choice((1, 2, 2, 3, 4)) if opcode is None else opcode) | bits.get("target", _DRIVE) << 16
    return word | bits.get("flags", 0) << 4 | bits.get("tag", 0) << 8


def _good(rng: random.Random) -> dict[str, int]:
    """A descriptor without fault."""
    lba = rng.randrange(BLOCKS)
    if rng.random() < 0.5:
        return {
            **_words(write_10(lba, 1)),
            "DATA_LEN": BLOCK,
            "BUF_ADDR": 2 * rng.randrange(4096),
            "TASK": 0,
            "OP": _op(rng, 2),
        }
    return {
        **_words(read_10(lba, 1)),
        "DATA_LEN": 1 << 31 | BLOCK,
        "BUF_ADDR": BUFFER - BLOCK,
        "TASK": 0,
        "OP": _op(rng, 2),
    }


def descriptor(rng: random.Random) -> dict[str, Any]:
    """Descriptors with any value in any register."""
    accesses: list[list[Any]] = []
    for _ in range(rng.randint(1, 3)):
        words = _good(rng)
        for name in rng.sample(
            ("OP", "CDB0", "CDB1", "CDB2", "DATA_LEN", "BUF_ADDR", "LBA", "COUNT", "TASK"), rng.randint(1, 4)
        ):
            words[name] = rng.getrandbits(32)
        accesses += [["descriptor", words], ["submit"]]
    return {"accesses": accesses}


def lengths(rng: random.Random) -> dict[str, Any]:
    """Lengths that the command does not have, data beyond the buffer or at odd addresses."""
    words = _good(rng)
    size = rng.choice((0, 1, 2, 511, 513, 1024, BUFFER, BUFFER + 1, 0xFF_FFFF, rng.getrandbits(24)))
    words["DATA_LEN"] = size | rng.getrandbits(1) << 31
    words["BUF_ADDR"] = rng.choice((0, 1, 0x101, BUFFER - 2, BUFFER - 1, BUFFER, 0xFF_FFFF, rng.getrandbits(24)))
    return {"accesses": [["descriptor", words], ["submit"]]}


def mirrored(rng: random.Random) -> dict[str, Any]:
    """Mirrored writes and queries for groups, members and counts that do not exist."""
    size = rng.choice((BLOCK, BLOCK, 0, 1, 513, 0xFF_FFFF))
    words = {
        "OP": _op(rng, rng.choice((1, 3, 3, 3)), flags=rng.getrandbits(4)) | rng.getrandbits(11) << 20,
        "DATA_LEN": size,
    }
    words |= {"ORDER0": rng.getrandbits(32) & rng.choice((0, 0xF, 0xFF, 0xFFFF_FFFF)), "ORDER1": rng.getrandbits(32)}
    words |= {"COUNT": rng.choice((0, 1, 2, 15, 16, rng.getrandbits(32))), "LBA": rng.choice((0, BLOCKS, 0xFFFF_FFFF))}
    words |= {"BUF_ADDR": rng.choice((0, 0, 1, BUFFER)), "TASK": rng.choice((0, 0, 1, 2, 3))}
    return {"accesses": [["descriptor", words], ["submit"]]}


def management(rng: random.Random) -> dict[str, Any]:
    """Task management of any function for any nexus, while a command runs."""
    words = {
        "OP": _op(rng, 4, target=rng.choice((_DRIVE, _DRIVE, 7, rng.randrange(16))), flags=rng.getrandbits(3)),
        "TASK": rng.getrandbits(7),
    }
    words["OP"] |= rng.getrandbits(8) << 8 | rng.choice((0, 0, rng.randrange(8))) << 28
    return {"accesses": [["descriptor", _good(rng)], ["submit"], ["descriptor", words], ["submit"]]}


def busy(rng: random.Random) -> dict[str, Any]:
    """SUBMIT again and again, descriptor registers changed in between, whatever READY says."""
    accesses: list[list[Any]] = []
    for _ in range(rng.randint(3, 12)):
        words = _good(rng)
        words["OP"] |= rng.choice((0, 0, 1 << 5 | rng.randrange(256) << 8 | 1 << 4))
        accesses += [["descriptor", {name: words[name] for name in rng.sample(sorted(words), 3)}], ["submit"]]
    return {"accesses": [["descriptor", _good(rng)], *accesses]}


def anywhere(rng: random.Random) -> dict[str, Any]:
    """Writes of any value and length to any address, odd ones and those without a register included."""
    accesses: list[list[Any]] = []
    for _ in range(rng.randint(2, 10)):
        address = rng.choice((4 * rng.randrange(0x40), rng.randrange(0x100), rng.randrange(0x1000)))
        size = rng.choice((1, 2, 3, 4, 4, 5, 8))
        value = bytearray(rng.randbytes(size))
        for n in range(size):
            place = (address + n) % 0x1000
            if place & ~3 in _TIMERS:
                value[n] = rng.randrange(20, 60) if not place & 3 else 0
            elif place & ~3 == _UNLOAD_LEN and place & 3:
                value[n] &= 7 if place & 3 == 1 else 0
        accesses.append(["write", address, value.hex()])
        if rng.random() < 0.3:
            accesses.append(["read", rng.randrange(0x1000), rng.randint(1, 8)])
    return {"accesses": accesses}


def configuration(rng: random.Random) -> dict[str, Any]:
    """ENABLE, OWN_ID, abilities, BUS_RESET, FLUSH and FORGET while commands run."""
    accesses: list[list[Any]] = [["descriptor", _good(rng)], ["submit"]]
    for _ in range(rng.randint(1, 5)):
        address = rng.choice((0x008, 0x00C, 0x014, 0x018, 0x02C, 0x030, 0x0A8, 0x0AC, 0x028))
        accesses.append(["pause", rng.randrange(20_000)])
        accesses.append(["write", address, rng.randbytes(4).hex()])
    return {"accesses": accesses}


def streams(rng: random.Random) -> dict[str, Any]:
    """Frames that are odd, empty of whole words or longer than the buffer, at any address; the same out again."""
    accesses: list[list[Any]] = []
    for _ in range(rng.randint(1, 3)):
        place = rng.choice((0, 1, BUFFER - 2, BUFFER - 1, BUFFER, 0xFF_FFFF, rng.getrandbits(24)))
        size = rng.choice((1, 2, 3, 511, 1025, rng.randrange(1, 2000)))
        accesses.append([rng.choice(("frame", "unload")), size, place])
    if rng.random() < 0.5:
        accesses[1:1] = [["descriptor", _good(rng)], ["submit"]]
    return {"accesses": accesses}


CLASSES: Final[dict[str, Callable[[random.Random], dict[str, Any]]]] = {
    "registers descriptor": descriptor,
    "registers lengths": lengths,
    "registers mirrored": mirrored,
    "registers management": management,
    "registers submit while busy": busy,
    "registers written anywhere": anywhere,
    "registers configuration": configuration,
    "registers streams": streams,
}
