"""The initiator's registers over AXI4-Lite: reset values, writable bits, what is read only; the bus side is idle."""

from __future__ import annotations

import random

import cocotb
import pyuvm

from silentmirror import regs
from silentmirror.bench import standard_config
from silentmirror.env import EnvConfig, MirrorTest
from silentmirror.env.port import HostPort

ENABLE = regs.load()["CONFIG"].fields["ENABLE"].mask
ROUNDS = 4


class RegistersTest(MirrorTest):
    """Reads are judged by the register model in the host agent."""

    def make_config(self) -> EnvConfig:
        """An initiator without targets; nothing goes on the bus."""
        bench = standard_config(targets=0, seed=cocotb.RANDOM_SEED)
        return EnvConfig(bench, required=(), must_be_clean=False)

    async def scenario(self) -> None:
        """Every readable register once, then random writes to all writable ones, then reads."""
        host = self.env.hosts[0]
        table = regs.load()
        readable = [r.name for r in table if r.access != "wo"]
        await host.port.write("CONFIG", table["CONFIG"].pack(OWN_ID=7))
        for name in readable:
            await host.port.read(name)
        rng = random.Random(cocotb.RANDOM_SEED)
        for _ in range(ROUNDS):
            await self._write_all(host.port, rng)
            for name in rng.sample(readable, len(readable)):
                await host.port.read(name)
        await host.port.write("ID", 0)
        assert await host.port.read("ID") == int.from_bytes(b"SMI1", "big")
        assert host.registers.compared > ROUNDS * len(readable)

    @staticmethod
    async def _write_all(port: HostPort, rng: random.Random) -> None:
        """Random values; addresses stay even, what starts something is left alone."""
        for register in regs.load():
            if register.access != "rw" or register.name == "UNLOAD_LEN":
                continue
            value = sum(field.put(rng.getrandbits(field.msb - field.lsb + 1)) for field in register.fields.values())
            if not register.fields:
                value = rng.getrandbits(32)
            if register.name in ("BUF_ADDR", "LOAD_ADDR", "UNLOAD_ADDR"):
                value &= 0xFFE
            if register.name == "CONFIG":
                value &= ~ENABLE
            await port.write(register.name, value)


Registers = pyuvm.test()(RegistersTest)
