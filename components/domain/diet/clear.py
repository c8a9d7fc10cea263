"""Whether what a kitchen declares is understood, all of it: the first of the two ways.

A declaration is clear where each of its parts names an allergen, or says `none`. A number, a word such as
`ask` or `more`, and a letter of no meaning may each stand for an allergen that is then missing.
"""

from __future__ import annotations

from itertools import groupby

from components.domain.diet.declared import HEADINGS, JOINS
from components.domain.diet.dictionary import (
    ALLERGENS,
    BREAK,
    COMMA,
    DOUBT,
    FILLER,
    FREE_BEFORE,
    NONE,
    NOT,
    OR,
    STOP,
    TRACES,
    UNKNOWN_WORD,
    UNREAD,
    Mention,
)

DECLARED = frozenset({*ALLERGENS, "lactose"})
Numbered = tuple[int, Mention]


def _is_heading(mention: Mention) -> bool:
    return mention.text in HEADINGS or mention.role == TRACES


def _joins(mention: Mention) -> bool:
    return mention.role == OR or _is_heading(mention) or (mention.role == BREAK and mention.text in JOINS)


def _is_strange(mention: Mention) -> bool:
    is_amount = mention.role == FILLER and mention.text[0].isdigit()
    is_other = mention.role == BREAK and not _joins(mention)
    return mention.role in (UNKNOWN_WORD, UNREAD, DOUBT, NOT) or is_amount or is_other


def _is_named(mention: Mention) -> bool:
    return mention.role == NONE or bool((mention.contains | mention.may) & DECLARED)


def _names_all(listed: list[Numbered], claims: set[int]) -> bool:
    # Whether each piece between joining words names something, and none is missing at the end.
    pieces = [(joins, [*group]) for joins, group in groupby(listed, key=lambda numbered: _joins(numbered[1]))]
    return not pieces[-1][0] and all(
        joins or any(_is_named(mention) and index not in claims for index, mention in group)
        for joins, group in pieces
    )


def is_clear(mentions: list[Mention], claims: set[int]) -> bool:
    """Whether a declaration names an allergen, or `none`, in each of its parts, and says nothing besides.

    Args:
        mentions: Its words.
        claims: The indexes of those that are claims.
    """
    if {mention.role for mention in mentions} == {FREE_BEFORE}:  # `keine`
        return True
    if any(map(_is_strange, mentions)):
        return False
    parted = groupby(enumerate(mentions), key=lambda numbered: numbered[1].role in (COMMA, STOP))
    begins, is_waiting = True, True  # a heading begins a sentence: `Contains: milk. May contain: nuts.`
    for is_mark, group in parted:
        listed = [*group]
        if is_mark:
            begins = is_waiting or any(mention.role == STOP for _, mention in listed)
        elif begins and all(_is_heading(mention) for _, mention in listed):
            is_waiting = True
        elif _names_all(listed, claims):
            is_waiting = False
        else:
            return False
    return not is_waiting
