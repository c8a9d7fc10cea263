"""Dishes and foods of several words: what they commonly hold, and what their words say."""

from __future__ import annotations

from components.domain.diet import DishFacts
from components.domain.diet.dictionary import ALLERGENS, dictionary, lines
from components.domain.diet.facts import Strength
from components.domain.diet.letters import fold_term
from components.domain.diet.permitted import evidence
from tests.domain.diet.both_ways import offered, parted
from tests.domain.diet.dish_words import AGAINST, HOLDS, SAME, STILL_OFFERED, TAKEN_BACK
from tests.tables import whole_table

FOODS = ("cereals", "milk_eggs", "sea", "meat", "nuts_seeds", "plants", "composed", "treated", "additives")
COMPARED = frozenset(ALLERGENS) | {"meat", "pork", "poultry", "alcohol", "gelatine"}
IMPLIED = {"lactose", "varies", "meat_not_halal", "meat_not_kosher"}


def cases(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(key, word) for key, words in table.items() for word in parted(words)]


def spoken_of(word: str) -> frozenset[str]:
    of_substances = evidence(DishFacts("d", "Dish of the day", ingredients=(word,)))
    strengths = {substance: of_substances[substance].strength for substance in COMPARED}
    assert Strength.UNKNOWN not in strengths.values(), word
    return frozenset(substance for substance in COMPARED if strengths[substance] is not Strength.FREE)


@whole_table("group word", cases(HOLDS))
def test_a_dish_is_not_free_of_what_it_commonly_holds(group: str, word: str) -> None:
    assert not offered("Dish of the day", word, allergies=group)


@whole_table("diet word", cases(AGAINST))
def test_a_dish_with_meat_alcohol_or_gelatine_is_not_offered_to_who_does_without(
    diet: str, word: str
) -> None:
    assert not offered("Dish of the day", word, diet)


@whole_table("diet word", cases(STILL_OFFERED))
def test_what_a_diet_allows_stays_offered(diet: str, word: str) -> None:
    assert offered("Dish of the day", word, diet)


@whole_table("row", SAME.strip().splitlines())
def test_a_food_says_the_same_in_all_languages(row: str) -> None:
    first, *others = parted(row)
    for word in others:
        assert spoken_of(word) == spoken_of(first), word


def test_ice_in_german_and_french_says_no_less_than_ice_cream() -> None:
    # `Eis` is also a case of `Ei`, and `glacé` a way to keep fruit.
    for word in ("Eis", "glace"):
        assert spoken_of(word) >= spoken_of("ice cream")


def written_terms(table: str) -> list[str]:
    if table != "translated":
        return [term for term, *_ in lines(table)]
    return [word for _, *cells, _ in lines(table) for cell in cells for word in cell.split(";") if word]


@whole_table("table", [*FOODS, "translated"])
def test_a_term_of_several_words_says_at_least_what_its_own_words_say(table: str) -> None:
    terms = dictionary().terms
    for term in written_terms(table):
        words = fold_term(term).replace(",", " ").split()
        whole = terms[" ".join(words)]
        for word in words if len(words) > 1 else ():
            substances = terms[word].contains - IMPLIED if word in terms else frozenset()
            is_taken_back = any(
                word in speaking.split() and not set(words).isdisjoint(beside.split())
                for speaking, beside in TAKEN_BACK
            )
            assert is_taken_back or substances <= whole.contains | whole.may, (term, word)


def test_what_is_taken_back_is_in_the_dictionary() -> None:
    tables = [*FOODS, "translated"]
    listed = [term for table in tables for term in written_terms(table)]
    written = {word for term in listed for word in fold_term(term).replace(",", " ").split()}
    for speaking, beside in TAKEN_BACK:
        assert {*speaking.split(), *beside.split()} <= written
