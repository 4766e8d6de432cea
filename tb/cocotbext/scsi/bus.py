"""Names and polarity of a parallel SCSI core's pins, and reading them as one 27-bit vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from cocotb.handle import HierarchyObject, LogicArrayObject, LogicObject, PackedObject
from cocotb_bus.bus import Bus

from .wires import CONTROL, DB, DBP, NAMES, SLOTS, WIDTH

Handle = LogicObject | LogicArrayObject | PackedObject[Any]
_HANDLES: Final = (LogicObject, LogicArrayObject, PackedObject)

SIGNALS: Final = (*CONTROL, "db", "dbp")
"""The signals of a bus, as `names` of `ScsiBus` calls them."""

_UNKNOWN: Final = str.maketrans("01HLhlXZUW-xzuw", "001100" + "1" * 9)
_VALUE: Final = str.maketrans("01HLhlXZUW-xzuw", "011010" + "0" * 9)


class SignalError(ValueError):
    """A pin of the bus is missing, has the wrong width, or was asked for under a name that no signal has."""


@dataclass(frozen=True)
class Pin:
    """The full names of one signal's pins. What is there is ORed: the input, and the output where it is enabled.

    Give the input alone where it sees the whole wire. Give `enable` alone for an open-drain pin that asserts while
    it is enabled.
    """

    input: str | None = None
    output: str | None = None
    enable: str | None = None


@dataclass(frozen=True)
class PinStyle:
    """How a core names its pins: templates in which `{}` stands for the signal (`bsy`, ..., `db`, `dbp`).

    `active_low` is the level of inputs and outputs, `enable_low` that of enables.
    """

    input: str | None = "{}"
    output: str | None = None
    enable: str | None = None
    active_low: bool = False
    enable_low: bool = False

    def pin(self, stem: str, prefix: str) -> Pin:
        """The pins of a signal with this stem."""
        return Pin(*(prefix + form.format(stem) if form else None for form in (self.input, self.output, self.enable)))


def _bits_of(handle: Handle) -> Callable[[], str]:
    """Reads a signal as text; cocotb's `value` builds an array object first, which would be half of a sample's cost."""
    read: Callable[[], str] = handle._handle.get_signal_val_binstr
    return read


@dataclass(frozen=True)
class _Reader:
    bits: Callable[[], str]
    shift: int
    mask: int
    inverted: bool

    def read(self) -> tuple[int, int]:
        """Asserted and unknown bits, moved to their place in the bus vector."""
        text = self.bits()
        try:
            value, unknown = int(text, 2), 0
        except ValueError:
            value, unknown = int(text.translate(_VALUE), 2), int(text.translate(_UNKNOWN), 2)
        if self.inverted:
            value = ~value & self.mask & ~unknown
        return value << self.shift, unknown << self.shift


@dataclass(frozen=True)
class _Source:
    """One signal: every reader of its input, and of its output where enabled."""

    input: _Reader | None
    output: _Reader | None
    enable: _Reader | None
    spread: int
    """Multiplies a one-bit enable to the width of the output."""

    def read(self) -> tuple[int, int]:
        value, unknown = self.input.read() if self.input else (0, 0)
        if self.enable is not None:
            on, on_unknown = (field * self.spread for field in self.enable.read())
            driven, driven_unknown = self.output.read() if self.output else (on, 0)
            value |= driven & on
            unknown |= (driven_unknown & (on | on_unknown)) | (on_unknown & (driven | driven_unknown))
        elif self.output is not None:
            driven, driven_unknown = self.output.read()
            value |= driven
            unknown |= driven_unknown
        return value, unknown & ~value


class ScsiBus(Bus):
    """The pins of a parallel SCSI bus in a design.

    Args:
        entity: Module that holds the pins.
        name: Prefix of every pin, joined with `_`; None for none.
        style: Templates and polarity of the pins.
        names: For signals named otherwise: another stem for the templates, or a `Pin` with full names.
        parity: False for a core without parity pins; the bits then read as correct parity, and who checks parity
            should be told (`Monitor(parity=False)`).
        packed: Full name of a 27-bit vector of all wires (order of `cocotbext.scsi.wires`) to read instead.
        drivers: Full name of a vector of 27 bits a slot, slot 0 lowest, that says who asserts what.
        wake: Full name of a signal that changes whenever any of the pins above does; the cheapest way to be woken.

    Raises:
        SignalError: a pin is missing (all missing ones are listed, each with the nearest names that are there), has
            the wrong width, or `names` has a key that is no signal. `cocotb_bus.bus.Bus` would bind None.
    """

    def __init__(
        self,
        entity: HierarchyObject,
        name: str | None = None,
        *,
        style: PinStyle | None = None,
        names: Mapping[str, str | Pin] | None = None,
        parity: bool = True,
        packed: str | None = None,
        drivers: str | None = None,
        wake: str | None = None,
    ) -> None:
        style = style or PinStyle()
        prefix = f"{name}_" if name else ""
        wanted = {"packed": Pin(packed)} if packed else _pins(style, prefix, names or {}, parity)
        extra = {"drivers": drivers, "wake": wake}
        wanted.update((role, Pin(pin)) for role, pin in extra.items() if pin)
        super().__init__(entity, None, _resolve(entity, wanted), case_insensitive=False)
        self._name = name or entity._name
        self.has_parity = parity or packed is not None
        """False where the core has no parity pins."""
        self.width = 16
        """Data lines: 8 or 16."""
        self.slots = 0
        """Slots in the per-driver view; 0 without one."""
        self._sources: list[_Source] = []
        self._drivers: Callable[[], str] | None = None
        self._read: Callable[[], tuple[int, int]] = self._read_pins
        view: Handle | None = self._signals.get("drivers")
        if view is not None:
            self.slots = self._checked_slots(view)
            self._drivers = _bits_of(view)
        if packed:
            self._check_width("packed", self.packed, (WIDTH,))
            self._read = _Reader(_bits_of(self.packed), 0, (1 << WIDTH) - 1, style.active_low).read
        else:
            self._sources = [self._source(signal, style) for signal in wanted if signal not in extra]

    def read(self) -> tuple[int, int, int | None]:
        """Value (27 bits, unknown bits 0), unknown bits and per-driver view as they are now."""
        value, unknown = self._read()
        if self._drivers is None:
            return value, unknown, None
        text = self._drivers()
        try:
            return value, unknown, int(text, 2)
        except ValueError:
            return value, unknown, int(text.translate(_VALUE), 2)

    @property
    def wake_handles(self) -> list[Handle]:
        """Handles whose changes cover every change of the bus."""
        wake: Handle | None = self._signals.get("wake")
        return [wake] if wake is not None else list(self._signals.values())

    def _read_pins(self) -> tuple[int, int]:
        value = unknown = 0
        for source in self._sources:
            more, more_unknown = source.read()
            value |= more
            unknown |= more_unknown
        if not self.has_parity:
            value |= _correct_parity(value)
        return value, unknown

    def _source(self, signal: str, style: PinStyle) -> _Source:
        shift = DB if signal == "db" else DBP if signal == "dbp" else NAMES.index(signal)
        widths = {"db": (8, 16), "dbp": (1, 2)}.get(signal, (1,))
        parts: dict[str, _Reader] = {}
        for part, attribute in _attributes(signal).items():
            handle = getattr(self, attribute, None)
            if handle is None:
                continue
            width = self._check_width(attribute, handle, (1, *widths) if part == "enable" else widths)
            inverted = style.enable_low if part == "enable" else style.active_low
            parts[part] = _Reader(_bits_of(handle), shift, (1 << width) - 1, inverted)
        data = parts.get("output") or parts.get("input")
        ones = data.mask if data else 1
        if signal == "db":
            self.width = ones.bit_length()
        spread = ones if "enable" in parts and parts["enable"].mask == 1 else 1
        return _Source(parts.get("input"), parts.get("output"), parts.get("enable"), spread)

    def _checked_slots(self, handle: Handle) -> int:
        return self._check_width("drivers", handle, tuple(WIDTH * slots for slots in range(1, SLOTS + 1))) // WIDTH

    @staticmethod
    def _check_width(attribute: str, handle: Handle, allowed: tuple[int, ...]) -> int:
        width = 1 if isinstance(handle, LogicObject) else len(handle)
        if width not in allowed:
            raise SignalError(f"{attribute} ({handle._path}) is {width} bit wide; allowed: {_listed(allowed)}")
        return width


def _listed(widths: tuple[int, ...]) -> str:
    return ", ".join(map(str, widths)) if len(widths) < 4 else f"{widths[0]}, {widths[1]}, ... {widths[-1]}"


def _attributes(signal: str) -> dict[str, str]:
    """Bus attribute of each part of a signal."""
    return {"input": signal, "output": f"{signal}_output", "enable": f"{signal}_enable"}


def _pins(style: PinStyle, prefix: str, names: Mapping[str, str | Pin], parity: bool) -> dict[str, Pin]:
    """The pins of every signal, by style and exceptions."""
    wanted = [signal for signal in SIGNALS if parity or signal != "dbp"]
    strange = [key for key in names if key not in wanted]
    if strange:
        raise SignalError(f"names has {', '.join(strange)}; the signals are {', '.join(wanted)}")
    pins: dict[str, Pin] = {}
    for signal in wanted:
        given = names.get(signal, signal)
        pins[signal] = style.pin(given, prefix) if isinstance(given, str) else given
        if pins[signal] == Pin():
            raise SignalError(f"{signal}: no input, output or enable pin is named")
    return pins


def _resolve(entity: HierarchyObject, wanted: Mapping[str, Pin]) -> dict[str, str]:
    """Bus attribute -> name in the design, upper and lower case aside; refuses what is not there."""
    there = {child.casefold(): child for child in dir(entity) if not child.startswith("_")}
    found: dict[str, str] = {}
    missing: list[str] = []
    for signal, part, name in _parts(wanted):
        actual = there.get(name.casefold())
        handle: Any = getattr(entity, actual) if actual else None
        if actual and isinstance(handle, _HANDLES):
            found[_attributes(signal)[part]] = actual
            continue
        near = [there[key] for key in get_close_matches(name.casefold(), there, n=3, cutoff=0.5)]
        hint = f"nearest: {', '.join(near)}" if near else "nothing there has a name like it"
        missing.append(f"{signal} {part} '{name}' ({hint})")
    if missing:
        raise SignalError(f"{entity._path} lacks {len(missing)} pin(s) of the SCSI bus: {'; '.join(missing)}")
    return found


def _parts(wanted: Mapping[str, Pin]) -> Iterator[tuple[str, str, str]]:
    for signal, pin in wanted.items():
        for part in ("input", "output", "enable"):
            name = getattr(pin, part)
            if name:
                yield signal, part, name


def _correct_parity(value: int) -> int:
    """Odd parity of both data bytes, for a bus that has no parity pins."""
    low = (value >> DB) & 0xFF
    high = (value >> (DB + 8)) & 0xFF
    return (1 - (low.bit_count() & 1)) << DBP | (1 - (high.bit_count() & 1)) << (DBP + 1)
