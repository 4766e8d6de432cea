"""The checker on QAS: what its rules leave to those of selection and BUS FREE, and who may take part."""

from __future__ import annotations

import pytest

from cocotbext.scsi.constants import Phase
from cocotbext.scsi.wires import M_BSY
from helpers import transfer_scenarios as transfers
from helpers.qas_script import qas_arbitrate, qas_reselect, qas_select
from helpers.verdict import check, violated
from helpers.wire_script import HOST, IDS, LEADER, PART1, Fault, arbitrate, end, free, reset, select, transfer


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("SEL-04", Fault(HOST, "atn", 0, "2.atn", "2.ids-50")),
        ("SEL-06", Fault(LEADER, "bsy", 1, "2.answer-150", "2.answer")),
        ("SEL-07", Fault(HOST, "sel", 0, "2.sel_off-50", "2.sel_off")),
        ("SEL-02", Fault(HOST, "dbp0", 0, "2.ids", "2.sel_off")),
        ("SEL-08", Fault(HOST, "db5", 0, "2.answer+30", "2.sel_off")),
        ("SEL-12", Fault(PART1, "bsy", 1, "2.answer", "2.answer+50")),
        ("DRV-06", Fault(PART1, "sel", 1, "q.qas_won+200", "q.qas_won+300")),
    ],
)
def test_selection_rules_after_qas(rule: str, wrong: Fault) -> None:
    assert violated(check(transfers.qas(), faults=[wrong])) == {rule}


def test_reselection_after_qas() -> None:
    """I/O comes with the other ID; without BSY of its own the winner takes over BSY as ever."""
    checker = check(transfers.qas_twice())
    checker.assert_clean()
    assert checker.rules["RSL-02"].evaluations == 1
    assert not checker.rules["RSL-01"].evaluations
    assert violated(check(transfers.qas_twice(), faults=[Fault(PART1, "bsy", 0, "3.takeover", "3.sel_off-50")])) == {
        "RSL-02"
    }


def test_the_request_comes_after_the_end_of_the_task() -> None:
    assert violated(check(transfers.qas_unused(before=b""))) == {"FRE-02"}
    assert violated(check(transfers.qas_unused(before=b"\x02"))) == {"FRE-02"}
    check(transfers.qas_unused(before=b"\x04")).assert_clean()


@pytest.mark.parametrize("drivers", [True, False])
def test_a_request_with_atn_opens_nothing(drivers: bool) -> None:
    """The initiator rejects it, and the target frees the bus."""
    s = transfers.with_qas(LEADER)
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    transfer(s, LEADER, Phase.MSG_IN, b"\x04\x55", raise_atn=True)
    transfer(s, LEADER, Phase.MSG_OUT, b"\x07")
    free(s, LEADER)
    checker = check(s, drivers=drivers)
    checker.assert_clean()
    assert checker.rules["QAS-01"].evaluations == 1
    assert not checker.rules["QAS-03"].evaluations


def test_the_sender_of_the_request_may_win() -> None:
    """A target that has more to say takes part in its own QAS."""
    s = transfers.with_qas(LEADER)
    transfers.requested(s, "q.")
    start = s.now
    s.wait(60)
    s.set(LEADER, 1 << 9 + IDS[LEADER])
    s.now = start + 1050
    s.set(LEADER, 1 << 1)
    s.wait(100)
    s.clear(LEADER, M_BSY)
    s.wait(950)
    qas_reselect(s, LEADER, name="2.")
    transfer(s, LEADER, Phase.MSG_IN, b"\x80")
    end(s, name="2.")
    checker = check(s)
    checker.assert_clean()
    assert checker.rules["QAS-11"].evaluations == 1


def test_who_no_longer_asks_need_not_be_waited_for() -> None:
    """PART1 lost, and stays away from the next QAS: the host may take the one after that."""
    s = transfers.with_qas(LEADER, PART1)
    transfers.requested(s, "q.")
    qas_arbitrate(s, HOST, IDS[HOST], name="q.", losers=[(PART1, IDS[PART1])])
    qas_select(s, name="2.")
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    transfers.go_on(s, "2.")
    s.wait(2150)
    s.clear(LEADER, M_BSY)
    s.wait(50)
    transfers.requested(s, "4.")
    qas_arbitrate(s, HOST, IDS[HOST], name="4.", losers=[(PART1, IDS[PART1])])
    qas_select(s, name="5.")
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    end(s, name="5.")
    checker = check(s)
    checker.assert_clean()
    assert checker.rules["QAS-10"].evaluations == 4


@pytest.mark.parametrize("hold", ["q.t0+500", "q.qas_won+500"])
def test_reset_in_qas(hold: str) -> None:
    """RST ends a QAS and its timers, whoever held the bus."""
    s = transfers.qas()
    start = s.at(hold)
    s.edges = [edge for edge in s.edges if edge[0] <= start]
    s.now = start + 20
    reset(s)
    for slot in (LEADER, PART1):
        s.clear(slot, (1 << 27) - 1, start + 200)
    check(s).assert_clean()
