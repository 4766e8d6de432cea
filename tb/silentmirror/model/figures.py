"""The course of each operation on the bus, as the protocol's figures and the SCSI message rules prescribe it.

Written from the protocol (sections named in brackets) with its own message bytes, so that a wrong code elsewhere shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cocotbext.scsi.constants import Phase

from .expect import Connection, Step

_GOOD_BYE = b"\x00"  # TASK COMPLETE
_DISCONNECT = b"\x04"
_QUERY, _SWITCH_ROLE, _RELEASE, _LAST = 0x26, 0x2C, 0x2E, 0xFF  # [3]
_EXT_WRITE, _EXT_READ, _EXT_NEXT, _EXT_CAPABILITY = 0x8A, 0x88, 0x8B, 0x8C  # [3]
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


@dataclass(frozen=True)
class Operation:
    """One mirrored connection. `members`: (SCSI ID, yz) in the order of service, the leader first."""

    initiator: int
    members: Sequence[tuple[int, int]]
    lun: int
    tag: int | None
    lbas: Sequence[int]
    """One block for each."""
    copies: Sequence[Sequence[bytes | None]]
    """By block: what each member takes or sends; None leaves the bytes open."""
    length: int
    """Bytes of one copy of one block."""
    read: bool = False


def mirrored(operation: Operation) -> list[Step]:
    """A mirrored write [5; Figures 3 and 5], read [9] or series [16]: all but its end."""
    members = operation.members
    leader, leader_yz = members[0]
    last_block = len(operation.lbas) - 1
    phase = Phase.DATA_IN if operation.read else Phase.DATA_OUT
    steps = []
    for number, (lba, copies) in enumerate(zip(operation.lbas, operation.copies, strict=True)):
        if number:
            body = bytes([_EXT_NEXT, leader_yz]) + lba.to_bytes(4, "big")
            steps.append(Step(Phase.MSG_OUT, members[-1][0], _extended(body), note="next_block"))
        else:
            steps.append(_opening(operation, alone=len(members) == 1 and not last_block))
        steps.append(Step(phase, leader, copies[0], note="hand_over" if number else "leader_data"))
        for place, (taker, yz) in enumerate(members[1:], start=1):
            ends = place == len(members) - 1 and number == last_block
            message = bytes([_SWITCH_ROLE, yz]) + (bytes([_LAST]) if ends else b"")
            steps.append(Step(Phase.MSG_OUT, members[place - 1][0], message, note="switch_role"))
            steps.append(Step(phase, taker, copies[place], note="hand_over"))
    return steps


def _opening(operation: Operation, *, alone: bool) -> Step:
    """The MESSAGE OUT that begins an operation."""
    leader, yz = operation.members[0]
    body = bytes([_EXT_READ if operation.read else _EXT_WRITE, yz])
    body += operation.lbas[0].to_bytes(4, "big") + operation.length.to_bytes(3, "big")
    body += bytes([_LAST]) if alone else b""
    opening = identify(operation.lun, True, operation.tag) + _extended(body)
    return Step(Phase.MSG_OUT, leader, opening, note="mirror_read" if operation.read else "mirror_write")


def _extended(body: bytes) -> bytes:
    return bytes([0x01, len(body)]) + body


def released(operation: Operation) -> Connection:
    """The operation with its end as in the seed [5 step 7]: RELEASE, statuses by reselection."""
    last_id, last_yz = operation.members[-1]
    release = Step(Phase.MSG_OUT, last_id, bytes([_RELEASE, last_yz]), note="release")
    return Connection(False, operation.initiator, operation.members[0][0], (*mirrored(operation), release))


def reported(operation: Operation) -> Connection:
    """The operation with REPORTs at its end [15]; what each participant answers hangs on its medium's time."""
    leader = operation.members[0][0]
    return Connection(False, operation.initiator, leader, tuple(mirrored(operation)), exact=False)


def capability(initiator: int, target: int, lun: int, yz: int, asked: bytes, answer: bytes | None) -> Connection:
    """What extensions both have [14]. `asked`, `answer`: flags and blocks; None: the target declines."""
    message = identify(lun, True, None) + _extended(bytes([_EXT_CAPABILITY, yz]) + asked)
    if answer is None:
        return Connection(False, initiator, target, (), exact=False)
    steps = (
        Step(Phase.MSG_OUT, target, message, note="capability"),
        Step(Phase.MSG_IN, target, _extended(bytes([_EXT_CAPABILITY, yz]) + answer), note="agreed"),
    )
    return Connection(False, initiator, target, steps)


def status(
    initiator: int, target: int, lun: int, tag: int | None, code: int, *, mirrored: bool, optional: bool = False
) -> Connection:
    """Status by reselection [7; Figures 4 and 6]; `mirrored`: of a mirrored operation.

    `optional`: it may have been delivered in the connection, and FAILED BLOCK may come with it.
    """
    message = bytes([0x80 | lun]) + (b"" if tag is None else bytes([0x20, tag]))
    steps = (
        Step(Phase.MSG_IN, target, message),
        Step(Phase.STATUS, target, bytes([code]), note="mirror_status" if mirrored else None),
        Step(Phase.MSG_IN, target, _GOOD_BYE, note="mirror_complete" if mirrored else None),
    )
    if optional:
        return Connection(True, initiator, target, steps[:2], exact=False, optional=True)
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
