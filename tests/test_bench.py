"""The simulation bench and its Python handle."""

from __future__ import annotations

import multiprocessing
import re
from pathlib import Path

import pytest

from helpers.sim import SimRunner
from silentmirror import build
from silentmirror.bench import BenchConfig, Kind, SlotConfig, mask_of, standard_config
from silentmirror.bench.registers import Reg, Sab
from silentmirror.options import ROOT

SIMULATORS = ("icarus", "verilator")
COUNTER = """
module counter (input wire clk_i, output reg [7:0] count_o);
    initial count_o = 8'd0;
    always @(posedge clk_i) count_o <= count_o + 8'd1;
endmodule
"""


def test_bench_behaviour(run_sim: SimRunner) -> None:
    """Clocks, cables, saboteurs, Python ports, unused slots, resets."""
    assert len(run_sim("sim_bench").cases) == 12


def test_medium(run_sim: SimRunner) -> None:
    """The file-backed medium: every block length, errors, latency; bytes that nobody wrote stay."""
    content = bytes((n * 31 + (n >> 8)) & 0xFF for n in range(16 * 1024 + 100))
    result = run_sim(
        "sim_medium",
        media={2: content},
        design=build.Design(top="file_medium", sources=(ROOT / "hdl/sim/file_medium.v",), all_public=True),
    )
    assert len(result.cases) == 6
    left = (result.test_dir / "medium2.img").read_bytes()
    assert len(left) == len(content)
    assert left[16 * 1024 :] == content[16 * 1024 :]


def test_register_numbers_match_the_hdl() -> None:
    """Python and Verilog number the mailbox registers alike, and neither has one more."""
    text = (ROOT / "hdl/sim/bench_regs.vh").read_text(encoding="utf-8")
    for prefix, numbers in (("BENCH_REG", Reg), ("BENCH_SAB", Sab), ("BENCH_KIND", Kind)):
        found = re.findall(rf"^`define {prefix}_(\w+) \d+'([hd])(\w+)$", text, re.MULTILINE)
        assert {name: int(value, 16 if base == "h" else 10) for name, base, value in found} == {
            item.name: item.value for item in numbers
        }


def test_standard_config_places_everyone() -> None:
    """IDs and slots of the usual bench, up to 15 targets; impossible numbers are refused."""
    three = standard_config(3)
    assert {n: (s.kind, s.scsi_id) for n, s in three.slots.items()} == {
        0: (Kind.INITIATOR, 7),
        2: (Kind.TARGET, 5),
        3: (Kind.TARGET, 4),
        4: (Kind.TARGET, 3),
    }
    full = standard_config(15)
    assert [full.slots[n].scsi_id for n in full.targets()] == [5, 4, 3, 6, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8]
    assert full.targets() == [*range(2, 16), 1]
    two = standard_config(14, initiators=2)
    assert two.initiators() == [0, 1]
    assert len({s.scsi_id for s in two.slots.values()}) == 16
    three = standard_config(13, initiators=3)
    assert {n: three.slots[n].scsi_id for n in three.initiators()} == {0: 7, 1: 6, 2: 2}
    assert len({s.scsi_id for s in three.slots.values()}) == 16
    for targets, initiators in ((16, 1), (15, 2), (14, 3), (-1, 1), (3, 0), (3, 4)):
        with pytest.raises(ValueError, match=r"targets|initiators"):
            standard_config(targets, initiators=initiators)


@pytest.mark.parametrize(
    ("number", "slot"),
    [
        (0, SlotConfig(Kind.TARGET)),
        (2, SlotConfig(Kind.PYTHON)),
        (3, SlotConfig(Kind.INITIATOR)),
        (14, SlotConfig(Kind.INITIATOR)),
        (16, SlotConfig(Kind.TARGET)),
        (2, SlotConfig(Kind.TARGET, scsi_id=16)),
        (2, SlotConfig(Kind.TARGET, ppm=201.0)),
        (2, SlotConfig(Kind.TARGET, phase_ps=-1)),
        (2, SlotConfig(Kind.TARGET, cable_ns=-1.0)),
        (2, SlotConfig(Kind.TARGET, block_len=500)),
    ],
)
def test_impossible_slots_are_refused(number: int, slot: SlotConfig) -> None:
    """A slot that the bench does not have is told before any simulation."""
    with pytest.raises(ValueError, match=f"slot {number}"):
        BenchConfig({number: slot})


def test_masks() -> None:
    """Signal names become the bits of the bus vector; what names no wire is refused."""
    assert mask_of("bsy") == 1
    assert mask_of(["atn", "db0", "dbp1"]) == 1 << 8 | 1 << 9 | 1 << 26
    assert mask_of("all") == (1 << 27) - 1
    assert mask_of(5) == 5
    for bad in ("nosuch", ["bsy", "db16"], 0, 1 << 27, []):
        with pytest.raises(ValueError, match=r"neither|mask"):
            mask_of(bad)


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> build.Design:
    """A tiny design, built below the test's own folder."""
    monkeypatch.setattr(build, "BUILD_ROOT", tmp_path / "hdl")
    source = tmp_path / "counter.v"
    source.write_text(COUNTER, encoding="utf-8")
    return build.Design(top="counter", sources=(source,), includes=())


def test_builds_are_cached_by_content(counter: build.Design) -> None:
    """The same inputs compile once, changed ones again; waves are another build."""
    first = build.build("icarus", design=counter)
    stamp = (first.folder / "sim.vvp").stat().st_mtime_ns
    assert build.build("icarus", design=counter).folder == first.folder
    assert (first.folder / "sim.vvp").stat().st_mtime_ns == stamp
    assert build.build("icarus", waves=True, design=counter).folder != first.folder
    counter.sources[0].write_text(COUNTER.replace("8'd1", "8'd2"), encoding="utf-8")
    assert build.build("icarus", design=counter).folder != first.folder


def test_broken_sources_leave_no_build(counter: build.Design) -> None:
    """A build that fails names the compiler's words and is tried again, also after half a build was left behind."""
    good = counter.sources[0].read_text(encoding="utf-8")
    counter.sources[0].write_text(good.replace("endmodule", "nonsense"), encoding="utf-8")
    for _ in range(2):
        with pytest.raises(build.BuildError, match="syntax error"):
            build.build("icarus", design=counter)
    assert not [path for path in build.BUILD_ROOT.iterdir() if (path / "sim.vvp").exists()]
    counter.sources[0].write_text(good, encoding="utf-8")
    assert (build.build("icarus", design=counter).folder / "sim.vvp").is_file()


def _build_counter(root: str, source: str) -> str:
    """In a process of its own: build and return what the folder then holds."""
    build.BUILD_ROOT = Path(root)
    result = build.build("icarus", design=build.Design(top="counter", sources=(Path(source),), includes=()))
    return f"{result.folder.name} {(result.folder / 'sim.vvp').stat().st_ino}"


def test_concurrent_builds_share_one(counter: build.Design) -> None:
    """Four processes that want the same build at once get the same files."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.starmap(_build_counter, [(str(build.BUILD_ROOT), str(counter.sources[0]))] * 4)
    assert len(found) == 4
    assert len(set(found)) == 1


def _run_counter(counter: build.Design, tmp_path: Path, *names: str, timeout_s: int = 60) -> build.RunResult:
    (tmp_path / "sim_counter.py").write_text(
        "import cocotb\n"
        "from cocotb.triggers import Timer\n"
        "@cocotb.test\nasync def good(dut):\n    await Timer(1, 'ns')\n"
        "@cocotb.test\nasync def bad(dut):\n    assert False, 'on purpose'\n"
        "@cocotb.test\nasync def stuck(dut):\n    import time\n    time.sleep(60)\n",
        encoding="utf-8",
    )
    return build.run(
        build.build("icarus", design=counter),
        "sim_counter",
        testcases=names or None,
        seed=77,
        test_dir=tmp_path / "run",
        python_path=[tmp_path],
        timeout_s=timeout_s,
        rerun="make test TEST=x SEED=77",
    )


def test_a_failing_test_fails_the_run(counter: build.Design, tmp_path: Path) -> None:
    """The error names the test, the seed and the command that runs it again, and ends with the simulator's words."""
    with pytest.raises(build.SimulationError) as caught:
        _run_counter(counter, tmp_path, "good", "bad")
    for part in ("sim_counter.bad", "on purpose", "seed 77", "make test TEST=x SEED=77", "sim.log"):
        assert part in str(caught.value)
    assert "sim_counter.good failed" not in str(caught.value)


def test_a_run_without_tests_fails(counter: build.Design, tmp_path: Path) -> None:
    """A filter that matches nothing, or not all that was asked for, is an error; a good run says what it ran."""
    with pytest.raises(build.SimulationError, match="did not run: nosuch"):
        _run_counter(counter, tmp_path, "nosuch")
    with pytest.raises(build.SimulationError, match="did not run: goo\n"):
        _run_counter(counter, tmp_path, "good", "goo")
    result = _run_counter(counter, tmp_path, "good")
    assert [(case.name, case.passed, case.sim_time_ns) for case in result.cases] == [("good", True, 1.0)]
    assert result.log.is_file()


def test_a_hanging_simulation_ends(counter: build.Design, tmp_path: Path) -> None:
    """The wall-clock limit ends the simulator and is told."""
    with pytest.raises(build.SimulationError, match="wall-clock limit"):
        _run_counter(counter, tmp_path, "stuck", timeout_s=2)


def test_unknown_simulator_is_refused() -> None:
    """Only the supported simulators."""
    with pytest.raises(ValueError, match="nosuch"):
        build.build("nosuch")
