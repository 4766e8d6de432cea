"""MIR: rules of silent mirroring for the protocol checker, seen on the wires at the centre of the bus.

Source: docs/protocol.md. This file has what messages and phases mean to an operation; `mirror_hand_over` the hand-over
and the release of the bus, `mirror_enrolment` groups and extensions, `mirror_status` reports and statuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cocotbext.scsi.checker import CheckerOptions, Family, ReadMessage, VendorMessages
from cocotbext.scsi.checker.busfree import BusFreeRules
from cocotbext.scsi.checker.connection import Transfer
from cocotbext.scsi.checker.tracker import BusTracker
from cocotbext.scsi.constants import IDENTIFY_DISCPRIV, IDENTIFY_LUN_MASK, Message, Phase
from cocotbext.scsi.wires import (
    ACK,
    REQ,
)

from .mirror_hand_over import HandOverFamily
from .mirror_messages import EXTENDED_LENGTH_LAST, EXTENDED_LENGTHS, LAST, MirrorExtended, MirrorMessage
from .mirror_specs import MIRROR_SPECS
from .mirror_state import Nexus, Operation, Release, State, shown
from .mirror_status import StatusRules

VENDOR: Final = VendorMessages(
    two_byte=frozenset(int(code) for code in MirrorMessage),
    extended=frozenset(int(code) for code in MirrorExtended),
    optional_last=LAST,
)
"""Vendor messages for `CheckerOptions`."""

_RESENDS: Final = 3
"""After so many a target gives up (section 11)."""
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


def mirror_options(**changes: object) -> CheckerOptions:
    """Checker options for a bus with silent mirroring; `changes` are fields of `CheckerOptions`."""
    return CheckerOptions(vendor=VENDOR, **changes)  # type: ignore[arg-type]


class MirrorRules(HandOverFamily):
    """See the module."""

    SPECS = MIRROR_SPECS

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._status = StatusRules(bus, self.rules, self._group)
        self._bus_free: BusFreeRules | None = None

    def meet(self, families: Mapping[type[Family], Family]) -> None:
        super().meet(families)
        bus_free = families[BusFreeRules]
        assert isinstance(bus_free, BusFreeRules)
        self._bus_free = bus_free

    # -- messages ---------------------------------------------------------------------------------------------------

    def on_connected(self) -> None:
        self._state = State()

    def on_reset(self) -> None:
        self._state = State()
        self._group.reset()
        self._status.reset()

    def on_resend(self) -> None:
        """The current target did not understand: nothing of this phase counts."""
        state = self._state
        state.vendor_done = False
        state.resends += 1
        self._undo(state)

    def on_message(self, message: ReadMessage) -> None:
        state = self._state
        if not message.parity_ok:
            return
        if message.incoming:
            self._message_in(state, message)
            return
        self.rules["MIR-12"].require(not state.vendor_done, f"{shown(message)} after a vendor message")
        if message.code >= Message.IDENTIFY:
            self._identified(state, message)
            state.disc_priv = bool(message.code & IDENTIFY_DISCPRIV)
        elif message.code == Message.SIMPLE:
            state.tag = message.data[1]
        elif message.code in self.options.vendor.two_byte or message.extended_code in self.options.vendor.extended:
            self._vendor(state, message)
        elif message.code == Message.TARGET_RESET:
            conn = self.bus.conn
            assert conn is not None
            self._group.leave_all(conn.owner_slot if self.bus.has_drivers else conn.target_id)
        operation = state.operation
        if operation is None or not operation.valid:
            return
        self._status.complained(operation, message.code)
        if message.code in _ABORTING:
            operation.discarded = True
            if operation.current != operation.leader:
                state.release = Release()
                state.hand_over = self._begin_hand_over(None)

    @staticmethod
    def _identified(state: State, message: ReadMessage) -> None:
        state.lun, state.tag = message.code & IDENTIFY_LUN_MASK, None

    def _vendor(self, state: State, message: ReadMessage) -> None:
        """A vendor message from the initiator."""
        data, extended = message.data, message.extended_code
        text = shown(message)
        conn = self.bus.conn
        assert conn is not None
        slot = conn.initiator_slot
        state.vendor_done = True
        self.rules["MIR-12"].require(not message.atn, f"{text}: ATN still true", slot)
        well_formed = _well_formed(data)
        self.rules["MIR-13"].require(well_formed, text, slot)
        if (
            extended in (MirrorExtended.READ, MirrorExtended.WRITE)
            and len(data) > EXTENDED_LENGTHS[MirrorExtended.WRITE][0]
        ):
            self._begin(state, data, text, slot)
        elif len(data) < 2 or (extended is not None and not well_formed):
            return
        elif extended == MirrorExtended.CAPABILITY:
            self._group.offered(state, conn.initiator_id, data)
        elif message.code == MirrorMessage.QUERY:
            state.query = data[1]
        elif extended in (None, MirrorExtended.NEXT):
            self._move(state, message.code, data, text, slot)

    def _begin(self, state: State, data: bytes, text: str, slot: int | None) -> None:
        """MIRROR WRITE or READ."""
        self.rules["MIR-17"].require(state.disc_priv, text, slot)
        conn = self.bus.conn
        assert conn is not None
        member = self._group.members.get((conn.initiator_id, data[3]))
        self.rules["MIR-16"].require(member is not None and member == self._group.selected(), text, slot)
        length = int.from_bytes(data[8:11], "big")
        last = data[1] == EXTENDED_LENGTH_LAST
        nexus = Nexus(conn.initiator_id, state.lun, state.tag)
        state.operation = Operation(nexus, data[2] == MirrorExtended.READ, length, data[3], last, current=data[3])
        state.operation.last_named = data[3] if last else None
        self._status.begun(state.operation)

    def _move(self, state: State, code: int, data: bytes, text: str, slot: int | None) -> None:
        """SWITCH ROLE, NEXT, REPORT or RELEASE."""
        operation = state.operation
        self.rules["MIR-14"].require(operation is not None and operation.valid, text, slot)
        if operation is None or not operation.valid:
            return
        if not state.reclaimed and operation.current >= 0:
            self.rules["MIR-22"].require(
                operation.taken == operation.length, f"{operation.taken} bytes, not {operation.length}"
            )
        conn = self.bus.conn
        assert conn is not None
        state.moved = True
        self._status.named(state, operation, code, data, slot)
        if code == MirrorMessage.RELEASE:
            self.rules["MIR-15"].require(data[1] == operation.current, text, slot)
            state.release = Release()
            state.hand_over = self._begin_hand_over(None)
            return
        following, report = code == Message.EXTENDED, code == MirrorMessage.REPORT
        yz = data[3] if following else data[1]
        known = (conn.initiator_id, yz) in self._group.members
        self.rules["MIR-16"].require(known and (not following or yz == operation.leader), text, slot)
        state.hand_over = hand_over = self._begin_hand_over(yz)
        hand_over.report, hand_over.following = report, following
        if not self.bus.has_drivers:
            conn.owner_unknown = True
            self._taken(state, operation, hand_over, yz)

    def _message_in(self, state: State, message: ReadMessage) -> None:
        conn = self.bus.conn
        assert conn is not None
        if message.code >= Message.IDENTIFY:
            self._identified(state, message)
        elif message.code == Message.SIMPLE:
            state.tag = message.data[1]
        if state.reclaimed:
            state.reclaimed = False
            wanted = bytes((MirrorMessage.SWITCH_ROLE, state.operation.leader if state.operation else 0))
            self.rules["MIR-09"].require(message.data == wanted, shown(message), conn.owner_slot)
        operation = state.operation
        if message.code == Message.RESTORE_POINTERS and operation is not None:
            operation.taken = 0
        if message.code == MirrorMessage.SWITCH_ROLE and operation is not None and not self.bus.has_drivers:
            operation.current, operation.taken, operation.answer = operation.leader, operation.length, None
        if message.code == Message.MESSAGE_REJECT and not message.atn:
            self._undo(state)
            if operation is not None and not operation.valid:
                state.operation = None
        self._status.message_in(state, message)
        self._group.message_in(state, message)

    def _given_up(self, state: State, operation: Operation) -> None:
        """After three resends nobody knows what the current target made of the last one (section 15, faults)."""
        if state.resends >= _RESENDS and state.moved:
            self._status.not_accepted(state, operation)

    def _undo(self, state: State) -> None:
        """A message was not accepted: its sender stays with the current target."""
        state.hand_over = state.release = None
        if state.operation is not None and state.moved:
            self._status.undo(state, state.operation)
        state.moved = False
        self._grant()

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
        if conn.phase == Phase.MSG_OUT:
            state.moved, state.resends = False, 0
        elif conn.phase == Phase.COMMAND:
            self._status.commanded(state)
        if operation is not None and conn.phase is not None:
            self._operation_phase(state, operation, Phase(conn.phase))
        if state.reclaimed:
            self.rules["MIR-09"].require(conn.phase == Phase.MSG_IN, slot=conn.owner_slot)

    def _operation_phase(self, state: State, operation: Operation, phase: Phase) -> None:
        if phase.is_data and not operation.valid:
            operation.valid = state.took = True
            if self._bus_free is not None:
                self._bus_free.exempt = True
        if operation.valid and state.took:
            state.took = False
            if phase is Phase.MSG_IN and not self.bus.has_drivers:  # who says so, and what, is not known yet
                return
            slot = self.bus.conn.owner_slot if self.bus.conn else None
            self.rules["MIR-25"].require(phase.is_data and phase.is_in == operation.read, slot=slot)
            operation.copied.add(operation.current)
        self._status.phase(operation)

    def on_req_rise(self) -> None:
        """The old target's REQ in MESSAGE OUT or IN after all means that it kept the lines."""
        state = self._state
        state.message_t0 = None
        hand_over = state.hand_over
        if state.operation is not None and (hand_over is None or not self.bus.has_drivers):
            self._status.request(state.operation)
        if hand_over is not None and not hand_over.released and self.bus.connected:
            state.hand_over = state.release = None
            self._grant()

    def on_byte(self, transfer: Transfer) -> None:
        operation = self._state.operation
        if operation is not None and transfer.phase in (Phase.DATA_OUT, Phase.DATA_IN):
            operation.taken += 2 if self.bus.wide_now else 1
        if transfer.phase == Phase.STATUS:
            self._status.status(self._state, transfer)

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

    def on_atn_rise(self) -> None:
        if self._state.operation is not None:
            self._status.attention(self._state.operation)

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
        self._given_up(state, operation)
        self._status.over(operation)
        self._judge_free(state, operation)

    on_qas = on_free


def _well_formed(data: bytes) -> bool:
    """Length and last indicator of a vendor message from the initiator."""
    if data[0] != Message.EXTENDED:
        return len(data) == 2 or (data[2] == LAST and data[0] != MirrorMessage.RELEASE)
    if len(data) < 3 or data[1] not in EXTENDED_LENGTHS[MirrorExtended(data[2])]:
        return False
    return data[1] != EXTENDED_LENGTH_LAST or data[-1] == LAST
