"""What a dish's fields prove together: declarations, ingredients, names, claims, traces."""

from __future__ import annotations

from components.domain.diet import DishFacts, Restrictions, permitted, read_restrictions
from components.domain.diet.permitted import evidence
from tests.domain.diet.both_ways import is_offered
from tests.tables import whole_table

MILK = Restrictions(allergies=("milk",))


def strength(dish: DishFacts, group: str = "milk") -> str:
    shown = evidence(dish)[group].strength.name
    assert is_offered(dish, Restrictions(allergies=(group,))) == (shown == "FREE")
    return shown


def dish(
    name: str = "Dish", *ingredients: str, declared: str | None = None, description: str = "", tags: str = ""
) -> DishFacts:
    allergens = None if declared is None else tuple(part for part in declared.split(";") if part)
    tagged = tuple(part for part in tags.split(";") if part)
    return DishFacts("d", name, description, tagged, ingredients, allergens, "austria")


@whole_table(
    "name", ["Tomato soup", "Water", "Vegan rice", "Milk-free rice", "Rice", "", "水", "Free from everything"]
)
def test_a_name_alone_proves_nothing(name: str) -> None:
    assert strength(dish(name)) in ("UNKNOWN", "CONTAINS")


@whole_table("declared expected", [
    ("none", "FREE"), ("gluten", "FREE"), ("gluten; eggs", "FREE"), ("milk", "CONTAINS"), ("G", "CONTAINS"),
    ("A;C", "FREE"), ("dairy", "CONTAINS"), ("Milch", "CONTAINS"), ("wheat (gluten)", "FREE"),
    ("may contain milk", "MAY_CONTAIN"), ("contains: eggs, soya", "FREE"), ("zorgblat", "UNKNOWN"),
    ("gluten; zorgblat", "UNKNOWN"), ("", "UNKNOWN"), ("17", "UNKNOWN"), ("gluten-free", "UNKNOWN"),
    ("keine", "FREE"), ("butter", "CONTAINS"), ("牛乳", "UNKNOWN"), ("corn", "UNKNOWN"), ("none?", "UNKNOWN"),
    ("none but ask", "UNKNOWN"), ("none;zorgblat", "UNKNOWN"), ("7", "UNKNOWN"), ("unknown", "UNKNOWN"),
    ("nuts", "FREE"), ("tree_nuts", "FREE"), ("gluten, egg and mustard", "FREE"),
])  # fmt: skip
def test_a_declaration_is_believed_where_all_of_it_is_understood(declared: str, expected: str) -> None:
    assert strength(dish("Plain dish", declared=declared)) == expected


def test_nothing_beats_what_is_declared() -> None:
    assert (
        strength(dish("Dairy-free vegan cake", "apple", declared="milk", tags="vegan;dairy-free"))
        == "CONTAINS"
    )


@whole_table("other", [
    dish("Cheese toast", declared="gluten"), dish("Toast", declared="gluten", description="with butter"),
    dish("Toast", "cheddar", declared="gluten"), dish("Toast", declared="gluten", tags="cheese"),
    dish("Toast with cheese (gluten-free)", declared="none"),
])  # fmt: skip
def test_words_speak_against_a_declaration(other: DishFacts) -> None:
    assert strength(other) == "CONTAINS"


def test_all_ingredients_must_be_known() -> None:
    assert strength(dish("Bowl", "rice", "chopped fresh parsley", "2 tbsp olive oil")) == "FREE"
    assert strength(dish("Bowl", "rice", "zorgblat")) == "UNKNOWN"
    assert strength(dish("Bowl", "rice zorgblat")) == "UNKNOWN"
    assert strength(dish("Bowl", "", " ")) == "UNKNOWN"
    assert strength(dish("Bowl with butter", "rice")) == "CONTAINS"
    assert strength(dish("Bowl", "rice", "vegetable stock cube")) == "MAY_CONTAIN"
    assert strength(dish("Vegetable soup", "carrots", "water")) == "FREE"


@whole_table("text group expected", [
    ("gluten-free bread", "gluten", "FREE"), ("bread (gluten-free)", "gluten", "FREE"),
    ("bread, gluten free", "gluten", "FREE"), ("Brot ohne Gluten", "gluten", "FREE"),
    ("glutenfreier Kuchen", "gluten", "FREE"), ("pain sans gluten", "gluten", "FREE"),
    ("pane senza glutine", "gluten", "FREE"), ("pan sin gluten", "gluten", "FREE"),
    ("gluten-free bread and barley", "gluten", "CONTAINS"),
    ("gluten-free bread with beer", "gluten", "CONTAINS"), ("wheat-free bread", "gluten", "CONTAINS"),
    ("gluten-free butter", "milk", "CONTAINS"), ("bread without milk or eggs", "milk", "FREE"),
    ("bread without milk or eggs", "eggs", "FREE"), ("bread without nuts and milk", "milk", "CONTAINS"),
    ("lactose-free milk", "milk", "CONTAINS"), ("lactose-free milk", "lactose", "FREE"),
    ("dairy-free cheese", "milk", "FREE"), ("dairy-free cheese", "tree_nuts", "MAY_CONTAIN"),
    ("vegan cheese", "milk", "FREE"), ("vegan cheddar", "milk", "FREE"),
    ("vegan cheddar", "soy", "MAY_CONTAIN"), ("may contain traces of nuts", "tree_nuts", "MAY_CONTAIN"),
    ("rice (may contain nuts)", "tree_nuts", "MAY_CONTAIN"),
    ("Reis (kann Spuren von Nüssen enthalten)", "tree_nuts", "MAY_CONTAIN"),
    ("gluten-free bread available", "gluten", "CONTAINS"), ("not gluten-free bread", "gluten", "CONTAINS"),
    ("non-vegan cheese", "milk", "CONTAINS"), ("cheese (vegan?)", "milk", "CONTAINS"),
    ("may or may not contain nuts", "tree_nuts", "MAY_CONTAIN"),
    ("no gluten-free bread", "gluten", "CONTAINS"), ("butter chicken by our vegan chef", "milk", "CONTAINS"),
    ("no bake cheesecake", "milk", "CONTAINS"), ("free range eggs", "eggs", "CONTAINS"),
    ("butter free range", "milk", "CONTAINS"), ("hazelnut-free nut spread", "tree_nuts", "CONTAINS"),
    ("nut-free pesto", "tree_nuts", "FREE"), ("eggless mayonnaise", "eggs", "FREE"),
    ("halal chicken", "meat_not_halal", "FREE"), ("alcohol-free beer", "alcohol", "FREE"),
    ("alcohol-free beer", "gluten", "CONTAINS"), ("fish and gluten free chips", "fish", "CONTAINS"),
    ("sugar free milk chocolate", "milk", "CONTAINS"),
])  # fmt: skip
def test_a_claim_rules_out_what_it_names_in_its_own_phrase(text: str, group: str, expected: str) -> None:
    shown = evidence(dish("Dish", "rice", text, description=text))[group].strength.name
    assert shown == expected
    if group in read_restrictions("", [group], []).allergies:
        strength(dish("Dish", "rice", text), group)


def test_traces_in_a_description_count() -> None:
    assert (
        strength(dish("Cake", declared="eggs;gluten", description="May contain traces of milk."))
        == "MAY_CONTAIN"
    )
    assert strength(dish("Cake", declared="eggs;gluten", description="No milk.")) == "FREE"


def test_unreadable_text_makes_a_dish_unknown() -> None:
    assert strength(dish("Rice 牛乳", declared="none")) == "UNKNOWN"
    assert strength(dish("Rice", "rice", description="мolоkо")) == "UNKNOWN"
    assert strength(dish("Rice", "rice", tags="сыр")) == "UNKNOWN"


def test_reasons_say_what_and_where() -> None:
    pasta = dish("Pasta", "spaghetti", "pecorino cheese")
    (left,) = permitted([pasta], MILK)[1]
    assert left.sentence == "contains milk: 'pecorino cheese' in ingredients"
    (left,) = permitted([dish("Pasta")], read_restrictions("", ["sesame"], []))[1]
    assert left.sentence == "nothing says that it is free of sesame: no ingredients are listed"
    (left,) = permitted([dish("Pasta", "zorgblat")], read_restrictions("", ["sesame"], []))[1]
    assert left.sentence == "nothing says that it is free of sesame: 'zorgblat' in ingredients is not known"
    (left,) = permitted([dish("Rice", "rice", "Butter")], read_restrictions("vegan", [], []))[1]
    assert left.sentence == "not shown to be vegan: contains milk: 'Butter' in ingredients"
    (left,) = permitted([dish("Rice", "rice", "vegetable stock")], read_restrictions("", ["celery"], []))[1]
    assert left.sentence == "may contain celery: 'vegetable stock' in ingredients"
