"""The reference model: drives on a bus, fed with what hosts ask for and with nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from cocotbext.scsi.constants import Asc, Opcode, Phase, Status

from . import figures
from .expect import Connection, Expectation, ExpectedCompletion, Result, Step
from .requests import CommandRequest, MirrorWriteRequest, QueryRequest, Request
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
        self.wide_initiators = set(wide_initiators)
        self._agreed: set[tuple[int, int]] = set()

    def bus_reset(self) -> None:
        """RST: enrolments and agreements end, every target owes a UNIT ATTENTION."""
        self.members.clear()
        self._agreed.clear()
        for target in self.targets.values():
            target.reset(Asc.BUS_RESET)

    def request(self, request: Request) -> Expectation:
        """Carry a request out; TypeError for a kind of request that is not known."""
        if isinstance(request, QueryRequest):
            return self._query(request)
        if isinstance(request, CommandRequest):
            return self._command(request)
        if isinstance(request, MirrorWriteRequest):
            return self._mirror_write(request)
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

    def _mirror_write(self, request: MirrorWriteRequest) -> Expectation:
        chosen = [self.members.get((request.initiator, request.group, z)) for z in request.order]
        ids = [scsi_id for scsi_id in chosen if scsi_id is not None]
        if len(ids) != len(chosen) or not ids or len(set(ids)) != len(ids):
            return Expectation([], [ExpectedCompletion(0, 0, Result.BAD_DESCRIPTOR, 0, None)])
        tag = request.tag if request.tagged else None
        members = [(scsi_id, request.group << 4 | z) for scsi_id, z in zip(ids, request.order, strict=True)]
        connections = [figures.mirrored_write(request.initiator, members, request.lun, tag, request.lba, request.data)]
        completions = []
        for rank, scsi_id in enumerate(ids):
            outcome = self.targets[scsi_id].mirror_write(request.initiator, request.lba, request.data)
            code = outcome.status
            connections.append(figures.status(request.initiator, scsi_id, request.lun, tag, code, mirrored=True))
            completions.append(ExpectedCompletion(scsi_id, rank, Result.OK, code, len(request.data), outcome.written))
        return Expectation(connections, completions)


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
