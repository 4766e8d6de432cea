"""Reference model in plain Python: what host requests must lead to on the bus, on the media and at the host."""

from .expect import Connection, Expectation, ExpectedCompletion, Result, Step
from .medium import MediumModel
from .requests import CommandRequest, MirrorWriteRequest, QueryRequest, Request
from .system import ReferenceModel
from .target import TargetModel

__all__ = [
    "CommandRequest",
    "Connection",
    "Expectation",
    "ExpectedCompletion",
    "MediumModel",
    "MirrorWriteRequest",
    "QueryRequest",
    "ReferenceModel",
    "Request",
    "Result",
    "Step",
    "TargetModel",
]
