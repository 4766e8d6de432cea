"""The hand-over of the phase lines and the release of the bus in a mirrored operation: MIR about time and drivers.

Source: docs/protocol.md section 6, and 5 step 8. t0 is the negation of the last ACK of the message that names the next
target. A lower limit that a device measures from t0 as it sees it is exact here, since both directions of its cable
only add. A participant that takes for an ST write asserts nothing before its first REQ, so its take is judged by that
REQ. The order of statuses is a courtesy and has no rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cocotbext.scsi.checker import CheckerOptions, Family
from cocotbext.scsi.checker.drivers import DriverRules
from cocotbext.scsi.checker.lines import M_TARGET
from cocotbext.scsi.checker.tracker import BusTracker
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.wires import ACK, ATN, CD, IO, M_ACK, M_ATN, M_CD, M_IO, M_MSG, M_PHASE, M_REQ, MSG, REQ

from .mirror_enrolment import EnrolmentRules
from .mirror_specs import MIRROR_SPECS
from .mirror_state import Answer, HandOver, Operation, Release, State

_ANNOUNCED_RELEASE_PS: Final = 10_000_000
"""A leader that was told by FFh may free the bus when the lines stay false for so long (section 5 step 8)."""


class HandOverFamily(Family):
    """Who drives the phase lines of an operation, and until when the leader holds BSY."""

    SPECS = MIRROR_SPECS

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._state = State()
        self._group = EnrolmentRules(bus, self.rules)
        self._drivers: DriverRules | None = None

    def meet(self, families: Mapping[type[Family], Family]) -> None:
        drivers = families[DriverRules]
        assert isinstance(drivers, DriverRules)
        self._drivers = drivers

    def _operation_phase(self, state: State, operation: Operation, phase: Phase) -> None:
        """The first REQ of a phase in an operation."""
        raise NotImplementedError

    def _given_up(self, state: State, operation: Operation) -> None:
        """Somebody takes, the leader reclaims, or the bus is free."""
        raise NotImplementedError

    # -- the hand-over ----------------------------------------------------------------------------------------------

    def _begin_hand_over(self, yz: int | None) -> HandOver:
        bus = self.bus
        conn = bus.conn
        begun = HandOver(bus.now, yz, conn.owner_slot if conn else None)
        if self._drivers is not None:
            self._drivers.granted = ~0
        rule = self.rules["MIR-01"]

        def judge() -> None:
            if self._state.hand_over is begun and not begun.judged:
                lines = bus.value & M_TARGET
                kept = lines & (M_MSG | M_CD) == M_MSG | M_CD or lines & M_IO
                if lines and not kept:
                    begun.judged = True
                    rule.maximum(rule.limit_ps + 1, slot=begun.old_slot)

        bus.after(rule.limit_ps, judge)
        return begun

    def _grant(self) -> None:
        """The current target's lines are its own again."""
        conn = self.bus.conn
        if self._drivers is not None:
            self._drivers.granted = 1 << conn.owner_slot if conn is not None and conn.owner_slot is not None else 0

    def on_phase_lines(self) -> None:
        bus = self.bus
        if bus.value & M_TARGET or not bus.connected:
            return
        hand_over = self._state.hand_over
        if hand_over is not None and not hand_over.released:
            hand_over.released = True
            if not hand_over.judged:
                hand_over.judged = True
                self.rules["MIR-01"].maximum(bus.now - hand_over.t0, slot=hand_over.old_slot)
        if self._state.release is not None:
            self._expect_free(self._state.release)

    def on_drive(self, slot: int, before: int, after: int) -> None:
        """Somebody asserts one of the target's lines: the old target, the leader, or a participant that takes."""
        bus = self.bus
        state = self._state
        operation = state.operation
        conn = bus.conn
        new = after & ~before & M_TARGET
        if not new or operation is None or not operation.valid or conn is None or not bus.connected:
            return
        if bus.target_slots & ~(1 << slot) or before & M_TARGET:
            return
        hand_over = state.hand_over
        pending = hand_over is not None and hand_over.released
        named = self._named_slot(hand_over)
        in_time = hand_over is not None and bus.now - hand_over.t0 < self.rules["MIR-08"].limit_ps
        if hand_over is not None and pending and hand_over.yz is not None and slot == named and in_time:
            self._take(state, operation, hand_over, hand_over.yz, slot)
        elif slot == conn.target_slot and not new & M_REQ and (pending or state.message_t0 or conn.owner_slot != slot):
            self._reclaim(state, operation, slot)
        elif hand_over is not None and pending and slot == hand_over.old_slot:
            self.rules["MIR-02"].require(False, slot=slot)
            state.hand_over = None
            self._taken(state, operation, hand_over, hand_over.yz or 0)
            state.took = False
        elif hand_over is not None and pending and hand_over.yz is not None:
            self._take(state, operation, hand_over, hand_over.yz, slot)

    def _named_slot(self, hand_over: HandOver | None) -> int | None:
        """The slot that may take."""
        conn = self.bus.conn
        if hand_over is None or hand_over.yz is None or conn is None:
            return None
        return self._group.members.get((conn.initiator_id, hand_over.yz))

    def _reclaim(self, state: State, operation: Operation, slot: int) -> None:
        bus = self.bus
        if state.message_t0 is None:
            self.rules["MIR-08"].require(False, "the leader reclaims though a REQ was seen", slot)
        else:
            self.rules["MIR-08"].minimum(bus.now - state.message_t0, slot=slot)
        self._given_up(state, operation)
        state.hand_over = state.release = None
        state.reclaimed = True
        operation.current, operation.taken, operation.answer = operation.leader, operation.length, None
        if self._drivers is not None:
            self._drivers.granted = 0

    def _take(self, state: State, operation: Operation, hand_over: HandOver, yz: int, slot: int) -> None:
        bus = self.bus
        rules = self.rules
        since = bus.now - hand_over.t0
        rules["MIR-02"].require(True)
        rules["MIR-03"].minimum(since, slot=slot)
        named = self._named_slot(hand_over)
        rules["MIR-04"].require(named is None or slot == named, slot=slot)
        if operation.read or hand_over.report:
            rules["MIR-05"].maximum(since, slot=slot)
            rules["MIR-23"].minimum(0 if bus.value & M_ATN else bus.now - bus.t_fall[ATN], slot=slot)
        elif bus.value & M_REQ:
            rules["MIR-06"].maximum(since, slot=slot)
        self._given_up(state, operation)
        self._taken(state, operation, hand_over, yz)
        if bus.value & M_REQ:
            self._operation_phase(state, operation, Phase(bus.lines))
        state.hand_over = None
        if self._drivers is not None:
            self._drivers.granted = 1 << slot

    def _taken(self, state: State, operation: Operation, hand_over: HandOver, yz: int) -> None:
        """yz is the current target."""
        operation.current = yz
        operation.answer = Answer(yz) if hand_over.report else None
        operation.taken = operation.length if hand_over.report else 0
        operation.blocks += hand_over.following
        state.took = not hand_over.report

    # -- release ----------------------------------------------------------------------------------------------------

    def on_atn_fall(self) -> None:
        if self._state.release is not None:
            self._expect_free(self._state.release)

    def _expect_free(self, release: Release) -> None:
        """The lines have gone quiet after RELEASE: BSY is due."""
        bus = self.bus
        if not bus.connected or bus.value & (M_PHASE | M_REQ | M_ACK | M_ATN):
            return
        release.quiet_since = since = bus.now
        rule = self.rules["MIR-11"]
        operation = self._state.operation

        def judge() -> None:
            due = self._state.release is release and release.quiet_since == since and not release.judged
            if due and bus.connected and not (operation is not None and operation.last):
                release.judged = True
                rule.maximum(rule.limit_ps + 1)

        bus.after(rule.limit_ps, judge)

    def on_released(self) -> None:
        bus = self.bus
        release = self._state.release
        if release is not None:
            release.dropped = bus.now
            quiet = not bus.before & (M_PHASE | M_REQ | M_ACK | M_ATN)
            release.quiet_since = max(bus.t_fall[bit] for bit in (MSG, CD, IO, REQ, ACK, ATN)) if quiet else bus.now

    def _judge_free(self, state: State, operation: Operation) -> None:
        """BUS FREE in an operation."""
        conn, release = self.bus.conn, state.release
        assert conn is not None
        allowed = release is not None or conn.free_expected or self.options.allow_unexpected_free
        self.rules["MIR-07"].require(allowed, slot=conn.target_slot)
        if release is None or release.dropped is None or release.quiet_since is None:
            return
        waited = release.dropped - release.quiet_since
        self.rules["MIR-10"].minimum(waited, slot=conn.target_slot)
        if not release.judged and not (operation.last and waited >= _ANNOUNCED_RELEASE_PS):
            self.rules["MIR-11"].maximum(waited, slot=conn.target_slot)
