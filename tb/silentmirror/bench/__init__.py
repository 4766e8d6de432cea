"""The one handle through which tests use the simulation bench (hdl/sim/bench.v).

    bench = Bench(dut, standard_config(targets=3, seed=1, media={2: Path("t5.img")}))
    await bench.start()
    bench.slot(2).tx.stick(["bsy"], 0)          # from this moment the bus never sees slot 2 assert BSY
    bench.slot(3).rx.invert(["db0"])            # slot 3 alone sees DB(0) inverted
    bench.medium(2).fail_next()                 # the next block of slot 2's medium ends in an error

`tx` is the direction device to bus, `rx` bus to device. Signal names are those of `cocotbext.scsi.wires.NAMES`, plus
`db`, `dbp`, `phase`, `control`, `data` and `all` for groups; a 27-bit mask in bus-vector order does as well.
"""

from silentmirror.bench.config import (
    BLOCK_SIZES,
    CLK_PERIOD_PS,
    INITIATOR_IDS,
    PPM_LIMIT,
    SLOTS,
    TARGET_IDS,
    BenchConfig,
    Kind,
    SlotConfig,
    standard_config,
    target_slots,
)
from silentmirror.bench.handle import Bench, with_changes
from silentmirror.bench.medium import Medium
from silentmirror.bench.saboteur import Saboteur, Signals, mask_of
from silentmirror.bench.slot import Slot

__all__ = [
    "BLOCK_SIZES",
    "CLK_PERIOD_PS",
    "INITIATOR_IDS",
    "PPM_LIMIT",
    "SLOTS",
    "TARGET_IDS",
    "Bench",
    "BenchConfig",
    "Kind",
    "Medium",
    "Saboteur",
    "Signals",
    "Slot",
    "SlotConfig",
    "mask_of",
    "standard_config",
    "target_slots",
    "with_changes",
]
