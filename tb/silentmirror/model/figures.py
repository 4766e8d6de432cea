"""The course of each operation on the bus, as the protocol's figures and the SCSI message rules prescribe it.

Written from the protocol (sections named in brackets) with its own message bytes, so that a wrong code elsewhere shows.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from cocotbext.scsi.constants import Phase

from .expect import Connection, Step

_GOOD_BYE = b"\x00"  # TASK COMPLETE
_DISCONNECT = b"\x04"
_QUERY, _SWITCH_ROLE, _RELEASE, _EXT_WRITE, _LAST = 0x26, 0x2C, 0x2E, 0x8A, 0xFF  # [3]
_WDTR_16_BIT = b"\x01\x02\x03\x01"
_WDTR_8_BIT = b"\x01\x02\x03\x00"


def identify(lun: int, disc_priv: bool, tag: int | None) -> bytes:
    """IDENTIFY and, when tagged, SIMPLE + tag, as an initiator sends them."""
    return bytes([0xC0 | lun if disc_priv else 0x80 | lun]) + (b"" if tag is None else bytes([0x20, tag]))


def query(initiator: int, target: int, yz: int, last: bool, lun: int, accepted: bool) -> Connection:
    """Discovery [4; Table 1, Figure 1]: C0 26 yz [FF], answered by 26 yz. How a stranger declines is left open."""
    message = identify(lun, True, None) + bytes([_QUERY, yz]) + (bytes([_LAST]) if last else b"")
    if not accepted:
        return Connection(False, initiator, target, (), exact=False)
    answer = bytes([_QUERY, yz])
    asked = "leave" if yz & 0xF == 0xF else "query"
    steps = (Step(Phase.MSG_OUT, target, message, note=asked), Step(Phase.MSG_IN, target, answer, note="accept"))
    return Connection(False, initiator, target, steps)


def mirrored_write(
    initiator: int,
    members: Sequence[tuple[int, int]],
    lun: int,
    tag: int | None,
    lba: int,
    data: bytes,
) -> Connection:
    """Mirrored write [5; Figures 3 and 5]. `members`: (SCSI ID, yz) in the order of service, the leader first."""
    leader, leader_yz = members[0]
    alone = len(members) == 1
    body = bytes([_EXT_WRITE, leader_yz]) + lba.to_bytes(4, "big") + len(data).to_bytes(3, "big")
    body += bytes([_LAST]) if alone else b""
    opening = identify(lun, True, tag) + bytes([0x01, len(body)]) + body
    steps = [
        Step(Phase.MSG_OUT, leader, opening, note="mirror_write"),
        Step(Phase.DATA_OUT, leader, data, note="leader_data"),
    ]
    for (giver, _), (taker, yz) in itertools.pairwise(members):
        last = bytes([_LAST]) if taker == members[-1][0] else b""
        steps.append(Step(Phase.MSG_OUT, giver, bytes([_SWITCH_ROLE, yz]) + last, note="switch_role"))
        steps.append(Step(Phase.DATA_OUT, taker, data, note="hand_over"))
    last_id, last_yz = members[-1]
    steps.append(Step(Phase.MSG_OUT, last_id, bytes([_RELEASE, last_yz]), note="release"))
    return Connection(False, initiator, leader, tuple(steps))


def status(initiator: int, target: int, lun: int, tag: int | None, code: int, *, mirrored: bool) -> Connection:
    """Status by reselection [7; Figures 4 and 6]; `mirrored`: of a mirrored operation."""
    message = bytes([0x80 | lun]) + (b"" if tag is None else bytes([0x20, tag]))
    steps = (
        Step(Phase.MSG_IN, target, message),
        Step(Phase.STATUS, target, bytes([code]), note="mirror_status" if mirrored else None),
        Step(Phase.MSG_IN, target, _GOOD_BYE, note="mirror_complete" if mirrored else None),
    )
    return Connection(True, initiator, target, steps)


def command(
    initiator: int,
    target: int,
    lun: int,
    disc_priv: bool,
    tag: int | None,
    cdb: bytes,
    *,
    negotiate: bool | None = None,
    data_steps: Sequence[Step] = (),
    code: int = 0,
    disconnects: bool = False,
) -> list[Connection]:
    """An ordinary command. `negotiate`: None, or whether the target answers WDTR with 16 bit."""
    wdtr = b"" if negotiate is None else _WDTR_16_BIT
    steps = [Step(Phase.MSG_OUT, target, identify(lun, disc_priv, tag) + wdtr)]
    if negotiate is not None:
        steps.append(Step(Phase.MSG_IN, target, _WDTR_16_BIT if negotiate else _WDTR_8_BIT))
    steps.append(Step(Phase.COMMAND, target, cdb))
    steps += data_steps
    if disconnects:
        first = Connection(False, initiator, target, (*steps, Step(Phase.MSG_IN, target, _DISCONNECT)))
        return [first, status(initiator, target, lun, tag, code, mirrored=False)]
    steps += [Step(Phase.STATUS, target, bytes([code])), Step(Phase.MSG_IN, target, _GOOD_BYE)]
    return [Connection(False, initiator, target, tuple(steps))]
