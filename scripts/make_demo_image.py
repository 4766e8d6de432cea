#!/usr/bin/env python3
"""Writes share/demo.img (or the file named): a FAT12 file system of 8 KiB, the same bytes every time.

Layout in 512-byte sectors: 0 boot, 1 and 2 the two FATs, 3 the root directory, 4 to 15 the data clusters 2 to 13. Every
cluster is in use. FATs apart, no two sectors are equal, so that a block at the wrong place on a drive is noticed.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

SECTOR = 512
SECTORS = 16
ROOT_ENTRIES = SECTOR // 32
FIRST_DATA_SECTOR = 4
MEDIA = 0xF8
END_OF_CHAIN = 0xFFF
LABEL = b"SILENTMIRR "
DATE = (2003 - 1980) << 9 | 9 << 5 | 1  # a fixed day: 1 September 2003
ATTR_LABEL, ATTR_FOLDER, ATTR_FILE = 0x08, 0x10, 0x20

README = b"""\
This small disk was copied to several drives at once.\r
\r
The host adapter arbitrates for the bus and selects one drive, the\r
leader. The leader keeps BSY asserted. When the leader has its copy of\r
a block, a two-byte message names the next drive; that drive takes over\r
the phase lines and asks for its own copy, without another arbitration\r
or selection. A last message lets the leader free the bus. Then every\r
drive reselects the host adapter and returns its status.\r
\r
If you can read this in a drive's image, its copy of the block arrived.\r
"""

GROUP = b"""\
drive  SCSI ID  group/ID\r
0      5        00  leader\r
1      4        01\r
2      3        02  last\r
"""

ORDER = b"302 select 304 message 306 data 308 message 310 data 312 message 314 data 316 message 318 free\r\n"


def pattern(count: int) -> bytes:
    """Bytes of a 16-bit linear feedback register: every sector differs, every bit line toggles."""
    state, out = 0xACE1, bytearray()
    for _ in range(count):
        out.append(state & 0xFF)
        for _ in range(8):
            state = (state >> 1) ^ (0xB400 if state & 1 else 0)
    return bytes(out)


def boot_sector() -> bytes:
    """BIOS parameter block and a boot program that only hands back to the BIOS."""
    block = struct.pack(
        "<3s8sHBHBHHBHHHII",
        b"\xeb\x3c\x90",
        b"SILENTMI",
        SECTOR,
        1,
        1,
        2,
        ROOT_ENTRIES,
        SECTORS,
        MEDIA,
        1,
        SECTORS,
        1,
        0,
        0,
    )
    block += struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0x53494C4D, LABEL, b"FAT12   ")
    block += b"\xcd\x18\xf4"  # int 18h (no boot program here), hlt
    return block.ljust(SECTOR - 2, b"\0") + b"\x55\xaa"


def entry(name: bytes, attribute: int, cluster: int, size: int) -> bytes:
    """One directory entry of 32 bytes; `name` is 8 + 3 characters."""
    return struct.pack("<11sBBBHHHHHHHI", name, attribute, 0, 0, 0, DATE, DATE, 0, 0, DATE, cluster, size)


def fat12(chains: dict[int, int]) -> bytes:
    """The table of 12-bit entries, two in three bytes."""
    entries = [0xF00 | MEDIA, END_OF_CHAIN] + [0] * (SECTORS - FIRST_DATA_SECTOR)
    for cluster, following in chains.items():
        entries[cluster] = following
    value = sum(number << (12 * index) for index, number in enumerate(entries))
    return value.to_bytes(SECTOR, "little")


def image() -> bytes:
    """The whole file system."""
    chains: dict[int, int] = {}
    data = bytearray()

    def store(content: bytes) -> int:
        """Appends `content` as a chain of clusters and returns the first."""
        first = 2 + len(data) // SECTOR
        count = -(-len(content) // SECTOR)
        chains.update({first + n: first + n + 1 for n in range(count - 1)})
        chains[first + count - 1] = END_OF_CHAIN
        data.extend(content.ljust(count * SECTOR, b"\0"))
        return first

    def file(name: bytes, content: bytes) -> bytes:
        return entry(name, ATTR_FILE, store(content), len(content))

    root = entry(LABEL, ATTR_LABEL, 0, 0) + file(b"README  TXT", README) + file(b"GROUP   TXT", GROUP)
    inside = file(b"ORDER   TXT", ORDER)
    own = 2 + len(data) // SECTOR
    folder = entry(b".          ", ATTR_FOLDER, own, 0) + entry(b"..         ", ATTR_FOLDER, 0, 0) + inside
    root += entry(b"FIGURE3    ", ATTR_FOLDER, store(folder), 0)
    free = (SECTORS - FIRST_DATA_SECTOR) * SECTOR - len(data)
    root += file(b"PATTERN BIN", pattern(free - 100))
    table = fat12(chains)
    return boot_sector() + table + table + root.ljust(SECTOR, b"\0") + bytes(data)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "share" / "demo.img"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(image())
