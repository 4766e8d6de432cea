"""Judges a hand-over at the pins of each device, from who drives what at the centre of the star and the cable legs.

Written from protocol 6 alone; the checker judges the same windows at the centre, with an allowance for the cable. A
device at the end of a leg of d ns acts d ns before the centre sees it, and sees what the centre has d ns later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TARGET_LINES = ("msg", "cd", "io", "req")
RELEASE_NS = 200.0
TAKE_NS = (400.0, 5000.0)
REQ_NS = 8000.0
QUIET_NS = 100.0
SETTLE_NS = 400.0
RECLAIM_NS = (10_000.0, 12_000.0)
"""10 us after t0 at the leader's pins; its timer counts microseconds, which makes up to two more."""

Changes = Mapping[str, Sequence[tuple[int, frozenset[int]]]]
"""By line: time in ps and the SCSI IDs that assert it from then on."""


@dataclass(frozen=True)
class HandOver:
    """When what happened, in ns, each at the pins of the device that did it and after t0 as it saw it there."""

    released: float
    """The old target's last line was released."""
    taken: float
    """The participant asserted its first line."""
    requested: float
    """Its first REQ."""
    quiet: float
    """How long the participant had seen lines, ACK and ATN false before it took."""
    settled: float
    """How long the phase lines had been what they were then, at the first REQ."""

    def complaints(self, *, at_once: bool = True) -> list[str]:
        """Which windows were missed. `at_once`: the take is for DATA OUT, where no medium is waited for."""
        windows = (
            ("the old target released", self.released, 0.0, RELEASE_NS),
            ("the participant took", self.taken, *TAKE_NS),
            ("its first REQ came", self.requested, TAKE_NS[0], REQ_NS if at_once else float("inf")),
            ("lines, ACK and ATN were false", self.quiet, QUIET_NS, float("inf")),
            ("the phase was stable", self.settled, SETTLE_NS, float("inf")),
        )
        return [f"{what} for {ns:.1f} ns" for what, ns, low, high in windows if not low <= ns <= high]


@dataclass(frozen=True)
class HandOverLog:
    """See the module. `legs_ns` by SCSI ID."""

    changes: Changes
    legs_ns: Mapping[int, float]

    def hand_over(self, t0_ps: int, giver: int, taker: int) -> HandOver:
        """The one after the MESSAGE OUT whose last ACK was negated at `t0_ps`. AssertionError if the lines clash."""
        released = max(self._ends(name, giver, t0_ps) for name in TARGET_LINES)
        begins = {name: self._begins(name, taker, max(released, t0_ps)) for name in TARGET_LINES}
        taken = min(begins.values())
        assert self._last("ack", taken) <= t0_ps, "ACK after t0"
        if giver != taker:
            drivers = [who for name in TARGET_LINES for time, who in self.changes[name] if t0_ps < time <= taken]
            assert not any(who - {giver, taker} for who in drivers), f"driven by {drivers}"
            early = [name for name in TARGET_LINES if self._begins(name, taker, t0_ps) < released]
            assert not early, f"{early} of {taker} before {giver} released"
        give, take = self.legs_ns[giver], self.legs_ns[taker]
        coded = {begins[name] for name in ("msg", "cd", "io") if begins[name] <= begins["req"]}
        phase = max({released} | coded)
        return HandOver(
            (released - t0_ps) / 1000 - 2 * give,
            (taken - t0_ps) / 1000 - 2 * take,
            (begins["req"] - t0_ps) / 1000 - 2 * take,
            (taken - max(released, t0_ps, self._last("atn", taken))) / 1000 - 2 * take,
            (begins["req"] - phase) / 1000,
        )

    def reclaimed_ns(self, t0_ps: int, leader: int) -> float:
        """From t0 to the first line that the leader takes again, both at its pins."""
        taken = min(self._begins(name, leader, t0_ps) for name in TARGET_LINES)
        return (taken - t0_ps) / 1000 - 2 * self.legs_ns[leader]

    def _begins(self, name: str, scsi_id: int, after_ps: int) -> float:
        """When a device asserts a line for the first time after a moment at which it did not; inf for never."""
        before = False
        for time, who in self.changes[name]:
            now = scsi_id in who
            if now and not before and time > after_ps:
                return time
            before = now
        return float("inf")

    def _ends(self, name: str, scsi_id: int, t0_ps: int) -> int:
        """When a device lets go of a line that it asserts at t0; t0 where it does not assert it."""
        held = False
        for time, who in self.changes[name]:
            if time > t0_ps and held and scsi_id not in who:
                return time
            if time > t0_ps and not held:
                break
            held = scsi_id in who
        return t0_ps

    def _last(self, name: str, before_ps: float) -> int:
        """The last change of a line until then."""
        return max((time for time, _ in self.changes[name] if time <= before_ps), default=0)
