"""The disk of the target model, apart from the bus (spi-facts 9, SPC, SBC)."""

from .cdb import Extent, Refusal, cdb_length
from .unit import Disk, Transfer

__all__ = ["Disk", "Extent", "Refusal", "Transfer", "cdb_length"]
