"""Wire scripts without a simulator: the samples that a sampler would take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cocotbext.scsi.wires import WIDTH, Wires

from .wire_script import Fault, Script


def samples(script: Script, faults: Sequence[Fault] = (), drivers: bool = True) -> Iterator[Wires]:
    """What a sampler would see of a script: the wired OR of all slots, moment by moment."""
    base: dict[int, int] = {}
    stuck: dict[int, list[int]] = {}
    before = 0
    yield Wires(0, 0, 0, 0 if drivers else None)
    for moment, actions in script.timeline(faults):
        for what, slot, bits in actions:
            low_high = stuck.setdefault(slot, [0, 0])
            if what == "set":
                base[slot] = base.get(slot, 0) | bits
            elif what == "clear":
                base[slot] = base.get(slot, 0) & ~bits
            elif what == "free":
                stuck[slot] = [level & ~bits for level in low_high]
            else:
                low_high[int(what == "stick1")] |= bits
        asserted = {slot: (base.get(slot, 0) & ~stuck[slot][0]) | stuck[slot][1] for slot in stuck}
        value = 0
        for bits in asserted.values():
            value |= bits
        view = sum(bits << (WIDTH * slot) for slot, bits in asserted.items()) if drivers else None
        yield Wires(round(moment * 1000) + 1000, value, 0, view, value ^ before)
        before = value
