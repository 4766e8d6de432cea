"""Every rule of the checker, inside the simulator: silent on a legal scenario, and alone in speaking up on a fault.

Two Python ports and two frozen devices play the scripts of `helpers.scenarios` on the bench. Faults go through the
saboteurs between a slot and the bus; where one is longer than an edge, a port plays a script that misbehaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.triggers import Timer
from cocotb.types import LogicArray

from cocotbext.scsi import ScsiBus
from cocotbext.scsi.checker import Checker
from cocotbext.scsi.sampler import Sampler
from cocotbext.scsi.wires import CONTROL, DB, DBP
from helpers.must_fail import ALL_CASES, rule_of
from helpers.must_fail_case import Case
from helpers.wire_script import HOST, LEADER, PART1, PART2, SLOTS, Fault, Script
from silentmirror.bench import Bench, BenchConfig, Kind, SlotConfig
from silentmirror.mirror_rules import MirrorRules, mirror_options

_PORTS = {HOST: "py0", LEADER: "py1"}
_IDLE_NS = 3000


class Player:
    """Plays scripts on the bench's slots and keeps what each slot asserts."""

    def __init__(self, dut: Any, bench: Bench) -> None:
        self._dut = dut
        self._bench = bench
        self._base = dict.fromkeys(SLOTS, 0)
        self._unknown = dict.fromkeys(SLOTS, 0)
        self._stuck: dict[int, list[int]] = {slot: [0, 0] for slot in SLOTS}

    async def play(self, script: Script, faults: Sequence[Fault] = (), unknown: Fault | None = None) -> None:
        """From now on; returns when the last edge is out and the bus has been idle for a while."""
        start = round(get_sim_time("ps"))
        for moment, actions in script.timeline(faults, unknown):
            due = start + round(moment * 1000) - round(get_sim_time("ps"))
            if due:
                await Timer(due, "ps")
            for what, slot, bits in actions:
                self._note(what, slot, bits)
            for slot in {slot for _, slot, _ in actions}:
                self._show(slot, {what for what, its, _ in actions if its == slot})
        await Timer(_IDLE_NS, "ns")

    def _note(self, what: str, slot: int, bits: int) -> None:
        stuck = self._stuck[slot]
        if what == "set":
            self._base[slot] |= bits
        elif what == "clear":
            self._base[slot] &= ~bits
        elif what == "unknown":
            self._unknown[slot] |= bits
        elif what == "free":
            self._stuck[slot] = [stuck[0] & ~bits, stuck[1] & ~bits]
            self._unknown[slot] &= ~bits
        else:
            stuck[int(what == "stick1")] |= bits

    def _show(self, slot: int, what: set[str]) -> None:
        """Bring one slot's assertions and faults to the bench."""
        tx = self._bench.slot(slot).tx
        low, high = self._stuck[slot]
        if slot not in _PORTS:  # a frozen device asserts nothing: its saboteur says all
            low, high = 0, (self._base[slot] & ~low) | high
        if slot not in _PORTS or what & {"stick0", "stick1", "free"}:
            tx.clear()
            for level, bits in ((0, low), (1, high)):
                if bits:
                    tx.stick(bits, level)
        if slot in _PORTS and what & {"set", "clear", "unknown", "free"}:
            self._write(_PORTS[slot], self._base[slot], self._unknown[slot])

    def _write(self, prefix: str, value: int, unknown: int) -> None:
        fields = {name: (bit, 1) for bit, name in enumerate(CONTROL)} | {"db": (DB, 16), "dbp": (DBP, 2)}
        for name, (shift, width) in fields.items():
            bits = range(shift + width - 1, shift - 1, -1)
            text = "".join("X" if unknown >> n & 1 else str(value >> n & 1) for n in bits)
            getattr(self._dut, f"{prefix}_{name}_o").value = LogicArray(text) if width > 1 else text


async def _judge(dut: Any, player: Player, case: Case, script: Script, faulty: bool) -> Checker:
    """Play one script under a fresh checker."""
    checker = Checker(mirror_options(level=case.level), [MirrorRules])
    sampler = Sampler(ScsiBus(dut, packed="bus_all", drivers="drv_all"), checker)
    await Timer(100, "ns")
    await player.play(script, case.faults if faulty else (), case.unknown if faulty else None)
    checker.finish(sampler.now_ps())
    sampler.stop()
    return checker


@cocotb.test
@cocotb.parametrize(name=[name.replace("-", "") for name in ALL_CASES])
async def must_fail(dut: Any, name: str) -> None:
    """The legal scenario passes with the rule evaluated; with the fault this rule, and no other, is violated."""
    name = next(one for one in ALL_CASES if one.replace("-", "") == name)
    rule, case = rule_of(name), ALL_CASES[name]
    slots = {HOST: SlotConfig(Kind.PYTHON), LEADER: SlotConfig(Kind.PYTHON)}
    slots |= {part: SlotConfig(Kind.TARGET) for part in (PART1, PART2)}
    bench = Bench(dut, BenchConfig(slots))
    await bench.start()
    for part in (PART1, PART2):
        bench.slot(part).stop_clock()
    player = Player(dut, bench)

    legal = await _judge(dut, player, case, case.legal(), faulty=False)
    legal.assert_clean()
    assert legal.rules[rule].evaluations, f"{rule} was not evaluated on the legal scenario"

    faulty = await _judge(dut, player, case, (case.faulty or case.legal)(), faulty=True)
    found = faulty.violations
    listed = "\n".join(map(str, found))
    assert {violation.rule for violation in found} == {rule}, f"expected {rule} alone, found:\n{listed or 'nothing'}"
