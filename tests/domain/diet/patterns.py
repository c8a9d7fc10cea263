"""Words found by regular expressions, and claims by expressions on their roles: the second of the two ways.

It is written apart from `trie` and `reading` on purpose and shares nothing with them but the dictionary and
the letters: each is the other's check.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, cached_property, lru_cache

from components.domain.diet.declared import HEADINGS, JOINS
from components.domain.diet.dictionary import (
    ALLERGENS,
    CUTS,
    JOINED_BY,
    LINKS,
    MEMBERS,
    PART,
    SUBSTANCES,
    UNMARKED,
    Mention,
    dictionary,
)
from components.domain.diet.letters import MEAT_OR_AND, fold

_HEAD = 5  # letters by which the terms are put into patterns, so that none has thousands of alternatives
_WORD = re.compile(r"[a-z0-9\ufffd]+|[,.]")
_QUANTITY = re.compile(r"\d+(g|gr|kg|mg|ml|cl|dl|l|oz|lb|lbs|x|cm|mm|pc|pcs|st|el|tl|er)?$")
_CLAIMS_ALONE = re.compile(r"(?:,[pabNCJ]*[NCJ][pabNCJ]*)+(?=[.m]|$)")
_DENIED_BEHIND = re.compile("(?:[cj]|F(?=a))(?=a?[px,.d]*[kb](?:[,.]|$))")
_NOTHING: frozenset[str] = frozenset()
# A declaration: G names an allergen, w is another word, J joins two names, H stands before them all.
_PIECE = "w*G[wG]*"
_LISTED = f"[JH]*{_PIECE}(?:[JH]+{_PIECE})*"
_DECLARATION = re.compile(rf"(?:H+[,.])*{_LISTED}(?:(?:,|\.(?:H+[,.])*){_LISTED})*")


@cache
def _by_head() -> dict[str, list[str]]:
    result: dict[str, list[str]] = defaultdict(list)
    for form in dictionary().terms:
        result[form.partition(" ")[0][:_HEAD]].append(form)
    return result


@cache
def _pattern(head: str) -> re.Pattern[str] | None:
    ordered = sorted(_by_head().get(head, ()), key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(map(re.escape, ordered))})(?![a-z0-9\ufffd])") if ordered else None


def _alternatives(words: list[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


@lru_cache(maxsize=16_384)
def word_alone(word: str) -> Mention:
    """What a word says that is no term."""
    if "\ufffd" in word:
        return Mention("?", word)
    if _QUANTITY.match(word):
        return Mention("p", word)
    length = range(len(word) + 1)
    inside = [word[start:end] for start in length for end in length[start + PART :]]
    inside = [part for part in inside if part in dictionary().parts]
    if not inside or word in dictionary().whole:
        return Mention("u", word)
    part, link = _alternatives(inside), "|".join(LINKS)
    whole = re.fullmatch(f"({part})(?:{link})(?:({part})(?:{link}))?({part})", word)
    first, last = re.match(part, word), re.search(f"(?:{part})$", word)
    ends = {match[0] for match in (first, last) if match}
    pieces = {group for group in whole.groups() if group} if whole else ends
    contains = _NOTHING.union(*(dictionary().terms[piece].contains for piece in pieces))
    may = _NOTHING.union(*(dictionary().terms[piece].may for piece in pieces)) - contains
    inherent = _NOTHING.union(*(dictionary().terms[piece].inherent for piece in pieces))
    is_whole = whole is not None and (whole[3] in CUTS or dictionary().terms[whole[3]].role == "F")
    is_food = is_whole and any(dictionary().terms[piece].role == "F" for piece in pieces)
    return Mention("F" if is_food else "u", word, contains, may, inherent=inherent)


def scan(text: str) -> Iterator[Mention]:
    """The words of a folded text, with what they say."""
    start = 0
    while word := _WORD.search(text, start):
        pattern = _pattern(word[0][:_HEAD])
        term = pattern.match(text, word.start()) if pattern else None
        if word[0] in ",.":
            yield Mention(word[0], word[0])
        else:
            yield dictionary().terms[term[0]] if term else word_alone(word[0])
        start = term.end() if term else word.end()


def _letter(mention: Mention, role: str) -> str:
    # What a word does in a declaration; `!` is none that a clear one has.
    is_named = role == "F" and (mention.contains | mention.may) & {*ALLERGENS, "lactose"}
    if is_named or role == "n":
        return "G"
    if role == "m" or mention.text in HEADINGS:
        return "H"
    if role == "o" or (role == "x" and mention.text in JOINS):
        return "J"
    if role in "xudk?" or (role == "p" and re.match(r"\d", mention.text)):
        return "!"
    return role if role in ",." else "w"


def _takes(claims: list[Mention], substance: str, *, is_before: bool) -> bool:
    # Whether claims take back what a food contains: no nut of a nut, meat only in `vegan chicken`.
    speaking = [claim for claim in claims if substance in claim.rules_out]
    against_diet = MEMBERS | UNMARKED
    return any(
        is_before or substance not in against_diet if "meat" in claim.rules_out else substance not in MEMBERS
        for claim in speaking
    )


class Parsed:
    """A text as its words and as the string of their roles, on which claims are read."""

    def __init__(self, text: str) -> None:
        self.mentions = list(scan(fold(text)))
        roles = self.plain_roles = "".join(mention.role for mention in self.mentions)
        # `available`, `no vegan`, `with or without` and `no meal without` void all claims.
        if not re.search("[dk]|b(?:Fa|[cjx,.]|$)|x[o,]b|b[^xo,.m]*b", roles):
            roles = re.sub(r"F(?=a)", "N", roles)
            roles = re.sub(r"bo*[FN](?:o+[FN])*", lambda denied: denied[0].replace("F", "N"), roles)
            roles = roles.replace("c", "C").replace("j", "J")
        self.roles = roles

    @cached_property
    def is_known(self) -> bool:
        """Whether it names a food and has no word that is not known."""
        last = re.search(r"(?:[xo]|(?<!p)[xo]p+)$", self.roles)
        joins = last and (self.roles[last.start()] == "o" or self.mentions[last.start()].text in JOINED_BY)
        joins = joins or [each.text for each in self.mentions[1:]][-1:] == [MEAT_OR_AND]
        return "F" in self.roles and not re.search(r"[u?]", self.roles) and not joins

    @property
    def says_none(self) -> bool:
        """Whether it says that there is nothing."""
        return re.fullmatch(r"b+|[^u?dk]*n[^u?dk]*", self.roles) is not None

    @property
    def is_only_claim(self) -> bool:
        """Whether it is nothing but claims."""
        return re.fullmatch(r"[NCJabx,.]*", self.roles) is not None

    @property
    def is_clear(self) -> bool:
        """Whether as a declaration it names allergens, or none, and says nothing besides."""
        letters = "".join(map(_letter, self.mentions, self.roles))
        return re.fullmatch("b+", self.roles) is not None or _DECLARATION.fullmatch(letters) is not None

    @cached_property
    def denials(self) -> list[frozenset[str]]:
        """What each claim would rule out that the text denies: `not vegan`, `vegan: no`."""
        spoken = [match.start() for match in re.finditer("[cj]|F(?=a)", self.plain_roles)]
        before = [index for index in spoken if re.search("[kbm][pxuocj]*$", self.plain_roles[:index])]
        denied = {*before, *(match.start() for match in _DENIED_BEHIND.finditer(self.plain_roles))}
        mentions = [self.mentions[index] for index in sorted(denied)]
        return [each.contains if each.role == "F" else each.rules_out | each.settles for each in mentions]

    def _traces_from(self, index: int) -> bool:
        # Whether `may contain` stands before the index, in the same sentence.
        return "m" in self.roles[:index].rpartition(".")[2]

    def claimed(self) -> frozenset[str]:
        """All that its claims rule out, or settle as the tag of a dish."""
        claims = [mention for mention, role in zip(self.mentions, self.roles, strict=True) if role in "NCJ"]
        return _NOTHING.union(*(claim.rules_out | claim.settles for claim in claims))

    @cached_property
    def sayings(self) -> dict[str, list[tuple[str, str]]]:
        """What `says` gives, by substance."""
        result: dict[str, list[tuple[str, str]]] = {}
        for substance, how, words in self.says():
            result.setdefault(substance, []).append((how, words))
        return result

    def says(self) -> Iterator[tuple[str, str, str]]:
        """Each substance that it speaks of, with `contains`, `traces` or `may`, and the words."""
        opened = [index for index, mention in enumerate(self.mentions) if mention.is_open]
        if not all(re.match(r"m,?[pxou]*F(?!a)", self.plain_roles[index:]) for index in opened):
            yield from ((substance, "traces", "") for substance in SUBSTANCES)
        for phrase in re.finditer(r"[^xo,.m]+", self.roles):
            foods = [index for index in range(*phrase.span()) if self.roles[index] in "Fu"]
            for index in foods:
                claims = self._speaking(phrase, index, foods[0], foods[-1])
                yield from self._of_word(index, *claims)

    def _speaking(
        self, phrase: re.Match[str], food: int, first: int, last: int
    ) -> tuple[list[Mention], list[Mention]]:
        # The claims on a food: those before the first one, and those behind the last one.
        before, behind = range(0), range(0)
        if not self._traces_from(food):
            before = range(phrase.start(), first) if food == first else before
            alone = _CLAIMS_ALONE.match(self.roles, phrase.end())
            behind = range(last, alone.end() if alone else phrase.end()) if food == last else behind
        return (
            [self.mentions[index] for index in before if self.roles[index] in "NCJ"],
            [self.mentions[index] for index in behind if self.roles[index] in "NC"],
        )

    def _of_word(
        self, index: int, before: list[Mention], behind: list[Mention]
    ) -> Iterator[tuple[str, str, str]]:
        mention = self.mentions[index]
        sure = "traces" if self._traces_from(index) else "contains"
        rules_out = _NOTHING.union(*(claim.rules_out for claim in before + behind))
        for substance in mention.contains:
            sides = (before, True), (behind, False)
            is_taken = any(_takes(claims, substance, is_before=is_before) for claims, is_before in sides)
            if substance in mention.inherent or not is_taken:
                yield substance, sure, mention.text
        replaced = _NOTHING
        for substance in rules_out & (mention.contains | mention.may):
            replaced |= dictionary().stands_in.get(substance, _NOTHING)
        yield from ((substance, "may", mention.text) for substance in (mention.may | replaced) - rules_out)


@lru_cache(maxsize=16_384)
def parse(text: str) -> Parsed:
    """The text's words and roles, remembered."""
    return Parsed(text)
