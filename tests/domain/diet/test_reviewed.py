"""What reviewers got past the rules once: words that say the opposite, and people who name one food."""

from __future__ import annotations

from collections.abc import Sequence

from components.domain.diet import DishFacts, read_restrictions
from tests.domain.diet.both_ways import is_offered
from tests.tables import whole_table


def _is_offered(
    ingredients: Sequence[str] = (),
    allergies: Sequence[str] = (),
    name: str = "dish",
    description: str = "",
    tags: Sequence[str] = (),
    declared: tuple[str, ...] | None = None,
    diet: str = "",
    avoids: Sequence[str] = (),
) -> bool:
    dish = DishFacts("1", name, description, tuple(tags), tuple(ingredients), declared)
    return is_offered(dish, read_restrictions(diet, allergies, avoids))


@whole_table("words", [
    "tomato with or without mozzarella", "Tomaten mit oder ohne Mozzarella", "tomato with/without cheese",
    "no meal without cheese", "keine Pizza ohne Käse", "lettuce, not without cheese",
])  # fmt: skip
def test_what_can_be_had_both_ways_or_is_denied_twice_is_no_claim(words: str) -> None:
    assert not _is_offered(["salt", words], ["milk"])


@whole_table("words", ["tomato without cheese", "lettuce, no milk, no eggs", "Salat ohne Milch"])
def test_a_plain_claim_counts(words: str) -> None:
    assert _is_offered(["salt", words], ["milk"])


@whole_table("food allergy", [
    ("gluten-free seitan", "gluten"), ("glutenfreies Gerstenmalz", "gluten"), ("vegan whey protein", "milk"),
    ("non-dairy sodium caseinate", "milk"), ("dairy-free casein", "milk"),
    ("celery-free celery salt", "celery"), ("lupin-free lupin flour", "lupin"),
    ("sulphite-free wine", "sulphites"),
])  # fmt: skip
def test_no_claim_takes_back_what_a_food_is_made_of(food: str, allergy: str) -> None:
    assert not _is_offered([food], [allergy])


@whole_table("food", ["gluten-free oats", "gluten-free bread", "glutenfreie Nudeln"])
def test_what_is_made_without_a_group_may_say_so(food: str) -> None:
    assert _is_offered([food], ["gluten"])


@whole_table("allergy name", [
    ("seafood", "Seafood salad"), ("Meeresfrüchte", "Spaghetti mit Meeresfrüchten"),
    ("amaretto", "Amaretto cake"),
])  # fmt: skip
def test_a_dish_that_bears_the_name_of_an_allergy_is_out_whatever_is_declared(
    allergy: str, name: str
) -> None:
    assert not _is_offered(name=name, allergies=[allergy], declared=("celery",))
    assert _is_offered(name="Soup", allergies=[allergy], declared=("celery",))


@whole_table("allergy", ["Pine Nuts", "chocolate", "oats", "Meeresfrüchte"])
def test_a_food_is_looked_for_once_beside_its_groups(allergy: str) -> None:
    restrictions = read_restrictions("", [allergy], [])
    assert restrictions.allergies
    assert len(restrictions.avoids) == 1


@whole_table("allergy", ["pine nuts", "Pinienkerne", "pinoli"])
def test_pine_nuts_are_in_no_declaration_so_ingredients_must_tell(allergy: str) -> None:
    assert not _is_offered(name="Pine nut tart", allergies=[allergy], declared=("eggs",))
    assert not _is_offered(name="Soup", allergies=[allergy], declared=("eggs",))
    assert not _is_offered(["pesto", "salt"], [allergy])
    assert _is_offered(["rice", "salt"], [allergy])


@whole_table("allergy food", [
    ("oats", "gluten-free oats"), ("Hafer", "glutenfreie Haferflocken"),
    ("wheat", "gluten-free wheat starch"),
])  # fmt: skip
def test_a_claim_about_a_group_is_none_about_the_food_that_a_person_names(allergy: str, food: str) -> None:
    assert _is_offered([food], ["gluten"])
    assert not _is_offered([food], [allergy])
    assert _is_offered(["rice", "buckwheat"], [allergy])


@whole_table("food", ["sausage", "Bratwurst", "kebab", "pizza", "ravioli", "haggis"])
def test_who_is_allergic_to_garlic_gets_no_dish_of_many_recipes(food: str) -> None:
    assert not _is_offered([food, "salt"], ["garlic"])
    assert _is_offered(["pork", "salt"], ["garlic"])


@whole_table("declared", ["A, G, ...", "milk…", "milk...", "milk, &c.", "A,G +"])
def test_a_declaration_that_trails_off_is_not_whole(declared: str) -> None:
    assert not _is_offered(name="Dal", allergies=["fish"], declared=(declared,))


@whole_table("diet tags description", [
    ("vegan", ["vegan", "not vegan"], ""), ("vegan", ["vegan", "on request"], ""),
    ("vegan", ["vegan"], "can be made vegan"), ("halal", ["halal"], "not halal"),
])  # fmt: skip
def test_a_tag_that_the_dish_itself_doubts_settles_nothing(
    diet: str, tags: list[str], description: str
) -> None:
    assert not _is_offered(name="Soup", diet=diet, tags=tags, description=description)
    assert _is_offered(name="Soup", diet=diet, tags=[diet], description="not too hot")


@whole_table("avoided food", [
    ("garlic, onion", "garlic"), ("garlic, onion", "onion"), ("pork and beef", "beef"),
    ("Schwein/Rind", "Rind"), ("no pork", "pork"), ("ohne Knoblauch", "Knoblauch"),
    ("garlic (raw)", "garlic"),
])  # fmt: skip
def test_several_avoided_ingredients_in_one_text_are_several(avoided: str, food: str) -> None:
    assert not _is_offered([food], avoids=[avoided])
    assert _is_offered(["carrot"], avoids=[avoided])
