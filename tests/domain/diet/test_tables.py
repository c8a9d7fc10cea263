"""The dictionary: every line is complete, names known substances, and has a source that is explained."""

from __future__ import annotations

from importlib import resources

from components.domain.diet.dictionary import ALLERGENS, SUBSTANCES, dictionary, lines
from components.domain.diet.forms import LANGUAGES
from components.domain.diet.letters import UNREADABLE, fold
from tests.tables import whole_table

FOODS = ("cereals", "milk_eggs", "sea", "meat", "nuts_seeds", "plants", "composed", "treated", "additives")
SOURCES = resources.files("components.domain.diet").joinpath("words", "SOURCES.md").read_text("utf-8")


@whole_table("table", FOODS)
def test_every_line_is_complete(table: str) -> None:
    seen_before: set[tuple[str, str]] = set()
    for term, language, contains, may_contain, source in lines(table):
        assert language in LANGUAGES, term
        assert {*contains.split(","), *may_contain.split(",")} <= {*SUBSTANCES, ""}, term
        assert f"| {source} |" in SOURCES, term
        assert (term, language) not in seen_before, term
        assert fold(term), term
        assert UNREADABLE not in fold(term), term
        seen_before.add((term, language))


def test_every_group_has_members_in_five_languages() -> None:
    for group in ALLERGENS:
        languages = {
            line[1] for table in (*FOODS, "names") for line in lines(table) if group in line[2].split(",")
        }
        assert {"en", "de", "fr", "it", "es"} <= languages, group


def test_names_of_the_groups_in_fifty_languages_are_read() -> None:
    assert len({locale for _, locale, _, _ in lines("labels")}) == 50
    assert set().union(*dictionary().names.values()) == set(ALLERGENS)


def test_longer_terms_do_not_hide_fish_nuts_or_shellfish_of_their_words() -> None:
    hidden = [
        form
        for form, mention in dictionary().terms.items()
        if form.count(" ") == 1
        for word in form.split()
        if word
        in ("anchovy", "prawn", "shrimp", "almond", "hazelnut", "walnut", "cashew", "sesame", "peanut")
        and not dictionary().terms[word].contains <= mention.contains | mention.may
    ]
    assert set(hidden) <= {"almond potato", "almond potatos", "almond potatoes"}
