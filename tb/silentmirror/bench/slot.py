"""One populated slot of the bench."""

from __future__ import annotations

from typing import Any

from silentmirror.bench.config import SlotConfig
from silentmirror.bench.registers import Mailbox, Reg
from silentmirror.bench.saboteur import Saboteur


class Slot:
    """A slot's saboteurs, clock and reset."""

    def __init__(self, mailbox: Mailbox, number: int, config: SlotConfig, handle: Any) -> None:
        self.number = number
        self.config = config
        self.tx = Saboteur(mailbox, number, Reg.SAB_TX, handle)
        """Faults on what this device drives."""
        self.rx = Saboteur(mailbox, number, Reg.SAB_RX, handle)
        """Faults on what this device sees."""
        self.clk: Any = handle.ctl.clk_o
        """The device's clock, for waiting on its edges; stopped in a Python port's slot."""
        self.rst_n: Any = handle.ctl.rst_no
        """The device's reset, active low."""
        self._mailbox = mailbox

    def set_cable(self, ns: float) -> None:
        """Change the cable delay, which applies in each direction; edges on their way keep the old one."""
        self._mailbox.post(self.number, Reg.TAP, 1)
        self._mailbox.post(self.number, Reg.CABLE_PS, round(ns * 1000))

    def stop_clock(self) -> None:
        """Freeze the device as it is: what it drives stays."""
        self._mailbox.post(self.number, Reg.CLK_RUN, 0)

    def start_clock(self) -> None:
        """Let a frozen device go on."""
        self._mailbox.post(self.number, Reg.CLK_RUN, 1)
