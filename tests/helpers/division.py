"""The CRC of a data group by long division, for comparison with faster ways."""

from __future__ import annotations


def divided(data: bytes, lsb_first: bool, seed: int, invert: int) -> bytes:
    """The CRC of data as it goes over the bus: division by 04C11DB7h, bit by bit."""
    order = range(8) if lsb_first else range(7, -1, -1)
    register = int(f"{seed:032b}"[::-1], 2)
    for byte in data:
        for bit in order:
            wrong = (register >> 31 ^ byte >> bit) & 1
            register = (register << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if wrong else 0)
    sent = f"{register ^ int(f'{invert:032b}'[::-1], 2):032b}"  # the highest power goes first
    octets = [sent[n : n + 8] for n in range(0, 32, 8)]
    return bytes(int(one[::-1] if lsb_first else one, 2) for one in octets)
