"""MIR: rules of silent mirroring for the protocol checker, seen on the wires at the centre of the bus.

Source: docs/protocol.md; section 6 (hand-over) unless a rule names another. t0 is the negation of the last ACK of the
message that names the next target. A lower limit that a device measures from t0 as it sees it is exact here, since both
directions of its cable only add. A participant that takes for an ST write asserts nothing before its first REQ, so its
take is judged by that REQ. The order of statuses is a courtesy and has no rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cocotbext.scsi.checker import CheckerOptions, Family, ReadMessage, VendorMessages
from cocotbext.scsi.checker.busfree import BusFreeRules
from cocotbext.scsi.checker.connection import Transfer
from cocotbext.scsi.checker.drivers import DriverRules
from cocotbext.scsi.checker.lines import M_TARGET
from cocotbext.scsi.checker.tracker import BusTracker
from cocotbext.scsi.constants import IDENTIFY_DISCPRIV, Message, Phase
from cocotbext.scsi.wires import (
    ACK,
    ATN,
    CD,
    IO,
    M_ACK,
    M_ATN,
    M_CD,
    M_IO,
    M_MSG,
    M_PHASE,
    M_REQ,
    MSG,
    REQ,
)

from .mirror import EXTENDED_LENGTH, EXTENDED_LENGTH_LAST, LAST, Z_LEAVE, MirrorExtended, MirrorMessage
from .mirror_specs import MIRROR_SPECS
from .mirror_state import HandOver, Operation, Release, State

VENDOR: Final = VendorMessages(
    two_byte=frozenset(int(code) for code in MirrorMessage),
    extended=frozenset(int(code) for code in MirrorExtended),
    optional_last=LAST,
)
"""Vendor messages for `CheckerOptions`."""

_ABORTING: Final = frozenset(
    {
        Message.ABORT_TASK,
        Message.ABORT_TASK_SET,
        Message.CLEAR_TASK_SET,
        Message.LOGICAL_UNIT_RESET,
        Message.TARGET_RESET,
    }
)
"""Messages at which the leader releases BSY as for RELEASE when another target receives them."""
_ANNOUNCED_RELEASE_PS: Final = 10_000_000
"""A leader that was told by FFh may free the bus when the lines stay false for so long (section 5 step 8)."""


def mirror_options(**changes: object) -> CheckerOptions:
    """Checker options for a bus with silent mirroring; `changes` are fields of `CheckerOptions`."""
    return CheckerOptions(vendor=VENDOR, **changes)  # type: ignore[arg-type]


def _hex(message: ReadMessage) -> str:
    return f"message {message.data.hex(' ').upper()}"


class MirrorRules(Family):
    """See the module."""

    SPECS = MIRROR_SPECS

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._state = State()
        self._members: dict[tuple[int | None, int], int | None] = {}
        """Member by (initiator's SCSI ID, yz): a slot, or a SCSI ID without a per-driver view."""
        self._drivers: DriverRules | None = None
        self._bus_free: BusFreeRules | None = None

    def meet(self, families: Mapping[type[Family], Family]) -> None:
        drivers, bus_free = families[DriverRules], families[BusFreeRules]
        assert isinstance(drivers, DriverRules)
        assert isinstance(bus_free, BusFreeRules)
        self._drivers, self._bus_free = drivers, bus_free

    # -- messages ---------------------------------------------------------------------------------------------------

    def on_connected(self) -> None:
        self._state = State()

    def on_reset(self) -> None:
        self._state = State()
        self._members.clear()

    def on_resend(self) -> None:
        """The current target did not understand: nothing of this phase counts."""
        state = self._state
        state.vendor_done = False
        self._undo(state)

    def on_message(self, message: ReadMessage) -> None:
        state = self._state
        if not message.parity_ok:
            return
        if message.incoming:
            self._message_in(state, message)
            return
        self.rules["MIR-12"].require(not state.vendor_done, f"{_hex(message)} after a vendor message")
        if message.code >= Message.IDENTIFY:
            state.disc_priv = bool(message.code & IDENTIFY_DISCPRIV)
        elif message.code in self.options.vendor.two_byte or message.extended_code in self.options.vendor.extended:
            self._vendor(state, message)
        elif message.code == Message.TARGET_RESET:
            self._leave_all()
        operation = state.operation
        snooped = operation is not None and operation.valid and operation.current != operation.leader
        if message.code in _ABORTING and snooped:
            state.release = Release()
            state.hand_over = self._begin_hand_over(None)

    def _vendor(self, state: State, message: ReadMessage) -> None:
        """A vendor message from the initiator."""
        data = message.data
        shown = _hex(message)
        slot = self.bus.conn.initiator_slot if self.bus.conn else None
        state.vendor_done = True
        self.rules["MIR-12"].require(not message.atn, f"{shown}: ATN still true", slot)
        well_formed = _well_formed(data)
        self.rules["MIR-13"].require(well_formed, shown, slot)
        if len(data) < 2 or (message.extended_code is not None and len(data) < 1 + EXTENDED_LENGTH):
            return
        if message.extended_code is not None:
            self._begin(state, data, shown, slot)
        elif message.code == MirrorMessage.QUERY:
            state.query = data[1]
        else:
            self._move(state, message.code, data, shown, slot)

    def _begin(self, state: State, data: bytes, shown: str, slot: int | None) -> None:
        """MIRROR WRITE or READ."""
        self.rules["MIR-17"].require(state.disc_priv, shown, slot)
        conn = self.bus.conn
        assert conn is not None
        member = self._members.get((conn.initiator_id, data[3]))
        selected = conn.target_slot if self.bus.has_drivers else conn.target_id
        self.rules["MIR-16"].require(member is not None and member == selected, shown, slot)
        length = int.from_bytes(data[8:11], "big")
        last = data[1] == EXTENDED_LENGTH_LAST
        state.operation = Operation(data[2] == MirrorExtended.READ, length, data[3], last, current=data[3])

    def _move(self, state: State, code: int, data: bytes, shown: str, slot: int | None) -> None:
        """SWITCH ROLE or RELEASE."""
        operation = state.operation
        self.rules["MIR-14"].require(operation is not None and operation.valid, shown, slot)
        if operation is None or not operation.valid:
            return
        if not state.reclaimed and operation.current >= 0:
            self.rules["MIR-22"].require(
                operation.taken == operation.length, f"{operation.taken} bytes, not {operation.length}"
            )
        conn = self.bus.conn
        assert conn is not None
        if code == MirrorMessage.RELEASE:
            self.rules["MIR-15"].require(data[1] == operation.current, shown, slot)
            state.release = Release()
            state.hand_over = self._begin_hand_over(None)
            return
        self.rules["MIR-16"].require((conn.initiator_id, data[1]) in self._members, shown, slot)
        operation.last |= len(data) > 2
        state.hand_over = self._begin_hand_over(data[1])
        if not self.bus.has_drivers:
            conn.owner_unknown = True
            operation.current, operation.taken = data[1], 0

    def _message_in(self, state: State, message: ReadMessage) -> None:
        conn = self.bus.conn
        assert conn is not None
        if state.reclaimed:
            state.reclaimed = False
            wanted = bytes((MirrorMessage.SWITCH_ROLE, state.operation.leader if state.operation else 0))
            self.rules["MIR-09"].require(message.data == wanted, _hex(message), conn.owner_slot)
        operation = state.operation
        if message.code == MirrorMessage.SWITCH_ROLE and operation is not None and not self.bus.has_drivers:
            operation.current, operation.taken = operation.leader, operation.length
        if message.code == Message.MESSAGE_REJECT and not message.atn:
            self._undo(state)
            if operation is not None and not operation.valid:
                state.operation = None
        query = state.query
        if query is None or message.code != MirrorMessage.QUERY:
            state.query = None
            return
        self.rules["MIR-18"].require(message.data[1] == query, _hex(message), conn.owner_slot)
        if message.atn:  # it does not count yet: after MESSAGE PARITY ERROR it comes again
            return
        state.query = None
        state.accepted = True
        conn.free_expected = True
        if message.data[1] != query:
            return
        self._enrol(conn.initiator_id, query, conn.target_slot if self.bus.has_drivers else conn.target_id)

    def _enrol(self, initiator: int | None, yz: int, member: int | None) -> None:
        """A new query to the same target and group replaces what it had there; z = Fh leaves."""
        for key, old in list(self._members.items()):
            if old == member and key[0] == initiator and key[1] >> 4 == yz >> 4:
                del self._members[key]
        if yz & 0xF != Z_LEAVE:
            self._members[initiator, yz] = member

    def _leave_all(self) -> None:
        """The current target was reset: its enrolments are gone."""
        bus = self.bus
        assert bus.conn is not None
        gone = bus.conn.owner_slot if bus.has_drivers else bus.conn.target_id
        self._members = {key: member for key, member in self._members.items() if member != gone}

    def _undo(self, state: State) -> None:
        """A message was not accepted: its sender stays with the current target."""
        state.hand_over = state.release = None
        self._grant()

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
        if slot == conn.target_slot and not new & M_REQ and (pending or conn.owner_slot != slot):
            self._reclaim(state, operation, slot)
        elif hand_over is not None and pending and slot == hand_over.old_slot:
            self.rules["MIR-02"].require(False, slot=slot)
            state.hand_over = None
            operation.current, operation.taken = hand_over.yz or 0, 0
        elif hand_over is not None and pending and hand_over.yz is not None:
            self._take(state, operation, hand_over.t0, hand_over.yz, slot)

    def _reclaim(self, state: State, operation: Operation, slot: int) -> None:
        bus = self.bus
        if state.message_t0 is None:
            self.rules["MIR-08"].require(False, "the leader reclaims though a REQ was seen", slot)
        else:
            self.rules["MIR-08"].minimum(bus.now - state.message_t0, slot=slot)
        state.hand_over = state.release = None
        state.reclaimed = True
        operation.current, operation.taken = operation.leader, operation.length
        if self._drivers is not None:
            self._drivers.granted = 0

    def _take(self, state: State, operation: Operation, t0: int, named_yz: int, slot: int) -> None:
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        rules = self.rules
        since = bus.now - t0
        rules["MIR-02"].require(True)
        rules["MIR-03"].minimum(since, slot=slot)
        named = self._members.get((conn.initiator_id, named_yz))
        rules["MIR-04"].require(named is None or slot == named, slot=slot)
        if operation.read:
            rules["MIR-05"].maximum(since, slot=slot)
            rules["MIR-23"].minimum(0 if bus.value & M_ATN else bus.now - bus.t_fall[ATN], slot=slot)
        elif bus.value & M_REQ:
            rules["MIR-06"].maximum(since, slot=slot)
        operation.current = named_yz
        operation.taken = 0
        state.hand_over = None
        if self._drivers is not None:
            self._drivers.granted = 1 << slot

    # -- phases and bytes -------------------------------------------------------------------------------------------

    def on_phase(self) -> None:
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        state = self._state
        state.vendor_done = False
        if state.accepted:
            self.rules["MIR-19"].require(False, slot=conn.owner_slot)
            state.accepted = False
        operation = state.operation
        if operation is not None and conn.phase is not None and Phase(conn.phase).is_data and not operation.valid:
            operation.valid = True
            if self._bus_free is not None:
                self._bus_free.exempt = True
        if state.reclaimed:
            self.rules["MIR-09"].require(conn.phase == Phase.MSG_IN, slot=conn.owner_slot)

    def on_req_rise(self) -> None:
        """The old target's REQ in MESSAGE OUT or IN after all means that it kept the lines."""
        state = self._state
        state.message_t0 = None
        hand_over = state.hand_over
        if hand_over is not None and not hand_over.released and self.bus.connected:
            state.hand_over = state.release = None
            self._grant()

    def on_byte(self, transfer: Transfer) -> None:
        operation = self._state.operation
        if operation is not None and transfer.phase in (Phase.DATA_OUT, Phase.DATA_IN):
            operation.taken += 2 if self.bus.wide_now else 1

    def on_streamed(self, transferred: int) -> None:
        """A synchronous data phase is over."""
        operation = self._state.operation
        if operation is not None:
            operation.taken += transferred

    def on_ack_rise(self) -> None:
        bus = self.bus
        if bus.connected and bus.lines >= Phase.MSG_OUT:
            self.rules["MIR-20"].minimum(bus.now - bus.t_rise[REQ])

    def on_ack_fall(self) -> None:
        bus = self.bus
        if bus.connected and bus.lines >= Phase.MSG_OUT:
            self.rules["MIR-21"].minimum(bus.now - bus.t_rise[ACK])
            if bus.lines == Phase.MSG_OUT:
                self._state.message_t0 = bus.now
        if self._state.release is not None:
            self._expect_free(self._state.release)

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

    def on_free(self) -> None:
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        state = self._state
        if state.accepted:
            self.rules["MIR-19"].require(True)
        operation = state.operation
        if operation is None or not operation.valid:
            return
        release = state.release
        allowed = release is not None or conn.free_expected or self.options.allow_unexpected_free
        self.rules["MIR-07"].require(allowed, slot=conn.target_slot)
        if release is None or release.dropped is None or release.quiet_since is None:
            return
        waited = release.dropped - release.quiet_since
        self.rules["MIR-10"].minimum(waited, slot=conn.target_slot)
        if not release.judged and not (operation.last and waited >= _ANNOUNCED_RELEASE_PS):
            self.rules["MIR-11"].maximum(waited, slot=conn.target_slot)

    on_qas = on_free


def _well_formed(data: bytes) -> bool:
    """Length and last indicator of a vendor message from the initiator."""
    if data[0] != Message.EXTENDED:
        return len(data) == 2 or data[2] == LAST
    if data[1] not in (EXTENDED_LENGTH, EXTENDED_LENGTH_LAST):
        return False
    return data[1] == EXTENDED_LENGTH or data[-1] == LAST
