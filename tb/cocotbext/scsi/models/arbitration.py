"""Arbitration, selection and reselection from either side (spi-facts 4.1 to 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..constants import ids_by_priority
from ..wires import M_BSY, M_IO, M_SEL
from .faults import FaultKind, Faults
from .port import M_FREE, ScsiPort, now_ps, parity_of


@dataclass(frozen=True, slots=True)
class Selected:
    """A (re)selection that names this device."""

    by: int
    """SCSI ID of the device that selects."""
    reselection: bool


_PARTNER_KEPT_SEL_NS: Final = 1_000_000
"""How long a selected device waits for SEL to be negated before it gives up."""
_IDS_FOLLOW_SEL_NS: Final = 3_000
"""How long after SEL a selected device looks for its ID: QAS has both IDs on DB 1000 to 1300 ns after SEL."""
_LOOK_AGAIN_NS: Final = 100


async def arbitrate(port: ScsiPort, own_id: int) -> bool:
    """Take part in one arbitration; call when BUS FREE has been detected. True: won, SEL and BSY are asserted.

    False: lost or came too late; everything is released and somebody else has the bus.
    """
    timing = port.timing
    await port.delay_until(port.free_at + timing.bus_free_delay * 1000)
    if not port.is_set(M_FREE) and (
        port.is_set(M_SEL) or not port.is_set(M_BSY) or now_ps() - port.free_left > timing.bus_set_delay * 1000
    ):
        return False
    port.drive(bsy=1, db=1 << own_id)
    if await port.wait(lambda lines: bool(lines & M_SEL), timing.arbitration_delay):
        await port.delay(timing.reaction_time)
        port.release()
        return False
    if ids_by_priority(port.read_data()[0] | 1 << own_id)[0] != own_id:
        await port.wait(lambda lines: bool(lines & M_SEL))
        await port.delay(timing.reaction_time)
        port.release()
        return False
    port.drive(sel=1)
    await port.delay(timing.bus_clear_delay + timing.bus_settle_delay)
    return True


async def name_and_wait(port: ScsiPort, ids: int, timeout_ns: int, faults: Faults | None = None) -> bool:
    """Put IDs on the bus, let BSY go and wait for the answer; on time-out leave the bus by method (b)."""
    timing = port.timing
    groups = bool(ids >> 8) << 1 | bool(ids & 0xFF)
    parity = parity_of(ids) & groups
    if faults and faults.take(FaultKind.BAD_PARITY, None):
        parity ^= groups
    port.drive_data(ids, parity)
    await port.delay(timing.two_deskews)
    port.drive(bsy=0)
    await port.delay(timing.bus_settle_delay)
    if await port.wait(lambda lines: bool(lines & M_BSY), timeout_ns):
        return True
    port.release_data()
    if await port.wait(lambda lines: bool(lines & M_BSY), timing.selection_abort_time + timing.two_deskews):
        return True
    port.release()
    return False


async def select(
    port: ScsiPort,
    own_id: int,
    target: int,
    *,
    atn: bool,
    timeout_ns: int,
    faults: Faults | None = None,
    after_qas: bool = False,
) -> bool:
    """Initiator, after a won arbitration: select. False: selection time-out, the bus is left free."""
    port.drive(atn=int(atn))
    if after_qas and atn:
        await port.delay(port.timing.two_deskews)
    if not await name_and_wait(port, 1 << own_id | 1 << target, timeout_ns, faults):
        return False
    await port.delay(port.timing.two_deskews)
    port.drive(sel=0, db=0, dbp=0)
    return True


async def reselect(
    port: ScsiPort, own_id: int, initiator: int, *, timeout_ns: int, faults: Faults | None = None
) -> bool:
    """Target, after a won arbitration: reselect. True: BSY and I/O are asserted and the target owns the connection."""
    port.drive(io=1)
    if not await name_and_wait(port, 1 << own_id | 1 << initiator, timeout_ns, faults):
        return False
    await port.delay(port.timing.reaction_time)
    port.drive(bsy=1)
    await port.delay(port.timing.two_deskews)
    port.drive(sel=0, db=0, dbp=0)
    return True


def being_selected(lines: int, *, reselection: bool) -> bool:
    """The wires show a SELECTION (or RESELECTION) phase of some device."""
    return lines & (M_SEL | M_BSY | M_IO) == (M_SEL | M_IO if reselection else M_SEL)


async def detect_selection(port: ScsiPort, own_id: int, *, reselection: bool) -> Selected | None:
    """Call while `being_selected`: settle, then tell who selects this device; None if it is not for it or malformed.

    After QAS the wires show a selection before the winner has put the second ID on DB: so look again for a while.
    """
    settle = port.timing.bus_settle_delay
    late = not port.read_data()[0] >> own_id & 1
    while True:
        if not await port.hold(lambda lines: being_selected(lines, reselection=reselection), settle):
            return None
        db, dbp = port.read_data()
        mine = bool(db >> own_id & 1)
        if mine and not late:
            break
        if now_ps() - port.sel_since > _IDS_FOLLOW_SEL_NS * 1000:
            return None
        settle, late = (port.timing.bus_settle_delay, False) if mine else (_LOOK_AGAIN_NS, True)
    wrong = dbp ^ parity_of(db)
    active = (bool(db >> 8 or dbp & 2) << 1) | bool(db & 0xFF or dbp & 1)
    others = ids_by_priority(db & ~(1 << own_id))
    if not db >> own_id & 1 or len(others) != 1 or wrong & active:
        return None
    return Selected(others[0], reselection)


async def answer_selection(port: ScsiPort, *, keep_bsy: bool) -> bool:
    """Assert BSY and wait for SEL to be negated; the target keeps BSY, the reselected initiator releases it.

    False: SEL stayed; everything is released.
    """
    await port.delay(port.timing.selection_response)
    port.drive(bsy=1)
    if not await port.wait(lambda lines: not lines & M_SEL, _PARTNER_KEPT_SEL_NS):
        port.release()
        return False
    await port.delay(port.timing.reaction_time)
    if not keep_bsy:
        port.drive(bsy=0)
    return True
