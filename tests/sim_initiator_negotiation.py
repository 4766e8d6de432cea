"""The RTL initiator negotiates: WDTR, SDTR, PPR by either side, answers good and bad, rejections, resets."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer

from cocotbext.scsi.agreement import Agreement, Option, Ppr, Sdtr, Wdtr
from cocotbext.scsi.constants import Message, Phase
from cocotbext.scsi.models.faults import Fault, FaultKind, Faults
from helpers.scripted_target import ScriptedTarget
from initiator_rig import INITIATOR, TARGET, TEST_UNIT_READY, Host, InitiatorRig

DT_QAS = Option.DT | Option.QAS
FULL = {"wide": True, "period": 0x09, "offset": 63, "dt": True, "qas": True}
ST = {"wide": True, "period": 0x0A, "offset": 31}
PPR = Ppr(0x09, 63, 1, DT_QAS)
"""What an initiator with all abilities asks for."""
WDTR = Wdtr(1)
SDTR = Sdtr(0x0A, 63)
"""What it asks for where PPR is not known."""
REJECT = bytes([Message.MESSAGE_REJECT])
IDENTIFY = b"\x80"


async def agreed(host: Host, target: int = TARGET) -> tuple[Agreement, bool]:
    """The agreement as the host reads it, and whether negotiation is done."""
    await host.port.write("AGREED_WITH", target)
    word = host.regs["AGREED"].unpack(await host.port.read("AGREED"))
    options = (Option.DT if word["DT"] else Option.NONE) | (Option.QAS if word["QAS"] else Option.NONE)
    return Agreement(word["PERIOD"], word["OFFSET"], bool(word["WIDE"]), options), bool(word["DONE"])


async def one_command(host: Host, target: ScriptedTarget) -> bytes:
    """A command without negotiation of the target's; returns what came in MESSAGE OUT."""
    serving = cocotb.start_soon(target.serve())
    done = await host.command(target.scsi_id, TEST_UNIT_READY)
    assert done.good, done
    return await serving


def nearest(asked: Wdtr | Sdtr | Ppr, abilities: dict[str, Any]) -> tuple[Wdtr | Sdtr | Ppr, Agreement]:
    """The answer that an initiator with these abilities must give, and what holds then."""
    wide, own_period = bool(abilities["wide"]), max(abilities.get("period", 0), 0x0A)
    if isinstance(asked, Wdtr):
        return Wdtr(int(wide)), Agreement(wide=wide)
    offset = min(abilities.get("offset", 0), asked.offset)
    if isinstance(asked, Sdtr):
        period = max(own_period, asked.period)
        return Sdtr(period, offset), Agreement(period if offset else 0, offset)
    can_dt = bool(abilities.get("dt") and wide and asked.exponent and offset)
    options = asked.options & Option.DT if can_dt else Option.NONE
    if abilities.get("qas") and (options or not offset):
        options |= asked.options & Option.QAS
    period = max(abilities["period"], 0x09, asked.period) if options & Option.DT else max(own_period, asked.period)
    answer = Ppr(period, offset, min(int(wide), asked.exponent), options)
    return answer, answer.agreement()


class Setup:
    """A rig, a host with these abilities, a scripted target, and a command on its way to it."""

    def __init__(self, dut: Any, *, faults: Faults | None = None, **checks: Any) -> None:
        self.rig = InitiatorRig(dut, **checks)
        self.target = ScriptedTarget(self.rig.ports[0], TARGET, faults=faults)

    async def begin(self, abilities: dict[str, Any]) -> bytes:
        """Hand TEST UNIT READY over; returns what came in the first MESSAGE OUT phase."""
        self.host = await self.rig.host(**abilities)
        await self.host.send_command(TARGET, TEST_UNIT_READY)
        return await self.target.selected()

    async def end(self, expected: Agreement, *, known: bool = True) -> None:
        """Serve the command; this is what must be agreed, and the next command carries nothing if it is `known`."""
        await self.target.command()
        await self.target.complete()
        assert (await self.host.next_completion()).good
        assert await agreed(self.host) == (expected, known)
        assert await self.host.read("AGREEMENT") == expected.wide << TARGET | known << 16 + TARGET
        if known:
            assert await one_command(self.host, self.target) == IDENTIFY


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(
    answer=[
        PPR,
        Ppr(0x0A, 16, 1, Option.DT),
        Ppr(0x0C, 8, 1, Option.NONE),
        Ppr(0x32, 1, 0, Option.NONE),
        Ppr(0x00, 0, 1, Option.QAS),
        Ppr(0x00, 0, 0, Option.NONE),
    ]
)
async def ppr_accepted(dut: Any, answer: Ppr) -> None:
    """PPR goes behind IDENTIFY of the first command; any answer that stays within it holds."""
    setup = Setup(dut)
    assert await setup.begin(FULL) == IDENTIFY + PPR.encode()
    await setup.target.say(*answer.encode())
    assert not setup.target.attention
    await setup.end(answer.agreement())
    await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(
    answer=[
        (Ppr(0x08, 63, 1, DT_QAS), "NEG-01 NEG-06"),
        (Ppr(0x09, 64, 1, DT_QAS), "NEG-02"),
        (Ppr(0x09, 255, 1, DT_QAS), "NEG-02"),
        (Ppr(0x09, 63, 2, DT_QAS), "NEG-03 NEG-05"),
        (Ppr(0x09, 63, 1, DT_QAS | Option.IU), "NEG-04"),
        (Ppr(0x09, 63, 1, DT_QAS | Option.RTI), "NEG-04 NEG-06"),
        (Ppr(0x0A, 63, 0, Option.DT), "NEG-06"),
        (Ppr(0x09, 63, 1, Option.NONE), "NEG-06"),
        (Ppr(0x0A, 0, 1, Option.DT), "NEG-06"),
        (Ppr(0x0C, 8, 1, Option.QAS), "NEG-06"),
    ]
)
async def ppr_answer_asks_for_more(dut: Any, answer: tuple[Ppr, str]) -> None:
    """An answer that asks for more, or cannot be, is rejected; transfers stay as after a reset."""
    setup = Setup(dut)
    await setup.begin(FULL)
    await setup.target.say(*answer[0].encode())
    assert setup.target.attention
    assert await setup.target.messages() == REJECT
    await setup.end(Agreement())
    await setup.rig.finish(*answer[1].split())


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def pcomp_belongs_to_the_other_side(dut: Any) -> None:
    """PCOMP_EN in the answer is the target's statement, not more than asked."""
    setup = Setup(dut)
    await setup.begin(FULL)
    await setup.target.say(*Ppr(0x09, 63, 1, DT_QAS | Option.PCOMP_EN).encode())
    await setup.end(PPR.agreement())
    await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(wide=[True, False], sync=[True, False])
async def ppr_rejected(dut: Any, wide: bool, sync: bool) -> None:
    """MESSAGE REJECT of PPR: WDTR, then SDTR, each answered or rejected; 8 bit, asynchronous where it was."""
    setup = Setup(dut)
    target = setup.target
    assert await setup.begin(FULL) == IDENTIFY + PPR.encode()
    await target.say(*REJECT)
    assert await target.messages() == WDTR.encode()
    await target.say(*(WDTR.encode() if wide else REJECT))
    assert await target.messages() == SDTR.encode()
    await target.say(*(Sdtr(0x0C, 15).encode() if sync else REJECT))
    assert not target.attention
    await setup.end(Agreement(0x0C if sync else 0, 15 if sync else 0, wide))
    await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(count=[2, 4, 7, 8])
async def ppr_rejected_before_its_end(dut: Any, count: int) -> None:
    """A target may reject as soon as it has seen enough; the rest is not said."""
    setup = Setup(dut)
    target = setup.target
    setup.host = await setup.rig.host(**FULL)
    await setup.host.send_command(TARGET, TEST_UNIT_READY)
    await target.answer()
    assert await target.take(Phase.MSG_OUT, count) == (IDENTIFY + PPR.encode())[:count]
    assert target.attention
    await target.say(*REJECT)
    assert await target.messages() == WDTR.encode()
    await target.say(*Wdtr(0).encode())
    assert await target.messages() == SDTR.encode()
    await target.say(*Sdtr(0x19, 0).encode())
    await setup.end(Agreement())
    await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(answer=[WDTR, Wdtr(0), Wdtr(2), None])
async def wdtr_then_sdtr(dut: Any, answer: Wdtr | None) -> None:
    """Without DT and QAS: WDTR behind IDENTIFY, SDTR after its answer, but not after one that asked for more."""
    setup = Setup(dut)
    target = setup.target
    assert await setup.begin(ST) == IDENTIFY + WDTR.encode()
    await target.say(*(answer.encode() if answer else REJECT))
    if answer == Wdtr(2):
        assert await target.messages() == REJECT
        await setup.end(Agreement())
        await setup.rig.finish("NEG-03", "NEG-05")
    else:
        assert await target.messages() == Sdtr(0x0A, 31).encode()
        await target.say(*Sdtr(0x0A, 31).encode())
        await setup.end(Agreement(0x0A, 31, answer == WDTR))
        await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(
    answer=[
        (Sdtr(0x19, 15), ""),
        (Sdtr(0x19, 1), ""),
        (Sdtr(0xFF, 15), ""),
        (Sdtr(0x19, 0), ""),
        (Sdtr(0x18, 15), "NEG-01"),
        (Sdtr(0x19, 16), "NEG-02"),
    ]
)
async def sdtr_alone(dut: Any, answer: tuple[Sdtr, str]) -> None:
    """A narrow initiator: SDTR only. Faster or farther than asked is rejected: asynchronous."""
    given, violated = answer
    setup = Setup(dut)
    target = setup.target
    assert await setup.begin({"period": 0x19, "offset": 15}) == IDENTIFY + Sdtr(0x19, 15).encode()
    await target.say(*given.encode())
    expected = Agreement(given.period, given.offset) if given.offset else Agreement()
    if violated:
        assert await target.messages() == REJECT
        expected = Agreement()
    await setup.end(expected)
    await setup.rig.finish(*violated.split())


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def fast_80_needs_dt(dut: Any) -> None:
    """Period factor 09h without DT is offered as 0Ah; DT without width or offset is not offered."""
    setup = Setup(dut)
    assert await setup.begin({"period": 0x09, "offset": 5, "dt": True}) == IDENTIFY + Sdtr(0x0A, 5).encode()
    await setup.target.say(*Sdtr(0x0A, 5).encode())
    await setup.end(Agreement(0x0A, 5))
    await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(stage=["ppr", "wdtr", "sdtr"])
async def target_goes_on(dut: Any, stage: str) -> None:
    """A target that goes on without an answer has not agreed; the next command asks again."""
    setup = Setup(dut)
    target = setup.target
    first = await setup.begin(FULL if stage == "ppr" else ST)
    expected = Agreement()
    if stage == "sdtr":
        await target.say(*WDTR.encode())
        await target.messages()
        expected = Agreement(wide=True)
    await setup.end(expected, known=False)
    serving = cocotb.start_soon(target.serve())
    assert (await setup.host.command(TARGET, TEST_UNIT_READY)).good
    assert await serving == first
    await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def late_answer_is_a_question(dut: Any) -> None:
    """A WDTR that comes after the target has gone on is one that the target begins: it gets an answer."""
    setup = Setup(dut)
    target = setup.target
    await setup.begin({"wide": True})
    await target.command()
    await target.say(*WDTR.encode())
    assert await target.messages() == WDTR.encode()
    await target.complete()
    assert (await setup.host.next_completion()).good
    assert await agreed(setup.host) == (Agreement(wide=True), True)
    await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(
    asked=[
        (Wdtr(2), "NEG-05"),
        (Sdtr(0x00, 255), "NEG-05"),
        (Sdtr(0x32, 5), ""),
        (Ppr(0x08, 127, 1, DT_QAS | Option.IU), ""),
        (Ppr(0x00, 0, 0, Option.QAS), ""),
        (Ppr(0x0A, 9, 0, Option.DT), "NEG-06"),
    ]
)
@cocotb.parametrize(abilities=[FULL, ST, {"wide": False}])
async def target_begins(dut: Any, asked: tuple[Wdtr | Sdtr | Ppr, str], abilities: dict[str, Any]) -> None:
    """What a target asks for is answered with the nearest that both can do, in any connection, and holds then."""
    question, violated = asked
    setup = Setup(dut)
    target = setup.target
    setup.host = await setup.rig.host(**abilities)
    # The first command is negotiated to nothing, so that only the target's question counts.
    await setup.host.send_command(TARGET, TEST_UNIT_READY)
    while len(await (target.selected() if not target.initiator else target.messages())) > 1:
        await target.say(*REJECT)
        if not target.attention:
            break
    await target.command()
    await target.say(*question.encode())
    answer = await target.messages()
    expected, holds = nearest(question, abilities)
    assert answer == expected.encode()
    await target.complete()
    assert (await setup.host.next_completion()).good
    assert (await agreed(setup.host))[0] == holds
    await setup.rig.finish(*violated.split())


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(asked=[WDTR, Sdtr(0x0A, 20), Ppr(0x0A, 20, 1, Option.NONE)])
async def answer_rejected(dut: Any, asked: Wdtr | Sdtr | Ppr) -> None:
    """A target that rejects the answer to its own question: back to 8 bit, asynchronous."""
    setup = Setup(dut)
    target = setup.target
    await setup.begin(ST)
    await target.say(*WDTR.encode())
    await target.messages()
    await target.say(*Sdtr(0x0C, 8).encode())
    await target.command()
    await target.say(*asked.encode())
    assert await target.messages() == asked.encode()
    await target.say(*REJECT)
    assert not target.attention
    await target.complete()
    assert (await setup.host.next_completion()).good
    assert (await agreed(setup.host))[0] == Agreement(wide=isinstance(asked, Sdtr))
    await setup.rig.finish(*(["NEG-07"] if isinstance(asked, Wdtr) else []))  # width after SDTR


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def wrong_parity_in_the_answer(dut: Any) -> None:
    """MESSAGE PARITY ERROR; the answer counts when it comes again in good order."""
    faults = Faults(Fault(FaultKind.BAD_PARITY, Phase.MSG_IN, 4))
    setup = Setup(dut, faults=faults)
    await setup.begin(FULL)
    await setup.target.say(*PPR.encode())
    assert setup.target.attention
    assert await setup.target.messages() == bytes([Message.MESSAGE_PARITY_ERROR])
    assert len(faults.committed) == 1
    await setup.target.say(*PPR.encode())
    await setup.end(PPR.agreement())
    await setup.rig.finish("PAR-02")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def resent_question(dut: Any) -> None:
    """The target asks for the phase again: the same bytes, and its answer counts once."""
    setup = Setup(dut)
    first = await setup.begin(FULL)
    assert await setup.target.messages() == first
    await setup.target.say(*PPR.encode())
    await setup.end(PPR.agreement())
    await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(how=["reset", "forget", "disable", "message"])
async def agreement_ends(dut: Any, how: str) -> None:
    """RST, FORGET, ENABLE = 0 and TARGET RESET end what was agreed."""
    setup = Setup(dut)
    target, full = setup.target, FULL
    await setup.begin(full)
    await target.say(*PPR.encode())
    await setup.end(PPR.agreement())
    host = setup.host
    if how == "reset":
        await host.port.write("CONTROL", 1)
        await Timer(40, "us")
        target.port.acknowledge_reset()
    elif how == "forget":
        await host.port.write("FORGET", 1 << TARGET)
    elif how == "disable":
        await host.port.write_fields("CONFIG", OWN_ID=INITIATOR, WIDE=1)
        await host.port.write_fields("CONFIG", OWN_ID=INITIATOR, WIDE=1, ENABLE=1)
    else:
        serving = cocotb.start_soon(target.selected())
        await host.send_management(TARGET, "TARGET_RESET")
        assert await serving == bytes([0xC0, Message.TARGET_RESET])
        target.free()
        assert (await host.next_completion()).good
    assert await agreed(host) == (Agreement(), False)
    serving = cocotb.start_soon(target.selected())
    await host.send_command(TARGET, TEST_UNIT_READY)
    assert await serving == IDENTIFY + PPR.encode()
    await target.say(*PPR.encode())
    await setup.end(PPR.agreement())
    await setup.rig.finish()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def agreements_are_apart(dut: Any) -> None:
    """Targets of mixed ability, each with its own agreement."""
    rig = InitiatorRig(dut)
    host = await rig.host(**FULL)
    answers = {5: PPR, 4: Ppr(0x0A, 31, 1, Option.NONE), 3: None, 15: Ppr(0x00, 0, 0, Option.QAS)}
    targets = {number: ScriptedTarget(rig.ports[n], number) for n, number in enumerate(answers)}
    for number, answer in answers.items():
        await host.send_command(number, TEST_UNIT_READY)
        target = targets[number]
        assert (await target.selected())[1:] == PPR.encode()
        if answer:
            await target.say(*answer.encode())
        else:
            for follows in (WDTR.encode(), SDTR.encode()):
                await target.say(*REJECT)
                assert await target.messages() == follows
            await target.say(*REJECT)
        await target.command()
        await target.complete()
        assert (await host.next_completion()).good
    for number, answer in answers.items():
        assert await agreed(host, number) == (answer.agreement() if answer else Agreement(), True)
    await rig.finish()
