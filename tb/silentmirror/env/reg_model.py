"""UVM register model of an initiator, built from the register map, and a passive check of the accesses seen."""

from __future__ import annotations

from typing import Any

from pyuvm import (
    uvm_component,
    uvm_endianness_e,
    uvm_predict_e,
    uvm_reg,
    uvm_reg_block,
    uvm_reg_field,
)

from silentmirror import regs

from .port import WORD, Access, HostPort

WORD_BITS = 8 * WORD
_KIND = {True: uvm_predict_e.UVM_PREDICT_WRITE, False: uvm_predict_e.UVM_PREDICT_READ}


class InitiatorRegBlock(uvm_reg_block):
    """Registers and fields of `hdl/initiator/regs.toml`; a register without named fields has one, VALUE.

    Everything but rw and registers with a constant reset is volatile: the mirror holds what was read last.
    """

    def __init__(self, name: str = "initiator_regs") -> None:
        super().__init__(name)
        self.by_name: dict[str, Any] = {}

    def build(self) -> InitiatorRegBlock:
        """Create registers, fields and the default map; returns itself."""
        table = self.create_map("axil", 0, WORD, uvm_endianness_e.UVM_LITTLE_ENDIAN)
        for source in regs.load():
            register = uvm_reg(source.name, WORD_BITS)
            register.configure(self)
            for field in source.fields.values() or [regs.Field("VALUE", WORD_BITS - 1, 0, source.text)]:
                self._field(register, source, field)
            table.add_reg(register, source.offset, "RW")
            register.reset()
            self.by_name[source.name] = register
        self.set_default_map(table)
        self.lock_model()
        return self

    @staticmethod
    def _field(register: Any, source: regs.Register, field: regs.Field) -> None:
        known = source.reset is not None
        volatile = source.access == "w1c" or not known
        reset = field.get(source.reset or 0)
        access = source.access.upper()
        uvm_reg_field(field.name).configure(
            register, field.msb - field.lsb + 1, field.lsb, access, volatile, reset, known, False, False
        )


class RegisterChecker(uvm_component):
    """Follows the accesses on a port: what only the host can change reads as it was written, or as after reset."""

    port: HostPort

    def build_phase(self) -> None:
        """Build the model and listen."""
        self.block = InitiatorRegBlock().build()
        self.compared = 0
        self.failures: list[str] = []
        self.port.watch(self._access)

    def _access(self, access: Access) -> None:
        if access.register is None:
            return
        register = self.block.by_name[access.register]
        if not access.write:
            for field in register.get_fields():
                if not field.is_volatile():
                    self._compare(access, field)
        register.predict(access.value, kind=_KIND[access.write])

    def _compare(self, access: Access, field: Any) -> None:
        self.compared += 1
        found, expected = field.extract_from_register(access.value), field.get_mirrored_value()
        if found != expected:
            name = f"{access.register}.{field.get_name()}"
            self.failures.append(f"{name} reads {found:#x} at {access.time_ns} ns, expected {expected:#x}")

    def check_phase(self) -> None:
        """Fail with what was read wrong."""
        assert not self.failures, "\n".join(self.failures)
