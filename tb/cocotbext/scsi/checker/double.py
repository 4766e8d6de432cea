"""DTR: DT data phases, data groups with pad and CRC (spi-facts 3.4, 8). Who drives data is judged here under DRV-04."""

from __future__ import annotations

import sys
from array import array
from collections import deque
from typing import Final
from zlib import crc32

from ..agreement import Agreement
from ..wires import DB, M_ACK, M_DB, M_REQ, SLOTS
from .connection import Connection
from .handshake import M_PCRCA
from .limits import (
    DT_HOLD,
    DT_PCRC_HOLD,
    DT_PCRC_SETUP,
    DT_SETUP,
    DT_STRETCHED,
    DT_WIDTH,
    in_ps,
    speed_of,
)
from .lines import NEVER
from .rule import CheckerOptions, RuleSpec
from .stream import Stream
from .tracker import BusTracker

_GOOD_RESIDUE: Final = 0x2144DF1C
"""CRC-32 over a group with its CRC: C704DD7Bh of spi-facts 8, bits reversed and complemented as `crc32` gives it."""
_TIMES = "spi-facts 3.4"
_PERIOD = "2 x agreed transfer period - 0.6"
_GROUPS = "spi-facts 8"


class DoubleTransitionRules(Stream):
    """See the module. Data is taken at both edges of REQ (IN) or ACK (OUT)."""

    SPECS = (
        RuleSpec("DTR-01", "REQ is asserted no more often than the period allows", _TIMES, limit_text=_PERIOD),
        RuleSpec("DTR-02", "ACK is asserted no more often than the period allows", _TIMES, limit_text=_PERIOD),
        RuleSpec("DTR-03", "REQ is asserted and negated long enough", _TIMES, limits_ns=DT_WIDTH),
        RuleSpec("DTR-04", "ACK is asserted and negated long enough", _TIMES, limits_ns=DT_WIDTH),
        RuleSpec("DTR-05", "IN: data stands for the setup time before each edge of REQ", _TIMES, limits_ns=DT_SETUP),
        RuleSpec("DTR-06", "IN: data is held after each edge of REQ", _TIMES, limits_ns=DT_HOLD),
        RuleSpec("DTR-07", "OUT: data stands for the setup time before each edge of ACK", _TIMES, limits_ns=DT_SETUP),
        RuleSpec("DTR-08", "OUT: data is held after each edge of ACK", _TIMES, limits_ns=DT_HOLD),
        RuleSpec("DTR-09", "P_CRCA stands for its setup time before an edge of REQ", _TIMES, limits_ns=DT_PCRC_SETUP),
        RuleSpec("DTR-10", "P_CRCA is held after an edge of REQ", _TIMES, limits_ns=DT_PCRC_HOLD),
        RuleSpec("DTR-11", "REQ stays longer where P_CRCA changes", _TIMES, limits_ns=DT_STRETCHED),
        RuleSpec("DTR-12", "only the target drives P_CRCA", "spi-facts 1 driver map", needs_drivers=True),
        RuleSpec("DTR-13", "no edge of REQ while as many are outstanding as the agreed offset", _GROUPS),
        RuleSpec("DTR-14", "no edge of ACK without an edge of REQ outstanding", _GROUPS),
        RuleSpec("DTR-15", "the phase ends with as many edges of ACK as of REQ", _GROUPS),
        RuleSpec("DTR-16", "REQ is negated at the end of a data group", _GROUPS),
        RuleSpec("DTR-17", "a group ends with two CRC words, after an odd number of data words with a pad", _GROUPS),
        RuleSpec("DTR-18", "IN: pad and CRC come when the groups before are acknowledged", _GROUPS),
        RuleSpec("DTR-19", "the CRC of a group of DATA IN is right", _GROUPS),
        RuleSpec("DTR-20", "the CRC of a group of DATA OUT is right", _GROUPS),
    )  # fmt: skip

    DATA = M_DB
    EXTRA_TARGET = M_PCRCA

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._width = self._setup = self._hold = self._stretched = 0
        self._pcrc_setup = self._pcrc_hold = 0
        self._t_req = self._t_ack = self._t_pcrca = NEVER
        """Last edge of REQ, of ACK, of P_CRCA within the phase."""
        self._moved = False
        """P_CRCA has changed since the last edge of REQ."""
        self._plain = self._marked = 0
        """Edges of REQ in the present group with P_CRCA negated and asserted."""
        self._ended_at = 0
        """Edges of REQ in the groups before."""
        self._words = array("H")
        """Words that were sent and belong to no group that was judged."""
        self._groups: deque[int] = deque()
        """Groups that ended but were not judged: words of each."""
        self._lost = False
        """A group had no right end: what follows cannot be cut into groups."""
        self._data_words = 0
        self._strange_pcrca: int | None = None

    def begin(self, conn: Connection, agreement: Agreement) -> None:
        speed = speed_of(agreement)
        assert speed is not None
        self._width, self._stretched = in_ps(DT_WIDTH, speed), in_ps(DT_STRETCHED, speed)
        self._setup, self._hold = in_ps(DT_SETUP, speed), in_ps(DT_HOLD, speed)
        self._pcrc_setup, self._pcrc_hold = in_ps(DT_PCRC_SETUP, speed), in_ps(DT_PCRC_HOLD, speed)
        self._t_req = self._t_ack = self._t_pcrca = NEVER
        self._moved = self._lost = False
        self._plain = self._marked = self._ended_at = self._data_words = 0
        self._words = array("H")
        self._groups.clear()
        super().begin(conn, agreement)

    def look(self) -> None:
        super().look()
        bus = self.bus
        self._strange_pcrca = None
        if bus.has_drivers and self._target is not None:
            slots = (slot for slot in range(SLOTS) if bus.drive[slot] & M_PCRCA and slot != self._target)
            self._strange_pcrca = next(slots, None)

    def step(self, now: int, value: int, changed: int) -> None:
        if changed & M_DB:
            if now - self._t_strobe < self._hold:
                rule = self.rules["DTR-06" if self._sent_by_target else "DTR-08"]
                rule.found(now - self._t_strobe, slot=self._sender)
            self._t_data = now
        if changed & M_PCRCA and self._reqs:
            self._mark(now, value)
        outstanding = self._reqs - self._acks
        if changed & M_REQ:
            self._request(now, value, outstanding)
        if changed & M_ACK:
            self._acknowledge(now, value, outstanding)

    def _request(self, now: int, value: int, outstanding: int) -> None:
        self._reqs += 1
        if self._moved:
            self._after_mark(now)
        elif now - self._t_req < self._width:
            self.rules["DTR-03"].found(now - self._t_req, slot=self._target)
        self._t_req = now
        if outstanding >= self._offset:
            self.rules["DTR-13"].found(what=f"edge of REQ with {outstanding} outstanding", slot=self._target)
        if value & M_REQ:
            if now - self._t_req_rise < self._period:
                self.rules["DTR-01"].found(now - self._t_req_rise, slot=self._target)
            self._t_req_rise = now
        else:
            self._t_req_fall = now
        if value & M_PCRCA:
            self._marked += 1
            if self._sent_by_target and self._marked == 1:
                self.rules["DTR-18"].require(self._acks >= self._ended_at, slot=self._target)
        else:
            self._plain += 1
        if self._strange_pcrca is not None:
            self.rules["DTR-12"].found(slot=self._strange_pcrca)
        if self._sent_by_target:
            self._take(now, value)

    def _acknowledge(self, now: int, value: int, outstanding: int) -> None:
        self._acks += 1
        if outstanding <= 0:
            self._spoiled = True
            self.rules["DTR-14"].found(slot=self._initiator)
        if now - self._t_ack < self._width:
            self.rules["DTR-04"].found(now - self._t_ack, slot=self._initiator)
        self._t_ack = now
        if value & M_ACK:
            if now - self._t_ack_rise < self._period:
                self.rules["DTR-02"].found(now - self._t_ack_rise, slot=self._initiator)
            self._t_ack_rise = now
        else:
            self._t_ack_fall = now
        if not self._sent_by_target:
            self._take(now, value)

    def _take(self, now: int, value: int) -> None:
        """An edge with which data is valid."""
        self._t_strobe = now
        if now - self._t_data < self._setup:
            rule = self.rules["DTR-05" if self._sent_by_target else "DTR-07"]
            rule.found(now - self._t_data, slot=self._sender)
        if self._intruder is not None:
            self._driver_rule.found(slot=self._intruder)
        self._words.append(value >> DB & 0xFFFF)
        if self._groups:
            self._judge_groups()

    def _mark(self, now: int, value: int) -> None:
        """P_CRCA has changed; its negation ends a group."""
        self.rules["DTR-10"].evaluations += 1
        if now - self._t_req < self._pcrc_hold:
            self.rules["DTR-10"].found(now - self._t_req, slot=self._target)
        self._t_pcrca = now
        self._moved = True
        if not value & M_PCRCA:
            self._close(bool(value & M_REQ))

    def _after_mark(self, now: int) -> None:
        """The first edge of REQ after a change of P_CRCA."""
        self._moved = False
        rules = self.rules
        for rule, since, limit in (
            (rules["DTR-09"], self._t_pcrca, self._pcrc_setup),
            (rules["DTR-11"], self._t_req, self._stretched),
        ):
            rule.evaluations += 1
            if now - since < limit:
                rule.found(now - since, slot=self._target)

    def _close(self, req: bool) -> None:
        """The present group is over, as far as REQ goes."""
        plain, marked = self._plain, self._marked
        self._plain = self._marked = 0
        self._ended_at = self._reqs
        self._data_words += plain
        if self._lost:
            return
        self.rules["DTR-16"].require(not req, slot=self._target)
        good = plain > 0 and marked == 2 + (plain & 1)
        if not req:
            text = "" if good else f"{plain} data words, then {marked} with P_CRCA"
            self.rules["DTR-17"].require(good, text, slot=self._target)
        self._lost = req or not good
        if not self._lost:
            self._groups.append(plain + marked)
            self._judge_groups()

    def _judge_groups(self) -> None:
        """The CRC of each group whose words are all there."""
        groups = self._groups
        while groups and len(self._words) >= groups[0]:
            count = groups.popleft()
            words, self._words = self._words[:count], self._words[count:]
            if not self._spoiled:
                if sys.byteorder == "big":
                    words.byteswap()
                rule = self.rules["DTR-19" if self._sent_by_target else "DTR-20"]
                rule.require(crc32(words.tobytes()) == _GOOD_RESIDUE, slot=self._sender)

    def _end_whole(self) -> None:
        if self._plain or self._marked:
            self._close(False)
        if not self._spoiled:
            same = self._reqs == self._acks
            text = "" if same else f"{self._reqs} edges of REQ, {self._acks} of ACK"
            self.rules["DTR-15"].require(same, text, slot=self._initiator)

    def _count(self, reqs: int, acks: int) -> None:
        rules = self.rules
        for rule_id in ("DTR-01", "DTR-03", "DTR-13"):
            rules[rule_id].evaluations += reqs
        for rule_id in ("DTR-02", "DTR-04", "DTR-14"):
            rules[rule_id].evaluations += acks
        words, of_phase = (reqs, ("DTR-05", "DTR-06")) if self._sent_by_target else (acks, ("DTR-07", "DTR-08"))
        for rule_id in of_phase:
            rules[rule_id].evaluations += words
        if self.bus.has_drivers and self._sender is not None:
            self._driver_rule.evaluations += words
            rules["DTR-12"].evaluations += reqs

    @property
    def transferred(self) -> int:
        return 2 * self._data_words
