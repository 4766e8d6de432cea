"""pyuvm environment of the silent-mirroring bench: agents, scoreboard, sequences, base test.

class MyTest(MirrorTest):
    def make_config(self): return EnvConfig(standard_config(targets=3, media=...))
    async def scenario(self): await DiscoverSequence([5, 4, 3]).start(self.sequencer)
"""

from .base_test import MirrorTest
from .environment import EnvConfig, MirrorEnv
from .items import HostCompletion, MemberResult, SubmitItem
from .sequences import (
    WAYS,
    ConfigureSequence,
    DiscoverSequence,
    HostSequence,
    HostSettings,
    InitialiseSequence,
    MirrorImageSequence,
    write_10,
)

__all__ = [
    "WAYS",
    "ConfigureSequence",
    "DiscoverSequence",
    "EnvConfig",
    "HostCompletion",
    "HostSequence",
    "HostSettings",
    "InitialiseSequence",
    "MemberResult",
    "MirrorEnv",
    "MirrorImageSequence",
    "MirrorTest",
    "SubmitItem",
    "write_10",
]
