"""What the monitor reports: one dataclass, `Transaction`, and one JSON object a transaction (bus.jsonl)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .constants import Phase


class Transfer(StrEnum):
    """How a data phase moves its bytes."""

    ASYNC = "async"
    ST = "st"
    """Synchronous, one transfer for each assertion of REQ and ACK."""
    DT = "dt"
    """One transfer for each edge of REQ and ACK."""


class Kind(StrEnum):
    """Kinds of bus transaction."""

    ARBITRATION = "arbitration"
    SELECTION = "selection"
    RESELECTION = "reselection"
    PHASE = "phase"
    BUS_FREE = "bus_free"
    RESET = "reset"


@dataclass(slots=True)
class Transaction:
    """One transaction on the bus. Times are integer picoseconds of simulation time; a field that does not fit is None.

    ======================= ============================================================================================
    kind                    meaning of start and end
    ======================= ============================================================================================
    arbitration             first BSY of the arbitration .. SEL of the winner (or the bus falling free without one);
                            QAS: MSG, C/D and I/O all false after the 55h .. the same
    selection, reselection  BSY released by the winner .. SEL negated (answered) or bus released (timed out);
                            after QAS it begins with the ID of the device that is called
    phase                   first REQ .. last ACK negation seen in the phase
    bus_free                BSY and SEL both false .. one bus settle delay (400 ns) later, when it counts as BUS FREE
    reset                   RST asserted .. RST negated
    ======================= ============================================================================================
    """

    kind: Kind
    start_ps: int
    end_ps: int
    contenders: list[int] = field(default_factory=list)
    """SCSI IDs that put their bit on the bus in arbitration, highest priority first."""
    winner: int | None = None
    qas: bool = False
    """Arbitration without BUS FREE, after a QAS REQUEST."""
    initiator: int | None = None
    target: int | None = None
    atn: bool | None = None
    """Selection: ATN was asserted. Phase: ATN was still asserted at the last ACK negation."""
    answered: bool | None = None
    """Selection and reselection: BSY came from the selected device; False is a time-out."""
    phase: Phase | None = None
    by: int | None = None
    """SCSI ID of the device that drives the phase lines."""
    data: bytes = b""
    """Bytes of an information phase, in order of transfer; on a wide phase DB(7-0) before DB(15-8). Pad and CRC words
    of data groups are not among them."""
    wide: bool = False
    transfer: Transfer | None = None
    """Data phases only."""
    transfers: int = 0
    """Strobes at the sender of an information phase: REQ (IN) or ACK (OUT), DT: their edges, pad and CRC included."""
    first_strobe_ps: int | None = None
    """Data phases: the first of these strobes, as seen at the bus."""
    last_strobe_ps: int | None = None
    groups: int | None = None
    """DT data phases: data groups that were closed by a CRC."""
    crc_ok: bool | None = None
    """DT data phases: every word belongs to a group with the right CRC; None where there are no words."""
    residue: int | None = None
    """A MESSAGE IN with IGNORE WIDE RESIDUE: bytes at the end of the data phase before it that do not count."""
    parity_ok: bool | None = None
    """None where nothing is checked: no parity on the bus, or a DT data phase."""
    resend: bool = False
    """A MESSAGE OUT whose bytes repeat those before: REQ came again after a byte taken with ATN false."""
    first_req_ps: int | None = None
    """Assertion of the first REQ."""
    first_ack_ps: int | None = None
    """Assertion of the first ACK."""
    last_req_ps: int | None = None
    """Assertion of the last REQ."""
    last_ack_ps: int | None = None
    """Negation of the last ACK."""
    phase_ps: int | None = None
    """When the phase lines took the code of this phase."""
    note: str | None = None
    """What it means to a protocol above the bus (an annotator sets it)."""

    @property
    def start_ns(self) -> float:
        """Start in nanoseconds."""
        return self.start_ps / 1000

    @property
    def end_ns(self) -> float:
        """End in nanoseconds."""
        return self.end_ps / 1000

    def to_json(self) -> dict[str, Any]:
        """The transcript line as a dictionary; fields that do not fit are left out."""
        line: dict[str, Any] = {"kind": self.kind.value, "start_ns": self.start_ns, "end_ns": self.end_ns}
        values = {
            "contenders": self.contenders or None,
            "winner": self.winner,
            "qas": self.qas if self.kind is Kind.ARBITRATION else None,
            "initiator": self.initiator,
            "target": self.target,
            "atn": self.atn,
            "answered": self.answered,
            "phase": self.phase.name.lower() if self.phase is not None else None,
            "by": self.by,
            "bytes": self.data.hex() if self.kind is Kind.PHASE else None,
            "wide": self.wide or None,
            "transfer": self.transfer,
            "transfers": self.transfers if self.kind is Kind.PHASE else None,
            "first_strobe_ns": _ns(self.first_strobe_ps),
            "last_strobe_ns": _ns(self.last_strobe_ps),
            "groups": self.groups,
            "crc_ok": self.crc_ok,
            "residue": self.residue,
            "parity_ok": self.parity_ok,
            "resend": self.resend or None,
            "first_req_ns": _ns(self.first_req_ps),
            "first_ack_ns": _ns(self.first_ack_ps),
            "last_req_ns": _ns(self.last_req_ps),
            "last_ack_ns": _ns(self.last_ack_ps),
            "phase_ns": _ns(self.phase_ps),
            "note": self.note,
        }
        line.update((name, value) for name, value in values.items() if value is not None)
        return line

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Transaction:
        """The transaction of a transcript line. Raises KeyError or ValueError on a line that is none."""
        name = line.get("phase")
        return cls(
            kind=Kind(line["kind"]),
            start_ps=_ps(line["start_ns"]),
            end_ps=_ps(line["end_ns"]),
            contenders=list(line.get("contenders", [])),
            winner=line.get("winner"),
            qas=line.get("qas", False),
            initiator=line.get("initiator"),
            target=line.get("target"),
            atn=line.get("atn"),
            answered=line.get("answered"),
            phase=Phase[name.upper()] if name is not None else None,
            by=line.get("by"),
            data=bytes.fromhex(line.get("bytes", "")),
            wide=line.get("wide", False),
            transfer=Transfer(line["transfer"]) if "transfer" in line else None,
            transfers=line.get("transfers", 0),
            first_strobe_ps=_optional_ps(line.get("first_strobe_ns")),
            last_strobe_ps=_optional_ps(line.get("last_strobe_ns")),
            groups=line.get("groups"),
            crc_ok=line.get("crc_ok"),
            residue=line.get("residue"),
            parity_ok=line.get("parity_ok"),
            resend=line.get("resend", False),
            first_req_ps=_optional_ps(line.get("first_req_ns")),
            first_ack_ps=_optional_ps(line.get("first_ack_ns")),
            last_req_ps=_optional_ps(line.get("last_req_ns")),
            last_ack_ps=_optional_ps(line.get("last_ack_ns")),
            phase_ps=_optional_ps(line.get("phase_ns")),
            note=line.get("note"),
        )


def _ns(ps: int | None) -> float | None:
    return None if ps is None else ps / 1000


def _ps(ns: float) -> int:
    return round(ns * 1000)


def _optional_ps(ns: float | None) -> int | None:
    return None if ns is None else _ps(ns)
