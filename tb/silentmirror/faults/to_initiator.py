"""Bad input to the initiator's bus side: what a target might do at any byte of a command.

A point is an ordinary exchange, `base` (write, read, none, query, mirror), under `agree`, and one deviation: before the
transfer at `at` (phase, byte offset; DATA of a synchronous agreement: 0) the target takes the `steps` and then goes on
as `then` says (resume, status, free, stall). A step is [phase code, bytes to give (hex) or their number to take] or
["free"], ["pause", ns]. `listen`: it serves ATN between steps. `reselect`: what it says in a reselection of its own,
`answer` to a negotiation. `faults` (kind, phase, byte offset, times, value) are committed on the way.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

BASES: Final = ("write", "read", "none", "query", "mirror")
AGREEMENTS: Final = ("none", "wide", "st", "dt")
THEN: Final = ("resume", "status", "free", "stall")
_LENGTH: Final = {"MSG_OUT": 3, "COMMAND": 10, "DATA": 512, "STATUS": 1, "MSG_IN": 1}
_CODES: Final = range(8)


def _at(rng: random.Random, base: str, agree: str = "none") -> list[Any]:
    """A transfer of the exchange."""
    phases = {
        "none": ("MSG_OUT", "COMMAND", "STATUS", "MSG_IN"),
        "query": ("MSG_OUT", "MSG_IN"),
        "mirror": ("MSG_OUT", "DATA"),
    }
    phase = rng.choice(phases.get(base, ("MSG_OUT", "COMMAND", "DATA", "DATA", "STATUS", "MSG_IN")))
    index = rng.randrange(_LENGTH[phase])
    if phase == "DATA":
        index = 0 if agree in ("st", "dt") else index & ~1 if agree == "wide" else index
    return [phase, index]


def _point(rng: random.Random, **given: Any) -> dict[str, Any]:
    base = given.get("base") or rng.choice(BASES)
    agree = given.get("agree") or rng.choice(AGREEMENTS)
    if base in ("query", "mirror"):
        agree = given["agree"] = "none"
    point = {
        "base": base,
        "agree": agree,
        "at": _at(rng, base, agree),
        "then": rng.choice(THEN),
        "listen": rng.random() < 0.8,
    }
    return {"steps": [], **point, **given}


def _step(rng: random.Random, code: int, most: int) -> list[Any]:
    """A phase: bytes to give, or their number to take."""
    count = rng.randint(1, most)
    return [code, rng.randbytes(count).hex() if code & 1 else count]


def phase_change(rng: random.Random) -> dict[str, Any]:
    """Any other phase at any byte, reserved codes included."""
    return _point(rng, steps=[_step(rng, rng.choice(_CODES), 4) for _ in range(rng.choice((1, 1, 2)))])


def no_transfer(rng: random.Random) -> dict[str, Any]:
    """Phases that come and go without a REQ."""
    return _point(rng, steps=[[rng.choice(_CODES), ""] for _ in range(rng.randint(1, 4))])


def unknown_message(rng: random.Random) -> dict[str, Any]:
    """MESSAGE IN with a code that is reserved, or means nothing here."""
    first = rng.choice((rng.randrange(2, 0x100), rng.randrange(0x20, 0x30), rng.randrange(0x30, 0x80)))
    more = rng.randbytes(1 if 0x20 <= first < 0x30 else 0).hex()
    return _point(rng, steps=[[7, f"{first:02x}{more}"]])


def malformed_message(rng: random.Random) -> dict[str, Any]:
    """Extended messages of any length and content, whole or broken off, also in several pieces."""
    length = rng.choice((0, 1, 2, 3, 5, 6, 7, 15, 100, 255))
    body = rng.randbytes(rng.choice((length, rng.randrange(12)))).hex()
    head = f"01{length:02x}{rng.choice((0, 1, 2, 3, 4, 0x8A, 0xFF)):02x}"
    whole = (head + body)[: 2 * rng.randint(1, 40)]
    steps: list[list[Any]] = [[7, whole]]
    if rng.random() < 0.3:
        steps = [[7, whole[:4]], _step(rng, rng.choice((2, 3, 0, 1)), 2), [7, whole[4:] or "00"]]
    return _point(rng, steps=steps)


def negotiation(rng: random.Random) -> dict[str, Any]:
    """SDTR, WDTR, PPR from the target with any values, asked for, not asked for, or twice."""

    def one() -> str:
        form = rng.choice(("010301", "010203", "010604"))
        return form + rng.randbytes({"010301": 2, "010203": 1, "010604": 5}[form]).hex()

    agree = rng.choice(("none", "odd", "odd"))
    return _point(rng, agree=agree, answer=one(), steps=[[7, one()] for _ in range(rng.choice((0, 1, 2)))])


def parity(rng: random.Random) -> dict[str, Any]:
    """Wrong parity in MESSAGE IN, STATUS, DATA IN, once or for good."""
    phase = rng.choice(("MSG_IN", "STATUS", "DATA_IN"))
    base = "read" if phase == "DATA_IN" else rng.choice(BASES[:4])
    index = 2 * rng.randrange(256) if phase == "DATA_IN" else rng.randrange(2) if phase == "MSG_IN" else 0
    agree = rng.choice(("none", "wide", "st"))
    times = rng.choice((1, 1, 2, 9))
    return _point(rng, base=base, agree=agree, then="resume", faults=[["bad_parity", phase, index, times, 0]])


def status_code(rng: random.Random) -> dict[str, Any]:
    """Any status byte, several of them, or a second STATUS phase."""
    steps = [[3, rng.randbytes(rng.choice((1, 1, 2, 3))).hex()] for _ in range(rng.choice((1, 1, 2)))]
    base = rng.choice(BASES[:3])
    return _point(rng, base=base, at=["STATUS", 0], steps=[*steps, [7, "00"]], then="free")


def data_length(rng: random.Random) -> dict[str, Any]:
    """More data than the descriptor has, or less, or none."""
    base = rng.choice(("write", "read", "none", "query", "mirror"))
    count = rng.choice((1, 2, 3, 510, 511, 513, 514, 520, rng.randrange(600)))
    steps = [[1, rng.randbytes(count).hex()] if base == "read" else [0, count]]
    phase = {"query": "MSG_IN", "mirror": "DATA", "none": "STATUS"}.get(base, "DATA")
    return _point(
        rng, base=base, agree=rng.choice(("none", "wide")), at=[phase, 0], steps=steps, then=rng.choice(THEN[1:])
    )


def direction(rng: random.Random) -> dict[str, Any]:
    """DATA IN for a write, DATA OUT for a read, either where there is none; ST for DT and the other way."""
    base = rng.choice(BASES)
    code = {"write": (1, 5, 4), "read": (0, 4, 5), "mirror": (1, 5, 4)}.get(base, (0, 1, 4, 5))
    step = _step(rng, rng.choice(code), 16)
    return _point(rng, base=base, steps=[step])


def reselection(rng: random.Random) -> dict[str, Any]:
    """A reselection for a task, a tag or a logical unit that is not there, or with something else than IDENTIFY."""
    says = rng.choice(
        (f"{rng.randrange(0x80, 0x100):02x}", "80", f"8020{rng.randrange(256):02x}", f"802{rng.randrange(10)}11")
    )
    if rng.random() < 0.3:
        says = rng.randbytes(rng.randint(1, 4)).hex()
    base = rng.choice(("write", "read", "none"))
    steps = [] if rng.random() < 0.5 else [_step(rng, rng.choice(_CODES), 4)]
    point = _point(rng, base=base, at=["disconnected", 0], then=rng.choice(THEN[1:]), steps=steps, reselect=says)
    return {**point, "tag": rng.choice((None, rng.randrange(256)))}


def bus_free(rng: random.Random) -> dict[str, Any]:
    """The bus goes free at any byte."""
    return _point(rng, steps=[["free"]], then="free")


def stall(rng: random.Random) -> dict[str, Any]:
    """The target stops at any byte, for a while or for good; also in mid-data of a synchronous phase."""
    if rng.random() < 0.3:
        agree = rng.choice(("st", "dt"))
        base = rng.choice(("write", "read"))
        phase = ("DT_" if agree == "dt" else "") + ("DATA_OUT" if base == "write" else "DATA_IN")
        fault = ["stop", phase, 2 * rng.randrange(256), 1, 0]
        return _point(rng, base=base, agree=agree, at=["never", 0], faults=[fault], then="stall")
    if rng.random() < 0.3:
        return _point(rng, steps=[["pause", rng.randrange(1_000, 90_000)]], then="resume")
    return _point(rng, then="stall")


def strobes(rng: random.Random) -> dict[str, Any]:
    """REQs beyond the offset, too soon, with P_CRCA or a CRC that is wrong; a phase left before its ACKs."""
    agree, base = rng.choice(("st", "dt", "dt")), rng.choice(("write", "read"))
    phase = ("DT_" if agree == "dt" else "") + ("DATA_OUT" if base == "write" else "DATA_IN")
    kinds = ["beyond_offset", "early_phase_change", "hurry"]
    if agree == "dt":
        kinds += ["crca_early"] + ["bad_crc", "bad_crc"] * (base == "read")
    kind = rng.choice(kinds)
    index = {"bad_crc": 0, "early_phase_change": 512}.get(kind, 2 * rng.randrange(256))
    fault = [kind, phase, index, rng.choice((1, 1, 2)), rng.randint(1, 200)]
    return _point(rng, base=base, agree=agree, at=["never", 0], faults=[fault], then="resume")


def quick_release(rng: random.Random) -> dict[str, Any]:
    """55h where QAS has not been agreed, or not been asked for."""
    then = rng.choice(("free", "resume", "stall"))
    return _point(rng, steps=[[7, rng.choice(("55", "0055", "0455", "5555"))]], then=then)


CLASSES: Final[dict[str, Callable[[random.Random], dict[str, Any]]]] = {
    "initiator phase change": phase_change,
    "initiator unknown message": unknown_message,
    "initiator malformed message": malformed_message,
    "initiator negotiation": negotiation,
    "initiator parity": parity,
    "initiator status code": status_code,
    "initiator data length": data_length,
    "initiator direction": direction,
    "initiator reselection": reselection,
    "initiator bus free": bus_free,
    "initiator target stops": stall,
    "initiator strobes": strobes,
    "initiator quick release": quick_release,
    "initiator phase without transfer": no_transfer,
}
