"""What people write of their allergies, avoided ingredients and diets."""

from __future__ import annotations

import pytest

from components.domain.diet import DishFacts, UnknownDiet, permitted, read_restrictions
from components.domain.diet.letters import fold
from components.domain.errors import PalateError
from tests.domain.diet.both_ways import offered
from tests.domain.diet.violations import violations
from tests.tables import whole_table


@whole_table("written groups", [
    ("milk", "milk"), ("walnut", "tree_nuts"), ("Walnüsse", "tree_nuts"), ("nuts", "peanuts tree_nuts"),
    ("dairy", "milk"), ("lactose", "milk"), ("wheat", "gluten"), ("shellfish", "crustaceans molluscs"),
    ("Sellerie", "celery"), ("noix", "tree_nuts"), ("uova", "eggs"), ("cacahuetes", "peanuts"),
    ("tree_nuts", "tree_nuts"), ("tree nuts", "tree_nuts"), ("SO2", "sulphites"), ("молоко", "milk"),
    ("牛奶", "milk"), ("severe peanut allergy", "peanuts"), ("allergic to eggs and fish", "eggs fish"),
    ("prawns", "crustaceans"), ("gluten-free", "gluten"), ("glutenfrei", "gluten"), ("laktosefrei", "milk"),
    ("Pähkinät", "tree_nuts"), ("ovos", "eggs gluten"), ("seafood", "crustaceans fish molluscs"),
    ("Meeresfrüchte", "crustaceans fish molluscs"), ("mariscos", "crustaceans molluscs"),
    ("coeliac wheat", "gluten"), ("crustacés", "crustaceans"), ("no nuts", "peanuts tree_nuts"),
    ("molluschi", "molluscs"), ("frutos secos", "peanuts tree_nuts"),
])  # fmt: skip
def test_an_allergy_is_read_as_its_groups(written: str, groups: str) -> None:
    assert " ".join(read_restrictions("", [written], []).allergies) == groups


@whole_table("written", ["", " ", "none", "keine"])
def test_no_allergy_is_none(written: str) -> None:
    assert read_restrictions("", [written], []) == read_restrictions("", [], [])


@whole_table("written", [
    "\u00a0", "\u3000", "\u200b", "-", "/", "[]", "{}", "( )", "-/-", "\u2014", "''", "?", "_",
    "***", "!!!", "…",
])  # fmt: skip
def test_an_allergy_that_names_nothing_keeps_every_dish_out(written: str) -> None:
    peas = [DishFacts("d", "Peas", ingredients=("peas",), allergens=("none",))]
    for allergies in ([written], ["milk", written]):
        restrictions = read_restrictions("", allergies, [])
        offered, (left_out,) = permitted(peas, restrictions)
        assert (offered, violations(peas, restrictions) != ()) == ((), True)
        assert "is not known" in left_out.sentence


def test_an_allergy_that_is_no_group_fails_closed() -> None:
    assert offered("Salad", "lettuce; apple", allergies="kiwi")
    assert not offered("Salad", "lettuce; kiwis", allergies="kiwi")
    assert not offered("Salad", "lettuce; zorgblat", allergies="kiwi")
    assert not offered("Salad", "lettuce; salad dressing", allergies="kiwi")
    assert not offered("Salad", "", allergies="kiwi")
    assert not offered("Curry", "Kokosmilch; rice", allergies="coconut")
    assert not offered("Salad", "lettuce", allergies="キウイ果実")


@whole_table("word", ["glutten", "penuts", "hasselpähkinä", "zorgblat", "nuts zorgblat"])
def test_an_allergy_in_words_that_nobody_knows_keeps_every_dish_out(word: str) -> None:
    assert not offered("Salad", "lettuce; apple", allergies=word)
    (reason,) = permitted(
        [DishFacts("d", "Peas", ingredients=("peas",), allergens=("none",))],
        read_restrictions("", [word], []),
    )[1][0].reasons
    assert fold(word).split()[-1] in reason.sentence


@whole_table("avoided text expected", [
    ("ginger", "ginger", False), ("ginger", "gingerbread", False), ("ginger", "fresh gingers", False),
    ("Ingwer", "Ingwertee", False), ("ginger", "Ingwer", False), ("ham", "hamburger", True),
    ("ham", "champagne", True), ("ham", "ham", False), ("apple", "pineapple", True),
    ("grape", "grapefruit", True), ("rice", "licorice root", True), ("mint", "peppermint", False),
    ("corn", "peppercorn", True), ("egg", "eggplant", True), ("tomato", "tomatoes", False),
    ("tomato", "Tomatensaft", False), ("berry", "berries", False), ("olive", "olives", False),
    ("palm oil", "palm oil", False), ("palm oil", "olive oil", True), ("Zwiebel", "Zwiebeln", False),
    ("onion", "onions", False), ("pork", "bacon", False), ("alcohol", "white wine", False),
])  # fmt: skip
def test_an_avoided_ingredient_is_found_as_a_word(avoided: str, text: str, *, expected: bool) -> None:
    assert offered("Dish", f"{text}; water", avoids=avoided) == expected


def test_an_avoided_ingredient_is_left_out_where_nothing_is_listed() -> None:
    assert not offered("Tomato salad", "", avoids="ginger")
    assert not offered("Gingerbread man", "flour; sugar", avoids="ginger")
    assert offered("Salad", "tomato; zorgblat", avoids="ginger")


@whole_table("diet ingredients tags expected", [
    ("vegetarian", "rice; mozzarella; tomato", "", True), ("vegetarian", "rice; parmesan", "", False),
    ("vegetarian", "rice; bacon", "", False), ("vegetarian", "kidney beans; rice", "", True),
    ("vegetarian", "strawberry jelly", "", False), ("vegetarian", "zorgblat", "vegetarian", True),
    ("vegetarian", "chicken", "vegetarian", False), ("vegetarian", "vegetarian sausage", "", True),
    ("vegetarian", "zorgblat", "", False), ("vegan", "rice; tofu", "", True),
    ("vegan", "rice; honey", "", False), ("vegan", "rice; butter", "vegan", False),
    ("vegan", "coconut milk", "", True), ("vegan", "zorgblat", "vegetarian", False),
    ("vegan", "E120; sugar", "", False), ("pescatarian", "salmon; rice", "", True),
    ("pescatarian", "chicken; rice", "", False), ("halal", "rice; chicken", "", False),
    ("halal", "halal chicken; rice", "", True), ("halal", "chicken; rice", "halal", True),
    ("halal", "pork; rice", "halal", False), ("halal", "chicken; wine", "halal", False),
    ("halal", "chicken; rice", "halal;not halal", False),
    ("halal", "chicken; rice", "halal;halal: no", False),
    ("halal", "chicken; rice; may contain beef", "halal", False), ("kosher", "beef; rice", "kosher", True),
    ("kosher", "beef; cream", "kosher", False), ("kosher", "rabbit; rice", "kosher", False),
    ("halal", "rice; parmesan", "", True), ("halal; no animal rennet", "rice; parmesan", "", False),
    ("animal-rennet-free", "rice; butter; leek", "", True),
    ("animal-rennet-free", "rice; mozzarella", "", False),
    ("animal-rennet-free", "rice; Weichkäse", "", False),
    ("animal-rennet-free", "rice; blue cheese sauce", "", False),
    ("animal-rennet-free", "rice; cheese board", "vegetarian", False),
    ("halal", "rice; white wine", "", False), ("halal", "gelatine; sugar", "", False),
    ("kosher-style", "beef; rice", "", True), ("kosher-style", "beef; butter", "", False),
    ("kosher-style", "prawns", "", False), ("kosher", "beef; rice", "", False),
    ("kosher-style", "monkfish", "", False), ("kosher-style", "salmon; cream", "", True),
    ("gluten-free", "gluten-free oats", "", True), ("gluten-free", "zorgblat", "gluten-free", False),
    ("gluten-free", "pasta", "", False), ("lactose-free", "lactose-free milk", "", True),
    ("lactose-free", "milk", "", False), ("none", "zorgblat", "", True), ("Omnivore", "x", "", True),
])  # fmt: skip
def test_diets(diet: str, ingredients: str, tags: str, *, expected: bool) -> None:
    assert offered("Dish", ingredients, diet=diet, tags=tags) == expected


def test_an_unknown_diet_is_one_clear_sentence() -> None:
    with pytest.raises(
        UnknownDiet, match=r"^The diet 'breatharian' is not known: write one of vegetarian, .*, or nothing\.$"
    ):
        read_restrictions("breatharian", [], [])
    assert issubclass(UnknownDiet, PalateError)


def test_several_diets_hold_together() -> None:
    cases = [
        ("vegetarian;gluten-free", "rice; butter", True),
        ("vegetarian; gluten-free", "pasta", False),
        ("gluten-free,Vegetarisch", "rice; chicken", False),
        ("vegetarian;vegetarian;none;", "pasta", True),
        ("halal;lactose-free", "milk", False),
    ]
    assert [case for case in cases if offered("Dish", case[1], diet=case[0]) != case[2]] == []
    assert read_restrictions("vegan; gluten-free ;vegan", ["halal"], []).diets == (
        "gluten-free",
        "halal",
        "vegan",
    )
    for written in ("vegan;breatharian", "vegan, breatharian", "vegan gluten-free", "breatharian;none"):
        with pytest.raises(UnknownDiet, match="several with ; between them"):
            read_restrictions(written, [], [])


@whole_table("written", [
    "coriander please", "fresh coriander", "I don't like coriander", "no coriander, thanks",
    "Ich mag keinen Koriander", "je n'aime pas la coriandre", "non mi piace il coriandolo",
    "no me gusta el cilantro", "zorgblat with coriander",
])  # fmt: skip
def test_a_food_in_a_sentence_is_avoided_in_all_of_its_names(written: str) -> None:
    for food in ("coriander", "cilantro", "Koriander", "coriandre"):
        assert not offered("Dish", f"rice; {food}", avoids=written)
    assert offered("Dish", "rice; parsley", avoids=written)


def test_a_word_of_a_sentence_that_nobody_knows_is_avoided_and_the_others_not() -> None:
    assert not offered("Dish", "rice; zorgblat", avoids="sauce zorgblat")
    assert offered("Dish", "rice; tomato sauce", avoids="sauce zorgblat")
