"""What each initiator has yet to be told: sense data, UNIT ATTENTION, deferred errors."""

from __future__ import annotations

from collections.abc import Iterable

from ...constants import Asc, SenseKey
from ..medium import Sense

_INITIATORS = range(16)
_RESETS = (Asc.POWER_ON, Asc.RESET_OCCURRED, Asc.BUS_RESET, Asc.TARGET_RESET)


class Conditions:
    """Sense data by initiator, and conditions that wait for its next command."""

    def __init__(self) -> None:
        self.sense: dict[int, Sense] = {}
        """Sense data of the last CHECK CONDITION, until it is fetched or the next command comes."""
        self._attention: dict[int, list[Asc]] = {initiator: [] for initiator in _INITIATORS}
        self._deferred: dict[int, list[Sense]] = {initiator: [] for initiator in _INITIATORS}

    def attention(self, asc: Asc, *, only: Iterable[int] = _INITIATORS, but: int | None = None) -> None:
        """UNIT ATTENTION for initiators. A reset stands for whatever else they were to be told."""
        for initiator in {*only} - {but}:
            waiting = self._attention[initiator]
            if asc in _RESETS:
                waiting[:] = [asc]
            elif asc not in waiting:
                waiting.append(asc)

    def defer(self, initiator: int, sense: Sense) -> None:
        """A command of this initiator has failed after its GOOD."""
        self._deferred[initiator].append(Sense(sense.key, sense.asc, sense.information, deferred=True))

    def next(self, initiator: int) -> Sense | None:
        """The condition that the initiator's command ends with; it counts as told. UNIT ATTENTION comes first."""
        if self._attention[initiator]:
            return Sense(SenseKey.UNIT_ATTENTION, self._attention[initiator].pop(0))
        return self._deferred[initiator].pop(0) if self._deferred[initiator] else None
