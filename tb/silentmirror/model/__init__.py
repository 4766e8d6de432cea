"""Reference model in plain Python: what host requests must lead to on the bus, on the media and at the host."""

from .expect import Connection, Expectation, ExpectedCompletion, ExpectedMember, Result, Step
from .medium import MediumModel
from .requests import (
    CapabilityRequest,
    CommandRequest,
    Mirroring,
    MirrorReadRequest,
    MirrorRequest,
    MirrorWriteRequest,
    Policy,
    QueryRequest,
    Request,
)
from .system import ReferenceModel
from .target import TargetModel

__all__ = [
    "CapabilityRequest",
    "CommandRequest",
    "Connection",
    "Expectation",
    "ExpectedCompletion",
    "ExpectedMember",
    "MediumModel",
    "MirrorReadRequest",
    "MirrorRequest",
    "MirrorWriteRequest",
    "Mirroring",
    "Policy",
    "QueryRequest",
    "ReferenceModel",
    "Request",
    "Result",
    "Step",
    "TargetModel",
]
