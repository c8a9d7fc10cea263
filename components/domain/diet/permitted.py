"""Which dishes a person may be offered, before anything is scored: the first of the two ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

from components.domain.diet.declared import letters_in, spelled_out
from components.domain.diet.dictionary import ALLERGENS, MIXTURES, SUBSTANCES, UNMARKED
from components.domain.diet.diets import DIETS
from components.domain.diet.facts import Avoided, DishFacts, Evidence, LeftOut, Reason, Restrictions, Strength
from components.domain.diet.letters import fold
from components.domain.diet.reading import Reading, read
from components.domain.diet.words_named import names_any

_EXACT = ("ingredients", "allergens")  # fields of which all words count, so that they are quoted whole
DECLARABLE = (*ALLERGENS, "lactose")  # milk brings lactose, so who declares no milk declares no lactose


def texts(dish: DishFacts) -> Iterator[tuple[str, str]]:
    """Yields each text of a dish but its declaration, with its field; the most exact ones come first."""
    yield from (("ingredients", text) for text in dish.ingredients)
    yield "name", dish.name
    yield "description", dish.description
    yield from (("tags", text) for text in dish.tags)


def _declares(declared: list[Reading], others: list[Reading]) -> bool:
    # Whether all entries are understood, say what there is or that there is nothing, and the dish's own words
    # name no allergen besides.
    speaks = any(reading.says_none or reading.contains for reading in declared)
    named = {name for reading in declared for name in (*reading.contains, *reading.traces, *reading.may)}
    unnamed = {name for reading in others for name in reading.contains}.intersection(DECLARABLE) - named
    return speaks and all(reading.is_clear for reading in declared) and not unnamed


def _unknown(dish: DishFacts, listed: list[tuple[str, str, Reading]]) -> Evidence | None:
    # The first thing that is not known of a dish's ingredients; None where all are known.
    for field, text, reading in listed:
        if not reading.is_readable:
            return Evidence(Strength.UNKNOWN, field, text)
    for text in dish.ingredients:
        if fold(text) and not read(text).is_known:
            return Evidence(Strength.UNKNOWN, "ingredients", text)
    return None if any(map(fold, dish.ingredients)) else Evidence(Strength.UNKNOWN, "ingredients")


@lru_cache(maxsize=8192)
def evidence(dish: DishFacts) -> dict[str, Evidence]:
    """Reads what a dish says of each substance."""
    result: dict[str, Evidence] = {}
    declared = [
        (text, read(spelled_out(text, dish.letters))) for text in dish.allergens or () if text.strip()
    ]
    listed = [("allergens", text, reading) for text, reading in declared]
    listed += [(field, text, read(text)) for field, text in texts(dish)]
    of_letters = ((field, text, letters_in(text, dish.letters)) for field, text in texts(dish))
    listed += [(field, text, read(meaning)) for field, text, meaning in of_letters if meaning]
    for field, text, reading in listed:
        for substance, words in reading.contains.items():
            result.setdefault(substance, Evidence(Strength.CONTAINS, field, _quote(field, text, words)))
    of_text = [(field, text, reading.traces, True) for field, text, reading in listed]
    of_text += [
        (field, text, dict.fromkeys(denied, text.strip()), True)
        for field, text, reading in listed
        for denied in reading.denials
        if denied.isdisjoint(result)  # else what it contains tells why it is not vegan
    ]
    of_text += [(field, text, reading.may, False) for field, text, reading in listed if field in _EXACT]
    for field, text, may, is_stated in of_text:
        for substance, words in may.items():
            why = Evidence(Strength.MAY_CONTAIN, field, _quote(field, text, words), is_stated)
            result.setdefault(substance, why)
    why_unknown = _unknown(dish, listed) or Evidence(Strength.FREE, "ingredients")
    is_readable = all(reading.is_readable for _, _, reading in listed)
    others = [reading for _, _, reading in listed[len(declared) :]]
    is_declared = is_readable and _declares([reading for _, reading in declared], others)
    for substance in SUBSTANCES:
        is_free = is_declared and substance in DECLARABLE
        result.setdefault(substance, Evidence(Strength.FREE, "allergens") if is_free else why_unknown)
    return result


def _quote(field: str, text: str, words: str) -> str:
    return " ".join(text.split()) if field in _EXACT else words


def _of_avoided(dish: DishFacts, avoided: Avoided) -> Evidence | None:
    # Why an avoided ingredient keeps the dish out; None where nothing does.
    for field, text in texts(dish):
        if names_any(fold(text), avoided.words):
            return Evidence(Strength.CONTAINS, field, " ".join(text.split()))
    if avoided.has_groups:
        return None
    of_substances = evidence(dish)
    for substance in (*avoided.substances, *(MIXTURES if avoided.is_allergy else ())):
        if of_substances[substance].strength is not Strength.FREE:
            return of_substances[substance]
    if not avoided.words:
        return Evidence(Strength.UNKNOWN, "restrictions", avoided.text)
    return None if any(map(fold, dish.ingredients)) else Evidence(Strength.UNKNOWN, "ingredients")


def _marks(dish: DishFacts, without: tuple[str, ...]) -> bool:
    # Whether a tag says so, and nothing else of the dish doubts it: `vegan on request`.
    readings = [(field, read(text)) for field, text in texts(dish)]
    if any(reading.doubts_claims or (field == "tags" and reading.has_doubt) for field, reading in readings):
        return False
    # `halal: no`, `may contain beef`; `not vegan` says nothing of how an animal was killed.
    denied = [each for _, reading in readings for each in reading.denials if "meat" not in each]
    against = frozenset(chain(*denied, *(reading.traces for _, reading in readings)))
    if not UNMARKED.isdisjoint(against.intersection(without)):
        return False
    return any(field == "tags" and reading.rules_out.issuperset(without) for field, reading in readings)


def _of_diet(dish: DishFacts, name: str) -> Reason | None:
    diet, of_substances = DIETS[name], evidence(dish)
    is_marked = diet.is_marked and _marks(dish, diet.without)
    against = [
        what for what in diet.without if not _is_settled(what, of_substances[what], is_marked=is_marked)
    ]
    against.sort(key=lambda substance: of_substances[substance].strength is Strength.UNKNOWN)
    if not against and diet.parts_meat_and_milk:
        both = [of_substances[substance] for substance in ("meat", "milk")]
        if all(each.strength is not Strength.FREE for each in both):
            return _reason(name, "meat with milk", both[1])
    return _reason(name, against[0], of_substances[against[0]]) if against else None


def _is_settled(substance: str, why: Evidence, *, is_marked: bool) -> bool:
    # `Chicken` leaves open how the animal was killed, so a tag `halal` says it.
    is_open = why.strength is not Strength.CONTAINS or substance in UNMARKED
    return why.strength is Strength.FREE or (is_marked and is_open and not why.is_stated)


def _reason(restriction: str, substance: str, why: Evidence) -> Reason:
    return Reason(restriction, substance, why.strength, why.field, why.text)


def _reasons(dish: DishFacts, restrictions: Restrictions) -> Iterator[Reason]:
    of_substances = evidence(dish) if restrictions.allergies else {}
    for group in restrictions.allergies:
        if of_substances[group].strength is not Strength.FREE:
            yield _reason(group, group, of_substances[group])
    for avoided in restrictions.avoids:
        why = _of_avoided(dish, avoided)
        if why is not None:
            yield _reason(avoided.text, avoided.text, why)
    for name in restrictions.diets:
        of_diet = _of_diet(dish, name)
        if of_diet is not None:
            yield of_diet


def permitted(
    dishes: Iterable[DishFacts], restrictions: Restrictions
) -> tuple[tuple[DishFacts, ...], tuple[LeftOut, ...]]:
    """Divides dishes into those that may be offered, in their order, and the others, with reasons.

    Args:
        dishes: What is on the menu.
    """
    offered, left_out = [], []
    for dish in dishes:
        reasons = tuple(_reasons(dish, restrictions))
        if reasons:
            left_out.append(LeftOut(dish.dish_id, reasons))
        else:
            offered.append(dish)
    return tuple(offered), tuple(left_out)
