"""Verification IP for parallel SCSI: bus, sampler, monitor and checker for any core.

Attach a monitor: `ScsiMonitor(ScsiBus(dut, "scsi"))`. The checker is in `cocotbext.scsi.checker`, models of an
initiator and a target are in `cocotbext.scsi.models`.
"""

from .agreement import Agreement
from .agreements import AgreementTracker
from .bus import Pin, PinStyle, ScsiBus, SignalError
from .constants import Asc, Extended, Message, Opcode, Phase, SenseKey, Status
from .monitor import ScsiMonitor
from .sampler import Sampler
from .transaction import Kind, Transaction, Transfer
from .transcript import TranscriptWriter, describe_last, read_transcript, write_transcript
from .wires import Subscriber, Wires

__all__ = [
    "Agreement",
    "AgreementTracker",
    "Asc",
    "Extended",
    "Kind",
    "Message",
    "Opcode",
    "Phase",
    "Pin",
    "PinStyle",
    "Sampler",
    "ScsiBus",
    "ScsiMonitor",
    "SenseKey",
    "SignalError",
    "Status",
    "Subscriber",
    "Transaction",
    "TranscriptWriter",
    "Transfer",
    "Wires",
    "describe_last",
    "read_transcript",
    "write_transcript",
]
