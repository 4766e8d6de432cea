"""Judges a run: what the reference model expects of the host's requests against what bus, media and host have seen.

The model is fed from the host monitor alone. Nothing that the bus monitor reports is ever taken for an expectation.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Any

from pyuvm import uvm_component, uvm_subscriber

from cocotbext.scsi.constants import Status
from cocotbext.scsi.transaction import Transaction
from silentmirror.model import Connection, ExpectedCompletion, MirrorRequest, ReferenceModel, Request, Result

from .assembler import ConnectionAssembler, SeenConnection
from .items import HostCompletion

_SHOWN = 10


class Inlet(uvm_subscriber):
    """An analysis export that hands everything to a function."""

    handle: Callable[[Any], None]

    def write(self, tt: Any) -> None:
        """Take one item."""
        self.handle(tt)


class MirrorScoreboard(uvm_component):
    """Three comparisons: connections on the bus, completions at the host, blocks on the media.

    `check_phase` fails the test when something differed, when something expected never came, and when any of the
    `required` comparisons was never made. `compare_bus` False leaves the first comparison out.
    """

    model: ReferenceModel
    block_of: Callable[[int, int], bytes]
    """(SCSI ID, LBA) -> bytes of that block on the medium now."""
    required: tuple[str, ...]
    compare_bus: bool

    def build_phase(self) -> None:
        """Create the inlets."""
        self.requests = self._inlet("requests", self._request)
        self.completions = self._inlet("completions", self._completion)
        self.transactions = self._inlet("transactions", self._transaction)
        self.resets = self._inlet("resets", self._reset)
        self.compared: Counter[str] = Counter()
        self.failures: list[str] = []
        self._assembler = ConnectionAssembler()
        self._connections: dict[tuple[bool, int | None, int | None], deque[Connection]] = defaultdict(deque)
        self._completions: dict[tuple[int, int], list[ExpectedCompletion]] = defaultdict(list)
        self._optional: dict[tuple[int, int], list[Connection]] = {}
        """By initiator and tag: connections of a request that may still come before its completion."""
        self._status_order: deque[int | None] = deque()

    def _inlet(self, name: str, handle: Callable[[Any], None]) -> Any:
        inlet = Inlet(name, self)
        inlet.handle = handle
        return inlet.analysis_export

    @property
    def outstanding(self) -> int:
        """Connections and completions still expected."""
        waiting: list[Any] = [*self._connections.values(), *self._completions.values()]
        return sum(map(len, waiting))

    def _request(self, request: Request) -> None:
        expected = self.model.request(request)
        for connection in expected.connections:
            self._connections[connection.key].append(connection)
        self._completions[request.initiator, request.tag] += expected.completions
        self._optional[request.initiator, request.tag] = [c for c in expected.connections if c.optional]
        if isinstance(request, MirrorRequest):
            statuses = [c for c in expected.connections if c.reselection]
            self._status_order.extend(c.target for c in statuses if not c.optional)

    def _reset(self, _initiator: int) -> None:
        self.model.bus_reset()

    def _completion(self, seen: HostCompletion) -> None:
        self.compared["completions"] += 1
        waiting = self._completions[seen.initiator, seen.tag]
        expected = next((e for e in waiting if e.members or (e.target, e.rank) == (seen.target, seen.rank)), None)
        if expected is None:
            self.failures.append(f"completion that nothing asked for: {seen}")
            return
        waiting.remove(expected)
        for connection in self._optional.pop((seen.initiator, seen.tag), []):
            queue = self._connections[connection.key]
            self._connections[connection.key] = deque(one for one in queue if one is not connection)
        if seen.last != (not waiting):
            self.failures.append(f"completion marked last={seen.last} with {len(waiting)} still to come: {seen}")
        wanted = (expected.result, expected.status)
        if (seen.result, seen.status if seen.result in (Result.OK, Result.MEMBERS) else 0) != wanted:
            self.failures.append(f"completion of target {seen.target} is {seen}, expected {expected}")
        if expected.moved is not None and seen.moved != expected.moved:
            self.failures.append(f"target {seen.target} moved {seen.moved} bytes, expected {expected.moved}")
        if expected.members:
            self._check_members(seen, expected)
        elif seen.result is Result.OK and seen.status == Status.GOOD:
            self._check_medium(seen, seen.target, expected.written)

    def _check_members(self, seen: HostCompletion, expected: ExpectedCompletion) -> None:
        """The result of each member of a mirrored command."""
        if seen.rank != expected.rank or set(seen.members) != set(expected.members):
            self.failures.append(f"members of {seen}, expected {expected}")
            return
        for z, wanted in expected.members.items():
            self.compared["members"] += 1
            found = seen.members[z]
            alike = (found.result, found.status, found.block) == (wanted.result, wanted.status, wanted.block)
            if not alike:
                self.failures.append(f"z = {z} of {seen} is {found}, expected {wanted}")
            elif found.good:
                self._check_medium(seen, wanted.target, wanted.written)

    def _check_medium(self, seen: HostCompletion, target: int, blocks: dict[int, bytes]) -> None:
        """GOOD promises that the medium holds the data."""
        for lba, content in blocks.items():
            self.compared["blocks"] += 1
            if self.block_of(target, lba) != content:
                self.failures.append(f"GOOD at {seen.time_ns} ns, but block {lba} of target {target} differs")

    def _transaction(self, transaction: Transaction) -> None:
        ended = self._assembler.add(transaction)
        if ended is not None and self.compare_bus:
            self._connection(ended)

    def _connection(self, seen: SeenConnection) -> None:
        self.compared["connections"] += 1
        waiting = self._connections.get(seen.key)
        if not waiting:
            self.failures.append(f"connection that nothing asked for: {seen}")
            return
        expected: Connection = waiting.popleft()
        while expected.optional and waiting and not _fits(expected, seen):
            expected = waiting.popleft()
        if not _fits(expected, seen):
            self.failures.append(f"on the bus: {seen}\n    expected: {expected}")
        self.compared["phases"] += min(len(expected.steps), len(seen.phases))
        if seen.key[0]:
            self._check_order(seen)

    def _check_order(self, seen: SeenConnection) -> None:
        """Statuses of mirrored writes come in rank order [section 7]; other reselections come as they like."""
        if seen.opening.target not in self._status_order:
            return
        self.compared["status order"] += 1
        if self._status_order[0] != seen.opening.target:
            self.failures.append(f"status of target {seen.opening.target} before that of {self._status_order[0]}")
        self._status_order.remove(seen.opening.target)

    def extract_phase(self) -> None:
        """Add what never came to the failures."""
        for key, connections in self._connections.items():
            missing = [connection for connection in connections if not connection.optional]
            if self.compare_bus and missing:
                self.failures.append(f"{len(missing)} connection(s) of {key} never came; first: {missing[0]}")
        for (initiator, tag), completions in self._completions.items():
            if completions:
                self.failures.append(f"initiator {initiator}, tag {tag}: never completed: {completions}")
        for name in self.required:
            if not self.compared[name]:
                self.failures.append(f"no {name} were compared")

    def check_phase(self) -> None:
        """The verdict; AssertionError with what was wrong."""
        more = [f"and {len(self.failures) - _SHOWN} more"] if len(self.failures) > _SHOWN else []
        assert not self.failures, "\n".join([*self.failures[:_SHOWN], *more])


def _fits(expected: Connection, seen: SeenConnection) -> bool:
    """Phases, who drives them, bytes and meaning are as expected."""
    more = len(seen.phases) - len(expected.steps)
    if more < 0 or (more and expected.exact):
        return False
    pairs = zip(expected.steps, seen.phases, strict=False)
    return all(step.matches(p.phase, p.by, p.data) and step.note in (None, p.note) for step, p in pairs)
