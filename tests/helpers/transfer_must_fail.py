"""Must-fail cases of the rules about negotiation, synchronous and DT transfers and QAS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from cocotbext.scsi.agreement import Option, Period, Ppr, Sdtr, Wdtr
from cocotbext.scsi.constants import Phase

from .must_fail_case import Case, stick
from .scenarios import ordinary
from .sync_script import DT_FAST_10, FAST_10, FAST_40, Pace
from .transfer_scenarios import (
    BLOCK,
    dt,
    negotiation,
    odd_length,
    qas,
    qas_twice,
    qas_unused,
    st,
    width_and_sync,
)
from .wire_script import HOST, LEADER, PART1, Script

_IN, _OUT = Phase.DATA_IN, Phase.DATA_OUT
_DT_IN, _DT_OUT = Phase.DT_DATA_IN, Phase.DT_DATA_OUT
_LAST = len(BLOCK) // 2 - 1
"""Number of the last of a phase's words."""
_st_in: Final = partial(st, Period.FAST_10, FAST_10, _IN)
_st_out: Final = partial(st, Period.FAST_10, FAST_10, _OUT)
_dt_in: Final = partial(dt, Period.FAST_10, DT_FAST_10, _DT_IN)
_dt_out: Final = partial(dt, Period.FAST_10, DT_FAST_10, _DT_OUT)
_odd: Final = partial(_dt_out, values=BLOCK[:10])
"""Five data words: the pad goes with a negation of REQ, number 5."""


def _st_paced(pace: Pace) -> Script:
    return st(Period.FAST_10, pace, _IN, offset=4)


def _dt_paced(pace: Pace) -> Script:
    return dt(Period.FAST_10, pace, _DT_IN, offset=4)


def _ahead(case: Callable[[Pace], Script], pace: Pace) -> Case:
    """Four REQs ahead, as was agreed, and five."""
    slow = replace(pace, offset=4, answer=700.0)
    return Case(partial(case, slow), faulty=partial(case, replace(slow, offset=5)))


_SYNCHRONOUS = {
    "SYN-01": stick(_st_in, (LEADER, "req", 1, "p3.b3.req-5", "p3.b3.req")),
    "SYN-02": stick(_st_out, (HOST, "ack", 1, "p3.b3.ack-5", "p3.b3.ack")),
    "SYN-03": stick(_st_in, (LEADER, "req", 0, "p3.b3.req+25", "p3.b3.req_off")),
    "SYN-04": stick(_st_out, (HOST, "ack", 0, "p3.b3.ack+25", "p3.b3.ack_off")),
    "SYN-05": stick(_st_in, (LEADER, "req", 1, "p3.b3.req_off", "p3.b4.req-25")),
    "SYN-06": stick(_st_out, (HOST, "ack", 1, "p3.b3.ack_off", "p3.b4.ack-25")),
    "SYN-07": stick(_st_in, (LEADER, "db0", 0, "p3.b2.data", "p3.b2.req-20")),
    "SYN-08": stick(_st_in, (LEADER, "db1", 1, "p3.b2.req+10", "p3.b2.req+20")),
    "SYN-09": stick(_st_out, (HOST, "db0", 0, "p3.b2.data", "p3.b2.ack-20")),
    "SYN-10": stick(_st_out, (HOST, "db1", 1, "p3.b2.ack+10", "p3.b2.ack+20")),
    "SYN-11": _ahead(_st_paced, FAST_10),
    "SYN-12": stick(_st_in, (HOST, "ack", 1, f"p3.b{_LAST}.ack_off+60", f"p3.b{_LAST}.ack_off+100")),
    "SYN-13": stick(_st_in, (HOST, "ack", 0, "p3.b3.ack", "p3.b3.ack_off")),
}

_DOUBLE = {
    "DTR-01": stick(_dt_in, (LEADER, "req", 1, "p3.b2.req-5", "p3.b2.req")),
    "DTR-02": stick(_dt_out, (HOST, "ack", 1, "p3.b2.ack-5", "p3.b2.ack")),
    "DTR-03": stick(_dt_in, (LEADER, "req", 0, "p3.b3.req-10", "p3.b3.req")),
    "DTR-04": stick(_dt_out, (HOST, "ack", 0, "p3.b3.ack-10", "p3.b3.ack")),
    "DTR-05": stick(_dt_in, (LEADER, "db0", 0, "p3.b2.data", "p3.b2.req-30")),
    "DTR-06": stick(_dt_in, (LEADER, "db1", 1, "p3.b2.req+10", "p3.b2.req+20")),
    "DTR-07": stick(_dt_out, (HOST, "db0", 0, "p3.b2.data", "p3.b2.ack-30")),
    "DTR-08": stick(_dt_out, (HOST, "db1", 1, "p3.b2.ack+10", "p3.b2.ack+20")),
    "DTR-09": stick(_odd, (LEADER, "dbp0", 0, "p3.g0.crca", "p3.b5.req-40")),
    "DTR-10": stick(_odd, (LEADER, "dbp0", 1, "p3.b4.req+30", "p3.g0.crca")),
    "DTR-11": stick(
        _odd,
        (LEADER, "dbp0", 1, "p3.b4.req+40", "p3.g0.crca"),
        (LEADER, "req", 0, "p3.b4.req+95", "p3.b5.req"),
    ),
    "DTR-12": stick(_odd, (HOST, "dbp0", 1, "p3.b5.req+20", "p3.b6.req+20")),
    "DTR-13": _ahead(_dt_paced, DT_FAST_10),
    "DTR-14": stick(_dt_in, (HOST, "ack", 1, "p3.b7.ack+105", "p3.b7.ack+205")),
    "DTR-15": stick(_dt_in, (HOST, "ack", 0, "p3.b2.ack", "p3.b3.ack")),
    "DTR-16": stick(_dt_in, (LEADER, "dbp0", 0, "p3.b6.req+40", "p3.g0.crca_off")),
    "DTR-17": stick(_dt_in, (LEADER, "dbp0", 0, "p3.g0.crca", "p3.g0.crca_off")),
    "DTR-18": Case(
        partial(dt, Period.FAST_10, replace(DT_FAST_10, answer=700.0), _DT_IN, groups=(8, 4)),
        faulty=partial(dt, Period.FAST_10, replace(DT_FAST_10, answer=700.0), _DT_IN, groups=(8, 4), hasty=True),
    ),
    "DTR-19": stick(_dt_in, (LEADER, "db1", 1, "p3.b2.data", "p3.b3.data")),
    "DTR-20": stick(_dt_out, (HOST, "db1", 1, "p3.b2.data", "p3.b3.data")),
    "PHS-05": Case(_dt_in, stick(ordinary, (LEADER, "msg", 1, "p3", "p4")).faults, faulty=ordinary),
    "PHS-06": Case(_st_in, stick(_dt_in, (LEADER, "msg", 0, "p3", "p4")).faults, faulty=_dt_in),
}

_late_st: Final = partial(st, Period.FAST_40, replace(FAST_40, answer=150.0), _IN, raise_atn=True)
_late_dt: Final = partial(dt, Period.FAST_10, replace(DT_FAST_10, answer=150.0), _DT_IN, raise_atn=True)
_ATTENTION = {
    "ATN-08": stick(_late_st, (HOST, "atn", 0, f"p3.b{_LAST}.ack-100", f"p3.b{_LAST}.ack_off-15")),
    "ATN-09": stick(_late_dt, (HOST, "atn", 0, "p3.b7.ack-100", "p3.b7.ack-40")),
}


def _ppr(period: int, offset: int, exponent: int = 1, options: Option = Option.NONE) -> bytes:
    return Ppr(period, offset, exponent, options).encode()


def _answered(asked: bytes, wrong: bytes) -> Case:
    """The same answered as asked, and wrongly."""
    return Case(partial(negotiation, asked), faulty=partial(negotiation, asked, wrong))


_SDTR, _WDTR = Sdtr(Period.FAST_10, 8).encode(), Wdtr(1).encode()
_NEGOTIATION = {
    "NEG-01": _answered(_ppr(Period.FAST_20, 16), _ppr(Period.FAST_40, 16)),
    "NEG-02": _answered(_SDTR, Sdtr(Period.FAST_10, 9).encode()),
    "NEG-03": _answered(Wdtr(0).encode(), _WDTR),
    "NEG-04": _answered(_ppr(0, 0, 0), _ppr(0, 0, 0, Option.QAS)),
    "NEG-05": Case(partial(negotiation, _SDTR), faulty=partial(negotiation, Sdtr(0x09, 8).encode())),
    "NEG-06": Case(
        partial(negotiation, _ppr(Period.FAST_80, 16, options=Option.DT)),
        faulty=partial(negotiation, _ppr(Period.FAST_80, 16, 0, Option.DT)),
    ),
    "NEG-07": Case(width_and_sync, faulty=partial(width_and_sync, _SDTR, _WDTR)),
}

_QAS = {
    "QAS-01": Case(qas_unused, faulty=partial(qas_unused, agreed=())),
    "QAS-02": stick(qas_unused, (HOST, "bsy", 1, "q.over+20", "q.over+250")),
    "QAS-03": stick(qas_unused, (LEADER, "io", 1, "q.t0", "q.t0+145")),
    "QAS-04": stick(qas, (PART1, "db4", 1, "q.t0-20", "q.qas_ids")),
    "QAS-05": stick(qas, (PART1, "db4", 0, "q.qas_ids", "q.t0+250")),
    "QAS-06": stick(qas, (PART1, "bsy", 1, "q.t0+100", "q.t0+200")),
    "QAS-07": stick(qas, (HOST, "sel", 1, "q.qas_won-80", "q.qas_won")),
    "QAS-08": Case(qas, faulty=partial(qas, lower_wins=True)),
    "QAS-09": Case(qas, faulty=partial(qas, agreed=(LEADER,))),
    "QAS-10": Case(qas_twice, faulty=partial(qas_twice, again=True)),
    "QAS-11": stick(qas, (HOST, "atn", 1, "2.atn-100", "2.atn")),
    "QAS-12": stick(qas, (PART1, "db4", 1, "q.qas_won", "q.qas_won+300")),
    "QAS-13": stick(qas, (LEADER, "bsy", 1, "q.qas_won", "q.qas_won+300")),
    "QAS-14": stick(qas_unused, (LEADER, "bsy", 0, "q.free-200", "q.free")),
    "QAS-15": stick(qas_unused, (LEADER, "bsy", 1, "q.t0", "q.t0+2250")),
    "QAS-16": stick(qas, (PART1, "cd", 1, "q.t0+300", "q.t0+350")),
    "QAS-17": Case(qas, faulty=partial(qas, gives_up=True)),
    "HSK-09": stick(qas, (HOST, "ack", 1, "q.status_ack-20", "q.status_ack")),
    "HSK-10": stick(qas, (HOST, "ack", 0, "q.status_ack+45", "q.status_ack+100")),
}

_RESIDUE = {"MSG-10": Case(odd_length, faulty=partial(odd_length, 3))}

TRANSFER_CASES: Final[dict[str, Case]] = {
    **_SYNCHRONOUS,
    **_DOUBLE,
    **_ATTENTION,
    **_NEGOTIATION,
    **_QAS,
    **_RESIDUE,
}
"""Must-fail cases by rule."""
