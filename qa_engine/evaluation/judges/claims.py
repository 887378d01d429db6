"""What a reply claims, in how binding a way, and which of several claims counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Rank(IntEnum):
    """How binding a claim is."""

    PROSE = 0
    """A sentence that says it in its own words."""
    BARE = 1
    """A word or a number that stands alone, or that the reply begins with."""
    LABELLED = 2
    """Behind a word such as 判断 or answer."""
    FINAL = 3
    """Behind a word such as 结论, 最终 or therefore."""
    FIELD = 4
    """In the field of a JSON object, a tag, or another form that was asked for."""


@dataclass(frozen=True)
class Claim(Generic[T_co]):
    """A value that a reply names; None if it says there that it cannot tell, or what is none."""

    value: T_co | None
    rank: Rank
    position: int
    text: str = ""


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What a reply comes to.

    Attributes:
        value: None if it could not be read.
        reasoning: in the words of the judge.
        problem: why there is no value: one clause.
    """

    value: T | None
    reasoning: str = ""
    problem: str = ""


def decide(claims: Sequence[Claim[T]], what: str) -> tuple[T | None, str]:
    """The value that counts, or why none does.

    Of claims that differ, the last counts if it says that it is final. A claim that is more binding beats the others; but
    not one that the reply contradicts later on with a bare word.

    Args:
        claims: of one reply.
        what: is asked for, for messages, such as ``verdict``.
    """
    if not claims:
        return None, f"it holds no {what}"
    ordered = sorted(claims, key=lambda claim: (claim.position, claim.rank))
    top = max(claim.rank for claim in ordered)
    if top >= Rank.FINAL:
        binding = [claim for claim in ordered if claim.rank >= Rank.FINAL]
    else:
        binding = [claim for claim in ordered if claim.rank == top]
        if top == Rank.LABELLED:
            binding += [
                claim
                for claim in ordered
                if claim.rank == Rank.BARE and claim.position > binding[-1].position
            ]
    last = binding[-1]
    if len({claim.value for claim in binding}) > 1 and last.rank != Rank.FINAL:
        told = ", ".join(dict.fromkeys(claim.text for claim in binding if claim.text))
        return None, f"it holds several and none is said to be final: {told}"
    if last.value is None:
        return None, f"what it says is no {what}: {last.text!r}"
    return last.value, ""
