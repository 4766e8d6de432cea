"""Negotiation messages, transfer periods and the CRC of data groups, as plain functions."""

from __future__ import annotations

import pytest

from cocotbext.scsi.agreement import (
    ASYNC_8,
    Agreement,
    Option,
    Period,
    Ppr,
    Sdtr,
    Wdtr,
    parse_negotiation,
    transfer_period_ns,
)
from cocotbext.scsi.crc import CrcConvention, crc_words, words_of
from helpers.division import divided


def test_messages_there_and_back() -> None:
    messages: dict[str, Wdtr | Sdtr | Ppr] = {
        "01020301": Wdtr(1),
        "0103010A1F": Sdtr(0x0A, 31),
        "01060409003F0106": Ppr(0x09, 63, 1, Option.DT | Option.QAS),
    }
    for text, message in messages.items():
        assert message.encode() == bytes.fromhex(text)
        assert parse_negotiation(bytes.fromhex(text)) == message


@pytest.mark.parametrize("text", ["", "01", "0102", "010203", "0103030100", "0203010A1F", "01030103", "010304000000"])
def test_other_messages(text: str) -> None:
    assert parse_negotiation(bytes.fromhex(text)) is None


def test_what_an_agreement_becomes() -> None:
    dt = Ppr(Period.FAST_80, 63, 1, Option.DT).agreement()
    assert (dt.is_dt, dt.is_sync, dt.wide) == (True, True, True)
    assert dt.after_wdtr(1) == Agreement(wide=True)
    assert dt.after_sdtr(Period.FAST_20, 15) == Agreement(Period.FAST_20, 15, wide=True)
    assert dt.after_wdtr(0) == ASYNC_8 == Agreement().after_sdtr(Period.FAST_10, 0)


def test_transfer_periods() -> None:
    expected = {0x09: 12.5, 0x0A: 25.0, 0x0B: 30.3, 0x0C: 50.0, 0x0D: 52.0, 0x19: 100.0, 0x32: 200.0, 0xFF: 1020.0}
    assert {factor: transfer_period_ns(factor) for factor in expected} == expected
    for factor in (0, 8, 0x100):
        with pytest.raises(ValueError, match="transfer period factor"):
            transfer_period_ns(factor)


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (bytes(32), 0x190A55AD),
        (b"\xff" * 32, 0xFF6CAB0B),
        (bytes(range(32)), 0x91267E8A),
        (bytes(range(31, -1, -1)), 0x9AB0EF72),
    ],
)
def test_reference_values_of_the_crc(data: bytes, crc: int) -> None:
    low, high = crc_words(words_of(data))
    assert high << 16 | low == crc


@pytest.mark.parametrize("lsb_first", [True, False])
@pytest.mark.parametrize("seed", [0, 0xFFFFFFFF, 0x12345678])
@pytest.mark.parametrize("invert", [0, 0xFFFFFFFF, 0x0F1E2D3C])
def test_other_conventions_of_the_crc(lsb_first: bool, seed: int, invert: int) -> None:
    """As the long division has it; `seed` and `invert` have the coefficient of the highest power in bit 0."""
    data = bytes(range(3, 39))
    low, high = CrcConvention(lsb_first, seed, invert).words(words_of(data))
    assert low.to_bytes(2, "little") + high.to_bytes(2, "little") == divided(data, lsb_first, seed, invert)


def test_words() -> None:
    assert words_of(b"\x01\x02\x03") == [0x0201, 0x0003]
