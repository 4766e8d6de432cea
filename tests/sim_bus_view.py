"""hdl/sim/bus_view.v inside the simulator: the texts that it makes of the wires."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

# Bits of the bus vector (docs/architecture.md section 2).
BSY, SEL, RST, MSG, CD, IO, REQ, ACK, ATN = (1 << n for n in range(9))
MESSAGE_OUT = BSY | MSG | CD
MESSAGE_IN = MESSAGE_OUT | IO


class View:
    """Drives the wires and reads the texts."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut

    async def wires(self, levels: int, byte: int = 0) -> str:
        """Puts `levels` and a data byte on the wires and returns the phase."""
        self._dut.bus_i.value = levels | byte << 9
        await Timer(10, "ns")
        return self.text("phase")

    async def byte(self, levels: int, byte: int) -> tuple[str, int, int]:
        """Transfers a byte in the phase `levels` and returns message, last byte and group/ID."""
        await self.wires(levels | REQ, byte)
        await self.wires(levels | REQ | ACK, byte)
        shown = self.text("message"), int(self._dut.message_byte.value), int(self._dut.group_id.value)
        await self.wires(levels | ACK, byte)
        await self.wires(levels)
        return shown

    async def message(self, levels: int, text: str) -> list[tuple[str, int]]:
        """Transfers the bytes in `text` (hex) and returns the message and the group/ID after each."""
        shown = [await self.byte(levels, byte) for byte in bytes.fromhex(text)]
        assert bytes(byte for _, byte, _ in shown) == bytes.fromhex(text)
        return [(message, group) for message, _, group in shown]

    def text(self, name: str) -> str:
        """A text register, without what pads it."""
        value = getattr(self._dut, name).value
        return int(value).to_bytes(len(value) // 8, "big").lstrip(b"\0").decode("ascii")


@cocotb.test
async def phases_have_names(dut: Any) -> None:
    """From BUS FREE through a connection that the initiator made, and one that a target made."""
    view = View(dut)
    steps = [
        (0, "BUS FREE"),
        (BSY, "ARBITRATION"),
        (BSY | SEL, "ARBITRATION"),
        (BSY | SEL | ATN, "ARBITRATION"),
        (SEL | ATN, "SELECTION"),
        (BSY | SEL | ATN, "SELECTION"),
        (MESSAGE_OUT | ATN, "MESSAGE OUT"),
        (BSY | CD, "COMMAND"),
        (BSY, "DATA OUT"),
        (BSY | IO, "DATA IN"),
        (BSY | MSG, "DT DATA OUT"),
        (BSY | MSG | IO, "DT DATA IN"),
        (BSY | CD | IO, "STATUS"),
        (MESSAGE_IN, "MESSAGE IN"),
        (0, "BUS FREE"),
        (BSY, "ARBITRATION"),
        (BSY | SEL, "ARBITRATION"),
        (SEL | IO, "RESELECTION"),
        (BSY | SEL | IO, "RESELECTION"),
        (MESSAGE_IN, "MESSAGE IN"),
        (MESSAGE_IN | RST, "RESET"),
        (0, "BUS FREE"),
        (BSY, "ARBITRATION"),
    ]
    assert [await view.wires(levels) for levels, _ in steps] == [name for _, name in steps]


@cocotb.test
async def messages_have_names(dut: Any) -> None:
    """Every form of message: one byte, two bytes, extended, with and without the last indicator."""
    view = View(dut)
    for levels in (0, BSY, BSY | SEL, SEL, BSY | SEL):
        await view.wires(levels)
    out = [
        ("C0 20 05", ["IDENTIFY", "SIMPLE", "SIMPLE"]),
        ("01 02 03 01", ["EXTENDED", "EXTENDED", "WDTR", "WDTR"]),
        ("26 31 C1", ["MIRROR QUERY", "MIRROR QUERY", "IDENTIFY"]),
        ("26 32 FF 08", ["MIRROR QUERY", "MIRROR QUERY", "MIRROR QUERY", "NO OPERATION"]),
        ("2C 33 2E 34", ["SWITCH ROLE", "SWITCH ROLE", "RELEASE", "RELEASE"]),
        ("2D 33 FF 08", ["REPORT", "REPORT", "REPORT", "NO OPERATION"]),
        ("01 06 8B 42 00 00 00 09 08", ["EXTENDED", "EXTENDED", *["NEXT"] * 6, "NO OPERATION"]),
        ("01 04 8C 42 03 10 08", ["EXTENDED", "EXTENDED", *["CAPABILITY"] * 4, "NO OPERATION"]),
        ("01 03 8D 42 01 08", ["EXTENDED", "EXTENDED", *["FAILED BLOCK"] * 3, "NO OPERATION"]),
        ("01 09 8A 40 00 00 00 00 00 02 00 07", ["EXTENDED", "EXTENDED", *["MIRROR WRITE"] * 9, "MESSAGE REJECT"]),
        ("01 0A 88 41 26 2C 2E 00 00 02 00 FF 07", ["EXTENDED", "EXTENDED", *["MIRROR READ"] * 10, "MESSAGE REJECT"]),
        ("0D 1F", ["ABORT TASK", "OTHER"]),
    ]
    group = 0
    groups = {"26 31 C1": 0x31, "26 32 FF 08": 0x32, "2C 33 2E 34": 0x34, "2D 33 FF 08": 0x33}
    extended = {"8A": 0x40, "88": 0x41, "8B": 0x42, "8C": 0x42, "8D": 0x42}
    for text, names in out:
        shown = await view.message(MESSAGE_OUT, text)
        assert [message for message, _ in shown] == names, text
        group = groups.get(text, extended.get(text[6:8], group))
        assert shown[-1][1] == group, text


@cocotb.test
async def another_phase_begins_another_message(dut: Any) -> None:
    """What was begun is dropped when the direction or the phase changes, and nothing is shown outside messages."""
    view = View(dut)
    for levels in (0, BSY, BSY | SEL, SEL, BSY | SEL):
        await view.wires(levels)
    assert (await view.message(MESSAGE_OUT, "01"))[-1][0] == "EXTENDED"
    assert (await view.message(MESSAGE_IN, "07"))[-1][0] == "MESSAGE REJECT"
    assert (await view.message(MESSAGE_OUT, "2C"))[-1][0] == "SWITCH ROLE"
    assert await view.wires(BSY) == "DATA OUT"
    assert view.text("message") == ""
    assert (await view.byte(BSY, 0x2E))[0] == ""
    assert (await view.message(MESSAGE_IN, "00"))[-1][0] == "TASK COMPLETE"
