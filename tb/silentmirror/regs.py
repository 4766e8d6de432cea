"""Register map of the initiator, read from its one source, `hdl/initiator/regs.toml`.

The host agent uses `load`; `python -m silentmirror regs` calls `main`, which writes what is generated from the same
file: `hdl/include/ini_regs.vh` for the RTL and `docs/registers.md` for people. A test compares all of them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path("hdl/initiator/regs.toml")
HEADER = Path("hdl/include/ini_regs.vh")
PAGE = Path("docs/registers.md")

ACCESSES = ("ro", "rw", "wo", "w1c")
_ADDRESS_END = 0x1000  # 12-bit address


class RegisterMapError(ValueError):
    """The source file describes an impossible map (overlap, bad width, unknown access)."""


@dataclass(frozen=True)
class Field:
    """A field of a register; bit numbers are inclusive."""

    name: str
    msb: int
    lsb: int
    text: str

    @property
    def mask(self) -> int:
        """Mask of the field in place."""
        return ((1 << (self.msb - self.lsb + 1)) - 1) << self.lsb

    def put(self, value: int) -> int:
        """``value`` shifted into place; ValueError if it does not fit."""
        if value < 0 or (value << self.lsb) & ~self.mask:
            raise ValueError(f"{value} does not fit field {self.name} ({self.msb - self.lsb + 1} bits)")
        return value << self.lsb

    def get(self, word: int) -> int:
        """The field's value in a register word."""
        return (word & self.mask) >> self.lsb


@dataclass(frozen=True)
class Register:
    """A 32-bit register; ``offset`` in bytes, ``reset`` is None where the value depends on the instance or moment."""

    name: str
    offset: int
    access: str
    reset: int | None
    text: str
    fields: Mapping[str, Field]

    def pack(self, **values: int) -> int:
        """A register word from field values; fields not named are 0."""
        return sum(self.fields[name].put(value) for name, value in values.items())

    def unpack(self, word: int) -> dict[str, int]:
        """All field values of a register word."""
        return {name: field.get(word) for name, field in self.fields.items()}


class RegisterMap:
    """All registers, in the order of the source, by name."""

    def __init__(self, registers: list[Register]) -> None:
        self._registers = {register.name: register for register in registers}

    def __getitem__(self, name: str) -> Register:
        return self._registers[name]

    def __iter__(self) -> Iterator[Register]:
        return iter(self._registers.values())

    def __len__(self) -> int:
        return len(self._registers)


def _field(owner: str, row: list[object]) -> Field:
    msb, lsb, name, text = row
    if not (isinstance(msb, int) and isinstance(lsb, int) and isinstance(name, str) and isinstance(text, str)):
        raise RegisterMapError(f"{owner}: a field is [msb, lsb, name, text], not {row}")
    if not 0 <= lsb <= msb <= 31:
        raise RegisterMapError(f"{owner}.{name}: bits {msb}:{lsb} are not within 31:0")
    return Field(name, msb, lsb, text)


def _check(registers: list[Register]) -> None:
    """Names and offsets are unique, fields do not overlap, resets of readable registers are known."""
    if len({r.name for r in registers}) != len(registers) or len({r.offset for r in registers}) != len(registers):
        raise RegisterMapError("two registers share a name or an offset")
    for register in registers:
        if register.offset % 4 or not 0 <= register.offset < _ADDRESS_END:
            raise RegisterMapError(f"{register.name}: offset {register.offset:#x} is not a word in 12 bits")
        if register.access not in ACCESSES:
            raise RegisterMapError(f"{register.name}: access {register.access!r} is none of {ACCESSES}")
        used = 0
        for field in register.fields.values():
            if used & field.mask:
                raise RegisterMapError(f"{register.name}.{field.name} overlaps another field")
            used |= field.mask


def parse(text: str) -> RegisterMap:
    """The map described by the text of a source file; RegisterMapError when it makes no sense."""
    registers = []
    for entry in tomllib.loads(text)["register"]:
        fields = [_field(entry["name"], row) for row in entry.get("fields", [])]
        # A register the host can write holds 0 after reset unless the source says otherwise.
        reset = entry.get("reset", 0 if entry["access"] in ("rw", "w1c") else None)
        registers.append(
            Register(entry["name"], entry["offset"], entry["access"], reset, entry["text"], {f.name: f for f in fields})
        )
    _check(registers)
    return RegisterMap(registers)


@cache
def load() -> RegisterMap:
    """The project's register map."""
    return parse((ROOT / SOURCE).read_text(encoding="utf-8"))


def render_header(regs: RegisterMap) -> str:
    """Text of the Verilog header: offsets, reset values, field bit numbers."""
    lines = [
        f"// Generated from {SOURCE} by `python -m silentmirror regs`; do not edit.",
        "// INI_REG_x: byte offset; INI_RST_x: reset value; INI_x_y_MSB, INI_x_y_LSB: bits of field y of register x.",
        "`ifndef INI_REGS_VH",
        "`define INI_REGS_VH",
    ]
    for register in regs:
        lines += ["", f"// {register.access}: {register.text}"]
        lines.append(f"`define INI_REG_{register.name} 12'h{register.offset:03X}")
        if register.reset is not None:
            lines.append(f"`define INI_RST_{register.name} 32'h{register.reset:08X}")
        for field in register.fields.values():
            lines.append(f"`define INI_{register.name}_{field.name}_MSB {field.msb}")
            lines.append(f"`define INI_{register.name}_{field.name}_LSB {field.lsb}")
    return "\n".join([*lines, "", "`endif", ""])


def render_page(regs: RegisterMap) -> str:
    """Text of the documentation page."""
    lines = [
        "# Registers of the initiator",
        "",
        f"Generated from `{SOURCE}` by `python -m silentmirror regs`; do not edit.",
        "32-bit registers on AXI4-Lite; offsets count bytes.",
        "Access: ro read only, rw read and write, wo write only (reads 0), w1c write 1 to clear.",
        "",
        "| offset | name | access | reset | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    for register in regs:
        reset = "" if register.reset is None else f"{register.reset:#010x}"
        lines.append(f"| {register.offset:#05x} | {register.name} | {register.access} | {reset} | {register.text} |")
    for register in (r for r in regs if r.fields):
        lines += ["", f"## {register.name}", "", "| bits | field | meaning |", "| --- | --- | --- |"]
        for field in register.fields.values():
            bits = str(field.msb) if field.msb == field.lsb else f"{field.msb}:{field.lsb}"
            lines.append(f"| {bits} | {field.name} | {field.text} |")
    return "\n".join([*lines, ""])


def main(root: Path = ROOT) -> int:
    """Write the generated files below ``root``; returns the exit code."""
    regs = parse((root / SOURCE).read_text(encoding="utf-8"))
    for path, text in ((HEADER, render_header(regs)), (PAGE, render_page(regs))):
        (root / path).write_text(text, encoding="utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
