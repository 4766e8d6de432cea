"""SYN: ST synchronous data phases (spi-facts 3.3, 8). Parity and drivers are judged here too, under their own rules."""

from __future__ import annotations

from ..agreement import Agreement
from ..wires import M_ACK, M_REQ
from .connection import Connection
from .limits import ST_ASSERTION, ST_HOLD, ST_NEGATION, ST_SETUP, in_ps, speed_of
from .lines import M_HIGH, M_LOW
from .rule import CheckerOptions, RuleSpec
from .stream import Stream
from .tracker import BusTracker

_TIMES = "spi-facts 3.3"
_PERIOD = "agreed period - 1.0"


class SynchronousRules(Stream):
    """See the module. Data is taken at the assertion of REQ (IN) or ACK (OUT)."""

    SPECS = (
        RuleSpec("SYN-01", "REQ is asserted no more often than the period allows", _TIMES, limit_text=_PERIOD),
        RuleSpec("SYN-02", "ACK is asserted no more often than the period allows", _TIMES, limit_text=_PERIOD),
        RuleSpec("SYN-03", "REQ is asserted long enough", _TIMES, limits_ns=ST_ASSERTION),
        RuleSpec("SYN-04", "ACK is asserted long enough", _TIMES, limits_ns=ST_ASSERTION),
        RuleSpec("SYN-05", "REQ is negated long enough", _TIMES, limits_ns=ST_NEGATION),
        RuleSpec("SYN-06", "ACK is negated long enough", _TIMES, limits_ns=ST_NEGATION),
        RuleSpec("SYN-07", "IN: data and parity stand for the setup time before REQ", _TIMES, limits_ns=ST_SETUP),
        RuleSpec("SYN-08", "IN: data and parity are held after the assertion of REQ", _TIMES, limits_ns=ST_HOLD),
        RuleSpec("SYN-09", "OUT: data and parity stand for the setup time before ACK", _TIMES, limits_ns=ST_SETUP),
        RuleSpec("SYN-10", "OUT: data and parity are held after the assertion of ACK", _TIMES, limits_ns=ST_HOLD),
        RuleSpec("SYN-11", "no REQ while as many are outstanding as the agreed offset", "spi-facts 8"),
        RuleSpec("SYN-12", "no ACK without a REQ outstanding", "spi-facts 8"),
        RuleSpec("SYN-13", "the phase ends with as many ACKs as REQs", "spi-facts 8"),
    )

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._assertion = self._negation = self._setup = self._hold = 0
        self._wide = False
        self._wires = M_LOW

    def begin(self, conn: Connection, agreement: Agreement) -> None:
        speed = speed_of(agreement)
        assert speed is not None
        self._assertion, self._negation = in_ps(ST_ASSERTION, speed), in_ps(ST_NEGATION, speed)
        self._setup, self._hold = in_ps(ST_SETUP, speed), in_ps(ST_HOLD, speed)
        self._wide = agreement.wide
        self._wires = M_LOW | M_HIGH if agreement.wide else M_LOW
        super().begin(conn, agreement)

    def step(self, now: int, value: int, changed: int) -> None:
        if changed & self._wires:
            if now - self._t_strobe < self._hold:
                rule = self.rules["SYN-08" if self._sent_by_target else "SYN-10"]
                rule.found(now - self._t_strobe, slot=self._sender)
            self._t_data = now
        outstanding = self._reqs - self._acks
        if changed & M_REQ:
            self._request(now, value, outstanding)
        if changed & M_ACK:
            self._acknowledge(now, value, outstanding)

    def _request(self, now: int, value: int, outstanding: int) -> None:
        if not value & M_REQ:
            if now - self._t_req_rise < self._assertion:
                self.rules["SYN-03"].found(now - self._t_req_rise, slot=self._target)
            self._t_req_fall = now
            return
        self._reqs += 1
        if now - self._t_req_rise < self._period:
            self.rules["SYN-01"].found(now - self._t_req_rise, slot=self._target)
        if now - self._t_req_fall < self._negation:
            self.rules["SYN-05"].found(now - self._t_req_fall, slot=self._target)
        if outstanding >= self._offset:
            self.rules["SYN-11"].found(what=f"REQ with {outstanding} outstanding", slot=self._target)
        self._t_req_rise = now
        if self._sent_by_target:
            self._take(now, value)

    def _acknowledge(self, now: int, value: int, outstanding: int) -> None:
        if not value & M_ACK:
            if now - self._t_ack_rise < self._assertion:
                self.rules["SYN-04"].found(now - self._t_ack_rise, slot=self._initiator)
            self._t_ack_fall = now
            return
        self._acks += 1
        if outstanding <= 0:
            self._spoiled = True
            self.rules["SYN-12"].found(slot=self._initiator)
        if now - self._t_ack_rise < self._period:
            self.rules["SYN-02"].found(now - self._t_ack_rise, slot=self._initiator)
        if now - self._t_ack_fall < self._negation:
            self.rules["SYN-06"].found(now - self._t_ack_fall, slot=self._initiator)
        self._t_ack_rise = now
        if not self._sent_by_target:
            self._take(now, value)

    def _take(self, now: int, value: int) -> None:
        """The strobe with which data is valid."""
        self._t_strobe = now
        if now - self._t_data < self._setup:
            rule = self.rules["SYN-07" if self._sent_by_target else "SYN-09"]
            rule.found(now - self._t_data, slot=self._sender)
        if self._intruder is not None:
            self._driver_rule.found(slot=self._intruder)
        if self.options.parity:
            if not (value & M_LOW).bit_count() & 1:
                self._parity_rules["PAR-06" if self._sent_by_target else "PAR-05"].found(slot=self._sender)
            if self._wide and not (value & M_HIGH).bit_count() & 1:
                self._parity_rules["PAR-07"].found(slot=self._sender)

    def _end_whole(self) -> None:
        if not self._spoiled:
            same = self._reqs == self._acks
            text = "" if same else f"{self._reqs} REQs, {self._acks} ACKs"
            self.rules["SYN-13"].require(same, text, slot=self._initiator)

    def _count(self, reqs: int, acks: int) -> None:
        rules = self.rules
        for rule_id, strobes in (("SYN-01", reqs), ("SYN-03", reqs), ("SYN-05", reqs), ("SYN-11", reqs)):
            rules[rule_id].evaluations += strobes
        for rule_id, strobes in (("SYN-02", acks), ("SYN-04", acks), ("SYN-06", acks), ("SYN-12", acks)):
            rules[rule_id].evaluations += strobes
        words, of_phase = (reqs, ("SYN-07", "SYN-08")) if self._sent_by_target else (acks, ("SYN-09", "SYN-10"))
        for rule_id in of_phase:
            rules[rule_id].evaluations += words
        if self.bus.has_drivers and self._sender is not None:
            self._driver_rule.evaluations += words
        if self.options.parity:
            self._parity_rules["PAR-06" if self._sent_by_target else "PAR-05"].evaluations += words
            self._parity_rules["PAR-07"].evaluations += words * self._wide

    @property
    def transferred(self) -> int:
        return (self._reqs if self._sent_by_target else self._acks) * (1 + self._wide)
