"""The checker outside the simulator: its table of rules, its options, and legal scenarios that it must pass."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from cocotbext.scsi.agreement import Period
from cocotbext.scsi.checker import Checker, CheckerOptions, Family, Level, RuleSpec, rule_specs
from cocotbext.scsi.checker.busfree import BusFreeRules
from cocotbext.scsi.checker.table import markdown_table
from cocotbext.scsi.constants import Phase
from cocotbext.scsi.wires import M_ALL, Wires
from helpers import mirror_scenarios, scenarios
from helpers import transfer_scenarios as transfers
from helpers.must_fail import ALL_CASES, CASES, rule_of
from helpers.playback import samples
from helpers.sync_script import DT_FAST_80, FAST_20, FAST_40
from helpers.verdict import check, violated
from helpers.wire_script import (
    HOST,
    IDS,
    LEADER,
    PART1,
    Fault,
    Script,
    arbitrate,
    byte_out,
    end,
    free,
    reset,
    select,
    transfer,
)
from silentmirror.mirror_rules import MirrorRules, mirror_options
from silentmirror.options import ROOT

SPECS = rule_specs([MirrorRules])
LEGAL: dict[str, Callable[[], Script]] = {
    "ordinary": scenarios.ordinary,
    "twice": scenarios.twice,
    "contend": scenarios.contend,
    "abandoned": scenarios.abandoned,
    "no answer": scenarios.no_answer,
    "late answer": partial(scenarios.no_answer, True),
    "reselection": scenarios.reselection,
    "attention": scenarios.attention,
    "second identify": partial(scenarios.attention, b"\xc0\x20\x01"),
    "message parity error": partial(scenarios.attention, b"\x09", Phase.MSG_IN),
    "two messages": scenarios.two_messages,
    "wide": scenarios.wide,
    "discovery": scenarios.discovery,
    "mirrored write": scenarios.mirrored,
    "mirrored read": partial(scenarios.mirrored, read=True),
    "reclaim": partial(scenarios.mirrored, dead=True),
    "ST out and in": partial(transfers.st, Period.FAST_20, FAST_20, Phase.DATA_OUT, Phase.DATA_IN),
    "ST, attention": partial(
        transfers.st, Period.FAST_40, replace(FAST_40, answer=150.0), Phase.DATA_IN, Phase.DATA_OUT, raise_atn=True
    ),
    "DT out and in": partial(
        transfers.dt, Period.FAST_80, DT_FAST_80, Phase.DT_DATA_OUT, Phase.DT_DATA_IN, groups=(2, 6, 4)
    ),
    "DT, attention": partial(
        transfers.dt, Period.FAST_80, replace(DT_FAST_80, answer=150.0), Phase.DT_DATA_IN, raise_atn=True
    ),
    "WDTR and SDTR": transfers.width_and_sync,
    "odd length": transfers.odd_length,
    "QAS": transfers.qas,
    "QAS of nobody": transfers.qas_unused,
    "QAS twice": transfers.qas_twice,
    "capability": mirror_scenarios.capability,
    "one block, reports": partial(mirror_scenarios.extended, mirror_scenarios.ONE_BLOCK, reselection=b"\x00"),
    "two blocks, reports": mirror_scenarios.extended,
    "QAS request sent again": transfers.qas_sent_again,
}


# -- the table -------------------------------------------------------------------------------------------------------


def test_every_rule_has_a_must_fail_test() -> None:
    assert set(CASES) == {spec.id for spec in SPECS}
    assert len(CASES) >= 30


def test_rules_are_told_completely() -> None:
    ids = [spec.id for spec in SPECS]
    assert len(set(ids)) == len(ids)
    for spec in SPECS:
        assert re.fullmatch(r"[A-Z]{3}-\d\d", spec.id)
        assert spec.text, spec.id
        assert spec.source, spec.id
        assert "|" not in spec.text, spec.id
        assert not spec.upper or spec.limit_ns, f"{spec.id}: an upper limit without a value"


def test_docs_list_every_rule() -> None:
    """docs/checker.md holds the table of the code, row by row."""
    text = (ROOT / "docs" / "checker.md").read_text(encoding="utf-8")
    listed = re.search(r"<!-- rules: begin[^\n]*-->\n(.*?)<!-- rules: end -->", text, re.DOTALL)
    assert listed is not None
    assert listed[1] == markdown_table(SPECS), "docs/checker.md differs from the rules; the right table is above"


def test_limits_agree_with_the_rtl() -> None:
    """Delays are typed twice, here and in scsi_timing.vh: who keeps the header's value must satisfy the rule."""
    text = (ROOT / "hdl" / "include" / "scsi_timing.vh").read_text(encoding="utf-8")
    rtl = {name: float(value) for name, value in re.findall(r"`define (\w+_NS) (\d+)", text)}
    rtl |= {name: float(value) * 1000 for name, value in re.findall(r"`define (\w+_US) (\d+)", text)}
    settle, clear = rtl["SCSI_BUS_SETTLE_NS"], rtl["SCSI_BUS_CLEAR_NS"]
    two = rtl["SCSI_TWO_DESKEW_NS"]
    kept = {
        "ARB-01": settle + rtl["SCSI_BUS_FREE_NS"],
        "ARB-02": rtl["SCSI_BUS_SET_NS"],
        "ARB-05": rtl["SCSI_ARBITRATION_NS"],
        "ARB-07": clear + settle,
        "ARB-08": clear,
        "SEL-03": two,
        "SEL-04": two,
        "SEL-06": settle,
        "SEL-07": two,
        "SEL-10": rtl["SCSI_SELECTION_ABORT_US"],
        "RSL-01": two,
        "RSL-02": two,
        "PHS-01": settle,
        "HSK-05": rtl["SCSI_ASYNC_SETUP_NS"],
        "HSK-07": rtl["SCSI_ASYNC_SETUP_NS"],
        "TRN-01": rtl["SCSI_DATA_RELEASE_NS"],
        "TRN-02": rtl["SCSI_DATA_TURNAROUND_NS"],
        "TRN-03": rtl["SCSI_SYSTEM_DESKEW_NS"],
        "ATN-01": rtl["SCSI_ATN_SETUP_NS"],
        "ATN-02": two,
        "RST-01": rtl["SCSI_RESET_HOLD_NS"],
        "RST-02": clear,
        "FRE-01": settle + clear,
        "HSK-09": rtl["SCSI_SNOOP_ACK_NS"],
        "HSK-10": rtl["SCSI_SNOOP_ACK_NS"],
        "QAS-02": rtl["SCSI_QAS_RELEASE_NS"],
        "QAS-03": rtl["SCSI_QAS_RELEASE_NS"],
        "QAS-05": rtl["SCSI_QAS_ASSERTION_NS"],
        "QAS-07": rtl["SCSI_QAS_ARBITRATION_NS"],
        "QAS-11": rtl["SCSI_QAS_ARBITRATION_NS"],
        "QAS-12": rtl["SCSI_QAS_RELEASE_NS"],
        "QAS-13": rtl["SCSI_QAS_RELEASE_NS"],
        "QAS-14": 2 * rtl["SCSI_QAS_ARBITRATION_NS"],
        "QAS-15": 2 * rtl["SCSI_QAS_ARBITRATION_NS"] + rtl["SCSI_QAS_RELEASE_NS"],
        "MIR-01": rtl["MIRROR_DECIDE_NS"],
        "MIR-03": rtl["MIRROR_TAKE_MIN_NS"],
        "MIR-05": rtl["MIRROR_TAKE_MAX_NS"],
        "MIR-06": rtl["MIRROR_FIRST_REQ_MAX_NS"],
        "MIR-08": rtl["MIRROR_RECLAIM_NS"],
        "MIR-10": rtl["MIRROR_RELEASE_QUIET_NS"],
        "MIR-11": rtl["MIRROR_RELEASE_MAX_NS"],
        "MIR-20": rtl["SCSI_SNOOP_ACK_NS"],
        "MIR-21": rtl["SCSI_SNOOP_ACK_NS"],
        "MIR-23": rtl["MIRROR_QUIET_NS"],
    }
    for spec in SPECS:
        for level in Level:
            limit = spec.limit_at(level)
            if spec.id in kept and limit is not None:
                assert kept[spec.id] <= limit if spec.upper else kept[spec.id] >= limit, (spec.id, level)
    timed = {spec.id for spec in SPECS if spec.limit_ns is not None}
    assert timed - set(kept) == {"SEL-08", "SEL-11"}, "a rule with a limit that no delay of the header is held against"


# -- legal traffic ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEGAL)
@pytest.mark.parametrize("drivers", [True, False])
def test_legal_scenarios_are_clean(name: str, drivers: bool) -> None:
    checker = check(LEGAL[name](), drivers=drivers)
    checker.assert_clean()
    for rule in checker.rules.values():
        assert drivers or not rule.spec.needs_drivers or not rule.evaluations, f"{rule.id} cannot know who drives"


def test_legal_scenarios_evaluate_every_rule() -> None:
    evaluated = {rule.id for make in LEGAL.values() for rule in check(make()).rules.values() if rule.evaluations}
    assert evaluated == {spec.id for spec in SPECS}


def test_rules_without_drivers_still_find_their_faults() -> None:
    """Each rule that does not need the per-driver view reports its fault without it."""
    judged = 0
    for name, case in ALL_CASES.items():
        rule_id = rule_of(name)
        spec = next(spec for spec in SPECS if spec.id == rule_id)
        if spec.needs_drivers or case.unknown:
            continue
        found = violated(
            check((case.faulty or case.legal)(), mirror_options(level=case.level), case.faults, drivers=False)
        )
        assert found == {rule_id}, name
        judged += 1
    assert judged > 60


def _resend() -> Script:
    """The target asks for MESSAGE OUT again, in the first phase and for a SWITCH ROLE that it did not understand."""
    s = Script()
    for yz, slot in enumerate((LEADER, PART1)):
        scenarios.enrol(s, slot, yz)
    arbitrate(s, HOST, IDS[HOST], "m.")
    select(s, name="m.")
    write = bytes((0xC0, 0x20, 0x01, 1, 9, 0x8A, 0, 0, 0, 0, 0, 0, 0, 2))
    transfer(s, LEADER, Phase.MSG_OUT, write)
    _again(s, write)
    transfer(s, LEADER, Phase.DATA_OUT, scenarios.BLOCK, raise_atn=True)
    transfer(s, LEADER, Phase.MSG_OUT, b"\x2c\x01")
    _again(s, b"\x2c\x01")
    s.clear(LEADER, M_ALL & ~1)
    s.lines_now = 0
    s.wait(700)
    transfer(s, PART1, Phase.DATA_OUT, scenarios.BLOCK, raise_atn=True, settle_ns=0)
    transfer(s, PART1, Phase.MSG_OUT, b"\x2e\x01")
    s.clear(PART1, M_ALL)
    s.wait(200)
    free(s, LEADER, "m.")
    return s


def _again(s: Script, messages: bytes) -> None:
    """The same bytes once more in the phase that is still there: REQ, then ATN, before the first ACK."""
    s.wait(300)
    s.phase += 1
    s.set(HOST, 1 << 8)
    for index, value in enumerate(messages):
        byte_out(s, LEADER, index, value, drop_atn=index == len(messages) - 1)


def test_resend_is_legal() -> None:
    checker = check(_resend())
    checker.assert_clean()
    assert checker.rules["MIR-22"].evaluations >= 2
    assert checker.rules["MIR-04"].evaluations == 1


@pytest.mark.parametrize("snooped", [False, True])
def test_abort_ends_an_operation(snooped: bool) -> None:
    """The leader frees the bus at once when it is told itself, as for RELEASE when it snoops the message."""
    s = Script()
    for yz, slot in enumerate((LEADER, PART1)):
        scenarios.enrol(s, slot, yz)
    arbitrate(s, HOST, IDS[HOST], "m.")
    select(s, name="m.")
    transfer(s, LEADER, Phase.MSG_OUT, bytes((0xC0, 1, 9, 0x8A, 0, 0, 0, 0, 0, 0, 0, 2)))
    transfer(s, LEADER, Phase.DATA_OUT, scenarios.BLOCK, raise_atn=True)
    if snooped:
        transfer(s, LEADER, Phase.MSG_OUT, b"\x2c\x01")
        s.clear(LEADER, M_ALL & ~1)
        s.wait(700)
        transfer(s, PART1, Phase.DATA_OUT, scenarios.BLOCK, raise_atn=True, settle_ns=0)
    transfer(s, PART1 if snooped else LEADER, Phase.MSG_OUT, b"\x06")
    s.clear(PART1, M_ALL)
    s.wait(200 if snooped else 0)
    free(s, LEADER, "m.")
    checker = check(s)
    checker.assert_clean()
    assert checker.rules["MIR-07"].evaluations == 1
    assert checker.rules["MIR-10"].evaluations == snooped


def test_wide_agreements_last_until_a_reset() -> None:
    """The pair stays wide in later connections; TARGET RESET and RST end that."""
    judged: list[int] = []
    for ending in (b"", b"\x0c", b"rst"):
        s = scenarios.wide()
        if ending == b"rst":
            reset(s)
            s.wait(4000)
        elif ending:
            arbitrate(s, HOST, IDS[HOST], "r.")
            select(s, name="r.")
            transfer(s, LEADER, Phase.MSG_OUT, ending)
            free(s, LEADER, "r.")
        arbitrate(s, HOST, IDS[HOST], "2.")
        select(s, name="2.")
        transfer(s, LEADER, Phase.MSG_OUT, b"\xc0")
        transfer(s, LEADER, Phase.DATA_OUT, b"\x12\x34\x56\x78", wide=not ending)
        end(s, name="2.")
        checker = check(s)
        checker.assert_clean()
        judged.append(checker.rules["PAR-07"].evaluations)
    assert judged == [6, 4, 4]


def test_enrolment_ends_with_target_reset() -> None:
    """MIRROR WRITE to a target that was reset since it enrolled names no member."""
    s = Script()
    scenarios.enrol(s, LEADER, 0)
    arbitrate(s, HOST, IDS[HOST], "r.")
    select(s, name="r.")
    transfer(s, LEADER, Phase.MSG_OUT, b"\x0c")
    free(s, LEADER, "r.")
    arbitrate(s, HOST, IDS[HOST], "2.")
    select(s, name="2.")
    transfer(s, LEADER, Phase.MSG_OUT, bytes((0xC0, 1, 9, 0x8A, 0, 0, 0, 0, 0, 0, 0, 2)))
    transfer(s, LEADER, Phase.MSG_IN, b"\x07")
    end(s, name="2.")
    assert violated(check(s)) == {"MIR-16"}


def test_a_late_start_reports_nothing() -> None:
    """Attached in the middle of a connection the checker waits for the bus to be free."""
    everything = list(samples(scenarios.twice()))
    for start in range(1, len(everything), 7):
        checker = Checker(mirror_options(), [MirrorRules])
        for wires in everything[start:]:
            checker.sample(wires)
        assert not checker.violations, (start, checker.violations)


# -- options ---------------------------------------------------------------------------------------------------------


def test_cable_allowance_is_for_upper_limits_only() -> None:
    late = CASES["ARB-08"]
    assert violated(check(late.legal(), mirror_options(cable_ns=49), late.faults)) == {"ARB-08"}
    check(late.legal(), mirror_options(cable_ns=51), late.faults).assert_clean()
    early = CASES["ARB-05"]
    assert violated(check(early.legal(), mirror_options(cable_ns=1000), early.faults)) == {"ARB-05"}


def test_levels_differ() -> None:
    """A setup of 50 ns, a joining after 1.7 us and a selection without ATN are legal at some levels only."""
    hasty = (Fault(LEADER, "db0 dbp0", 0, "p2.b0.data", "p2.b0.req-50"),)
    expected = {Level.SCSI2: {"HSK-05"}, Level.SPI2: {"HSK-05"}, Level.SPI3: set()}
    assert {
        level: violated(check(scenarios.ordinary(), mirror_options(level=level), hasty)) for level in Level
    } == expected
    joining = CASES["ARB-02"]
    expected = {Level.SCSI2: set(), Level.SPI2: set(), Level.SPI3: {"ARB-02"}}
    found = {level: violated(check(joining.legal(), mirror_options(level=level), joining.faults)) for level in Level}
    assert found == expected
    script = Script()
    arbitrate(script, HOST, IDS[HOST])
    select(script)
    script.edges = [(t, slot, on & ~(1 << 8), off) for t, slot, on, off in script.edges]
    transfer(script, LEADER, Phase.COMMAND, scenarios.TUR)
    end(script)
    check(script, CheckerOptions(level=Level.SCSI2)).assert_clean()
    assert violated(check(script)) == {"SEL-05"}


def test_unexpected_bus_free_can_be_allowed() -> None:
    for rule_id in ("FRE-02", "MIR-07"):
        case = CASES[rule_id]
        script = (case.faulty or case.legal)()
        assert violated(check(script, faults=case.faults)) == {rule_id}
        allowed = check(script, mirror_options(allow_unexpected_free=True), case.faults)
        allowed.assert_clean()
        assert allowed.rules[rule_id].evaluations
    family = check(CASES["FRE-02"].legal(), faults=CASES["FRE-02"].faults).families[BusFreeRules]
    assert isinstance(family, BusFreeRules)
    assert family.unexpected == 1


def test_no_parity_lines() -> None:
    case = CASES["PAR-05"]
    checker = check(case.legal(), mirror_options(parity=False), case.faults)
    checker.assert_clean()
    assert not checker.applies(checker.rules["PAR-05"])
    assert not checker.rules["PAR-05"].evaluations


def test_vendor_messages_are_reserved_without_the_option() -> None:
    assert "MSG-03" in violated(check(scenarios.discovery(extra=b""), CheckerOptions()))


def test_a_short_reset_is_ignored_from_spi3_on() -> None:
    """100 ns of RST within a connection violate the hold time and nothing else; the connection goes on."""
    glitch = (Fault(PART1, "rst", 1, "p1.b1.ack_off+10", "p1.b1.ack_off+110"),)
    assert violated(check(scenarios.ordinary(), faults=glitch)) == {"RST-01"}


# -- the checker itself ----------------------------------------------------------------------------------------------


def test_report_counts() -> None:
    case = CASES["PHS-01"]
    checker = check(case.legal(), faults=case.faults)
    report = checker.report()
    assert report["rules"] == len(SPECS)
    assert report["violations"] == 1
    assert report["evaluations"] == sum(rule["evaluations"] for rule in report["per_rule"].values())
    assert set(report["per_rule"]) == {spec.id for spec in SPECS}
    assert "slot 15" in report["per_rule"]["PHS-01"]["violations"][0]
    assert "measured 320 ns" in report["per_rule"]["PHS-01"]["violations"][0]
    with pytest.raises(AssertionError, match="PHS-01"):
        checker.assert_clean()
    without = check(case.legal(), drivers=False).report()
    assert without["rules"] == sum(not spec.needs_drivers for spec in SPECS)


def test_an_idle_bus_is_no_verdict() -> None:
    checker = Checker()
    checker.sample(Wires(0, 0))
    with pytest.raises(AssertionError, match="no rule was evaluated"):
        checker.assert_clean()


def test_plugins_are_checked() -> None:
    class Twin(Family):
        SPECS = (RuleSpec("ARB-01", "again", "nowhere"),)

    class Deaf(Family):
        def on_req_raise(self) -> None:
            """Misspelled: no such event."""

    with pytest.raises(ValueError, match="ARB-01"):
        Checker(plugins=[Twin])
    with pytest.raises(TypeError, match="on_req_raise"):
        Checker(plugins=[Deaf])


def wires_unknown(*samples: tuple[int, int]) -> list[str]:
    """What GEN-01 says of samples of released wires, (time in ps, mask of X)."""
    checker = Checker()
    for time_ps, unknown in samples:
        checker.sample(Wires(time_ps, 0, unknown, None, 0))
    checker.finish(samples[-1][0] + 1000)
    return [one.rule for one in checker.violations]


def test_wires_may_be_unknown_before_a_core_is_reset() -> None:
    assert wires_unknown((0, M_ALL), (1000, 0), (2000, 0)) == []
    assert wires_unknown((0, M_ALL), (1000, 0), (2000, 1)) == ["GEN-01"]


def test_a_wire_that_never_becomes_known_is_told_at_the_end() -> None:
    assert wires_unknown((0, 1), (1000, 1)) == ["GEN-01"]
