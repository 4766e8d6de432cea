"""What the text of the RTL tells: the names of an FSM's states, and which module an instance is of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_INCLUDE = re.compile(r'^\s*`include "([^"]+)".*$', re.MULTILINE)
_LOCALPARAM = re.compile(r"^\s*localparam\s*(?:\[[^]]*\]\s*)?(\w+)\s*=\s*\d+'d(\d+)\s*;")
_REGISTER = re.compile(r"^\s*reg\s*(?:\[[^]]*\]\s*)?(\w*state_q)\s*;", re.MULTILINE)


@dataclass(frozen=True)
class Module:
    """One Verilog module."""

    states: dict[str, dict[int, str]]
    """Names by value, for every state register."""
    instances: dict[str, str]
    """Modules by instance name."""


def _inlined(text: str, headers: dict[str, str]) -> str:
    """The text with the project's own header files in the place of their `include lines."""
    return _INCLUDE.sub(lambda match: headers.get(match[1], ""), text)


def _groups(text: str) -> list[dict[str, int]]:
    """The localparams with sized decimal values; those on lines that follow one another belong together."""
    groups: list[dict[str, int]] = [{}]
    for line in text.splitlines():
        match = _LOCALPARAM.match(line)
        if match:
            groups[-1][match[1]] = int(match[2])
        elif not line.strip().startswith("//") and groups[-1]:
            groups.append({})
    return groups


def _states(text: str) -> dict[str, dict[int, str]]:
    """Of every state register the group of localparams that it is set to or compared with."""
    groups = _groups(text)
    found = {}
    for register in _REGISTER.findall(text):
        used = set(re.findall(rf"\b{register}\s*(?:<=|==|!=)\s*(\w+)", text))
        group = max(groups, key=lambda names: len(used & names.keys()))
        if used & group.keys():
            found[register] = {value: name for name, value in group.items()}
    return found


def read_modules(folder: Path) -> dict[str, Module]:
    """The modules below `folder` by name: one module a file, named after it."""
    headers = {path.name: path.read_text(encoding="utf-8") for path in folder.rglob("*.vh")}
    texts = {path.stem: _inlined(path.read_text(encoding="utf-8"), headers) for path in folder.rglob("*.v")}
    parameters = r"(?:\s*#\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?"
    instance = re.compile(rf"^\s*({'|'.join(map(re.escape, sorted(texts)))}){parameters}\s+(\w+)\s*\(", re.MULTILINE)
    return {
        name: Module(_states(text), {label: kind for kind, label in instance.findall(text)})
        for name, text in texts.items()
    }


def module_of(path: list[str], modules: dict[str, Module]) -> str | None:
    """The module that the scopes of `path` (the top's name first) lead to; generate blocks are passed through."""
    name = path[0]
    for scope in path[1:]:
        if name not in modules:
            return None
        name = modules[name].instances.get(scope, name)
    return name if name in modules else None
