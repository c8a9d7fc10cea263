"""What a text says of each substance, read from its words: the first of the two ways.

A claim (`gluten-free`, `without milk`, `vegan`) rules out what it names for the words of its own phrase, or
of the phrase before where it stands alone: `bread (gluten-free)`. It rules out nothing where the text has a
word such as `available` or `not`. After `may contain` all is a trace, until the sentence ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from components.domain.diet.dictionary import (
    BREAK,
    CLAIM,
    COMMA,
    DOUBT,
    FILLER,
    FOOD,
    FREE_AFTER,
    FREE_BEFORE,
    NONE,
    OR,
    STOP,
    TRACES,
    UNKNOWN_WORD,
    UNREAD,
    Mention,
    dictionary,
)
from components.domain.diet.letters import fold
from components.domain.diet.trie import find


@dataclass
class Reading:
    """What one text says.

    Attributes:
        contains: Substances, each with the words that say so.
        traces: The same of what the text itself says that there may be.
        may: The same of what words of varying composition may contain.
        is_known: Whether it names a food and has no word that is not known.
        is_readable: Whether all of its letters can be read.
        says_none: Whether it says that there is nothing (`none`).
        rules_out: What a text that is but a claim rules out.
    """

    contains: dict[str, str] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    may: dict[str, str] = field(default_factory=dict)
    is_known: bool = True
    is_readable: bool = True
    says_none: bool = False
    rules_out: frozenset[str] = frozenset()


@dataclass
class _Phrase:
    foods: list[tuple[Mention, bool]] = field(default_factory=list)  # each with whether it is a trace
    rules_out: frozenset[str] = frozenset()
    is_claim: bool = False
    is_only_claim: bool = True
    is_empty: bool = True
    ends_sentence: bool = False


def _denied(mentions: list[Mention]) -> set[int]:
    # The indexes of foods that a claim names: before `free`, or after `without`, with `or` between several.
    indexes: set[int] = set()
    is_open = False
    for index, mention in enumerate(mentions):
        after = mentions[index + 1].role if index + 1 < len(mentions) else ""
        if mention.role == FREE_BEFORE:
            is_open = True
        elif mention.role == FOOD:
            if is_open or after == FREE_AFTER:
                indexes.add(index)
            is_open = is_open and after == OR
        elif mention.role != OR:
            is_open = False
    return indexes


def _add(phrase: _Phrase, mention: Mention, *, is_claim: bool, is_trace: bool) -> None:
    phrase.is_empty = False
    if is_claim:
        phrase.is_claim = True
        phrase.rules_out |= mention.rules_out
    elif mention.role in (FOOD, UNKNOWN_WORD):
        phrase.foods.append((mention, is_trace))
        phrase.is_only_claim = False
    elif mention.role not in (FREE_AFTER, FREE_BEFORE, FILLER):
        phrase.is_only_claim = False


def _has_doubt(mentions: list[Mention]) -> bool:
    # A word such as `available`, or a claim that is taken back: `no gluten-free bread`.
    roles = [mention.role for mention in mentions]
    taken_back = any(
        before == FREE_BEFORE and (claim == CLAIM or (claim == FOOD and after == FREE_AFTER))
        for before, claim, after in zip(roles, roles[1:], [*roles[2:], ""], strict=False)
    )
    return DOUBT in roles or taken_back


def _phrases(mentions: list[Mention]) -> list[_Phrase]:
    has_doubt = _has_doubt(mentions)
    denied = set() if has_doubt else _denied(mentions)
    phrases, is_trace = [_Phrase()], False
    for index, mention in enumerate(mentions):
        if mention.role in (BREAK, OR, COMMA, STOP):
            if mention.role == STOP:
                phrases[-2 if phrases[-1].is_empty and len(phrases) > 1 else -1].ends_sentence = True
            is_trace = is_trace and mention.role != STOP
            if not phrases[-1].is_empty:
                phrases.append(_Phrase())
            continue
        is_trace = is_trace or mention.role == TRACES
        is_claim = index in denied or (mention.role == CLAIM and not has_doubt)
        _add(phrases[-1], mention, is_claim=is_claim, is_trace=is_trace)
    for before, after in pairwise(phrases):
        if after.is_claim and after.is_only_claim and not before.ends_sentence:
            before.rules_out |= after.rules_out
    return phrases


def _collect(reading: Reading, phrase: _Phrase) -> None:
    stands_in = dictionary().stands_in
    for mention, is_trace in phrase.foods:
        ruled_out = phrase.rules_out & (mention.contains | mention.may)
        may = mention.may.union(*(stands_in.get(substance, ()) for substance in ruled_out)) - phrase.rules_out
        sure = reading.traces if is_trace else reading.contains
        for substance in mention.contains - phrase.rules_out:
            sure.setdefault(substance, mention.text)
        for substance in may:
            reading.may.setdefault(substance, mention.text)


@lru_cache(maxsize=16_384)
def read(text: str) -> Reading:
    """What a text says.

    Args:
        text: As somebody typed it.
    """
    mentions = find(fold(text))
    roles = {mention.role for mention in mentions}
    phrases = _phrases(mentions)
    is_plain = not roles & {UNKNOWN_WORD, UNREAD, DOUBT}
    reading = Reading(is_readable=UNREAD not in roles)
    reading.says_none = is_plain and (NONE in roles or roles == {FREE_BEFORE})
    reading.is_known = not roles & {UNKNOWN_WORD, UNREAD} and any(phrase.foods for phrase in phrases)
    if all(phrase.is_only_claim for phrase in phrases):
        reading.rules_out = frozenset().union(*(phrase.rules_out for phrase in phrases))
    for phrase in phrases:
        _collect(reading, phrase)
    return reading
