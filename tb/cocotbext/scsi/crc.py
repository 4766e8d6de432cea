"""The CRC-32 that closes a data group of a DT DATA phase (spi-facts 8): polynomial 04C11DB7h, bytes in bus order,
DB(7-0) before DB(15-8).

What the text at hand does not settle is a `CrcConvention`; the default is that of Ethernet.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_ONES: Final = 0xFFFFFFFF
_TURNED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Each byte with its bits in the other order."""


@dataclass(frozen=True)
class CrcConvention:
    """What spi-facts 8 leaves open; all devices of a bus have the same (docs/protocol.md, DT data groups)."""

    lsb_first: bool = True
    """Bit 0 of each byte comes first; otherwise bit 7."""
    seed: int = _ONES
    """What the register starts with; bit 0 is the coefficient of the highest power."""
    invert: int = _ONES
    """What is sent is the register, exclusive-ored with this."""

    def words(self, words: Sequence[int]) -> tuple[int, int]:
        """The two CRC words that follow these words (data and pad), in bus order."""
        found = zlib.crc32(self._ordered(b"".join(word.to_bytes(2, "little") for word in words)), self.seed ^ _ONES)
        sent = self._ordered((found ^ _ONES ^ self.invert).to_bytes(4, "little"))
        return sent[0] | sent[1] << 8, sent[2] | sent[3] << 8

    def _ordered(self, data: bytes) -> bytes:
        return data if self.lsb_first else data.translate(_TURNED)


USUAL: Final = CrcConvention()


def words_of(data: bytes) -> list[int]:
    """Bytes as 16-bit bus words, the earlier byte on DB(7-0); the missing byte of an odd length is 0."""
    padded = data + b"\0" * (len(data) % 2)
    return [padded[n] | padded[n + 1] << 8 for n in range(0, len(padded), 2)]


def crc_words(words: Sequence[int]) -> tuple[int, int]:
    """The two CRC words by the usual convention."""
    return USUAL.words(words)
