"""Bad input to a drive: what an initiator might say, leave out or do at the wrong moment.

A point is a list of `commands`, each a connection: `messages` (hex, after selection with ATN), `cdb` (hex), `data` for
DATA OUT (their number, or hex), `tag` and `lun` of the nexus; then `agree` (what is agreed before), `faults` (kind,
phase, byte offset, times, how many chances go by first), `atn` (ns after the start, message sent then), `drop_atn`
(byte of the first MESSAGE OUT before which ATN goes away), or `select` alone (IDs, parity error, how long).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

BLOCK: Final = 512
BLOCKS: Final = 8
"""Blocks of a drive's medium: as many as its sector buffer holds, so that a write comes whole or not at all."""
AGREEMENTS: Final = ("none", "wide", "st", "dt")
_IDENTIFY: Final = "c0"


def write_10(lba: int, blocks: int) -> str:
    """WRITE(10), hex."""
    return f"2a00{lba:08x}00{blocks:04x}00"


def read_10(lba: int, blocks: int) -> str:
    """READ(10), hex."""
    return f"2800{lba:08x}00{blocks:04x}00"


def command(
    cdb: str, data: int = 0, *, messages: tuple[str, ...] = (_IDENTIFY,), tag: int | None = None, lun: int = 0
) -> dict[str, Any]:
    """One connection."""
    return {"messages": list(messages), "cdb": cdb, "data": data, "tag": tag, "lun": lun}


def point(*commands: dict[str, Any], agree: str = "none", **more: Any) -> dict[str, Any]:
    """A whole point."""
    return {"commands": list(commands), "agree": agree, **more}


def some_command(rng: random.Random, messages: tuple[str, ...] = (_IDENTIFY,)) -> dict[str, Any]:
    """A good one: a write half of the times, else something that moves data in or none at all."""
    blocks = rng.choice((1, 1, 2))
    lba = rng.randrange(BLOCKS - blocks + 1)
    if rng.random() < 0.5:
        return command(write_10(lba, blocks), blocks * BLOCK, messages=messages)
    return command(rng.choice((read_10(lba, 1), "120000002400", "000000000000", "030000001200")), messages=messages)


def _agree(rng: random.Random) -> str:
    return rng.choice(AGREEMENTS)


def _bytes(rng: random.Random, low: int, high: int) -> str:
    return rng.randbytes(rng.randint(low, high)).hex()


def reserved_message(rng: random.Random) -> dict[str, Any]:
    """One-byte codes that are reserved, not supported or not for targets."""
    codes = [code for code in range(0x80) if code not in (1, *range(0x20, 0x30))]
    extra = tuple(f"{rng.choice(codes):02x}" for _ in range(rng.randint(1, 2)))
    return point(some_command(rng, (_IDENTIFY, *extra)), agree=_agree(rng))


def two_byte_message(rng: random.Random) -> dict[str, Any]:
    """20h to 2Fh: tags of all kinds, reserved codes, vendor codes out of place."""
    extra = tuple(f"{rng.randrange(0x20, 0x30):02x}{_bytes(rng, 1, 2)}" for _ in range(rng.choice((1, 1, 2))))
    return point(some_command(rng, (_IDENTIFY, *extra)))


def extended_message(rng: random.Random) -> dict[str, Any]:
    """Extended messages whose length byte, code and content need not fit."""
    length, code = (
        rng.choice((0, 1, 2, 3, 5, 6, 7, 12, 40, 255)),
        rng.choice((0, 1, 2, 3, 4, 5, 0x7F, 0x88, 0x8A, 0xFF)),
    )
    body = f"01{length:02x}{code:02x}" + rng.randbytes(rng.choice((length, rng.randrange(16)))).hex()
    return point(some_command(rng, (_IDENTIFY, body)), agree=_agree(rng))


def negotiation(rng: random.Random) -> dict[str, Any]:
    """SDTR, WDTR and PPR with values that are reserved, impossible or contradict each other."""

    def one() -> str:
        form = rng.choice(("010301", "010203", "010604"))
        return form + rng.randbytes({"010301": 2, "010203": 1, "010604": 5}[form]).hex()

    asked = tuple(one() for _ in range(rng.choice((1, 1, 2))))
    return point(some_command(rng, (_IDENTIFY, *asked)), agree=_agree(rng))


def message_out_of_place(rng: random.Random) -> dict[str, Any]:
    """ATN at any moment of a command, with a message that need not belong there; or no IDENTIFY first."""
    if rng.random() < 0.3:
        return point(some_command(rng, (_bytes(rng, 1, 4),)), agree=_agree(rng))
    later = rng.choice(
        ("05", "06", "07", "08", "09", "0c", "0d", "0e", "16", "17", "55", "80", "c1", _bytes(rng, 1, 6))
    )
    return point(some_command(rng), agree=_agree(rng), atn=[rng.randrange(5_000, 40_000), later])


def attention_edge(rng: random.Random) -> dict[str, Any]:
    """ATN goes away in the middle of a message, or stays when all has been said."""
    messages = (_IDENTIFY, rng.choice(("2042", "0103010a1f", "010604090010021f", "2600", "2600ff", "08")))
    size = len("".join(messages)) // 2
    if rng.random() < 0.6:
        return point(some_command(rng, messages), agree=_agree(rng), drop_atn=rng.randrange(size))
    fault = ["keep_atn", "MSG_OUT", size - 1, rng.randint(1, 6), 0]
    return point(some_command(rng, messages), agree=_agree(rng), faults=[fault])


def parity(rng: random.Random) -> dict[str, Any]:
    """Wrong parity in what is sent, or said to be in what was received, once or again and again."""
    kind = rng.choice(("bad_parity", "bad_parity", "see_bad_parity"))
    phases = ("MSG_IN", "STATUS", "DATA_IN") if kind == "see_bad_parity" else ("MSG_OUT", "COMMAND", "DATA_OUT")
    phase = rng.choice(phases)
    index = (
        2 * rng.randrange(256)
        if phase.startswith("DATA")
        else rng.randrange({"COMMAND": 10, "MSG_OUT": 3}.get(phase, 1))
    )
    messages = (_IDENTIFY, f"20{rng.randrange(256):02x}") if rng.random() < 0.5 else (_IDENTIFY,)
    chosen = some_command(rng, messages)
    if len(messages) > 1:
        chosen["tag"] = int(messages[1][2:], 16)
    fault = [kind, phase, index, rng.choice((1, 1, 2, 5)), 0]
    return point(chosen, agree=rng.choice(AGREEMENTS[:3]), faults=[fault])


def truncated_cdb(rng: random.Random) -> dict[str, Any]:
    """The initiator answers no further REQ of the COMMAND phase."""
    cdb = rng.choice(
        (write_10(rng.randrange(BLOCKS), 1), read_10(0, 1), _bytes(rng, 6, 16), f"0a0000{rng.randrange(8):02x}0100")
    )
    fault = ["stop", "COMMAND", rng.randrange(len(cdb) // 2), 1, 0]
    return point(command(cdb, BLOCK), agree=_agree(rng), faults=[fault])


def reserved_opcode(rng: random.Random) -> dict[str, Any]:
    """Any operation code with anything behind it."""
    return point(command(rng.randbytes(16).hex(), rng.choice((0, BLOCK))), agree=_agree(rng))


def absent_lun(rng: random.Random) -> dict[str, Any]:
    """A logical unit that does not exist, named in IDENTIFY (bit 5 there included)."""
    lun = rng.randrange(1, 64)
    chosen = some_command(rng, (f"{0xC0 | lun:02x}",))
    return point({**chosen, "lun": lun}, agree=_agree(rng))


def lba_and_length(rng: random.Random) -> dict[str, Any]:
    """Blocks beyond the medium, and counts from none to as many as there are numbers for."""
    lba = rng.choice((0, 1, BLOCKS - 1, BLOCKS, BLOCKS + 1, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, rng.getrandbits(32)))
    count = rng.choice((0, 1, 2, BLOCKS, BLOCKS + 1, 0xFF, 0xFFFF, rng.getrandbits(16)))
    flags = rng.choice((0, 0, 8, 0x10, 0x18, rng.getrandbits(8)))
    short = f"{rng.choice((8, 0x0A)):02x}{lba & 0x1F_FFFF:06x}{count & 0xFF:02x}{rng.choice((0, 1, 4)):02x}"
    long = f"{rng.choice((0x28, 0x2A, 0x35)):02x}{flags:02x}{lba:08x}00{count:04x}{rng.choice((0, 0, 1, 4)):02x}"
    return point(command(rng.choice((short, long, long)), 2 * BLOCK), agree=_agree(rng))


def parameter_list(rng: random.Random) -> dict[str, Any]:
    """MODE SELECT with a list of any length and content, MODE SENSE of any page."""
    if rng.random() < 0.3:
        page, length = rng.getrandbits(8), rng.getrandbits(8)
        return point(
            command(f"1a{rng.getrandbits(8):02x}{page:02x}00{length:02x}{rng.choice((0, 4)):02x}"), agree=_agree(rng)
        )
    good = "00000008" + "0000000000000200" + "0812" + "04" + "00" * 17
    length = rng.choice((0, 1, 3, 4, 11, 12, 24, 31, 32, 33, 255))
    given = bytearray(bytes.fromhex(good).ljust(length, b"\0")[:length])
    for _ in range(rng.randrange(3)):
        if given:
            given[rng.randrange(len(given))] = rng.getrandbits(8)
    chosen = command(f"15{rng.choice((0x10, 0x10, 0x11, 0)):02x}0000{length:02x}00")
    return point({**chosen, "data": given.hex()}, agree=_agree(rng))


def overlap(rng: random.Random) -> dict[str, Any]:
    """Tags twice, tagged beside untagged, more tasks than the queue holds."""
    count = rng.randint(2, 7)
    tags = [rng.choice((None, rng.randrange(256), 5)) for _ in range(count)]
    chosen = []
    for tag in tags:
        messages = (_IDENTIFY,) if tag is None else (_IDENTIFY, f"{rng.choice((0x20, 0x20, 0x21, 0x22)):02x}{tag:02x}")
        chosen.append({**some_command(rng, messages), "tag": tag})
    return point(*chosen, agree=rng.choice(("wide", "st", "dt")))


def stop(rng: random.Random) -> dict[str, Any]:
    """The initiator stops at any byte of any phase, before or after a disconnection, under any agreement."""
    agree = _agree(rng)
    phase = rng.choice(("MSG_OUT", "MSG_IN", "STATUS", "DATA_OUT", "DATA_OUT", "DATA_IN"))
    tag = rng.choice((None, rng.randrange(256)))
    messages = (_IDENTIFY,) if tag is None else (_IDENTIFY, f"20{tag:02x}")
    index = rng.randrange({"MSG_OUT": len(messages), "MSG_IN": 3}.get(phase, 1))
    if phase.startswith("DATA"):
        phase, index = ("DT_" if agree == "dt" else "") + phase, 2 * rng.randrange(BLOCK // 2)
    lba = rng.randrange(BLOCKS)
    cdb = read_10(lba, 1) if phase.endswith("DATA_IN") else write_10(lba, 1)
    fault = ["stop", phase, index, 1, 0]
    return point({**command(cdb, BLOCK, messages=messages), "tag": tag}, agree=agree, faults=[fault])


def strobes(rng: random.Random) -> dict[str, Any]:
    """ACKs too many, too few or too soon, CRC and pad that are wrong."""
    agree = rng.choice(("st", "dt"))
    out = rng.random() < 0.6
    kinds = ["skip_ack", "extra_ack", "hurry"] + ["bad_crc"] * (agree == "dt" and out)
    kind, lba = rng.choice(kinds), rng.randrange(BLOCKS)
    phase = ("DT_" if agree == "dt" else "") + ("DATA_OUT" if out else "DATA_IN")
    index = 0 if kind == "bad_crc" else 2 * rng.randrange(BLOCK // 2)
    chosen = command(write_10(lba, 1), BLOCK) if out else command(read_10(lba, 1))
    return point(chosen, agree=agree, faults=[[kind, phase, index, rng.choice((1, 1, 2)), 0]])


def selection(rng: random.Random) -> dict[str, Any]:
    """Selections with wrong parity, with any set of IDs, given up at any moment or held too long."""
    ids = rng.choice((1 << 5 | 1 << 7, 1 << 5, 1 << 5 | 1 << 7 | 1 << rng.randrange(16), rng.getrandbits(16) | 1 << 5))
    good = ids == 1 << 5 | 1 << 7
    hold = rng.randrange(100, 30_000) if good or rng.random() < 0.5 else 10_000
    select = {
        "ids": ids,
        "bad_parity": rng.randrange(4),
        "atn": rng.randrange(2),
        "io": int(rng.random() < 0.2),
        "hold_ns": hold,
    }
    return point(select=select)


CLASSES: Final[dict[str, Callable[[random.Random], dict[str, Any]]]] = {
    "target reserved message": reserved_message,
    "target two-byte message": two_byte_message,
    "target extended message": extended_message,
    "target negotiation": negotiation,
    "target message out of place": message_out_of_place,
    "target attention edge": attention_edge,
    "target parity": parity,
    "target truncated cdb": truncated_cdb,
    "target reserved opcode": reserved_opcode,
    "target absent lun": absent_lun,
    "target lba and length": lba_and_length,
    "target parameter list": parameter_list,
    "target overlapped tasks": overlap,
    "target initiator stops": stop,
    "target strobes": strobes,
    "target selection": selection,
}
