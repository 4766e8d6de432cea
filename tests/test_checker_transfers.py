"""The checker on negotiated transfers and QAS: its limits class by class, and what its rules leave to each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from cocotbext.scsi.agreement import Agreement, Option, Period, Ppr
from cocotbext.scsi.checker import Level, limits
from cocotbext.scsi.checker.limits import Speed
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.wires import M_BSY
from helpers import scenarios
from helpers import transfer_scenarios as transfers
from helpers.sync_script import (
    DT_FAST_10,
    DT_FAST_20,
    DT_FAST_40,
    DT_FAST_80,
    FAST_5,
    FAST_10,
    FAST_20,
    FAST_40,
    Pace,
    dt_transfer,
    sync_transfer,
)
from helpers.verdict import check, violated
from helpers.wire_script import (
    HOST,
    IDS,
    LEADER,
    PART1,
    Fault,
    Script,
    arbitrate,
    end,
    free,
    reset,
    select,
    transfer,
)
from silentmirror.mirror_rules import mirror_options
from silentmirror.options import ROOT

IN, OUT = Phase.DATA_IN, Phase.DATA_OUT
DT_IN, DT_OUT = Phase.DT_DATA_IN, Phase.DT_DATA_OUT
ST_PACES = {
    Speed.FAST_5: (Period.FAST_5, FAST_5),
    Speed.FAST_10: (Period.FAST_10, FAST_10),
    Speed.FAST_20: (Period.FAST_20, FAST_20),
    Speed.FAST_40: (Period.FAST_40, FAST_40),
}
DT_PACES = {
    Speed.FAST_10: (Period.FAST_10, DT_FAST_10),
    Speed.FAST_20: (Period.FAST_20, DT_FAST_20),
    Speed.FAST_40: (Period.FAST_40, DT_FAST_40),
    Speed.FAST_80: (Period.FAST_80, DT_FAST_80),
}


# -- limits ----------------------------------------------------------------------------------------------------------


def facts(section: str, row: str) -> list[str]:
    """The cells of a row of a table in spi-facts."""
    text = (ROOT / "docs" / "spi-facts.md").read_text(encoding="utf-8")
    part = text[text.index(f"### {section} ") :]
    found = re.search(rf"^\| {re.escape(row)} \|([^\n]*)\|$", part, re.MULTILINE)
    assert found is not None, row
    return [cell.strip() for cell in found[1].split("|")]


def test_st_limits_are_those_of_the_facts() -> None:
    rows = {
        "transmit assertion min": limits.ST_ASSERTION,
        "transmit negation min": limits.ST_NEGATION,
        "transmit setup min": limits.ST_SETUP,
        "transmit hold min": limits.ST_HOLD,
        "ATN transmit setup min": limits.ST_ATN_SETUP,
    }
    for row, table in rows.items():
        assert [float(cell) for cell in facts("3.3", row)[1:]] == list(table.values()), row
        assert list(table) == list(ST_PACES)
    assert facts("3.3", "period tolerance tx max / rx min")[1].split("/")[0] == str(limits.ST_TOLERANCE)


def test_dt_limits_are_those_of_the_facts() -> None:
    rows = {
        "transmit assertion / negation min": limits.DT_WIDTH,
        "transmit setup min": limits.DT_SETUP,
        "transmit hold min": limits.DT_HOLD,
        "pCRC transmit setup": limits.DT_PCRC_SETUP,
        "pCRC transmit hold": limits.DT_PCRC_HOLD,
        "tx REQ assertion (and negation) with P_CRCA changing min": limits.DT_STRETCHED,
        "ATN transmit / receive setup": limits.DT_ATN_SETUP,
    }
    for row, table in rows.items():
        said = [
            min(map(float, cell.split(" / "))) if " / " in cell else float(cell.split("/")[0])
            for cell in facts("3.4", row)[:4]
        ]
        assert said == list(table.values()), row
        assert list(table) == list(DT_PACES)
    assert facts("3.4", "tx period tolerance / rx")[0].split("/")[0] == str(limits.DT_TOLERANCE)


@pytest.mark.parametrize(
    ("period", "st", "dt"),
    [
        (0x08, None, None),
        (0x09, None, Speed.FAST_80),
        (0x0A, Speed.FAST_40, Speed.FAST_40),
        (0x0B, Speed.FAST_40, Speed.FAST_40),
        (0x0C, Speed.FAST_20, Speed.FAST_20),
        (0x18, Speed.FAST_20, Speed.FAST_20),
        (0x19, Speed.FAST_10, Speed.FAST_10),
        (0x31, Speed.FAST_10, Speed.FAST_10),
        (0x32, Speed.FAST_5, Speed.FAST_10),
        (0xFF, Speed.FAST_5, Speed.FAST_10),
    ],
)
def test_classes(period: int, st: Speed | None, dt: Speed | None) -> None:
    assert limits.speed_of(Agreement(period, 8)) is st
    assert limits.speed_of(Agreement(period, 8, True, Option.DT)) is dt
    assert limits.speed_of(Agreement(period, 8, True, Option.DT | Option.IU)) is None
    assert limits.speed_of(Agreement(period, 0)) is None


def fault(slot: int, names: str, level: int, start: str, stop: str) -> Callable[[float], Fault]:
    """A fault with `{}` for a number of ns in its marks."""
    return lambda ns: Fault(slot, names, level, start.format(f"{ns:g}"), stop.format(f"{ns:g}"))


ST_EDGES = {
    "SYN-03": (IN, limits.ST_ASSERTION, fault(LEADER, "req", 0, "p3.b3.req+{}", "p3.b3.req_off")),
    "SYN-04": (OUT, limits.ST_ASSERTION, fault(HOST, "ack", 0, "p3.b3.ack+{}", "p3.b3.ack_off")),
    "SYN-05": (OUT, limits.ST_NEGATION, fault(LEADER, "req", 1, "p3.b3.req_off", "p3.b4.req-{}")),
    "SYN-06": (IN, limits.ST_NEGATION, fault(HOST, "ack", 1, "p3.b3.ack_off", "p3.b4.ack-{}")),
    "SYN-07": (IN, limits.ST_SETUP, fault(LEADER, "db0", 0, "p3.b2.data", "p3.b2.req-{}")),
    "SYN-08": (IN, limits.ST_HOLD, fault(LEADER, "db1", 1, "p3.b2.req+{}", "p3.b3.data")),
    "SYN-09": (OUT, limits.ST_SETUP, fault(HOST, "db0", 0, "p3.b2.data", "p3.b2.ack-{}")),
    "SYN-10": (OUT, limits.ST_HOLD, fault(HOST, "db1", 1, "p3.b2.ack+{}", "p3.b3.data")),
}


@pytest.mark.parametrize("rule", ST_EDGES)
@pytest.mark.parametrize("speed", ST_PACES)
def test_st_at_the_limit(speed: Speed, rule: str) -> None:
    """At its limit a rule holds, a tenth of a nanosecond before it is violated, in every class."""
    phase, table, make = ST_EDGES[rule]
    script = partial(transfers.st, *ST_PACES[speed], phase)
    check(script(), faults=[make(table[speed])]).assert_clean()
    assert violated(check(script(), faults=[make(round(table[speed] - 0.1, 3))])) == {rule}


@pytest.mark.parametrize("speed", ST_PACES)
def test_st_period_at_the_limit(speed: Speed) -> None:
    for rule, phase, slot, name in (("SYN-01", IN, LEADER, "req"), ("SYN-02", OUT, HOST, "ack")):
        early = fault(slot, name, 1, f"p3.b3.{name}-{{}}", f"p3.b3.{name}")
        script = partial(transfers.st, *ST_PACES[speed], phase)
        check(script(), faults=[early(1.0)]).assert_clean()
        assert violated(check(script(), faults=[early(1.1)])) == {rule}


DT_EDGES = {
    "DTR-03": (DT_IN, limits.DT_WIDTH, fault(LEADER, "req", 0, "p3.b2.req+{}", "p3.b3.req")),
    "DTR-04": (DT_OUT, limits.DT_WIDTH, fault(HOST, "ack", 0, "p3.b2.ack+{}", "p3.b3.ack")),
    "DTR-05": (DT_IN, limits.DT_SETUP, fault(LEADER, "db0", 0, "p3.b2.data", "p3.b2.req-{}")),
    "DTR-06": (DT_IN, limits.DT_HOLD, fault(LEADER, "db1", 1, "p3.b2.req+{}", "p3.b3.data")),
    "DTR-07": (DT_OUT, limits.DT_SETUP, fault(HOST, "db0", 0, "p3.b2.data", "p3.b2.ack-{}")),
    "DTR-08": (DT_OUT, limits.DT_HOLD, fault(HOST, "db1", 1, "p3.b2.ack+{}", "p3.b3.data")),
    "DTR-09": (DT_OUT, limits.DT_PCRC_SETUP, fault(LEADER, "dbp0", 0, "p3.g0.crca", "p3.b5.req-{}")),
    "DTR-10": (DT_OUT, limits.DT_PCRC_HOLD, fault(LEADER, "dbp0", 1, "p3.b4.req+{}", "p3.g0.crca")),
    "DTR-11": (DT_OUT, limits.DT_STRETCHED, fault(LEADER, "req", 0, "p3.b4.req+{}", "p3.b5.req")),
}


@pytest.mark.parametrize("rule", DT_EDGES)
@pytest.mark.parametrize("speed", DT_PACES)
def test_dt_at_the_limit(speed: Speed, rule: str) -> None:
    phase, table, make = DT_EDGES[rule]
    script = partial(transfers.dt, *DT_PACES[speed], phase, values=transfers.BLOCK[:10])
    more = []
    if rule == "DTR-11":  # P_CRCA as early as it may, so that its setup is not at stake
        more.append(Fault(LEADER, "dbp0", 1, f"p3.b4.req+{limits.DT_PCRC_HOLD[speed]:g}", "p3.g0.crca"))
    check(script(), faults=[make(table[speed]), *more]).assert_clean()
    assert violated(check(script(), faults=[make(round(table[speed] - 0.1, 3)), *more])) == {rule}


@pytest.mark.parametrize("speed", DT_PACES)
def test_dt_period_at_the_limit(speed: Speed) -> None:
    for rule, phase, slot, name in (("DTR-01", DT_IN, LEADER, "req"), ("DTR-02", DT_OUT, HOST, "ack")):
        early = fault(slot, name, 1, f"p3.b2.{name}-{{}}", f"p3.b2.{name}")
        script = partial(transfers.dt, *DT_PACES[speed], phase)
        check(script(), faults=[early(0.6)]).assert_clean()
        assert violated(check(script(), faults=[early(0.7)])) == {rule}


# -- data phases -----------------------------------------------------------------------------------------------------

_st = partial(transfers.st, Period.FAST_10, FAST_10)
_dt = partial(transfers.dt, Period.FAST_10, DT_FAST_10)


@pytest.mark.parametrize("drivers", [True, False])
@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("speed", ST_PACES)
def test_st_is_clean(speed: Speed, wide: bool, drivers: bool) -> None:
    checker = check(transfers.st(*ST_PACES[speed], OUT, IN, wide=wide), drivers=drivers)
    checker.assert_clean()
    words = len(transfers.BLOCK) // (2 if wide else 1)
    assert checker.rules["SYN-01"].evaluations == checker.rules["SYN-02"].evaluations == 2 * words
    assert checker.rules["SYN-07"].evaluations == checker.rules["SYN-09"].evaluations == words
    assert checker.rules["PAR-05"].evaluations == checker.rules["PAR-06"].evaluations == words
    assert checker.rules["PAR-07"].evaluations == (2 * words if wide else 0)
    assert checker.rules["SYN-13"].evaluations == 2


@pytest.mark.parametrize("drivers", [True, False])
@pytest.mark.parametrize("groups", [(12,), (2, 6, 4), (4, 2, 2, 4)])
@pytest.mark.parametrize("speed", DT_PACES)
def test_dt_is_clean(speed: Speed, groups: tuple[int, ...], drivers: bool) -> None:
    checker = check(transfers.dt(*DT_PACES[speed], DT_OUT, DT_IN, groups=groups), drivers=drivers)
    checker.assert_clean()
    for rule in ("DTR-19", "DTR-20", "DTR-18"):
        assert checker.rules[rule].evaluations == len(groups), rule
    assert checker.rules["DTR-17"].evaluations == 2 * len(groups)


@pytest.mark.parametrize("answer", [5.0, 40.0, 2000.0])
@pytest.mark.parametrize("phase", [DT_IN, DT_OUT])
def test_dt_far_and_near(phase: Phase, answer: float) -> None:
    """ACKs of a group come before P_CRCA is negated, or groups later."""
    pace = replace(DT_FAST_40, answer=answer, offset=limits.UNLIMITED)
    checker = check(transfers.dt(Period.FAST_40, pace, phase, groups=(2, 6, 4)))
    checker.assert_clean()
    assert checker.rules["DTR-19" if phase.is_in else "DTR-20"].evaluations == 3


def test_an_offset_of_ffh_has_no_limit() -> None:
    pace = Pace(25.0, 255, answer=10_000.0)
    values = bytes(600)
    script = transfers.st(Period.FAST_40, pace, IN, values=values, wide=False, offset=limits.UNLIMITED)
    check(script).assert_clean()
    fewer = transfers.st(Period.FAST_40, pace, IN, values=values, wide=False, offset=254)
    assert violated(check(fewer)) == {"SYN-11"}


@pytest.mark.parametrize(
    ("rule", "script", "wrong"),
    [
        ("PAR-05", partial(_st, OUT), Fault(HOST, "db1", 1, "p3.b2.data", "p3.b3.data")),
        ("PAR-06", partial(_st, IN), Fault(LEADER, "db1", 1, "p3.b2.data", "p3.b3.data")),
        ("PAR-07", partial(_st, IN), Fault(LEADER, "db11", 1, "p3.b2.data", "p3.b3.data")),
        ("DRV-04", partial(_st, IN), Fault(HOST, "db0", 1, "p3.b2.data", "p3.b3.data")),
        ("DRV-04", partial(_st, OUT), Fault(PART1, "db0", 1, "p3.b2.data", "p3.b3.data")),
        ("DRV-04", partial(_dt, DT_OUT), Fault(LEADER, "db0", 1, "p3.b2.data", "p3.b3.data")),
        ("DRV-03", partial(_st, IN), Fault(PART1, "ack", 1, "p3.b2.ack+10", "p3.b2.ack+20")),
        ("DRV-01", partial(_st, IN), Fault(PART1, "io", 1, "p3.b2.ack+10", "p3.b2.ack+20")),
        ("PHS-02", partial(_st, IN), Fault(HOST, "ack", 1, "p3.b5.ack", "p4+30")),
    ],
)
def test_other_rules_in_synchronous_phases(rule: str, script: Callable[[], Script], wrong: Fault) -> None:
    """Parity, drivers and phase lines are judged as elsewhere."""
    legal = check(script())
    legal.assert_clean()
    assert legal.rules[rule].evaluations
    assert violated(check(script(), faults=[wrong])) == {rule}


def test_a_lost_bus_is_told_by_one_rule() -> None:
    """BSY goes in mid-data: the counts mean nothing then."""
    for script in (_st(IN), _dt(DT_OUT)):
        start = script.at("p3.b3.ack_off" if "p3.b3.ack_off" in script.marks else "p3.b3.ack")
        script.edges = [edge for edge in script.edges if edge[0] <= start]
        script.now = start + 45
        everything = (1 << 27) - 1
        for slot in (HOST, LEADER):
            script.clear(slot, everything)
        assert violated(check(script)) == {"FRE-02"}


@pytest.mark.parametrize("script", [partial(_st, IN), partial(_dt, DT_OUT)])
def test_reset_in_mid_data(script: Callable[[], Script]) -> None:
    """RST cuts a phase off; the next connection is judged from the beginning, as an asynchronous one."""
    s = script()
    start = s.at("p3.b3.ack") + 45
    s.edges = [edge for edge in s.edges if edge[0] <= start]
    s.now, s.lines_now = start + 20, 0
    s.marks.clear()
    reset(s)
    s.clear(LEADER, (1 << 27) - 1, start + 400)
    s.wait(4000)
    checker = check(scenarios.ordinary(s=s, name="2."))
    checker.assert_clean()
    assert checker.rules["HSK-06"].evaluations
    assert not checker.rules["SYN-13"].evaluations + checker.rules["DTR-15"].evaluations


def test_a_gap_in_bsy_is_told_by_one_rule() -> None:
    gap = Fault(LEADER, "bsy", 0, "p3.b2.req+10", "p3.b2.req+30")
    assert violated(check(_st(IN), faults=[gap])) == {"CON-01"}
    assert violated(check(_dt(DT_OUT), faults=[gap])) == {"CON-01"}


@pytest.mark.parametrize("ending", ["rst", "target reset"])
def test_agreements_end_with_a_reset(ending: str) -> None:
    """Data that goes on as before the reset is judged as asynchronous, a DT code as one that nobody has agreed on."""
    for dt, expected in ((False, {"HSK-01", "HSK-02", "HSK-03", "HSK-04"}), (True, {"PHS-05"})):
        s = _dt(DT_IN) if dt else _st(IN)
        if ending == "rst":
            reset(s)
            s.wait(4000)
        else:
            arbitrate(s, HOST, IDS[HOST], "r.")
            select(s, name="r.")
            transfer(s, LEADER, Phase.MSG_OUT, b"\x0c")
            free(s, LEADER, "r.")
        arbitrate(s, HOST, IDS[HOST], "2.")
        select(s, name="2.")
        transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
        if dt:
            dt_transfer(s, LEADER, DT_IN, transfers.BLOCK, DT_FAST_10)
        else:
            sync_transfer(s, LEADER, IN, transfers.BLOCK, replace(FAST_10, answer=210.0))
        end(s, name="2.")
        found = check(s)
        assert violated(found) & expected
        assert not {rule for rule in violated(found) if rule[:3] in ("SYN", "DTR")}
        assert found.rules["DTR-15" if dt else "SYN-13"].evaluations == 1


def test_agreements_can_be_stated() -> None:
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
    sync_transfer(s, LEADER, IN, transfers.BLOCK, FAST_40)
    end(s)
    agreement = Agreement(Period.FAST_40, FAST_40.offset, True)
    for drivers in (True, False):
        checker = check(s, drivers=drivers, agreements=[(HOST, LEADER, agreement)])
        checker.assert_clean()
        assert checker.rules["SYN-07"].evaluations == len(transfers.BLOCK) // 2
    assert violated(check(s))


def test_without_parity_lines_there_are_no_groups() -> None:
    options = mirror_options(parity=False)
    wrong = Fault(HOST, "db1", 1, "p3.b2.data", "p3.b3.data")
    assert violated(check(_dt(DT_OUT), faults=[wrong])) == {"DTR-20"}
    checker = check(_dt(DT_OUT), options, [wrong])
    checker.assert_clean()
    assert not checker.applies(checker.rules["DTR-20"])
    assert checker.applies(checker.rules["SYN-09"])
    assert violated(check(_st(OUT), faults=[wrong])) == {"PAR-05"}
    checker = check(_st(OUT), options, [wrong])
    checker.assert_clean()
    assert checker.rules["SYN-09"].evaluations
    assert not checker.rules["PAR-05"].evaluations


def test_a_rejected_sdtr_may_be_followed_by_wdtr() -> None:
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0\x01\x03\x01\x19\x08")
    transfer(s, LEADER, Phase.MSG_IN, b"\x07", raise_atn=True)
    transfer(s, LEADER, Phase.MSG_OUT, b"\x01\x02\x03\x01")
    transfer(s, LEADER, Phase.MSG_IN, b"\x01\x02\x03\x01")
    transfer(s, LEADER, Phase.DATA_IN, transfers.BLOCK, wide=True)
    end(s)
    checker = check(s)
    checker.assert_clean()
    assert checker.rules["NEG-07"].evaluations == 1
    assert checker.rules["PAR-07"].evaluations == 6


def test_information_units_are_left_out() -> None:
    """A data phase under an agreement on IU has no groups; nothing is said about its strobes."""
    asked = Ppr(Period.FAST_40, 31, 1, Option.DT | Option.IU).encode()
    s = transfers.negotiated(asked)
    sync_transfer(s, LEADER, DT_IN, transfers.BLOCK, FAST_40)
    end(s)
    checker = check(s)
    checker.assert_clean()
    assert not checker.rules["DTR-03"].evaluations


def test_bus_free_after_a_change_of_information_units() -> None:
    s = Script()
    arbitrate(s, HOST, IDS[HOST])
    select(s)
    asked = Ppr(Period.FAST_40, 31, 1, Option.DT | Option.IU).encode()
    transfer(s, LEADER, Phase.MSG_OUT, b"\xc0" + asked)
    transfer(s, LEADER, Phase.MSG_IN, asked)
    free(s, LEADER)
    check(s).assert_clean()


def test_a_residue_needs_a_wide_data_phase_before_it() -> None:
    """Not after DATA OUT, not as a second message, not with 8 bit."""
    for phase, messages, wide in ((OUT, b"\x23\x01", True), (IN, b"\x02\x23\x01", True), (IN, b"\x23\x01", False)):
        s = transfers.negotiated(Ppr(Period.FAST_20, 16, int(wide), Option.NONE).encode())
        sync_transfer(s, LEADER, phase, transfers.BLOCK[:11], FAST_20, wide=wide)
        transfer(s, LEADER, Phase.MSG_IN, messages)
        end(s)
        assert violated(check(s)) == {"MSG-10"}


def test_ppr_is_reserved_below_spi_3() -> None:
    script = transfers.negotiation(Ppr(Period.FAST_20, 16, 1, Option.NONE).encode())
    for level, expected in ((Level.SPI2, {"MSG-04"}), (Level.SPI3, set())):
        assert violated(check(script, mirror_options(level=level))) == expected


def test_mirrored_write_with_synchronous_data() -> None:
    """The bytes of a synchronous phase count for silent mirroring."""
    for length in (12, 10):
        s = Script()
        for yz, slot in enumerate((LEADER, PART1)):
            scenarios.enrol(s, slot, yz)
        arbitrate(s, HOST, IDS[HOST], "m.")
        select(s, name="m.")
        transfer(s, LEADER, Phase.MSG_OUT, bytes((0xC0, 1, 9, 0x8A, 0, 0, 0, 0, 0, 0, 0, length)))
        dt_transfer(s, LEADER, DT_OUT, transfers.BLOCK, DT_FAST_40, raise_atn=True)
        transfer(s, LEADER, Phase.MSG_OUT, b"\x2c\x01\xff")
        s.clear(LEADER, ((1 << 27) - 1) & ~M_BSY)
        s.lines_now = 0
        s.wait(700)
        sync_transfer(s, PART1, OUT, transfers.BLOCK, FAST_40, raise_atn=True, settle_ns=0)
        transfer(s, PART1, Phase.MSG_OUT, b"\x2e\x01")
        s.clear(PART1, (1 << 27) - 1)
        s.wait(200)
        free(s, LEADER, "m.")
        agreed = [
            (HOST, LEADER, Agreement(Period.FAST_40, 31, True, Option.DT)),
            (HOST, PART1, Agreement(Period.FAST_40, 31, True)),
        ]
        checker = check(s, agreements=agreed)
        assert violated(checker) == (set() if length == len(transfers.BLOCK) else {"MIR-22"})
        assert checker.rules["MIR-22"].evaluations == 2
