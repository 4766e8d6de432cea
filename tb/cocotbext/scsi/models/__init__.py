"""Bus functional models of a parallel SCSI initiator and target that drive a bus slot of their own.

    initiator = InitiatorModel(ScsiPort(dut, "py0"), 7)
    target = TargetModel(ScsiPort(dut, "py1"), 5, Medium(blocks=64))
    result = await initiator.command(5, cdb, data_out=data)

They behave by the standard; misbehaviour is asked for by name (`Misbehaviour`, `Fault`).
"""

from .faults import Fault, FaultKind, Faults
from .initiator import InitiatorModel
from .medium import Medium, Sense
from .mirror_connection import MirrorResult
from .misbehaviour import Misbehaviour
from .port import BusFreedError, BusResetError, ScsiPort
from .target import TargetModel
from .task import Ended, Result
from .timing import MirrorTiming, Timing

__all__ = [
    "BusFreedError",
    "BusResetError",
    "Ended",
    "Fault",
    "FaultKind",
    "Faults",
    "InitiatorModel",
    "Medium",
    "MirrorResult",
    "MirrorTiming",
    "Misbehaviour",
    "Result",
    "ScsiPort",
    "Sense",
    "TargetModel",
    "Timing",
]
