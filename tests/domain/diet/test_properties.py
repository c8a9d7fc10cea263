"""What holds of every dish and person: the two ways agree, and more to avoid or to eat never offers more."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.domain.diet import DishFacts, LeftOut, Restrictions, permitted, read_restrictions
from components.domain.diet.dictionary import ALLERGENS, dictionary
from components.domain.diet.forms import LANGUAGES
from components.domain.diet.permitted import evidence
from tests.domain.diet.random_dishes import RandomMenu
from tests.domain.diet.violations import violations
from tests.tables import whole_table

EVERYTHING = Restrictions(allergies=ALLERGENS)


def is_offered(dish: DishFacts, person: Restrictions) -> bool:
    return bool(permitted([dish], person)[0])


def findings(left_out: tuple[LeftOut, ...]) -> list[tuple[str, str, str, str]]:
    return [
        (left.dish_id, why.restriction, why.substance, why.strength.name)
        for left in left_out
        for why in left.reasons
    ]


@pytest.mark.parametrize("seed", range(3))
def test_both_ways_agree_on_random_dishes_and_people(seed: int) -> None:
    menu = RandomMenu.of(seed)
    people = [menu.person() for _ in range(40)]
    offered = 0
    for number in range(1000):
        dish, person = menu.dish(str(number)), menu.draw.choice(people)
        remaining, left_out = permitted([dish], person)
        assert findings(left_out) == findings(violations([dish], person)), (dish, person)
        offered += len(remaining)
    assert 50 < offered < 950


@pytest.mark.parametrize("seed", range(3))
def test_a_further_restriction_never_adds_a_dish(seed: int) -> None:
    menu = RandomMenu.of(seed, 300)
    dishes = [menu.dish(str(number)) for number in range(200)]
    for _ in range(20):
        one, two = menu.person(), menu.person()
        both = replace(
            one,
            diets=tuple(sorted({*one.diets, *two.diets})),
            allergies=tuple(sorted({*one.allergies, *two.allergies})),
            avoids=(*one.avoids, *two.avoids),
        )
        assert set(permitted(dishes, both)[0]) <= set(permitted(dishes, one)[0])


@pytest.mark.parametrize("seed", range(3))
def test_a_further_ingredient_never_offers_a_dish_that_was_not(seed: int) -> None:
    menu = RandomMenu.of(seed, 300)
    for number in range(800):
        dish, person = menu.dish(str(number)), menu.person()
        listed = replace(dish, ingredients=(*dish.ingredients, "rice"))
        more = replace(listed, ingredients=(*listed.ingredients, menu.text()))
        assert is_offered(listed, person) or not is_offered(more, person)


@pytest.mark.parametrize("seed", range(3))
def test_order_case_accents_and_spaces_do_not_matter(seed: int) -> None:
    menu = RandomMenu.of(seed, 300)
    for number in range(500):
        dish = replace(menu.dish(str(number)), letters="")  # with a scheme a lone capital may be a letter
        person = menu.person()
        shuffled = list(dish.ingredients)
        random.Random(number).shuffle(shuffled)
        other = replace(
            dish, name=f"  {dish.name.upper()} ", ingredients=tuple(text.upper() for text in shuffled)
        )
        assert is_offered(dish, person) == is_offered(other, person)


@given(st.text(), st.lists(st.text(), max_size=3), st.lists(st.text(), max_size=3), st.text())
@settings(max_examples=150)
def test_strange_text_never_raises_and_a_name_alone_is_never_offered(
    name: str, tags: list[str], written: list[str], description: str
) -> None:
    dish = DishFacts("d", name, description, tuple(tags), tuple(written), tuple(written))
    person = read_restrictions("vegan", [*written, "milk"], written)
    assert findings(permitted([dish], person)[1]) == findings(violations([dish], person))
    for group in ALLERGENS:
        assert not is_offered(
            DishFacts("d", name, description, tuple(tags)), Restrictions(allergies=(group,))
        )


@whole_table(
    "text",
    ["\ud800", "a" * 5000, "milk" * 2000, "\u202eklim", "\0zorg", "a " * 3000, ",;.", "e" * 61, "1" * 3000],
)
def test_broken_text_is_not_free(text: str) -> None:
    dish = DishFacts("d", "Rice", ingredients=("rice", text))
    person = Restrictions(allergies=("milk",))
    assert bool(violations([dish], person)) == (not is_offered(dish, person)) == (text != ",;.")


def test_every_name_in_the_dictionary_alone_is_not_offered() -> None:
    for term in sorted(dictionary().terms)[::25]:
        assert not any(evidence(DishFacts("d", term))[group].strength.name == "FREE" for group in ALLERGENS)


def test_languages_of_the_dictionary_are_known() -> None:
    assert set(LANGUAGES) == {"en", "de", "fr", "it", "es", "nl", "pt", "pl", "tr", "any"}
