"""Register map: source, Verilog header, documentation page and Python constants say the same."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from helpers.sim import SimRunner
from silentmirror import regs


def _source() -> list[dict[str, Any]]:
    """The source read without the code under test."""
    entries: list[dict[str, Any]] = tomllib.loads((regs.ROOT / regs.SOURCE).read_text(encoding="utf-8"))["register"]
    assert len(entries) > 20
    return entries


def _defines() -> dict[str, int]:
    """Every numeric macro of the header, by its name."""
    found = {}
    text = (regs.ROOT / regs.HEADER).read_text(encoding="utf-8")
    for name, value in re.findall(r"^`define (INI_\w+) (\S+)$", text, re.MULTILINE):
        assert name not in found, f"{name} defined twice"
        found[name] = int(value.split("'h")[1], 16) if "'h" in value else int(value)
    return found


def test_header_matches_source() -> None:
    expected: dict[str, int] = {}
    for entry in _source():
        name = entry["name"]
        expected[f"INI_REG_{name}"] = entry["offset"]
        if "reset" in entry or entry["access"] in ("rw", "w1c"):
            expected[f"INI_RST_{name}"] = entry.get("reset", 0)
        for msb, lsb, field, _text in entry.get("fields", []):
            expected[f"INI_{name}_{field}_MSB"] = msb
            expected[f"INI_{name}_{field}_LSB"] = lsb
    assert len(expected) > 100
    assert _defines() == expected


def test_python_matches_header() -> None:
    defines = _defines()
    table = regs.load()
    assert len(table) == sum(name.startswith("INI_REG_") for name in defines)
    for register in table:
        assert defines[f"INI_REG_{register.name}"] == register.offset
        assert defines.get(f"INI_RST_{register.name}") == register.reset
        for field in register.fields.values():
            assert defines[f"INI_{register.name}_{field.name}_MSB"] == field.msb
            assert defines[f"INI_{register.name}_{field.name}_LSB"] == field.lsb


def test_page_matches_source() -> None:
    text = (regs.ROOT / regs.PAGE).read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (0x[0-9a-f]{3}) \| (\w+) \|", text, re.MULTILINE))
    assert {int(offset, 16): name for offset, name in rows.items()} == {e["offset"]: e["name"] for e in _source()}
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    listed = {s.split("\n")[0]: re.findall(r"^\| (\d+(?::\d+)?) \| (\w+) \|", s, re.MULTILINE) for s in sections}
    for entry in _source():
        fields = [
            (str(msb) if msb == lsb else f"{msb}:{lsb}", name) for msb, lsb, name, _text in entry.get("fields", [])
        ]
        assert listed.get(entry["name"], []) == fields


def test_generated_files_are_current() -> None:
    table = regs.load()
    assert (regs.ROOT / regs.HEADER).read_text(encoding="utf-8") == regs.render_header(table)
    assert (regs.ROOT / regs.PAGE).read_text(encoding="utf-8") == regs.render_page(table)


def test_pack_and_unpack() -> None:
    op = regs.load()["OP"]
    word = op.pack(OPCODE=3, TAG=0xA5, GROUP=4, Z=0xF)
    assert word == 0x0F40_A503
    assert op.unpack(word)["TAG"] == 0xA5
    with pytest.raises(ValueError, match="does not fit"):
        op.pack(OPCODE=16)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('offset = 2\naccess = "rw"', "not a word"),
        ('offset = 0x1000\naccess = "rw"', "not a word"),
        ('offset = 0\naccess = "rx"', "access"),
        ('offset = 0\naccess = "rw"\nfields = [[3, 0, "A", ""], [3, 3, "B", ""]]', "overlaps"),
        ('offset = 0\naccess = "rw"\nfields = [[32, 0, "A", ""]]', "within 31:0"),
    ],
)
def test_impossible_maps_are_refused(text: str, message: str) -> None:
    with pytest.raises(regs.RegisterMapError, match=message):
        regs.parse(f'[[register]]\nname = "X"\ntext = ""\n{text}\n')


def test_registers_of_the_rtl(run_sim: SimRunner) -> None:
    """Reset values, writable and read-only bits of the RTL against the register model."""
    assert len(run_sim("sim_regs").cases) == 1
