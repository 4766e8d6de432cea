"""A mirrored command from the host's request to its one completion: connections, repetitions, a result per member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cocotbext.scsi.constants import Opcode, Status

from . import figures
from .expect import Connection, Expectation, ExpectedCompletion, ExpectedMember, Result
from .repetition import Pass, repeat_read, repeat_write
from .requests import CommandRequest, MirrorReadRequest, MirrorRequest, MirrorWriteRequest
from .target import Share, TargetModel


@dataclass
class _Part:
    """What has become of one member in the blocks that are carried out now."""

    share: Share
    differs: int | None = None
    """The first block of these in which its copy is not the leader's."""


@dataclass
class MirroredCommand:
    """See the module. Everything by z."""

    request: MirrorRequest
    targets: Mapping[int, TargetModel]
    extensions: Mapping[int, tuple[bool, int]]
    """What was agreed on: STATUS, blocks in a series."""
    ordinary: Callable[[CommandRequest], Expectation]
    """Carries out an ordinary command."""
    connections: list[Connection] = field(default_factory=list)
    written: dict[int, dict[int, bytes]] = field(default_factory=dict)
    ended: dict[int, ExpectedMember] = field(default_factory=dict)
    leader: int = 0
    """z of the leader of the last connection."""

    def expectation(self) -> Expectation:
        """Carry it out."""
        request = self.request
        lbas = (request.lba, *request.how.more)
        alive = list(request.order)
        self.written = {z: {} for z in alive}
        rounds = request.how.rounds
        first = 0
        while alive and first < len(lbas):
            some = range(first, min(first + self._series(alive), len(lbas)))
            parts, rounds = self._blocks(alive, some, rounds)
            for z, part in parts.items():
                if not part.share.good or part.differs is not None:
                    self._ends(z, part, first)
                    alive.remove(z)
            first = some.stop
        for z in alive:
            self.ended[z] = ExpectedMember(self.targets[z].scsi_id, Result.OK, written=self.written[z])
        return Expectation(self.connections, [self._completion(len(lbas) * request.length)])

    def _completion(self, moved: int) -> ExpectedCompletion:
        members = {z: self.ended[z] for z in self.request.order}
        bad = [one for one in members.values() if not one.good]
        target = self.targets[self.leader].scsi_id
        result = Result.MEMBERS if bad else Result.OK
        status = bad[0].status if bad else Status.GOOD
        return ExpectedCompletion(
            target, len(members) - len(bad), result, status, None if bad else moved, members=members
        )

    def _ends(self, z: int, part: _Part, first: int) -> None:
        """A member has failed for good; it takes no part in what follows."""
        share, target = part.share, self.targets[z].scsi_id
        if share.good and part.differs is not None:
            self.ended[z] = ExpectedMember(target, Result.DIFFERS, block=first + part.differs)
        else:
            self.ended[z] = ExpectedMember(target, Result.OK, share.status, first + share.block, self.written[z])

    def _series(self, members: list[int]) -> int:
        """Most blocks in a connection of these members [16]."""
        agreed = [self.extensions[z] for z in members]
        if not all(status and blocks for status, blocks in agreed):
            return 1
        return max(1, min(self.request.how.series, *(blocks for _, blocks in agreed)))

    def _blocks(self, alive: list[int], some: range, rounds: int) -> tuple[dict[int, _Part], int]:
        """These blocks, repeated while the host allows it; what became of each member, rounds left."""
        policy, read = self.request.how.policy, isinstance(self.request, MirrorReadRequest)
        now: Pass | None = Pass(tuple(alive))
        parts: dict[int, _Part] = {}
        while now is not None:
            parts |= self._plain(now, some) if now.plain else self._mirrored(now, some)
            failed = {z for z in alive if not parts[z].share.good}
            mended = [z for z in alive if z in failed or parts[z].differs is None or self.leader in failed]
            if not rounds:
                break
            now = repeat_read(policy, mended, self.leader, failed) if read else repeat_write(policy, alive, failed)
            rounds -= now is not None
        return parts, rounds

    def _data(self, block: int) -> bytes | None:
        """What goes out for a block; None for a read."""
        if not isinstance(self.request, MirrorWriteRequest):
            return None
        return self.request.data[block * self.request.length :][: self.request.length]

    def _mirrored(self, now: Pass, some: range) -> dict[int, _Part]:
        """One mirrored connection, and the statuses after it."""
        request = self.request
        lbas = [(request.lba, *request.how.more)[block] for block in some]
        data = [one for block in some if (one := self._data(block)) is not None]
        self.leader = now.members[0]
        parts: dict[int, _Part] = {}
        for z in now.members:
            target = self.targets[z]
            share = target.mirrored(request.initiator, lbas, request.length, data or None)
            self.written[z] |= share.written
            pairs = zip(share.copies, parts[self.leader].share.copies if parts else share.copies, strict=True)
            differs = [number for number, (one, other) in enumerate(pairs) if one != other]
            parts[z] = _Part(share, differs[0] if differs else None)
        copies = [[parts[z].share.copies[n] if not data else data[n] for z in now.members] for n in range(len(lbas))]
        named = [(self.targets[z].scsi_id, request.group << 4 | z) for z in now.members]
        tag = request.tag if request.tagged else None
        operation = figures.Operation(
            request.initiator, named, request.lun, tag, lbas, copies, request.length, read=not data
        )
        reports = all(self.extensions[z][0] for z in now.members)
        self.connections.append(figures.reported(operation) if reports else figures.released(operation))
        for z in now.members:
            scsi_id, code = self.targets[z].scsi_id, parts[z].share.status
            self.connections.append(
                figures.status(request.initiator, scsi_id, request.lun, tag, code, mirrored=True, optional=reports)
            )
        return parts

    def _plain(self, now: Pass, some: range) -> dict[int, _Part]:
        """An ordinary command for each block of each member [8, way C]."""
        request = self.request
        parts: dict[int, _Part] = {}
        for z in now.members:
            target = self.targets[z]
            self.leader = z
            for number, block in enumerate(some):
                data = self._data(block)
                lba = (request.lba, *request.how.more)[block]
                count = request.length // target.medium.block_bytes
                opcode = Opcode.READ_10 if data is None else Opcode.WRITE_10
                cdb = bytes([opcode, 0]) + lba.to_bytes(4, "big") + b"\0" + count.to_bytes(2, "big") + b"\0"
                command = CommandRequest(
                    request.initiator,
                    request.tag,
                    request.tagged,
                    request.disc_priv,
                    request.lun,
                    target.scsi_id,
                    cdb,
                    data or b"",
                    0 if data else request.length,
                )
                expected = self.ordinary(command)
                self.connections += expected.connections
                status = Status(expected.completions[0].status)
                self.written[z] |= expected.completions[0].written
                parts[z] = _Part(Share(status, number))
                if status != Status.GOOD:
                    break
        return parts
