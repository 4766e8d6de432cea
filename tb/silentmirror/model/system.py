"""The reference model: drives on a bus, fed with what hosts ask for and with nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from cocotbext.scsi.constants import Asc, Opcode, Phase, Status

from . import figures
from .expect import Connection, Expectation, ExpectedCompletion, Result, Step
from .mirroring import MirroredCommand
from .requests import CapabilityRequest, CommandRequest, MirrorRequest, QueryRequest, Request
from .target import Outcome, TargetModel

_CDB_BYTES = (6, 10, 10, None, 16, 12)  # by group code (bits 7-5 of the operation code), SPC


class ReferenceModel:
    """What a bus of faultless drives does with each request, in the order in which the requests are made.

    `wide_initiators`: SCSI IDs of initiators that offer 16-bit transfers to targets without an agreement.
    """

    def __init__(self, targets: Iterable[TargetModel], wide_initiators: Iterable[int] = ()) -> None:
        self.targets = {target.scsi_id: target for target in targets}
        self.members: dict[tuple[int, int, int], int] = {}
        """(initiator, group, z) -> SCSI ID of the enrolled target."""
        self.extensions: dict[tuple[int, int, int], tuple[bool, int]] = {}
        """The same keys -> what was agreed: STATUS, blocks in a series."""
        self.wide_initiators = set(wide_initiators)
        self._agreed: set[tuple[int, int]] = set()

    def bus_reset(self) -> None:
        """RST: enrolments and agreements end, every target owes a UNIT ATTENTION."""
        self.members.clear()
        self.extensions.clear()
        self._agreed.clear()
        for target in self.targets.values():
            target.reset(Asc.BUS_RESET)

    def request(self, request: Request) -> Expectation:
        """Carry a request out; TypeError for a kind of request that is not known."""
        if isinstance(request, QueryRequest):
            return self._query(request)
        if isinstance(request, CommandRequest):
            return self._command(request)
        if isinstance(request, CapabilityRequest):
            return self._capability(request)
        if isinstance(request, MirrorRequest):
            return self._mirror(request)
        raise TypeError(f"no model of {type(request).__name__}")

    def _query(self, request: QueryRequest) -> Expectation:
        target = self.targets.get(request.target)
        if target is None:
            return _nobody(request.initiator, request.target)
        accepted = target.query(request.initiator, request.group, request.z, request.last)
        key = (request.initiator, request.group, request.z)
        self._leave(request.initiator, request.group, request.target)
        if accepted and request.z != 0xF:
            for other in self.targets.values():
                if other is not target:
                    other.forget(request.initiator, request.group, request.z)
            self.members[key] = request.target
        yz = request.group << 4 | request.z
        connection = figures.query(request.initiator, request.target, yz, request.last, request.lun, accepted)
        result = Result.OK if accepted else Result.NOT_CAPABLE
        return Expectation([connection], [ExpectedCompletion(request.target, 0, result, 0, None)])

    def _leave(self, initiator: int, group: int, target: int) -> None:
        for key, member in list(self.members.items()):
            if key[:2] == (initiator, group) and member == target:
                del self.members[key]
                self.extensions.pop(key, None)

    def _command(self, request: CommandRequest) -> Expectation:
        target = self.targets.get(request.target)
        if target is None:
            return _nobody(request.initiator, request.target)
        outcome = target.command(request.initiator, request.cdb, request.data, request.lun)
        tag = request.tag if request.tagged else None
        connections = figures.command(
            request.initiator,
            request.target,
            request.lun,
            request.disc_priv,
            tag,
            request.cdb[: _CDB_BYTES[request.cdb[0] >> 5]],
            negotiate=self._negotiation(request.initiator, target),
            data_steps=_data_steps(request, outcome),
            code=outcome.status,
            disconnects=request.disc_priv and request.cdb[0] == Opcode.WRITE_10 and outcome.status == Status.GOOD,
        )
        if outcome.data_bytes < 0 or (request.disc_priv and request.cdb[0] != Opcode.WRITE_10):
            connections = [_opened(connections[0])]
        moved = outcome.data_bytes if outcome.data_bytes >= 0 else None
        completion = ExpectedCompletion(request.target, 0, Result.OK, outcome.status, moved, outcome.written)
        return Expectation(connections, [completion])

    def _negotiation(self, initiator: int, target: TargetModel) -> bool | None:
        """What WDTR comes to when the initiator sends it with this command; None when it does not."""
        if initiator not in self.wide_initiators or (initiator, target.scsi_id) in self._agreed:
            return None
        self._agreed.add((initiator, target.scsi_id))
        return target.wide

    def _capability(self, request: CapabilityRequest) -> Expectation:
        """What an enrolled member and the initiator both have [14]."""
        key = (request.initiator, request.group, request.z)
        if self.members.get(key) != request.target:
            return Expectation([], [ExpectedCompletion(0, 0, Result.BAD_DESCRIPTOR, 0, None)])
        self.extensions.pop(key, None)
        agreed = self.targets[request.target].capability(*key, request.status, request.blocks)
        if agreed is not None:
            self.extensions[key] = agreed
        answer = None if agreed is None else _ability(*agreed)
        yz = request.group << 4 | request.z
        asked = _ability(request.status, request.blocks)
        connection = figures.capability(request.initiator, request.target, request.lun, yz, asked, answer)
        result = Result.NOT_CAPABLE if agreed is None else Result.OK
        return Expectation([connection], [ExpectedCompletion(request.target, 0, result, 0, None)])

    def _mirror(self, request: MirrorRequest) -> Expectation:
        key = (request.initiator, request.group)
        ids = {z: self.members[*key, z] for z in request.order if (*key, z) in self.members}
        if len(ids) != len(request.order) or not ids:
            return Expectation([], [ExpectedCompletion(0, 0, Result.BAD_DESCRIPTOR, 0, None)])
        targets = {z: self.targets[scsi_id] for z, scsi_id in ids.items()}
        extensions = {z: self.extensions.get((*key, z), (False, 0)) for z in ids}
        return MirroredCommand(request, targets, extensions, self._command).expectation()


def _ability(status: bool, blocks: int) -> bytes:
    """Flags and blocks of MIRROR CAPABILITY [14]."""
    return bytes([int(status) | (blocks > 0) << 1, blocks])


def _nobody(initiator: int, target: int) -> Expectation:
    """Selection of an ID that nobody has: a time-out."""
    connection = Connection(False, initiator, target, ())
    return Expectation([connection], [ExpectedCompletion(target, 0, Result.SEL_TIMEOUT, 0, 0)])


def _opened(connection: Connection) -> Connection:
    """The same connection up to the data phase; what follows is the drive's choice."""
    kept = tuple(step for step in connection.steps if step.phase in (Phase.MSG_OUT, Phase.COMMAND))
    whole = len(connection.steps) > 1 and connection.steps[1].phase is Phase.MSG_IN
    return Connection(
        connection.reselection,
        connection.initiator,
        connection.target,
        connection.steps[:3] if whole else kept,
        exact=False,
    )


def _data_steps(request: CommandRequest, outcome: Outcome) -> list[Step]:
    if outcome.data_bytes <= 0:
        return []
    if request.data:
        return [Step(Phase.DATA_OUT, request.target, request.data)]
    return [Step(Phase.DATA_IN, request.target, outcome.data, outcome.mask)]
