"""What is remembered of a catalogue leaves each person exactly what a reading of every dish leaves them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.allergens import labelled_dishes
from components.domain.catalogue import Listed
from components.domain.diet import DishFacts, Restrictions, permitted, read_restrictions
from components.domain.diet.dictionary import ALLERGENS
from components.domain.diet.diets import DIETS
from components.domain.records import Dish
from serving.catalogue import Listing, listing_of
from serving.permissions import DISHES_AT_ONCE, MOST_LEFT_OUT, MOST_WORDS, Permissions
from serving.refusals import Unavailable
from serving.restrictions import bases_of
from tests.domain.diet.violations import violations

WORDS = ("coriander", "pork", "Erdnüsse", "xyzzy", "豆腐", "kiwi", "")


def _catalogue(count: int) -> Listing:
    facts = [labelled.dish for labelled in labelled_dishes()]
    return listing_of(
        Listed(
            Dish(f"c{number}", one.name, one.description, "", one.tags, one.ingredients), one.allergens, 0.5
        )
        for number in range(count)
        for one in [facts[number % len(facts)]]
    )


CATALOGUE, PERMISSIONS = _catalogue(DISHES_AT_ONCE + 90), Permissions()


@settings(max_examples=30)
@given(
    diet=st.sampled_from(["", *DIETS]),
    allergies=st.lists(st.sampled_from([*ALLERGENS, *WORDS]), max_size=3),
    avoids=st.lists(st.sampled_from(WORDS), max_size=2),
    at=st.sets(st.integers(0, DISHES_AT_ONCE + 89)),
)
def test_it_is_what_permitted_says(diet: str, allergies: list[str], avoids: list[str], at: set[int]) -> None:
    restrictions, positions = read_restrictions(diet, allergies, avoids), np.array(sorted(at), np.int64)
    facts = [CATALOGUE.dishes[index].facts for index in positions]
    offered, left_out = permitted(facts, restrictions)
    may_offer, bodies = PERMISSIONS.split(positions, CATALOGUE, restrictions)
    assert [CATALOGUE.dishes[index].dish.dish_id for index in may_offer] == [dish.dish_id for dish in offered]
    reasons = {each.dish_id: len(each.reasons) for each in left_out}
    assert {body.dish_id: len(body.reasons) for body in bodies} == reasons
    assert not violations(offered, restrictions)


def test_a_new_catalogue_is_read_anew() -> None:
    permissions, milk = Permissions(), read_restrictions("", ["milk"], ["kiwi"])
    safe = Listed(Dish("x", "Rice", ingredients=("rice",)), None, 0.5)
    unsafe = Listed(Dish("x", "Rice", ingredients=("rice", "milk")), None, 0.5)
    for dishes, count in (([safe], 1), ([unsafe], 0), ([], 0), ([safe, unsafe], 1)):
        catalogue = listing_of(dishes)
        assert len(permissions.split(np.arange(len(dishes)), catalogue, milk)[0]) == count


def test_many_avoided_words_push_each_other_out_and_stay_right() -> None:
    permissions, catalogue = Permissions(), _catalogue(40)
    for number in [*range(MOST_WORDS + 5), 0]:
        restrictions = read_restrictions("", [], [f"word{number}", "rice"])
        facts = [listed.facts for listed in catalogue.dishes]
        may_offer, _ = permissions.split(np.arange(40), catalogue, restrictions)
        assert len(may_offer) == len(permitted(facts, restrictions)[0])


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_dish(count: int) -> None:
    restrictions = Restrictions(diets=("vegan",), allergies=("milk",))
    may_offer, left_out = Permissions().split(np.arange(count), _catalogue(count), restrictions)
    assert len(may_offer) + len(left_out) == count


def test_reasons_are_given_of_so_many_dishes_at_most() -> None:
    catalogue = _catalogue(MOST_LEFT_OUT + 700)
    at = np.arange(len(catalogue.dishes))
    may_offer, left_out = Permissions().split(at, catalogue, read_restrictions("vegan", ["milk"], []))
    assert len(left_out) == MOST_LEFT_OUT < len(at) - len(may_offer)


def test_an_answer_with_a_dish_that_must_not_be_offered_is_refused_whole() -> None:
    peas, cheese = (DishFacts(name, name, ingredients=(name,)) for name in ("peas", "cheese"))
    milk, both = Restrictions(allergies=("milk",)), Restrictions(diets=("vegan",), allergies=("milk",))
    assert [basis.source for basis in bases_of([peas], milk)[0]] == ["ingredients"]
    for restrictions in (milk, both, Restrictions(diets=("vegan",))):
        with pytest.raises(Unavailable, match="must not be offered, so nothing is"):
            bases_of([peas, cheese], restrictions)
