"""Quick arbitration and selection: who may ask for the bus after QAS REQUEST, and how (spi-facts 4.4, protocol 13)."""

from __future__ import annotations

from ..constants import Message, Phase, ids_by_priority, message_length
from ..wires import M_ACK, M_ATN, M_BSY, M_PHASE, M_REQ, M_RST, M_SEL, phase_of
from .handshake import parity_ok
from .port import M_FREE, ScsiPort, now_ps

_BEFORE_IT = (Message.TASK_COMPLETE, Message.DISCONNECT)


class QasWatcher:
    """Reads MESSAGE IN of every connection and tells when the bus is open to quick arbitration."""

    def __init__(self, port: ScsiPort) -> None:
        self.opened_at: int | None = None
        """When MSG, C/D and I/O were all false after a QAS REQUEST (ps); None while the bus is not open."""
        self._port = port
        self._message = bytearray()
        self._byte: tuple[int, bool] = (0, True)
        self._last: int | None = None
        self._granted = self._spoiled = False
        port.observe(self)

    def lines_changed(self, lines: int, changed: int) -> None:
        """One change of the control lines."""
        if lines & (M_FREE | M_RST | M_SEL) or not lines & M_BSY:
            if changed & (M_FREE | M_RST | M_SEL | M_BSY):
                self.opened_at, self._last = None, None
                self._granted = self._spoiled = False
                self._message.clear()
        elif changed & M_PHASE:
            if self._granted and not lines & M_PHASE and self.opened_at is None:
                self.opened_at = now_ps()
        elif changed & M_REQ and lines & M_REQ:
            self._req(lines)
        elif changed & M_ACK and not lines & M_ACK and phase_of(lines) == Phase.MSG_IN:
            self._ack(lines)

    def _req(self, lines: int) -> None:
        self._granted = False
        if phase_of(lines) == Phase.MSG_IN:
            db, dbp = self._port.read_data()
            self._byte = db & 0xFF, parity_ok(db, dbp, wide=False)
        else:
            self._message.clear()

    def _ack(self, lines: int) -> None:
        byte, good = self._byte
        self._message.append(byte)
        if message_length(self._message) != len(self._message):
            return
        first, length = self._message[0], len(self._message)
        self._message.clear()
        refused = bool(lines & M_ATN) or not good
        if first == Message.QAS_REQUEST and length == 1:
            # After an error it comes again, and then opens nothing.
            self._granted = not refused and not self._spoiled and self._last in _BEFORE_IT
            self._spoiled = True
        self._last = None if refused else first


async def arbitrate_quickly(port: ScsiPort, own_id: int, opened_at: int) -> bool:
    """Take part in a QAS phase. True: won, SEL is asserted, and it has been long enough to change other signals."""
    timing = port.timing
    await port.delay(timing.reaction_time)
    port.drive(db=1 << own_id)
    left = opened_at / 1000 + timing.qas_arbitration_delay - now_ps() / 1000
    if not await port.wait(_decided, max(left, 0)):
        if ids_by_priority(port.read_data()[0] | 1 << own_id)[0] == own_id:
            port.drive(sel=1)
            await port.delay(timing.qas_arbitration_delay)
            return True
        await port.wait(_decided)
    await port.delay(timing.reaction_time)
    port.release()
    return False


def _decided(lines: int) -> bool:
    """Somebody has asserted SEL, or the target has given up."""
    return bool(lines & M_SEL) or not lines & M_BSY
