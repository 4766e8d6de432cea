"""The Python models of cocotbext.scsi against each other, judged by monitor, checker and mirror rules."""

from __future__ import annotations

import dataclasses

import pytest

from cocotbext.scsi.models.mirror_messages import CODES, LAST, Z_LEAVE
from helpers.sim import TESTS, SimRunner
from silentmirror import mirror_messages as mirror
from silentmirror.build import Design

PORTS_ONLY = Design(top="python_ports", sources=(TESTS / "models" / "cable.v", TESTS / "models" / "python_ports.v"))


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "_faults",
        "_mirror",
        "_mirror_faults",
        "_extensions",
        "_extensions_faults",
        "_negotiation",
        "_sync",
        "_sync_faults",
        "_qas",
        "_tasks",
    ],
)
def test_models(run_sim: SimRunner, subject: str) -> None:
    """All in-simulator tests of one subject."""
    run_sim(f"sim_models{subject}", design=PORTS_ONLY)


def test_models_with_rtl(run_sim: SimRunner) -> None:
    """A mirror group of two implementations."""
    run_sim("sim_models_rtl", media={2: bytes(16 * 512)})


def test_models_with_rtl_extensions(run_sim: SimRunner) -> None:
    """The same with status in the connection and many blocks in one."""
    run_sim("sim_models_rtl_extensions", media={slot: bytes(16 * 512) for slot in (2, 3)}, timeout_s=1800)


def test_mirror_codes_agree() -> None:
    """The models' vendor codes are those of the annotator, which are compared with the RTL's elsewhere."""
    assert dataclasses.asdict(CODES) == {
        "query": mirror.MirrorMessage.QUERY,
        "switch_role": mirror.MirrorMessage.SWITCH_ROLE,
        "report": mirror.MirrorMessage.REPORT,
        "release": mirror.MirrorMessage.RELEASE,
        "read": mirror.MirrorExtended.READ,
        "write": mirror.MirrorExtended.WRITE,
        "next": mirror.MirrorExtended.NEXT,
        "capability": mirror.MirrorExtended.CAPABILITY,
        "failed": mirror.MirrorExtended.FAILED,
    }
    assert (LAST, Z_LEAVE) == (mirror.LAST, mirror.Z_LEAVE)
