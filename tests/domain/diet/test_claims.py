"""What a claim rules out: for one food, never for another one, and never what may be in it."""

from __future__ import annotations

import random

import pytest

from components.domain.diet import DishFacts, permitted, read_restrictions
from components.domain.diet.dictionary import ALLERGENS, FOOD, dictionary
from components.domain.diet.letters import fold
from components.domain.diet.trie import find
from tests.domain.diet.violations import violations
from tests.tables import whole_table

CLAIMS = (
    "vegan",
    "gluten-free",
    "dairy free",
    "without milk",
    "eggless",
    "halal",
    "kosher",
    "sans gluten",
    "veggie",
)


def offered(text: str, allergy: str = "", diet: str = "") -> bool:
    """Whether a text is offered as an ingredient, or as a name or a description beside what is safe."""
    dishes = [
        DishFacts("ingredient", "Dish", ingredients=(text,)),
        DishFacts("name", text, ingredients=("rice",)),
        DishFacts("description", "Dish", text, ingredients=("rice",)),
        DishFacts("declared", text, allergens=("none",)),
    ]
    person = read_restrictions(diet, [allergy], [])
    may_be_offered, left_out = permitted(dishes, person)
    assert [left.dish_id for left in left_out] == [left.dish_id for left in violations(dishes, person)]
    return bool(may_be_offered)


OTHER_FOODS = [
    ("fish", "Lachs vegane Mayo; Fish or vegan; Salmon, veggie, rice; Fish and vegan; Salmon / vegan"),
    ("fish", "Fish & vegan; Cod + vegan"),
    ("crustaceans", "Garnelen vegane Mayo; Kosher shrimp salad; shrimp (kosher); halal prawns"),
    ("eggs", "Egg sandwich vegan butter; Omelette vegan cheese; Egg, vegan, rice; Vegan rice omelette"),
    ("milk", "Cheese toast vegan ham; Käse oder vegan; Butter, vegan cheese; Käse glutenfreies Brot"),
    (
        "gluten",
        "Pasta glutenfreies Brot; Spaghetti or gluten-free; Bread. Gluten-free; Nudeln mit glutenfrei",
    ),
    ("peanuts", "Erdnuss Curry nussfrei; Peanuts, nut-free, rice"),
    ("molluscs", "kosher mussels; Mussels vegan butter"),
]


@whole_table("allergy text", [(one, text) for one, texts in OTHER_FOODS for text in texts.split("; ")])
def test_a_claim_takes_nothing_back_of_another_food(allergy: str, text: str) -> None:
    assert not offered(text, allergy)


MEAT = (
    "Beef burger vegan bun; Chicken wrap vegan mayo; Pizza Salami veganer Käse; Turkey, veggie, cheese; "
    "Beef stew, veggie; halal beef; halal lamb; Halal Rindfleisch; agneau halal; kosher beef; Beef / vegan; "
    "Halal lamb curry; beef without pork; faux-filet; Steak faux-filet; Faux-filet, frites, salade; "
    "mock turtle soup; Schwarzgeräuchertes vom Rind"
)


@whole_table("text", MEAT.split("; "))
def test_meat_stays_meat(text: str) -> None:
    assert not offered(text, diet="vegetarian")
    assert not offered(text, diet="vegan")


@whole_table("diet text", [
    ("halal", "halal pork"), ("halal", "halal beer"), ("kosher", "kosher pork"), ("kosher", "kosher shrimp"),
    ("vegetarian", "halal gelatine"), ("vegetarian", "Schwarzgeräuchertes"), ("vegan", "Frischgebackenes"),
])  # fmt: skip
def test_a_claim_makes_nothing_of_what_it_cannot_be(diet: str, text: str) -> None:
    person = read_restrictions(diet, [], [])
    dish = DishFacts("d", "Dish", ingredients=(text,))
    assert permitted([dish], person)[0] == ()
    assert violations([dish], person) != ()


def test_kosher_meat_with_cheese_is_not_kosher() -> None:
    person = read_restrictions("kosher", [], [])
    dish = DishFacts("d", "Dish", ingredients=("kosher beef", "cheddar"))
    assert permitted([dish], person)[0] == ()
    assert violations([dish], person) != ()


TRACES = (
    "vegan chocolate may contain milk; vegan sorbet may contain traces of milk; may contain milk, vegan; "
    "dairy free margarine may contain milk; sorbet végétal peut contenir des traces de lait; "
    "Vegane Margarine kann Spuren von Milch enthalten; Vegan may contain traces of milk; "
    "Rice. Vegan. May contain milk."
)


@whole_table("text", TRACES.split("; "))
def test_a_claim_takes_no_trace_back(text: str) -> None:
    assert not offered(text, "milk")


OF_THEIR_FOOD = [
    ("gluten", "gluten-free pasta; bread (gluten-free); bread, gluten-free; bread (vegan, gluten-free)"),
    ("gluten", "pasta senza glutine; glutenfreies Brot"),
    (
        "milk",
        "vegan butter; dairy-free custard; butter, vegan; veganer Käse; dairy-free ice cream with sugar",
    ),
    ("eggs", "egg-free noodles; eggless mayonnaise; noodles without eggs"),
    ("crustaceans", "vegan prawns; veggie prawns"),
]


@whole_table("allergy text", [(one, text) for one, texts in OF_THEIR_FOOD for text in texts.split("; ")])
def test_a_claim_counts_for_its_own_food(allergy: str, text: str) -> None:
    dish, person = DishFacts("d", "Dish", ingredients=(text,)), read_restrictions("", [allergy], [])
    assert permitted([dish], person)[0] == (dish,)
    assert violations([dish], person) == ()


PATTERNS = (
    "{food} {claim} {other}",
    "{claim} {other} {food}",
    "{food}, {claim} {other}",
    "{food} or {claim}",
    "{food}, {claim}, {other}",
    "{claim} {other} may contain {food}",
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_of_random_foods_a_claim_on_one_takes_nothing_back_of_the_other(pattern: str) -> None:
    draw = random.Random(pattern)
    terms = dictionary().terms
    foods = [
        form for form, mention in terms.items() if mention.role == FOOD and mention.contains & set(ALLERGENS)
    ]
    tried = 0
    for _ in range(300):
        food, other = draw.choice(foods), draw.choice(foods)
        text = pattern.format(food=food, other=other, claim=draw.choice(CLAIMS))
        if terms[food] not in find(fold(text)):  # two of them are one term together
            continue
        tried += 1
        group = draw.choice(sorted(terms[food].contains & set(ALLERGENS)))
        dish, person = DishFacts("d", "Dish", ingredients=(text,)), read_restrictions("", [group], [])
        assert permitted([dish], person)[0] == (), (text, group)
        assert violations([dish], person) != (), (text, group)
    assert tried > 200
