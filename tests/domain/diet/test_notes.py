"""What an answer notes is what the docs say, word for word."""

from __future__ import annotations

from components.domain.diet import Restrictions, notes, read_restrictions
from components.domain.diet.basis import BY_DIET, COELIAC, UNKNOWN_FOOD
from components.domain.diet.diets import DIETS
from tests.conftest import REPO


def test_the_docs_have_every_note() -> None:
    page = " ".join((REPO / "docs" / "diet.md").read_text(encoding="utf-8").split())
    for sentence in (COELIAC, UNKNOWN_FOOD.format("huauzontle"), *BY_DIET.values()):
        assert sentence in page, sentence
    assert BY_DIET.keys() <= DIETS.keys()


def test_rennet_is_noted_of_every_diet_that_does_not_look_for_it() -> None:
    for name in ("halal", "kosher", "kosher-style"):
        assert ("rennet" in BY_DIET[name]) == ("rennet" not in DIETS[name].without), name


def test_who_writes_coeliac_in_any_language_is_warned() -> None:
    for written in (
        "celiac",
        "Coeliac disease",
        "Z\u00f6liakie",
        "c\u00e9liaque",
        "cel\u00edaco",
        "celiachia",
        "Sprue",
    ):
        assert [*notes(Restrictions(), ["milk", written])] == [COELIAC], written
    for written in ("celery", "sprouts", "gluten", "celeriac"):
        assert [*notes(Restrictions(), [written])] == [], written


def test_a_word_that_nobody_knows_as_a_food_is_said() -> None:
    for avoided, unknown in (
        ("zorgblat", ["zorgblat"]),
        ("sauce zorgblat", ["zorgblat"]),
        ("I don't like zorgblat, onions or xyzzy", ["xyzzy", "zorgblat"]),
        ("I don't like onions", []),
        ("coriander please", []),
        ("red meat", []),
        ("Thunfischpizza", []),
    ):
        noted = [*notes(read_restrictions("", [], [avoided]), [])]
        assert noted == [UNKNOWN_FOOD.format(word) for word in unknown], avoided
