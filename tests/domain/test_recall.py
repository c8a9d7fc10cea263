"""A dish is recalled from whoever was shown it while it was free for them, and from nobody else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from components.domain.catalogue import Person
from components.domain.diet import DishFacts
from components.domain.recall import Change, Recall, Showing

AT = datetime(2026, 11, 30, tzinfo=UTC)
FREE = DishFacts("d", "Pea stew", ingredients=("peas", "carrots"))
MILK = DishFacts("d", "Pea stew", ingredients=("peas", "carrots", "milk"))
UNLISTED = DishFacts("d", "Pea stew")
DECLARED = DishFacts("d", "Pea stew", allergens=("celery",))
MILK_DECLARED = DishFacts("d", "Pea stew", allergens=("celery", "milk"))
NAMED = DishFacts("d", "Pea stew with milk", ingredients=("peas", "carrots"))


def _reasons(
    shown: DishFacts,
    now: DishFacts,
    then: dict[str, Any],
    stored: Person | None = None,
    *,
    ranked: bool = False,
) -> tuple[str, ...]:
    """Why the dish is recalled from a person who was shown it; empty where it is not."""
    applied = {"diet": "", "allergies": [], "avoids": []} | then
    filters = json.dumps({"applied": applied} | ({} if ranked else {"k": 3}))
    affected = Recall({"x": Change(shown, now)}, {"ada": stored} if stored else {}).affected(
        [Showing("ada", AT, filters, ("other", "x"))]
    )
    return tuple(reason for _, _, reasons in affected for reason in reasons)


def test_who_was_shown_a_dish_is_told_what_it_holds_now() -> None:
    milk = {"allergies": ["milk"]}
    allergic = Person(allergies=("milk",), has_row=True)
    cases: list[tuple[str, tuple[str, ...], bool]] = [
        ("an ingredient more", _reasons(FREE, MILK, milk), True),
        ("a declaration more", _reasons(DECLARED, MILK_DECLARED, milk), True),
        ("another name", _reasons(FREE, NAMED, milk), True),
        ("no list any more", _reasons(FREE, UNLISTED, milk), True),
        ("another diet's word", _reasons(FREE, MILK, {"diet": "vegan"}), True),
        ("the second of two diets", _reasons(FREE, MILK, {"diet": "gluten-free;vegan"}), True),
        ("a diet stored since", _reasons(FREE, MILK, {}, Person(diet="halal;vegan", has_row=True)), True),
        ("an avoided word", _reasons(FREE, MILK, {"avoids": ["milk"]}), True),
        (
            "an allergy beside the groups",
            _reasons(FREE, DishFacts("d", "Stew", "", (), ("kiwi",)), {"allergies": ["kiwi"]}),
            True,
        ),
        ("a dictionary that reads otherwise", _reasons(MILK, MILK, milk), True),
        ("an allergy stored since, milk since", _reasons(FREE, MILK, {}, allergic), True),
        ("an allergy stored since, milk ever", _reasons(MILK, MILK, {}, allergic), False),
        ("no restriction", _reasons(FREE, MILK, {}), False),
        ("another allergy", _reasons(FREE, MILK, {"allergies": ["fish"]}), False),
        ("milk less", _reasons(MILK, FREE, {"allergies": ["peanuts"]}), False),
        ("a caller's words, and ours name milk", _reasons(FREE, MILK, milk, ranked=True), True),
        ("a caller's words, and ours say nothing", _reasons(FREE, UNLISTED, milk, ranked=True), False),
        ("an unreadable diet", _reasons(FREE, MILK, milk, Person(diet="breatharian", has_row=True)), True),
    ]
    assert [name for name, reasons, is_recalled in cases if bool(reasons) != is_recalled] == []
    assert _reasons(FREE, MILK, milk) == ("contains milk: 'milk' in ingredients",)


def test_answers_of_an_older_release_say_less_and_are_read() -> None:
    for filters in (
        '{"diet": "vegan", "allergies": ["milk"], "avoids": []}',
        '{"allergies": null, "k": 1, "applied": {"diet": "", "allergies": ["milk"], "avoids": []}}',
    ):
        showing = Showing("ada", AT, filters, ("x",))
        assert [*Recall({"x": Change(FREE, MILK)}, {}).affected([showing])], filters
