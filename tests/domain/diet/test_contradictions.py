"""What is no claim, and what no claim changes: options, parts, a `no`, a food that is itself denied."""

from __future__ import annotations

import random

import pytest

from components.domain.diet import DishFacts, permitted, read_restrictions
from components.domain.diet.dictionary import ALLERGENS, FOOD, MEMBERS, dictionary, lines
from components.domain.diet.forms import forms
from components.domain.diet.letters import fold
from components.domain.diet.trie import find
from tests.domain.diet.test_claims import offered
from tests.domain.diet.violations import violations
from tests.tables import whole_table

OPEN = [
    (
        "milk",
        "cheese (vegan if desired); fromage végan selon goût; Käse, vegan nach Belieben; butter vegan: no",
    ),
    (
        "milk",
        "cheese, vegan 0%; 50% vegan cheese; partly vegan cheese; cheese, vegan as required; "
        "cheese vegan: nein",
    ),
    ("eggs", "mayonnaise egg-free if needed; mayonnaise, eggless nach Bedarf; half vegan mayonnaise"),
    (
        "gluten",
        "bread gluten-free as required; half gluten-free bread; bread gluten-free: no; bread gluten-free - 0",
    ),
    (
        "gluten",
        "pane senza glutine a piacere; Brot, halb glutenfrei; bread (gluten-free? no)",
    ),
]


@whole_table("allergy text", [(one, text) for one, texts in OPEN for text in texts.split("; ")])
def test_an_option_a_part_or_a_no_is_no_claim(allergy: str, text: str) -> None:
    assert not offered(text, allergy)


CONTRADICTIONS = [
    (
        "peanuts",
        "peanut butter, nut free; nut-free peanut butter; nussfreie Erdnussbutter; peanuts (peanut-free)",
    ),
    ("tree nuts", "almond nut-free; nut free almonds; walnuts without nuts"),
    ("crustaceans", "shellfish-free shrimp; prawns, vegan; Garnelen (vegetarisch)"),
    ("fish", "fish-free salmon; salmon, vegan; tuna without fish; fischfreier Lachs"),
    ("molluscs", "mussels without molluscs; squid, vegan"),
    ("soy", "soy-free tofu; tofu ohne Soja"),
    ("sesame", "sesame-free tahini; tahini without sesame"),
]


@whole_table("allergy text", [(one, text) for one, texts in CONTRADICTIONS for text in texts.split("; ")])
def test_a_claim_takes_nothing_from_a_food_that_is_what_it_denies(allergy: str, text: str) -> None:
    assert not offered(text, allergy)


DENIALS = (
    "nut-free",
    "without fish",
    "nussfrei",
    "soy free",
    "shellfish-free",
    "sin sésamo",
    "ohne Weichtiere",
)


@pytest.mark.parametrize(
    "pattern", ["{food}, {denial}", "{food} ({denial})", "{denial} {food}", "{food}, vegan"]
)
def test_no_denial_takes_a_group_from_a_random_member_of_it(pattern: str) -> None:
    draw = random.Random(pattern)
    members = {*ALLERGENS} & MEMBERS
    foods = [
        (form, term.contains & members) for form, term in dictionary().terms.items() if term.role == FOOD
    ]
    foods = [(form, groups) for form, groups in foods if groups]
    for _ in range(300):
        food, groups = draw.choice(foods)
        text = pattern.format(food=food, denial=draw.choice(DENIALS))
        if dictionary().terms[food] not in find(fold(text)):
            continue
        dish = DishFacts("d", "Dish", ingredients=(text,))
        person = read_restrictions("", [draw.choice(sorted(groups))], [])
        assert permitted([dish], person)[0] == (), text
        assert violations([dish], person) != (), text


@whole_table("text", ["lentils with bacon, vegetarian", "chicken, vegetarian", "chicken (vegan)"])
@whole_table("diet", ["vegetarian", "vegan", "halal", "kosher"])
def test_meat_with_a_claim_behind_it_stays_meat(text: str, diet: str) -> None:
    assert not offered(text, diet=diet)


@whole_table("diet text", [
    ("vegetarian", "vegetarian sausage"), ("vegetarian", "vegan chicken"), ("vegan", "vegan mayo"),
    ("vegan", "butter, vegan"), ("halal", "chicken, halal"), ("lactose-free", "lactose-free milk"),
    ("halal", "alcohol-free beer 0.0%"), ("vegan", "100% vegan butter"),
])  # fmt: skip
def test_what_a_claim_makes_of_a_food_stays_offered(diet: str, text: str) -> None:
    dish, person = DishFacts("d", "Dish", ingredients=(text,)), read_restrictions(diet, [], [])
    assert permitted([dish], person)[0] == (dish,)
    assert violations([dish], person) == ()


@whole_table("allergy", ["eggs", "milk", "fish"])
def test_a_word_that_one_language_claims_and_another_does_not_claims_nothing(allergy: str) -> None:
    dish, person = (
        DishFacts("d", "Dish", ingredients=("sándwich vegetal",)),
        read_restrictions("", [allergy], []),
    )
    assert permitted([dish], person)[0] == ()
    assert violations([dish], person) != ()
    roles: dict[str, set[str]] = {}
    for term, language, role, _, _ in lines("grammar"):
        for form in forms(term, language):
            roles.setdefault(form, set()).add(role)
    both = [
        form
        for form, named in roles.items()
        if {"claim", "adjective"} & named and {"filler", "break", "or"} & named
    ]
    assert both
    for form in both:
        assert not dictionary().terms[form].rules_out, form


DENIED = (
    "vegan: no; no: vegan; vegan - no; vegan 0; half vegan; 50% vegan; vegan nein; 1/2 vegan; ½ vegan; "
    "vegan or not; partly vegan; vegan 3/5; vegan option; vegan / vegetarian; no vegan; "
    "vegan if desired; almost vegan; vegan dish no; vegan except sauce; vegan (0%); may be vegan"
)


@whole_table("tag", DENIED.split("; "))
def test_a_tag_that_denies_or_halves_a_diet_settles_nothing(tag: str) -> None:
    for diet in ("vegan", "halal", "vegetarian"):
        dish = DishFacts("d", "Kuchen", tags=(tag.replace("vegan", diet),))
        person = read_restrictions(diet, [], [])
        assert permitted([dish], person)[0] == ()
        assert violations([dish], person) != ()


@whole_table("tag", ["vegan", "100% vegan", "Vegan, halal", "gluten-free and vegan", "vegan, ohne Nüsse"])
def test_a_tag_of_claims_alone_settles_what_words_leave_open(tag: str) -> None:
    dish, person = DishFacts("d", "Kuchen", tags=(tag,)), read_restrictions("vegan", [], [])
    assert permitted([dish], person)[0] == (dish,)
    assert violations([dish], person) == ()
