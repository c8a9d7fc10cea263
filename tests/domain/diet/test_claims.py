"""What a claim rules out: for one food, never for another, for traces, or for what it denies itself."""

from __future__ import annotations

import random

import pytest

from components.domain.diet import DishFacts, read_restrictions
from components.domain.diet.dictionary import ALLERGENS, FOOD, MEMBERS, dictionary, lines
from components.domain.diet.forms import forms
from components.domain.diet.letters import fold
from components.domain.diet.trie import find
from tests.domain.diet.both_ways import is_offered, offered, parted
from tests.tables import whole_table

CLAIMS = parted("vegan; gluten-free; dairy free; without milk; eggless; halal; kosher; sans gluten; veggie")
DENIALS = parted("nut-free; without fish; nussfrei; soy free; shellfish-free; sin sésamo; ohne Weichtiere")


def anywhere(text: str, diet: str = "", allergy: str = "") -> bool:
    """Says whether a text is offered as an ingredient, or as a name or a description beside what is safe."""
    dishes = [
        DishFacts("ingredient", "Dish", ingredients=(text,)),
        DishFacts("name", text, ingredients=("rice",)),
        DishFacts("description", "Dish", text, ingredients=("rice",)),
        DishFacts("declared", text, allergens=("none",)),
    ]
    person = read_restrictions(diet, [allergy], [])
    return any(is_offered(dish, person) for dish in dishes)


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
TRACES = [
    ("milk", "vegan chocolate may contain milk; vegan sorbet may contain traces of milk"),
    (
        "milk",
        "may contain milk, vegan; dairy free margarine may contain milk; Rice. Vegan. May contain milk.",
    ),
    ("milk", "sorbet végétal peut contenir des traces de lait; Vegan may contain traces of milk"),
    ("milk", "Vegane Margarine kann Spuren von Milch enthalten"),
]
OPTIONS_PARTS_AND_NOES = [
    (
        "milk",
        "cheese (vegan if desired); fromage végan selon goût; Käse, vegan nach Belieben; butter vegan: no",
    ),
    ("milk", "cheese, vegan 0%; 50% vegan cheese; partly vegan cheese; cheese, vegan as required"),
    ("milk", "cheese vegan: nein"),
    ("eggs", "mayonnaise egg-free if needed; mayonnaise, eggless nach Bedarf; half vegan mayonnaise"),
    ("gluten", "bread gluten-free as required; half gluten-free bread; bread gluten-free: no"),
    ("gluten", "bread gluten-free - 0; pane senza glutine a piacere; Brot, halb glutenfrei"),
    ("gluten", "bread (gluten-free? no)"),
]
CONTRADICTIONS = [
    ("peanuts", "peanut butter, nut free; nut-free peanut butter; nussfreie Erdnussbutter"),
    ("peanuts", "peanuts (peanut-free)"),
    ("tree nuts", "almond nut-free; nut free almonds; walnuts without nuts"),
    ("crustaceans", "shellfish-free shrimp; prawns, vegan; Garnelen (vegetarisch)"),
    ("fish", "fish-free salmon; salmon, vegan; tuna without fish; fischfreier Lachs"),
    ("molluscs", "mussels without molluscs; squid, vegan"),
    ("soy", "soy-free tofu; tofu ohne Soja"),
    ("sesame", "sesame-free tahini; tahini without sesame"),
]
NOTHING_TAKEN_BACK = [*OTHER_FOODS, *TRACES, *OPTIONS_PARTS_AND_NOES, *CONTRADICTIONS]


@whole_table("allergy text", [(one, text) for one, texts in NOTHING_TAKEN_BACK for text in parted(texts)])
def test_a_claim_takes_nothing_back_of_another_food_of_traces_as_an_option_or_of_what_it_denies(
    allergy: str, text: str
) -> None:
    assert not anywhere(text, allergy=allergy)


MEAT = {
    "vegetarian; vegan": "Beef burger vegan bun; Chicken wrap vegan mayo; Pizza Salami veganer Käse; "
    "Turkey, veggie, cheese; Beef stew, veggie; halal beef; halal lamb; Halal Rindfleisch; agneau halal; "
    "kosher beef; Beef / vegan; Halal lamb curry; beef without pork; faux-filet; Steak faux-filet; "
    "Faux-filet, frites, salade; mock turtle soup; Schwarzgeräuchertes vom Rind",
    "vegetarian; vegan; halal; kosher": "chicken, vegetarian; chicken (vegan); "
    "lentils with bacon, vegetarian",
}


@whole_table("diets text", [(diets, text) for diets, texts in MEAT.items() for text in parted(texts)])
def test_meat_stays_meat(diets: str, text: str) -> None:
    assert [diet for diet in parted(diets) if anywhere(text, diet)] == []


@whole_table("diet ingredients", [
    ("halal", "halal pork"), ("halal", "halal beer"), ("kosher", "kosher pork"), ("kosher", "kosher shrimp"),
    ("vegetarian", "halal gelatine"), ("vegetarian", "Schwarzgeräuchertes"), ("vegan", "Frischgebackenes"),
    ("kosher", "kosher beef; cheddar"),
])  # fmt: skip
def test_a_claim_makes_nothing_of_what_it_cannot_be(diet: str, ingredients: str) -> None:
    assert not offered("Dish", ingredients, diet)


OF_THEIR_FOOD = [
    ("", "gluten", "gluten-free pasta; bread (gluten-free); bread, gluten-free; bread (vegan, gluten-free)"),
    ("", "gluten", "pasta senza glutine; glutenfreies Brot"),
    ("", "milk", "vegan butter; dairy-free custard; butter, vegan; veganer Käse"),
    ("", "milk", "dairy-free ice cream with sugar"),
    ("", "eggs", "egg-free noodles; eggless mayonnaise; noodles without eggs"),
    ("", "crustaceans", "vegan prawns; veggie prawns"),
    ("vegetarian", "", "vegetarian sausage; vegan chicken"),
    ("vegan", "", "vegan mayo; butter, vegan; 100% vegan butter"),
    ("halal", "", "chicken, halal; alcohol-free beer 0.0%"),
    ("lactose-free", "", "lactose-free milk"),
]


@whole_table("diet allergy text", [(*of, text) for *of, texts in OF_THEIR_FOOD for text in parted(texts)])
def test_a_claim_counts_for_its_own_food(diet: str, allergy: str, text: str) -> None:
    assert offered("Dish", text, diet, allergy)


@pytest.mark.parametrize("pattern", [
    "{food} {claim} {other}", "{claim} {other} {food}", "{food}, {claim} {other}", "{food} or {claim}",
    "{food}, {claim}, {other}", "{claim} {other} may contain {food}",
    "{food}, {denial}", "{food} ({denial})", "{denial} {food}", "{food}, vegan",
])  # fmt: skip
def test_a_claim_on_one_random_food_takes_nothing_of_another_and_a_denial_no_group_from_a_member(
    pattern: str,
) -> None:
    draw, terms, tried = random.Random(pattern), dictionary().terms, 0
    groups = {*ALLERGENS} if "other" in pattern or "claim" in pattern else {*ALLERGENS} & MEMBERS
    foods = [form for form, term in terms.items() if term.role == FOOD and term.contains & groups]
    for _ in range(300):
        food, other = draw.choice(foods), draw.choice(foods)
        text = pattern.format(food=food, other=other, claim=draw.choice(CLAIMS), denial=draw.choice(DENIALS))
        if terms[food] in find(fold(text)):  # if not, two of them are one term together
            tried += 1
            assert not offered("Dish", text, allergies=draw.choice(sorted(terms[food].contains & groups))), (
                text
            )
    assert tried > 200


def test_a_word_that_one_language_claims_and_another_does_not_claims_nothing() -> None:
    assert not any(offered("Dish", "sándwich vegetal", allergies=group) for group in ("eggs", "milk", "fish"))
    roles: dict[str, set[str]] = {}
    for term, language, role, _, _ in lines("grammar"):
        for form in forms(term, language):
            roles.setdefault(form, set()).add(role)
    claims, others = {"claim", "adjective"}, {"filler", "break", "or"}
    both = [form for form, named in roles.items() if claims & named and others & named]
    assert both
    assert [form for form in both if dictionary().terms[form].rules_out] == []


DENIED = (
    "vegan: no; no: vegan; vegan - no; vegan 0; half vegan; 50% vegan; vegan nein; 1/2 vegan; ½ vegan; "
    "vegan or not; partly vegan; vegan 3/5; vegan option; vegan / vegetarian; no vegan; "
    "vegan if desired; almost vegan; vegan dish no; vegan except sauce; vegan (0%); may be vegan"
)


@whole_table("tag", parted(DENIED))
def test_a_tag_that_denies_or_halves_a_diet_settles_nothing(tag: str) -> None:
    for diet in ("vegan", "halal", "vegetarian"):
        assert not offered("Kuchen", "", diet, tags=tag.replace("vegan", diet))


@whole_table("tag", ["vegan", "100% vegan", "Vegan, halal", "gluten-free and vegan", "vegan, ohne Nüsse"])
def test_a_tag_of_claims_alone_settles_what_words_leave_open(tag: str) -> None:
    assert offered("Kuchen", "", "vegan", tags=tag)
