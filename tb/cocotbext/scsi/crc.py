"""The CRC-32 that closes a data group of a DT DATA phase (spi-facts 8).

The bit order within a byte is this project's choice: bit 0 first, as in Ethernet's use of the polynomial 04C11DB7h.
Bytes count in bus order, DB(7-0) before DB(15-8).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence


def words_of(data: bytes) -> list[int]:
    """Bytes as 16-bit bus words, the earlier byte on DB(7-0); the missing byte of an odd length is 0."""
    padded = data + b"\0" * (len(data) % 2)
    return [padded[n] | padded[n + 1] << 8 for n in range(0, len(padded), 2)]


def crc_words(words: Sequence[int]) -> tuple[int, int]:
    """The two CRC words that follow these words (data and pad), in bus order."""
    crc = zlib.crc32(b"".join(word.to_bytes(2, "little") for word in words))
    return crc & 0xFFFF, crc >> 16
