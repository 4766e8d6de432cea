"""What a device can do, and how two devices agree on how they transfer data (spi-facts 6, 7; protocol 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..agreement import ASYNC_8, WIDTH_8, WIDTH_16, Agreement, Option, Period, Ppr, Sdtr, Wdtr
from ..constants import Extended

Request = Wdtr | Sdtr | Ppr
"""A negotiation message: the question as well as its answer."""

_CODES: Final[dict[type[Request], Extended]] = {Wdtr: Extended.WDTR, Sdtr: Extended.SDTR, Ppr: Extended.PPR}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a device offers and grants."""

    wide: bool = True
    period: int = Period.FAST_40
    """Fastest transfer period factor."""
    offset: int = 0
    """Largest REQ/ACK offset; 0 = asynchronous only."""
    dt: bool = False
    """DT data groups; needs `wide` and an offset."""
    qas: bool = False
    knows: frozenset[Extended] = frozenset(Extended)
    """Negotiation messages that it understands; it rejects the others, as devices older than these do."""

    @property
    def options(self) -> Option:
        """Protocol options of PPR. QAS goes with DT and with asynchronous transfers, not with ST synchronous ones."""
        qas = self.qas and (self.dt or not self.offset)
        return (Option.DT if self.dt else Option.NONE) | (Option.QAS if qas else Option.NONE)

    def requests(self) -> list[Request]:
        """What it asks for when it starts: one PPR if it has anything to say there, else as before PPR."""
        if Extended.PPR in self.knows and self.options:
            return [Ppr(self.period if self.offset else 0, self.offset, int(self.wide), self.options)]
        return self.older_requests()

    def older_requests(self) -> list[Request]:
        """The same without PPR; the answer to WDTR makes the pair asynchronous, so SDTR comes second."""
        requests: list[Request] = [Wdtr(WIDTH_16)] if self.wide and Extended.WDTR in self.knows else []
        if self.offset and Extended.SDTR in self.knows:
            requests.append(Sdtr(self._st_period(self.period), self.offset))
        return requests

    def understands(self, request: Request) -> bool:
        """False: MESSAGE REJECT."""
        return _CODES[type(request)] in self.knows

    def answer(self, request: Request) -> Request:
        """The nearest to `request` that it can do."""
        match request:
            case Wdtr(exponent):
                return Wdtr(min(exponent, int(self.wide)))
            case Sdtr(period, offset):
                return Sdtr(self._st_period(period), min(offset, self.offset))
            case Ppr(period, offset, exponent, options):
                return self._answer_ppr(period, min(offset, self.offset), min(exponent, int(self.wide)), options)

    def _answer_ppr(self, period: int, offset: int, exponent: int, options: Option) -> Ppr:
        options &= (Option.DT if self.dt else Option.NONE) | (Option.QAS if self.qas else Option.NONE)
        if not offset or exponent == WIDTH_8:
            options &= ~Option.DT
        if offset and not options & Option.DT:
            options = Option.NONE
        period = max(period, self.period, Period.FAST_80) if options & Option.DT else self._st_period(period)
        return Ppr(period if offset else 0, offset, exponent, options)

    def _st_period(self, period: int) -> int:
        """ST transfers begin with factor 0Ah."""
        return max(period, self.period, Period.FAST_40)


def _exceeds(answer: Request, asked: Request) -> bool:
    """The answer grants more than was asked for."""
    match answer, asked:
        case Wdtr(), Wdtr():
            return answer.exponent > asked.exponent
        case Sdtr(), Sdtr():
            return answer.offset > asked.offset or bool(answer.offset and answer.period < asked.period)
        case Ppr(), Ppr():
            more = answer.offset > asked.offset or answer.exponent > asked.exponent
            return more or bool((answer.offset and answer.period < asked.period) or answer.options & ~asked.options)
    return True


def _usable(answer: Request) -> bool:
    """The fields of an answer fit each other (spi-facts 7)."""
    match answer:
        case Wdtr():
            return True
        case Sdtr(period, offset):
            return not offset or period >= Period.FAST_40
        case Ppr(period, offset, exponent, options):
            if options & Option.DT:
                return bool(offset) and exponent == WIDTH_16 and period >= Period.FAST_80
            return not offset or period >= Period.FAST_40


class Negotiator:
    """The agreements of one device, each with the partner's SCSI ID, and the exchange in the present connection."""

    def __init__(self, abilities: Abilities) -> None:
        self.abilities = abilities
        self.agreements: dict[int, Agreement] = {}
        """By the partner's SCSI ID; a partner that is missing has not negotiated since the last reset."""
        self.asked: Request | None = None
        """Sent, and not answered yet."""
        self._answered: Request | None = None

    def of(self, partner: int) -> Agreement:
        """How data go between this device and `partner`."""
        return self.agreements.get(partner, ASYNC_8)

    @property
    def qas_enabled(self) -> bool:
        """There is an agreement with QAS with somebody."""
        return any(agreement.options & Option.QAS for agreement in self.agreements.values())

    def begin(self) -> None:
        """A connection begins or ends: an exchange without an end is void."""
        self.asked = self._answered = None

    def reset(self) -> None:
        """RST, TARGET RESET to this device, power-on."""
        self.agreements.clear()
        self.begin()

    def forget(self, partner: int) -> None:
        """TARGET RESET to that target: nothing is agreed on with it."""
        self.agreements.pop(partner, None)

    def ask(self, request: Request) -> None:
        """This device has sent, or is about to send, a question."""
        self.asked, self._answered = request, None

    def is_answer(self, message: Request) -> bool:
        """`message` from the partner answers what was asked, and is not a question of its own."""
        return self.asked is not None and type(self.asked) is type(message)

    def take_answer(self, partner: int, answer: Request) -> bool:
        """The partner's answer; False: it grants what was not asked for, or cannot be, and is to be rejected."""
        asked, self.asked = self.asked, None
        if asked is None or _exceeds(answer, asked) or not _usable(answer):
            self.refused(partner, answer)
            return False
        self._agree(partner, answer)
        return True

    def gave_answer(self, partner: int, answer: Request) -> None:
        """This device has sent its answer, whole."""
        self.asked = None
        self._answered = answer
        self._agree(partner, answer)

    def rejected(self, partner: int) -> Request | None:
        """MESSAGE REJECT came, or no answer: the question it was for. It may be for an answer, too."""
        asked, answered = self.asked, self._answered
        self.asked = self._answered = None
        request = asked or answered
        if request is not None:
            self.refused(partner, request)
        return asked

    def refused(self, partner: int, request: Request) -> None:
        """MESSAGE REJECT ended an exchange. WDTR, PPR: 8 bit asynchronous. SDTR: asynchronous."""
        kept = self.of(partner)
        self.agreements[partner] = kept.after_sdtr(0, 0) if isinstance(request, Sdtr) else ASYNC_8

    def _agree(self, partner: int, answer: Request) -> None:
        match answer:
            case Wdtr(exponent):
                self.agreements[partner] = self.of(partner).after_wdtr(exponent)
            case Sdtr(period, offset):
                self.agreements[partner] = self.of(partner).after_sdtr(period, offset)
            case Ppr():
                self.agreements[partner] = answer.agreement()
