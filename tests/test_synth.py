"""What `make synth` prepares and reads, without its tools."""

from __future__ import annotations

from silentmirror import synth
from silentmirror.lint import TOPS
from silentmirror.options import ROOT


def test_every_port_of_the_tops_is_in_the_frame() -> None:
    for top in TOPS:
        source = (ROOT / "hdl" / top.removeprefix("scsi_") / f"{top}.v").read_text(encoding="utf-8")
        ports = synth.ports_of(source)
        assert {port.name for port in ports} >= {*synth.PINS, "scsi_db_i", "scsi_db_o"}
        assert next(port for port in ports if port.name == "scsi_db_i") == synth.Port("scsi_db_i", True, 16)
        frame = synth.frame_of(top, ports)
        assert all(frame.count(f".{port.name}(") == 1 for port in ports)
        outputs = sum(port.width for port in ports if not port.is_input)
        assert f"wire [{outputs}-1:0] out;" in frame


def test_a_clock_that_is_too_slow_fails() -> None:
    slow = synth.Result("scsi_target", 1, 1, 0, {"clk_i": synth.BUS_CLOCK_MHZ - 0.1}, [])
    fast = synth.Result("scsi_target", 1, 1, 0, {"clk_i": synth.BUS_CLOCK_MHZ, "scsi_ack_i": 90.0}, [])
    assert [slow.closes, fast.closes] == [False, True]
