"""What a kitchen declares counts only where all of it is understood; no part of it is dropped."""

from __future__ import annotations

from components.domain.diet import DishFacts, Restrictions, permitted, read_restrictions
from components.domain.diet.declared import spelled_out
from components.domain.diet.dictionary import ALLERGENS, dictionary
from tests.domain.diet import both_ways
from tests.tables import whole_table


def is_offered(declared: str | tuple[str, ...], group: str) -> bool:
    entries = (declared,) if isinstance(declared, str) else declared
    dish = DishFacts("d", "Tagesteller", allergens=entries, letters="austria")
    return both_ways.is_offered(dish, Restrictions(allergies=(group,)))


@whole_table("declared", [
    "A, C und G", "Weizen, Ei und G", ("Weizen", "Ei und G"), "A, C, Spuren von G", "Weizen G", "Weizen / G",
    "A C G", "gluten\nG", "a, c e g", "A, C & G", "Weizen\tG", "A·C·G", "A|C|G", "A/C/G", "A (Ei, G)",
    "Soja G", "A,C,g*", "Allergene: A, C; G", "m i l k", "latte e uova", "A, C plus G", "A1, C, G.",
    "молоко, A",
])  # fmt: skip
def test_all_of_a_declaration_is_read(declared: str | tuple[str, ...]) -> None:
    assert not is_offered(declared, "milk")
    assert is_offered(declared, "crustaceans")


@whole_table("declared", [
    "Weizen, 7", "1 gluten, 3, 7", "A,C,G + traces", "A,C,G 1", "Ei, En", "milk, others on request",
    "gluten and more", "milk, ask", "A-G", "A - G", "A–G", "A bis G", "A to G", "A à G", "gluten and",
    "Weizen.C", "Ei-C", "A,C,x", "A,C,G1", "AC", "contains", "contains: ", "gluten, no milk", "milk, vegan",
    "gluten, milk-free", "gluten, corn", "traces", "gluten; nein", "milk 50%", "gluten, see board",
    "none, ask", "Weizen u.a.", "n/a", "N/A", "n. a.", "k. A.", "k.A.", "o. A.", "N A", "z. B. A",
    "A, traces, G", "gluten; -; ?", "Weizen etc.", "A, C ..., G?",
])  # fmt: skip
def test_a_declaration_with_a_part_that_is_no_allergen_is_as_if_there_were_none(declared: str) -> None:
    assert not any(is_offered(declared, group) for group in ALLERGENS)


@whole_table("declared groups", [
    ("A, C und G", "gluten eggs milk"), ("glutine, uova e latte", "gluten eggs milk"),
    ("fruits à coque, lait", "tree_nuts milk"), ("Weizenmehl (A), Vollmilch (G)", "gluten milk"),
    ("enthält Weizen und Ei", "gluten eggs"), ("contains: wheat, traces of G", "gluten milk"),
    ("Contains: milk. May contain: nuts, soya.", "milk tree_nuts peanuts soy"),
    ("Contains milk and egg. May contain traces of nuts", "milk eggs tree_nuts peanuts"),
    ("L", "celery sulphites"), ("sulphites, E220", "sulphites"), ("none", ""), ("keine", ""),
])  # fmt: skip
def test_what_is_not_declared_is_free(declared: str, groups: str) -> None:
    offered = {group for group in ALLERGENS if is_offered(declared, group)}
    assert offered == set(ALLERGENS).difference(groups.split())


def test_an_unclear_declaration_leaves_it_to_the_ingredients() -> None:
    dish = DishFacts("d", "Bowl", ingredients=("rice", "peas"), allergens=("A, 7",), letters="austria")
    assert permitted([dish], Restrictions(allergies=("milk",)))[0] == (dish,)
    assert permitted([dish], Restrictions(allergies=("gluten",)))[0] == ()


def test_no_code_of_a_menu_makes_a_term_with_the_word_beside_it() -> None:
    # `Soja G` is soy and milk, not soy milk.
    names = {"tree nuts" if group == "tree_nuts" else group for group in ALLERGENS}
    for form in dictionary().terms:
        first, _, rest = form.partition(" and ")
        assert not rest or not {first, *rest.split(" and ")} & (names - {"fish"}), form


@whole_table("written", ["A und C", "G", "e", "A, G", "C G", "milk, G", "g.", "x", "A1", "(G)"])
def test_a_letter_of_a_person_keeps_every_dish_out(written: str) -> None:
    peas = [DishFacts("d", "Peas", ingredients=("peas",), allergens=("none",), letters="austria")]
    assert permitted(peas, read_restrictions("", [written], []))[0] == ()


def test_a_letter_that_is_a_word_is_none() -> None:
    for written, groups in (
        ("a peanut allergy", ("peanuts",)),
        ("E 220", ("sulphites",)),
        ("latte e uova", ("eggs", "milk")),
    ):
        assert read_restrictions("", [written], []).allergies == groups, written


def test_a_range_of_letters_is_not_its_ends() -> None:
    assert spelled_out("A - G") == "A - G"
    assert read_restrictions("", ["A to C"], []).allergies == ()
