"""Which connections follow when members of a mirrored command were unsuccessful (protocol 8 and 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .requests import Policy


@dataclass(frozen=True)
class Pass:
    """One mirrored connection with these members (z, the leader first), or one ordinary command for each of them."""

    members: tuple[int, ...]
    plain: bool = False


def repeat_write(policy: Policy, order: Sequence[int], failed: set[int]) -> Pass | None:
    """What follows a mirrored write to the members `order` of which `failed` were unsuccessful; None: nothing does."""
    again = tuple(z for z in order if z in failed)
    if not again or policy is Policy.NONE:
        return None
    if policy is Policy.FROM_LEADER:
        return Pass(tuple(order[: order.index(again[-1]) + 1]))
    if policy is Policy.PLAIN or (policy is Policy.AUTO and len(again) == 1):
        return Pass(again, plain=True)
    return Pass(again)


def repeat_read(policy: Policy, order: Sequence[int], leader: int, failed: set[int]) -> Pass | None:
    """The same for a mirrored read that `leader` led. Copies that differ are no failures: that does not mend itself.

    The first copy counts only if its sender was good. Without it the next participant leads and the failed one is last;
    with it the sender leads again, so that there is something to compare with.
    """
    again = tuple(z for z in order if z in failed)
    if not again or policy is Policy.NONE:
        return None
    if leader not in failed:
        if policy is Policy.FROM_LEADER and leader == order[0]:
            return Pass(tuple(order[: order.index(again[-1]) + 1]))
        return Pass((leader, *again))
    if len(order) == 1 and policy in (Policy.AUTO, Policy.PLAIN):
        return Pass(tuple(order), plain=True)
    after = order.index(leader) + 1
    return Pass((*order[after:], *order[:after]))
