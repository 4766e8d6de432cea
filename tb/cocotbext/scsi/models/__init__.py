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
from .mirror_messages import Extensions
from .misbehaviour import Misbehaviour
from .negotiation import Abilities
from .port import BusFreedError, BusResetError, ScsiPort
from .strobes import StrobeStyle
from .target import TargetModel
from .target_session import Retries
from .target_task import BreakKind, DataBreak, Pace
from .target_tasks import Queueing
from .task import Abort, Ended, Result
from .task_order import Fifo, GivenOrder, Lifo, RandomBreaks, RandomOrder, RandomPace, TaskOrder
from .timing import MirrorTiming, Timing
from .workload import Job, Workload

__all__ = [
    "Abilities",
    "Abort",
    "BreakKind",
    "BusFreedError",
    "BusResetError",
    "DataBreak",
    "Ended",
    "Extensions",
    "Fault",
    "FaultKind",
    "Faults",
    "Fifo",
    "GivenOrder",
    "InitiatorModel",
    "Job",
    "Lifo",
    "Medium",
    "MirrorResult",
    "MirrorTiming",
    "Misbehaviour",
    "Pace",
    "Queueing",
    "RandomBreaks",
    "RandomOrder",
    "RandomPace",
    "Result",
    "Retries",
    "ScsiPort",
    "Sense",
    "StrobeStyle",
    "TargetModel",
    "TaskOrder",
    "Timing",
    "Workload",
]
