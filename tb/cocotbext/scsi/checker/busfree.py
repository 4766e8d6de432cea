"""FRE, CON and RST: BUS FREE, the connection as a whole, and reset (spi-facts 2, 5.3, 5.4)."""

from __future__ import annotations

from typing import Final

from ..agreement import Option
from ..constants import Message, Phase
from ..wires import M_ALL, M_DATA, M_DB, M_RST, NAMES, RST, SLOTS
from .connection import BusState, Transfer
from .cycle import RESET_DELAY_PS
from .family import Family
from .messages import ReadMessage
from .rule import CheckerOptions, Level, Rule, RuleSpec
from .tracker import BusTracker

_ENDING_IN: Final = frozenset({Message.TASK_COMPLETE, Message.DISCONNECT})
_RELEASE_RECOVERY: Final = 0x10
_ENDING_OUT: Final = frozenset(
    {
        Message.ABORT_TASK_SET,
        Message.TARGET_RESET,
        Message.ABORT_TASK,
        Message.CLEAR_TASK_SET,
        Message.CLEAR_ACA,
        Message.LOGICAL_UNIT_RESET,
        _RELEASE_RECOVERY,
    }
)
_FREE_RELEASE_NS: Final = 1200
"""From BSY and SEL first both false: bus settle + bus clear delay (spi-facts 3.1)."""


class BusFreeRules(Family):
    """FRE and CON."""

    SPECS = (
        RuleSpec(
            "FRE-01",
            "every signal is released within bus settle + bus clear delay of BSY and SEL becoming false",
            "spi-facts 3.1 bus clear delay",
            _FREE_RELEASE_NS,
            upper=True,
        ),
        RuleSpec(
            "FRE-02",
            "a connection ends in BUS FREE or QAS only after a message that allows it, or after reset",
            "spi-facts 5.4, protocol 13",
        ),
        RuleSpec("FRE-03", "on a free bus nothing is asserted but BSY with IDs, or RST", "spi-facts 1 driver map"),
        RuleSpec("CON-01", "BSY has no gap within a connection", "spi-facts 2 between phases"),
        RuleSpec("CON-02", "SEL stays false within a connection", "spi-facts 2 between phases"),
    )

    def __init__(self, bus: BusTracker, options: CheckerOptions) -> None:
        super().__init__(bus, options)
        self._watched: int | None = None
        self.exempt = False
        """Set by a vendor protocol whose own rule judges how this connection ends."""
        self.unexpected = 0
        """Unexpected BUS FREEs, allowed or not."""
        self._units_before = False
        self._task_over = False
        """TASK COMPLETE or DISCONNECT was sent, and nothing but messages came after it: 55h may follow."""

    def on_message(self, message: ReadMessage) -> None:
        conn = self.bus.conn
        assert conn is not None
        if message.incoming:
            self._task_over |= message.code in _ENDING_IN and not message.atn
            ends = message.code in _ENDING_IN or (message.code == Message.QAS_REQUEST and self._task_over)
            conn.free_expected |= ends and not message.atn
        else:
            conn.free_expected |= message.code in _ENDING_OUT and message.parity_ok
            conn.free_expected |= self._task_over  # the 55h that came after it was rejected
        conn.free_expected |= self._units() != self._units_before

    def _units(self) -> bool:
        """Information units are agreed on: a change of that lets the target free the bus (spi-facts 5.4, 7)."""
        agreed = self.bus.agreement()
        return agreed is not None and bool(agreed.options & Option.IU)

    def on_byte(self, transfer: Transfer) -> None:
        if transfer.phase < Phase.MSG_OUT:
            self._task_over = False

    def on_streamed(self, _transferred: int) -> None:
        self._task_over = False

    def on_connected(self) -> None:
        self.exempt = False
        self._task_over = False
        self._units_before = self._units()

    def on_released(self) -> None:
        self.rules["CON-02"].require(True)
        self._watch_release()

    def on_failed(self) -> None:
        self._watch_release()

    def on_dropped(self) -> None:
        self._watch_release()

    def on_qas_closed(self) -> None:
        self._watch_release()

    def on_reset(self) -> None:
        self._watched = None

    def on_resumed(self) -> None:
        self._watched = None
        self.rules["CON-01"].require(False)

    def on_sel_rise(self) -> None:
        if self.bus.connected:
            self.rules["CON-02"].require(False)

    def on_free(self) -> None:
        """BUS FREE established: the connection is over, rightly or not."""
        bus = self.bus
        conn = bus.conn
        assert conn is not None
        self.rules["CON-01"].require(True)
        if self.exempt:
            return
        self.unexpected += not conn.free_expected
        self.rules["FRE-02"].require(conn.free_expected or self.options.allow_unexpected_free, slot=conn.target_slot)

    on_qas = on_free

    def _watch_release(self) -> None:
        self._watched = since = self.bus.now
        self.bus.after(self.rules["FRE-01"].limit_ps, lambda: self._released(since, self.bus.value))

    def _released(self, since: int, value: int) -> None:
        if self._watched == since:
            self._watched = None
            _require_released(self.rules["FRE-01"], self.bus, value, 0)

    def on_arbitration(self) -> None:
        """The next arbitration may begin just when the limit ends: judge the wires before it."""
        if self._watched is not None:
            self._released(self._watched, self.bus.before)
        self.rules["FRE-03"].require(True)

    def _risen(self) -> None:
        bus = self.bus
        if bus.state is BusState.FREE and self._watched is None and bus.settled:
            self.rules["FRE-03"].require(False)

    on_msg_rise = on_cd_rise = on_io_rise = on_req_rise = on_ack_rise = on_atn_rise = _risen

    def on_data(self, changed: int) -> None:
        if changed & self.bus.value & M_DATA:
            self._risen()


class ResetRules(Family):
    """RST."""

    SPECS = (
        RuleSpec("RST-01", "RST is held for the reset hold time", "spi-facts 5.3", 25_000),
        RuleSpec(
            "RST-02",
            "every signal but RST is released within the bus clear delay of RST",
            "spi-facts 5.3",
            800,
            upper=True,
        ),
        RuleSpec("RST-03", "nothing is asserted anew while RST is true", "spi-facts 5.3"),
    )

    _since = 0

    def on_reset(self) -> None:
        bus = self.bus
        self._since = since = bus.now
        rule = self.rules["RST-02"]

        def judge() -> None:
            glitch = (
                self.options.level >= Level.SPI3 and not bus.value & M_RST and bus.t_fall[RST] - since < RESET_DELAY_PS
            )
            if not glitch:
                _require_released(rule, bus, bus.value, M_RST)

        bus.after(rule.limit_ps, judge)

    def on_reset_end(self) -> None:
        self.rules["RST-01"].minimum(self.bus.now - self._since)
        self.rules["RST-03"].require(True)

    def _risen(self) -> None:
        bus = self.bus
        if bus.state is BusState.RESET and bus.now - self._since > self.rules["RST-02"].limit_ps:
            self.rules["RST-03"].require(False)

    on_bsy_rise = on_sel_rise = on_msg_rise = on_cd_rise = on_io_rise = _risen
    on_req_rise = on_ack_rise = on_atn_rise = _risen

    def on_data(self, changed: int) -> None:
        if changed & self.bus.value & M_DB:
            self._risen()


def _require_released(rule: Rule, bus: BusTracker, value: int, except_for: int) -> None:
    """Evaluate that nothing is asserted, and say who still asserts what."""
    left = value & ~except_for & M_ALL
    names = " ".join(NAMES[bit] for bit in range(len(NAMES)) if left >> bit & 1)
    slot = next((n for n in range(SLOTS) if bus.drive[n] & left), None)
    rule.require(not left, f"{rule.spec.text}; still true: {names}", slot=slot)
