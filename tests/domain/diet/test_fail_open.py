"""What proves no freedom: a list that goes on, a declaration that declares nothing, a label that denies."""

from __future__ import annotations

from dataclasses import replace

from components.domain.diet import DishFacts, Restrictions, read_restrictions
from components.domain.diet.declared import letters_in
from components.domain.diet.dictionary import ALLERGENS
from tests.domain.diet.both_ways import is_offered
from tests.domain.diet.fail_open import (
    DECLARED_NOTHING,
    DENIED,
    LETTERS,
    NO_LETTERS,
    NOT_DENIED,
    OPEN_LISTS,
    WHOLE_LISTS,
)

PLAIN = DishFacts("d", "Dish", ingredients=("carrots", "rice"))


def texts(table: str) -> list[str]:
    return [text.strip() for text in table.replace("\n", "|").split("|") if text.strip()]


def groups_offered(dish: DishFacts) -> list[str]:
    return [group for group in ALLERGENS if is_offered(dish, Restrictions(allergies=(group,)))]


def test_a_list_that_goes_on_proves_no_freedom() -> None:
    dishes = [replace(PLAIN, ingredients=("rice", text)) for text in texts(OPEN_LISTS)]
    assert [dish.ingredients[1] for dish in dishes if groups_offered(dish)] == []


def test_a_list_that_is_whole_proves_it() -> None:
    dishes = [replace(PLAIN, ingredients=("rice", text)) for text in texts(WHOLE_LISTS)]
    assert [dish.ingredients[1] for dish in dishes if len(groups_offered(dish)) < len(ALLERGENS)] == []


def test_a_declaration_that_declares_nothing_whole_proves_nothing() -> None:
    dishes = [DishFacts("d", "Dish", allergens=(text,)) for text in texts(DECLARED_NOTHING)]
    assert [dish.allergens for dish in dishes if groups_offered(dish)] == []


def test_a_declaration_that_the_dish_refutes_proves_nothing() -> None:
    cod = DishFacts("d", "Cod", "with brown butter", allergens=("fish",))
    assert groups_offered(cod) == []
    assert groups_offered(replace(cod, allergens=("fish, milk",))) == [
        group for group in ALLERGENS if group not in ("fish", "milk")
    ]
    assert groups_offered(replace(cod, allergens=("none",))) == []


def test_a_label_that_denies_beats_a_tag_and_a_list() -> None:
    offered, withheld = [], []
    for diet, table in DENIED.items():
        person = read_restrictions(diet, [], [])
        for text in texts(table):
            for dish in (replace(PLAIN, description=text), replace(PLAIN, tags=(text,))):
                offered += [(diet, dish)] if is_offered(dish, person) else []
                tagged = replace(dish, tags=(*dish.tags, diet))
                offered += [(diet, tagged)] if is_offered(tagged, person) else []
    for diet, table in NOT_DENIED.items():
        person = read_restrictions(diet, [], [])
        dishes = [replace(PLAIN, description=text, ingredients=("rice", "mint")) for text in texts(table)]
        withheld += [(diet, dish) for dish in dishes if not is_offered(dish, person)]
    assert (offered, withheld) == ([], [])


AVOIDED = {
    "seafood": "prawns; mussels; salmon; Garnelen",
    "Meeresfrüchte": "prawns; calamari",
    "beef": "steak; veal; Rind; pastrami; Rindfleisch; minced beef",
    "red meat": "beef; lamb; steak; Rind",
    "game": "venison; Hirsch",
    "offal": "liver; Leber; kidneys",
    "Innereien": "liver; kidneys",
}


def test_an_avoided_word_for_many_foods_keeps_all_of_them_out() -> None:
    offered = [
        (avoided, food)
        for avoided, foods in AVOIDED.items()
        for food in foods.split("; ")
        if is_offered(replace(PLAIN, ingredients=("rice", food)), read_restrictions("", [], [avoided]))
    ]
    assert offered == []
    assert is_offered(PLAIN, read_restrictions("", [], list(AVOIDED)))


def test_a_diet_among_the_allergies_is_a_diet() -> None:
    for written in ("vegan", "Vegan", "vegetarian", "vegetarisch"):
        person = read_restrictions("", [written], [])
        assert not is_offered(replace(PLAIN, ingredients=("rice", "beef")), person)
        assert is_offered(PLAIN, person)
    both = read_restrictions("halal", ["vegan"], [])
    assert is_offered(PLAIN, both)
    assert not is_offered(replace(PLAIN, ingredients=("rice", "milk")), both)
    assert not is_offered(replace(PLAIN, ingredients=("rice", "wine")), both)


def test_a_word_that_was_read_as_its_harmless_half_is_what_it_is() -> None:
    missed = (
        "fish: meagre, gallo, filet de maigre, maigre, lingue; gluten: popcorn chicken, Mini Cheddars, "
        "Knoblauchstange, Spinatschnecke, Eiweißbrot, scialatielli, English mustard; milk: Bananensplit, "
        "Mohrenkopf, Mini Cheddars, Bananenbecher, Himbeerbecher; eggs: Mohrenkopf, scialatielli, "
        "Marie Rose, wonton wrappers; sulphites: Dijon, romesco, apricot glaze; molluscs: black pasta, "
        "schwarze Nudeln, pasta nera; celery: herb salt"
    )
    for group, _, foods in (row.partition(": ") for row in missed.split("; ")):
        dishes = [replace(PLAIN, ingredients=("rice", food)) for food in foods.split(", ")]
        assert not any(group in groups_offered(dish) for dish in dishes), group


def test_a_compound_that_ends_with_a_cut_stays_its_food() -> None:
    for food in ("Selleriewürfel", "Tomatenstücke", "Apfelscheiben", "Basilikumblätter", "Trockenpflaumen"):
        groups = {*groups_offered(replace(PLAIN, ingredients=("rice", food)))}
        assert groups >= {*ALLERGENS} - {"celery", "sulphites"}, food
    assert "celery" not in groups_offered(replace(PLAIN, ingredients=("Selleriewürfel",)))


def test_letters_speak_against_a_dish_and_free_nothing_where_nobody_knows_their_scheme() -> None:
    for text, groups in LETTERS.items():
        for field in ({"description": text}, {"tags": (text,)}, {"name": text}):
            dish = replace(PLAIN, **field)
            assert groups_offered(dish) == [], dish
            left_out = set(ALLERGENS) - {*groups_offered(replace(dish, letters="austria"))}
            assert left_out == set(groups.split()), dish
    for declared in ("D,N", "G", "e", "A, C und G", "Weizenmehl (A), Vollmilch (G)", "milk, x", "none, A"):
        dish = DishFacts("d", "Dish", allergens=(declared,))
        assert groups_offered(dish) == groups_offered(replace(dish, ingredients=("rice",))) == [], declared
    assert [text for text in texts(NO_LETTERS) if letters_in(text, "") or letters_in(text, "austria")] == []
