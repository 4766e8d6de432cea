"""The default run with waves, opened in GTKWave: the `waves` command, and the save file that names what is shown.

The save file and its translation tables lie beside the waves and name each other without a folder, so that the whole
folder can be moved; GTKWave is to be started in it.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pywellen import Var, Waveform
from vcd.gtkw import GTKWColor, GTKWSave, make_translation_filter

from silentmirror import sim
from silentmirror.bench import Kind
from silentmirror.build import WAVE_FILE
from silentmirror.options import ROOT, SimOptions
from silentmirror.rtl import Module, module_of, read_modules

SAVE_FILE = "waves.gtkw"
OUT_DIR = ROOT / "build" / "waves"
WAY = "silent"
"""The way whose waves are shown."""

_KINDS: dict[int, str] = {Kind.INITIATOR: "initiator", Kind.TARGET: "target"}
"""The kinds that have states, as the bench's generate blocks call them."""
_WINDOW = (1600, 1000)
_NAMES_WIDTH = 220
_FRAME_WIDTH = 120
"""What of the window's width shows neither names nor waves, in pixels."""
_FRAME_PIXELS = 200
"""GTKWave's zoom is minus the logarithm of the time on that many pixels."""
_CONTROL = ("bsy", "sel", "rst", "atn", "msg", "cd", "io", "req", "ack")
_NAMES_SHOWN = ("phase", "message")
_BYTES_SHOWN = ("message_byte", "group_id")
_PHASE_LINES = ("bsy", "msg", "cd", "io", "req")
_STATE = re.compile(r"^(\w+_)?state_q$")


class _Save:
    """Writes one GTKWave save file and the translation tables that it refers to."""

    def __init__(self, waves: Path, modules: dict[str, Module]) -> None:
        self._waves = waves
        self._folder = waves.parent
        self._modules = modules
        self._vars: dict[str, Var] = {}
        for var in Waveform(str(waves)).all_vars():
            self._vars.setdefault(var.full_name.removeprefix("TOP."), var)
        self._prefix = "TOP." if any(var.full_name.startswith("TOP.bench.") for var in self._vars.values()) else ""

    def write(self) -> Path:
        """Writes the files and returns the save file."""
        path = self._folder / SAVE_FILE
        with path.open("w") as file:
            self._gtkw = GTKWSave(file)
            self._gtkw.dumpfile(self._waves.name, abspath=False)
            self._gtkw.size(*_WINDOW)
            self._gtkw.sst_expanded(False)
            self._gtkw.signals_width(_NAMES_WIDTH)
            self._first_mirrored_write()
            self._bus()
            for slot in range(16):
                self._slot(slot)
        return path

    @contextmanager
    def _group(self, name: str) -> Iterator[None]:
        with self._gtkw.group(name):
            yield

    def _show(
        self, name: str, alias: str, datafmt: str = "hex", color: GTKWColor | None = None, table: str = ""
    ) -> None:
        """Adds the signal, which must be in the waves: a missing one is an error of this module."""
        bits = self._vars[name].bitwidth or 1
        full = f"{self._prefix}{name}" + (f"[{bits - 1}:0]" if bits > 1 else "")
        self._gtkw.trace(full, alias=alias, datafmt=datafmt, color=color, translate_filter_file=table or None)

    def _bus(self) -> None:
        with self._group("bus"):
            for name in _NAMES_SHOWN:
                self._show(f"bench.u_view.{name}", name, "ascii", GTKWColor.yellow)
            for name in _BYTES_SHOWN:
                self._show(f"bench.u_view.{name}", name)
            for name in _CONTROL:
                self._show(f"bench.bus_{name}", name.upper(), "bin")
            self._show("bench.bus_db", "DB")
        with self._group("who drives (bit = slot)"):
            for name in _PHASE_LINES:
                self._show(f"bench.drv_{name}", f"{name.upper()} by", "bin", GTKWColor.orange)

    def _changes(self, name: str) -> list[tuple[int, str]]:
        """When a text signal changed, and to what."""
        changes = []
        for time, value in self._vars[f"bench.u_view.{name}"].tv:
            text = value.to_bytes(16, "big").strip(b"\0").decode("ascii") if isinstance(value, int) else ""
            changes.append((time, text))
        return changes

    def _first_mirrored_write(self) -> None:
        """Opens the view on the first mirrored write, when there is one: from its arbitration to BUS FREE."""
        begins = [time for time, text in self._changes("message") if text == "MIRROR WRITE"]
        phases = self._changes("phase")
        if not begins:
            return
        start = max((time for time, text in phases if text == "ARBITRATION" and time < begins[0]), default=0)
        end = min((time for time, text in phases if text == "BUS FREE" and time > begins[0]), default=2 * begins[0])
        margin = (end - start) // 50
        pixels = _WINDOW[0] - _NAMES_WIDTH - _FRAME_WIDTH
        self._gtkw.zoom_markers(zoom=-math.log2((end - start + 2 * margin) * _FRAME_PIXELS / pixels))
        self._gtkw.timestart(start - margin)

    def _slot(self, slot: int) -> None:
        """The states of a slot's FSMs, when something with states is in the slot."""
        kind = _KINDS.get(self._last_value("bench.kind") >> 2 * slot & 3)
        if kind is None:
            return
        top = f"bench.slot[{slot}].g_{kind}"
        chosen = [
            name
            for name in sorted(self._vars, key=lambda name: (name.count("."), name))
            if name.startswith(f"{top}.") and _STATE.match(name.rpartition(".")[2])
        ]
        scsi_id = f"{top}.u_target.cfg_id_i"
        who = f"{kind}, SCSI ID {self._last_value(scsi_id)}" if scsi_id in self._vars else kind
        with self._group(f"{who} (slot {slot})"):
            for name in chosen:
                scopes = name.split(".")[:-1]
                self._show(name, self._alias(name), color=GTKWColor.green, table=self._table(name, scopes))

    @staticmethod
    def _alias(name: str) -> str:
        """What is shown for a state register: its unit within the slot's device."""
        *scopes, signal = name.split(".")[3:]
        units = [scope.removeprefix("u_") for scope in (scopes[1:] or scopes)]
        return " ".join([*units, *signal.removesuffix("state_q").split("_")]).strip()

    def _last_value(self, name: str) -> int:
        """The signal's value at the end; 0 while it has no known one."""
        *_, (_, value) = self._vars[name].tv
        return value if isinstance(value, int) else 0

    def _table(self, name: str, scopes: list[str]) -> str:
        """Writes the names of a state register's values and returns the table's file name; empty when none is known."""
        module = module_of(scopes, self._modules)
        register = name.rpartition(".")[2]
        states = self._modules[module].states.get(register, {}) if module else {}
        if not states:
            return ""
        width = self._vars[name].bitwidth or 1
        file = self._folder / f"{module}.{register}"
        file.write_text(make_translation_filter(sorted(states.items()), datafmt="hex", size=width) + "\n")
        return file.name


def write_save_file(waves: Path, root: Path = ROOT) -> Path:
    """Writes the save file and its tables beside `waves` (a run of the bench) and returns the save file."""
    return _Save(waves, read_modules(root / "hdl")).write()


def _shown(path: Path) -> str:
    """The path as the user would type it here."""
    return os.path.relpath(path)


def show(waves: Path) -> None:
    """Writes the save file of `waves` and opens both in GTKWave, or says where they are."""
    save = write_save_file(waves)
    print(f"waves: {_shown(waves)}, save file: {_shown(save)}", flush=True)
    command = ["gtkwave", waves.name, save.name]
    if (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and shutil.which("gtkwave"):
        subprocess.run(command, cwd=save.parent, check=False)
    else:
        print(f"no display or no GTKWave here; where there is: cd {_shown(save.parent)} && {' '.join(command)}")


def run(waves: Path | None = None) -> int:
    """Shows `waves`, or those of the default operation, which is run first; the exit code is the run's."""
    if waves:
        show(waves)
        return 0
    code = sim.run(SimOptions(waves=True, out_dir=OUT_DIR))
    made = OUT_DIR / WAY / WAVE_FILE
    if not made.exists():
        print(f"no waves in {_shown(OUT_DIR)}: the run ended before the first one")
        return code or 1
    show(made)
    return code
