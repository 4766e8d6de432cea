"""The rules of silent mirroring as a table; `mirror_rules` evaluates them. Sources are sections of docs/protocol.md."""

from __future__ import annotations

from typing import Final

from cocotbext.scsi.checker import RuleSpec

MIRROR_SPECS: Final = (
    RuleSpec(
        "MIR-01", "the old target has released MSG, C/D, I/O and REQ, or kept them", "protocol 6", 200, upper=True
    ),
    RuleSpec("MIR-02", "a target that was switched away from does not go on", "protocol 6", needs_drivers=True),
    RuleSpec("MIR-03", "a participant takes no sooner than bus settle after t0", "protocol 6", 400, needs_drivers=True),
    RuleSpec("MIR-04", "only the member that was named takes", "protocol 5, 11", needs_drivers=True),
    RuleSpec(
        "MIR-05",
        "a participant in a read, or one that REPORT named, asserts I/O in time",
        "protocol 6, 9, 15",
        5000,
        upper=True,
        needs_drivers=True,
    ),
    RuleSpec("MIR-06", "a participant in a write REQs in time", "protocol 6", 8000, upper=True, needs_drivers=True),
    RuleSpec("MIR-07", "the leader holds BSY from selection to release", "protocol 5, 6"),
    RuleSpec(
        "MIR-08",
        "the leader reclaims only late, and when no REQ was seen",
        "protocol 6",
        10_000,
        needs_drivers=True,
    ),
    RuleSpec(
        "MIR-09", "a leader that reclaims sends RECLAIMED with its own yz first", "protocol 6", needs_drivers=True
    ),
    RuleSpec(
        "MIR-10",
        "after RELEASE BSY stays until the lines were quiet for two deskew delays",
        "protocol 5 step 8",
        90,
    ),
    RuleSpec("MIR-11", "after RELEASE BSY goes soon after the lines are quiet", "protocol 5 step 8", 1000, upper=True),
    RuleSpec("MIR-12", "a vendor message is the last of its MESSAGE OUT phase", "protocol 3"),
    RuleSpec("MIR-13", "a vendor message has its length, and FFh as its last indicator", "protocol 3"),
    RuleSpec(
        "MIR-14", "SWITCH ROLE, NEXT, REPORT and RELEASE come only within a mirrored operation", "protocol 3, 5, 15, 16"
    ),
    RuleSpec("MIR-15", "RELEASE names the current target, which reported last if any did", "protocol 3, 15.6"),
    RuleSpec(
        "MIR-16",
        "WRITE, READ, SWITCH ROLE and REPORT name enrolled members, WRITE and READ the selected one; NEXT the leader",
        "protocol 3, 16",
    ),
    RuleSpec("MIR-17", "IDENTIFY in front of WRITE and READ has DiscPriv 1", "protocol 3"),
    RuleSpec("MIR-18", "ACCEPT repeats the yz of the query", "protocol 4"),
    RuleSpec("MIR-19", "the target frees the bus after ACCEPT, and after its answer to CAPABILITY", "protocol 4, 14"),
    RuleSpec("MIR-20", "in MESSAGE phases ACK follows REQ late enough for snoopers", "protocol 10", 50),
    RuleSpec("MIR-21", "in MESSAGE phases ACK lasts long enough for snoopers", "protocol 10", 50),
    RuleSpec("MIR-22", "each participant transfers LEN bytes of each block", "protocol 5 steps 3-6, 16"),
    RuleSpec(
        "MIR-23", "a participant takes only after ATN was false for a while", "protocol 6", 100, needs_drivers=True
    ),
    RuleSpec(
        "MIR-24", "a participant that REPORT named answers with STATUS, or with DISCONNECT alone", "protocol 15 step 2"
    ),
    RuleSpec("MIR-25", "a target that has its turn for a copy asks for data, in the right direction", "protocol 5, 9"),
    RuleSpec("MIR-26", "after its answer to REPORT a participant keeps REQ false until ATN", "protocol 15 step 3"),
    RuleSpec("MIR-27", "the initiator asserts ATN before the last ACK of that answer falls", "protocol 15 step 3"),
    RuleSpec("MIR-28", "there is no SWITCH ROLE and no NEXT after a REPORT", "protocol 15"),
    RuleSpec(
        "MIR-29",
        "nobody else is named after FFh; RELEASE after a REPORT follows one with FFh",
        "protocol 2, 5, 15",
    ),
    RuleSpec(
        "MIR-30", "REPORT and NEXT come only where all participants have agreed on STATUS or SERIES", "protocol 14"
    ),
    RuleSpec("MIR-31", "a series has no more blocks than each participant has agreed on", "protocol 14, 16"),
    RuleSpec(
        "MIR-32",
        "CAPABILITY is answered for an identity that is held, with no more than was offered",
        "protocol 14",
    ),
    RuleSpec(
        "MIR-33",
        "no status by reselection where it was delivered in the connection, or the series was cut off",
        "protocol 15 step 5, 16",
    ),
    RuleSpec(
        "MIR-34",
        "FAILED BLOCK follows a status other than GOOD of a series, such a one only, and names a block of it",
        "protocol 16",
    ),
    RuleSpec("MIR-35", "REPORT names a participant that has a copy and has not answered one", "protocol 15"),
)
