"""What a text says of each substance, read from its words: the first of the two ways.

A claim (`gluten-free`, `without milk`, `vegan`) rules out what it names for one food: the next one of its
phrase, or the one before it where no other follows, also behind a comma or in brackets: `bread
(gluten-free)`. Between two foods it rules out nothing, nor where the text has a word such as `available` or
`not`, nor what the text says may be in the food. A nut stays a nut: no claim takes back what a food is, but
`vegan` and the like before it, `vegan prawns`. After `may contain` all is a trace, until the sentence ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, dropwhile, takewhile

from components.domain.diet.clear import is_clear
from components.domain.diet.dictionary import (
    ADJECTIVE,
    BREAK,
    CLAIM,
    COMMA,
    DOUBT,
    FILLER,
    FOOD,
    FREE_AFTER,
    FREE_BEFORE,
    JOINED_BY,
    MEMBERS,
    NONE,
    NOT,
    OR,
    STOP,
    SUBSTANCES,
    TRACES,
    UNKNOWN_WORD,
    UNMARKED,
    UNREAD,
    Mention,
    dictionary,
)
from components.domain.diet.letters import MEAT_OR_AND, fold
from components.domain.diet.trie import find

CLAIMS, DOUBTS, ENDS = (CLAIM, ADJECTIVE), {DOUBT, NOT}, (BREAK, OR, COMMA, STOP, TRACES)
_BETWEEN_DENIAL_AND_CLAIM = (FILLER, BREAK, UNKNOWN_WORD, OR, *CLAIMS)
_BETWEEN_TRACE_AND_FOOD = (FILLER, BREAK, OR, UNKNOWN_WORD)
_BETWEEN_CLAIM_AND_DENIAL = (FILLER, BREAK, COMMA, STOP, DOUBT)


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
        is_clear: Whether as a declaration it is nothing but allergens, or `none`.
        rules_out: What a text that is nothing but claims rules out.
        has_doubt: Whether it has a word such as `not` or `on request`.
        doubts_claims: Whether it has one beside a word that claims something.
        denials: For each claim that it denies (`not vegan`) what the claim would rule out.
    """

    contains: dict[str, str] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    may: dict[str, str] = field(default_factory=dict)
    is_known: bool = True
    is_readable: bool = True
    says_none: bool = False
    is_clear: bool = False
    rules_out: frozenset[str] = frozenset()
    has_doubt: bool = False
    doubts_claims: bool = False
    denials: tuple[frozenset[str], ...] = ()


@dataclass
class _Food:
    mention: Mention
    is_trace: bool
    before: list[Mention] = field(default_factory=list)  # claims that stand before it
    behind: list[Mention] = field(default_factory=list)

    @property
    def rules_out(self) -> frozenset[str]:
        return frozenset[str]().union(*(claim.rules_out for claim in (*self.before, *self.behind)))

    @property
    def takes_back(self) -> frozenset[str]:
        # What of the food itself its claims take back.
        sets = [claim.rules_out for claim in self.before if "meat" in claim.rules_out]
        for claim in (*self.before, *self.behind):
            is_contradiction = "meat" in claim.rules_out
            sets.append(claim.rules_out - MEMBERS - (UNMARKED if is_contradiction else frozenset()))
        return frozenset[str]().union(*sets) - self.mention.inherent


@dataclass
class _Phrase:
    """Words between two marks of an end, and which mark is the one before them."""

    begins: str = ""
    foods: list[_Food] = field(default_factory=list)
    before: list[Mention] = field(default_factory=list)  # claims that stand before all foods
    behind: list[Mention] = field(default_factory=list)  # claims that stand behind the last food so far
    has_others: bool = False  # words that are neither food nor claim, such as `contains`

    @property
    def is_claim(self) -> bool:
        return bool(self.before) and not self.foods and not self.has_others

    def add_claim(self, claim: Mention) -> None:
        (self.behind if self.foods else self.before).append(claim)

    def add_food(self, food: _Food) -> None:
        # Claims between two foods speak of nobody knows which, so of none.
        self.foods.append(food)
        self.behind.clear()


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


def _claims(mentions: list[Mention]) -> set[int]:
    # The indexes of all claims; none in a text with a word such as `available`, or where they are taken back.
    roles = [mention.role for mention in mentions]
    if not DOUBTS.isdisjoint(roles) or _takes_back([*roles, "", ""]) or _denies_twice(roles):
        return set()
    return _denied(mentions) | {index for index, role in enumerate(roles) if role in CLAIMS}


def _takes_back(roles: list[str]) -> bool:
    # Whether a word such as `no` denies nothing, or a claim: `vegan: no`, `no gluten-free bread`;
    # or both are to be had: `with or without cheese`.
    for one, two, three in zip(roles, roles[1:], roles[2:], strict=False):
        is_denied_claim = two == FOOD and three == FREE_AFTER
        if one == FREE_BEFORE and (two in (*CLAIMS, COMMA, STOP, BREAK, "") or is_denied_claim):
            return True
        if one == BREAK and two in (OR, COMMA) and three == FREE_BEFORE:
            return True
    return False


def _denies_twice(roles: list[str]) -> bool:
    # `no meal without cheese`
    is_denied = False
    for role in roles:
        if role == FREE_BEFORE and is_denied:
            return True
        is_denied = (is_denied or role == FREE_BEFORE) and role not in ENDS
    return False


def _denials(mentions: list[Mention]) -> tuple[frozenset[str], ...]:
    # What claims rule out that stand behind or before a word that denies them.
    roles, denied = [mention.role for mention in mentions], []
    for index, mention in enumerate(mentions):
        is_free = mention.role == FOOD and FREE_AFTER in roles[index + 1 : index + 2]
        if not is_free and mention.role not in CLAIMS:
            continue
        earlier = dropwhile(lambda role: role in _BETWEEN_DENIAL_AND_CLAIM, reversed(roles[:index]))
        later = [*dropwhile(lambda role: role in _BETWEEN_CLAIM_AND_DENIAL, roles[index + 1 + is_free :]), ""]
        is_behind = later[0] in (NOT, FREE_BEFORE) and later[1] in (COMMA, STOP, "")
        if is_behind or next(earlier, "") in (NOT, FREE_BEFORE, TRACES):
            denied.append(mention.contains if is_free else mention.rules_out | mention.settles)
    return tuple(denied)


def _is_anything_a_trace(mentions: list[Mention]) -> bool:
    # Whether no food follows a word such as `may contain`, or a fryer is shared.
    for index, mention in enumerate(mentions):
        following = [*(each.role for each in mentions[index + 1 :]), "", ""]
        listed = following[1:] if following[0] == COMMA else following  # `may contain: nuts`
        first, second = [*dropwhile(lambda role: role in _BETWEEN_TRACE_AND_FOOD, listed), ""][:2]
        if mention.is_open and (mention.role != TRACES or first != FOOD or second == FREE_AFTER):
            return True
    return False


def _phrases(mentions: list[Mention], claims: set[int]) -> list[_Phrase]:
    phrases, is_trace = [_Phrase()], False
    for index, mention in enumerate(mentions):
        if mention.role in ENDS:
            is_trace = (is_trace or mention.role == TRACES) and mention.role != STOP
            phrases.append(_Phrase(mention.role))
        elif index in claims:
            phrases[-1].add_claim(mention)
        elif mention.role in (FOOD, UNKNOWN_WORD):
            phrases[-1].add_food(_Food(mention, is_trace))
        elif mention.role not in (FREE_AFTER, FREE_BEFORE, FILLER):
            phrases[-1].has_others = True
    return phrases


def _give_claims(phrases: list[_Phrase]) -> None:
    # A claim speaks of the next food of its phrase, else of the one before it: `bread, gluten-free, vegan.`
    for phrase in phrases:
        if phrase.foods:
            phrase.foods[0].before += phrase.before
            phrase.foods[-1].behind += [claim for claim in phrase.behind if claim.role != ADJECTIVE]
    for index, phrase in enumerate(phrases):
        if not phrase.foods:
            continue
        alone = list(takewhile(lambda after: after.begins == COMMA and after.is_claim, phrases[index + 1 :]))
        following = phrases[index + 1 + len(alone) :]
        if not following or following[0].begins in (STOP, TRACES):
            listed = chain.from_iterable(after.before for after in alone)
            phrase.foods[-1].behind += [claim for claim in listed if claim.role != ADJECTIVE]


def _collect(reading: Reading, food: _Food) -> None:
    stands_in, mention = dictionary().stands_in, food.mention
    rules_out = frozenset[str]() if food.is_trace else food.rules_out
    takes_back = frozenset[str]() if food.is_trace else food.takes_back
    ruled_out = rules_out & (mention.contains | mention.may)
    may = mention.may.union(*(stands_in.get(substance, ()) for substance in ruled_out)) - rules_out
    sure = reading.traces if food.is_trace else reading.contains
    for substance in mention.contains - takes_back:
        sure.setdefault(substance, mention.text)
    for substance in may:
        reading.may.setdefault(substance, mention.text)


def _goes_on(mentions: list[Mention]) -> bool:
    # `tomato plus`, `tomato and some`; yet `tomato, peeled and chopped` is whole. `Et` at the end is Turkish
    # meat, or French and goes on.
    if len(mentions) > 1 and mentions[-1].text == MEAT_OR_AND:
        return True
    ends = [*dropwhile(lambda mention: mention.role == FILLER, reversed(mentions))]
    if not ends or (ends[0].text not in JOINED_BY and ends[0].role != OR):
        return False
    is_way_of_preparing = mentions[-1].role == FILLER and [each.role for each in ends[1:2]] == [FILLER]
    return ends[0].role in (BREAK, OR) and not is_way_of_preparing


@lru_cache(maxsize=16_384)
def read(text: str) -> Reading:
    """What a text says.

    Args:
        text: As somebody typed it.
    """
    mentions = find(fold(text))
    roles, claims = {mention.role for mention in mentions}, _claims(mentions)
    phrases = _phrases(mentions, claims)
    _give_claims(phrases)
    foods = [food for phrase in phrases for food in phrase.foods]
    is_plain = not roles & {UNKNOWN_WORD, UNREAD, *DOUBTS}
    reading = Reading(is_readable=UNREAD not in roles)
    reading.says_none = is_plain and (NONE in roles or roles == {FREE_BEFORE})
    reading.is_known = not roles & {UNKNOWN_WORD, UNREAD} and bool(foods) and not _goes_on(mentions)
    reading.is_clear = is_clear(mentions, claims)
    joining = (COMMA, STOP, BREAK, FREE_BEFORE, FREE_AFTER)
    if all(index in claims or mention.role in joining for index, mention in enumerate(mentions)):
        named = [mentions[index] for index in claims]
        reading.rules_out = frozenset[str]().union(*(claim.rules_out | claim.settles for claim in named))
    reading.has_doubt = bool(roles & DOUBTS)
    reading.doubts_claims = reading.has_doubt and bool(roles & {*CLAIMS, FREE_BEFORE, FREE_AFTER})
    reading.denials = _denials(mentions)
    for food in foods:
        _collect(reading, food)
    if any(mention.is_open for mention in mentions) and _is_anything_a_trace(mentions):
        reading.traces.update(dict.fromkeys(SUBSTANCES, text.strip()) | reading.traces)
    return reading
