"""The oracle of the diet's tests: which dishes break a person's restrictions, found in another way.

It goes from the question to the words, where `permitted` goes from the words to all questions, and finds
words by `patterns`. What it calls a violation must be what `permitted` leaves out. Both read one dictionary,
so their agreement says nothing of the dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from components.domain.diet.declared import letters_in, spelled_out
from components.domain.diet.dictionary import ALLERGENS, LINKS, MIXTURES, PART, UNMARKED, dictionary
from components.domain.diet.diets import DIETS
from components.domain.diet.facts import Avoided, DishFacts, LeftOut, Reason, Restrictions, Strength
from components.domain.diet.forms import forms
from components.domain.diet.letters import fold
from tests.domain.diet.patterns import parse

Finding = tuple[Strength, str, str]
_OPEN: Finding = (Strength.UNKNOWN, "ingredients", "")
_ENOUGH_LETTERS = 5  # of an avoided word, to be looked for at the ends of longer words


def _fields(dish: DishFacts) -> list[tuple[str, str]]:
    single = [("name", dish.name), ("description", dish.description)]
    listed = [("ingredients", text) for text in dish.ingredients]
    return listed + single + [("tags", text) for text in dish.tags]


def _with_declared(dish: DishFacts) -> list[tuple[str, str]]:
    declared = [("allergens", spelled_out(text, dish.letters)) for text in dish.allergens or ()]
    letters = [(field, letters_in(text, dish.letters)) for field, text in _fields(dish)]
    return declared + _fields(dish) + letters


def _sayings(dish: DishFacts, substance: str) -> tuple[tuple[str, str, str], ...]:
    # What speaks against a dish, each with how, the field and its words.
    return tuple(
        (how, field, text.strip() if field in ("allergens", "ingredients") else words)
        for field, text in _with_declared(dish)
        for how, words in parse(text).sayings.get(substance, ())
        if how != "may" or field in ("allergens", "ingredients")
    )


def _against(dish: DishFacts, substance: str) -> Finding | None:
    # First what it contains, then what it may contain.
    sayings = sorted(_sayings(dish, substance), key=lambda saying: saying[0] != "contains")
    if not sayings:
        return _denials(dish).get(substance)
    strength = Strength.CONTAINS if sayings[0][0] == "contains" else Strength.MAY_CONTAIN
    return (strength, *sayings[0][1:])


def _is_said(dish: DishFacts, substance: str, how: str) -> bool:
    return any(saying[0] == how for saying in _sayings(dish, substance))


@lru_cache(maxsize=65_536)
def _denials(dish: DishFacts) -> dict[str, Finding]:
    # What claims would rule out that a text denies, where the dish contains nothing that tells why.
    return {
        substance: (Strength.MAY_CONTAIN, field, text.strip())
        for field, text in _with_declared(dish)
        for denied in parse(text).denials
        if not any(_is_said(dish, other, "contains") for other in denied)
        for substance in denied
    }


def _is_declared(dish: DishFacts) -> bool:
    entries = [parse(spelled_out(text, dish.letters)) for text in dish.allergens or () if text.strip()]
    if not all(entry.is_clear for entry in entries):
        return False
    if any("?" in parse(text).roles for _, text in _with_declared(dish)):
        return False
    if any(
        _is_said(dish, group, "contains") and not any(group in entry.sayings for entry in entries)
        for group in (*ALLERGENS, "lactose")
    ):
        return False
    names = (how for entry in entries for _, how, _ in entry.says())
    return any(entry.says_none for entry in entries) or any(how == "contains" for how in names)


def _proof_missing(dish: DishFacts, substance: str) -> Finding | None:
    if (substance in ALLERGENS or substance == "lactose") and _is_declared(dish):
        return None
    for field, text in _with_declared(dish):
        if "?" in parse(text).roles:
            return Strength.UNKNOWN, field, text
    listed = [text for text in dish.ingredients if fold(text)]
    strange = next((text for text in listed if not parse(text).is_known), None)
    if strange is not None:
        return Strength.UNKNOWN, "ingredients", strange
    return None if listed else _OPEN


@lru_cache(maxsize=65_536)
def _finding(dish: DishFacts, substance: str) -> Finding | None:
    return _against(dish, substance) or _proof_missing(dish, substance)


@lru_cache(maxsize=1024)
def _naming(words: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str], frozenset[str]]:
    # The words as they stand, each at either end of a longer one, and the forms too short for that.
    written = {*words}.union(*(forms(word, spoken) for word in words for spoken in ("en", "de", "es", "it")))
    single = [form for form in written if " " not in form and len(form) >= PART]
    exact = "|".join(map(re.escape, written)) or "(?!)"
    long = [form for form in single if len(form) >= _ENOUGH_LETTERS]
    at_end = "|".join(map(re.escape, long)) or "(?!)"
    return (
        re.compile(f"(?<![^ ,.])(?:{exact})(?![^ ,.])"),
        re.compile(f"(?:{at_end}).*|.*(?:{at_end})"),
        frozenset(single).difference(long),
    )


def _is_joined(token: str, short: frozenset[str]) -> bool:
    # Whether a cut parts the token into a short word, with its linking letters, and another known word.
    terms = dictionary().terms
    before, after = (
        {form + link for form in short for link in LINKS},
        {link + form for form in short for link in LINKS},
    )
    halves = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
    return any((one in before and two in terms) or (one in terms and two in after) for one, two in halves)


@lru_cache(maxsize=65_536)
def _names(text: str, words: tuple[str, ...]) -> bool:
    if _naming(words)[0].search(text):
        return True
    return any(_is_in(token, words) for token in re.findall(r"[^ ,.]+", text))


@lru_cache(maxsize=65_536)
def _is_in(token: str, words: tuple[str, ...]) -> bool:
    _, long, short = _naming(words)
    if token in dictionary().whole:
        return False
    return bool(long.fullmatch(token)) or (bool(short) and _is_joined(token, short))


def _of_avoided(dish: DishFacts, avoided: Avoided) -> Finding | None:
    for field, text in _fields(dish):
        if _names(fold(text), avoided.words):
            return Strength.CONTAINS, field, text.strip()
    if avoided.has_groups:
        return None
    substances = avoided.substances + (MIXTURES if avoided.is_allergy else ())
    for substance in substances:
        finding = _finding(dish, substance)
        if finding:
            return finding
    if not avoided.words:
        return Strength.UNKNOWN, "restrictions", avoided.text
    return None if any(fold(text) for text in dish.ingredients) else _OPEN


def _of_diet(dish: DishFacts, name: str) -> tuple[str, Finding] | None:
    diet = DIETS[name]
    tags = [parse(tag) for tag in dish.tags]
    is_settled = (
        diet.is_marked
        and any(tag.is_only_claim and tag.claimed().issuperset(diet.without) for tag in tags)
        and not any(re.search("[dk]", tag.roles) for tag in tags)
        and not any(
            denied & UNMARKED & {*diet.without} and "meat" not in denied
            for _, text in _fields(dish)
            for denied in parse(text).denials
        )
        and not any(re.search("[dk].*[cjba]|[cjba].*[dk]", parse(text).roles) for _, text in _fields(dish))
    )
    findings = [(substance, _finding(dish, substance)) for substance in diet.without]
    broken = [(substance, finding) for substance, finding in findings if finding]
    broken.sort(key=lambda pair: pair[1][0] is Strength.UNKNOWN)
    if is_settled:
        broken = [
            (substance, finding)
            for substance, finding in broken
            if (finding[0] is Strength.CONTAINS and substance not in UNMARKED)
            or _is_said(dish, substance, "traces")
            or substance in _denials(dish)
        ]
    if not broken and diet.parts_meat_and_milk:
        milk = _finding(dish, "milk")
        return ("meat with milk", milk) if milk and _finding(dish, "meat") else None
    return broken[0] if broken else None


def _broken(dish: DishFacts, restrictions: Restrictions) -> Iterator[Reason]:
    for group in restrictions.allergies:
        finding = _finding(dish, group)
        if finding:
            yield Reason(group, group, *finding)
    for avoided in restrictions.avoids:
        finding = _of_avoided(dish, avoided)
        if finding:
            yield Reason(avoided.text, avoided.text, *finding)
    for name in restrictions.diets:
        broken = _of_diet(dish, name)
        if broken:
            yield Reason(name, broken[0], *broken[1])


def violations(dishes: Iterable[DishFacts], restrictions: Restrictions) -> tuple[LeftOut, ...]:
    """The dishes that must not be in an answer to a person, each with its reasons; empty where all is well.

    Args:
        dishes: The dishes of the answer.
        restrictions: What the person may not or will not eat.
    """
    checked = [(dish, tuple(_broken(dish, restrictions))) for dish in dishes]
    return tuple(LeftOut(dish.dish_id, reasons) for dish, reasons in checked if reasons)
