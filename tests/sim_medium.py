"""The file-backed medium alone, driven by Python through its target port and the bench's mailbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadWrite, Timer
from cocotb.utils import get_sim_time

from silentmirror.bench.registers import Reg

PERIOD_PS = 6250


class Port:
    """What a target does on the medium port; drives away from the rising edge."""

    def __init__(self, dut: Any, path: Path, block_len: int) -> None:
        self.dut = dut
        self.path = path
        self.block_len = block_len

    async def command(self, register: Reg, data: int) -> None:
        """One bench command."""
        self.dut.reg_i.value = register
        self.dut.data_i.value = data
        await ReadWrite()
        self.dut.go_i.value = not int(self.dut.go_i.value)
        await Timer(1, "ps")

    async def start(self, blocks: int) -> None:
        """Clock, reset, configuration; opens the file."""
        dut = self.dut
        for name in ("go_i", "reg_i", "data_i", "med_start_i", "med_write_i", "med_lba_i", "med_wvalid_i"):
            getattr(dut, name).value = 0
        dut.med_wdata_i.value = 0
        dut.med_rready_i.value = 0
        dut.rst_ni.value = 1
        await Timer(1, "ns")
        dut.rst_ni.value = 0
        Clock(dut.clk_i, PERIOD_PS, "ps").start()
        text = bytes(self.path)
        text = b"\0" * (-len(text) % 8) + text
        for at in range(0, len(text), 8):
            await self.command(Reg.MED_PATH, int.from_bytes(text[at : at + 8], "big"))
        await self.command(Reg.MED_OPEN, 1)
        await self.command(Reg.MED_BLOCKS, blocks)
        await self.command(Reg.MED_BLOCK_LEN, self.block_len)
        await self.command(Reg.MED_WPROT, 0)
        await self.command(Reg.MED_LATENCY_NS, 0)
        await self.command(Reg.MED_FAIL, 0)
        await FallingEdge(dut.clk_i)
        dut.rst_ni.value = 1
        await FallingEdge(dut.clk_i)

    async def _begin(self, lba: int, write: bool) -> None:
        self.dut.med_lba_i.value = lba
        self.dut.med_write_i.value = write
        self.dut.med_start_i.value = 1
        await FallingEdge(self.dut.clk_i)
        self.dut.med_start_i.value = 0

    async def _done(self) -> bool:
        """Wait for done, which lasts one clock; returns its error."""
        for _ in range(10_000):
            if int(self.dut.med_done_o.value):
                error = bool(int(self.dut.med_error_o.value))
                await FallingEdge(self.dut.clk_i)
                assert not int(self.dut.med_done_o.value)
                return error
            await FallingEdge(self.dut.clk_i)
        raise AssertionError("the medium is never done")

    async def read(self, lba: int, stall: int = 0) -> tuple[bytes, bool]:
        """One block and its error; every `stall`-th clock the target is not ready."""
        await self._begin(lba, write=False)
        data = bytearray()
        clocks = 0
        while len(data) < self.block_len:
            clocks += 1
            ready = not stall or clocks % stall != 0
            self.dut.med_rready_i.value = ready
            await Timer(1, "ps")
            if ready and int(self.dut.med_rvalid_o.value):
                data += int(self.dut.med_rdata_o.value).to_bytes(2, "little")
            await FallingEdge(self.dut.clk_i)
            assert clocks < 10_000
        self.dut.med_rready_i.value = 0
        return bytes(data), await self._done()

    async def write(self, lba: int, data: bytes, stall: int = 0) -> bool:
        """Write one block, returns its error; every `stall`-th clock the target has no word."""
        await self._begin(lba, write=True)
        at = clocks = 0
        while at < len(data):
            clocks += 1
            valid = not stall or clocks % stall != 0
            self.dut.med_wvalid_i.value = valid
            self.dut.med_wdata_i.value = int.from_bytes(data[at : at + 2], "little")
            await Timer(1, "ps")
            if valid and int(self.dut.med_wready_o.value):
                at += 2
            await FallingEdge(self.dut.clk_i)
            assert clocks < 10_000
        self.dut.med_wvalid_i.value = 0
        return await self._done()


def file_path() -> Path:
    """The image file of this run."""
    return Path(str(cocotb.plusargs["medium2"]))


def noise(length: int, key: int) -> bytes:
    """Bytes that hold every value and differ from block to block."""
    return bytes((n * 7 + key + (n >> 8) * 13) & 0xFF for n in range(length))


@cocotb.test
@cocotb.parametrize(block_len=[512, 1024, 2048, 4096])
async def blocks_read_and_written(dut: Any, block_len: int) -> None:
    """Reads give the file's bytes, writes change exactly their block, byte 2n in bits 7:0, on the file before done."""
    path = file_path()
    blocks = path.stat().st_size // block_len
    port = Port(dut, path, block_len)
    await port.start(blocks)
    for lba, stall in ((0, 0), (blocks - 1, 3), (1, 2)):
        before = path.read_bytes()
        data, error = await port.read(lba, stall)
        assert not error
        assert data == before[lba * block_len : (lba + 1) * block_len]
        new = noise(block_len, lba + block_len // 512)
        assert new != data
        assert not await port.write(lba, new, stall)
        after = path.read_bytes()
        assert after == before[: lba * block_len] + new + before[(lba + 1) * block_len :]
        assert await port.read(lba) == (new, False)
    assert int(dut.med_blocks_o.value) == blocks
    assert int(dut.med_block_len_o.value) == block_len


@cocotb.test
async def errors_leave_the_file_alone(dut: Any) -> None:
    """Errors on request, write protect and addresses beyond the end are told; the file stays as it was."""
    path = file_path()
    port = Port(dut, path, 512)
    await port.start(4)
    before = path.read_bytes()
    new = bytes(b ^ 0xFF for b in before[:512])
    await port.command(Reg.MED_FAIL, 2)
    assert await port.write(0, new)
    assert (await port.read(0))[1]
    assert path.read_bytes() == before
    assert await port.read(0) == (before[:512], False)
    assert await port.write(4, new)
    assert (await port.read(4))[1]
    await port.command(Reg.MED_WPROT, 1)
    assert await port.write(0, new)
    assert await port.read(0) == (before[:512], False)
    assert path.read_bytes() == before
    await port.command(Reg.MED_WPROT, 0)
    await port.command(Reg.MED_FAIL, 1)
    await port.command(Reg.MED_FAIL, 0)
    assert not await port.write(0, new)
    assert path.read_bytes() == new + before[512:]
    await port.command(Reg.MED_OPEN, 0)
    assert (await port.read(0))[1], "without a file every block fails"


@cocotb.test
async def latency_and_reset(dut: Any) -> None:
    """The latency is kept in both directions, to a clock; a reset in mid-write leaves the file as it was."""
    path = file_path()
    port = Port(dut, path, 512)
    await port.start(4)
    spans = []
    for ns in (0, 10_000):
        await port.command(Reg.MED_LATENCY_NS, ns)
        for write in (False, True):
            begin = get_sim_time("ps")
            assert not (await port.write(1, noise(512, ns)) if write else (await port.read(1))[1])
            spans.append(get_sim_time("ps") - begin)
    for short, long in zip(spans[:2], spans[2:], strict=True):
        assert 10_000_000 <= long - short <= 10_000_000 + 2 * PERIOD_PS
    before = path.read_bytes()
    task = cocotb.start_soon(port.write(2, bytes(b ^ 0xFF for b in before[1024:1536])))
    await Timer(100 * PERIOD_PS, "ps")
    assert int(dut.med_wready_o.value)
    dut.rst_ni.value = 0
    task.cancel()
    dut.med_wvalid_i.value = 0
    await Timer(20_000 + 10 * PERIOD_PS, "ps")
    dut.rst_ni.value = 1
    await Timer(20_000_000, "ps")
    assert path.read_bytes() == before
