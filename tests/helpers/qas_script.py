"""Wire scripts of QAS: the request, arbitration without BUS FREE, selection and reselection from it (protocol 13)."""

from __future__ import annotations

from collections.abc import Sequence

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.wires import DB, M_ATN, M_BSY, M_DATA, M_IO, M_PHASE, M_SEL

from .wire_script import HOST, IDS, LEADER, Script, answer_reselection, answer_selection, begin_phase, byte_in, ids


def qas_request(s: Script, slot: int = LEADER, name: str = "", before: bytes = b"\x00", host: int = HOST) -> None:
    """MESSAGE IN with what ends the connection and 55h; the target then keeps nothing but BSY. Mark `t0`."""
    begin_phase(s, slot, Phase.MSG_IN)
    sent = before + b"\x55"
    for index, value in enumerate(sent):
        byte_in(s, slot, index, value, host=host, release=index == len(sent) - 1)
    s.mark(f"{name}t0")
    s.clear(slot, M_PHASE)
    s.lines_now = 0


def qas_arbitrate(
    s: Script,
    slot: int,
    scsi_id: int,
    sender: int = LEADER,
    name: str = "",
    losers: Sequence[tuple[int, int]] = (),
    sel: bool = True,
) -> None:
    """IDs 60 ns after t0 and SEL 1050 ns after it; the sender of the request lets BSY go on SEL, losers their IDs.

    Without `sel` nobody asserts SEL, and the sender frees the bus 2050 ns after t0.
    """
    start = s.now
    s.wait(60)
    s.mark(f"{name}qas_ids")
    for one, its_id in ((slot, scsi_id), *losers):
        s.set(one, 1 << (DB + its_id))
    s.now = start + (1050 if sel else 2050)
    if not sel:
        s.mark(f"{name}free")
        s.clear(sender, M_BSY)
        s.wait(20)
        for one, its_id in ((slot, scsi_id), *losers):
            s.clear(one, 1 << (DB + its_id))
        s.wait(50)
        return
    s.mark(f"{name}qas_won")
    s.set(slot, M_SEL)
    s.wait(100)
    s.mark(f"{name}qas_bsy_off")
    s.clear(sender, M_BSY)
    for one, its_id in losers:
        s.clear(one, 1 << (DB + its_id))
    s.wait(950)


def qas_select(s: Script, host: int = HOST, target: int = LEADER, name: str = "", host_id: int = IDS[HOST]) -> None:
    """SELECTION with ATN from a QAS that was won: ATN 100 ns ahead of the target's ID."""
    s.mark(f"{name}atn")
    s.set(host, M_ATN)
    s.wait(100)
    s.mark(f"{name}ids")
    s.set(host, ids(host_id, IDS[target]))
    answer_selection(s, host, target, name)


def qas_reselect(s: Script, target: int = LEADER, host: int = HOST, name: str = "") -> None:
    """RESELECTION from a QAS that was won."""
    s.mark(f"{name}ids")
    s.set(target, M_IO | ids(IDS[target], IDS[host]))
    answer_reselection(s, target, host, name)


def qas_give_up(s: Script, slot: int, name: str = "") -> None:
    """The winner lets everything go without having called anybody: BUS FREE."""
    s.mark(f"{name}free")
    s.clear(slot, M_SEL | M_DATA)
    s.wait(50)
