"""Requests as descriptor registers, and back. Opcodes and field names are those of the register map."""

from __future__ import annotations

from collections.abc import Sequence

from silentmirror import regs
from silentmirror.bench import BLOCK_SIZES
from silentmirror.model import (
    CapabilityRequest,
    CommandRequest,
    Mirroring,
    MirrorReadRequest,
    MirrorRequest,
    MirrorWriteRequest,
    Policy,
    QueryRequest,
    Request,
)

QUERY, COMMAND, MIRROR_WRITE, MIRROR_READ, MIRROR_CAPABILITY = 1, 2, 3, 5, 6
FIRST = "OP"
"""The descriptor's first register; `encode` gives the words from there on, in order of offset."""

_SERIES = 16
"""Most blocks in a series that the initiator can do."""
_NAMES = ("OP", "CDB0", "CDB1", "CDB2", "CDB3", "DATA_LEN", "BUF_ADDR", "LBA", "ORDER0", "ORDER1", "COUNT")


def encode(request: Request, address: int) -> list[int]:
    """Words of OP to COUNT for a request whose data lie at a byte address of the block buffer."""
    table = regs.load()
    op = {"TAG": request.tag, "TAGGED": request.tagged, "DISC_PRIV": request.disc_priv, "LUN": request.lun}
    words = dict.fromkeys(_NAMES, 0)
    words["BUF_ADDR"] = address
    if isinstance(request, QueryRequest):
        op |= {"OPCODE": QUERY, "TARGET": request.target, "GROUP": request.group, "Z": request.z, "LAST": request.last}
    elif isinstance(request, CommandRequest):
        op |= {"OPCODE": COMMAND, "TARGET": request.target}
        cdb = request.cdb.ljust(16, b"\0")
        words |= {f"CDB{n}": int.from_bytes(cdb[4 * n : 4 * n + 4], "little") for n in range(4)}
        words["DATA_LEN"] = table["DATA_LEN"].pack(
            BYTES=request.data_in or len(request.data), DIR_IN=int(request.data_in > 0)
        )
    elif isinstance(request, CapabilityRequest):
        op |= {"OPCODE": MIRROR_CAPABILITY, "TARGET": request.target, "GROUP": request.group, "Z": request.z}
    elif isinstance(request, MirrorRequest):
        opcode = MIRROR_READ if isinstance(request, MirrorReadRequest) else MIRROR_WRITE
        op |= {"OPCODE": opcode, "GROUP": request.group}
        order = sum(z << 4 * rank for rank, z in enumerate(request.order))
        words |= {"LBA": request.lba, "ORDER0": order & 0xFFFFFFFF, "ORDER1": order >> 32, "COUNT": len(request.order)}
        words["DATA_LEN"] = table["DATA_LEN"].pack(BYTES=request.length)
    else:
        raise TypeError(f"no descriptor for {type(request).__name__}")
    words["OP"] = table["OP"].pack(**{name: int(value) for name, value in op.items()})
    return [words[name] for name in _NAMES]


def mirroring(request: Request) -> list[tuple[str, int]]:
    """Registers behind COUNT that a request needs besides, with their words, in the order to write them."""
    if not isinstance(request, MirrorRequest):
        return []
    how = request.how
    word = regs.load()["MIRROR"].pack(
        POLICY=how.policy,
        ROUNDS=how.rounds,
        BLOCK_SIZE=BLOCK_SIZES.index(how.block_bytes),
        BLOCKS=1 + len(how.more),
        SERIES=how.series,
    )
    return [("MIRROR", word), *(("SERIES_LBA", lba) for lba in how.more)]


def decode(initiator: int, words: dict[str, int], series: Sequence[int], buffer: bytes) -> Request:
    """The request that a descriptor's words ask for, with the data taken from the block buffer; ValueError if none.

    `series`: what has been written to SERIES_LBA for it.
    """
    table = regs.load()
    op = table["OP"].unpack(words["OP"])
    length = table["DATA_LEN"].unpack(words["DATA_LEN"])
    data = b"" if length["DIR_IN"] else buffer[words["BUF_ADDR"] : words["BUF_ADDR"] + length["BYTES"]]
    tag, lun, tagged, disc_priv = op["TAG"], op["LUN"], bool(op["TAGGED"]), bool(op["DISC_PRIV"])
    if op["OPCODE"] == QUERY:
        last = bool(op["LAST"])
        return QueryRequest(initiator, tag, tagged, disc_priv, lun, op["TARGET"], op["GROUP"], op["Z"], last)
    if op["OPCODE"] == COMMAND:
        cdb = b"".join(words[f"CDB{n}"].to_bytes(4, "little") for n in range(4))
        data_in = length["BYTES"] if length["DIR_IN"] else 0
        return CommandRequest(initiator, tag, tagged, disc_priv, lun, op["TARGET"], cdb, data, data_in)
    if op["OPCODE"] == MIRROR_CAPABILITY:
        ability = table["ABILITY"].unpack(words.get("ABILITY", 0))
        status = bool(ability["MIRROR_STATUS"])
        blocks = _SERIES if status and ability["MIRROR_SERIES"] else 0
        target, group, z = op["TARGET"], op["GROUP"], op["Z"]
        return CapabilityRequest(initiator, tag, tagged, disc_priv, lun, target, group, z, status, blocks)
    packed = words["ORDER1"] << 32 | words["ORDER0"]
    order = tuple(packed >> 4 * rank & 0xF for rank in range(words["COUNT"] & 0xF))
    mirror = table["MIRROR"].unpack(words.get("MIRROR", 0))
    more = tuple(series[: max(mirror["BLOCKS"], 1) - 1])
    how = Mirroring(
        more, Policy(mirror["POLICY"]), mirror["ROUNDS"], max(mirror["SERIES"], 1), BLOCK_SIZES[mirror["BLOCK_SIZE"]]
    )
    if op["OPCODE"] == MIRROR_READ:
        bytes_in = length["BYTES"]
        return MirrorReadRequest(
            initiator, tag, tagged, disc_priv, lun, op["GROUP"], order, words["LBA"], bytes_in, how
        )
    if op["OPCODE"] == MIRROR_WRITE:
        data = buffer[words["BUF_ADDR"] :][: length["BYTES"] * (1 + len(more))]
        return MirrorWriteRequest(initiator, tag, tagged, disc_priv, lun, op["GROUP"], order, words["LBA"], data, how)
    raise ValueError(f"opcode {op['OPCODE']} in OP")
